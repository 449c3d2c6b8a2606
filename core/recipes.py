"""Recipes: for each step, which numbers make one of its cells, and how. `explain` is built on them.

`RECIPES` at the foot says which recipe belongs to which step; those of the derived values are in
core/readings.py.
"""

from __future__ import annotations

import math

import numpy as np

from core import gates, ops, readings
from core.operands import (
    ALL,
    Cell,
    Made,
    added,
    average,
    constant,
    difference,
    given,
    kind_of,
    product,
    quotient,
    same,
    sum_of_products,
    total,
)
from core.text import factor, number


def token(cell: Cell) -> Made:
    """A row of the embedding table, times √D in some families."""
    l, d = cell.index
    if cell.config.embed_scale != 1 and cell.name.endswith(".token"):
        return product(
            cell.get("unscaled", f"{cell.path}.token.unscaled", l, d),
            constant("scale √D", cell.config.embed_scale),
        )
    return same(cell.weight("table", "token.weight", cell.trace[f"{cell.path}.ids"][l], d))


def position(cell: Cell) -> Made:
    """A row of the position table; of the fixed table, the sine or cosine that filled it."""
    l, d = cell.index
    if cell.config.positions == "learned":
        return same(cell.weight("table", "position.weight", l, d))
    return readings.sinusoid(cell)


def segment(cell: Cell) -> Made:
    """A row of the segment table."""
    l, d = cell.index
    return same(
        cell.weight("table", "segment.weight", cell.trace[f"{cell.path}.segment.ids"][l], d)
    )


def embedding_sum(cell: Cell) -> Made:
    parts = [f"{cell.path}.{leaf}" for leaf in ("token", "position", "segment")]
    return total(
        *(
            cell.get(name.rsplit(".", 1)[1], name, *cell.index)
            for name in parts
            if name in cell.trace
        )
    )


def embedding_out(cell: Cell) -> Made:
    return same(
        cell.get(
            "embedding",
            f"{cell.path}.norm.out" if cell.config.embed_norm else f"{cell.path}.sum",
            *cell.index,
        )
    )


def sublayer_result(config, path: str) -> str:
    """The step that leaves a sublayer: its residual sum, or the norm after it."""
    return f"{path}.sum" if config.norm_first else f"{path}.norm.out"


def sublayer_in(cell: Cell) -> Made:
    """What the sublayer before left; for the first one, the layer below or the embedding."""
    side, layer, kind = cell.path.split(".")
    before = {
        "attn": None,
        "cross": "attn",
        "mlp": "cross" if side == "decoder" and cell.config.crosses else "attn",
    }[kind]
    source = (
        sublayer_result(cell.config, f"{side}.{layer}.{before}")
        if before
        else layer_in(side, int(layer))
    )
    return same(cell.get("stream", source, *cell.index))


def layer_in(side: str, layer: int) -> str:
    """The step that a layer reads: what the one below left, or the embedding."""
    return f"{side}.{layer - 1}.out" if layer else f"{side}.embed.out"


def layer_out(cell: Cell) -> Made:
    return same(cell.get("stream", sublayer_result(cell.config, f"{cell.path}.mlp"), *cell.index))


def stack_out(cell: Cell) -> Made:
    last = f"{cell.path}.{cell.config.layers(cell.path) - 1}.out"
    return same(
        cell.get("stream", f"{cell.path}.norm.out" if cell.config.final_norm else last, *cell.index)
    )


def normalised(cell: Cell) -> str:
    """The step that a norm is applied to."""
    at = cell.path[: -len(".norm")]
    if at in ("encoder", "decoder"):
        return f"{at}.{cell.config.layers(at) - 1}.out"
    if at == "head":
        return "head.hidden"
    return f"{at}.in" if cell.config.norm_first and not at.endswith(".embed") else f"{at}.sum"


def norm_mean(cell: Cell) -> Made:
    return average(cell.get("x", normalised(cell), cell.index[0], ALL))


