"""The chain rule: the gradients of all that reads a number, each times how fast that grows with it.

A gradient says by how much what is asked for (a loss, a logit) grows for each unit that a number of
the run grows by. It has the name of its step with “grad.” before it, and the step's place and axes.
"""

from __future__ import annotations

import numpy as np

from ...gradients.weights import projection
from ...operands import ALL, WEIGHTS, Cell, Group, Result, added, constant
from ...recorder import input_of
from ...step_ref import GRAD, ref_of
from ...text import factor, operand
from ..kind import StepKind

Part = Group | tuple[Group, ...]  # a gradient, or one and what it is multiplied by


def passed(cell: Cell, role: str, step: str, *index) -> Group:
    """The gradient of a step, as it goes on to what the step was made of: nothing of it, where an
    edit had put numbers in the step's place.
    """
    found = cell.get(f"gradient of {role}", f"{GRAD}{step}", *index)
    if step not in cell.trace.edits:
        return found
    return constant(f"gradient of {role}, which an edit had set", *np.zeros(len(found.values_N)))


def chain(*parts: Part, also: tuple[Group, ...] = ()) -> Result:
    """The chain rule: Σ of the gradients of all that reads a number, each times how fast that grows
    with it. also: operands in which a factor was found.
    """
    factors = [part if isinstance(part, tuple) else (part,) for part in parts]
    terms, written = [], []
    for groups in factors:
        values = np.broadcast_arrays(*(group.values_N for group in groups))
        terms.append(np.prod(values, axis=0))
        written += ["·".join(map(factor, each)) for each in zip(*values, strict=True)]
    terms_N = np.concatenate(terms) if terms else np.zeros(0)
    formula = added(terms_N, lambda i: written[i]) or "0"
    return Result(float(terms_N.sum()), formula, (*(g for gs in factors for g in gs), *also))


def step_of(cell: Cell) -> str:
    """The step that a gradient is that of."""
    return str(cell.ref).removeprefix(GRAD)


def started(cell: Cell) -> list[Part]:
    """What the caller gave as the gradient of this step."""
    g = cell.trace.gradients.start.gradients.get(step_of(cell))
    return [] if g is None else [constant("given", float(g[cell.index]))]


def in_heads(cell: Cell, columns) -> tuple[np.ndarray, np.ndarray]:
    """The heads, and the numbers of these, that lie in such columns of a projection."""
    heads_X, dims_X = np.divmod(columns, cell.config.d_head)
    return heads_X, dims_X


# --- what reads a number --------------------------------------------------------------------------


def through_projections(cell: Cell, path: str, l: int, d: int) -> list[Part]:
    """By way of the projections of a sublayer, which read a token's vector."""
    if path.endswith(".mlp"):
        leaves = ("pre", "hidden.up") if cell.config.gated else ("pre",)
        return [through(cell, path, leaf, l, d) for leaf in leaves]
    leaves = ("q",) if path.endswith(".cross") else ("q", "k", "v")
    return [through(cell, path, leaf, l, d) for leaf in leaves]


def through(cell: Cell, path: str, leaf: str, l: int, d: int) -> Part:
    """By way of one projection: the gradients of all numbers that it makes of a token's vector,
    times the weights that lead there.
    """
    row = cell.get(f"W of {leaf}", f"{WEIGHTS}{path}.{leaf}.weight", d, ALL)
    _, made = projection(cell.config, ref_of(f"{path}.{leaf}.weight"))
    axes = len(cell.trace.shape(made))
    if axes == 1:
        index = (ALL,)
    elif axes == 2:
        index = (l, ALL)
    else:
        heads_X, dims_X = in_heads(cell, np.arange(len(row.values_N)))
        index = (heads_X, l, dims_X)
    return passed(cell, leaf, made, *index), row


