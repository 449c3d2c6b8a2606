"""A layer as a whole: what leaves it, how far it moved each token, and what attention has mixed by
then.
"""

from __future__ import annotations

import numpy as np

from ..operands import (
    ALL,
    Cell,
    Result,
    added,
    average,
    cosine,
    same,
    sum_of_products,
    vector_length,
)
from ..step_ref import StepRef
from ..text import factor, operand
from ..vectors import TINY, cosines, lengths
from .kind import LAYER, STACK, StepKind
from .norm import sublayer_result


def explain_layer_out(cell: Cell) -> Result:
    last = cell.ref.path + ".mlp"
    return same(cell.get("stream", sublayer_result(cell.config, last), *cell.index))


def explain_stack_out(cell: Cell) -> Result:
    last = f"{cell.path}.{cell.config.layers(cell.ref.side) - 1}.out"
    reads = f"{cell.path}.norm.out" if cell.config.final_norm else last
    return same(cell.get("stream", reads, *cell.index))


# --- readings -------------------------------------------------------------------------------------


def cosine_to_first(trace, ref: StepRef):
    """The cosine between each token's vector after this layer and the one it came in with, (L,)."""
    side = ref.side
    return cosines(trace[f"{ref.path}.out"], trace[f"{side}.embed.out"])


def explain_cosine_to_first(cell: Cell) -> Result:
    (l,) = cell.index
    return cosine(
        cell.get("now", f"{cell.path}.out", l, ALL),
        cell.get("at first", f"{cell.ref.side}.embed.out", l, ALL),
    )


def cosine_to_previous(trace, ref: StepRef):
    """The cosine between each token's vector after this layer and before it, (L,)."""
    return cosines(trace[f"{ref.path}.out"], trace[f"{ref.path}.attn.in"])


def explain_cosine_to_previous(cell: Cell) -> Result:
    (l,) = cell.index
    return cosine(
        cell.get("after", f"{cell.path}.out", l, ALL),
        cell.get("before", f"{cell.path}.attn.in", l, ALL),
    )


def step_length(trace, ref: StepRef):
    """How far this layer moved each token, as a share of its vector's length before, (L,)."""
    after_LD, before_LD = (
        trace[f"{ref.path}.out"].astype(np.float64),
        trace[f"{ref.path}.attn.in"].astype(np.float64),
    )
    return lengths(after_LD - before_LD) / np.maximum(lengths(before_LD), TINY)


def explain_step_length(cell: Cell) -> Result:
    """The length of what a layer added, against the length of what there was."""
    (l,) = cell.index
    after, before = (
        cell.get("after", f"{cell.path}.out", l, ALL),
        cell.get("before", f"{cell.path}.attn.in", l, ALL),
    )
    moved_N = after.values_N - before.values_N
    written = added(
        moved_N**2, lambda i: f"({operand(after.values_N[i])} − {factor(before.values_N[i])})²"
    )
    return Result(
        float(np.linalg.norm(moved_N)) / vector_length(before),
        f"√({written}) / {operand(vector_length(before))}",
        (after, before),
    )


def rollout(trace, ref: StepRef):
    """How much of each first vector has reached each token after this layer, if attention mixes
    vectors and half of each stays: rollout = (A + I) / 2 · rollout before, (L, M) (Abnar & Zuidema
    2020, section 3).
    """
    pattern_LM = trace[f"{ref.path}.attn.pattern.mean"].astype(np.float64)
    mixed_LM = (pattern_LM + np.eye(len(pattern_LM))) / 2
    return mixed_LM @ trace[str(ref.with_layer(ref.layer - 1))] if ref.layer else mixed_LM


