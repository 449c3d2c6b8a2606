"""One number of a step, the numbers around it, and the few ways in which numbers are put together
and written.

A recipe (core/recipes.py) takes a Cell (a trace, a step's name, an index) and returns Made: the
operands, the value computed from them in float64, and the formula with the values in it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np

WEIGHTS = "weights/"  # how the name of a learned number begins
SHOWN = 6  # terms of a long sum that a formula spells out


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
class Made:
    """A number put together from its operands: its value, how that is written, and the operands."""

    value: float
    formula: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Cell:
    """One number of one step, and the ways to reach the numbers around it."""

    trace: object
    name: str
    index: tuple[int, ...]

    @property
    def value(self) -> float:
        return float(array_of(self.trace, self.name)[self.index])

    @property
    def config(self):
        return self.trace.config

    @property
    def path(self) -> str:
        """The name without its leaf: encoder.0.attn for encoder.0.attn.scores.dot."""
        return place(self.name)[0]

    @property
    def asked(self) -> tuple[int, ...]:
        """The whole numbers at the end of the name of a derived value: (3, 0, 2) for
        ….scores.terms.3.0.2.
        """
        return tuple(map(int, _ASKED.search(self.name)[0].split(".")[1:]))

    def group(self, head: int) -> int:
        """The set of keys and values that a query head uses."""
        return self.config.group(head)

    def get(self, role: str, name: str, *index) -> Group:
        """Operands: index is a number or an array for each axis; ALL means the whole axis."""
        array = array_of(self.trace, name)
        index = [
            np.arange(size) if i is ALL else np.asarray(i) for i, size in zip(index, array.shape)
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
    """The array behind a step's or a weight's name."""
    return trace.weights[name[len(WEIGHTS) :]] if is_weight(trace, name) else trace[name]


_ASKED = re.compile(r"(\.\d+)*$")
_PLACES = tuple(
    re.compile(pattern)
    for pattern in (
        r"^(?P<path>.*\.norm)\.(?P<leaf>[^.]+)$(?P<kind>)",
        r"^(?P<path>(?:encoder|decoder)\.\d+\.(?P<kind>attn|cross|mlp))\.(?P<leaf>.+)$",
        r"^(?P<path>(?:encoder|decoder)\.(?P<kind>embed))\.(?P<leaf>.+)$",
        r"^(?P<path>(?:encoder|decoder)\.\d+)\.(?P<leaf>(?:out|rollout).*)$(?P<kind>)",
        r"^(?P<path>encoder|decoder)\.(?P<leaf>(?:relative|out|cross).*)$(?P<kind>)",
        r"^(?P<path>(?P<kind>head|pooler|lstm))\.(?P<leaf>.+)$",
    )
)


def place(name: str) -> tuple[str, str]:
    """Where a step stands and what kind it is: encoder.3.cross.q -> ("encoder.3.cross", "attn.q").
    The numbers that end the name of a derived value say which one is meant, and not what it is.
    """
    for number, pattern in enumerate(_PLACES):
        if found := pattern.match(name):
            kind, leaf = (
                found["kind"] or {0: "norm", 3: "layer", 4: "stack"}[number],
                _ASKED.sub("", found["leaf"]),
            )
            return found["path"], f"{'attn' if kind == 'cross' else kind}.{leaf}"
    raise KeyError(f"No step of a transformer is named “{name}”.")


def kind_of(name: str) -> str:
    """What a step is, wherever it stands: attn.pattern. Lengths of vectors are one kind."""
    leaf = place(name)[1]
    return "length" if leaf.endswith(".length") else leaf


# --- how numbers are written, and the few ways in which they are put together ---------------------


def number(x: float, digits: int = 5) -> str:
    """So many significant digits and true minus signs, as `rounded` in assets/components/numbers.js
    writes it too; a power of ten only where the number is very small or large. With fewer than five
    digits, what is nearly 1 gets as many as it needs to differ from 1."""
    x = float(x)
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "∞" if x > 0 else "−∞"
    near = Context(prec=digits, rounding=ROUND_HALF_UP).plus(Decimal(x))
    if abs(near) == 1 and near != x and digits < 5:
        return number(x, digits + 1)
    power = near.adjusted() if near else 0
    if -6 <= power < 16:
        text = f"{abs(near) if not near else near.normalize():f}"
    else:
        text = f"{near.scaleb(-power).normalize():f}e{power:+d}"
    return text.replace("-", "−")


def percent(share: float, digits: int = 1) -> str:
    """A share of 1 with so many digits after the point, as `percent` in assets/components/numbers.js
    writes it too. Only 0 reads 0%, and only 1 reads 100%."""
    share, step = float(share), Decimal(1).scaleb(-digits)
    if not math.isfinite(share * 100):
        return number(share * 100)
    near = Decimal(share * 100).quantize(step, ROUND_HALF_UP, Context(prec=400))
    if not near:
        return "0%" if not share else f"<{step}%" if share > 0 else f">−{step}%"
    if near == 100:
        return "100%" if share >= 1 else f">{100 - step}%"
    return f"{near}%".replace("-", "−")


def counted(count: int, noun: str, several: str = "") -> str:
    """So many of a thing: 1 token, 1,234 tokens. several: a plural that does not end in s."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def each_of(count: int, noun: str) -> str:
    """All of some things, one by one, as the subject of a sentence in the singular."""
    return f"The one {noun}" if count == 1 else f"Each of the {counted(count, noun)}"


