"""What if there were no norms? The length of a token's vector, layer by layer, with norms and
without.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core import whatif
from core.text import number
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.runs import beside
from ui.kit.section import detailed, render_depth
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, which_word
from ui.session.actions import show_run
from ui.session.runs import RunRequest
from ui.session.view import View

# Colour and dash of each run's curve
LOOKS = {"with norms": ("residual", "solid"), "norms off": ("other", "dash")}


def with_norms(request: RunRequest, norms: bool) -> RunRequest:
    """The run with norms, or without them; what else it changes stays."""
    return request._replace(
        change=whatif.also(whatif.without(request.change, "norms"), "" if norms else "norms")
    )


def places_of(view: View) -> dict[str, str]:
    """Where the length of the stream is measured, in order: a title and a derived value."""
    side = view.side
    places = {"into layer 0": f"{side}.embed.out.length"}
    places |= {f"layer {n}": f"{side}.{n}.out.length" for n in range(view.config.layers(side))}
    return places | (
        {"after the last norm": f"{side}.out.length"} if view.config.final_norm else {}
    )


def norms_off(view: View) -> None:
    """The chosen token's length after each layer, in the run with norms and in that without, as
    curves and as numbers.
    """
    runs = {name: beside(view, with_norms(view.request, name == "with norms")) for name in LOOKS}
    places, t = places_of(view), view.token
    lengths = {
        name: [float(run.trace[step][t]) for step in places.values()] for name, run in runs.items()
    }
    text = lengths_text(view, list(places), lengths)
    render_depth(view, text, (view.at("out.length"), (t,)))

    def open_length(run: int, place: int) -> None:
        show_run(list(runs.values())[run].request)
        open_number(list(places.values())[place], (t,))

    show_lengths(view, lengths, open_length)
    if detailed():
        table(
            lengths,
            list(places),
            key="addnorm:lengths",
            title=f"Length of {titled_word(view, t)}",
            corner="",
            opened=opened_length(view, list(runs.values()), list(places.values())),
            on_cell=lambda row, column: open_length(column, row),
        )


def show_lengths(view: View, lengths: dict[str, list[float]], on_cell) -> None:
    """The lengths of both runs as curves, up to the last layer; a click on a point calls
    on_cell(run, place).
    """
    last = view.config.layers(view.side)
    points = [
        (name, place, length)
        for name, values in lengths.items()
        for place, length in enumerate(values[: 1 + last])
    ]
    show(
        "addnorm:sizes",
        lengths_figure(points, f"Length of {titled_word(view)}, layer by layer"),
        on_cell=on_cell,
        cells=[
            (list(lengths).index(name), place)
            for name, place, length in points
            if 0 < length < np.inf
        ],
        alt=(
            "The length of the vector after each layer, with norms and without, on a scale of"
            " powers of ten"
        ),
    )
    st.caption(
        "Click a number without norms, and all pages show that run until you restore the model."
    )


def opened_length(view: View, runs: list[View], steps: list[str]) -> tuple[int, int] | None:
    """The row and column of the opened number in the table of lengths."""
    return next(
        (
            (row, column)
            for column, run in enumerate(runs)
            if run.request == view.request
            for row, step in enumerate(steps)
            if opened_in(step) == (view.token,)
        ),
        None,
    )


def lengths_text(view: View, titles: list[str], lengths: dict[str, list[float]]) -> str:
    """What becomes of the vector's length, in words."""
    last, norms, none = view.config.layers(view.side), lengths["with norms"], lengths["norms off"]
    stream = {
        "before": (
            "The stream itself is not normed and may grow; each part reads a normed copy, so its"
            " updates do not grow with it. "
        ),
        "after": "",
        "around": "The stream itself is not normed and may grow; every update is normed. ",
        "update": "The stream itself is not normed and may grow; every update is normed. ",
    }[view.config.norm_at]
    lost = next((i for i, length in enumerate(none[: last + 1]) if not np.isfinite(length)), None)
    return (
        f"The same sentence with every norm left out. With norms {which_word(view)} is"
        f" {number(norms[0], 3)} long before layer 0 and {number(norms[last], 3)} after the last"
        f" layer. {stream}"
    ) + (
        f"Without norms it is {number(none[last], 3)} long after the last layer. These weights were"
        " trained with norms: without them the layers read vectors of unfamiliar sizes."
        if lost is None
        else overflow_text(view, titles, none, lost)
    )


def overflow_text(view: View, titles: list[str], lengths: list[float], lost: int) -> str:
    """Where the run without norms overflows. lost: the first place without a finite length."""
    limit = number(np.finfo(view.trace[f"{view.side}.out"].dtype).max)
    before = (
        f"it is {number(lengths[lost - 1], 3)} long after {titles[lost - 1]}, and " if lost else ""
    )
    return (
        f"Without norms {before}**in {titles[lost]} the numbers overflow**: some grow past"
        f" {limit}, the largest that 32 bits can hold. Every later value is NaN."
    )


