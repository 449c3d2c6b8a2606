"""Bloom (Scao et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys
from ..fields import Fields
from ..stored import Stored
from .common import Family, Layout, layer_count, sizes
from .decoders import SHARED, cut_by_head, decoder_layout

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size n_layer n_head layer_norm_epsilon tie_word_embeddings eos_token_id"
    ),
    null="eos_token_id",
    also={
        "n_embed": "hidden_size",
        "num_hidden_layers": "n_layer",
        "num_attention_heads": "n_head",
    },
    refused={
        **SHARED,
        "apply_residual_connection_post_layernorm": (False,),
        "slow_but_exact": (False,),  # leaves biases out
    },
    no_effect=(
        "hidden_dropout attention_dropout initializer_range is_decoder pretraining_tp "
        "seq_length n_inner bias_dropout_fusion masked_softmax_fusion "
        "attention_softmax_in_fp32 skip_bias_add skip_bias_add_qkv offset_alibi unk_token_id"
    ),
)
NAMES = {
    "decoder.embed.token": "word_embeddings",
    "decoder.embed.norm": "word_embeddings_layernorm",
    "decoder.{}.attn.norm": "h.{}.input_layernorm",
    "decoder.{}.attn.q": "h.{}.self_attention.query_key_value",
    "decoder.{}.attn.k": "h.{}.self_attention.query_key_value",
    "decoder.{}.attn.v": "h.{}.self_attention.query_key_value",
    "decoder.{}.attn.out": "h.{}.self_attention.dense",
    "decoder.{}.mlp.norm": "h.{}.post_attention_layernorm",
    "decoder.{}.mlp.pre": "h.{}.mlp.dense_h_to_4h",
    "decoder.{}.mlp.out": "h.{}.mlp.dense_4h_to_h",
    "decoder.norm": "ln_f",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Bloom model's config and names."""
    common = sizes(
        data,
        "Bloom",
        D=("hidden_size", 64),
        H=("n_head", 8),
        F=("", None),
        V=250880,
        decoder_layers=layer_count(data, "n_layer", 2),
    )
    del common["encoder_layers"]
    fields = common | {
        "n_positions": None,
        "positions": "alibi",
        "norm_at": "before",
        "norm_eps": data.number("layer_norm_epsilon", 1e-5, high=1),
        "activation": "gelu_tanh",
        "embed_norm": True,
        "final_norm": True,
        "end_id": data.token_id("eos_token_id", common["n_vocab"], 2),
    }
    rows = cut_by_head(common["n_heads"], common["d_head"])
    return decoder_layout(data, tensors, fields, NAMES, tied=True, rows=rows)


FAMILY = Family(("transformer.",), KEYS, layout)
