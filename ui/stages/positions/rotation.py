"""Positions by rotation: one pair of numbers of q and k as arrows that are turned, and the score of
two tokens at every distance.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.text import number
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.section import detailed, render_depth
from ui.kit.stage import opened_cards
from ui.kit.step_charts import ALL, cell_bars, stacked
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, which_word
from ui.session.actions import close_number
from ui.session.selection import chosen
from ui.session.settling import settle
from ui.session.steady import steady
from ui.session.view import View
from ui.stages.positions.clocks import count_pairs, turn_rate
from ui.stages.positions.curve import curve

TURNED = "positions-turned"  # the card in which the token that is looked at is chosen


def other_token_controls(view: View) -> int:
    """The token that is looked at, to choose; at first the one before."""
    labels = [f"{i} · {token}" for i, token in enumerate(view.labels)]
    before = max(view.token - 1, 0)
    settle("places_other", before, range(len(labels)))
    steady("places_other", range(len(labels)), labels.__getitem__, before)
    return st.selectbox(
        "Looked at",
        range(len(labels)),
        key="places_other",
        format_func=labels.__getitem__,
        persist_state="session",
        on_change=close_number,
    )


def looked_at(view: View) -> int:
    """The token that is looked at; to choose, unless the card above has the choice already."""
    if TURNED not in opened_cards():
        return other_token_controls(view)
    return chosen("places_other")


def rotation(view: View) -> None:
    """One pair of numbers of q and k as arrows, before and after they are turned."""
    half = count_pairs(view)
    left, right = st.columns(2)
    with left:
        m = other_token_controls(view)
    with right:
        pair = pair_controls(half)
    rows = arrow_rows(view, m)
    cells = [(step, (*index, pair)) for step, index in list(rows.values())[:2]]
    render_depth(view, rotation_text(view, m, pair), *cells)
    show_dial(view, rows, m, pair)
    pair_table(view, rows, pair, half)
    if detailed():
        stacked(
            view,
            "turned",
            {name: (step, (*index, ALL)) for name, (step, index) in rows.items()},
            title="All numbers of this q and k, before and after",
            columns_title="dimension of the head",
        )


def pair_controls(half: int) -> int:
    """A choice of one of the pairs of numbers that are turned."""
    if half < 2:
        return 0
    return st.slider(
        f"Pair (0 to {half - 1}: fast to slow)",
        0,
        half - 1,
        key="places_pair",
        persist_state="session",
        on_change=close_number,
    )


def arrow_rows(view: View, m: int) -> dict[str, tuple[str, tuple[int, int]]]:
    """The vectors whose pairs are drawn as arrows: a name, the step, and the place in it."""
    q, k = view.at("attn.q"), view.at("attn.k")
    return {
        "q before": (f"{q}.unrotated", (view.head, view.token)),
        "q turned": (q, (view.head, view.token)),
        "k before": (f"{k}.unrotated", (view.key_head, m)),
        "k turned": (k, (view.key_head, m)),
    }


def rotation_text(view: View, m: int, pair: int) -> str:
    """How far one pair of numbers of q and of k is turned, and why only the distance counts."""
    t, rate = view.token, turn_rate(view, pair)
    return (
        "A pair of numbers is an arrow in a plane, and its position **turns** it (Su et al. 2021)"
        f" by position × {number(rate, 3)} radians ({number(np.rad2deg(rate), 3)}°). The query of"
        f" {which_word(view)} turns by {number(t * rate, 3)}, the key of {which_word(view, m)} by"
        f" {number(m * rate, 3)}. Lengths stay. The angle between the two changes by"
        f" {t} − {m} = {number(t - m)} times {number(rate, 3)}: only the distance counts."
    )


def show_dial(view: View, rows: dict, m: int, pair: int) -> None:
    """The arrows of one pair; a click on a tip opens the pair's first number."""
    half, steps = count_pairs(view), list(rows.values())
    points = {
        name: view.trace[step][index][[pair, pair + half]].astype(np.float64)
        for name, (step, index) in rows.items()
    }
    title = (
        f"Pair {pair} of head {view.head}: q of {titled_word(view)}, k of"
        f" {titled_word(view, m)}. Pale: before the turn"
    )
    show(
        "places-dial",
        dial(points, title),
        alt=title,
        cells=point_numbers(len(rows)),
        on_cell=lambda row: open_number(steps[row][0], (*steps[row][1], pair)),
    )


def point_numbers(count: int) -> list[list[int]]:
    """The numbers of so many points, as `show` passes them on."""
    return [[i] for i in range(count)]


