"""How was this number made? Any cell of any step, taken apart into its operands and put together
again.

`explain` looks up the kind of the step (core/steps), lets its recipe gather the operands, and
recomputes the cell from them alone in float64, without the forward pass. Every
operand has a name and an index of its own, so that one can walk on: from a weight in a pattern to a
score, to q and k, to the token, to the row of the embedding table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import GlassError
from .gradients.result import Gradients
from .operands import Cell, Group, Result, array_of, is_weight
from .step_ref import parse
from .steps import about
from .text import number


@dataclass(frozen=True)
class Operand:
    """One number that went into a cell. `name` is a step, "weights/…", or None for a constant of
    the equation.
    """

    name: str | None
    index: tuple[int, ...]
    value: float
    role: str


@dataclass(frozen=True)
class Explanation:
    """One cell of a trace: what it is, its operands, the formula with their values, and the value
    recomputed.
    """

    name: str
    index: tuple[int, ...]
    value: float
    recomputed: float
    title: str
    story: str
    latex: str
    formula: str
    groups: tuple[Group, ...]
    edited: bool  # an edit put this value there: then it need not agree with its operands

    @property
    def error(self) -> float:
        """How far the recomputed value is from the recorded one."""
        return 0.0 if self.value == self.recomputed else abs(self.value - self.recomputed)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """Every operand on its own, group after group."""
        return tuple(
            Operand(group.name, tuple(int(i) for i in index), float(value), group.role)
            for group in self.groups
            for index, value in zip(group.indices_NI, group.values_N, strict=True)
        )


def explain(trace, name: str, index) -> Explanation:
    """Takes one cell apart. name: a step of the trace, a derived value, or "weights/…"; of a run's
    gradients, which may stand in the place of the trace, "grad.…"; index: one number for each axis.

    Raises KeyError for a name the trace does not have (with near ones), GlassError for an index
    outside its axes.
    """
    trace = trace.opened if isinstance(trace, Gradients) else trace
    shape = array_of(trace, name).shape if is_weight(trace, name) else trace.shape(name)
    index = check_index(name, index, shape)
    kind, value, ref = about(trace, name), float(array_of(trace, name)[index]), parse(name)
    if ref is None:  # a weight: no equation made it
        result = Result(value, "learned in training", ())
    else:
        result = kind.recipe(Cell(trace, ref, index))
    return Explanation(
        name,
        index,
        value,
        result.value,
        kind.title,
        kind.story,
        kind.latex,
        result.formula + f" = {number(result.value)}",
        result.groups,
        name in trace.edits,
    )


def check_index(name: str, index, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index as a tuple of ints that lies inside the shape."""
    index = tuple(np.atleast_1d(index).tolist())
    if len(index) != len(shape) or any(not isinstance(i, int) for i in index):
        raise GlassError(
            f"{name} has the shape {shape}: a cell is named by {len(shape)} whole numbers, not"
            f" {index}."
        )
    if any(not 0 <= i < size for i, size in zip(index, shape, strict=True)):
        raise GlassError(f"{name} has the shape {shape}; the cell {index} is outside it.")
    return index
