"""Attention: queries, keys and values, the score of each pair, softmax, and the weighted sum."""

from __future__ import annotations

import math

import numpy as np

from ..operands import (
    ALL,
    Cell,
    Result,
    capped,
    constant,
    exponentials_of,
    given,
    product,
    quotient,
    sum_of_products,
    total,
)
from ..ops import softmax
from ..step_ref import StepRef
from ..text import factor, operand
from .kind import ATTENTION, StepKind
from .norm import UNNORMED, adds_as_made, norms_update, sublayer_reads
from .positions import projects

BY_HEAD = {"u": "update; with h, that by one head"}


def not_normed(config) -> bool:
    """Whether queries and keys are compared as they are projected, but for their positions."""
    return config.qk_norm is None


def explain_projection(cell: Cell) -> Result:
    """q, k or v before any norm or rotation: a token's vector times one column of W."""
    head, token_at, k = cell.index
    which, column = cell.ref.leaf[0], head * cell.config.d_head + k
    reads = (
        "encoder.out"
        if cell.ref.looks_across and which != "q"
        else sublayer_reads(cell.config, cell.ref)
    )
    return sum_of_products(
        cell.get("x", reads, token_at, ALL),
        cell.weight(f"W{which}", f"{which}.weight", ALL, column),
        cell.weight("bias", f"{which}.bias", column),
    )


def explain_dot_product(cell: Cell) -> Result:
    h, l, m = cell.index
    return sum_of_products(
        cell.get("q", f"{cell.path}.q", h, l, ALL),
        cell.get("k", f"{cell.path}.k", cell.group(h), m, ALL),
    )


def explain_scaled_score(cell: Cell) -> Result:
    dot, scale, K = (
        cell.get("q·k", f"{cell.path}.scores.dot", *cell.index),
        cell.config.score_scale,
        cell.config.d_head,
    )
    if not cell.config.divides_by_root:
        return product(dot, constant("scale", scale))
    return Result(
        float(dot.values_N[0]) * scale,
        f"{operand(dot.values_N[0])} / √{K}",
        (dot, constant(f"1 / √{K}", scale)),
        "divided",
    )


def before_mask(trace, path: str) -> str:
    """The step of the scores that the mask is laid over: the last one before it."""
    steps = (f"{path}.scores.{leaf}" for leaf in ("capped", "biased", "scaled"))
    return next(step for step in steps if step in trace)


def explain_capped_score(cell: Cell) -> Result:
    """cap · tanh(score / cap)."""
    before = f"{cell.path}.scores.biased"
    before = before if before in cell.trace else f"{cell.path}.scores.scaled"
    return capped(cell.get("score", before, *cell.index), cell.config.score_cap)


def explain_masked_score(cell: Cell) -> Result:
    """The score where the mask allows it, −∞ where not."""
    h, l, m = cell.index
    score = cell.get("score", before_mask(cell.trace, cell.path), h, l, m)
    allowed = cell.get("mask", f"{cell.path}.mask", l, m)
    if allowed.values_N[0]:
        return Result(
            float(score.values_N[0]),
            f"{operand(score.values_N[0])}, allowed by the mask",
            (score, allowed),
            "masked",
        )
    written = f"{operand(score.values_N[0])}, blocked by the mask"
    return Result(-math.inf, written, (score, allowed), "masked")


def has_window(config, ref: StepRef) -> bool:
    """Whether a layer looks only so far."""
    return ref.sublayer == "attn" and ref.layer is not None and config.window(ref.layer) is not None


def looks_at_all(config, ref: StepRef) -> bool:
    """Whether it looks at any distance."""
    return not has_window(config, ref)


def explain_mask(cell: Cell) -> Result:
    """The mask of the run, and 0 beyond the window of a layer that has one."""
    l, m = cell.index
    layer = None if cell.ref.looks_across else cell.ref.layer
    window = None if layer is None else cell.config.window(layer)
    if window is None or abs(l - m) <= window or cell.value:
        return given(cell)
    apart = constant("positions apart", abs(l - m))
    return Result(
        0.0, f"{abs(l - m)} apart, more than {window}", (apart, constant("window", window))
    )


def explain_seen(cell: Cell) -> Result:
    """The row of the mask, added up."""
    return total(cell.get("mask", f"{cell.path}.mask", *cell.index, ALL))