def dial(points: dict, title: str):
    """Four arrows from one centre: pale as they were, full as they are turned; a dotted circle that
    their tips run along.
    """
    most = max(np.hypot(*point) for point in points.values()) or 1.0
    ends_N2 = np.stack(list(points.values()))
    texts = [f"{name}: ({number(x)}, {number(y)})" for name, (x, y) in points.items()]
    tips = [
        plotly_figures.arrow(
            (0, 0), point, COLOURS[name[0]], opacity=0.4 if "before" in name else 1
        )
        for name, point in points.items()
    ]
    axis = {"range": [-1.25 * most, 1.25 * most]}
    return plotly_figures.figure(
        [arrow_letters(points), plotly_figures.unseen_points(*ends_N2.T, texts)],
        title,
        tips,
        height=330,
        top=6,
        bottom=40,
        left=52,
        shapes=[circle(points[f"{letter} turned"], COLOURS[letter]) for letter in "qk"],
        xaxis=plotly_figures.value_axis("first number of the pair")
        | axis
        | {"constrain": "domain"},
        yaxis=plotly_figures.value_axis("second number") | axis | {"scaleanchor": "x"},
    )


def arrow_letters(points: dict) -> dict:
    """The letter q or k at the tip of each arrow, bold where it is turned."""
    ends_N2 = 1.13 * np.stack(list(points.values()))
    return {
        "type": "scatter",
        "x": ends_N2[:, 0],
        "y": ends_N2[:, 1],
        "mode": "text",
        "hoverinfo": "skip",
        "text": [f"<b>{name[0]}</b>" if "turned" in name else name[0] for name in points],
        "cliponaxis": False,
        "textfont": {"size": 14, "color": plotly_figures.TEXT},
    }


def circle(point, colour: str) -> dict:
    """The circle that an arrow's tip runs along as it is turned."""
    r = float(np.hypot(*point))
    return {
        "type": "circle",
        "x0": -r,
        "x1": r,
        "y0": -r,
        "y1": r,
        "line": {"width": 1, "dash": "dot", "color": colour},
        "layer": "below",
    }


def pair_table(view: View, cells: dict, pair: int, half: int) -> None:
    """The two numbers of each arrow; every one opens."""
    rows, both = list(cells.values()), (pair, pair + half)
    opened = next(
        (
            (row, column)
            for row, (step, index) in enumerate(rows)
            for column, d in enumerate(both)
            if opened_in(step) == (*index, d)
        ),
        None,
    )

    def clicked(row: int, column: int) -> None:
        if row < len(rows):
            open_number(rows[row][0], (*rows[row][1], both[column]))

    table(
        {f"dimension {d}": [view.trace[step][(*index, d)] for step, index in rows] for d in both},
        list(cells),
        key="places-pair",
        title=f"The two numbers of pair {pair}",
        corner="arrow",
        on_cell=clicked,
        opened=opened,
    )


def distance(view: View) -> None:
    """The score of a pair at other distances, and split into its turning pairs."""
    t, m = view.token, looked_at(view)
    names = ("scores.falls", "scores.pairs")
    falls, pairs = (view.at(f"attn.{name}.{view.head}.{t}.{m}") for name in names)
    dot = view.at("attn.scores.dot"), (view.head, t, m)
    last, best = len(view.trace[falls]) - 1, int(np.abs(view.trace[pairs]).argmax())
    score = float(view.trace[dot[0]][dot[1]])
    render_depth(
        view,
        distance_text(view, m, score, view.trace[falls], view.trace[pairs]),
        (falls, (min(max(t - m, 0), last),)),
        (pairs, (best,)),
        dot,
    )
    show_distances(view, falls, m)
    title = f"What each pair adds to q · k = {number(score)}: fast pairs left, slow pairs right"
    title += ", last what does not turn" * (2 * count_pairs(view) < view.config.d_head)
    cell_bars(view, pairs, ALL, title=title)


def distance_text(view: View, m: int, score: float, values_S, parts_P) -> str:
    """How the score of two tokens depends on their distance, and which pair gives most to it."""
    t, half = view.token, count_pairs(view)
    best = int(np.abs(parts_P[:half]).argmax())
    still = " and that of the numbers that do not turn" * (len(parts_P) > half)
    apart = (
        f"In the sentence they are {t - m} apart (marked)."
        if t >= m
        else f"Here {which_word(view)} comes first, so its true score is not on this curve."
    )
    return (
        f"The same query of {which_word(view)} and key of {which_word(view, m)}, as if they were 0,"
        f" 1, 2 … positions apart. {apart} Each pair of numbers makes a wave, fast or slow; the"
        f" curve is their sum{still}, {number(values_S[0], 3)} at distance 0 and"
        f" {number(values_S[-1], 3)} at {len(values_S) - 1}. The bars split the true score,"
        f" q · k = {number(score)}, into pairs; pair {best} adds most, {number(parts_P[best], 3)}."
    )


def show_distances(view: View, falls: str, m: int) -> None:
    """The score over the distance; the true one is marked, if the other token stands before."""
    values_S, apart = view.trace[falls], view.token - m
    title = (
        f"q · k of {titled_word(view)} → {titled_word(view, m)}, head {view.head}, at each distance"
    )
    marked = apart if apart >= 0 else None
    show(
        "places-falls",
        curve(range(len(values_S)), values_S, title, "distance", "q · k", "weight", marked),
        alt=title,
        cells=point_numbers(len(values_S)),
        on_cell=lambda s: open_number(falls, (s,)),
    )