def norm_centred(cell: Cell) -> Made:
    return difference(
        cell.get("x", normalised(cell), *cell.index),
        cell.get("mean", f"{cell.path}.mean", cell.index[0]),
    )


def centred(cell: Cell) -> str:
    """What the scale of a norm is taken of: the centred values, or in a root-mean-square norm the
    values themselves.
    """
    return f"{cell.path}.centred" if cell.config.norm == "layer" else normalised(cell)


def norm_scale(cell: Cell) -> Made:
    x, eps = cell.get("x", centred(cell), cell.index[0], ALL), cell.config.norm_eps
    squares_N = x.values_N**2
    formula = added(squares_N, lambda i: f"{factor(x.values_N[i])}²")
    return Made(
        math.sqrt(squares_N.mean() + eps),
        f"√(({formula}) / {len(squares_N)} + {number(eps)})",
        (x, constant("ε", eps)),
    )


def norm_unit(cell: Cell) -> Made:
    return quotient(
        cell.get("x", centred(cell), *cell.index),
        cell.get("scale", f"{cell.path}.scale", cell.index[0]),
    )


def norm_out(cell: Cell) -> Made:
    l, d = cell.index
    if cell.config.norm == "none":
        return same(cell.get("x", normalised(cell), l, d))
    scaled = (cell.get("unit", f"{cell.path}.unit", l, d), cell.weight("gain", "weight", d))
    return (
        product(*scaled)
        if cell.config.norm == "rms"
        else sum_of_products(*scaled, cell.weight("shift", "bias", d))
    )


def sublayer_reads(cell: Cell) -> str:
    """What the projections of a sublayer are applied to: its input, or the norm of it."""
    return f"{cell.path}.norm.out" if cell.config.norm_first else f"{cell.path}.in"


def projection(cell: Cell) -> Made:
    """q, k or v before any rotation: a token's vector times one column of W."""
    head, token_at, k = cell.index
    which, column = cell.name[len(cell.path) + 1], head * cell.config.d_head + k
    reads = "encoder.out" if cell.path.endswith(".cross") and which != "q" else sublayer_reads(cell)
    return sum_of_products(
        cell.get("x", reads, token_at, ALL),
        cell.weight(f"W{which}", f"{which}.weight", ALL, column),
        cell.weight("bias", f"{which}.bias", column),
    )


def query_or_key(cell: Cell) -> Made:
    """With rotary positions, a pair of the unrotated vector turned by the position's angle; else
    the projection.
    """
    if cell.config.positions != "rotary":
        return projection(cell)
    head, l, k = cell.index
    half = cell.config.d_head // 2
    angle = l * cell.config.rope_theta ** (-2 * (k % half) / cell.config.d_head)
    ahead, partner = (-1, k + half) if k < half else (1, k - half)
    return sum_of_products(
        cell.get("this and its partner", f"{cell.name}.unrotated", head, l, np.array([k, partner])),
        constant(
            f"cos and {'−' if ahead < 0 else ''}sin of {l}·θ",
            math.cos(angle),
            ahead * math.sin(angle),
        ),
    )


def dot(cell: Cell) -> Made:
    h, l, m = cell.index
    return sum_of_products(
        cell.get("q", f"{cell.path}.q", h, l, ALL),
        cell.get("k", f"{cell.path}.k", cell.group(h), m, ALL),
    )


def scaled(cell: Cell) -> Made:
    dot, scale, K = (
        cell.get("q·k", f"{cell.path}.scores.dot", *cell.index),
        cell.config.score_scale,
        cell.config.d_head,
    )
    if not math.isclose(scale, K**-0.5):
        return product(dot, constant("scale", scale))
    return Made(
        float(dot.values_N[0]) * scale,
        f"{number(dot.values_N[0])} / √{K}",
        (dot, constant(f"1 / √{K}", scale)),
    )