def explain_weight(cell: Cell) -> Result:
    h, l, m = cell.index
    return quotient(
        cell.get("exp", f"{cell.path}.pattern.exp", h, l, m),
        cell.get("row total", f"{cell.path}.pattern.total", h, l),
    )


def explain_weighted_sum(cell: Cell) -> Result:
    h, l, k = cell.index
    return sum_of_products(
        cell.get("weight", f"{cell.path}.pattern", h, l, ALL),
        cell.get("v", f"{cell.path}.v", cell.group(h), ALL, k),
    )


def explain_attention_update(cell: Cell) -> Result:
    l, d = cell.index
    return total(
        cell.get("head", f"{cell.path}.heads", ALL, l, d), cell.weight("bias", "out.bias", d)
    )


def explain_unnormed_update(cell: Cell) -> Result:
    """The weighted sums of all heads, projected, before the norm of the update."""
    (l, d), c = cell.index, cell.config
    heads_X, dims_X = np.divmod(np.arange(c.n_heads * c.d_head), c.d_head)
    return sum_of_products(
        cell.get("z", f"{cell.path}.z", heads_X, l, dims_X),
        cell.weight("Wo", "out.weight", ALL, d),
        cell.weight("bias", "out.bias", d),
    )


# --- softmax --------------------------------------------------------------------------------------


def exponentials(trace, ref: StepRef):
    """exp(score − the row's largest), the numerators of softmax, (H, L, M)."""
    scores_HLM = trace[f"{ref.path}.scores"]
    return np.exp(scores_HLM - scores_HLM.max(axis=-1, keepdims=True))


def explain_exponential(cell: Cell) -> Result:
    h, l, m = cell.index
    score, row = (
        cell.get(role, f"{cell.path}.scores", h, l, index)
        for role, index in (("score", m), ("row", ALL))
    )
    largest = row.values_N.max()
    return Result(
        math.exp(score.values_N[0] - largest),
        f"exp({operand(score.values_N[0])} − {factor(largest)})",
        (score, exponentials_of(row)),
        "exponential",
    )


def totals(trace, ref: StepRef):
    """The sum of a row's exponentials, the denominator of softmax, (H, L)."""
    return trace[f"{ref.path}.pattern.exp"].sum(axis=-1)


def explain_total(cell: Cell) -> Result:
    return total(cell.get("exp", f"{cell.path}.pattern.exp", *cell.index, ALL))


def powers(trace, ref: StepRef):
    """e to the power of each score, with nothing taken off first, (H, L, M), in float64: what does
    not fit even there becomes ∞, which is why a row's largest score is taken off.
    """
    with np.errstate(over="ignore"):
        return np.exp(trace[f"{ref.path}.scores"].astype(np.float64))


def explain_power(cell: Cell) -> Result:
    score = cell.get("score", f"{cell.path}.scores", *cell.index)
    with np.errstate(over="ignore"):
        value = float(np.exp(score.values_N[0]))
    return Result(value, f"exp({operand(score.values_N[0])})", (score,))


def power_totals(trace, ref: StepRef):
    """The sum of a row's plain exponentials, (H, L)."""
    return trace[f"{ref.path}.pattern.power"].sum(axis=-1)


def explain_power_total(cell: Cell) -> Result:
    return total(cell.get("exp", f"{cell.path}.pattern.power", *cell.index, ALL))


# --- what each token gives ------------------------------------------------------------------------


def given_shares(trace, ref: StepRef):
    """How much of the weighted sum each token makes: its value times its weight, along the sum, in
    lengths of the sum, (H, L, M). A row sums to 1; below 0 a token works against the others.
    """
    z_HLK = trace[f"{ref.path}.z"].astype(np.float64)
    groups = [trace.config.group(h) for h in range(len(z_HLK))]
    v_HMK = trace[f"{ref.path}.v"][groups].astype(np.float64)
    along_HLM = trace[f"{ref.path}.pattern"] * (z_HLK @ v_HMK.transpose(0, 2, 1))
    return along_HLM / np.maximum(np.vecdot(z_HLK, z_HLK), np.finfo(float).tiny)[..., None]


