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
