"""Maps and bars whose every cell can be clicked.

    clickable_map(key, values_RC, row_labels, column_labels, *, on_cell, title, rows_title, columns_title, kind, chosen,
                  opened, blocked_RC, limit)
        a click anywhere in a cell calls on_cell(row, column) before the page is drawn again
    clickable_bars(key, values_N, labels, *, on_bar, title, kind, chosen, value_title, places_title, limit)
        the same with on_bar(position)
    show(key, figure, on_cell, alt)
        any other figure of `ui.figures`

Up to 24 words (or 32 numbered dimensions) wide it is a Plotly figure; one long vector is folded into rows; what is
wider is drawn by `components.wide_map`, which scrolls sideways. The choice is made here, so that a page need not care.
"""
from __future__ import annotations

import numpy as np
import streamlit as st

from ui import figures
from ui.components import wide_map

WORDS, NUMBERS, POINTS = 24, 32, 1200       # the widest map, and the most cells, that Plotly draws


def clickable_map(key: str, values_RC, row_labels, column_labels, *, on_cell=None, title="", rows_title="",
                  columns_title="", kind="signed", chosen=None, opened=None, blocked_RC=None, limit=None) -> None:
    """A map of numbers. chosen: a row or a cell (row, column) that is framed; opened: the cell that is explained."""
    (rows, columns), numbered = np.shape(values_RC), figures.numbered(column_labels)
    if rows == 1 and NUMBERS < columns <= POINTS and numbered:
        figure = figures.vector_block(np.asarray(values_RC)[0], title=f"{title} (row + column: the dimension)", kind=kind,
                                      width=NUMBERS, limit=limit, opened=opened and opened[1])
        show(key, figure, on_cell and (lambda row, column: on_cell(0, row * NUMBERS + column)), title)
        return
    words = {"title": title, "rows_title": rows_title, "columns_title": columns_title, "kind": kind, "chosen": chosen,
             "opened": opened, "blocked_RC": blocked_RC, "limit": limit}
    if columns <= (NUMBERS if numbered else WORDS) and rows * columns <= POINTS:
        show(key, figures.heatmap(values_RC, row_labels, column_labels, **words), on_cell, title)
    else:
        wide_map(values_RC, row_labels, column_labels, key=key, on_cell=on_cell, **words)


def clickable_bars(key: str, values_N, labels, *, on_bar=None, title="", kind="signed", chosen=None, value_title="",
                   places_title="", limit=None) -> None:
    """A bar for each number."""
    figure = figures.bars(values_N, labels, kind, title=title, chosen=chosen, value_title=value_title,
                          places_title=places_title, limit=limit)
    upright = figures.numbered(labels)
    show(key, figure, on_bar and (lambda row, column: on_bar(column if upright else row)), title)


def show(key: str, figure, on_cell=None, alt: str = "") -> None:
    """Draws any figure; a click on a point of its overlay, the last trace, calls on_cell(y, x). alt: what it shows, for
    those who can't see it."""
    figure.update_layout(meta={"theme": st.context.theme.type})     # what changes with the theme is drawn anew with it
    options = {"key": key, "config": figures.CONFIG, "alt": alt or None}
    if on_cell is None:
        st.plotly_chart(figure, **options)
    else:
        cells_N2 = np.column_stack((figure.data[-1].y, figure.data[-1].x))
        st.plotly_chart(figure, selection_mode="points", on_select=lambda: clicked(key, on_cell, cells_N2), **options)


def clicked(key: str, on_cell, cells_N2) -> None:
    """Passes a click on. The second click on a cell only takes its selection away: it counts as a click on it again."""
    points, last = st.session_state[key]["selection"]["points"], f"{key}:last"
    if points:
        st.session_state[last] = points[0].get("point_index")
    at = st.session_state.get(last)
    if isinstance(at, int) and 0 <= at < len(cells_N2):         # what a browser sends is not to be trusted
        on_cell(*cells_N2[at].tolist())
