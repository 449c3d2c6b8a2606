"""Add and norm: the residual stream around each sublayer, its norm, and how long its vectors
are.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np

from ..operands import (
    ALL,
    Cell,
    Group,
    Result,
    average,
    constant,
    difference,
    product,
    quotient,
    same,
    squares,
    sum_of_products,
    total,
    vector_length,
)
from ..recorder import input_of
from ..step_ref import StepRef
from ..text import operand
from ..vectors import TINY, lengths
from .kind import ATTENTION, EMBED, FEED_FORWARD, LAYER, NORM, STACK, SUBLAYER, StepKind


def sublayer_reads(config, ref: StepRef) -> str:
    """What the projections of a sublayer are applied to: its input, or the norm of it."""
    return f"{ref.path}.norm.out" if config.norm_first else f"{ref.path}.in"


def sublayer_result(config, path: str) -> str:
    """The step that leaves a sublayer: its residual sum, or the norm after it."""
    return f"{path}.norm.out" if config.norm_at == "after" else f"{path}.sum"


def added_to(config, path: str) -> str:
    """The step that a sublayer's update is added to: what it reads, or in a parallel layer the sum
    with attention's update.
    """
    layer, _, sublayer = path.rpartition(".")
    return f"{layer}.attn.sum" if config.parallel and sublayer == "mlp" else f"{path}.in"


def explain_sublayer_in(cell: Cell) -> Result:
    """What the sublayer before left; for the first one, the layer before or the embedding. A
    parallel network reads what attention reads.
    """
    ref, crosses = cell.ref, cell.ref.side == "decoder" and cell.config.crosses
    before = {"cross": "attn", "mlp": "cross" if crosses else "attn"}.get(ref.sublayer)
    if before and cell.config.parallel:
        return same(cell.get("stream", f"{ref.side}.{ref.layer}.attn.in", *cell.index))
    source = (
        sublayer_result(cell.config, f"{ref.side}.{ref.layer}.{before}")
        if before
        else input_of(ref.side, ref.layer or 0)
    )
    return same(cell.get("stream", source, *cell.index))


def explain_residual_sum(cell: Cell) -> Result:
    return total(
        cell.get("stream", added_to(cell.config, cell.path), *cell.index),
        cell.get("update", f"{cell.path}.out", *cell.index),
    )


def explain_normed_update(cell: Cell) -> Result:
    """What a sublayer adds, where its update has passed a norm."""
    return same(cell.get("normed", f"{cell.path}.out.norm.out", *cell.index))


# --- the norm -------------------------------------------------------------------------------------


def norm_of(cell: Cell) -> str:
    """The norm that a step belongs to: that of the stream, or that of an update."""
    return "out.norm" if cell.ref.leaf.startswith("out.") else "norm"


def normalised(cell: Cell) -> str:
    """The step that a norm is applied to."""
    ref, before = cell.ref, cell.config.norm_first and cell.ref.place != "embed"
    if norm_of(cell) == "out.norm":
        return f"{ref.path}.out.unnormed"
    if ref.place == "stack":
        return input_of(ref.side, cell.config.layers(ref.side))
    return "head.hidden" if ref.place == "head" else f"{ref.path}.{'in' if before else 'sum'}"


def explain_mean(cell: Cell) -> Result:
    return average(cell.get("x", normalised(cell), cell.index[0], ALL))


def explain_centred(cell: Cell) -> Result:
    return difference(
        cell.get("x", normalised(cell), *cell.index),
        cell.get("mean", f"{cell.path}.{norm_of(cell)}.mean", cell.index[0]),
    )


def centred(cell: Cell) -> str:
    """What a layer norm takes the scale of, and divides by it."""
    return f"{cell.path}.{norm_of(cell)}.centred"


def root_mean_square(x: Group, eps: float) -> Result:
    """√(Σ x² / D + ε)."""
    return Result(
        math.sqrt((x.values_N**2).mean() + eps),
        f"√(({squares(x)}) / {len(x.values_N)} + {operand(eps)})",
        (x, constant("ε", eps)),
        "root mean square",
    )


def explain_deviation(cell: Cell) -> Result:
    x = cell.get("x", centred(cell), cell.index[0], ALL)
    return root_mean_square(x, cell.config.norm_eps)


def explain_root_mean_square(cell: Cell) -> Result:
    x = cell.get("x", normalised(cell), cell.index[0], ALL)
    return root_mean_square(x, cell.config.norm_eps)


def explain_unit(cell: Cell) -> Result:
    """x / its scale; x is what the scale was taken of."""
    reads = centred(cell) if cell.config.norm == "layer" else normalised(cell)
    return quotient(
        cell.get("x", reads, *cell.index),
        cell.get("scale", f"{cell.path}.{norm_of(cell)}.scale", cell.index[0]),
    )


def unit_and_gain(cell: Cell) -> tuple[Group, Group]:
    """What a norm leaves: the normalised number, and what it is stretched by."""
    unit = cell.get("unit", f"{cell.path}.{norm_of(cell)}.unit", *cell.index)
    return unit, cell.weight("gain", f"{norm_of(cell)}.weight", cell.index[1])


def explain_gained(cell: Cell) -> Result:
    return product(*unit_and_gain(cell))


def explain_gained_and_shifted(cell: Cell) -> Result:
    shift = cell.weight("shift", f"{norm_of(cell)}.bias", cell.index[1])
    return sum_of_products(*unit_and_gain(cell), shift)


def explain_unchanged(cell: Cell) -> Result:
    return same(cell.get("x", normalised(cell), *cell.index))


def layer_norm(config, ref: StepRef) -> bool:
    """Whether the norm there takes the mean off."""
    return config.norm_of(f"{ref.path}.norm") == "layer"


def rms_norm(config, ref: StepRef) -> bool:
    """Whether it divides by the root mean square alone."""
    return config.norm_of(f"{ref.path}.norm") == "rms"


def no_norm(config, ref: StepRef) -> bool:
    """Whether there is none."""
    return config.norm_of(f"{ref.path}.norm") == "none"


def norms_update(config) -> bool:
    """Whether what a sublayer adds has passed a norm of its own."""
    return config.norms_update


def adds_as_made(config) -> bool:
    """Whether a sublayer adds what it makes as it is."""
    return not config.norms_update


# --- lengths --------------------------------------------------------------------------------------


def relative_length(trace, ref: StepRef):
    """How long a sublayer's update is, as a share of the vector that it is added to, (L,)."""
    before_LD = trace[added_to(trace.config, ref.path)]
    return lengths(trace[f"{ref.path}.out"]) / np.maximum(lengths(before_LD), TINY)


