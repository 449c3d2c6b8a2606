"""The sine waves of the first transformer, along the sentence and as a vector for each place."""

from __future__ import annotations

import numpy as np

from core.ops import wave_rates
from core.text import number
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.explanation_panel import open_number
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL, cell_map, largest, rows_around
from ui.kit.theme import COLOURS
from ui.kit.token_words import which_word
from ui.session.view import View
from ui.stages.positions.curve import upright

# Which waves are drawn, as shares of the way from the fastest to the slowest
WAVES = (0, 0.08, 0.16, 0.3, 0.6)
APART = 2.5  # the distance between two waves, in the units of a wave


def waves(view: View) -> None:
    """A few dimensions of the sine table as waves, the whole table, and the column of this
    place.
    """
    step, t = f"{view.side}.embed.sinusoid", view.token
    rates = wave_rates(view.config.embed_width, view.config.sinusoid_whole)
    dims = list(dict.fromkeys(int(share * (len(rates) - 1)) for share in WAVES))
    render_depth(view, waves_text(view, float(rates[-1])), largest(view, step, t, ALL))
    title = f"Some dimensions as waves along the sentence; the line marks position {t}"
    show(
        "places-waves",
        waves_figure(view.trace[step], dims, t, title),
        alt=title,
        cells=[[l, d] for d in dims for l in range(len(view.labels))],
        on_cell=lambda l, d: open_number(step, (l, d)),
        numbers=False,  # each wave is drawn below the one before it; the map has its numbers
    )
    cell_map(view, step, slice(t, t + 1), ALL, title=f"The whole vector of position {t}")
    if detailed():
        rows = rows_around(t, len(view.labels))
        title = "The sine vector of each position in this sentence"
        cell_map(view, step, rows, ALL, title=title, chosen=t - rows.start)


def waves_text(view: View, slowest: float) -> str:
    """What the sine waves are. slowest: how many radians the last of them turns from one position
    to the next.
    """
    about = float(f"{2 * np.pi / slowest:.2g}")
    whose = {"sinusoid": "This model uses them.", "none": "This run uses none."}.get(
        view.config.positions, "This model does not use them; they are here for comparison."
    )
    return (
        "The first transformer (Vaswani et al. 2017) gave each position a vector that nobody"
        f" trained. Dimension 0 is a sine wave {number(2 * np.pi, 3)} positions long, each next"
        f" one is longer, up to about {about:,.0f}; the second half are the cosines (the 2017"
        f" paper has the same waves in another order). Position {view.token}, that of"
        f" {which_word(view)}, can be read off all the waves at once, like the time off many"
        f" clock hands. {whose}"
    )


def waves_figure(values_LD, dims: list[int], chosen: int, title: str):
    """Each wave on a line of its own, one below the other. chosen: the place that is marked."""
    lines = [
        wave_line(values_LD[:, d] - APART * row, chosen, COLOURS["position"])
        for row, d in enumerate(dims)
    ]
    places = np.arange(len(values_LD))
    texts = [
        f"dimension {d}, position {place}<br><b>{number(values_LD[place, d])}</b>"
        for d in dims
        for place in places
    ]
    points = plotly_figures.unseen_points(
        np.tile(places, len(dims)), np.concatenate([line["y"] for line in lines]), texts
    )
    return plotly_figures.figure(
        [*lines, points],
        title,
        height=62 * len(dims),
        top=8,
        bottom=42,
        left=66,
        shapes=[upright(chosen)],
        xaxis=plotly_figures.value_axis("position")
        | {"range": [-0.5, len(values_LD) - 0.5], "showgrid": False, "zeroline": False},
        yaxis=plotly_figures.value_axis("") | dimension_names(dims),
    )


def wave_line(heights_L, chosen: int, colour: str) -> dict:
    """One wave, with a larger dot at the chosen place."""
    places = np.arange(len(heights_L))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "hoverinfo": "skip",
        "line": {"width": 1.6, "color": colour},
        "marker": {"size": [10 if place == chosen else 5 for place in places], "color": colour},
        "x": places,
        "y": heights_L,
    }


def dimension_names(dims: list[int]) -> dict:
    """The name of each wave’s dimension beside it."""
    return {
        "tickvals": [-APART * row for row in range(len(dims))],
        "ticktext": [f"dim. {d}" for d in dims],
        "range": [-APART * (len(dims) - 1) - 1.3, 1.3],
        "title": plotly_figures.titled(""),
    }
