"""The rows of the embedding table: one for each token, and which of them are alike."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.models import catalogue
from core.steps.embedding import nearest
from core.text import number
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, ROWS, cell_map, largest, rows_around, rows_map
from ui.kit.token_words import word
from ui.session.view import View
from ui.text import bold, quoted

NEAREST = 10  # words in a list


# --- a row for each piece -------------------------------------------------------------------------


def embedding_rows(view: View) -> None:
    """The rows of the embedding table, one for each token."""
    step, row, count = f"{view.side}.embed.token", view.token, len(view.labels)
    first, rows = largest(view, step, row, ALL), rows_around(view.token, count)
    section(
        view,
        "2. A row of numbers for each piece",
        row_text(view, first),
        (f"{view.side}.embed.ids", (row,)),
        first,
    )
    part = f" (tokens {rows.start} to {rows.stop - 1} of {count})" if count > ROWS else ""
    rows_map(
        view,
        step,
        rows,
        title=f"The embedding of each token, a row each{part}",
        chosen=row - rows.start,
    )
    if detailed():
        title = f"The whole embedding of {quoted(view.labels[row])}"
        cell_map(view, step, slice(row, row + 1), ALL, title=title)


def row_text(view: View, first: tuple[str, tuple[int, ...]]) -> str:
    """Where the chosen token's row comes from, and its number that is furthest from zero."""
    step, index = first
    V, D = view.trace.weights[f"{step}.weight"].shape
    token_id = view.trace[f"{view.side}.embed.ids"][view.token]
    scaled = (
        f", here times {number(view.config.embed_scale)}" if view.config.embed_scale != 1 else ""
    )
    return (
        f"The number of {word(view)} is {token_id}: the model takes row {token_id} of a table of"
        f" {V:,} rows and {D} columns{scaled}. That row is all the model knows of {word(view)} at"
        " the start, and it is the same in every sentence. Training found these numbers; no single"
        f" one of them has a name. The largest in the row of {word(view)} is"
        f" {number(view.trace[step][index])}, in dimension {index[1]}."
    )


# --- which rows are alike -------------------------------------------------------------------------


def near_step(view: View) -> str:
    """The derived value that compares the chosen token's row with the whole vocabulary."""
    return f"{view.side}.embed.near.{view.trace[f'{view.side}.embed.ids'][view.token]}"


def rare_piece_text(view: View) -> str:
    """What else may be alike: pieces that a model of whole words has hardly met."""
    pieces = catalogue.entry_of(view.model.name).embedded and view.labels[view.token].startswith(
        "##"
    )
    return (
        ", or stayed alike because training hardly met it, as this piece of a word"
        if pieces
        else ""
    )


def similar_rows(view: View) -> None:
    """The nearest words of the vocabulary, and the sentence's tokens compared with each other."""
    step, pairs = near_step(view), f"{view.side}.embed.token.similarity"
    ids = nearest(view.trace[step], NEAREST, [int(step.rsplit(".", 1)[1])])
    section(
        view,
        "3. Which rows are alike",
        similarity_text(view, ids[0]),
        (step, (int(ids[0]),)),
        (pairs, (view.token, largest_other(view, pairs))),
    )
    left, right = st.columns((2, 3), gap="large")
    with left:
        title = f"Nearest to “{view.labels[view.token]}” in the whole vocabulary, itself left out"
        word_list(view, step, ids, key="near", title=title)
    with right:
        title = "Cosine of each token’s row with every other’s"
        cell_map(view, pairs, ALL, ALL, title=title, chosen=view.token, limit=1)


def similarity_text(view: View, best: int) -> str:
    """How rows are compared, and which word's is most like the chosen token's."""
    return (
        "Two rows are compared by the **cosine** of the angle between them: 1 is the same"
        f" direction, 0 nothing in common. Of all {view.config.n_vocab:,} rows, the one most like"
        f" that of {word(view)} belongs to {bold(view.word(best))}, with"
        f" {number(view.trace[near_step(view)][best])}. Nobody told the model which words belong"
        " together: whatever is alike here became alike in"
        f" training{rare_piece_text(view)}."
    )


def largest_other(view: View, pairs: str) -> int:
    """The token whose row is most like the chosen one's, itself left out."""
    row_M = view.trace[pairs][view.token].copy()
    row_M[view.token] = -np.inf
    return int(row_M.argmax())


def word_list(view: View, step: str, ids, *, key: str, title: str) -> None:
    """Words of the vocabulary and their cosines; each opens."""
    opened = opened_in(step)
    table(
        {"cosine": view.trace[step][ids]},
        [view.word(i) for i in ids],
        key=f"tokens:{key}",
        title=title,
        bar="cosine",
        corner="word",
        on_cell=lambda row, column: row < len(ids) and open_number(step, (int(ids[row]),)),
        opened=(list(ids).index(opened[0]), 0) if opened and opened[0] in ids else None,
    )


# --- the map --------------------------------------------------------------------------------------


# --- word arithmetic ------------------------------------------------------------------------------
