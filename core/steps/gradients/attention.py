"""Gradients inside attention: from the weighted sums back to where each token looked, to queries,
keys and values.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...gradients.weights import normed_heads, update_of
from ...operands import ALL, Cell, Result, constant
from ...text import operand
from ...turning import rope_at, turn_rates
from ..kind import ATTENTION, SELF, STACK, StepKind
from .chain import capped_by, chain, gradient, over_scale, passed


def explain_weighted_sum(cell: Cell) -> Result:
    h, l, k = cell.index
    row = h * cell.config.d_head + k
    update = passed(cell, "the update", update_of(cell.config, cell.path), l, ALL)
    return chain((update, cell.weight("W of out", "out.weight", row, ALL)))


def heads_of(cell: Cell, group: int) -> np.ndarray:
    """The heads that share a set of keys and values."""
    shared = cell.config.n_heads // cell.config.n_kv_heads
    return np.arange(group * shared, (group + 1) * shared)


def each_look(cell: Cell, group: int) -> tuple[np.ndarray, np.ndarray]:
    """Every head of a group, and every token that looks, as pairs."""
    tokens = np.arange(cell.trace.shape(f"{cell.path}.q")[1])
    heads_N, looks_N = np.meshgrid(heads_of(cell, group), tokens, indexing="ij")
    return heads_N.ravel(), looks_N.ravel()


def explain_value(cell: Cell) -> Result:
    group, m, k = cell.index
    h, l = each_look(cell, group)
    z = passed(cell, "the weighted sum", f"{cell.path}.z", h, l, k)
    return chain((z, cell.get("weight", f"{cell.path}.pattern", h, l, m)))


def explain_weight(cell: Cell) -> Result:
    h, l, m = cell.index
    z = passed(cell, "the weighted sum", f"{cell.path}.z", h, l, ALL)
    return chain((z, cell.get("v", f"{cell.path}.v", cell.group(h), m, ALL)))


def explain_score(cell: Cell) -> Result:
    """a · (∇a − Σ a·∇a): softmax shares out, and what one weight gains the others lose."""
    h, l, m = cell.index
    weight = cell.get("weight", f"{cell.path}.pattern", h, l, m)
    own = passed(cell, "the weight", f"{cell.path}.pattern", h, l, m)
    row = cell.get("row", f"{cell.path}.pattern", h, l, ALL)
    summed = chain((row, passed(cell, "the row", f"{cell.path}.pattern", h, l, ALL)))
    a, g = float(weight.values_N[0]), float(own.values_N[0])
    formula = f"{operand(a)} · ({operand(g)} − ({summed.formula}))"
    return Result(a * (g - summed.value), formula, (weight, own, *summed.groups))


def explain_capped_score(cell: Cell) -> Result:
    return chain(passed(cell, "the score", f"{cell.path}.scores", *cell.index))


def explain_biased_score(cell: Cell) -> Result:
    if cell.config.score_cap:
        return capped_by(cell, f"{cell.path}.scores.capped", cell.config.score_cap)
    return explain_capped_score(cell)


def explain_scaled_score(cell: Cell) -> Result:
    biased = f"{cell.path}.scores.biased"
    if biased in cell.trace:
        return chain(passed(cell, "the score", biased, *cell.index))
    return explain_biased_score(cell)


def explain_dot_product(cell: Cell) -> Result:
    g = passed(cell, "the scaled score", f"{cell.path}.scores.scaled", *cell.index)
    return chain((g, constant("scale", cell.config.score_scale)))


def explain_query(cell: Cell) -> Result:
    h, l, k = cell.index
    dot = passed(cell, "the dot product", f"{cell.path}.scores.dot", h, l, ALL)
    return chain((dot, cell.get("k", f"{cell.path}.k", cell.group(h), ALL, k)))


def explain_key(cell: Cell) -> Result:
    group, m, k = cell.index
    h, l = each_look(cell, group)
    dot = passed(cell, "the dot product", f"{cell.path}.scores.dot", h, l, m)
    return chain((dot, cell.get("q", f"{cell.path}.q", h, l, k)))


def explain_unrotated(cell: Cell) -> Result:
    """The gradient of the rotated pair, turned back."""
    (h, l, k), which = cell.index, cell.ref.leaf[0]
    rate_P, rope = turn_rates(cell.trace, cell.path, which), rope_at(cell.config, cell.path)
    step, half = f"{cell.path}.{which}", len(rate_P)
    if k >= 2 * half or rope is None:
        return chain(passed(cell, "the same number", step, h, l, k))
    angle = l * rate_P[k % half]
    partner, sign = (k + half, 1) if k < half else (k - half, -1)
    pair = passed(cell, "this and its partner", step, h, l, np.array([k, partner]))
    waves = rope.size * np.cos(angle), rope.size * sign * np.sin(angle)
    return chain((pair, constant(f"cos and {'' if sign > 0 else '−'}sin of {l}·θ", *waves)))


def explain_unnormed_heads(cell: Cell) -> Result:
    """By way of the norm of a query or a key."""
    (h, l, k), c, which = cell.index, cell.config, cell.ref.leaf[0]
    path, alone = f"{cell.path}.{which}", cell.config.qk_norm == "head"
    at, width = ((h, l), c.d_head) if alone else ((l,), c.d_head * cell.trace.shape(f"{path}")[0])
    gain = cell.weight("gain", f"{which}.norm.weight", k if alone else h * c.d_head + k)
    scale, x = cell.get("scale", f"{path}.scale", *at), cell.get("x", f"{path}.unnormed", h, l, k)
    size, own = float(scale.values_N[0]), float(x.values_N[0])
    g = passed(cell, "the normed", normed_heads(c, cell.ref, which), h, l, k)
    of_scale = passed(cell, "the scale", f"{path}.scale", *at)
    return chain(
        (g, gain, constant("1 / scale", 1 / size)),
        (of_scale, constant("x / (n · scale)", own / (width * size))),
        also=(scale, x),
    )


def explain_scale_of_heads(cell: Cell) -> Result:
    """−Σ ∇ · gain · x / σ², over a head's numbers or over those of all heads."""
    c, which, alone = cell.config, cell.ref.leaf[0], cell.config.qk_norm == "head"
    path, l = f"{cell.path}.{which}", cell.index[-1]
    heads = 1 if alone else cell.trace.shape(f"{path}.unnormed")[0]
    head_N, k_N = np.indices((heads, c.d_head)).reshape(2, -1)
    column_N = k_N if alone else head_N * c.d_head + k_N
    head_N = head_N + cell.index[0] if alone else head_N
    groups = (
        passed(cell, "the normed", normed_heads(c, cell.ref, which), head_N, l, k_N),
        cell.weight("gain", f"{which}.norm.weight", column_N),
        cell.get("x", f"{path}.unnormed", head_N, l, k_N),
    )
    return over_scale(cell, groups, path, cell.index, power=2)