def explain_given_share(cell: Cell) -> Result:
    """a · (v · z) / ‖z‖²."""
    h, l, m = cell.index
    weight = cell.get("weight", f"{cell.path}.pattern", h, l, m)
    value = cell.get("v", f"{cell.path}.v", cell.group(h), m, ALL)
    whole = cell.get("z", f"{cell.path}.z", h, l, ALL)
    products, square = sum_of_products(value, whole), float(whole.values_N @ whole.values_N)
    share = float(weight.values_N[0]) * products.value / square if square else 0.0
    formula = f"{operand(weight.values_N[0])} · ({products.formula}) / {operand(square)}"
    return Result(share, formula, (weight, value, whole))


def softmax_of(cell: Cell, scale: float, written: str) -> Result:
    """softmax(score · scale) over the row."""
    h, l, m = cell.index
    row = cell.get("row", f"{cell.path}.scores", h, l, ALL)
    scores_N = row.values_N * scale
    mine, whole = math.exp(scores_N[m] - scores_N.max()), np.exp(scores_N - scores_N.max()).sum()
    return Result(
        float(mine / whole),
        f"exp({operand(row.values_N[m])} {written} − {factor(scores_N.max())}) / {operand(whole)}",
        (cell.get("score", f"{cell.path}.scores", h, l, m), exponentials_of(row, scale)),
    )


def weights_at_temperature(trace, ref: StepRef, percent: int):
    """Softmax at another temperature: of scores / T, T = percent / 100, (H, L, M) (Hinton et al.
    2015, section 2).
    """
    return softmax(trace[f"{ref.path}.scores"] * (100 / percent))


def explain_weight_at_temperature(cell: Cell) -> Result:
    (percent,) = cell.args
    return softmax_of(cell, 100 / percent, f"/ {operand(percent / 100)}")


def plainly_scaled(config) -> bool:
    """Whether all that lies between the dot products and the mask is a division by √K, or nothing;
    T5's bias aside.
    """
    bent = bool(config.score_cap) or config.positions == "alibi"
    return not bent and (config.divides_by_root or config.score_scale == 1)


def unscaled(trace, ref: StepRef):
    """Softmax of the scores as if they had not been divided by √K, (H, L, M)."""
    return softmax(trace[f"{ref.path}.scores"] / trace.config.score_scale)


def explain_unscaled(cell: Cell) -> Result:
    return softmax_of(
        cell, 1 / cell.config.score_scale, f"· {operand(1 / cell.config.score_scale)}"
    )


def seen(trace, ref: StepRef):
    """How many tokens each one may look at, (L,)."""
    return trace[f"{ref.path}.mask"].sum(axis=-1).astype(np.float32)


def score_terms(trace, ref: StepRef, head: int, looks: int, looked_at: int):
    """q ∘ k, the products whose sum is the score of one pair, (K,)."""
    return (
        trace[f"{ref.path}.q"][head, looks]
        * trace[f"{ref.path}.k"][trace.config.group(head), looked_at]
    )


def explain_score_term(cell: Cell) -> Result:
    (k,), (h, l, m) = cell.index, cell.args
    return product(
        cell.get("q", f"{cell.path}.q", h, l, k),
        cell.get("k", f"{cell.path}.k", cell.group(h), m, k),
    )


