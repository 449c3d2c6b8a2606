"""Phi-3 (Abdin et al. 2024): Llama whose q, k and v lie in one tensor, and so do the two ways into
the neurons; a part of each head may be turned, longer texts by other angles (LongRoPE).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...config import Config
from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from .common import Family, Layout, Rows, with_defaults
from .llama import DECODER_ONLY, NAMES, layout_of
from .windows import window_of

KEYS = keys.family_keys(
    computed=(
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads "
        "intermediate_size hidden_act max_position_embeddings rms_norm_eps tie_word_embeddings "
        f"eos_token_id pad_token_id sliding_window {rope_config.KEYS}"
    ),
    null=(f"num_key_value_heads eos_token_id pad_token_id sliding_window {rope_config.NULL}"),
    refused=DECODER_ONLY | {"head_dim": (None,)},
    no_effect="attention_dropout initializer_range is_decoder resid_pdrop embd_pdrop",
)
DEFAULTS = {
    "vocab_size": 32064,
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "hidden_act": "silu",
    "max_position_embeddings": 4096,
    "original_max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "eos_token_id": 32000,
    "pad_token_id": 32000,
}
JOINED = {f"decoder.{{}}.attn.{x}": "layers.{}.self_attn.qkv_proj" for x in "qkv"} | {
    "decoder.{}.mlp.pre": "layers.{}.mlp.gate_up_proj",
    "decoder.{}.mlp.hidden.up": "layers.{}.mlp.gate_up_proj",
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Phi-3 model's config and names."""
    data = with_defaults(data, DEFAULTS)
    for key in ("rope_scaling", "rope_parameters"):
        data = replace(data, values=data.values | renamed(data, key))
    found = layout_of(
        data, tensors, "Phi3", names=NAMES | JOINED, partial=1.0, windows=(window_of(data),)
    )
    return replace(found, rows=joined_rows(found.config))


def renamed(data: Fields, key: str) -> dict:
    """The same object of rope parameters, with LongRoPE called by its later name."""
    rope = data.get(key, {})
    if not isinstance(rope, dict):
        return {}
    older = {name: "longrope" for name in ("rope_type", "type") if rope.get(name) in ("su", "yarn")}
    return {key: rope | older} if older else {}


def joined_rows(config: Config) -> dict[str, Rows]:
    """Which rows of the joined tensors are whose."""
    c, at = config, "decoder.{}"
    q, kv, F = c.n_heads * c.d_head, c.n_kv_heads * c.d_head, c.d_mlp
    parts = {
        "attn.q": (0, q, q + 2 * kv),
        "attn.k": (q, q + kv, q + 2 * kv),
        "attn.v": (q + kv, q + 2 * kv, q + 2 * kv),
        "mlp.pre": (0, F, 2 * F),
        "mlp.hidden.up": (F, 2 * F, 2 * F),
    }
    return {
        f"{at}.{name}": Rows(np.arange(start, stop), of)
        for name, (start, stop, of) in parts.items()
    }


FAMILY = Family(("model.", "transformer."), KEYS, layout)
