"""Two runs of one model side by side: the same view under another mask or what-if, and what
differs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from core.text import number
from core.vectors import lengths
from ui.kit.charts import clickable_map
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.theme import COLOURS
from ui.kit.token_strip import word
from ui.session.actions import show_run
from ui.session.memory import memory
from ui.session.runs import RunRequest, trace_of
from ui.session.selection import depth
from ui.session.view import View
from ui.text import quoted


def under(view: View, mask: str) -> View:
    """The same view under another mask; the one that the model was trained with goes by that
    name.
    """
    return beside(
        view, view.request._replace(mask="trained" if (mask,) == view.config.sides else mask)
    )


def beside(view: View, request: RunRequest) -> View:
    """Another run, looked at in the same place."""
    trace_of(request)  # raises where there is no such run
    return replace(view, request=request)


def open_in(view: View, name: str, index: tuple[int, ...]) -> None:
    """Opens a number; mask and what-if go along, because it belongs to that run of the model."""
    show_run(view.request)
    open_number(name, index)


def compare_vectors(one: View, other: View, one_title: str, other_title: str, *, key: str) -> None:
    """The two vectors of the chosen token: what their cosine is made of, and each number of both,
    open to a click.
    """
    name, runs = f"{one.side}.out", (one, other)
    x_2D = np.stack([run.trace[name][one.token] for run in runs]).astype(np.float64)
    dot, (a, b) = float(x_2D[0] @ x_2D[1]), lengths(x_2D)
    if depth() == "formula":
        st.latex(r"\cos(x, x') = \frac{\sum_d x_d\, x'_d}{\lVert x \rVert \, \lVert x' \rVert}")
    beside_it = f"{other_title[0].lower()}{other_title[1:]}"
    st.markdown(
        f"{word(one)} ({one.token}), {one_title} and {beside_it}: x · x′ / (‖x‖ ‖x′‖) ="
        f" {number(dot)} / ({number(a)} · {number(b)}) ="
        f" **{number(dot / (a * b) if a * b else 0.0)}**"
    )
    opened, in_force = opened_in(name), memory().shown
    shown = next((row for row, run in enumerate(runs) if run.request == in_force), None)
    at = (shown, opened[1]) if opened and opened[0] == one.token and shown is not None else None
    name_of = quoted(one.labels[one.token])
    clickable_map(
        f"{key}:pair",
        HeatmapSpec(
            x_2D,
            ["x", "x′"],
            [str(d) for d in range(x_2D.shape[1])],
            opened=at,
            title=f"The last vector of {name_of}: x {one_title}, x′ {beside_it}",
            columns_title="dimension",
            rows_title="run",
            colour=COLOURS["residual"],
        ),
        lambda row, d: open_in(runs[row], name, (one.token, d)),
    )
