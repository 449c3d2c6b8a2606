"""Each operation against a loop that spells it out. All axis sizes differ, so that a transposition
cannot pass.
"""

import math

import numpy as np
import pytest

from core import masks, ops
from core.config import Rope
from core.errors import GlassError
from core.transformer import per_group, split_heads

rng = np.random.default_rng(7)


def test_softmax_is_the_ratio_of_exponentials():
    x_LM = rng.normal(size=(3, 5)) * 10
    expected = [[math.exp(v) / sum(math.exp(u) for u in row) for v in row] for row in x_LM]
    np.testing.assert_allclose(ops.softmax(x_LM), expected, rtol=1e-13)


def test_softmax_of_huge_and_blocked_scores():
    np.testing.assert_array_equal(ops.softmax(np.array([[1e4, -np.inf, 1e4]])), [[0.5, 0, 0.5]])


@pytest.mark.parametrize("shift", (-5000, -200, -60, 0, 60, 85, 200, 5000))
def test_softmax_is_the_same_wherever_the_scores_lie(shift):
    """Beyond what a float32 exponential can hold as well as within it."""
    x_LM = rng.integers(-8, 8, (4, 7)) / 4
    x_LM[1:, -1] = -np.inf
    expected = ops.softmax(x_LM)
    with np.errstate(all="raise", under="ignore"):
        found = ops.softmax((x_LM + shift).astype(np.float32))
    np.testing.assert_allclose(found, expected, rtol=5e-7)


def test_what_is_computed_a_few_rows_at_a_time_is_the_same():
    x_LF = (rng.normal(size=(300, 700)) * 3).astype(np.float32)
    for name in ("gelu", "silu"):
        whole = ops.ACTIVATIONS[name](x_LF)
        rows = np.stack([ops.ACTIVATIONS[name](row) for row in x_LF[:, None]])[:, 0]
        np.testing.assert_array_equal(whole, rows)


def test_linear_adds_its_bias_and_skips_the_one_a_family_does_not_have():
    x, w, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 5)), rng.normal(size=5)
    expected = [
        [sum(x[i, k] * w[k, j] for k in range(4)) + b[j] for j in range(5)] for i in range(3)
    ]
    np.testing.assert_allclose(ops.linear(x, w, b), expected, rtol=1e-12)
    np.testing.assert_array_equal(ops.linear(x, w, np.broadcast_to(np.zeros(1), 5)), x @ w)


@pytest.mark.parametrize(
    "name, formula",
    [
        ("gelu", lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2),
        (
            "gelu_tanh",
            lambda x: x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
        ),
        ("silu", lambda x: x / (1 + math.exp(-x))),
        ("relu", lambda x: max(x, 0.0)),
    ],
)
def test_activations(name, formula):
    x = np.concatenate((np.linspace(-12, 12, 4001), rng.normal(size=500)))
    before, expected = x.copy(), np.array([formula(v) for v in x])
    np.testing.assert_allclose(ops.ACTIVATIONS[name](x), expected, rtol=1e-12, atol=1e-15)
    single = ops.ACTIVATIONS[name](x.astype(np.float32))
    assert single.dtype == np.float32
    assert (abs(single - expected) / np.maximum(1, abs(x))).max() < 4e-7
    np.testing.assert_array_equal(x, before)


def test_activations_far_out_are_zero_or_the_value_itself():
    with np.errstate(all="raise", under="ignore"):
        for name in ops.ACTIVATIONS:
            np.testing.assert_array_equal(
                ops.ACTIVATIONS[name](np.array([-3e4, 3e4], np.float32)), [0, 3e4]
            )


def test_rotation_turns_each_pair_by_its_angle():
    x_HLK, theta = rng.normal(size=(2, 3, 8)), 500.0
    turned = ops.rotate(x_HLK, *ops.turns(Rope(theta), 8, 0, 3, np.float64))
    for h in range(2):
        for l in range(3):
            for i in range(4):
                a = l * theta ** (-2 * i / 8)
                pair = complex(x_HLK[h, l, i], x_HLK[h, l, i + 4]) * complex(
                    math.cos(a), math.sin(a)
                )
                np.testing.assert_allclose(
                    (turned[h, l, i], turned[h, l, i + 4]), (pair.real, pair.imag), rtol=1e-12
                )


def test_sinusoids_are_sines_then_cosines():
    table = ops.sinusoids(5, 6)
    for position in range(5):
        for i in range(3):
            angle = position / 10000 ** (2 * i / 6)
            np.testing.assert_allclose(
                table[position, [i, i + 3]], [math.sin(angle), math.cos(angle)], rtol=1e-12
            )


def test_relative_buckets_near_ones_exactly_far_ones_together():
    both = ops.relative_buckets(9, 9, 32, 128, both_ways=True)
    past = ops.relative_buckets(9, 9, 32, 128, both_ways=False)
    for l in range(9):
        for m in range(9):
            assert past[l, m] == max(l - m, 0)
            if abs(l - m) < 8:
                assert both[l, m] == (abs(l - m) + 16 if m > l else l - m)
    assert ops.relative_buckets(1, 1000, 32, 128, True)[0, 200:].tolist() == [31] * 800
    assert (np.diff(ops.relative_buckets(1, 300, 32, 128, True)[0, 1:]) >= 0).all()


def test_heads_that_share_keys():
    x_HLA, y_GAB = rng.normal(size=(6, 3, 4)), rng.normal(size=(2, 4, 5))
    expected = np.stack([x_HLA[h] @ y_GAB[h // 3] for h in range(6)])
    np.testing.assert_allclose(per_group(x_HLA, y_GAB), expected, rtol=1e-12)


def test_split_heads_is_a_view_of_neighbouring_columns():
    x_LX = rng.normal(size=(3, 8))
    split = split_heads(x_LX, 2)
    assert np.shares_memory(split, x_LX)
    np.testing.assert_array_equal(split[1, 2], x_LX[2, 4:])


def test_masks_by_name():
    for l in range(4):
        for m in range(4):
            assert masks.build_mask("encoder", 4, 4)[l, m]
            assert masks.build_mask("decoder", 4, 4)[l, m] == (m <= l)
            assert masks.build_mask("others", 4, 4)[l, m] == (m != l)


@pytest.mark.parametrize(
    "mask, says",
    [
        (np.array([[1, 1], [0, 0]]), "row 1"),
        ("sideways", "sideways"),
        (np.ones((2, 3)), "(2, 2)"),
        ([[2, 0], [0, 1]], "True"),
    ],
)
def test_impossible_masks_say_what_is_wrong(mask, says):
    with pytest.raises(GlassError, match=f".*{says}".replace("(", r"\(").replace(")", r"\)")):
        masks.build_mask(mask, 2, 2)


def test_a_lone_token_that_may_not_see_itself():
    with pytest.raises(GlassError, match="row 0"):
        masks.build_mask("others", 1, 1)