def explain_rollout(cell: Cell) -> Result:
    """Half of what the tokens that are looked at had gathered, and half of what it had gathered
    itself.
    """
    (l, m), layer, mean = cell.index, cell.ref.layer, f"{cell.path}.attn.pattern.mean"
    if not layer:
        weight = cell.get("weight", mean, l, m)
        return Result(
            (weight.values_N[0] + (l == m)) / 2,
            f"({operand(weight.values_N[0])} + {int(l == m)}) / 2",
            (weight,),
        )
    before = str(cell.ref.with_layer(layer - 1))
    own = cell.get("own", before, l, m)
    summed = sum_of_products(
        cell.get("weight", mean, l, ALL), cell.get("before", before, ALL, m), own
    )
    return Result(summed.value / 2, f"({summed.formula}) / 2", summed.groups)


def pooled(trace, ref: StepRef):
    """The mean of all tokens' last vectors, (D,): one vector for the text (Reimers & Gurevych 2019,
    section 3).
    """
    return trace[f"{ref.path}.out"].astype(np.float64).mean(axis=0)


def explain_pooled(cell: Cell) -> Result:
    return average(cell.get("x", f"{cell.path}.out", ALL, *cell.index))


KINDS = (
    StepKind(
        leaf="out",
        axes="LD",
        place=LAYER,
        recipe=explain_layer_out,
        title="Out of the layer",
        story="The token’s vector as it leaves this layer.",
        latex=r"x_{l,d}",
        colour="residual",
    ),
    StepKind(
        leaf="out",
        axes="LD",
        place=STACK,
        recipe=explain_stack_out,
        title="Out of the stack",
        story="The token’s contextual vector: what the whole stack made of it.",
        latex=r"x_{l,d}",
        colour="residual",
    ),
    StepKind(
        leaf="out.similarity",
        axes="L",
        place=LAYER,
        recipe=explain_cosine_to_first,
        title="Similarity with its first vector",
        story=(
            "The cosine between the token’s vector after this layer and its first vector: 1"
            " means the same direction, 0 a right angle."
        ),
        latex=r"\frac{x_l \cdot x^0_l}{\|x_l\| \, \|x^0_l\|}",
        colour="residual",
        compute=cosine_to_first,
        after="out",
    ),
    StepKind(
        leaf="out.turned",
        axes="L",
        place=LAYER,
        recipe=explain_cosine_to_previous,
        title="Similarity with the layer before",
        story="The cosine between the token’s vector after this layer and before it.",
        latex=r"\frac{x_l \cdot x^{\mathrm{before}}_l}{\|x_l\| \, \|x^{\mathrm{before}}_l\|}",
        colour="residual",
        compute=cosine_to_previous,
        after="out",
    ),
    StepKind(
        leaf="out.step",
        axes="L",
        place=LAYER,
        recipe=explain_step_length,
        title="Length of the step",
        story=("How far this layer moved the token’s vector, as a share of its length before."),
        latex=r"\frac{\|x_l - x^{\mathrm{before}}_l\|}{\|x^{\mathrm{before}}_l\|}",
        colour="residual",
        compute=step_length,
        after="out",
    ),
    StepKind(
        leaf="rollout",
        axes="LM",
        place=LAYER,
        recipe=explain_rollout,
        title="Rollout",
        story=(
            "How much of one token’s first vector has reached another after this layer, if"
            " attention only mixed vectors and half of each stayed in place."
        ),
        latex=(
            r"R_{l,m} = \frac{1}{2}\Bigl(\sum_{m'} \bar a_{l,m'} "
            r"R^{\mathrm{before}}_{m',m} + R^{\mathrm{before}}_{l,m}\Bigr)"
        ),
        letters={"m": "position of the first vector", "m'": "each position in turn"},
        colour="weight",
        scale="weight",
        compute=rollout,
        after="out",
    ),
    StepKind(
        leaf="out.pooled",
        axes="D",
        place=STACK,
        recipe=explain_pooled,
        title="Sentence vector (mean)",
        story="The last vectors of all tokens, averaged.",
        latex=r"\frac{1}{L}\sum_l x_{l,d}",
        colour="residual",
        compute=pooled,
        after="out",
    ),
)
