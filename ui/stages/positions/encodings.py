"""How a model knows where a word stands: the parts of the page Positions, and the vector for each
place or the bias for each distance that a model adds.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.planes import principal_plane
from core.steps.positions import by_distance
from core.text import number
from core.vectors import lengths
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.explanation_panel import open_number
from ui.kit.section import section
from ui.kit.step_charts import ALL, cell_map, largest, rows_around, rows_map, stacked
from ui.kit.theme import COLOURS
from ui.kit.token_words import word
from ui.session.actions import close_number
from ui.session.settling import settle
from ui.session.view import View
from ui.stages.positions import reversed_words
from ui.stages.positions.curve import curve
from ui.stages.positions.rotation import distance, rotation
from ui.stages.positions.sine_waves import waves
from ui.text import quoted

# The colour of each vector that is added up, and of their sum
KINDS = {"token": "embed", "position": "weight", "segment": "norm", "x": "residual"}
TITLES = {
    "learned": "A vector for each place",
    "sinusoid": "A vector for each place",
    "rotary": "Turned by position",
    "relative": "A bias for each distance",
    "none": "No positions",
}


# --- the parts of the page ------------------------------------------------------------------------


def part_controls(view: View) -> str:
    """A choice of the part to draw; which there are depends on how this model knows places."""
    kind = view.config.positions
    titles = (
        {"own": TITLES[kind]}
        | ({"distance": "Distance"} if kind == "rotary" else {})
        | ({"sum": "Token + position"} if f"{view.side}.embed.position" in view.trace else {})
        | {"waves": "Sine waves", "order": "Without positions"}
    )
    titles = {name: f"{n} {title}" for n, (name, title) in enumerate(titles.items(), 1)}
    settle("places_part", next(iter(titles)), titles)
    return st.segmented_control(
        "Part",
        list(titles),
        key="places_part",
        format_func=titles.get,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
        on_change=close_number,
    )


def own(view: View) -> None:
    """The way of this model."""
    ways = {
        "learned": place_table,
        "sinusoid": place_table,
        "rotary": rotation,
        "relative": relative,
        "none": no_positions,
    }
    ways[view.config.positions](view)


def no_positions(view: View) -> None:
    """A what-if without positions: there is nothing to draw."""
    was = {
        "learned": "added a learned vector for each place",
        "sinusoid": "added sine waves",
        "rotary": "turned q and k by position",
        "relative": "added a bias for each distance",
    }.get(view.model.config.positions, "had none either")
    section(
        view,
        "No positions",
        f"In this run the model is not told where a word stands. As it was trained it {was}. The "
        "last part of this page shows what that does to attention.",
    )


# --- a vector for each place ----------------------------------------------------------------------


def place_table(view: View) -> None:
    """The rows of the position table, and how alike they are."""
    step, t, count = f"{view.side}.embed.position", view.token, len(view.labels)
    pairs, other = f"{step}.similarity", t - 1 if t else min(1, count - 1)
    section(
        view,
        "A vector for each place",
        place_text(view, pairs, other),
        largest(view, step, t, ALL),
        (pairs, (t, other)),
    )
    rows = rows_around(t, count)
    title = "The row of each place in this sentence"
    rows_map(view, step, rows, title=title, chosen=t - rows.start)
    title = "Cosine of each place’s row with every other’s"
    cell_map(view, pairs, ALL, ALL, title=title, chosen=t, limit=1)


def place_text(view: View, pairs: str, other: int) -> str:
    """What the position table adds to the chosen token. other: a place to compare with its own."""
    rows, t = view.trace.weights[f"{view.side}.embed.position.weight"].shape[0], view.token
    learned = (
        "Training found them, like the rows of the words."
        if view.config.positions == "learned"
        else (
            "Nobody trained them: they are the sine waves of the original transformer, see the part"
            " Sine waves."
        )
    )
    return (
        "Attention alone does not see the order of words. So this model has a second table with a"
        f" row for each of {rows:,} places. {word(view)} stands at place {t}, counted from 0, and"
        f" gets row {t}, whatever word stands there. {learned} The rows of places {t} and {other}"
        f" have a cosine of {number(view.trace[pairs][t, other])}."
    )


def token_and_position(view: View) -> None:
    """x = token + position, as arrows in their plane and as strips."""
    path, t, label = f"{view.side}.embed", view.token, view.labels[view.token]
    names = [name for name in ("token", "position", "segment") if f"{path}.{name}" in view.trace]
    parts_ND = np.stack([view.trace[f"{path}.{name}"][t] for name in (*names, "sum")])
    section(
        view,
        "Token + position",
        sum_text(view, names, parts_ND),
        largest(view, f"{path}.sum", t, ALL),
    )
    show(
        "places-sum",
        arrows(principal_plane(parts_ND), parts_ND, names, label),
        alt=f"{quoted(label)}: " + " + ".join(names) + " as arrows",
    )
    stacked(
        view,
        "sum",
        {name if name != "sum" else "x": (f"{path}.{name}", (t, ALL)) for name in (*names, "sum")},
        title=f"The numbers of {quoted(label)} at place {t}: x is the sum of those above",
    )


def sum_text(view: View, names: list[str], parts_ND) -> str:
    """What is added up for the chosen token, and how long each vector and the sum are."""
    size = dict(zip((*names, "sum"), map(number, lengths(parts_ND)), strict=True))
    third = (
        " This model also adds a vector that says which of two sentences a token belongs to."
        if "segment" in names
        else ""
    )
    normed = (
        " A norm follows before the first layer."
        if view.config.embed_norm and view.config.norm != "none"
        else ""
    )
    return (
        "The vector of the word and the vector of the place are **added**, number by number, and"
        f" the sum goes on.{third} For {word(view)} at place {view.token} the word’s vector has the"
        f" length {size['token']}, the place’s {size['position']}, the sum {size['sum']}.{normed}"
        " The same word at another place begins with another vector."
    )


def arrows(plane, parts_ND, names: list[str], label: str):
    """Vectors head to tail, and their sum from the origin."""
    ends = np.vstack((np.zeros(2), np.cumsum(plane.flat(parts_ND[:-1]), axis=0)))
    shown = [(name, ends[i], ends[i + 1], parts_ND[i]) for i, name in enumerate(names)]
    shown.append(("x", ends[0], ends[-1], parts_ND[-1]))
    middle, label = ends.mean(axis=0), plotly_figures.safe(label)
    traces = [
        plotly_figures.arrow_name(
            start, end, middle, name, KINDS[name], f"{label}, {name}", vector_D
        )
        for name, start, end, vector_D in shown
    ]
    corners = {
        "type": "scatter",
        "x": ends[:, 0],
        "y": ends[:, 1],
        "mode": "markers",
        "hoverinfo": "skip",
        "marker": {"size": 5, "color": plotly_figures.GREY},
    }
    return plotly_figures.in_plane(
        [corners, *traces],
        plane,
        plotly_figures.with_room(ends[:, 0], 0.25),
        " + ".join(names) + " = x, in their plane",
        [plotly_figures.arrow(start, end, COLOURS[KINDS[name]]) for name, start, end, _ in shown],
    )


# --- a bias for each distance ---------------------------------------------------------------------


def relative(view: View) -> None:
    """The learned bias of the chosen head: as it is added to the scores, and over the distance."""
    step, t, h = f"{view.side}.relative", view.token, view.head
    cells = [(s, (h, l, m)) for s, l, m in by_distance(len(view.labels))]
    values_S = np.array([view.trace[step][cell] for _, cell in cells])
    best = cells[int(values_S.argmax())][0]
    away = "itself" if best == 0 else f"{abs(best)} to the {'left' if best < 0 else 'right'}"
    one_way = (
        " The decoder only knows how far back; all that comes later has the same bias."
        if view.side == "decoder"
        else ""
    )
    section(
        view,
        "A bias for each distance",
        "This model adds nothing to the vectors of the words. Instead each head has learned a"
        " number for each **distance** and adds it to the score (Raffel et al. 2019). Far"
        f" distances share a number. Head {h} favours, in this sentence, the token {away}: its bias"
        f" is the largest, {number(values_S.max())}.{one_way} All layers of this side share it.",
        largest(view, step, h, t, ALL),
    )
    title = (
        f"Bias of head {h} over the distance: left of 0 what stands before, right what comes later"
    )
    show(
        "places-bias",
        curve([s for s, _ in cells], values_S, title, "distance m − l", "bias", "weight", 0),
        alt=title,
        cells=[cell for _, cell in cells],
        on_cell=lambda *cell: open_number(step, cell),
    )
    cell_map(
        view, step, h, ALL, ALL, title=f"The bias of head {h} for each pair of tokens", chosen=t
    )


# --- the sine waves -------------------------------------------------------------------------------


# --- curves ---------------------------------------------------------------------------------------


PARTS = {
    "own": own,
    "distance": distance,
    "sum": token_and_position,
    "waves": waves,
    "order": reversed_words.without_positions,
}
