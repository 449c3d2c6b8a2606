"""Two runs of one model side by side: the same view under another mask or what-if."""

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
from ui.kit.token_words import titled_word, word
from ui.session.actions import show_run
from ui.session.memory import memory
from ui.session.runs import RunRequest, trace_of
from ui.session.selection import depth
from ui.session.view import View


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
    other_title = f"{other_title[0].lower()}{other_title[1:]}"
    if depth() == "formula":
        st.latex(r"\cos(x, x') = \frac{\sum_d x_d\, x'_d}{\lVert x \rVert \, \lVert x' \rVert}")
    st.markdown(
        f"{word(one)} ({one.token}), {one_title} and {other_title}: x · x′ / (‖x‖ ‖x′‖) ="
        f" {cosine_text(x_2D)}"
    )
    clickable_map(
        f"{key}:pair",
        HeatmapSpec(
            x_2D,
            ["x", "x′"],
            [str(d) for d in range(x_2D.shape[1])],
            opened=opened_in_runs(runs, name),
            title=f"The last vector of {titled_word(one)}: x {one_title}, x′ {other_title}",
            columns_title="dimension",
            rows_title="run",
            colour=COLOURS["residual"],
        ),
        lambda row, d: open_in(runs[row], name, (one.token, d)),
    )


def cosine_text(x_2D) -> str:
    """What the cosine of two vectors is made of, and it."""
    dot, (a, b) = float(x_2D[0] @ x_2D[1]), lengths(x_2D)
    cosine = dot / (a * b) if a * b else 0.0
    return f"{number(dot)} / ({number(a)} · {number(b)}) = **{number(cosine)}**"


def opened_in_runs(runs: tuple[View, ...], name: str) -> tuple[int, int] | None:
    """Which run's vector of the chosen token holds the opened number, and where."""
    opened = opened_in(name)
    shown = next((row for row, run in enumerate(runs) if run.request == memory().shown), None)
    if opened and opened[0] == runs[0].token and shown is not None:
        return shown, opened[1]
    return None
