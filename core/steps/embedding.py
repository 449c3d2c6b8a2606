"""The embedding: a vector for each token, and which rows of its table lie near which."""

from __future__ import annotations

import numpy as np

from ..operands import (
    ALL,
    Cell,
    Result,
    constant,
    cosine,
    given,
    product,
    same,
    sum_of_products,
    total,
)
from ..step_ref import StepRef
from ..vectors import all_cosines, row_lengths
from .kind import EMBED, StepKind


def explain_row(cell: Cell) -> Result:
    l, d = cell.index
    return same(cell.weight("table", "token.weight", cell.trace[f"{cell.path}.ids"][l], d))


def explain_scaled_token(cell: Cell) -> Result:
    """The row of the table, times √D."""
    return product(
        cell.get("unscaled", f"{cell.path}.token.unscaled", *cell.index),
        constant("scale √D", cell.config.embed_scale),
    )


def explain_segment(cell: Cell) -> Result:
    """A row of the segment table."""
    l, d = cell.index
    return same(
        cell.weight("table", "segment.weight", cell.trace[f"{cell.path}.segment.ids"][l], d)
    )


def explain_embedding_sum(cell: Cell) -> Result:
    parts = [f"{cell.path}.{leaf}" for leaf in ("token", "position", "segment")]
    return total(
        *(
            cell.get(name.rsplit(".", 1)[1], name, *cell.index)
            for name in parts
            if name in cell.trace
        )
    )


def explain_embedding_out(cell: Cell) -> Result:
    return same(
        cell.get(
            "embedding",
            f"{cell.path}.norm.out" if cell.config.embed_norm else f"{cell.path}.sum",
            *cell.index,
        )
    )


def explain_projected(cell: Cell) -> Result:
    """The embedding, brought from the tables' width to that of the layers."""
    l, d = cell.index
    reads = "norm.out" if cell.config.embed_norm else "sum"
    return sum_of_products(
        cell.get("x", f"{cell.path}.{reads}", l, ALL),
        cell.weight("W", "out.weight", ALL, d),
        cell.weight("bias", "out.bias", d),
    )


# --- readings -------------------------------------------------------------------------------------


def similarity(trace, ref: StepRef):
    """The cosine between the vectors of two tokens, (L, M)."""
    return all_cosines(trace[str(ref.parent)])


def explain_similarity(cell: Cell) -> Result:
    (a, b), step = cell.index, str(cell.ref.parent)
    return cosine(cell.get("this", step, a, ALL), cell.get("other", step, b, ALL))


def near(trace, ref: StepRef, token_id: int):
    """The cosine between one row of the embedding table and every row, (V,)."""
    table_VD = trace.weights[f"{ref.path}.token.weight"]
    return cosines_with(table_VD, table_VD[token_id])


def explain_near(cell: Cell) -> Result:
    (v,), (token_id,) = cell.index, cell.args
    return cosine(
        cell.weight("this", "token.weight", token_id, ALL),
        cell.weight("other", "token.weight", v, ALL),
    )


def arithmetic(trace, ref: StepRef, a: int, b: int, c: int):
    """The cosine between a − b + c and every row of the table, (V,) (Mikolov et al. 2013)."""
    table_VD = trace.weights[f"{ref.path}.token.weight"]
    return cosines_with(table_VD, table_VD[a] - table_VD[b] + table_VD[c])


def explain_arithmetic(cell: Cell) -> Result:
    """The cosine with a − b + c, whose three rows stand beside it."""
    (v,) = cell.index
    a, b, c = (
        cell.weight(sign, "token.weight", i, ALL)
        for sign, i in zip(("a", "− b", "+ c"), cell.args, strict=True)
    )
    sum_ = constant("a − b + c", *(a.values_N - b.values_N + c.values_N))
    made = cosine(sum_, cell.weight("word", "token.weight", v, ALL))
    return Result(made.value, made.formula, (*made.groups, a, b, c))


# --- tables ---------------------------------------------------------------------------------------


def cosines_with(table_VD, x_D):
    """The cosine between a vector and every row of a table, (V,); 0 for rows that are all zeros."""
    length_V = row_lengths(table_VD)
    return table_VD @ x_D / np.maximum(length_V * np.sqrt(x_D @ x_D), np.finfo(table_VD.dtype).tiny)


def nearest(cosine_V, count: int, leave_out=()) -> np.ndarray:
    """The ids of the largest cosines, the largest first, without some."""
    cosine_V = np.array(cosine_V)
    cosine_V[list(leave_out)] = -np.inf
    best = np.argpartition(-cosine_V, min(count, len(cosine_V) - 1))[:count]
    return best[np.argsort(-cosine_V[best], kind="stable")]


def neighbours(table_VD, ids_N, count: int) -> np.ndarray:
    """For some rows of the table the ids of their nearest others by cosine, the nearest first, (N,
    count).
    """
    length_V = np.maximum(row_lengths(table_VD), np.finfo(table_VD.dtype).tiny)
    ids_N = np.asarray(ids_N)
    found = []
    for start in range(0, len(ids_N), 16):  # a few at a time: N · V is large
        some_N = ids_N[start : start + 16]
        found += [
            nearest(cosine_V, count, [i])
            for i, cosine_V in zip(some_N, table_VD[some_N] @ table_VD.T / length_V, strict=True)
        ]
    return np.array(found, dtype=int).reshape(len(ids_N), -1)


