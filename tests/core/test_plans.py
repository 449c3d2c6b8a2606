"""Plans say as data what the recipes say as code: of any cell of a step, which numbers it is made
of.
"""

from __future__ import annotations

import numpy as np
import pytest

from core.operands import Cell
from core.plans import Plan, plan_of, some_cells
from core.step_ref import StepRef, ref_of
from core.steps import about
from tests.helpers.tiny import golden

# Steps whose operands follow no rule: sines, angles and distances are numbers of the equation.
NO_PLAN = ("position", "relative", "q", "k", "scores.biased", "q.unnormed", "k.unnormed", "mask")


def may_lack_a_plan(config, ref: StepRef) -> bool:
    """Beside those, what a norm of each head gives, and the heads of fine-tuned models."""
    normed = config.qk_norm and ref.leaf in ("q.unrotated", "k.unrotated")
    return ref.leaf in NO_PLAN or normed or ref.side == "task"


def reached(trace, rule: dict, cell: tuple[int, ...], n: int) -> int:
    """Where the n-th operand stands along an axis, by a rule."""
    if "is" in rule:
        return rule["is"]
    at = n if "n" in rule else cell[rule["i"]]
    at = at * rule["times"] + cell[rule["plus"]] if "times" in rule else at
    at = at // rule["over"] if "over" in rule else at
    at = at % rule["modulo"] if "modulo" in rule else at
    if "of" in rule:
        return int((trace[rule["of"]] if rule["of"] else trace.rows)[at])
    return at


def indices(trace, plan: Plan, cell: tuple[int, ...]) -> list[list[list[int]]]:
    """The places of all operands of a cell, by its plan."""
    return [
        [[reached(trace, rule, cell, n) for rule in group.rules] for n in range(group.count)]
        for group in plan.groups
    ]


@pytest.mark.one_in(2)
def test_a_plan_names_the_operands_that_the_recipe_names(tiny_trace, family):
    trace, rng = tiny_trace(family), np.random.default_rng(5)
    planned = 0
    for name in trace.names:
        ref, plan, kind = ref_of(name), plan_of(trace, name), about(trace, name)
        if plan is None:
            assert may_lack_a_plan(trace.config, ref), name
            continue
        planned += 1
        for _ in range(4):
            cell = tuple(int(rng.integers(size)) for size in trace.shape(name))
            made = kind.recipe(Cell(trace, ref, cell))
            assert made.way == plan.way
            assert [(g.role, g.name) for g in made.groups] == [
                (g.role, g.name) for g in plan.groups
            ]
            assert indices(trace, plan, cell) == [g.indices_NI.tolist() for g in made.groups], name
    assert planned > 0.8 * len(trace.names)


def test_heads_that_share_keys_have_the_keys_of_their_group(tiny_trace):
    trace = tiny_trace("llama")
    assert trace.config.n_kv_heads < trace.config.n_heads
    _, keys = plan_of(trace, "decoder.1.attn.scores.dot").groups
    share = trace.config.n_heads // trace.config.n_kv_heads
    assert keys.rules == ({"i": 0, "over": share}, {"i": 2}, {"n": 1})


def test_a_step_whose_operands_differ_from_cell_to_cell_has_no_plan(tiny_trace):
    trace = tiny_trace("llama")
    assert golden("llama").config["model_type"] == "llama"
    assert plan_of(trace, "decoder.0.attn.q") is None  # an angle for each position
    assert plan_of(trace, "decoder.0.attn.q.unrotated") is not None
    with pytest.raises(KeyError):
        plan_of(trace, "decoder.0.attn.nothing")


def test_cells_are_asked_for_that_tell_axes_apart():
    cells = some_cells((4, 5, 6))
    assert cells[0] == (0, 0, 0) and (3, 4, 5) in cells and (3, 0, 0) in cells
    assert any(len(set(cell)) == 3 for cell in cells)
    assert some_cells((0, 3)) == [] and some_cells(()) == [()]


def test_learned_numbers_have_no_plan(tiny_trace):
    assert plan_of(tiny_trace("gpt2"), "weights/decoder.0.mlp.pre.weight") is None
