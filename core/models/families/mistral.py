"""Mistral (Jiang et al. 2023): Llama whose layers may all have a window."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import Family, Layout, with_defaults
from .llama import DECODER_ONLY, layout_of
from .windows import window_of

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads head_dim "
        "intermediate_size hidden_act max_position_embeddings rms_norm_eps tie_word_embeddings "
        f"eos_token_id pad_token_id sliding_window {rope_config.KEYS}"
    ),
    null=f"head_dim eos_token_id pad_token_id sliding_window {rope_config.NULL}",
    refused=DECODER_ONLY,
    no_effect="attention_dropout initializer_range is_decoder",
)
DEFAULTS = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_act": "silu",
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-6,
    "eos_token_id": 2,
    "sliding_window": 4096,
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Mistral model's config and names."""
    data = with_defaults(data, DEFAULTS)
    return layout_of(data, tensors, "Mistral", windows=(window_of(data),))


FAMILY = Family(("model.", "transformer."), KEYS, layout)
