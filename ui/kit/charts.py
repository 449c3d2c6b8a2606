"""Maps and bars whose every cell can be clicked.

    clickable_map(key, values_RC, row_labels, column_labels, *, on_cell, title, rows_title,
        columns_title, kind, chosen,
                  opened, blocked_RC, limit)
        a click in a cell calls on_cell(row, column) before the page is drawn again; one long
            vector is folded into rows of
        `fold` numbers
    clickable_bars(key, values_N, labels, *, on_bar, title, kind, chosen, value_title,
        places_title, limit)
        the same with on_bar(position)
    show(key, figure, on_cell, alt)
        any other figure of `ui.kit.plotly_figures`

Maps are drawn on a canvas: a heatmap of Plotly takes 25 ms of the server and 130 of the browser, a
canvas 1 and 40.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui.kit import plotly_figures
from ui.kit.components import wide_map
from ui.session import sent
from ui.session.memory import memory

FOLD = 32  # numbers in a row of a folded vector


def clickable_map(
    key: str,
    values_RC,
    row_labels,
    column_labels,
    *,
    on_cell=None,
    title="",
    opened=None,
    fold: int = FOLD,
    **options,
) -> None:
    """A map of numbers. chosen: a row or a cell (row, column) that is framed; opened: the cell that
    is explained.
    """
    values_RC = np.asarray(values_RC)
    rows, columns = values_RC.shape
    if rows > 1 or columns <= fold or not plotly_figures.numbered(column_labels):
        wide_map(
            values_RC,
            row_labels,
            column_labels,
            key=key,
            on_cell=on_cell,
            title=title,
            opened=opened,
            **options,
        )
        return

    def unfolded(row: int, column: int) -> None:
        if (place := row * fold + column) < columns:
            on_cell(0, place)

    what = options.get("columns_title") or "dimension"
    options |= {
        "rows_title": "",
        "columns_title": "",
        "chosen": None,
        "blocked_RC": None,
        "folded_as": what,
    }
    folded_RC = np.full((-(-columns // fold), fold), np.nan, dtype=np.float32)
    folded_RC.flat[:columns] = values_RC[0]
    wide_map(
        folded_RC,
        [str(start) for start in range(0, columns, fold)],
        [f"+{i}" for i in range(fold)],
        key=key,
        on_cell=on_cell and unfolded,
        title=f"{title} (row + column: the {what})",
        folded=columns,
        opened=opened and divmod(opened[1], fold),
        **options,
    )


def clickable_bars(
    key: str,
    values_N,
    labels,
    *,
    on_bar=None,
    title="",
    kind="signed",
    chosen=None,
    value_title="",
    places_title="",
    limit=None,
) -> None:
    """A bar for each number."""
    figure = plotly_figures.bars(
        values_N,
        labels,
        kind,
        title=title,
        chosen=chosen,
        value_title=value_title,
        places_title=places_title,
        limit=limit,
    )
    upright = plotly_figures.numbered(labels)
    show(key, figure, on_bar and (lambda row, column: on_bar(column if upright else row)), title)


def show(key: str, figure, on_cell=None, alt: str = "", cells=None) -> None:
    """Draws any figure; a click on a point of its overlay, the last trace, calls on_cell(y, x), or
    on_cell(*cells[n]) with what the n-th point stands for. alt: what it shows, for those who can't
    see it.
    """
    figure.layout.meta = {
        "theme": st.context.theme.type
    }  # what changes with the theme is drawn anew with it
    options = {"key": key, "config": plotly_figures.CONFIG, "alt": alt or None}
    if on_cell is None:
        st.plotly_chart(figure, **options)
    else:
        cells_N2 = (
            np.column_stack((figure.data[-1].y, figure.data[-1].x))
            if cells is None
            else np.asarray(cells)
        )
        st.plotly_chart(
            figure,
            selection_mode="points",
            on_select=lambda: clicked(key, on_cell, cells_N2),
            **options,
        )


def clicked(key: str, on_cell, cells_N2) -> None:
    """Passes a click on. The second click on a bar only takes its selection away: it counts as a
    click on it again.
    """
    if (at := sent.point(key)) is not None:
        memory().clicked_points[key] = at
    at = memory().clicked_points.get(key)
    if sent.whole(at, len(cells_N2)):
        on_cell(*cells_N2[at].tolist())
