"""Phi-3 (Abdin et al. 2024): Llama whose q, k and v lie in one tensor, and so do the two ways into
the neurons; a part of each head may be turned, longer texts by other angles (LongRoPE).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.config import Config
from core.models import keys, rope_config
from core.models.families.common import Family, Layout, with_defaults
from core.models.families.llama import DECODER_ONLY, NAMES, layout_of
from core.models.families.windows import window_of
from core.models.fields import Fields
from core.models.stored import Stored

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
    return replace(found, parts=joined_parts(found.config))


def renamed(data: Fields, key: str) -> dict:
    """The same object of rope parameters, with LongRoPE called by its later name."""
    rope = data.get(key, {})
    if not isinstance(rope, dict):
        return {}
    older = {name: "longrope" for name in ("rope_type", "type") if rope.get(name) in ("su", "yarn")}
    return {key: rope | older} if older else {}


def joined_parts(config: Config) -> dict[str, tuple[int, int]]:
    """Where the parts begin in the joined tensors, and how many rows these have."""
    c, found = config, {}
    q, kv = c.n_heads * c.d_head, c.n_kv_heads * c.d_head
    for layer in range(c.decoder_layers):
        at = f"decoder.{layer}"
        starts = {"q": 0, "k": q, "v": q + kv}
        found |= {f"{at}.attn.{x}": (start, q + 2 * kv) for x, start in starts.items()}
        found |= {f"{at}.mlp.pre": (0, 2 * c.d_mlp), f"{at}.mlp.hidden.up": (c.d_mlp, 2 * c.d_mlp)}
    return found


FAMILY = Family(("model.", "transformer."), KEYS, layout)
