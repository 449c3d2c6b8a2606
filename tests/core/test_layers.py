"""How far a layer moves its tokens, spelled out."""

import numpy as np

from core.vectors import cosines


def test_movement_is_measured_against_each_layers_own_vectors(tiny_trace):
    trace = tiny_trace("gpt2")
    first, before, after = (trace[f"decoder.{name}.out"][2] for name in ("embed", "0", "1"))
    np.testing.assert_allclose(
        trace["decoder.1.out.step"][2], np.sqrt(((after - before) ** 2).sum() / (before**2).sum())
    )
    np.testing.assert_allclose(
        trace["decoder.1.out.similarity"][2],
        after @ first / np.sqrt((after @ after) * (first @ first)),
    )
    assert trace["decoder.0.out.step"].shape == trace["decoder.0.out"].shape[:1]


def test_cosines_are_taken_row_by_row():
    a_LD, b_LD = np.array([[1.0, 0], [1, 1]]), np.array([[0.0, 5], [2, 2]])
    np.testing.assert_allclose(cosines(a_LD, b_LD), [0, 1], atol=1e-12)
