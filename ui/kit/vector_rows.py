"""Vectors of one token one below the other, each as a strip of its numbers with its length beside
it, such as before + update = after.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.packed_arrays import base64_of, packed
from ui.kit.step_charts import colour_end
from ui.kit.theme import COLOURS
from ui.session import sent
from ui.session.view import View

_draw = component(
    "vectors", 'class="root figure" role="group" aria-label="Vectors and their lengths"'
)
USUAL = 0.98  # of the numbers: where a few are far larger, the colours end at the others


@dataclass(frozen=True)
class VectorRow:
    """One vector of the chosen token: the step that holds it, and what is said of it."""

    step: str
    title: str
    note: str = ""
    sign: str = ""  # +, = or → before it
    kind: str = "residual"  # a key of COLOURS
    over: bool = False  # a line over it: it is made of those above
    own_scale: bool = False  # its colours end where its own numbers do


def vector_rows(view: View, rows: list[VectorRow], *, key: str) -> None:
    """Draws them; a click on a cell opens its number."""
    vectors_RD = np.stack([view.trace[row.step][view.token] for row in rows])
    lengths_R = np.array(
        [view.trace[f"{row.step}.length"][view.token] for row in rows], dtype=np.float32
    )
    shared = colour_end(vectors_RD[[not row.own_scale for row in rows]], USUAL)
    finite_R = lengths_R[np.isfinite(lengths_R)]
    _draw(
        key=key,
        on_cell_change=partial(_open, view, rows, key),
        data=packed(vectors_RD)
        | {
            "rows": [_drawn(row, shared, vectors_RD[r]) for r, row in enumerate(rows)],
            "lengths": base64_of(lengths_R.astype("<f4")),
            "longest": float(finite_R.max(initial=0)) or 1.0,
            "columns": [f"{vectors_RD.shape[1]} numbers: red below zero, blue above", "length"],
            "opened": _opened(view, rows),
        },
    )


def _drawn(row: VectorRow, shared: float, vector_D) -> dict:
    limit = colour_end(vector_D, USUAL) if row.own_scale else shared
    return {
        "title": row.title,
        "step": row.step,
        "note": row.note,
        "sign": row.sign,
        "over": row.over,
        "colour": COLOURS[row.kind],
        "limit": limit,
    }


def _opened(view: View, rows: list[VectorRow]) -> list[int] | None:
    """The row and cell of the opened number, where one of the vectors holds it."""
    for r, row in enumerate(rows):
        opened = opened_in(row.step)
        if opened and opened[0] == view.token:
            return [r, opened[1]]
    return None


def _open(view: View, rows: list[VectorRow], key: str) -> None:
    """The number that was clicked opens."""
    shape = len(rows), view.trace.shape(rows[0].step)[-1]
    place = sent.place(sent.from_component(key, "cell"), shape)
    if place is not None:
        open_number(rows[place[0]].step, (view.token, place[1]))
