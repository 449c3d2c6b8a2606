"""Any step of the trace as a picture: a slice of its array with the right labels, each cell of it
open to a click.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import streamlit as st

from core.step_ref import parse, ref_of, sliced_name
from core.steps import about
from core.steps.letters import axis_words
from core.text import number
from ui.kit.charts import clickable_bars, clickable_map
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.theme import COLOURS
from ui.kit.word_grouping import ROLES, unseen_words, word_labels
from ui.session.view import View

ALL = slice(None)
ROWS = 32  # rows of a long step that are drawn at a time


def labels(view, name: str, axis: int, part: slice = ALL) -> list[str]:
    """What stands along an axis of a step: tokens for positions, words for the vocabulary, numbers
    for dimensions.
    """
    letter, places = view.trace.axes(name)[axis], range(view.trace.shape(name)[axis])[part]
    if letter == "V":
        return [view.word(i) for i in places]
    if letter in "LMR":
        tokens = view.names_of(view.side_of(name, letter))
        # Behind the last layer, "L" counts the positions whose output was asked for, as "R" does.
        return [
            tokens[view.trace.rows[i] if letter == "R" or ref_of(name).side == "head" else i]
            for i in places
        ]
    if letter in "IJ":
        return word_labels(view, name)[part]
    if letter == "C" and name.startswith("task."):
        return [view.config.task.labels[i] for i in places]
    return [ROLES[i] if letter == "O" else str(i) for i in places]


def full_index(index: tuple, free: Iterable[int]) -> tuple[int, ...]:
    """The index of a cell: the fixed parts of a slice, and the position along each free axis."""
    places = iter(free)
    return tuple(
        (part.start or 0) + next(places) if isinstance(part, slice) else int(part) for part in index
    )


def opened_at(name: str, index: tuple) -> tuple[int, ...] | None:
    """Where the opened number stands in a slice of a step, along its free axes; None if it is not
    in it.
    """
    opened, inside = opened_in(name), []
    for i, part in zip(opened or (), index, strict=False):
        if isinstance(part, slice) and (part.start or 0) <= i < (
            i + 1 if part.stop is None else part.stop
        ):
            inside.append(i - (part.start or 0))
        elif isinstance(part, slice) or i != part:
            return None
    return tuple(inside) if opened else None


def blocked_by_mask(view, name: str, index: tuple):
    """Of a slice of attention weights: the cells that the mask hides. None for any other step."""
    ref = ref_of(name)
    if ref.leaf == "pattern.words":
        unseen_IJ = unseen_words(view, name)[index[1:]]
        return unseen_IJ if unseen_IJ.any() else None
    if not about(view.trace, name).masked:
        return None
    mask_LM = view.trace[str(ref.with_leaf("mask"))]
    return None if mask_LM.all() else ~mask_LM[index[-2:]]


def seen_from(view, name: str, index: tuple) -> str:
    """A slice of a step as it is named from the layer, the head and the token that are looked at.
    It keeps its name where these change: its picture stays, and only the numbers in it are others.
    """
    ref, axes = parse(name), view.trace.axes(name)
    at, parts = {"H": view.head, "L": view.token}, []
    if ref and ref.layer is not None:
        name = name.replace(f".{ref.layer}.", f".{ref.layer - view.layer:+d}.", 1)
    for letter, part in zip(axes, index, strict=True):
        base = view.key_head if letter == "G" else at.get(letter, 0)
        if not isinstance(part, slice):
            parts.append(f"{part - base:+d}")
        elif part.stop is not None and part.stop - (part.start or 0) == 1:
            parts.append(f"{(part.start or 0) - base:+d}:")
        else:
            parts.append(":" if part == ALL else "rows")
    return ",".join([name, *parts])


def cell_map(view, name: str, *index, key: str = "", place: str = "", on_cell=None, **look) -> None:
    """A two-dimensional slice of a step as a heatmap: index has a number for each fixed axis and
    ALL (or a slice) for the two that are drawn. A click on a cell opens "How was this number
    made?", or calls on_cell(row, column). place: of a map that stands there whatever it shows.
    look: title, chosen, limit, fold of the `HeatmapSpec`.
    """
    free = [axis for axis, part in enumerate(index) if isinstance(part, slice)]
    rows, columns = (labels(view, name, axis, index[axis]) for axis in free)
    rows_title, columns_title = (axis_title(view, name, axis) for axis in free)
    drawn = about(view.trace, name)
    spec = HeatmapSpec(
        view.trace[name][index],
        rows,
        columns,
        rows_title=rows_title,
        columns_title=columns_title,
        kind=drawn.scale,
        colour=COLOURS[drawn.colour],
        opened=opened_at(name, index),
        step=sliced_name(name, index),
        blocked_RC=blocked_by_mask(view, name, index),
        **look,
    )
    open_cell = on_cell or (lambda r, c: open_number(name, full_index(index, (r, c))))
    clickable_map(f"map:{key}:{place or seen_from(view, name, index)}", spec, open_cell)


def rows_around(chosen: int, count: int, most: int = ROWS) -> slice:
    """As many rows as are drawn at a time, with the chosen one among them."""
    start = max(0, min(chosen - most // 2, count - most))
    return slice(start, start + most)


def rows_map(view, step: str, rows: slice, title: str, chosen: int) -> None:
    """Some rows of a step as a map."""
    capped_map(view, step, rows, ALL, title=title, chosen=chosen)


def capped_map(view, name: str, *index, title: str, chosen: int) -> None:
    """A map like that of cell_map. Where a few numbers are far larger than all others, the colours
    end before them, and it says so.
    """
    size_N = np.abs(view.trace[name][index]).ravel()
    usual = colour_end(size_N)
    few = usual < size_N.max()
    ends = (
        f". Colours end at {number(usual)}; a few numbers reach {number(size_N.max())}"
        if few
        else ""
    )
    cell_map(view, name, *index, title=title + ends, chosen=chosen, limit=usual if few else None)


def colour_end(values, share: float = 0.998) -> float:
    """Where the colours of some numbers end: at the largest, unless a few are far larger than all
    others. share: of the numbers, those that are usual.
    """
    size_N = np.abs(np.asarray(values, dtype=np.float64)).ravel()
    size_N = size_N[np.isfinite(size_N)]
    most = float(size_N.max(initial=0)) or 1.0
    usual = float(np.quantile(size_N, share)) if len(size_N) else most
    return usual if 0 < 2 * usual < most else most


def axis_title(view, name: str, axis: int) -> str:
    """An axis in words; a token looks only where others are looked at."""
    letters = view.trace.axes(name)
    looks = "M" in letters and not name.endswith(".similarity")
    return "token" if letters[axis] in "LM" and not looks else axis_words(letters[axis])


def cell_bars(view, name: str, *index, title: str, kind: str = "") -> None:
    """A one-dimensional slice of a step as bars, or a single number as one: index has one slice, or
    none.
    """
    free = [axis for axis, part in enumerate(index) if isinstance(part, slice)]
    values_N = np.atleast_1d(view.trace[name][index])
    words = [label for axis in free for label in labels(view, name, axis, index[axis])] or [title]
    opened = opened_at(name, index)
    clickable_bars(
        f"bars:{name}:{index}",
        values_N,
        words,
        title=title,
        kind=kind or "signed",
        chosen=opened[0] if opened else None,
        places_title=axis_title(view, name, free[0]) if free else "",
        step=sliced_name(name, index),
        on_bar=lambda n: open_number(name, full_index(index, (n,))),
    )


def cell_picture(view, name: str, *index) -> None:
    """A slice of a step as what fits it: a map, bars, or, for numbers that are names and no
    quantities, a table.
    """
    if sum(isinstance(part, slice) for part in index) == 2:
        cell_map(view, name, *index, title=name, fills=True, place="step")
    elif name.endswith("ids"):
        cells_table(
            view,
            {
                "number in the vocabulary" if name.endswith("embed.ids") else "segment": (
                    name,
                    index,
                )
            },
            key=name,
        )
    else:
        cell_bars(view, name, *index, title=name)


def shares_of_sum(view, step: str, *index) -> None:
    """Says what a share below zero is, where a vector's parts have one."""
    if (view.trace[step][index] < 0).any():
        st.caption(
            "Each share of z is measured along z. A value that points against it counts below zero,"
            " so others may come to more than the whole."
        )


