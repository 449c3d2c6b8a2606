"""Maps, bars and other figures that answer a click.

Maps are drawn on a canvas: a heatmap of Plotly takes 25 ms of the server and 130 of the browser, a
canvas 1 and 40.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui.kit import plotly_figures
from ui.kit.component_loader import component
from ui.kit.components import heatmap_canvas
from ui.kit.heatmap import HeatmapSpec, folded, place_in_vector
from ui.session import sent
from ui.session.memory import memory

_saving = component("chart_saving")


def clickable_map(key: str, spec: HeatmapSpec, on_cell=None) -> None:
    """A map of numbers; one long vector is drawn in several rows, and counts as one row still."""
    drawn = folded(spec)
    if on_cell is None or drawn.vector is None:
        heatmap_canvas(drawn, key=key, on_cell=on_cell)
        return

    def on_row(row: int, column: int) -> None:
        if (place := place_in_vector(drawn, row, column)) is not None:
            on_cell(0, place)

    heatmap_canvas(drawn, key=key, on_cell=on_row)


def clickable_bars(key: str, values_N, labels, *, on_bar=None, title="", **look) -> None:
    """A bar for each number; look: as `plotly_figures.bars` has it."""
    figure = plotly_figures.bars(values_N, labels, title=title, **look)
    upright = plotly_figures.numbered(labels)
    show(key, figure, on_bar and (lambda row, column: on_bar(column if upright else row)), title)


def show(key: str, figure, on_cell=None, alt: str = "", cells=None) -> None:
    """Draws any figure, and a button that saves it; a click on a point of its overlay, the last
    trace, calls on_cell(y, x), or on_cell(*cells[n]) with what the n-th point stands for. alt: what
    it shows, for those who can't see it.
    """
    # What changes with the theme is drawn anew with it.
    figure.layout.meta = {"theme": st.context.theme.type}
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
            on_select=lambda: pass_click_on(key, on_cell, cells_N2),
            **options,
        )
    _saving(key=f"{key}-saving", data={"chart": key, "title": alt})


def pass_click_on(key: str, on_cell, cells_N2) -> None:
    """Calls on_cell with the cell that was clicked. The second click on a bar only takes its
    selection away: it counts as a click on it again.
    """
    if (point := sent.point(key)) is not None:
        memory().clicked_points[key] = point
    point = memory().clicked_points.get(key)
    if sent.whole(point, len(cells_N2)):
        on_cell(*cells_N2[point].tolist())
