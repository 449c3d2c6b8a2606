"""Flat pictures of vectors with many dimensions."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plane:
    """The plane (or the space, with three directions) that holds the most of a set of vectors; the origin stays the origin,
    so that arrows add up in it."""
    axes_2K: np.ndarray             # two directions of length 1, at right angles; or three
    held: tuple[float, ...]         # the share of the vectors' squared length along each

    def flat(self, vectors_NK) -> np.ndarray:
        """The vectors' shadows on the plane, (N, 2)."""
        return np.asarray(vectors_NK, dtype=np.float64) @ self.axes_2K.T


def principal_plane(vectors_NK, count: int = 2) -> Plane:
    """The first two (or `count`) principal directions, through the origin (Pearson 1901), by singular value decomposition.

    Each direction is signed so that its largest part is positive: the same vectors always give the same picture.
    """
    _, sizes, directions = np.linalg.svd(np.asarray(vectors_NK, dtype=np.float64), full_matrices=False)
    if (missing := count - len(directions)) > 0:        # too few vectors, or dimensions: the other directions are empty
        directions = np.vstack((directions, np.zeros((missing, directions.shape[1]))))
        sizes = np.append(sizes, np.zeros(missing))
    first = directions[:count]
    axes_2K = first * np.sign(first[np.arange(count), abs(first).argmax(axis=1)])[:, None]
    share = sizes[:count] ** 2 / max((sizes ** 2).sum(), np.finfo(float).tiny)
    return Plane(axes_2K, tuple(map(float, share)))


def around_their_mean(vectors_NK) -> np.ndarray:
    """The directions of vectors, each brought to length 1, measured from their middle: what a map of cosines is drawn of."""
    vectors_NK = np.asarray(vectors_NK, dtype=np.float64)
    unit_NK = vectors_NK / np.maximum(np.linalg.norm(vectors_NK, axis=1, keepdims=True), np.finfo(float).tiny)
    return unit_NK - unit_NK.mean(axis=0)