def biased(cell: Cell) -> Made:
    return total(
        cell.get("scaled", f"{cell.path}.scores.scaled", *cell.index),
        cell.get("bias", f"{cell.path.split('.')[0]}.relative", *cell.index),
    )


def masked(cell: Cell) -> Made:
    """The score where the mask allows it, −∞ where not."""
    h, l, m = cell.index
    before = f"{cell.path}.scores.biased"
    score = cell.get(
        "score", before if before in cell.trace else f"{cell.path}.scores.scaled", h, l, m
    )
    allowed = cell.get("mask", f"{cell.path}.mask", l, m)
    if allowed.values_N[0]:
        return Made(
            float(score.values_N[0]),
            f"{number(score.values_N[0])}, allowed by the mask",
            (score, allowed),
        )
    return Made(-math.inf, f"{number(score.values_N[0])}, blocked by the mask", (score, allowed))


def pattern(cell: Cell) -> Made:
    h, l, m = cell.index
    return quotient(
        cell.get("exp", f"{cell.path}.pattern.exp", h, l, m),
        cell.get("row total", f"{cell.path}.pattern.total", h, l),
    )


def z(cell: Cell) -> Made:
    h, l, k = cell.index
    return sum_of_products(
        cell.get("weight", f"{cell.path}.pattern", h, l, ALL),
        cell.get("v", f"{cell.path}.v", cell.group(h), ALL, k),
    )


def attention_out(cell: Cell) -> Made:
    l, d = cell.index
    return total(
        cell.get("head", f"{cell.path}.heads", ALL, l, d), cell.weight("bias", "out.bias", d)
    )


def residual_sum(cell: Cell) -> Made:
    return total(
        cell.get("stream", f"{cell.path}.in", *cell.index),
        cell.get("update", f"{cell.path}.out", *cell.index),
    )


def relative(cell: Cell) -> Made:
    h, l, m = cell.index
    c, n = cell.config, cell.trace.shape(cell.name)[1]
    bucket = ops.relative_buckets(
        n, n, c.relative_buckets, c.relative_distance, cell.path == "encoder"
    )[l, m]
    return same(cell.weight("table", "relative.weight", bucket, h))


def neuron_pre(cell: Cell) -> Made:
    l, f = cell.index
    return sum_of_products(
        cell.get("x", sublayer_reads(cell), l, ALL),
        cell.weight("W", "pre.weight", ALL, f),
        cell.weight("bias", "pre.bias", f),
    )


def neuron_up(cell: Cell) -> Made:
    l, f = cell.index
    return sum_of_products(
        cell.get("x", sublayer_reads(cell), l, ALL),
        cell.weight("W", "hidden.up.weight", ALL, f),
        cell.weight("bias", "hidden.up.bias", f),
    )


def activated(cell: Cell) -> Made:
    """The activation function of the step `pre`."""
    x = cell.get("x", f"{cell.path}.pre", *cell.index)
    value = ops.ACTIVATIONS[cell.config.activation](x.values_N)[0]
    return Made(float(value), f"{cell.config.activation}({number(x.values_N[0])})", (x,))


def neuron(cell: Cell) -> Made:
    if not cell.config.gated:
        return activated(cell)
    return product(
        *(cell.get(leaf, f"{cell.path}.hidden.{leaf}", *cell.index) for leaf in ("gate", "up"))
    )


def feed_forward_out(cell: Cell) -> Made:
    l, d = cell.index
    return sum_of_products(
        cell.get("neuron", f"{cell.path}.hidden", l, ALL),
        cell.weight("W", "out.weight", ALL, d),
        cell.weight("bias", "out.bias", d),
    )


def head_in(cell: Cell) -> Made:
    r, d = cell.index
    x = cell.get("stream", f"{cell.config.sides[-1]}.out", cell.trace.rows[r], d)
    return (
        same(x)
        if cell.config.head_scale == 1
        else product(x, constant("scale", cell.config.head_scale))
    )