KINDS = (
    StepKind(
        leaf="q.unrotated",
        axes="HLK",
        place=ATTENTION,
        recipe=explain_projection,
        title="Query before rotation",
        story="What this token is looking for, before the rotation by its position.",
        latex=r"q_{l,j} = \sum_d x_{l,d}\, W^Q_{d,j} + b^Q_j",
        colour="q",
        when=not_normed,
    ),
    StepKind(
        leaf="k.unrotated",
        axes="GLK",
        place=ATTENTION,
        recipe=explain_projection,
        title="Key before rotation",
        story="What this token can be found by, before the rotation by its position.",
        latex=r"k_{l,j} = \sum_d x_{l,d}\, W^K_{d,j} + b^K_j",
        colour="k",
        when=not_normed,
    ),
    StepKind(
        leaf="q",
        axes="HLK",
        place=ATTENTION,
        recipe=explain_projection,
        title="Query",
        story="What this token is looking for in the others.",
        latex=r"q_{l,j} = \sum_d x_{l,d}\, W^Q_{d,j} + b^Q_j",
        colour="q",
        when=not_normed,
        where=projects,
    ),
    StepKind(
        leaf="k",
        axes="GMK",
        place=ATTENTION,
        recipe=explain_projection,
        title="Key",
        story="What this token can be found by.",
        latex=r"k_{m,j} = \sum_d x_{m,d}\, W^K_{d,j} + b^K_j",
        colour="k",
        when=not_normed,
        where=projects,
    ),
    StepKind(
        leaf="v",
        axes="GMK",
        place=ATTENTION,
        recipe=explain_projection,
        title="Value",
        story="What this token gives to those that look at it.",
        latex=r"v_{m,j} = \sum_d x_{m,d}\, W^V_{d,j} + b^V_j",
        colour="v",
    ),
    StepKind(
        leaf="scores.dot",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_dot_product,
        title="Dot product",
        story="How well one token’s query matches another’s key.",
        latex=r"q_l \cdot k_m = \sum_j q_{l,j}\, k_{m,j}",
        colour="weight",
    ),
    StepKind(
        leaf="scores.scaled",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_scaled_score,
        title="Scaled score",
        story="Divided by √K, which keeps softmax from becoming all or nothing.",
        latex=r"s_{l,m} = \frac{q_l \cdot k_m}{\sqrt{K}}",
        colour="weight",
        when=lambda config: config.divides_by_root,
    ),
    StepKind(
        leaf="scores.scaled",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_scaled_score,
        title="Scaled score",
        story="Multiplied by a number that the model’s files give, which keeps softmax soft.",
        latex=r"s_{l,m} = n\, (q_l \cdot k_m)",
        letters={"n": "the model’s scale"},
        colour="weight",
        when=lambda config: config.score_scale != 1 and not config.divides_by_root,
    ),
    StepKind(
        leaf="scores.scaled",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_scaled_score,
        title="Score, not scaled",
        story="This model’s weights need no division by √K: the factor is 1.",
        latex=r"s_{l,m} = 1 \cdot (q_l \cdot k_m)",
        colour="weight",
        when=lambda config: config.score_scale == 1 and not config.divides_by_root,
    ),
    StepKind(
        leaf="scores.capped",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_capped_score,
        title="Capped score",
        story="Bent by a tanh, so that no score lies beyond the cap; small ones hardly change.",
        latex=r"n \tanh\!\left(\frac{s_{l,m}}{n}\right)",
        letters={"n": "the cap"},
        colour="weight",
        when=lambda config: bool(config.score_cap),
    ),
    StepKind(
        leaf="mask",
        axes="LM",
        place=ATTENTION,
        recipe=explain_mask,
        title="Mask",
        story="1 where the token may look, 0 where it may not.",
        latex=r"\mathrm{mask}_{l,m} \in \{0, 1\}",
        colour="weight",
        scale="mask",
        where=looks_at_all,
    ),
    StepKind(
        leaf="mask",
        axes="LM",
        place=ATTENTION,
        recipe=explain_mask,
        title="Mask and window",
        story=(
            "1 where the token may look, 0 where it may not: what the mask hides, and in this layer"
            " also what is too far away."
        ),
        latex=r"\mathrm{mask}_{l,m} = 0\ \text{if}\ |l - m| > W",
        letters={"W": "window: how far this layer looks"},
        colour="weight",
        scale="mask",
        where=has_window,
    ),
    StepKind(
        leaf="mask.seen",
        axes="L",
        place=ATTENTION,
        recipe=explain_seen,
        title="Tokens that it may look at",
        story="How many tokens this one may look at: a 1 of the mask for each, added up.",
        latex=r"\sum_m \mathrm{mask}_{l,m}",
        colour="weight",
        scale="weight",
        compute=seen,
        after="mask",
    ),
    StepKind(
        leaf="scores",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_masked_score,
        title="Masked score",
        story="The score, or −∞ where the mask hides the other token: softmax turns −∞ into 0.",
        latex=r"\tilde s_{l,m} = s_{l,m}\ \text{if}\ \mathrm{mask}_{l,m}\ \text{else}\ -\infty",
        colour="weight",
    ),
    StepKind(
        leaf="pattern",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_weight,
        title="Attention weight (softmax)",
        story="The share of its attention that the token gives to another. A row adds up to 1.",
        latex=r"a_{l,m} = \frac{e^{\tilde s_{l,m} - \max}}{\sum_{m'} e^{\tilde s_{l,m'} - \max}}",
        colour="weight",
        scale="weight",
        masked=True,
    ),
    StepKind(
        leaf="z",
        axes="HLK",
        place=ATTENTION,
        recipe=explain_weighted_sum,
        title="Weighted sum of values",
        story="The values of all tokens, each multiplied by its attention weight, added up.",
        latex=r"z_{l,j} = \sum_m a_{l,m}\, v_{m,j}",
        colour="v",
    ),
    StepKind(
        leaf="out",
        axes="LD",
        place=ATTENTION,
        recipe=explain_attention_update,
        title="Update by attention",
        story="The heads’ contributions and the bias, added up: what attention adds to the token.",
        latex=r"u_{l,d} = \sum_h u_{h,l,d} + b^O_d",
        letters=BY_HEAD,
        colour="weight",
        when=adds_as_made,
    ),
    StepKind(
        leaf="out.unnormed",
        axes="LD",
        place=ATTENTION,
        recipe=explain_unnormed_update,
        title="Update by attention, before its norm",
        story="What the heads found, projected and added up. A norm follows before it is added.",
        latex=r"\tilde u_{l,d} = \sum_{h,j} z_{h,l,j}\, W^O_{h,j,d} + b^O_d",
        letters=UNNORMED,
        colour="weight",
        when=norms_update,
    ),
    StepKind(
        leaf="scores.terms",
        axes="K",
        place=ATTENTION,
        recipe=explain_score_term,
        title="One product of the score",
        story="What one dimension of the head adds to the score of these two tokens.",
        latex=r"q_{l,j}\, k_{m,j}",
        colour="weight",
        compute=score_terms,
        after="scores.dot",
        args="HLM",
    ),
    StepKind(
        leaf="pattern.exp",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_exponential,
        title="Exponential of the score",
        story=(
            "The numerator of softmax. The row’s largest score is subtracted first, which"
            " changes no share."
        ),
        latex=r"e^{\tilde s_{l,m} - \max_{m'} \tilde s_{l,m'}}",
        colour="weight",
        scale="weight",
        compute=exponentials,
        after="pattern",
    ),
    StepKind(
        leaf="pattern.total",
        axes="HL",
        place=ATTENTION,
        recipe=explain_total,
        title="Sum of the exponentials",
        story="The denominator of softmax, one for each row.",
        latex=r"\sum_m e^{\tilde s_{l,m} - \max}",
        colour="weight",
        scale="weight",
        compute=totals,
        after="pattern",
    ),
    StepKind(
        leaf="pattern.heat",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_weight_at_temperature,
        title="Attention weight at another temperature",
        story=(
            "The scores divided by the temperature before softmax: below 1 sharper, above 1"
            " more even."
        ),
        latex=r"\frac{e^{\tilde s_{l,m} / T}}{\sum_{m'} e^{\tilde s_{l,m'} / T}}",
        colour="weight",
        scale="weight",
        masked=True,
        compute=weights_at_temperature,
        after="pattern",
        args="T",
    ),
    StepKind(
        leaf="pattern.unscaled",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_unscaled,
        title="Attention weight without ÷ √K",
        story="Softmax of the dot products as they are.",
        latex=r"\frac{e^{\tilde s_{l,m} \sqrt{K}}}{\sum_{m'} e^{\tilde s_{l,m'} \sqrt{K}}}",
        colour="weight",
        scale="weight",
        masked=True,
        compute=unscaled,
        after="pattern",
        when=plainly_scaled,
    ),
    StepKind(
        leaf="pattern.power",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_power,
        title="e to the power of the score",
        story=(
            "Softmax divides this by the sum over the row. Nothing is subtracted from the score"
            " first."
        ),
        latex=r"e^{\tilde s_{l,m}}",
        colour="weight",
        scale="weight",
        compute=powers,
        after="pattern",
    ),
    StepKind(
        leaf="pattern.power.total",
        axes="HL",
        place=ATTENTION,
        recipe=explain_power_total,
        title="Sum of e to the power of each score",
        story="The denominator of softmax when nothing is subtracted from the scores first.",
        latex=r"\sum_m e^{\tilde s_{l,m}}",
        colour="weight",
        scale="weight",
        compute=power_totals,
        after="pattern",
    ),
    StepKind(
        leaf="z.share",
        axes="HLM",
        place=ATTENTION,
        recipe=explain_given_share,
        title="A token’s share of the weighted sum",
        story=(
            "Its value times its weight, measured along the sum. Below 0 it works against the"
            " others. A row adds up to 1."
        ),
        latex=r"\frac{a_{l,m}\, (v_m \cdot z_l)}{\|z_l\|^2}",
        colour="weight",
        compute=given_shares,
        after="z",
    ),
)
