"""Words of the vocabulary with numbers of each, and what a model's files forbid it to write."""

from __future__ import annotations

import numpy as np

from core.decoding import written_next
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.session.view import View
from ui.text import bold


def forbidden_text(view: View, position: int) -> str:
    """What is said where the model's files forbid the likeliest token after this one."""
    ids_L = view.trace[f"{view.config.sides[-1]}.embed.ids"][: position + 1]
    row = int(np.flatnonzero(view.trace.rows == position)[0])
    probs_V = view.trace["head.probs"][row]
    best = int(probs_V.argmax())
    taken = written_next(view.model, probs_V, ids_L) if view.config.decoder_layers else best
    if taken == best:
        return ""
    return (
        f"This model’s files forbid {bold(view.word(best))} here, though it is the likeliest: the"
        f" model takes {bold(view.word(taken))} instead."
    )


def words_table(
    view: View, ids, columns: dict, *, key: str, title: str, bar: str, chosen: int | None = None
) -> None:
    """Words of the vocabulary (rows) and numbers of each: a title -> (step, index without its last,
    the word). All open.
    chosen: the row that is marked.
    """
    ids, shown = [int(i) for i in ids], list(columns.values())

    def open_cell(row: int, column: int) -> None:
        if row < len(ids):
            name, index = shown[column]
            open_number(name, (*index, ids[row]))

    table(
        {name: view.trace[step][(*index, ids)] for name, (step, index) in columns.items()},
        [view.word(i) for i in ids],
        key=key,
        on_cell=open_cell,
        bar=bar,
        title=title,
        corner="word",
        opened=opened_word(ids, shown),
        chosen=chosen,
    )


def opened_word(ids: list[int], columns: list[tuple]) -> tuple[int, int] | None:
    """The row and column of the opened number, where a table of such words has it."""
    for column, (name, index) in enumerate(columns):
        cell = opened_in(name)
        if cell and cell[:-1] == index and cell[-1] in ids:
            return ids.index(cell[-1]), column
    return None
