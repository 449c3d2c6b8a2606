"""How long the vectors of a trace are, how alike, and how far a layer moves them."""

from __future__ import annotations

import numpy as np

TINY = np.finfo(np.float64).tiny


def lengths(x_LD) -> np.ndarray:
    """‖x‖ over the last axis."""
    return np.linalg.norm(np.asarray(x_LD, dtype=np.float64), axis=-1)


def cosines(a_LD, b_LD) -> np.ndarray:
    """The cosine between each row of one array and the same row of the other, (L,); 0 where a row
    is all zeros.
    """
    a_LD, b_LD = (np.asarray(each, dtype=np.float64) for each in (a_LD, b_LD))
    return np.vecdot(a_LD, b_LD) / np.maximum(lengths(a_LD) * lengths(b_LD), TINY)


def all_cosines(x_LD) -> np.ndarray:
    """The cosine between every row and every other, (L, L)."""
    x_LD = np.asarray(x_LD, dtype=np.float64)
    unit_LD = x_LD / np.maximum(lengths(x_LD), TINY)[:, None]
    return unit_LD @ unit_LD.T


def length_of(leaf: str):
    """The derived value that says how long the vectors of a step are."""

    def length(trace, at: str):
        """‖x‖ of each token's vector, (L,); of each head's, (H, L)."""
        return lengths(trace[f"{at}.{leaf}"])

    return length


def similarity_of(leaf: str):
    """The derived value that compares all tokens' vectors of a step with each other."""

    def similarity_between(trace, at: str):
        """The cosine between the vectors of two tokens, (L, M)."""
        return all_cosines(trace[f"{at}.{leaf}"])

    return similarity_between


def similarity(trace, at: str):
    """The cosine between each token's vector after this layer and the one it came in with, (L,)."""
    side = at.split(".")[0]
    return cosines(trace[f"{at}.out"], trace[f"{side}.embed.out"])


def turned(trace, at: str):
    """The cosine between each token's vector after this layer and before it, (L,)."""
    return cosines(trace[f"{at}.out"], trace[f"{at}.attn.in"])


def step_length(trace, at: str):
    """How far this layer moved each token, as a share of its vector's length before, (L,)."""
    after_LD, before_LD = (
        trace[f"{at}.out"].astype(np.float64),
        trace[f"{at}.attn.in"].astype(np.float64),
    )
    return lengths(after_LD - before_LD) / np.maximum(lengths(before_LD), TINY)


def relative(trace, at: str):
    """How long a sublayer's update is, as a share of the vector that it is added to, (L,)."""
    return lengths(trace[f"{at}.out"]) / np.maximum(lengths(trace[f"{at}.in"]), TINY)


def pooled(trace, at: str):
    """The mean of all tokens' last vectors, (D,): one vector for the text (Reimers & Gurevych 2019,
    section 3).
    """
    return trace[f"{at}.out"].astype(np.float64).mean(axis=0)
