"""Flat pictures of vectors with many dimensions."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Plane:
    """The plane that holds the most of a set of vectors; the origin stays the origin, so that arrows add up in it."""
    axes_2K: np.ndarray             # two directions of length 1, at right angles
    held: tuple[float, float]       # the share of the vectors' squared length along each

    def flat(self, vectors_NK) -> np.ndarray:
        """The vectors' shadows on the plane, (N, 2)."""
        return np.asarray(vectors_NK, dtype=np.float64) @ self.axes_2K.T


def principal_plane(vectors_NK) -> Plane:
    """The first two principal directions, through the origin (Pearson 1901), by singular value decomposition.

    Each direction is signed so that its largest part is positive: the same vectors always give the same picture.
    """
    _, sizes, directions = np.linalg.svd(np.asarray(vectors_NK, dtype=np.float64), full_matrices=False)
    if len(directions) < 2:         # one vector, or one dimension: the second direction is empty
        directions, sizes = np.vstack((directions, np.zeros_like(directions))), np.append(sizes, 0)
    axes_2K = directions[:2] * np.sign(directions[np.arange(2), abs(directions[:2]).argmax(axis=1)])[:, None]
    share = sizes[:2] ** 2 / max((sizes ** 2).sum(), np.finfo(float).tiny)
    return Plane(axes_2K, (float(share[0]), float(share[1])))