# --- the picture ----------------------------------------------------------------------------------


def lengths_figure(points: list[tuple[str, int, float]], title: str) -> go.Figure:
    """Lengths over layers on a scale of powers of ten; every point can be clicked. Where a run
    overflows, it says so.
    """
    count = 1 + max(place for _, place, _ in points)
    lines = {
        name: [(x, y) for other, x, y in points if other == name and 0 < y < np.inf]
        for name in LOOKS
    }
    drawn = [(name, x, y) for name, line in lines.items() for x, y in line]
    lost = overflows(points)
    return plotly_figures.figure(
        [*(length_line(name, line) for name, line in lines.items()), length_points(drawn)],
        title,
        [
            *(run_name(name, line, count) for name, line in lines.items() if line),
            *(overflow_note(name, count) for name, _ in lost),
        ],
        height=260,
        top=8,
        bottom=42,
        left=64,
        shapes=[overflow_area(x, count) for _, x in lost],
        xaxis=layer_axis(count),
        yaxis=length_axis([y for _, _, y in drawn]),
    )


def overflows(points: list[tuple[str, int, float]]) -> list[tuple[str, int]]:
    """The runs that overflow, each with the first place where its numbers are NaN."""
    found: dict[str, int] = {}
    for name in LOOKS:
        places = [x for other, x, y in points if other == name and not np.isfinite(y)]
        found |= {name: min(places)} if places else {}
    return list(found.items())


def layer_axis(count: int) -> dict:
    """The axis along the layers, with at most a dozen of them named."""
    every = -(-count // 12)
    return plotly_figures.value_axis("after layer") | {
        "range": [-0.5, count - 0.5],
        "zeroline": False,
        "showgrid": False,
        "tickvals": list(range(0, count, every)),
        "ticktext": ["in", *map(str, range(every - 1, count - 1, every))],
    }


def length_axis(lengths: list[float]) -> dict:
    """The scale of powers of ten."""
    ends = powers(lengths)
    return plotly_figures.value_axis("length") | {
        "type": "log",
        "exponentformat": "power",
        "range": ends,
        "dtick": max(1, round((ends[1] - ends[0]) / 6)),
    }


def powers(lengths: list[float]) -> list[float]:
    """The ends of the scale, as powers of ten, with room for the names."""
    low, high = (np.log10(end(lengths, default=1.0)) for end in (min, max))
    room = 0.12 * max(high - low, 1)
    return [low - room, high + 2 * room]


def length_line(name: str, line: list[tuple[int, float]]) -> dict:
    """The lengths of one run."""
    kind, dash = LOOKS[name]
    return {
        "type": "scatter",
        "x": [x for x, _ in line],
        "y": [y for _, y in line],
        "mode": "lines+markers",
        "hoverinfo": "skip",
        "line": {"color": COLOURS[kind], "dash": dash, "width": 2.5},
        "marker": {"size": 6},
    }


def length_points(drawn: list[tuple[str, int, float]]) -> dict:
    """The points of the curves, open to a click."""
    texts = [
        f"{name}, {f'after layer {x - 1}' if x else 'into layer 0'}<br><b>{number(y)}</b>"
        for name, x, y in drawn
    ]
    return plotly_figures.unseen_points([x for _, x, _ in drawn], [y for _, _, y in drawn], texts)


def run_name(name: str, line: list[tuple[int, float]], count: int) -> dict:
    """The name of a curve, at its last point, on the side where there is room."""
    x, y = line[-1]
    return {
        "x": x,
        "y": float(np.log10(y)),
        "text": f"<b>{name}</b>",
        "showarrow": False,
        "yanchor": "bottom",
        "yshift": 6,
        "xanchor": "right" if x > count / 2 else "left",
        "font": {"color": plotly_figures.TEXT, "size": 13},
    }


def overflow_area(place: int, count: int) -> dict:
    """The part of the picture in which the numbers of a run are NaN."""
    return {
        "type": "rect",
        "x0": place - 0.5,
        "x1": count - 0.5,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "layer": "below",
        "fillcolor": plotly_figures.FAINT,
        "line": {"width": 0},
    }


def overflow_note(name: str, count: int) -> dict:
    """What is said there."""
    return {
        "x": count - 0.6,
        "y": 0.5,
        "yref": "paper",
        "xanchor": "right",
        "align": "right",
        "showarrow": False,
        "text": f"{name}: overflow<br>NaN from here on",
        "font": {"size": 12, "color": plotly_figures.TEXT},
    }
