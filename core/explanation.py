"""How was this number made? Any cell of any step, taken apart into its operands and put together
again.

`explain` looks the step up in the anatomy (what it is), lets its recipe (core/recipes.py) gather
the operands, and recomputes the cell from them alone in float64, without the forward pass. Every
operand has a name and an index of its own, so that one can walk on: from a weight in a pattern to a
score, to q and k, to the token, to the row of the embedding table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core import operands, recipes
from core.anatomy import about
from core.errors import GlassError
from core.operands import Cell, Group

WEIGHTS = operands.WEIGHTS


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
            for index, value in zip(group.indices_NI, group.values_N)
        )


def explain(trace, name: str, index) -> Explanation:
    """Takes one cell apart. name: a step of the trace, a derived value, or "weights/…"; index: one
    number for each axis.

    Raises KeyError for a name the trace does not have (with near ones), GlassError for an index
    outside its axes.
    """
    shape = (
        trace.weights[name[len(WEIGHTS) :]].shape
        if operands.is_weight(trace, name)
        else trace.shape(name)
    )
    cell = Cell(trace, name, check_index(name, index, shape))
    recipe, text = (
        (operands.learned if operands.is_weight(trace, name) else recipes.recipe_of(name)),
        about(trace, name),
    )
    made = recipe(cell)
    return Explanation(
        name,
        cell.index,
        cell.value,
        made.value,
        text.title,
        text.story,
        text.latex,
        made.formula + f" = {text.number(made.value)}",
        made.groups,
        name in trace.edits,
    )


def check_index(name: str, index, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index as a tuple of ints that lies inside the shape."""
    index = tuple(np.atleast_1d(index).tolist())
    if len(index) != len(shape) or any(not isinstance(i, int) for i in index):
        raise GlassError(
            f"{name} has the shape {shape}: a cell needs {len(shape)} whole numbers, not {index}."
        )
    if any(not 0 <= i < size for i, size in zip(index, shape)):
        raise GlassError(f"{name} has the shape {shape}; the cell {index} lies outside it.")
    return index