def head_pre(cell: Cell) -> Made:
    r, d = cell.index
    return sum_of_products(
        cell.get("x", "head.in", r, ALL),
        cell.weight("W", "pre.weight", ALL, d),
        cell.weight("bias", "pre.bias", d),
    )


def logit(cell: Cell) -> Made:
    r, v = cell.index
    reads = (
        "lstm.hidden"
        if "lstm" in cell.config.sides
        else "head.norm.out"
        if cell.config.head == "transform"
        else "head.in"
    )
    return sum_of_products(
        cell.get("x", reads, r, ALL),
        cell.weight("word", "logits.weight", v, ALL),
        cell.weight("bias", "logits.bias", v),
    )


def probability(cell: Cell) -> Made:
    r, v = cell.index
    row = cell.get("logits", "head.logits", r, ALL)
    largest = row.values_N.max()
    mine, whole = math.exp(row.values_N[v] - largest), np.exp(row.values_N - largest).sum()
    formula = f"exp({number(row.values_N[v])} − {factor(largest)}) / {number(whole)}"
    return Made(
        mine / whole, formula, (cell.get("logit", "head.logits", r, v), readings.exponentials(row))
    )


def pooler_pre(cell: Cell) -> Made:
    (d,) = cell.index
    return sum_of_products(
        cell.get("x", "encoder.out", 0, ALL),
        cell.weight("W", "pre.weight", ALL, d),
        cell.weight("bias", "pre.bias", d),
    )


def pooler_out(cell: Cell) -> Made:
    x = cell.get("x", "pooler.pre", *cell.index)
    return Made(math.tanh(x.values_N[0]), f"tanh({number(x.values_N[0])})", (x,))


def next_sentence(cell: Cell) -> Made:
    (c,) = cell.index
    return sum_of_products(
        cell.get("x", "pooler.out", ALL),
        cell.weight("W", "logits.weight", ALL, c),
        cell.weight("bias", "logits.bias", c),
    )


STEPS = {
    "embed.ids": given,
    "embed.token.unscaled": token,
    "embed.token": token,
    "embed.position": position,
    "embed.segment.ids": given,
    "embed.segment": segment,
    "embed.sum": embedding_sum,
    "embed.out": embedding_out,
    "stack.relative": relative,
    "attn.in": sublayer_in,
    "attn.q.unrotated": projection,
    "attn.k.unrotated": projection,
    "attn.q": query_or_key,
    "attn.k": query_or_key,
    "attn.v": projection,
    "attn.scores.dot": dot,
    "attn.scores.scaled": scaled,
    "attn.scores.biased": biased,
    "attn.mask": given,
    "attn.scores": masked,
    "attn.pattern": pattern,
    "attn.z": z,
    "attn.out": attention_out,
    "attn.sum": residual_sum,
    "mlp.in": sublayer_in,
    "mlp.pre": neuron_pre,
    "mlp.hidden.gate": activated,
    "mlp.hidden.up": neuron_up,
    "mlp.hidden": neuron,
    "mlp.out": feed_forward_out,
    "mlp.sum": residual_sum,
    "norm.mean": norm_mean,
    "norm.centred": norm_centred,
    "norm.scale": norm_scale,
    "norm.unit": norm_unit,
    "norm.out": norm_out,
    "layer.out": layer_out,
    "stack.out": stack_out,
    "head.in": head_in,
    "head.pre": head_pre,
    "head.hidden": activated,
    "head.logits": logit,
    "head.probs": probability,
    "pooler.pre": pooler_pre,
    "pooler.out": pooler_out,
    "pooler.logits": next_sentence,
}
RECIPES = (
    STEPS
    | readings.RECIPES
    | gates.RECIPES
    | {"mlp.alone": feed_forward_out, "attn.heads.sum": attention_out}
)


def recipe_of(name: str):
    """The recipe for a step's name."""
    return RECIPES[kind_of(name)]
