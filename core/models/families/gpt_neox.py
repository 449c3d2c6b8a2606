"""GPT-NeoX (Black et al. 2022), and Pythia (Biderman et al. 2023), which has its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .. import keys
from ..fields import Fields
from ..stored import Stored
from .common import ACTIVATIONS, Family, Layout, layer_count, sizes
from .decoders import SHARED, cut_by_head, decoder_layout, turning

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act "
        "max_position_embeddings layer_norm_eps use_parallel_residual attention_bias "
        "tie_word_embeddings eos_token_id rotary_pct rotary_emb_base rope_parameters rope_scaling "
        "original_max_position_embeddings"
    ),
    null="eos_token_id rope_parameters rope_scaling original_max_position_embeddings",
    refused=SHARED,
    no_effect=("attention_dropout hidden_dropout classifier_dropout initializer_range is_decoder"),
)
NAMES = {
    "decoder.embed.token": "embed_in",
    "decoder.{}.attn.norm": "layers.{}.input_layernorm",
    "decoder.{}.attn.q": "layers.{}.attention.query_key_value",
    "decoder.{}.attn.k": "layers.{}.attention.query_key_value",
    "decoder.{}.attn.v": "layers.{}.attention.query_key_value",
    "decoder.{}.attn.out": "layers.{}.attention.dense",
    "decoder.{}.mlp.norm": "layers.{}.post_attention_layernorm",
    "decoder.{}.mlp.pre": "layers.{}.mlp.dense_h_to_4h",
    "decoder.{}.mlp.out": "layers.{}.mlp.dense_4h_to_h",
    "decoder.norm": "final_layer_norm",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A GPT-NeoX model's config and names."""
    common = sizes(
        data,
        "GPT-NeoX",
        D=("hidden_size", 6144),
        H=("num_attention_heads", 64),
        F=("intermediate_size", 24576),
        V=50432,
        decoder_layers=layer_count(data, "num_hidden_layers", 44),
    )
    del common["encoder_layers"]
    fields = common | {
        **turning(named_as_elsewhere(data), common["d_head"], 2048, partial=0.25),
        "positions": "rotary",
        "norm_at": "before",
        "norm_eps": data.number("layer_norm_eps", 1e-5, high=1),
        "parallel": data.flag("use_parallel_residual", True),
        "activation": data.choice("hidden_act", "gelu", ACTIVATIONS),
        "final_norm": True,
        "end_id": data.token_id("eos_token_id", common["n_vocab"], 2),
    }
    in_attn = data.flag("attention_bias", True)
    return decoder_layout(
        data,
        tensors,
        fields,
        NAMES,
        tied=False,
        head=("lm_head", "embed_out"),
        biased=lambda name: in_attn or ".attn." not in name or name.endswith("norm.bias"),
        rows=cut_by_head(common["n_heads"], common["d_head"]),
    )


def named_as_elsewhere(data: Fields) -> Fields:
    """The config with the rotary keys of other families, which this one does not read itself."""
    values = {
        "rope_theta": data.get("rotary_emb_base"),
        "partial_rotary_factor": data.get("rotary_pct"),
    }
    return replace(data, values=data.values | values)


FAMILY = Family(("gpt_neox.",), KEYS, layout)