def explain_relative_length(cell: Cell) -> Result:
    """The length of an update against the length of what it is added to."""
    (l,) = cell.index
    update, before = (
        cell.get("update", f"{cell.path}.out", l, ALL),
        cell.get("before", added_to(cell.config, cell.path), l, ALL),
    )
    return Result(
        vector_length(update) / vector_length(before) if vector_length(before) else 0.0,
        f"{operand(vector_length(update))} / {operand(vector_length(before))}",
        (update, before),
    )


def length(trace, ref: StepRef):
    """‖x‖ of each token's vector, (L,); of each head's, (H, L)."""
    return lengths(trace[str(ref.parent)])


def explain_length(cell: Cell) -> Result:
    x = cell.get("x", str(cell.ref.parent), *cell.index, ALL)
    return Result(vector_length(x), f"√({squares(x)})", (x,))


UNNORMED = {r"\tilde u": "the update before its norm"}


def of_update(kind: StepKind) -> StepKind:
    """A number of the stream's norm, in the norm of a sublayer's update instead."""
    latex = kind.latex.replace(r"\hat x", r"\hat u")
    return replace(
        kind,
        leaf=f"out.{kind.leaf}",
        place=SUBLAYER,
        title=f"{kind.title}: the update",
        story=kind.story.replace("every token’s vector", "every update"),
        latex=re.sub(r"\bx(?=_)", r"\\tilde u", latex),
        letters={
            letter: words
            for letter, words in (UNNORMED | {r"\hat u": "the update, normalised"}).items()
            if letter in re.sub(r"\bx(?=_)", r"\\tilde u", latex)
        },
        when=lambda config: config.norms_update,
    )