def explain_bias(cell: Cell) -> Result:
    """The bias of an attention's own, or of all layers of a stack."""
    if cell.ref.layer is not None:
        return chain(passed(cell, "the score", f"{cell.path}.scores.biased", *cell.index))
    side = cell.ref.side
    steps = [f"{side}.{i}.attn.scores.biased" for i in range(cell.config.layers(side))]
    return chain(*(passed(cell, "the score", step, *cell.index) for step in steps))


# --- the kinds ------------------------------------------------------------------------------------


HEAD_SUM = r"\nabla q_{l,j} = \sum_m \nabla s_{l,m}\, k_{m,j}"
LOOKS = (
    gradient(
        "q.scale",
        "HL",
        ATTENTION,
        explain_scale_of_heads,
        "the query’s scale",
        "All numbers of the query are divided by it: where it grows, they shrink.",
        r"\nabla \sigma_l = -\frac{1}{\sigma_l^2} \sum_j \nabla \hat q_{l,j}\, \gamma_j\, q_{l,j}",
        "norm",
        letters={r"\hat q": "query, normed"},
        when=lambda config: config.qk_norm == "head",
    ),
    gradient(
        "q.scale",
        "L",
        ATTENTION,
        explain_scale_of_heads,
        "the queries’ scale",
        "All numbers of all queries are divided by it: where it grows, they shrink.",
        r"\nabla \sigma_l = -\frac{1}{\sigma_l^2} \sum_{h,j} \nabla \hat q_{h,l,j}\, \gamma_{h,j}\,"
        r" q_{h,l,j}",
        "norm",
        letters={r"\hat q": "query, normed"},
        when=lambda config: config.qk_norm == "all",
    ),
    gradient(
        "q.unnormed",
        "HLK",
        ATTENTION,
        explain_unnormed_heads,
        "the query before its norm",
        "By way of the number itself, and by way of the scale, in which it has its share.",
        r"\nabla q_{l,j} = \frac{\gamma_j\, \nabla \hat q_{l,j}}{\sigma_l} + \frac{q_{l,j}}{n\,"
        r" \sigma_l} \nabla \sigma_l",
        "q",
        letters={r"\hat q": "query, normed", "n": "how many numbers share the scale"},
    ),
    gradient(
        "q.unrotated",
        "HLK",
        ATTENTION,
        explain_unrotated,
        "the query before rotation",
        "The gradient of the rotated pair, rotated back by the same angle.",
        r"\nabla q_{l,j} = \nabla q'_{l,j} \cos(l\, \theta) \pm \nabla q'_{l,j'} \sin(l\, \theta)",
        "q",
        letters={"j'": "its partner"},
    ),
    gradient(
        "q",
        "HLK",
        ATTENTION,
        explain_query,
        "the query",
        "Each token’s key, as much as its score should grow or shrink.",
        HEAD_SUM,
        "q",
        letters={"s": "dot product"},
    ),
    gradient(
        "v",
        "GMK",
        ATTENTION,
        explain_value,
        "the value",
        "The gradients of all tokens that look there, each times its weight, added up.",
        r"\nabla v_{m,j} = \sum_l a_{l,m}\, \nabla z_{l,j}",
        "v",
    ),
    gradient(
        "scores.dot",
        "HLM",
        ATTENTION,
        explain_dot_product,
        "the dot product",
        "The gradient of the scaled score, times the same scale.",
        r"\nabla (q_l \cdot k_m) = n\, \nabla s_{l,m}",
        "weight",
        letters={"n": "the model’s scale, 1/√K in most"},
    ),
    gradient(
        "scores.scaled",
        "HLM",
        ATTENTION,
        explain_scaled_score,
        "the scaled score",
        "The step that this score becomes next passes its gradient back.",
        r"\nabla s_{l,m} = n\, \nabla \tilde s_{l,m}",
        "weight",
        letters={r"\tilde s": "the next score", "n": "slope of the cap, or 1"},
    ),
    gradient(
        "scores.biased",
        "HLM",
        ATTENTION,
        explain_biased_score,
        "the score with its bias",
        "The step that this score becomes next passes its gradient back.",
        r"\nabla s_{l,m} = n\, \nabla \tilde s_{l,m}",
        "weight",
        letters={r"\tilde s": "the next score", "n": "slope of the cap, or 1"},
    ),
    gradient(
        "scores.capped",
        "HLM",
        ATTENTION,
        explain_capped_score,
        "the capped score",
        "Passed back where the mask lets the token look; 0 elsewhere.",
        r"\nabla s_{l,m} = \nabla \tilde s_{l,m}",
        "weight",
    ),
    gradient(
        "scores",
        "HLM",
        ATTENTION,
        explain_score,
        "the score",
        "Softmax shares out: what counts is how much more this weight is wanted than the others.",
        r"\nabla s_{l,m} = a_{l,m} \Bigl(\nabla a_{l,m} - \sum_{m'} a_{l,m'}\, \nabla a_{l,m'}"
        r"\Bigr)",
        "weight",
    ),
    gradient(
        "pattern",
        "HLM",
        ATTENTION,
        explain_weight,
        "the attention weight",
        "How much more of this token’s value would help: its value along what the sum should gain.",
        r"\nabla a_{l,m} = \sum_j \nabla z_{l,j}\, v_{m,j}",
        "weight",
    ),
    gradient(
        "z",
        "HLK",
        ATTENTION,
        explain_weighted_sum,
        "the weighted sum",
        "The gradient of the update, read back through the output projection.",
        r"\nabla z_{l,j} = \sum_d W^O_{j,d}\, \nabla u_{l,d}",
        "v",
    ),
    gradient(
        "relative",
        "HLM",
        SELF,
        explain_bias,
        "the position bias",
        "A bias is added to a score: both have the same gradient.",
        r"\nabla b_{l,m} = \nabla s_{l,m}",
        "position",
        letters={"b": "learned position bias"},
    ),
    gradient(
        "relative",
        "HLM",
        STACK,
        explain_bias,
        "the position bias",
        "Every layer adds the bias to its scores: their gradients, added up.",
        r"\nabla b_{l,m} = \sum_r \nabla s_{r,l,m}",
        "position",
        letters={"b": "position bias", "r": "layer"},
    ),
)


def of_key(kind: StepKind) -> StepKind:
    """What is said of queries, of keys instead."""

    def said(words: str) -> str:
        return words.replace("queries", "keys").replace("query", "key")

    letters = {letter.replace("q", "k"): said(words) for letter, words in kind.letters.items()}
    return replace(
        kind,
        leaf=f"k{kind.leaf[1:]}",
        axes=kind.axes.replace("H", "G"),
        title=said(kind.title),
        story=said(kind.story),
        latex=kind.latex.replace("q", "k"),
        letters=letters,
        colour="k" if kind.colour == "q" else kind.colour,
    )


KEYS = tuple(of_key(kind) for kind in LOOKS if kind.leaf.startswith("q."))
KEY = gradient(
    "k",
    "GMK",
    ATTENTION,
    explain_key,
    "the key",
    "Each query that looks there, as much as its score should grow or shrink.",
    r"\nabla k_{m,j} = \sum_l \nabla s_{l,m}\, q_{l,j}",
    "k",
    letters={"s": "dot product"},
)
KINDS = (*LOOKS, *KEYS, KEY)