def through_norm(cell: Cell, norm: str, index) -> Result:
    """By way of a norm: of the number itself, and of the scale and the mean that it is part of."""
    *token, _ = index
    kind = cell.config.norm_of(norm)
    if kind == "none":
        return chain(passed(cell, "the norm", f"{norm}.out", *index))
    if kind == "rms":
        return through_scale(cell, norm, normed(cell.config, norm), index)
    (width,) = cell.trace.shape(f"{norm}.centred")[1:]
    return chain(
        passed(cell, "x − mean", f"{norm}.centred", *index),
        (passed(cell, "the mean", f"{norm}.mean", *token), constant("1 / D", 1 / width)),
    )


def through_scale(cell: Cell, norm: str, reads: str, index) -> Result:
    """By way of a division by a scale, which the number is a part of."""
    *token, _ = index
    x = cell.get("x", reads, *index)
    scale = cell.get("scale", f"{norm}.scale", *token)
    own, size = float(x.values_N[0]), float(scale.values_N[0])
    width = cell.trace.shape(reads)[-1]
    return chain(
        (passed(cell, "the normalised", f"{norm}.unit", *index), constant("1 / scale", 1 / size)),
        (
            passed(cell, "the scale", f"{norm}.scale", *token),
            constant("x / (D · scale)", own / (width * size)),
        ),
        also=(x, scale),
    )


def normed(config, norm: str) -> str:
    """The step that a norm reads."""
    ref = ref_of(f"{norm}.out")
    if ref.leaf.startswith("out."):
        return f"{ref.path}.out.unnormed"
    if ref.place == "stack":
        return input_of(ref.side, config.layers(ref.side))
    first = config.norm_first and ref.place != "embed"
    return "head.hidden" if ref.place == "head" else f"{ref.path}.{'in' if first else 'sum'}"


def together(*results: Result) -> Result:
    """The sum of several sums."""
    formula = " + ".join(each.formula for each in results)
    groups = tuple(group for each in results for group in each.groups)
    return Result(sum(each.value for each in results), formula, groups)


def over_scale(cell: Cell, groups: tuple[Group, ...], norm: str, at, power: int = 1) -> Result:
    """Minus a sum of products, divided by a scale or by its square."""
    summed, scale = chain(groups), cell.get("scale", f"{norm}.scale", *at)
    size = float(scale.values_N[0])
    formula = f"−({summed.formula}) / {operand(size)}{'²' if power == 2 else ''}"
    return Result(-summed.value / size**power, formula, (*summed.groups, scale))


def capped_by(cell: Cell, after: str, cap: float) -> Result:
    """Times 1 − (y / cap)², how steep the tanh is that y came out of."""
    y = cell.get("capped", after, *cell.index)
    slope = constant("1 − (capped / cap)²", 1 - (float(y.values_N[0]) / cap) ** 2)
    return chain((passed(cell, "the capped", after, *cell.index), slope), also=(y,))


def compared(cell: Cell) -> Result:
    """The gradients of all words' logits, times what each word reads in this dimension."""
    r, d = cell.index
    made = "head.logits.uncapped" if cell.config.logit_cap else "head.logits"
    words = cell.get("words", f"{WEIGHTS}head.logits.weight", ALL, d)
    return chain((passed(cell, "the logit", made, r, ALL), words))


def gradient(leaf, axes, place, recipe, of, story, latex, colour, **more) -> StepKind:
    """The kind that is the gradient of another. of: that one, in words."""
    return StepKind(
        leaf=leaf,
        axes=axes,
        place=tuple(GRAD + each for each in place),
        recipe=recipe,
        title=f"Gradient of {of}",
        story=story,
        latex=latex,
        colour=colour,
        **more,
    )


PASSED_ON = "It passes a sum unchanged: what reads the sum decides."
READ = "Whatever reads this number adds its own gradient, times how fast it grows with this number."
SUMMED = {"s": "what reads it", "r": "number that reads it", "W": "how fast that grows with it"}
CHAIN = r"\nabla x_{l,d} = \sum_r W_{d,r}\, \nabla s_r"
