"""Gemma 2 (Riviere et al. 2024): norms around each sublayer, soft caps, windows in every other
layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from . import gemma, llama
from .common import ACTIVATIONS, Family, Layout
from .decoders import turning

COMPUTED = (
    f"{gemma.COMPUTED} hidden_activation query_pre_attn_scalar sliding_window layer_types "
    "final_logit_softcapping attn_logit_softcapping "
)
KEYS = keys.family_keys(
    computed=COMPUTED + rope_config.KEYS,
    null=(
        "eos_token_id layer_types final_logit_softcapping attn_logit_softcapping "
        f"{rope_config.NULL}"
    ),
    refused=gemma.REFUSED,
    no_effect=f"{gemma.NO_EFFECT} hidden_act",
)
NAMES = llama.NAMES | {
    "decoder.{}.attn.out.norm": "layers.{}.post_attention_layernorm",
    "decoder.{}.mlp.norm": "layers.{}.pre_feedforward_layernorm",
    "decoder.{}.mlp.out.norm": "layers.{}.post_feedforward_layernorm",
}
LAYER_TYPES = ("sliding_attention", "full_attention")


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Gemma 2 model's config and names."""
    common = gemma.sizes_of(data, "Gemma 2", D=2304, H=8, G=4, F=9216, V=256000, layers=26)
    near = near_layers(data, common["decoder_layers"], every=2)
    fields = common | {
        **turning(data, common["d_head"], 8192),
        **shape(data, near),
        "score_cap": cap(data, "attn_logit_softcapping", 50.0),
        "logit_cap": cap(data, "final_logit_softcapping", 30.0),
    }
    return gemma.gemma_layout(data, tensors, fields, NAMES)


def shape(data: Fields, near: list[bool]) -> dict[str, Any]:
    """What Gemma 2 and 3 have in common. near: which layers look through a window."""
    window = data.whole("sliding_window", 4096) - 1
    return {
        "norm_at": "around",
        "activation": data.choice("hidden_activation", "gelu_pytorch_tanh", ACTIVATIONS),
        "windows": tuple(window if each else None for each in near),
        "score_scale": data.whole("query_pre_attn_scalar", 256) ** -0.5,
    }


def near_layers(data: Fields, layers: int, every: int) -> list[bool]:
    """Which layers look through a window: those that the config names, or all but each one in so
    many.
    """
    kinds = data.get("layer_types")
    if kinds is None:
        return [bool((layer + 1) % every) for layer in range(layers)]
    if not isinstance(kinds, list) or any(kind not in LAYER_TYPES for kind in kinds):
        data.refuse("layer_types", f"a list of {' and '.join(LAYER_TYPES)}")
    if len(kinds) != layers:
        data.refuse("layer_types", f"a list with one entry for each of the {layers} layers")
    return [kind == LAYER_TYPES[0] for kind in kinds]


def cap(data: Fields, key: str, default: float) -> float | None:
    """What a tanh keeps scores or logits below; none where the config says null."""
    if key in data.values and data.values[key] is None:
        return None
    return data.number(key, default, low=1e-6)


FAMILY = Family(("model.",), KEYS, layout)
