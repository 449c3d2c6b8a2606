"""One number of a step, the numbers around it, and the few ways in which numbers are put together
and written.

A recipe (core/steps) takes a Cell (a trace, a step, an index) and returns a Result: the operands,
the value computed from them in float64, and the formula with the values in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .step_ref import StepRef
from .text import factor, operand, terms_left

WEIGHTS = "weights/"  # how the name of a learned number begins
SPELLED_OUT = 6  # terms of a long sum that a formula spells out


@dataclass(frozen=True)
class Group:
    """Operands of one kind: the values at `indices_NI` (N cells, I axes) of the step `name`. What
    counts of each in the sum is the value itself, or `parts_N`, such as its exponential.
    """

    role: str
    name: str | None
    indices_NI: np.ndarray
    values_N: np.ndarray
    parts_N: np.ndarray | None = None


@dataclass(frozen=True)
class Result:
    """A number put together from its operands: its value, how that is written, and the operands.
    way: the name of the arithmetic, a key of WAYS in assets/report/ways.js, where it has one.
    """

    value: float
    formula: str
    groups: tuple[Group, ...]
    way: str = ""


@dataclass(frozen=True)
class Cell:
    """One number of one step, and the ways to reach the numbers around it."""

    trace: Any  # a core.trace.Trace: its module stands above this one
    ref: StepRef
    index: tuple[int, ...]

    @property
    def value(self) -> float:
        return float(self.trace[str(self.ref)][self.index])

    @property
    def config(self):
        return self.trace.config

    @property
    def path(self) -> str:
        """The place of the step: encoder.0.attn for encoder.0.attn.scores.dot."""
        return self.ref.path

    @property
    def args(self) -> tuple[int, ...]:
        """The whole numbers that end the name of a derived value: (3, 0, 2) for
        ….scores.terms.3.0.2.
        """
        return self.ref.args

    def group(self, head: int) -> int:
        """The set of keys and values that a query head uses."""
        return self.config.group(head)

    def get(self, role: str, name: str, *index) -> Group:
        """Operands: index is a number or an array for each axis; ALL means the whole axis."""
        array = array_of(self.trace, name)
        index = [
            np.arange(size) if i is ALL else np.asarray(i)
            for i, size in zip(index, array.shape, strict=True)
        ]
        index = np.broadcast_arrays(*map(np.atleast_1d, index))
        return Group(role, name, np.stack(index, axis=-1), array[tuple(index)].astype(np.float64))

    def weight(self, role: str, name: str, *index) -> Group:
        """Learned numbers of this place in the model."""
        return self.get(role, f"{WEIGHTS}{self.path}.{name}", *index)


ALL = object()


def constant(role: str, *values: float) -> Group:
    """Numbers of the equation itself, which no step made: a scale, a cosine."""
    return Group(role, None, np.zeros((len(values), 0), int), np.array(values, dtype=np.float64))


def is_weight(trace, name: str) -> bool:
    """Whether the name is that of a learned number this model has."""
    return name.startswith(WEIGHTS) and name[len(WEIGHTS) :] in trace.weights


def array_of(trace, name: str) -> np.ndarray:
    """The array that a step's or a weight's name stands for."""
    return trace.weights[name[len(WEIGHTS) :]] if is_weight(trace, name) else trace[name]


# --- the few ways in which numbers are put together -----------------------------------------------


def added(terms_N, written) -> str:
    """Terms joined by +; of a long sum the largest are spelled out in order, and the rest is one
    number.
    """
    if len(terms_N) <= SPELLED_OUT:
        return " + ".join(written(i) for i in range(len(terms_N)))
    largest = np.sort(np.argsort(-np.abs(terms_N), kind="stable")[:SPELLED_OUT])
    rest = terms_N.sum() - terms_N[largest].sum()
    return (
        " + ".join(written(i) for i in largest)
        + f" + [the other {terms_left(len(terms_N) - SPELLED_OUT)}: {operand(rest)}]"
    )


def sum_of_products(a: Group, b: Group, *plus: Group) -> Result:
    """Σ aᵢ·bᵢ, and what is added after it."""
    terms_N = a.values_N * b.values_N
    formula = added(terms_N, lambda i: f"{factor(a.values_N[i])}·{factor(b.values_N[i])}")
    formula += "".join(f" + {factor(g.values_N[0])}" for g in plus)
    value = float(terms_N.sum() + sum(g.values_N[0] for g in plus))
    return Result(value, formula, (a, b, *plus), "products")


def total(*groups: Group) -> Result:
    """Σ of all operands."""
    values_N = np.concatenate([g.values_N for g in groups])
    formula = added(values_N, lambda i: factor(values_N[i]))
    return Result(float(values_N.sum()), formula, groups, "total")


def average(group: Group) -> Result:
    """Σ of the operands, divided by how many they are."""
    summed, count = total(group), len(group.values_N)
    return Result(summed.value / count, f"({summed.formula}) / {count}", (group,), "average")


def product(*groups: Group) -> Result:
    """Π of the operands."""
    return Result(
        math.prod(float(g.values_N[0]) for g in groups),
        " · ".join(factor(g.values_N[0]) for g in groups),
        groups,
        "product",
    )


def same(group: Group) -> Result:
    """The value itself, passed on."""
    return Result(float(group.values_N[0]), "passed on unchanged", (group,), "same")


def difference(a: Group, b: Group) -> Result:
    """a − b."""
    return Result(
        float(a.values_N[0] - b.values_N[0]),
        f"{operand(a.values_N[0])} − {factor(b.values_N[0])}",
        (a, b),
        "difference",
    )


def quotient(a: Group, b: Group) -> Result:
    """a / b."""
    return Result(
        float(a.values_N[0] / b.values_N[0]),
        f"{operand(a.values_N[0])} / {factor(b.values_N[0])}",
        (a, b),
        "quotient",
    )


def capped(x: Group, cap: float) -> Result:
    """cap · tanh(x / cap)."""
    own = float(x.values_N[0])
    formula = f"{operand(cap)} · tanh({operand(own)} / {operand(cap)})"
    return Result(cap * math.tanh(own / cap), formula, (x, constant("cap", cap)), "capped")


def vector_length(group: Group) -> float:
    """‖x‖ of the operands."""
    return float(np.linalg.norm(group.values_N))


def cosine(a: Group, b: Group) -> Result:
    """a·b / (‖a‖ ‖b‖)."""
    products, lengths = sum_of_products(a, b), vector_length(a) * vector_length(b)
    return Result(
        products.value / lengths if lengths else 0.0,
        f"({products.formula}) / ({operand(vector_length(a))} · {operand(vector_length(b))})",
        (a, b),
        "cosine",
    )


def squares(group: Group) -> str:
    """Σ x² as it is written, the largest terms spelled out."""
    return added(group.values_N**2, lambda i: f"{factor(group.values_N[i])}²")


def exponentials_of(row: Group, scale: float = 1.0) -> Group:
    """The scores of a row, each counting as much as its exponential does."""
    scores_N = row.values_N * scale
    return replace(row, parts_N=np.exp(scores_N - scores_N.max()))


def given(cell: Cell) -> Result:
    """An input of the forward pass: nothing made it."""
    return Result(cell.value, "given", (), "given")