SYMBOLS = {"u_{h,l}": {"u": "update by one head"}, r"\tilde u_{l}": UNNORMED}


def length_of(
    leaf: str, place: tuple[str, ...], symbol: str, colour: str, axes="L", after=""
) -> StepKind:
    """The kind of number that says how long the vectors of a step are. symbol: a vector in the
    formula, its indices in braces: x_{l}.
    """
    along = "j" if symbol.startswith("v") else "d"
    return StepKind(
        leaf=f"{leaf}.length",
        axes=axes,
        place=place,
        recipe=explain_length,
        title="Length of the vector",
        story="How long the vector is: the root of the sum of its squared numbers.",
        latex=rf"\|{symbol}\| = \sqrt{{\sum_{along} {symbol[:-1]},{along}}}^2}}",
        letters=SYMBOLS.get(symbol, {}),
        colour=colour,
        compute=length,
        after=after or leaf,
    )


THE_NORM = (
    StepKind(
        leaf="norm.mean",
        axes="L",
        place=NORM,
        recipe=explain_mean,
        title="Mean of the vector",
        story="The average of the vector’s numbers.",
        latex=r"\mu_l = \frac{1}{D}\sum_d x_{l,d}",
        colour="norm",
    ),
    StepKind(
        leaf="norm.centred",
        axes="LD",
        place=NORM,
        recipe=explain_centred,
        title="Minus the mean",
        story="The vector, shifted so that its numbers average 0.",
        latex=r"x_{l,d} - \mu_l",
        colour="norm",
    ),
    StepKind(
        leaf="norm.scale",
        axes="L",
        place=NORM,
        recipe=explain_deviation,
        title="Deviation",
        story="How far the numbers spread around their mean, with a tiny ε under the root.",
        latex=r"\sigma_l = \sqrt{\tfrac{1}{D}\sum_d (x_{l,d}-\mu_l)^2 + \varepsilon}",
        colour="norm",
        where=layer_norm,
    ),
    StepKind(
        leaf="norm.scale",
        axes="L",
        place=NORM,
        recipe=explain_root_mean_square,
        title="Root mean square",
        story="How large the vector’s numbers are, with a tiny ε under the root.",
        latex=r"\sigma_l = \sqrt{\tfrac{1}{D}\sum_d x_{l,d}^2 + \varepsilon}",
        colour="norm",
        where=rms_norm,
    ),
    StepKind(
        leaf="norm.unit",
        axes="LD",
        place=NORM,
        recipe=explain_unit,
        title="Normalised",
        story="Divided by the scale: every token’s vector now has about the same length.",
        latex=r"\hat x_{l,d} = \frac{x_{l,d} - \mu_l}{\sigma_l}",
        colour="norm",
        where=layer_norm,
    ),
    StepKind(
        leaf="norm.unit",
        axes="LD",
        place=NORM,
        recipe=explain_unit,
        title="Normalised",
        story="Divided by the scale: every token’s vector now has about the same length.",
        latex=r"\hat x_{l,d} = \frac{x_{l,d}}{\sigma_l}",
        colour="norm",
        where=rms_norm,
    ),
    StepKind(
        leaf="norm.out",
        axes="LD",
        place=NORM,
        recipe=explain_gained_and_shifted,
        title="Out of the norm",
        story="Each dimension, stretched and shifted by learned numbers.",
        latex=r"\hat x_{l,d}\, \gamma_d + \beta_d",
        colour="norm",
        where=layer_norm,
    ),
    StepKind(
        leaf="norm.out",
        axes="LD",
        place=NORM,
        recipe=explain_gained,
        title="Out of the norm",
        story="Each dimension, stretched by a learned number.",
        latex=r"\hat x_{l,d}\, \gamma_d",
        colour="norm",
        where=rms_norm,
    ),
    StepKind(
        leaf="norm.out",
        axes="LD",
        place=NORM,
        recipe=explain_unchanged,
        title="No norm",
        story="The vector passes unchanged: in this run no norm stands here.",
        latex=r"x_{l,d}",
        colour="norm",
        where=no_norm,
    ),
)
KINDS = (
    StepKind(
        leaf="in",
        axes="LD",
        place=ATTENTION,
        recipe=explain_sublayer_in,
        title="Into attention",
        story="The token’s vector as it reaches this attention: the residual stream.",
        latex=r"x_{l,d}",
        colour="residual",
    ),
    StepKind(
        leaf="in",
        axes="LD",
        place=FEED_FORWARD,
        recipe=explain_sublayer_in,
        title="Into the feed-forward network",
        story="The token’s vector as it reaches the feed-forward network.",
        latex=r"x_{l,d}",
        colour="residual",
    ),
    StepKind(
        leaf="sum",
        axes="LD",
        place=ATTENTION,
        recipe=explain_residual_sum,
        title="Token plus update",
        story="The residual connection: the token keeps what it was and gains the update.",
        latex=r"x_{l,d} + u_{l,d}",
        colour="residual",
    ),
    StepKind(
        leaf="sum",
        axes="LD",
        place=FEED_FORWARD,
        recipe=explain_residual_sum,
        title="Token plus update",
        story="The residual connection around the feed-forward network.",
        latex=r"x_{l,d} + u_{l,d}",
        colour="residual",
    ),
    *THE_NORM,
    *map(of_update, THE_NORM),
    StepKind(
        leaf="out",
        axes="LD",
        place=ATTENTION,
        recipe=explain_normed_update,
        title="Update by attention, normed",
        story="What attention adds to the token: its heads’ contributions, after a norm.",
        latex=r"u_{l,d}",
        colour="weight",
        when=norms_update,
    ),
    StepKind(
        leaf="out",
        axes="LD",
        place=FEED_FORWARD,
        recipe=explain_normed_update,
        title="Update by the feed-forward network, normed",
        story="What the network adds to the token: its neurons’ directions, after a norm.",
        latex=r"u_{l,d}",
        colour="mlp",
        when=norms_update,
    ),
    StepKind(
        leaf="out.relative",
        axes="L",
        place=SUBLAYER,
        recipe=explain_relative_length,
        title="Length of the update, relative",
        story=("How long the update is, as a share of the length of the vector it is added to."),
        latex=r"\frac{\|u_l\|}{\|x_l\|}",
        colour="weight",
        compute=relative_length,
        after="out",
    ),
    length_of("in", SUBLAYER, "x_{l}", "residual"),
    length_of("sum", SUBLAYER, "x_{l}", "residual"),
    length_of("norm.unit", SUBLAYER, r"\hat x_{l}", "norm"),
    length_of("norm.out", SUBLAYER, "x_{l}", "norm"),
    length_of("out.unnormed", SUBLAYER, r"\tilde u_{l}", "norm"),
    length_of("token", EMBED, r"x^{\mathrm{token}}_{l}", "embed"),
    length_of("position", EMBED, r"x^{\mathrm{pos}}_{l}", "embed"),
    length_of("segment", EMBED, r"x^{\mathrm{seg}}_{l}", "embed"),
    length_of("sum", EMBED, "x_{l}", "embed"),
    length_of("out", EMBED, "x_{l}", "embed"),
    length_of("out", ATTENTION, "u_{l}", "weight"),
    length_of("out", FEED_FORWARD, "u_{l}", "mlp"),
    length_of("out", LAYER + STACK, "x_{l}", "residual"),
)