def all_of(count: int, noun: str) -> str:
    """All of some things: all 4 layers, the one layer."""
    return f"the one {noun}" if count == 1 else f"all {counted(count, noun)}"


def moves(before: str, after: str) -> str:
    """From one number to another, as they are written; one that reads the same stays."""
    return f"stays at {before}" if before == after else f"goes from {before} to {after}"


def factor(x: float) -> str:
    """A number inside a product: in brackets when negative."""
    return f"({number(x)})" if x < 0 else number(x)


def added(terms_N, written) -> str:
    """Terms joined by +; of a long sum the largest are spelled out in order, and the rest is one
    number.
    """
    if len(terms_N) <= SHOWN:
        return " + ".join(written(i) for i in range(len(terms_N)))
    largest = np.sort(np.argsort(-np.abs(terms_N), kind="stable")[:SHOWN])
    rest = terms_N.sum() - terms_N[largest].sum()
    return (
        " + ".join(written(i) for i in largest)
        + f" + [the other {terms_left(len(terms_N) - SHOWN)}: {number(rest)}]"
    )


def terms_left(count: int) -> str:
    """The terms of a sum that are not spelled out, as they stand after “the other”."""
    return "term" if count == 1 else f"{count} terms"


def sum_of_products(a: Group, b: Group, *plus: Group) -> Made:
    """Σ aᵢ·bᵢ, and what is added after it."""
    terms_N = a.values_N * b.values_N
    formula = added(terms_N, lambda i: f"{factor(a.values_N[i])}·{factor(b.values_N[i])}")
    formula += "".join(f" + {factor(g.values_N[0])}" for g in plus)
    return Made(float(terms_N.sum() + sum(g.values_N[0] for g in plus)), formula, (a, b, *plus))


def total(*groups: Group) -> Made:
    """Σ of all operands."""
    values_N = np.concatenate([g.values_N for g in groups])
    return Made(float(values_N.sum()), added(values_N, lambda i: factor(values_N[i])), groups)


def average(group: Group) -> Made:
    """Σ of the operands, divided by how many they are."""
    summed, count = total(group), len(group.values_N)
    return Made(summed.value / count, f"({summed.formula}) / {count}", (group,))


def product(*groups: Group) -> Made:
    """Π of the operands."""
    return Made(
        math.prod(float(g.values_N[0]) for g in groups),
        " · ".join(factor(g.values_N[0]) for g in groups),
        groups,
    )


def same(group: Group) -> Made:
    """The value itself, passed on."""
    return Made(float(group.values_N[0]), "passed on unchanged", (group,))


def difference(a: Group, b: Group) -> Made:
    """a − b."""
    return Made(
        float(a.values_N[0] - b.values_N[0]),
        f"{number(a.values_N[0])} − {factor(b.values_N[0])}",
        (a, b),
    )


def quotient(a: Group, b: Group) -> Made:
    """a / b."""
    return Made(
        float(a.values_N[0] / b.values_N[0]),
        f"{number(a.values_N[0])} / {factor(b.values_N[0])}",
        (a, b),
    )


def given(cell: Cell) -> Made:
    """An input of the forward pass: nothing made it."""
    return Made(cell.value, "given", ())


def learned(cell: Cell) -> Made:
    """A number from the model file, found by training."""
    return Made(cell.value, "learned in training", ())
