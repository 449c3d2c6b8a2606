"""The norm of queries and keys that some models have: of each head's by itself, or of all heads'
together, before positions rotate them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..operands import ALL, Cell, Result, constant, product
from .attention import explain_projection
from .kind import ATTENTION, StepKind
from .norm import root_mean_square
from .positions import projects, rotates


def of_each_head(config) -> bool:
    """Whether each head's query and key is normed by itself."""
    return config.qk_norm == "head"


def of_all_heads(config) -> bool:
    """Whether all heads' are normed together."""
    return config.qk_norm == "all"


def is_normed(config) -> bool:
    """Whether queries and keys are normed."""
    return config.qk_norm is not None


def explain_scale(cell: Cell) -> Result:
    """√(mean of the squares + ε), over a head's numbers or over those of all heads."""
    before = f"{cell.path}.{cell.ref.leaf[0]}.unnormed"
    if of_each_head(cell.config):
        x = cell.get("x", before, *cell.index, ALL)
    else:
        heads, _, width = cell.trace.shape(before)
        head_N, k_N = np.indices((heads, width)).reshape(2, -1)
        x = cell.get("x", before, head_N, cell.index[0], k_N)
    return root_mean_square(x, cell.config.norm_eps)


def explain_normed(cell: Cell) -> Result:
    """A number of a query or a key / the scale, times its gain."""
    (head, l, k), which, all_heads = cell.index, cell.ref.leaf[0], of_all_heads(cell.config)
    x = cell.get("x", f"{cell.path}.{which}.unnormed", head, l, k)
    scale = cell.get("scale", f"{cell.path}.{which}.scale", *([l] if all_heads else [head, l]))
    gain = cell.weight("gain", f"{which}.norm.weight", k + all_heads * head * cell.config.d_head)
    share = constant("1 / scale", 1 / float(scale.values_N[0]))
    made = product(x, share, gain)
    return Result(made.value, made.formula, (x, scale, gain))


def before_norm(q: str, name: str, heads: str, does: str) -> tuple[StepKind, ...]:
    """A query or a key as it is projected, and its scale. heads: their axis; does: what it is."""
    unnormed = StepKind(
        leaf=f"{q}.unnormed",
        axes=f"{heads}LK",
        place=ATTENTION,
        recipe=explain_projection,
        title=f"{name} before its norm",
        story=f"{does}, as the projection leaves it.",
        latex=rf"{q}_{{l,j}} = \sum_d x_{{l,d}}\, W^{q.upper()}_{{d,j}} + b^{q.upper()}_j",
        colour=q,
        when=is_normed,
    )
    scale = StepKind(
        leaf=f"{q}.scale",
        axes=f"{heads}L",
        place=ATTENTION,
        recipe=explain_scale,
        title="Root mean square",
        story=f"How large the numbers of this {name.lower()} are, with a tiny ε under the root.",
        latex=rf"\sigma_l = \sqrt{{\tfrac{{1}}{{K}}\sum_j {q}_{{l,j}}^2 + \varepsilon}}",
        colour="norm",
        when=of_each_head,
    )
    shared = replace(
        scale,
        axes="L",
        story="How large all heads’ numbers are together, with a tiny ε under the root.",
        latex=rf"\sigma_l = \sqrt{{\tfrac{{1}}{{H K}}\sum_{{h,j}} {q}_{{h,l,j}}^2 + \varepsilon}}",
        when=of_all_heads,
    )
    return unnormed, scale, shared


def after_norm(q: str, name: str, heads: str, does: str) -> tuple[StepKind, ...]:
    """A query or a key as its norm leaves it, rotated later or not at all."""
    normed = StepKind(
        leaf=q,
        axes=f"{heads}{'L' if q == 'q' else 'M'}K",
        place=ATTENTION,
        recipe=explain_normed,
        title=f"{name}, normed",
        story=f"{does}: divided by its scale and stretched by learned numbers.",
        latex=rf"\hat {q}_{{l,j}} = \frac{{{q}_{{l,j}}}}{{\sigma_l}}\, \gamma_j",
        letters={rf"\hat {q}": f"{name.lower()}, normed"},
        colour=q,
        when=is_normed,
        where=projects,
    )
    unrotated = replace(
        normed,
        leaf=f"{q}.unrotated",
        axes=f"{heads}LK",
        title=f"{name} before rotation",
        story=f"{does}: normed, but not yet rotated by its position.",
        where=rotates,
    )
    return normed, unrotated


QUERY = ("q", "Query", "H", "What this token is looking for")
KEY = ("k", "Key", "G", "What this token can be found by")
KINDS = tuple(kind for of in (QUERY, KEY) for kind in (*before_norm(*of), *after_norm(*of)))
