"""Gradients of learned numbers: each is a sum over the tokens that the number took part for, of
what it was multiplied by, times the gradient of what that made. A step of training moves the number
against it.

A gradient has the name of its weight with “grad.” before it: grad.weights/decoder.0.mlp.pre.weight.
"""

from __future__ import annotations

import numpy as np

from ...gradients.weights import buckets_of, last_out, normed_heads, projection, side_by_side
from ...operands import ALL, Cell, Group, Result, constant, same
from ...step_ref import GRAD_OF_WEIGHT
from ..kind import (
    ATTENTION,
    EMBED,
    FEED_FORWARD,
    HEAD,
    NORM,
    POOLER,
    SELF,
    STACK,
    SUBLAYER,
    TASK,
    StepKind,
)
from .chain import chain, passed


def column(cell: Cell, step: str, i: int, gradient: bool = False) -> Group:
    """One number of a step at every token; of heads side by side, the i-th. Of a text's last
    vectors, BERT's pooler reads the first alone.
    """
    axes, role = len(cell.trace.shape(step)), step.rpartition(".")[2]
    index = (ALL, i) if axes == 2 else (i,)
    if axes == 3:
        head, k = divmod(i, cell.config.d_head)
        index = (head, ALL, k)
    if step == last_out(cell.config) and cell.ref.place == "pooler":
        index = (0, i)
    return passed(cell, role, step, *index) if gradient else cell.get(role, step, *index)


def explain_matrix(cell: Cell) -> Result:
    i, o = cell.index
    reads, made = projection(cell.config, cell.ref)
    return chain((column(cell, reads, i), column(cell, made, o, gradient=True)))


def explain_words(cell: Cell) -> Result:
    v, d = cell.index
    reads, made = projection(cell.config, cell.ref)
    return chain((column(cell, reads, d), column(cell, made, v, gradient=True)))


def explain_bias(cell: Cell) -> Result:
    made = projection(cell.config, cell.ref)[1]
    return chain(column(cell, made, cell.index[0], gradient=True))


def norm_of(cell: Cell) -> str:
    """The norm that a gain or a shift belongs to."""
    return f"{cell.path}.{cell.ref.leaf.rpartition('.')[0]}"


def explain_gain(cell: Cell) -> Result:
    (d,), norm = cell.index, norm_of(cell)
    g = passed(cell, "what leaves the norm", f"{norm}.out", ALL, d)
    return chain((cell.get("normalised", f"{norm}.unit", ALL, d), g))


def explain_shift(cell: Cell) -> Result:
    return chain(passed(cell, "what leaves the norm", f"{norm_of(cell)}.out", ALL, cell.index[0]))


def explain_head_gain(cell: Cell) -> Result:
    """Over the tokens, and over the heads that share the gain."""
    (i,), which, alone = cell.index, cell.ref.leaf[0], cell.config.qk_norm == "head"
    step = f"{cell.path}.{which}"
    heads, tokens, width = cell.trace.shape(f"{step}.unnormed")
    head, k = (np.arange(heads), i) if alone else divmod(i, width)
    head_N, l_N = (each.ravel() for each in np.meshgrid(head, np.arange(tokens), indexing="ij"))
    at = (head_N, l_N) if alone else (l_N,)
    scale = cell.get("scale", f"{step}.scale", *at)
    share = constant("1 / scale", *(1 / scale.values_N))
    x = cell.get("x", f"{step}.unnormed", head_N, l_N, k)
    g = passed(cell, "the normed", normed_heads(cell.config, cell.ref, which), head_N, l_N, k)
    return chain((x, share, g), also=(scale,))


def explain_table(cell: Cell) -> Result:
    """The tokens that took this row of the table."""
    (row, d), which = cell.index, cell.ref.leaf.partition(".")[0]
    made = "token.unscaled" if which == "token" and cell.config.embed_scale != 1 else which
    step, ids = f"{cell.path}.{made}", {"token": "ids", "segment": "segment.ids"}
    length = cell.trace.shape(step)[0]
    taken_L = cell.trace[f"{cell.path}.{ids[which]}"] if which in ids else np.arange(length)
    tokens = np.flatnonzero(taken_L == row)
    if not len(tokens):
        return Result(0.0, "0, because no token took this row", ())
    return chain(passed(cell, which, step, tokens, d))


def explain_distances(cell: Cell) -> Result:
    """The pairs of tokens whose distance takes this bias."""
    bucket, head = cell.index
    l, m = np.nonzero(buckets_of(cell.trace, cell.ref) == bucket)
    if not len(l):
        return Result(0.0, "0, because no two tokens are so far apart", ())
    return chain(passed(cell, "the bias", f"{cell.path}.relative", head, l, m))


def explain_one_of_several(cell: Cell) -> Result:
    """The weight itself, of those that lie side by side in the matrix."""
    *row, column_ = cell.index
    for ref in side_by_side(cell.ref):
        width = cell.trace.shape(str(ref))[-1]
        if column_ < width:
            return same(cell.get("its own name", str(ref), *row, column_))
        column_ -= width
    raise IndexError(f"{cell.ref} has no column {cell.index[-1]}")


# --- the kinds ------------------------------------------------------------------------------------


def learned(leaf: str, place, recipe, of: str, story: str, latex: str, **more) -> StepKind:
    """The kind that is the gradient of a weight."""
    return StepKind(
        leaf=leaf,
        axes="",
        place=tuple(GRAD_OF_WEIGHT + each for each in place),
        recipe=recipe,
        title=f"Gradient of {of}",
        story=story,
        latex=latex,
        colour=more.pop("colour", "residual"),
        **more,
    )


