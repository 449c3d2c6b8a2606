"""Rotary positions in all their kinds, windows, and norms of queries and keys: made-up models, in
which every number is opened, every score is the sum of its sources, and reading on is the whole
run. That the numbers are those of the reference, the families show.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core import GlassError, explain, ops, why
from core.config import Rope
from core.decoding import key_value_cache, read, read_on
from core.forward_pass import forward
from core.turning import turn_rates
from core.whatif import changed_config
from tests.helpers.made_up import MADE_UP, made_up, model_of, some_ids
from tests.helpers.names import every_name
from tests.helpers.recomputed import check_cells

WRITERS = ("windows", "growing")


@pytest.fixture(params=MADE_UP)
def trace(request):
    return made_up(request.param)


@pytest.mark.parametrize("cells", (1, pytest.param(8, marks=pytest.mark.slow)))
def test_cells_are_recomputed_from_their_operands(trace, cells):
    check_cells(trace, every_name(trace), cells, np.random.default_rng(3))


def test_pairs_of_sources_add_up_to_the_score(trace):
    side = trace.config.sides[0]
    for layer in range(trace.config.layers(side)):
        path = f"{side}.{layer}.attn"
        scores_HLM = trace[f"{path}.scores.scaled"]
        for h in range(trace.config.n_heads):
            found = why.look(trace, path, h, 7, 2)
            assert found.total == pytest.approx(scores_HLM[h, 7, 2], abs=1e-9)
            against = why.look(trace, path, h, 7, 2, rival=4)
            gap = scores_HLM[h, 7, 2] - scores_HLM[h, 7, 4]
            assert against.total == pytest.approx(gap, abs=1e-9)


def test_a_logit_is_the_sum_of_what_was_written(trace):
    found = why.parts(trace, 7)
    assert found.total == pytest.approx(float(trace["head.logits"][-1, 7]), abs=1e-9)


def test_an_edit_of_a_query_before_its_norm_is_a_source():
    edits = {"decoder.1.attn.q.unnormed": lambda q_HLK: q_HLK + 0.3}
    trace = made_up("windows", edits=edits)
    found = why.look(trace, "decoder.1.attn", 1, 7, 2)
    assert "decoder.1.attn.q.edit" in found.query_names
    assert found.total == pytest.approx(trace["decoder.1.attn.scores.scaled"][1, 7, 2], abs=1e-9)


# --- windows --------------------------------------------------------------------------------------


def test_a_window_hides_what_is_far_away():
    trace, (l, m) = made_up("windows"), np.mgrid[:9, :9]
    for layer, seen_LM in enumerate(((m <= l) & (l - m <= 3), m <= l, (m <= l) & (l - m <= 3))):
        assert np.array_equal(trace[f"decoder.{layer}.attn.mask"], seen_LM)
        assert np.array_equal(trace[f"decoder.{layer}.attn.pattern"][0] > 0, seen_LM)
    trace = made_up("both sides")
    assert np.array_equal(trace["encoder.0.attn.mask"], abs(l - m) <= 2)
    assert trace["encoder.1.attn.mask"].all()
    hidden = explain(trace, "encoder.0.attn.mask", (7, 1))
    assert hidden.recomputed == 0 and "6 apart, more than 2" in hidden.formula


def test_a_window_and_a_mask_that_leave_nothing_are_refused():
    mask_LM = np.tri(9, dtype=bool)
    mask_LM[8, 4:] = False
    with pytest.raises(GlassError, match="row 8"):
        made_up("windows", mask=mask_LM)


# --- reading on -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
def test_reading_on_is_the_whole_run(name):
    """Token by token, across the length at which the angles change."""
    config, weights = model_of(name)
    ids_L = some_ids(config)
    reading = read(config, weights, ids_L[:2])
    for n in range(2, 9):
        reading = read_on(config, weights, reading, ids_L[n : n + 1])
        whole = forward(config, weights, ids_L[: n + 1])
        for step, value in reading.values.items():
            wanted = whole[step][-1:] if step == "head.logits" else whole[step]
            np.testing.assert_allclose(value, wanted, rtol=1e-9, atol=1e-11, err_msg=step)
    assert reading.n_tokens == 9


def test_what_was_kept_is_used_as_long_as_it_is_right():
    """Kept keys are read: another number there is another logit. Once the angles change, not."""
    config, weights = model_of("windows")
    ids_L = some_ids(config, 8)
    for n, used in ((4, True), (6, False), (7, True)):
        before = read(config, weights, ids_L[:n])
        other = {name: value + 1 for name, value in before.values.items()}
        spoilt = read_on(config, weights, replace(before, values=other), ids_L[n : n + 1])
        right = read_on(config, weights, before, ids_L[n : n + 1])
        assert np.array_equal(spoilt.logits, right.logits) != used, n


def test_where_nothing_can_be_reused_that_is_said():
    config, weights = model_of("growing")
    with pytest.raises(GlassError, match="by other angles"):
        key_value_cache.reuse(config, weights, some_ids(config))
    assert key_value_cache.reuse(config, weights, some_ids(config, 4)).apart < 1e-9


# --- angles ---------------------------------------------------------------------------------------


def test_angles_are_read_off_the_run():
    """The length of the text says which of the two lists of divisors counts."""
    config, weights = model_of("windows")
    for count, divisors in ((6, (1.0, 1.5)), (7, (1.2, 2.5))):
        trace = forward(config, weights, some_ids(config, count))
        wanted_P = np.array([1, 50**-0.5]) / divisors
        np.testing.assert_allclose(turn_rates(trace, "decoder.1.attn"), wanted_P)
        assert len(turn_rates(trace, "decoder.2.attn")) == 0
        q_HLK, before_HLK = (trace[f"decoder.1.attn.{x}"] for x in ("q", "q.unrotated"))
        angle = 3 * wanted_P[1]
        first, second = before_HLK[2, 3, [1, 3]]
        turned = 1.3 * np.array(
            [
                first * np.cos(angle) - second * np.sin(angle),
                second * np.cos(angle) + first * np.sin(angle),
            ]
        )
        np.testing.assert_allclose(q_HLK[2, 3, [1, 3]], turned)
        np.testing.assert_array_equal(q_HLK[..., 4:], before_HLK[..., 4:])
    assert "decoder.2.attn.q.unrotated" not in trace


def test_slow_pairs_are_stretched_and_fast_ones_are_not():
    rate_P = ops.frequencies(Rope(500.0), 16, 9)
    linear = ops.frequencies(Rope(500.0, None, "linear", 4.0), 16, 9)
    np.testing.assert_allclose(linear, rate_P / 4)
    for kind in ("llama3", "yarn"):
        rope = Rope(500.0, None, kind, 4.0, 64, 1.0, 4.0)
        share_P = ops.frequencies(rope, 16, 9) / rate_P
        assert share_P[0] == 1 and share_P[-1] == pytest.approx(1 / 4)
        assert (np.diff(share_P) <= 1e-12).all() and ((share_P > 0.26) & (share_P < 0.99)).any()


def test_without_norms_queries_are_not_normed_either():
    config = changed_config(MADE_UP["windows"], {"norms": ""})
    trace = forward(config, model_of("windows")[1], some_ids(config))
    assert "decoder.0.attn.q.scale" not in trace
    made = explain(trace, "decoder.2.attn.q", (1, 3, 2))
    assert made.title == "Query" and made.error <= 1e-9 * abs(made.value)
