"""One step of all layers as a map, a row for each layer; and the roles of all heads."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.steps import about
from core.text import number
from ui.kit.charts import clickable_map
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.head_thumbnails import thumbnails_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.stage import opened_cards
from ui.kit.step_charts import ALL
from ui.kit.theme import COLOURS
from ui.kit.word_grouping import ROLES
from ui.session.actions import close_number
from ui.session.runs import RunRequest, trace_of
from ui.session.view import View

LEAVES = (
    "attn.in.length",
    "attn.out.relative",
    "mlp.out.relative",
    "attn.out.length",
    "mlp.out.length",
    "out.length",
    "out.turned",
    "out.similarity",
)
# What the cards read besides
CARDS = {"layers-roles": ("attn.pattern.roles",)}


def layers_of_side(view: View) -> range:
    """The layers of the side that is looked at."""
    return range(view.config.layers(view.side))


def compute_readings(view: View) -> None:
    """Asks each layer for all its readings before the next one: a long text's layers are computed
    anew each time.
    """
    asked = [leaf for card in opened_cards() for leaf in CARDS.get(card, ())]
    with st.spinner("Running all layers …"):
        for layer in layers_of_side(view):
            for leaf in (*LEAVES, *asked):
                view.trace[f"{view.side}.{layer}.{leaf}"]
            thumbnails_in(view, layer)


def rows_of(view: View, leaf: str, row: int) -> np.ndarray:
    """One row of a step of every layer, (N, …)."""
    return _rows(view.request, view.side, leaf, row)


@st.cache_resource(max_entries=16, show_spinner="Running all layers …")
def _rows(request: RunRequest, side: str, leaf: str, row: int) -> np.ndarray:
    """Kept for all visitors, because a long text has too many such steps to keep them whole."""
    trace = trace_of(request)
    layers = range(trace.config.layers(side))
    return np.stack([trace[f"{side}.{layer}.{leaf}"][row] for layer in layers])


def stacked_map(view: View, leaf: str, *index, columns: list[str], title: str, **options) -> None:
    """The same slice of a step of every layer, a row for each; every cell opens as the number of
    its own layer's step.

    index: the numbers before the one axis that is drawn, and those after it.
    """
    names = [f"{view.side}.{layer}.{leaf}" for layer in layers_of_side(view)]
    drawn = about(view.trace, names[0])
    clickable_map(
        f"layers:{leaf}:{index}",
        HeatmapSpec(
            values_of(view, leaf, index),
            [f"layer {n}" for n in layers_of_side(view)],
            columns,
            title=title,
            opened=opened_layer(names, index),
            colour=COLOURS[drawn.colour],
            rows_title="layer",
            **{"kind": drawn.scale, "columns_title": "token"} | options,
        ),
        lambda layer, column: open_number(
            names[layer], [column if part == ALL else part for part in index]
        ),
    )


def values_of(view: View, leaf: str, index: tuple) -> np.ndarray:
    """That slice of the step of every layer, a row for each."""
    if index[1:] == (ALL,):
        return rows_of(view, leaf, index[0])
    names = [f"{view.side}.{layer}.{leaf}" for layer in layers_of_side(view)]
    return np.stack([view.trace[name][index] for name in names])


def opened_layer(names: list[str], index: tuple) -> tuple[int, int] | None:
    """The row and column of the opened number, where the same slice of these steps holds it."""
    for layer, name in enumerate(names):
        cell = opened_in(name)
        if cell and all(part in (ALL, i) for part, i in zip(index, cell, strict=True)):
            return layer, cell[index.index(ALL)]
    return None


def head_roles(view: View) -> None:
    """How well every head of every layer fits one role."""
    role = st.segmented_control(
        "What does each head look at, measured on this sentence?",
        range(len(ROLES)),
        required=True,
        key="layers_role",
        format_func=ROLES.__getitem__,
        on_change=close_number,
    )
    best = [
        view.trace[f"{view.side}.{layer}.attn.pattern.roles"][:, role]
        for layer in layers_of_side(view)
    ]
    layer, head = np.unravel_index(np.argmax(best), np.shape(best))
    stacked_map(
        view,
        "attn.pattern.roles",
        ALL,
        role,
        columns=[str(h) for h in range(view.config.n_heads)],
        columns_title="head",
        limit=1,
        title=f"Role “{ROLES[role]}” of every head: the share of its attention, on average",
    )
    if not best[layer][head]:
        st.caption("No head plays this role in this sentence.")
        return
    st.caption(
        f"The best match is head {head} of layer {layer} ({number(best[layer][head], 3)}). At 0.5"
        " half of its attention goes there; “broad” is how evenly it is spread. The page Heads says"
        " how it is measured."
    )
