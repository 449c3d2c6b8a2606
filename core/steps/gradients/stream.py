"""Gradients along the stream: of its vectors and its norms, and of the embedding below it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...gradients.weights import last_out
from ...operands import ALL, WEIGHTS, Cell, Result, constant, total
from ...step_ref import GRAD
from ..kind import ATTENTION, EMBED, FEED_FORWARD, LAYER, NORM, STACK, SUBLAYER, StepKind
from ..letters import symbols
from .chain import (
    CHAIN,
    PASSED_ON,
    READ,
    SUMMED,
    Part,
    chain,
    compared,
    gradient,
    over_scale,
    passed,
    started,
    through,
    through_norm,
    through_projections,
    through_scale,
    together,
)


def read_after(config, path: str) -> str:
    """The step that reads what leaves a sublayer."""
    layer, _, sublayer = path.rpartition(".")
    if sublayer == "mlp":
        return f"{layer}.out"
    if config.parallel:
        return f"{layer}.mlp.sum"
    crosses = sublayer == "attn" and config.crosses and layer.startswith("decoder")
    return f"{layer}.cross.in" if crosses else f"{layer}.mlp.in"


def explain_in(cell: Cell) -> Result:
    """The stream passes the sublayer, and the sublayer reads it; a parallel network as well."""
    c, path = cell.config, cell.path
    parts: list[Part] = []
    if not (c.parallel and path.endswith(".mlp")):
        parts.append(passed(cell, "the sum", f"{path}.sum", *cell.index))
    if c.parallel and path.endswith(".attn"):
        beside = f"{path.removesuffix('attn')}mlp.in"
        parts.append(passed(cell, "what the network reads", beside, *cell.index))
    if not c.norm_first:
        return chain(*parts, *through_projections(cell, path, *cell.index))
    read = through_norm(cell, f"{path}.norm", cell.index)
    return together(chain(*parts), read) if parts else read


def explain_sum(cell: Cell) -> Result:
    if cell.config.norm_at == "after":
        return through_norm(cell, f"{cell.path}.norm", cell.index)
    return chain(passed(cell, "what reads it", read_after(cell.config, cell.path), *cell.index))


def explain_update(cell: Cell) -> Result:
    return chain(passed(cell, "the sum", f"{cell.path}.sum", *cell.index))


def explain_unnormed_update(cell: Cell) -> Result:
    return through_norm(cell, f"{cell.path}.out.norm", cell.index)


def explain_layer_out(cell: Cell) -> Result:
    side, after, c = cell.ref.side, (cell.ref.layer or 0) + 1, cell.config
    if after < c.layers(side):
        return chain(passed(cell, "what reads it", f"{side}.{after}.attn.in", *cell.index))
    if c.final_norm:
        return through_norm(cell, f"{side}.norm", cell.index)
    return chain(passed(cell, "what reads it", f"{side}.out", *cell.index))


def explain_stack_out(cell: Cell) -> Result:
    """All that reads the last vectors: other layers across, or what stands on them."""
    l, d = cell.index
    c, trace = cell.config, cell.trace
    if cell.ref.side != c.sides[-1]:
        places = [f"decoder.{i}.cross" for i in range(c.decoder_layers)]
        return chain(*(through(cell, path, kv, l, d) for path in places for kv in "kv"))
    parts = started(cell)
    if "grad.head.in" in trace:
        rows = np.flatnonzero(np.asarray(trace.rows) == l)
        scale = constant("scale", *np.full(len(rows), c.head_scale))
        parts += [(passed(cell, "head.in", "head.in", rows, d), scale)] if len(rows) else []
    if "grad.pooler.pre" in trace and l == 0:
        parts.append(through(cell, "pooler", "pre", l, d))
    if "grad.task.in" in trace and c.task.reads != "pooled":
        last = trace.shape(last_out(c))[0] - 1
        if c.task.of_tokens:
            parts.append(passed(cell, "what the head reads", "task.in", l, d))
        elif l == {"first": 0, "last": last}[c.task.reads]:
            parts.append(passed(cell, "what the head reads", "task.in", d))
    return chain(*parts)


# --- norms ----------------------------------------------------------------------------------------


def norm_at(cell: Cell) -> str:
    """The norm that a gradient belongs to."""
    return f"{cell.path}.{'out.norm' if cell.ref.leaf.startswith('out.') else 'norm'}"


def explain_norm_out(cell: Cell) -> Result:
    c, path = cell.config, cell.path
    if norm_at(cell).endswith(".out.norm"):
        return chain(passed(cell, "the update", f"{path}.out", *cell.index))
    place = cell.ref.place
    if place == "stack":
        return chain(passed(cell, "what leaves the stack", f"{path}.out", *cell.index))
    if place == "embed":
        return embedding_read(cell)
    if place == "head":
        return compared(cell)
    if c.norm_first:
        return chain(*through_projections(cell, path, *cell.index))
    return chain(passed(cell, "what reads it", read_after(c, path), *cell.index))


def explain_unit(cell: Cell) -> Result:
    norm = norm_at(cell)
    return chain(
        (
            passed(cell, "what leaves the norm", f"{norm}.out", *cell.index),
            cell.get("gain", f"{WEIGHTS}{norm}.weight", cell.index[1]),
        )
    )


def explain_scale(cell: Cell) -> Result:
    """x̂ = x / σ falls as σ grows: −Σ ∇x̂ · x̂ / σ."""
    norm, (l,) = norm_at(cell), cell.index
    g = passed(cell, "the normalised", f"{norm}.unit", l, ALL)
    return over_scale(cell, (g, cell.get("normalised", f"{norm}.unit", l, ALL)), norm, (l,))


def explain_centred(cell: Cell) -> Result:
    norm = norm_at(cell)
    return through_scale(cell, norm, f"{norm}.centred", cell.index)


def explain_mean(cell: Cell) -> Result:
    """x − μ falls as μ grows."""
    summed = total(passed(cell, "x − mean", f"{norm_at(cell)}.centred", cell.index[0], ALL))
    return Result(-summed.value, f"−({summed.formula})", summed.groups)


# --- the embedding --------------------------------------------------------------------------------


def embedding_read(cell: Cell) -> Result:
    """What the embedding becomes: a layer's input, by way of a projection where it has another
    width.
    """
    l, d = cell.index
    if cell.config.d_embed:
        return chain(through(cell, cell.path, "out", l, d))
    return chain(passed(cell, "what enters the layers", f"{cell.path}.out", l, d))


def explain_embedding_out(cell: Cell) -> Result:
    return chain(passed(cell, "what reads it", f"{cell.ref.side}.0.attn.in", *cell.index))


def explain_embedding_sum(cell: Cell) -> Result:
    if cell.config.embed_norm:
        return through_norm(cell, f"{cell.path}.norm", cell.index)
    return embedding_read(cell)


def explain_addend(cell: Cell) -> Result:
    return chain(passed(cell, "the sum", f"{cell.path}.sum", *cell.index))


def explain_row(cell: Cell) -> Result:
    g = passed(cell, "the token's vector", f"{cell.path}.token", *cell.index)
    return chain((g, constant("scale", cell.config.embed_scale)))


# --- the kinds ------------------------------------------------------------------------------------


THE_NORM = (
    gradient(
        "norm.mean",
        "L",
        NORM,
        explain_mean,
        "the mean",
        "Minus the gradients of all numbers from which the mean was taken.",
        r"\nabla \mu_l = -\sum_d \nabla y_{l,d}",
        "norm",
        letters={"y": "the vector minus its mean"},
    ),
    gradient(
        "norm.centred",
        "LD",
        NORM,
        explain_centred,
        "the vector minus its mean",
        "By way of the number itself, and by way of the scale, in which it has its share.",
        r"\nabla x_{l,d} = \frac{\nabla \hat x_{l,d}}{\sigma_l} + \frac{x_{l,d}}{D\, \sigma_l}"
        r" \nabla \sigma_l",
        "norm",
        letters={"x": "the vector minus its mean"},
    ),
    gradient(
        "norm.scale",
        "L",
        NORM,
        explain_scale,
        "the scale",
        "All numbers are divided by the scale: where it grows, they shrink.",
        r"\nabla \sigma_l = -\frac{1}{\sigma_l} \sum_d \nabla \hat x_{l,d}\, \hat x_{l,d}",
        "norm",
    ),
    gradient(
        "norm.unit",
        "LD",
        NORM,
        explain_unit,
        "the normalised vector",
        "The gradient of what leaves the norm, times the learned gain.",
        r"\nabla \hat x_{l,d} = \gamma_d\, \nabla x_{l,d}",
        "norm",
        letters={"x": "what leaves the norm"},
    ),
    gradient(
        "norm.out",
        "LD",
        NORM,
        explain_norm_out,
        "what leaves the norm",
        READ,
        CHAIN,
        "norm",
        letters=SUMMED,
    ),
)
STREAM = (
    gradient(
        "in",
        "LD",
        ATTENTION,
        explain_in,
        "the vector that reaches attention",
        "Two ways lead on from here: past the sublayer, into the sum; and through the sublayer.",
        r"\nabla x_{l,d} = \nabla s_{l,d} + \nabla y_{l,d}",
        "residual",
        letters={"s": "the sum after the sublayer", "y": "what the sublayer reads"},
    ),
    gradient(
        "in",
        "LD",
        FEED_FORWARD,
        explain_in,
        "the vector that reaches the network",
        "Two ways lead on from here: past the network, into the sum; and through the network.",
        r"\nabla x_{l,d} = \nabla s_{l,d} + \nabla y_{l,d}",
        "residual",
        letters={"s": "the sum after the network", "y": "what the network reads"},
    ),
    gradient(
        "sum",
        "LD",
        SUBLAYER,
        explain_sum,
        "the token plus the update",
        READ,
        CHAIN,
        "residual",
        letters=SUMMED,
    ),
    gradient(
        "out",
        "LD",
        ATTENTION,
        explain_update,
        "the update by attention",
        PASSED_ON,
        r"\nabla u_{l,d} = \nabla x_{l,d}",
        "weight",
        letters={"x": "the token plus the update"},
    ),
    gradient(
        "out",
        "LD",
        FEED_FORWARD,
        explain_update,
        "the update by the network",
        PASSED_ON,
        r"\nabla u_{l,d} = \nabla x_{l,d}",
        "mlp",
        letters={"x": "the token plus the update"},
    ),
    gradient(
        "out.unnormed",
        "LD",
        SUBLAYER,
        explain_unnormed_update,
        "the update before its norm",
        "By way of the number itself, and by way of the scale, in which it has its share.",
        r"\nabla \tilde u_{l,d} = \frac{\nabla \hat u_{l,d}}{\sigma_l} + \frac{\tilde u_{l,d}}{D\,"
        r" \sigma_l} \nabla \sigma_l",
        "norm",
        letters={r"\tilde u": "the update before its norm", r"\hat u": "the update, normalised"},
    ),
    gradient(
        "out",
        "LD",
        LAYER,
        explain_layer_out,
        "the vector that leaves the layer",
        READ,
        CHAIN,
        "residual",
        letters=SUMMED,
    ),
    gradient(
        "out",
        "LD",
        STACK,
        explain_stack_out,
        "the last vector",
        READ,
        CHAIN,
        "residual",
        letters=SUMMED,
    ),
)
EMBEDDING = (
    gradient(
        "out",
        "LD",
        EMBED,
        explain_embedding_out,
        "the vector that enters the layers",
        "The gradient of what the first layer reads.",
        r"\nabla x_{l,d}",
        "residual",
    ),
    gradient(
        "sum",
        "LD",
        EMBED,
        explain_embedding_sum,
        "the sum of the embeddings",
        READ,
        CHAIN,
        "residual",
        letters=SUMMED,
    ),
    gradient(
        "token",
        "LD",
        EMBED,
        explain_addend,
        "the token embedding",
        PASSED_ON,
        r"\nabla x^{\mathrm{token}}_{l,d} = \nabla x_{l,d}",
        "embed",
    ),
    gradient(
        "token.unscaled",
        "LD",
        EMBED,
        explain_row,
        "the row of the embedding table",
        "The gradient of the token’s vector, times the scale of the embeddings.",
        r"\nabla E_{\mathrm{id}_l,\,d} = n\, \nabla x^{\mathrm{token}}_{l,d}",
        "embed",
        letters={"n": "the scale of the embeddings"},
    ),
    gradient(
        "position",
        "LD",
        EMBED,
        explain_addend,
        "the position embedding",
        PASSED_ON,
        r"\nabla x^{\mathrm{pos}}_{l,d} = \nabla x_{l,d}",
        "position",
    ),
    gradient(
        "segment",
        "LD",
        EMBED,
        explain_addend,
        "the segment embedding",
        PASSED_ON,
        r"\nabla x^{\mathrm{seg}}_{l,d} = \nabla x_{l,d}",
        "embed",
    ),
)


def in_update(kind: StepKind) -> StepKind:
    """A gradient in the norm of the stream, in that of a sublayer's update instead."""
    named = "x" in symbols(kind.latex)[0] and "x" not in kind.letters
    return replace(
        kind,
        leaf=f"out.{kind.leaf}",
        place=tuple(GRAD + each for each in SUBLAYER),
        title=f"{kind.title}: the update",
        letters={**kind.letters, **({"x": "the update"} if named else {})},
    )


KINDS = (*STREAM, *THE_NORM, *map(in_update, THE_NORM), *EMBEDDING)
