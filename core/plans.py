"""How the cells of a step are taken apart, as data: for programs that have the numbers and cannot
run a recipe, such as a report without a server.

    plan_of(trace, "decoder.0.attn.scores.dot")     a Plan, or None where it can't be put as data

A recipe says for one cell what its operands are. Most of them do it by the same rule for every cell
of a step: the query's numbers stand at [h, l, n], n from 0 on. The rule is found by asking the
recipe for some cells, the first, the last and others between, and by trying which of a few rules
gives all their indices. A recipe whose operands follow none of them has no plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .operands import Cell, Group, Result
from .step_ref import parse
from .steps import about

Rule = dict[str, Any]  # see `rules`
Index = Callable[[tuple[int, ...], np.ndarray], Any]  # of a cell and of n, for all operands


@dataclass(frozen=True)
class Operands:
    """The operands of one role for any cell of a step: so many, of the step `name`, along each of
    its axes at the places that a rule gives; or the numbers of the equation itself, in `values`.
    """

    role: str
    name: str | None
    count: int
    rules: tuple[Rule, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What puts the cells of a step together: the arithmetic (Result.way) and its operands."""

    way: str
    groups: tuple[Operands, ...]


def plan_of(trace, name: str) -> Plan | None:
    """The plan of a step's cells; None for one that has none. Raises KeyError for a name that the
    trace does not have.
    """
    kind, ref = about(trace, name), parse(name)
    if ref is None:  # a learned number
        return None
    cells = some_cells(trace.shape(name))
    made = [kind.recipe(Cell(trace, ref, cell)) for cell in cells]
    if not made or not made[0].way or any(not alike(made[0], each) for each in made):
        return None
    found = [
        operands(trace, cells, [each.groups[i] for each in made])
        for i in range(len(made[0].groups))
    ]
    groups = tuple(each for each in found if each)
    return Plan(made[0].way, groups) if len(groups) == len(found) else None


def alike(one: Result, other: Result) -> bool:
    """Whether two cells are put together in one way, of as many operands of the same steps."""
    groups = zip(one.groups, other.groups, strict=False)
    return (one.way, len(one.groups)) == (other.way, len(other.groups)) and all(
        (a.role, a.name, a.indices_NI.shape) == (b.role, b.name, b.indices_NI.shape)
        for a, b in groups
    )


def some_cells(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The first cell of an array and its last, each that is last along one axis alone, and a few in
    between, no two of whose places are alike where there is room.
    """
    if 0 in shape:
        return []
    last = [size - 1 for size in shape]
    alone = [tuple(last[k] * (k == axis) for k in range(len(shape))) for axis in range(len(shape))]
    between = [
        tuple((start + 2 * axis) % size for axis, size in enumerate(shape)) for start in (1, 2, 4)
    ]
    return list(dict.fromkeys([(0,) * len(shape), tuple(last), *alone, *between]))


def operands(trace, cells: Sequence[tuple[int, ...]], groups: Sequence[Group]) -> Operands | None:
    """The operands of one role, from those of some cells."""
    first = groups[0]
    count = len(first.values_N)
    if first.name is None:
        same = all(np.array_equal(first.values_N, each.values_N) for each in groups)
        values = tuple(map(float, first.values_N))
        return Operands(first.role, None, count, values=values) if same else None
    found = [
        rule_for(trace, cells, [each.indices_NI[:, axis] for each in groups])
        for axis in range(first.indices_NI.shape[1])
    ]
    if None in found:
        return None
    return Operands(first.role, first.name, count, tuple(rule for rule in found if rule))


def rule_for(trace, cells: Sequence[tuple[int, ...]], indices: Sequence[np.ndarray]) -> Rule | None:
    """The first rule that gives the indices along one axis, of the operands of each cell."""
    n_N = np.arange(len(indices[0]))
    for rule, index in rules(trace, len(cells[0]), int(indices[0][0])):
        if all(
            np.array_equal(np.broadcast_to(index(cell, n_N), i_N.shape), i_N)
            for cell, i_N in zip(cells, indices, strict=True)
        ):
            return rule
    return None


def rules(trace, axes: int, first: int) -> Iterator[tuple[Rule, Index]]:
    """The rules by which operands may stand along an axis, the plainest first. i: an axis of the
    cell; n: counts the operands.

        {"is": 3}                       always there
        {"i": 0}                        where the cell stands
        {"n": 1}                        all of them, one after the other
        {"i": 0, "times": 20, "plus": 2}    head · K + dimension
        {"i": 0, "over": 2}             heads that share keys and values
        {"n": 1, "over": 20}, {"n": 1, "modulo": 20}    all heads side by side
        {"i": 0, "of": "decoder.embed.ids"}     what a step has there; "": what `rows` has
    """
    config = trace.config
    width, share = getattr(config, "d_head", 0), config.n_heads // (config.n_kv_heads or 1)
    yield {"is": first}, lambda cell, n_N: first
    for i in range(axes):
        yield {"i": i}, lambda cell, n_N, i=i: cell[i]
    yield {"n": 1}, lambda cell, n_N: n_N
    for i in range(axes):
        for plus in range(axes):
            yield (
                {"i": i, "times": width, "plus": plus},
                lambda cell, n_N, i=i, plus=plus: cell[i] * width + cell[plus],
            )
        yield {"i": i, "over": share}, lambda cell, n_N, i=i: cell[i] // share
    yield {"n": 1, "over": width}, lambda cell, n_N: n_N // width
    yield {"n": 1, "modulo": width}, lambda cell, n_N: n_N % width
    for name, array in looked_up(trace).items():
        for i in range(axes):
            yield (
                {"i": i, "of": name},
                lambda cell, n_N, i=i, array=array: array[min(cell[i], len(array) - 1)],
            )


def looked_up(trace) -> dict[str, np.ndarray]:
    """The whole numbers of a run by which others are looked up: ids, and "": `rows`."""
    names = [name for name in trace.names if name.endswith(".ids")]
    return {"": trace.rows} | {name: trace[name] for name in names}
