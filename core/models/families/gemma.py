"""Gemma (Mesnard et al. 2024), and what Gemma 2 and 3 have of it: `gemma2.py`, `gemma3.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import ACTIVATIONS, Family, Layout, layer_count, sizes
from .decoders import SHARED, decoder_layout, turning
from .llama import NAMES

COMPUTED = (
    "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads head_dim "
    "intermediate_size max_position_embeddings rms_norm_eps attention_bias tie_word_embeddings "
    "eos_token_id "
)
REFUSED = {**SHARED, "use_bidirectional_attention": (None, False)}
NO_EFFECT = "attention_dropout initializer_range is_decoder"
KEYS = keys.family_keys(
    computed=f"{COMPUTED} hidden_act {rope_config.KEYS}",
    null=f"eos_token_id {rope_config.NULL}",
    refused=REFUSED,
    no_effect=f"{NO_EFFECT} hidden_activation",
)
_ACTIVATIONS = ACTIVATIONS | {"gelu": "gelu_tanh"}  # the first configs said so, and meant tanh


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Gemma model's config and names."""
    common = sizes_of(data, "Gemma", D=3072, H=16, G=16, F=24576, V=256000, layers=28)
    fields = common | {
        **turning(data, common["d_head"], 8192),
        "norm_at": "before",
        "activation": data.choice("hidden_act", "gelu_pytorch_tanh", _ACTIVATIONS),
    }
    return gemma_layout(data, tensors, fields, NAMES)


def sizes_of(
    data: Fields, family: str, *, D: int, H: int, G: int, F: int, V: int, layers: int
) -> dict[str, Any]:
    """What all Gemmas' configs say: sizes, and the fields that never differ. Each letter: the
    default of `transformers`.
    """
    common = sizes(
        data,
        family,
        D=("hidden_size", D),
        H=("num_attention_heads", H),
        F=("intermediate_size", F),
        V=V,
        decoder_layers=layer_count(data, "num_hidden_layers", layers),
        n_kv_heads=data.whole("num_key_value_heads", G),
        d_head=data.whole("head_dim", 256),
        norm="rms",
    )
    del common["encoder_layers"]
    return common | {
        "positions": "rotary",
        "norm_eps": data.number("rms_norm_eps", 1e-6, high=1),
        "gated": True,
        "embed_scale": common["d_model"] ** 0.5,
        "final_norm": True,
        "end_id": data.token_id("eos_token_id", common["n_vocab"], 1),
    }


def gemma_layout(
    data: Fields, tensors: Mapping[str, Stored], fields: dict[str, Any], table: dict
) -> Layout:
    """The layout of a Gemma: its norms are stored less 1."""
    in_attn = data.flag("attention_bias", False)
    return decoder_layout(
        data,
        tensors,
        fields,
        table,
        tied=True,
        biased=lambda name: in_attn and ".attn." in name and "norm" not in name,
        norms_less_one=True,
    )


FAMILY = Family(("model.",), KEYS, layout)