def cells_table(
    view, columns: dict, *, key: str, foot: dict | None = None, words: list | None = None, **look
) -> None:
    """Slices that run along the tokens as the columns of a table: a title -> (step, index with one
    slice). Every number opens at a click.

    foot: the numbers of a last row, a title -> (step, index of one cell). words: the rows' labels,
    where they are not those of the step. look: bar, title, chosen and corner of the `table`.
    """
    foot, (first, index) = foot or {}, next(iter(columns.values()))
    axis = next(axis for axis, part in enumerate(index) if isinstance(part, slice))
    words = words or labels(view, first, axis, index[axis])
    under = {name: float(view.trace[step][cell]) for name, (step, cell) in foot.items()}

    def open_cell(row: int, column: int) -> None:
        name = list(columns)[column]
        if row < len(words):
            step, part = columns[name]
            open_number(step, full_index(part, (row,)))
        elif name in foot:
            open_number(*foot[name])

    table(
        {name: view.trace[step][part] for name, (step, part) in columns.items()},
        words,
        key=f"table:{key}",
        on_cell=open_cell,
        foot=under and {"": "sum"} | under,
        opened=opened_in_columns(list(columns.values())),
        **look,
    )


def opened_in_columns(columns: list[tuple]) -> tuple[int, int] | None:
    """The row and column of the opened number, where a table of such columns has it."""
    for column, (step, index) in enumerate(columns):
        if free := opened_at(step, index):
            return free[0], column
    return None


def largest(view, name: str, *index) -> tuple[str, tuple[int, ...]]:
    """The cell of a slice whose value is furthest from zero: what a page opens first."""
    values = np.abs(view.trace[name][index].astype(np.float64))
    inside = np.unravel_index(np.where(np.isfinite(values), values, -1).argmax(), values.shape)
    return name, full_index(index, map(int, inside))


def stacked(view: View, key: str, rows: dict, title: str, columns_title="dimension") -> None:
    """Slices of several steps as the rows of one map: a title -> (step, index with one ALL). Each
    cell opens its own step.
    """
    steps, first = list(rows.values()), next(iter(rows.values()))
    marked = [
        (row, free[0])
        for row, (step, index) in enumerate(steps)
        if (free := opened_at(step, index))
    ]

    def open_cell(row: int, column: int) -> None:
        step, index = steps[row]
        open_number(step, full_index(index, (column,)))

    spec = HeatmapSpec(
        np.stack([view.trace[step][index] for step, index in steps]),
        list(rows),
        labels(view, first[0], first[1].index(ALL)),
        title=title,
        columns_title=columns_title,
        opened=marked[0] if marked else None,
    )
    clickable_map(f"places-rows-{key}", spec, open_cell)
