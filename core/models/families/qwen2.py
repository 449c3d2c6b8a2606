"""Qwen 2 and 2.5 (Yang et al. 2024): Llama with biases of q, k and v; upper layers may have a
window.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import Family, Layout, with_defaults
from .llama import DECODER_ONLY, layout_of
from .windows import WINDOW_KEYS, WINDOW_NULL, upper_windows

COMPUTED = (
    "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads "
    "intermediate_size hidden_act max_position_embeddings rms_norm_eps tie_word_embeddings "
    f"eos_token_id pad_token_id {WINDOW_KEYS} {rope_config.KEYS}"
)
NULL = f"num_key_value_heads eos_token_id pad_token_id {WINDOW_NULL} {rope_config.NULL}"
NO_EFFECT = "attention_dropout initializer_range is_decoder"
KEYS = keys.family_keys(f"head_dim {COMPUTED}", DECODER_ONLY, NO_EFFECT, NULL)
DEFAULTS = {
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "hidden_act": "silu",
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
    "sliding_window": 4096,
    "max_window_layers": 28,
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Qwen 2 model's config and names."""
    data = with_defaults(data, DEFAULTS)
    biases, windows = ("attn.q", "attn.k", "attn.v"), upper_windows(data)
    return layout_of(data, tensors, "Qwen2", biases=biases, windows=windows)


FAMILY = Family(("model.", "transformer."), KEYS, layout)
