"""A curve over places or distances, with a dotted line at the one that is marked."""

from __future__ import annotations

import numpy as np

from core.text import number
from ui.kit import plotly_figures
from ui.kit.theme import COLOURS


def curve(xs, ys, title: str, x_title: str, y_title: str, kind: str, marked: int | None):
    """One curve over whole numbers, each point of it open to a click."""
    xs, ys = np.asarray(list(xs)), np.asarray(ys, dtype=np.float64)
    line = {
        "type": "scatter",
        "x": xs,
        "y": ys,
        "mode": "lines+markers",
        "hoverinfo": "skip",
        "line": {"width": 1.8, "color": COLOURS[kind]},
        "marker": {"size": [12 if x == marked else 5 for x in xs], "color": COLOURS[kind]},
    }
    texts = [
        f"{x_title} {str(x).replace('-', '−')}<br><b>{number(y)}</b>"
        for x, y in zip(xs, ys, strict=True)
    ]
    shapes = [] if marked is None else [upright(marked)]
    return plotly_figures.figure(
        [line, plotly_figures.unseen_points(xs, ys, texts)],
        title,
        height=220,
        top=8,
        bottom=42,
        left=56,
        shapes=shapes,
        xaxis=plotly_figures.value_axis(x_title)
        | {"range": [xs[0] - 0.5, xs[-1] + 0.5], "zeroline": False},
        yaxis=plotly_figures.value_axis(y_title),
    )


def upright(x: float) -> dict:
    """A dotted line over the whole height."""
    return {
        "type": "line",
        "x0": x,
        "x1": x,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "layer": "below",
        "line": {"width": 1.5, "dash": "dot", "color": plotly_figures.GREY},
    }
