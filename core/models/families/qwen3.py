"""Qwen 3 (Yang et al. 2025): Llama with norms of each head's query and key."""

from __future__ import annotations

from collections.abc import Mapping

from .. import keys
from ..fields import Fields
from ..stored import Stored
from . import qwen2
from .common import Family, Layout, with_defaults
from .llama import ATTENTION, DECODER_ONLY, NAMES, layout_of
from .windows import upper_windows

KEYS = keys.family_keys(
    f"head_dim attention_bias {qwen2.COMPUTED}", DECODER_ONLY, qwen2.NO_EFFECT, qwen2.NULL
)
DEFAULTS = qwen2.DEFAULTS | {"head_dim": 128}
HEAD_NORMS = {
    "decoder.{}.attn.q.norm": "layers.{}.self_attn.q_norm",
    "decoder.{}.attn.k.norm": "layers.{}.self_attn.k_norm",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Qwen 3 model's config and names."""
    data = with_defaults(data, DEFAULTS)
    biases = ATTENTION if data.flag("attention_bias", False) else ()
    names, windows = NAMES | HEAD_NORMS, upper_windows(data)
    return layout_of(
        data, tensors, "Qwen3", biases=biases, names=names, windows=windows, qk_norm="head"
    )


FAMILY = Family(("model.", "transformer."), KEYS, layout)
