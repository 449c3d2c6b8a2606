"""How far the queries and keys of an attention turned in a run: rotary positions, off a trace."""

from __future__ import annotations

import numpy as np

from .config import Rope
from .ops import frequencies, rotate, waves_of


def rope_at(config, path: str) -> Rope | None:
    """How the attention at a path ("decoder.3.attn") turns; None where it does not."""
    return config.rope(int(path.split(".")[1]))


def turn_rates(trace, path: str, which: str = "q"):
    """By how many radians each pair of its queries ("q") or keys ("k") turned from one token to the
    next, (P,); empty where it turns nothing.
    """
    rope = rope_at(trace.config, path)
    if rope is None:
        return np.zeros(0)
    return frequencies(rope, trace.config.d_head, trace.shape(f"{path}.{which}")[1])


def turned(trace, path: str, which: str, x_SLK, rows_L):
    """Vectors of a head, turned as its queries or keys at those positions were, (S, L, K)."""
    rope = rope_at(trace.config, path)
    if rope is None:
        return x_SLK
    angle_LP = np.asarray(rows_L)[:, None] * turn_rates(trace, path, which)
    return rotate(x_SLK, *waves_of(angle_LP, x_SLK.shape[-1], x_SLK.dtype, rope.size))
