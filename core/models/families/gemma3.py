"""Gemma 3 (Kamath et al. 2025), the text model: norms of queries and keys, and another angle in the
layers with a window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...config import Rope
from .. import keys, rope_config
from ..fields import Fields
from ..stored import Stored
from . import gemma, gemma2
from .common import ANY_LENGTH, Family, Layout

KEYS = keys.family_keys(
    computed=(
        f"{gemma.COMPUTED} hidden_activation query_pre_attn_scalar sliding_window layer_types "
        "final_logit_softcapping sliding_window_pattern rope_parameters rope_scaling rope_theta "
        "rope_local_base_freq"
    ),
    null=(
        "eos_token_id layer_types final_logit_softcapping sliding_window_pattern rope_parameters "
        "rope_scaling rope_theta rope_local_base_freq"
    ),
    refused={**gemma.REFUSED, "attn_logit_softcapping": (None,)},
    no_effect=f"{gemma.NO_EFFECT} _sliding_window_pattern",
)
NAMES = gemma2.NAMES | {
    "decoder.{}.attn.q.norm": "layers.{}.self_attn.q_norm",
    "decoder.{}.attn.k.norm": "layers.{}.self_attn.k_norm",
}
_THETAS = {
    "full_attention": ("rope_theta", 1e6),
    "sliding_attention": ("rope_local_base_freq", 1e4),
}


def layout(data: Fields, tensors: Mapping[str, Stored]) -> Layout:
    """A Gemma 3 text model's config and names."""
    common = gemma.sizes_of(data, "Gemma 3", D=2304, H=8, G=4, F=9216, V=262208, layers=26)
    every = data.whole("sliding_window_pattern", 6)
    near = gemma2.near_layers(data, common["decoder_layers"], every)
    n_positions = data.whole("max_position_embeddings", 131072, high=ANY_LENGTH)
    ropes = {kind: rope_of(data, kind, common["d_head"], n_positions) for kind in _THETAS}
    logit_cap = data.get("final_logit_softcapping")
    fields = common | {
        **gemma2.shape(data, near),
        "n_positions": n_positions,
        "ropes": tuple(ropes[gemma2.LAYER_TYPES[not each]] for each in near),
        "qk_norm": "head",
        "logit_cap": logit_cap and data.number("final_logit_softcapping", low=1e-6),
    }
    return gemma.gemma_layout(data, tensors, fields, NAMES)


def rope_of(data: Fields, kind: str, d_head: int, n_positions: int) -> Rope:
    """How the layers of one kind turn. Stretching that stands beside counts for those without a
    window.
    """
    given = data.get("rope_parameters", {})
    if not isinstance(given, dict) or set(given) - set(_THETAS):
        data.refuse("rope_parameters", f"an object of {' and '.join(_THETAS)}")
    own, scaling = given.get(kind) or {}, data.get("rope_scaling", {})
    if not isinstance(own, dict) or not isinstance(scaling, dict):
        data.refuse("rope_parameters", "an object for each kind of layer")
    key, theta = _THETAS[kind]
    own = own | (scaling if kind == "full_attention" else {})
    values = {"rope_theta": data.get(key, theta)} | own
    rope_config.check_object(Fields(own, f"“rope_parameters” in {data.where}"), data)
    rope = rope_config.rope_from(replace(data, values=values), d_head, n_positions)
    if rope.grows:
        data.refuse("rope_parameters", "a kind of stretching that does not grow with the text")
    return rope


FAMILY = Family(("model.",), KEYS, layout)
