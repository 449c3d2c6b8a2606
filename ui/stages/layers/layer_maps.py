"""Every head of every layer, small; and one step of all layers as a map, a row for each layer."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.steps import about
from core.text import all_of, counted, number
from ui.kit.charts import clickable_map
from ui.kit.components import layers_canvas
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.head_thumbnails import thumbnails_of
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL
from ui.kit.theme import COLOURS
from ui.kit.word_grouping import ROLES, grouped_weights
from ui.session.actions import close_number, select_head
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
    "attn.pattern.mean",
    "attn.pattern.roles",
    "rollout",
)


def layers_of_side(view: View) -> range:
    """The layers of the side that is looked at."""
    return range(view.config.layers(view.side))


def compute_readings(view: View) -> None:
    """Asks each layer for all its readings before the next one: a long text's layers are computed
    anew each time.
    """
    for layer in layers_of_side(view):
        for leaf in LEAVES:
            view.trace[f"{view.side}.{layer}.{leaf}"]


def stacked_map(view: View, leaf: str, *index, columns: list[str], title: str, **options) -> None:
    """The same slice of a step of every layer, a row for each; every cell opens as the number of
    its own layer's step.

    index: the numbers before the one axis that is drawn, and those behind it.
    """
    names = [f"{view.side}.{layer}.{leaf}" for layer in layers_of_side(view)]
    drawn = about(view.trace, names[0])
    clickable_map(
        f"layers:{leaf}:{index}",
        HeatmapSpec(
            np.stack([view.trace[name][index] for name in names]),
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


def opened_layer(names: list[str], index: tuple) -> tuple[int, int] | None:
    """The row and column of the opened number, where the same slice of these steps holds it."""
    for layer, name in enumerate(names):
        cell = opened_in(name)
        if cell and all(part in (ALL, i) for part, i in zip(index, cell, strict=True)):
            return layer, cell[index.index(ALL)]
    return None


def all_layers(view: View) -> None:
    """Every head's attention, small."""
    drawn, c = grouped_weights(view), view.config
    layers, heads = all_of(c.layers(view.side), "layer"), counted(c.n_heads, "head")
    section(
        view,
        f"1. {layers[0].upper()}{layers[1:]}, {heads} each{drawn.note}",
        "A layer takes in what the layer before gave out and does the same again, with weights of"
        " its own. Here is the attention of every head: one row for each layer, one column for each"
        " head. **Click a map** to choose its layer and head.",
        (drawn.name, (view.head, drawn.chosen or 0, drawn.chosen or 0)),
    )
    layers_canvas(
        thumbnails_of(view), key="layers", chosen=(view.layer, view.head), on_head=select_head
    )
    if detailed():
        head_roles(view)


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
    st.caption(
        f"Highest: head {head} of layer {layer}, {number(best[layer][head])}. From 0.5 on at least"
        " half of the attention goes there; “broad” is how evenly it is spread. The page Heads"
        " says how it is measured."
    )
