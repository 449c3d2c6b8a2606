"""The rows of the embedding table: one for each token, and which of them are alike."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.models import catalogue
from core.steps.embedding import nearest
from core.text import number
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, ROWS, cell_map, largest, rows_around, rows_map
from ui.kit.token_words import titled_word, token_label, which_word
from ui.session.view import View
from ui.text import bold, plain

NEAREST = 10  # words in a list
CUT = 4  # words in pieces that are named


# --- a row for each token -------------------------------------------------------------------------


def embedding_rows(view: View) -> None:
    """The rows of the embedding table, one for each token, and the whole row of the chosen one."""
    step, row, count = f"{view.side}.embed.token", view.token, len(view.labels)
    rows = rows_around(view.token, count)
    render_depth(view, row_text(view, largest(view, step, row, ALL)))
    part = f" (tokens {rows.start} to {rows.stop - 1} of {count})" if count > ROWS else ""
    title = f"A row for each token: its embedding{part}"
    rows_map(view, step, rows, title=title, chosen=row - rows.start)
    title = f"The whole embedding of {titled_word(view)}"
    cell_map(view, step, slice(row, row + 1), ALL, title=title)


def row_text(view: View, first: tuple[str, tuple[int, ...]]) -> str:
    """Where the rows come from, and the number of the chosen one that is furthest from zero."""
    step, index = first
    V, D = view.trace.weights[f"{step}.weight"].shape
    return (
        f"The table has {V:,} rows of {D} numbers. Training found them all; no single number has a"
        f" name. In the row of {which_word(view)} the number furthest from zero is"
        f" {number(view.trace[step][index], 3)}, in dimension {index[1]}.{cut_text(view)}"
    )


def cut_text(view: View) -> str:
    """The words of the sentence that are split into several pieces, each of which has its row."""
    words, tokens = view.words, view.tokens(view.config.sides[0])
    split = [word for word in dict.fromkeys(words) if word is not None and words.count(word) > 1]
    shown = [
        " + ".join(f"**{plain(tokens[i])}**" for i, word in enumerate(words) if word == each)
        for each in split[:CUT]
    ]
    more = "; …" if split[CUT:] else "."
    return f" Split into pieces: {'; '.join(shown)}{more}" if shown else ""


# --- which rows are alike -------------------------------------------------------------------------


def near_step(view: View) -> str:
    """The derived value that compares the chosen token's row with the whole vocabulary."""
    return f"{view.side}.embed.near.{view.trace[f'{view.side}.embed.ids'][view.token]}"


def rare_piece_text(view: View) -> str:
    """What else may be alike: pieces that a model of whole words has hardly met."""
    piece = catalogue.entry_of(view.model.name).embedded and view.labels[view.token].startswith(
        "##"
    )
    return (
        " This piece of a word was rare in training, so its row may mean little." if piece else ""
    )


def similar_rows(view: View) -> None:
    """The nearest words of the vocabulary, and the sentence's tokens compared with each other."""
    step, pairs = near_step(view), f"{view.side}.embed.token.similarity"
    ids = nearest(view.trace[step], NEAREST, [int(step.rsplit(".", 1)[1])])
    cells = (step, (int(ids[0]),)), (pairs, (view.token, largest_other(view, pairs)))
    render_depth(view, similarity_text(view, ids[0]), *cells)
    left, right = st.columns((2, 3), gap="large")
    with left:
        title = f"Most like “{token_label(view)}” in the vocabulary (itself left out)"
        word_list(view, step, ids, key="near", title=title)
    with right:
        title = "Cosine of each token’s row with every other’s"
        cell_map(view, pairs, ALL, ALL, title=title, chosen=view.token, limit=1)


def similarity_text(view: View, best: int) -> str:
    """How rows are compared, and which word's is most like the chosen token's."""
    return (
        "Rows are compared by the **cosine** of the angle between them: 1 means the same"
        f" direction, 0 a right angle. Of {view.config.n_vocab:,} rows, the one most like that of"
        f" {which_word(view)} is {bold(view.word(best))}"
        f" ({number(view.trace[near_step(view)][best], 2)}). Nobody told the model which words"
        f" belong together: training moved their rows.{rare_piece_text(view)}"
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