OUTER = (
    "For each token, the number that the weight multiplies, times the gradient of the result; added"
    " up over all tokens."
)
OVER_TOKENS = "It is added for every token: their gradients, added up."
READ_AND_MADE = {"x": "what is read", "y": "what is made"}
MATRIX = r"\nabla W_{d,j} = \sum_l x_{l,d}\, \nabla y_{l,j}"
BIAS = r"\nabla b_j = \sum_l \nabla y_{l,j}"
PROJECTIONS = (
    ("q", ATTENTION, "queries", "q"),
    ("k", ATTENTION, "keys", "k"),
    ("v", ATTENTION, "values", "v"),
    ("out", ATTENTION, "attention’s update", "weight"),
    ("pre", FEED_FORWARD, "the neurons", "mlp"),
    ("hidden.up", FEED_FORWARD, "the gated projection", "mlp"),
    ("out", FEED_FORWARD, "the network’s update", "mlp"),
    ("out", EMBED, "the projected embedding", "embed"),
    ("pre", HEAD, "the output head’s own layer", "head"),
    ("pre", POOLER, "the sentence vector", "head"),
    ("logits", POOLER, "the next-sentence scores", "head"),
    ("pre", TASK, "the fine-tuned head’s own layer", "head"),
    ("logits", TASK, "the labels’ scores", "head"),
)
FUSED = (("qkv", SELF), ("kv", ("cross",)), ("gated", FEED_FORWARD))
OF_TABLE = "To a row of the table come the gradients of all tokens that took it."
TABLES = (
    ("token", "the table of embeddings", "E", "embed"),
    ("position", "the table of positions", "P", "position"),
    ("segment", "the table of segments", "S", "embed"),
)


def of_projection(which: str, place, makes: str, colour: str) -> tuple[StepKind, StepKind]:
    """The weights and the bias of one projection."""
    letters = {**READ_AND_MADE, "j": "number that is made"}
    of_bias = {"y": READ_AND_MADE["y"], "j": letters["j"]}
    return (
        learned(
            f"{which}.weight",
            place,
            explain_matrix,
            f"a weight of {makes}",
            OUTER,
            MATRIX,
            colour=colour,
            letters=letters,
        ),
        learned(
            f"{which}.bias",
            place,
            explain_bias,
            f"a bias of {makes}",
            OVER_TOKENS,
            BIAS,
            colour=colour,
            letters=of_bias,
        ),
    )


def of_norm(norm: str, place, what: str) -> tuple[StepKind, StepKind]:
    """The gain and the shift of a norm."""
    left = {"x": "what leaves the norm"}
    return (
        learned(
            f"{norm}.weight",
            place,
            explain_gain,
            f"a gain of {what}",
            "Over all tokens: the normalised number, times the gradient of what leaves the norm.",
            r"\nabla \gamma_d = \sum_l \hat x_{l,d}\, \nabla x_{l,d}",
            colour="norm",
            letters=left,
        ),
        learned(
            f"{norm}.bias",
            place,
            explain_shift,
            f"a shift of {what}",
            OVER_TOKENS,
            r"\nabla \beta_d = \sum_l \nabla x_{l,d}",
            colour="norm",
            letters=left,
        ),
    )


KINDS = (
    *(kind for each in PROJECTIONS for kind in of_projection(*each)),
    *of_norm("norm", NORM, "a norm"),
    *of_norm("out.norm", SUBLAYER, "the norm of an update"),
    *(
        learned(
            f"{which}.norm.weight",
            ATTENTION,
            explain_head_gain,
            f"a gain of the {name}",
            "Over all tokens and heads that share it: the normalised number, times its gradient.",
            rf"\nabla \gamma_j = \sum_{{h,l}} \frac{{{which}_{{h,l,j}}}}{{\sigma_l}}\, \nabla \hat"
            rf" {which}_{{h,l,j}}",
            colour="norm",
            letters={rf"\hat {which}": "what leaves the norm"},
        )
        for which, name in (("q", "queries"), ("k", "keys"))
    ),
    *(
        learned(
            f"{which}.weight",
            EMBED,
            explain_table,
            f"a number of {name}",
            OF_TABLE,
            rf"\nabla {letter}_{{v,d}} = \sum_l \nabla x_{{l,d}}",
            colour=colour,
            letters={"x": "the row as a token took it", "v": "row", "l": "each token that took it"},
        )
        for which, name, letter, colour in TABLES
    ),
    learned(
        "relative.weight",
        SELF + STACK,
        explain_distances,
        "a position bias",
        "The gradients of all pairs of tokens that are this far apart, added up.",
        r"\nabla B_h = \sum_{l,m} \nabla b_{h,l,m}",
        colour="position",
        letters={"b": "bias of a pair", "l": "position of one token"},
    ),
    learned(
        "logits.weight",
        HEAD,
        explain_words,
        "a number of the output table",
        OUTER,
        r"\nabla E_{v,d} = \sum_r x_{r,d}\, \nabla \ell_{r,v}",
        colour="head",
        letters={"x": "what is compared with words", "E": "output table, a row for each word"},
    ),
    learned(
        "logits.bias",
        HEAD,
        explain_bias,
        "a bias of the logits",
        OVER_TOKENS,
        r"\nabla b_v = \sum_r \nabla \ell_{r,v}",
        colour="head",
    ),
    *(
        learned(
            f"{matrix}.{kind}",
            place,
            explain_one_of_several,
            "a learned number",
            "Several matrices lie side by side in this one; the number has a name of its own.",
            r"\nabla W",
        )
        for matrix, place in FUSED
        for kind in ("weight", "bias")
    ),
)
