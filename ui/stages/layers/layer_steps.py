"""The figure of the page: a row for each layer, with its heads and how it moves the chosen token's
vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.text import counted, number
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.head_thumbnails import thumbnails_of
from ui.kit.packed_arrays import coarse, packed
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.section import render_depth
from ui.kit.stage import heading, opened_cards
from ui.kit.theme import COLOURS, SUBLAYERS
from ui.kit.token_words import which_word
from ui.kit.word_grouping import grouped_weights
from ui.session import sent
from ui.session.actions import select_head
from ui.session.navigation import WHY, go
from ui.session.view import View
from ui.stages.layers.layer_maps import layers_of_side
from ui.stages.layers.updates import bar_top, largest_share, parts_of

KEY = "layers"
ITS_CARD = "why-lens"  # on Why this word?, what the model would say after each layer
CLEAR = 0.02  # of a cosine: by so much a layer has to lead
_draw = component("layer_steps", 'class="root figure"')
ADDS = {"attn": "weight", "cross": "k", "mlp": "mlp"}


@dataclass(frozen=True)
class Column:
    """One number of each layer: the end of its step's name, and how it is shown."""

    leaf: str
    title: str
    hint: str
    kind: str  # "bar", "length" or "cosine", which is written alone
    colour: str


def columns_of(view: View) -> list[Column]:
    """What is shown of each layer."""
    adds = [
        Column(
            f"{part}.out.relative",
            f"{SUBLAYERS[part]} adds".replace("Attention to the encoder", "Encoder"),
            f"Length of what {SUBLAYERS[part].lower()} adds, as a multiple of the vector’s",
            "bar",
            COLOURS[ADDS[part]],
        )
        for part in parts_of(view)
    ]
    stream = COLOURS["residual"]
    return [
        *adds,
        Column("out.length", "length after", "Length of the vector", "length", stream),
        Column(
            "out.turned",
            "cosine with the layer before",
            "Cosine with the vector before this layer: 1 points the same way",
            "cosine",
            stream,
        ),
        Column(
            "out.similarity",
            "cosine with the input",
            "Cosine with the vector that entered the first layer",
            "cosine",
            stream,
        ),
    ]


def cell_of(view: View, columns: list[Column], row: int, column: int) -> tuple[str, tuple]:
    """The number that stands in a row and a column: row 0 is the vector that comes in."""
    side, leaf = view.side, columns[column].leaf
    if row == 0:
        return f"{side}.0.attn.in.length", (view.token,)
    return f"{side}.{row - 1}.{leaf}", (view.token,)


def layer_steps(view: View) -> tuple[str, tuple[int, ...]]:
    """Draws the figure, and what is said of it. Returns the cell that is explained first."""
    name, N = which_word(view), len(layers_of_side(view))
    layers = "the one layer" if N == 1 else f"{N} layers"
    heading(f"How do{'es' * (N == 1)} {layers} change the vector of {name}?", quiz(view))
    layers_figure(view)
    first = largest_share(view, parts_of(view))
    render_depth(view, steps_text(view), first)
    leads_to_guesses(view)
    return first


def leads_to_guesses(view: View) -> None:
    """The way to what the model would say after each layer, where it has words to say."""
    if view.config.head and view.side == view.config.sides[-1]:
        st.button(
            "Which word would come out after each layer? → Why this word?",
            key="layers_why",
            on_click=look_at_guesses,
        )


def look_at_guesses() -> None:
    """Opens Why this word? with the card about the layers."""
    go(WHY, cards=".".join(dict.fromkeys([*opened_cards(), ITS_CARD])))


def quiz(view: View) -> Quiz | None:
    """Which layer turns the chosen token's vector most."""
    layers = layers_of_side(view)
    alike_N = np.array([view.trace[f"{view.side}.{n}.out.turned"][view.token] for n in layers])
    found = quiz_of_most(view, [f"layer {n}" for n in layers], 1 - alike_N, CLEAR)
    return found and found.asks("Which turns it most?")


def layers_figure(view: View) -> None:
    """The rows; a click on a head chooses it, one on a number opens it."""
    columns = columns_of(view)
    values_RC, opened = numbers_of(view, columns)
    (N, C), H = (len(values_RC) - 1, len(columns)), view.config.n_heads

    def open_cell() -> None:
        place = sent.place(sent.from_component(KEY, "cell"), (N + 1, C))
        if place is not None and np.isfinite(values_RC[place]):
            open_number(*cell_of(view, columns, *place))

    def choose() -> None:
        head = sent.place(sent.from_component(KEY, "head"), (N, H))
        if head is not None:
            select_head(*head)

    data = packed(values_RC) | data_of(view, columns, values_RC) | {"opened": opened}
    _draw(key=KEY, data=data, on_cell_change=open_cell, on_head_change=choose)


def numbers_of(view: View, columns: list[Column]) -> tuple[np.ndarray, tuple[int, int] | None]:
    """The numbers, a row for the input and one for each layer, and where the opened one stands."""
    N, opened = len(layers_of_side(view)), None
    values_RC = np.full((N + 1, len(columns)), np.nan, dtype=np.float32)
    for row in range(N + 1):
        for c, column in enumerate(columns):
            if row or column.kind == "length":
                step, index = cell_of(view, columns, row, c)
                values_RC[row, c] = view.trace[step][index]
                opened = (row, c) if opened_in(step) == index else opened
    return values_RC, opened


def data_of(view: View, columns: list[Column], values_RC) -> dict:
    """Heads, titles and scales, as they travel to the browser."""
    small = np.concatenate(thumbnails_of(view))
    most = float(small[np.isfinite(small)].max(initial=0)) or 1.0  # JSON knows no NaN
    shades = coarse(small, most)
    bars = [c for c, column in enumerate(columns) if column.kind == "bar"]
    tops = {
        "bar": bar_top(np.nan_to_num(values_RC[1:, bars])),
        "length": float(np.nan_to_num(values_RC)[:, len(bars)].max()) or 1.0,
        "cosine": 1.0,
    }
    return {
        "title": "What each layer’s heads look at, and how it moves the vector",
        "most": most,
        "shades": shades["shades"],
        "cells": shades["shape"],
        "heads": view.config.n_heads,
        "headsTitle": f"attention of the {counted(view.config.n_heads, 'head')}: click one",
        "chosen": view.layer * view.config.n_heads + view.head,
        "rows": ["input", *(f"layer {n}" for n in layers_of_side(view))],
        "columns": [
            {
                "title": column.title,
                "hint": column.hint,
                "kind": column.kind,
                "colour": column.colour,
                "top": tops[column.kind],
            }
            for column in columns
        ],
    }


def steps_text(view: View) -> str:
    """What a layer does, and where it does most; at most 45 words."""
    parts = parts_of(view)
    name, index = largest_share(view, parts)
    _, layer, part, *_ = name.split(".")
    last = f"{view.side}.{layers_of_side(view)[-1]}.out.similarity"
    alike, hidden = float(view.trace[last][view.token]), grouped_weights(view).note
    then = "beside it" if view.config.parallel else "then"
    return (
        f"In each layer attention gathers from other tokens, {then} feed-forward works on each"
        f" alone; both **add** to the vector. For {which_word(view)} the longest step is"
        f" {SUBLAYERS[part].lower()} in layer {layer}: {number(view.trace[name][index], 2)} × its"
        f" length. At the end its cosine with the input is {number(alike, 2)}{hidden}."
    )
