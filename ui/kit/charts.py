"""Maps, bars and other figures that answer a click.

Maps are drawn on a canvas: a heatmap of Plotly takes 25 ms of the server and 130 of the browser, a
canvas 1 and 40.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from ui.kit import plotly_figures
from ui.kit.component_loader import component
from ui.kit.components import heatmap_canvas
from ui.kit.heatmap import HeatmapSpec, folded, place_in_vector
from ui.kit.packed_arrays import packed
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


def clickable_bars(key: str, values_N, labels, *, on_bar=None, title="", step="", **look) -> None:
    """A bar for each number; step: whose numbers they are; look: as `plotly_figures.bars` has
    it.
    """
    figure = plotly_figures.bars(values_N, labels, title=title, **look)
    upright = plotly_figures.numbered(labels)
    numbers = bars_as_numbers(values_N, labels, step)
    opens = on_bar and (lambda row, column: on_bar(column if upright else row))
    show(key, figure, opens, title, numbers=numbers)


def bars_as_numbers(values_N, labels, step: str) -> dict:
    """What a chart does not have of its bars: labels that it cuts, and what is no length."""
    found: dict[str, Any] = {"step": step} if step else {}
    if not plotly_figures.numbered(labels):
        found["labels"] = [str(label) for label in labels]
    return found if np.isfinite(values_N).all() else found | {"values": packed(values_N)["values"]}


def show(key: str, figure, on_cell=None, alt: str = "", cells=None, numbers: Any = None) -> None:
    """Draws any figure, and a button that saves it; a click on a point of its overlay, the last
    trace, calls on_cell(y, x), or on_cell(*cells[n]) with what the n-th point stands for. alt: what
    it shows, for those who can't see it. numbers: what saved numbers need beside those of the
    chart; False: the numbers it is drawn from are not those that it shows, and are not saved.
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
    about = {"points": False} if numbers is False else numbers or {}
    _saving(key=f"{key}-saving", data={"chart": key, "title": alt} | about)


def pass_click_on(key: str, on_cell, cells_N2) -> None:
    """Calls on_cell with the cell that was clicked. The second click on a bar only takes its
    selection away: it counts as a click on it again.
    """
    if (point := sent.point(key)) is not None:
        memory().clicked_points[key] = point
    point = memory().clicked_points.get(key)
    if sent.whole(point, len(cells_N2)):
        on_cell(*cells_N2[point].tolist())