def embedding_sum(positions: int, segments: int) -> StepKind:
    """The kind that says what a model adds up: positions, segments, both or neither."""
    parts = ["token", *["pos"] * positions, *["seg"] * segments]

    def fits(config) -> bool:
        adds = config.positions in ("learned", "sinusoid")
        return (adds, bool(config.n_segments)) == (bool(positions), bool(segments))

    words = {"pos": " of its position", "seg": " of its segment"}
    plus = " and".join(words[part] for part in parts[1:])
    return StepKind(
        leaf="sum",
        axes="LD",
        place=EMBED,
        recipe=explain_embedding_sum,
        title="Sum of the embeddings" if plus else "Embedding",
        story=(
            f"The token’s embedding plus that{plus}."
            if plus
            else "The token’s embedding alone: this model adds nothing for its position here."
        ),
        latex="x_{l,d} = " + " + ".join(rf"x^{{\mathrm{{{part}}}}}_{{l,d}}" for part in parts),
        colour="residual",
        when=fits,
    )


KINDS = (
    StepKind(
        leaf="ids",
        axes="L",
        place=EMBED,
        recipe=given,
        title="Token id",
        story="The piece’s number in the vocabulary, from the tokenizer.",
        latex=r"\mathrm{id}_l",
        colour="embed",
    ),
    StepKind(
        leaf="token.unscaled",
        axes="LD",
        place=EMBED,
        recipe=explain_row,
        title="Row of the embedding table",
        story="What the model knows about this piece before it reads the sentence.",
        latex=r"E_{\mathrm{id}_l,\,d}",
        colour="embed",
    ),
    StepKind(
        leaf="token",
        axes="LD",
        place=EMBED,
        recipe=explain_row,
        title="Token embedding",
        story="This piece’s vector, the same at every position.",
        latex=r"x^{\mathrm{token}}_{l,d} = E_{\mathrm{id}_l,\,d}",
        colour="embed",
        when=lambda config: config.embed_scale == 1,
    ),
    StepKind(
        leaf="token",
        axes="LD",
        place=EMBED,
        recipe=explain_scaled_token,
        title="Token embedding",
        story="This piece’s vector, the same at every position.",
        latex=r"x^{\mathrm{token}}_{l,d} = \sqrt{D}\, E_{\mathrm{id}_l,\,d}",
        colour="embed",
        when=lambda config: config.embed_scale != 1,
    ),
    StepKind(
        leaf="segment.ids",
        axes="L",
        place=EMBED,
        recipe=given,
        title="Segment",
        story="0 for the first sentence, 1 for the second.",
        latex=r"\mathrm{seg}_l",
        colour="embed",
    ),
    StepKind(
        leaf="segment",
        axes="LD",
        place=EMBED,
        recipe=explain_segment,
        title="Segment embedding",
        story="Says which of two sentences a token belongs to.",
        latex=r"x^{\mathrm{seg}}_{l,d} = S_{\mathrm{seg}_l,\,d}",
        colour="embed",
    ),
    *(embedding_sum(positions, segments) for positions in (0, 1) for segments in (0, 1)),
    StepKind(
        leaf="out",
        axes="LD",
        place=EMBED,
        recipe=explain_embedding_out,
        title="Into the first layer",
        story="The token’s vector as it enters the first layer.",
        latex=r"x_{l,d}",
        colour="residual",
        when=lambda config: not config.d_embed,
    ),
    StepKind(
        leaf="out",
        axes="LD",
        place=EMBED,
        recipe=explain_projected,
        title="Into the first layer",
        story="The embedding, projected from the width of its tables to that of the layers.",
        latex=r"\sum_{d'} x_{l,d'} W_{d',d} + b_d",
        colour="residual",
        when=lambda config: bool(config.d_embed),
    ),
    StepKind(
        leaf="token.similarity",
        axes="LM",
        place=EMBED,
        recipe=explain_similarity,
        title="Similarity of two tokens",
        story=(
            "The cosine between their vectors before the model has read anything: 1 means the"
            " same direction, 0 a right angle."
        ),
        latex=r"\frac{x_l \cdot x_m}{\|x_l\| \, \|x_m\|}",
        letters={"l": "one token’s position", "m": "the other token’s position"},
        colour="embed",
        compute=similarity,
        after="token",
    ),
    StepKind(
        leaf="near",
        axes="V",
        place=EMBED,
        recipe=explain_near,
        title="Similarity with a word of the vocabulary",
        story="The cosine between two rows of the embedding table.",
        latex=r"\frac{E_{\mathrm{id}} \cdot E_v}{\|E_{\mathrm{id}}\| \, \|E_v\|}",
        letters={"v": "the other word"},
        colour="embed",
        compute=near,
        after="ids",
        args="V",
    ),
    StepKind(
        leaf="arithmetic",
        axes="V",
        place=EMBED,
        recipe=explain_arithmetic,
        title="Similarity with a − b + c",
        story=(
            "The cosine between the sum of three rows of the embedding table and the row of a word."
        ),
        latex=(r"\frac{(E_a - E_b + E_c) \cdot E_v}{\|E_a - E_b + E_c\| \, \|E_v\|}"),
        letters={"a": "first word", "b": "word taken away", "c": "word added"},
        colour="embed",
        compute=arithmetic,
        after="ids",
        args="VVV",
    ),
)
