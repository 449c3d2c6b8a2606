"""Any step of the trace as a picture: a slice of its array with the right labels, each cell of it open to a click."""
from __future__ import annotations

import numpy as np
import streamlit as st

from core.anatomy import axis_words
from ui import figures
from ui.maps import clickable_map
from ui.numbers import open_number

ALL = slice(None)
KINDS = {"pattern": "weight", "probs": "weight", "mask": "mask"}


def labels(view, name: str, axis: int) -> list[str]:
    """What stands along an axis of a step: tokens for positions, words for the vocabulary, numbers for dimensions."""
    letter, size = view.trace.axes(name)[axis], view.trace.shape(name)[axis]
    if letter == "V":
        return [view.word(i) for i in range(size)]
    if letter in "LMR":
        side = view.side_of(name, letter)
        tokens = view.tokens(side)
        return [tokens[r] for r in view.trace.rows] if letter == "R" else tokens
    return [str(i) for i in range(size)]


def kind_of(name: str) -> str:
    """Whether a step holds shares (0 to 1), yes and no, or signed numbers."""
    return KINDS.get(name.rsplit(".", 1)[1], "signed")


def full_index(index: tuple, free: tuple[int, ...]) -> tuple[int, ...]:
    """The index of a cell: the fixed parts of a slice, and the position along each free axis."""
    free = iter(free)
    return tuple((part.start or 0) + next(free) if isinstance(part, slice) else int(part) for part in index)


def cell_map(view, name: str, *index, title: str, chosen=None, key: str = "") -> None:
    """A two-dimensional slice of a step as a heatmap: index has a number for each fixed axis and ALL (or a slice) for
    the two that are drawn. A click on a cell opens "How was this number made?"."""
    free = [axis for axis, part in enumerate(index) if isinstance(part, slice)]
    values_RC = view.trace[name][index]
    words = [[labels(view, name, axis)[i] for i in range(view.trace.shape(name)[axis])[index[axis]]] for axis in free]
    titles = [axis_words(view.trace.axes(name)[axis]) for axis in free]
    clickable_map(f"map:{key}:{name}:{index}", values_RC, *words, title=title, rows_title=titles[0],
                  columns_title=titles[1], kind=kind_of(name), chosen=chosen,
                  on_cell=lambda r, c: open_number(name, full_index(index, (r, c))))


def largest(view, name: str, *index) -> tuple[str, tuple[int, ...]]:
    """The cell of a one-dimensional slice whose value is furthest from zero: what a page opens first."""
    values = np.abs(view.trace[name][index])
    values = np.where(np.isfinite(values), values, -1)
    return name, full_index(index, (int(values.argmax()),))
