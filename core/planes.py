"""Flat pictures of vectors with many dimensions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEW = 16  # vectors that are decomposed as they are


@dataclass(frozen=True)
class Plane:
    """The plane (or the space, with three directions) that holds the most of a set of vectors; the
    origin stays the origin, so that arrows add up in it.
    """

    axes_2K: np.ndarray  # two directions of length 1, at right angles; or three
    held: tuple[float, ...]  # the share of the vectors' squared length along each

    def flat(self, vectors_NK) -> np.ndarray:
        """The vectors' shadows on the plane, (N, 2)."""
        return np.asarray(vectors_NK, dtype=np.float64) @ self.axes_2K.T


def principal_plane(vectors_NK, count: int = 2) -> Plane:
    """The first two (or `count`) principal directions, through the origin (Pearson 1901).

    Each direction is signed so that its largest part is positive: the same vectors always give the
    same picture.
    """
    vectors_NK = np.asarray(vectors_NK, dtype=np.float64)
    vectors_NK = np.where(
        np.isfinite(vectors_NK).all(axis=1, keepdims=True), vectors_NK, 0
    )  # what overflowed lies nowhere
    sizes, directions = singular(vectors_NK)
    if (
        missing := count - len(directions)
    ) > 0:  # too few vectors, or dimensions: the other directions are empty
        directions = np.vstack((directions, np.zeros((missing, directions.shape[1]))))
        sizes = np.append(sizes, np.zeros(missing))
    first = directions[:count]
    axes_2K = first * np.sign(first[np.arange(count), abs(first).argmax(axis=1)])[:, None]
    share = sizes[:count] ** 2 / max((sizes**2).sum(), np.finfo(float).tiny)
    return Plane(axes_2K, tuple(map(float, share)))


def singular(vectors_NK) -> tuple[np.ndarray, np.ndarray]:
    """The singular values and right directions, the largest first. Of many vectors they are found
    through the smaller matrix of their products, ten times faster; directions that hold nothing
    come out as zeros there.
    """
    if len(vectors_NK) <= FEW or len(vectors_NK) >= vectors_NK.shape[1]:
        return np.linalg.svd(vectors_NK, full_matrices=False)[1:]
    squares, left = np.linalg.eigh(vectors_NK @ vectors_NK.T)
    sizes = np.sqrt(np.maximum(squares[::-1], 0))
    some = sizes > 1e-6 * sizes[0]
    return sizes, np.where(
        some[:, None], left.T[::-1] @ vectors_NK / np.where(some, sizes, 1)[:, None], 0
    )


def around_their_mean(vectors_NK) -> np.ndarray:
    """The directions of vectors, each brought to length 1, measured from their middle: what a map
    of cosines is drawn of.
    """
    vectors_NK = np.asarray(vectors_NK, dtype=np.float64)
    unit_NK = vectors_NK / np.maximum(
        np.linalg.norm(vectors_NK, axis=1, keepdims=True), np.finfo(float).tiny
    )
    return unit_NK - unit_NK.mean(axis=0)
