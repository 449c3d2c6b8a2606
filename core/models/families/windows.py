"""Which layers of a model look only so far, as a config.json of `transformers` says."""

from __future__ import annotations

from ...errors import GlassError
from ..fields import Fields
from .common import layer_count

WINDOW_KEYS = "use_sliding_window sliding_window max_window_layers layer_types"
WINDOW_NULL = "sliding_window layer_types"
FULL, SLIDING = "full_attention", "sliding_attention"


def window_of(data: Fields) -> int | None:
    """How many tokens away one is still seen: `sliding_window` counts the token itself."""
    if data.get("sliding_window") is None:
        return None
    return data.whole("sliding_window", high=1 << 31) - 1


def upper_windows(data: Fields) -> tuple[int | None, ...]:
    """By layer: those from `max_window_layers` on have a window, or those that `layer_types` names;
    none has one unless `use_sliding_window` is true.
    """
    window = window_of(data) if data.flag("use_sliding_window", False) else None
    first = data.whole("max_window_layers", low=0)
    n_layers = layer_count(data, "num_hidden_layers")
    sliding = [window is not None and layer >= first for layer in range(n_layers)]
    return windows_of(data, sliding, window)


def windows_of(data: Fields, sliding: list[bool], window: int | None) -> tuple[int | None, ...]:
    """By layer: the window, or None. sliding: which layers have it where `layer_types` says
    nothing.
    """
    kinds = data.get("layer_types")
    if kinds is not None:
        known = isinstance(kinds, list) and len(kinds) == len(sliding)
        if not known or any(kind not in (FULL, SLIDING) for kind in kinds):
            data.refuse("layer_types", f"for each layer {FULL} or {SLIDING}")
        sliding = [kind == SLIDING for kind in kinds]
    if any(sliding) and window is None:
        raise GlassError(
            f"{data.where} gives layers a window (“layer_types”) but does not say how far it goes"
            " (“sliding_window”)."
        )
    return tuple(window if each else None for each in sliding)
