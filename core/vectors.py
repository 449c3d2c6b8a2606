"""How long vectors are, and how alike."""

from __future__ import annotations

from collections.abc import Iterator

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


def in_blocks(table_VD) -> Iterator[np.ndarray]:
    """All rows of a table, as many at a time as are in memory: those of an array at once, those of
    a table that stays in its file (core/models/streaming.py) a few at a time.
    """
    return (
        (rows for _, rows in table_VD.blocks()) if hasattr(table_VD, "blocks") else iter([table_VD])
    )


def row_lengths(table_VD) -> np.ndarray:
    """‖x‖ of every row of a table, in the table's own kind of number, (V,)."""
    return np.concatenate([np.sqrt(np.vecdot(rows, rows)) for rows in in_blocks(table_VD)])


def ranks(x_N) -> np.ndarray:
    """The place of each number in the order of all, from 0; equal ones share the middle of their
    places.
    """
    _, inverse, counts = np.unique(x_N, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def rank_correlation(a_N, b_N) -> float:
    """How far two lists of numbers agree in their order (Spearman 1904): 1 in the same, −1 in the
    reverse; NaN where one of them has no order, or holds NaN.
    """
    if np.isnan(a_N).any() or np.isnan(b_N).any():
        return np.nan
    a_N, b_N = (ranks(each) - (len(each) - 1) / 2 for each in (a_N, b_N))
    both = float(np.linalg.norm(a_N) * np.linalg.norm(b_N))
    return float(a_N @ b_N) / both if both else np.nan
