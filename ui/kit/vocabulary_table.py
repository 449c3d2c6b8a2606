"""Words of the vocabulary with numbers of each, and what a model's files forbid it to write."""

from __future__ import annotations

import numpy as np

from core.decoding import written_next
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.session.view import View
from ui.text import bold


def forbidden_best(view: View, at: int) -> str:
    """What is said where the model's files forbid the likeliest token after this one."""
    probs_V = view.trace["head.probs"][int(np.flatnonzero(view.trace.rows == at)[0])]
    best, ids_L = int(probs_V.argmax()), view.trace[f"{view.config.sides[-1]}.embed.ids"][: at + 1]
    taken = written_next(view.model, probs_V, ids_L) if view.config.decoder_layers else best
    return (
        ""
        if taken == best
        else (
            f"The files of this model do not allow {bold(view.word(best))} here, likely as it is: "
            f"{bold(view.word(taken))} is taken instead."
        )
    )


def words_table(
    view: View, ids, columns: dict, *, key: str, title: str, bar: str, chosen: int | None = None
) -> None:
    """Words of the vocabulary (rows) and numbers of each: a title -> (step, index without its last,
    the word). All open.
    chosen: the row that is marked.
    """
    ids, shown = [int(i) for i in ids], list(columns.values())

    def clicked(r: int, c: int) -> None:
        if r < len(ids):
            open_number(shown[c][0], (*shown[c][1], ids[r]))

    opened = next(
        (
            (ids.index(at[-1]), c)
            for c, (name, index) in enumerate(shown)
            if (at := opened_in(name)) and at[:-1] == index and at[-1] in ids
        ),
        None,
    )
    table(
        {name: view.trace[step][(*index, ids)] for name, (step, index) in columns.items()},
        [view.word(i) for i in ids],
        key=key,
        on_cell=clicked,
        bar=bar,
        title=title,
        corner="word",
        opened=opened,
        chosen=chosen,
    )
