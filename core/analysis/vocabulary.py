"""The table of token embeddings as a map of meaning: which rows lie near which."""

from __future__ import annotations

import numpy as np


def near(trace, at: str, token_id: int):
    """The cosine between one row of the embedding table and every row, (V,)."""
    table_VD = trace.weights[f"{at}.token.weight"]
    return cosines_with(table_VD, table_VD[token_id])


def arithmetic(trace, at: str, a: int, b: int, c: int):
    """The cosine between a − b + c and every row of the table, (V,) (Mikolov et al. 2013)."""
    table_VD = trace.weights[f"{at}.token.weight"]
    return cosines_with(table_VD, table_VD[a] - table_VD[b] + table_VD[c])


def cosines_with(table_VD, x_D):
    """The cosine between a vector and every row of a table, (V,); 0 for rows that are all zeros."""
    length_V = np.sqrt(np.vecdot(table_VD, table_VD))
    return table_VD @ x_D / np.maximum(length_V * np.sqrt(x_D @ x_D), np.finfo(table_VD.dtype).tiny)


def nearest(cosine_V, count: int, leave_out=()) -> np.ndarray:
    """The ids of the largest cosines, the largest first, without some."""
    cosine_V = np.array(cosine_V)
    cosine_V[list(leave_out)] = -np.inf
    best = np.argpartition(-cosine_V, min(count, len(cosine_V) - 1))[:count]
    return best[np.argsort(-cosine_V[best], kind="stable")]


def neighbours(table_VD, ids_N, count: int) -> np.ndarray:
    """For some rows of the table the ids of their nearest others by cosine, the nearest first, (N,
    count).
    """
    length_V = np.maximum(np.sqrt(np.vecdot(table_VD, table_VD)), np.finfo(table_VD.dtype).tiny)
    ids_N = np.asarray(ids_N)
    found = []
    for start in range(0, len(ids_N), 16):  # a few at a time: N · V is large
        some_N = ids_N[start : start + 16]
        found += [
            nearest(cosine_V, count, [i])
            for i, cosine_V in zip(some_N, table_VD[some_N] @ table_VD.T / length_V)
        ]
    return np.array(found, dtype=int).reshape(len(ids_N), -1)
