"""Flat pictures of vectors, against loops that spell them out."""

import numpy as np

from core.planes import principal_plane


def test_the_principal_plane_holds_what_it_says():
    rng = np.random.default_rng(5)
    directions = np.linalg.qr(rng.normal(size=(7, 7)))[0]
    vectors_NK = rng.normal(size=(9, 7)) * [9, 4, 0.3, 0.2, 0.1, 0.05, 0.01] @ directions
    plane = principal_plane(vectors_NK)
    flat_N2 = plane.flat(vectors_NK)
    held = (flat_N2**2).sum(axis=0) / (vectors_NK**2).sum()
    np.testing.assert_allclose(held, plane.held)
    assert held.sum() > 0.99
    np.testing.assert_allclose(plane.axes_2K @ plane.axes_2K.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(
        plane.flat(vectors_NK.sum(axis=0)), flat_N2.sum(axis=0)
    )  # arrows add up


def test_the_plane_of_a_single_vector():
    plane = principal_plane([[3.0, -4.0]])
    np.testing.assert_allclose(np.abs(plane.flat([[3.0, -4.0]])), [[5, 0]])
    assert plane.held == (1, 0)
