"""Phi 1, 1.5 and 2 (Gunasekar et al. 2023, Li et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import ACTIVATIONS, Family, Layout, layer_count, sizes
from .decoders import SHARED, decoder_layout, turning

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads "
        "intermediate_size hidden_act max_position_embeddings layer_norm_eps "
        f"tie_word_embeddings eos_token_id {rope_config.KEYS}"
    ),
    null=f"num_key_value_heads eos_token_id {rope_config.NULL}",
    refused={**SHARED, "qk_layernorm": (False,), "head_dim": ()},
    no_effect="resid_pdrop embd_pdrop attention_dropout initializer_range is_decoder",
)
NAMES = {
    "decoder.embed.token": "embed_tokens",
    "decoder.{}.attn.norm": "layers.{}.input_layernorm",
    "decoder.{}.attn.q": "layers.{}.self_attn.q_proj",
    "decoder.{}.attn.k": "layers.{}.self_attn.k_proj",
    "decoder.{}.attn.v": "layers.{}.self_attn.v_proj",
    "decoder.{}.attn.out": "layers.{}.self_attn.dense",
    "decoder.{}.mlp.norm": "layers.{}.input_layernorm",
    "decoder.{}.mlp.pre": "layers.{}.mlp.fc1",
    "decoder.{}.mlp.out": "layers.{}.mlp.fc2",
    "decoder.norm": "final_layernorm",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Phi model's config and names."""
    common = sizes(
        data,
        "Phi",
        D=("hidden_size", 2048),
        H=("num_attention_heads", 32),
        F=("intermediate_size", 8192),
        V=51200,
        decoder_layers=layer_count(data, "num_hidden_layers", 24),
    )
    del common["encoder_layers"]
    common["n_kv_heads"] = data.whole("num_key_value_heads", common["n_heads"])
    fields = common | {
        **turning(data, common["d_head"], 2048, partial=0.5),
        "positions": "rotary",
        "norm_at": "before",
        "norm_eps": data.number("layer_norm_eps", 1e-5, high=1),
        "parallel": True,
        "activation": data.choice("hidden_act", "gelu_new", ACTIVATIONS),
        "final_norm": True,
        "end_id": data.token_id("eos_token_id", common["n_vocab"], 2),
    }
    return decoder_layout(data, tensors, fields, NAMES, tied=False, head_bias=True)


FAMILY = Family(("model.",), KEYS, layout)
