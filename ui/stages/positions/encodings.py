"""How a model knows where a word stands, as the page Positions draws it: whichever way this model
has, and the sine waves.

choose_part(view)       the parts of the page in a row, of which one is drawn at a time
PARTS                   name -> the function that draws it
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.ops import angles
from core.planes import principal_plane
from core.steps.positions import by_distance
from core.text import number
from core.vectors import lengths
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, cell_bars, cell_map, largest, rows_map, stacked
from ui.kit.theme import COLOURS
from ui.kit.token_strip import word
from ui.session.actions import close_number
from ui.session.settling import settle
from ui.session.steady import steady
from ui.session.view import View
from ui.stages.positions import reversed_words
from ui.text import quoted

WAVES = (
    0,
    0.08,
    0.16,
    0.3,
    0.6,
)  # which waves are drawn, as shares of the way from the fastest to the slowest
ROWS = 32  # rows of a table at a time
HOW = {
    "learned": "A vector for each place",
    "sinusoid": "A vector for each place",
    "rotary": "Turned by position",
    "relative": "A bias for each distance",
    "none": "No positions",
}


# --- the parts of the page ------------------------------------------------------------------------


def choose_part(view: View) -> str:
    """The parts in a row; which there are depends on how this model knows places."""
    kind = view.config.positions
    titles = (
        {"own": HOW[kind]}
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
        "rotary": turned,
        "relative": relative,
        "none": nowhere,
    }
    ways[view.config.positions](view)


def nowhere(view: View) -> None:
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
    step, pairs, t = (
        f"{view.side}.embed.position",
        f"{view.side}.embed.position.similarity",
        view.token,
    )
    first, rows = largest(view, step, t, ALL), view.trace.weights[f"{step}.weight"].shape[0]
    learned = (
        "Training found them, like the rows of the words."
        if view.config.positions == "learned"
        else (
            "Nobody trained them: they are the sine waves of the original transformer, see the part"
            " Sine waves."
        )
    )
    other = t - 1 if t else min(1, len(view.labels) - 1)
    section(
        view,
        "A vector for each place",
        "Attention alone does not see the order of words. So this model has a second table with a"
        f" row for each of {rows:,} places. {word(view)} stands at place {t}, counted from 0, and"
        f" gets row {t}, whatever word stands there. {learned} The rows of places {t} and {other}"
        f" have a cosine of {number(view.trace[pairs][t, other])}.",
        first,
        (pairs, (t, other)),
    )
    start = max(0, min(t - ROWS // 2, len(view.labels) - ROWS))
    rows_map(
        view,
        step,
        slice(start, start + ROWS),
        title="The row of each place in this sentence",
        chosen=t - start,
    )
    cell_map(
        view,
        pairs,
        ALL,
        ALL,
        title="Cosine of each place’s row with every other’s",
        chosen=t,
        limit=1,
    )


def summed(view: View) -> None:
    """x = token + position, as arrows in their plane and as strips."""
    at, t = f"{view.side}.embed", view.token
    names = [name for name in ("token", "position", "segment") if f"{at}.{name}" in view.trace]
    parts_ND = np.stack([view.trace[f"{at}.{name}"][t] for name in (*names, "sum")])
    size = dict(zip((*names, "sum"), map(number, lengths(parts_ND))))
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
    section(
        view,
        "Token + position",
        "The vector of the word and the vector of the place are **added**, number by number, and"
        f" the sum goes on.{third} For {word(view)} at place {t} the word’s vector has the length"
        f" {size['token']}, the place’s {size['position']}, the sum {size['sum']}.{normed} The same"
        " word at another place begins with another vector.",
        largest(view, f"{at}.sum", t, ALL),
    )
    plane = principal_plane(parts_ND)
    show(
        "places-sum",
        arrows(plane, parts_ND, names, view.labels[t]),
        alt=f"{quoted(view.labels[t])}: " + " + ".join(names) + " as arrows",
    )
    stacked(
        view,
        "sum",
        {name if name != "sum" else "x": (f"{at}.{name}", (t, ALL)) for name in (*names, "sum")},
        title=f"The numbers of {quoted(view.labels[t])} at place {t}: x is the sum of those above",
    )


def arrows(plane, parts_ND, names: list[str], label: str):
    """Vectors head to tail, and their sum from the origin."""
    ends = np.vstack((np.zeros(2), np.cumsum(plane.flat(parts_ND[:-1]), axis=0)))
    kinds = dict(
        zip(("token", "position", "segment", "x"), ("embed", "weight", "norm", "residual"))
    )
    shown = [(name, ends[i], ends[i + 1], parts_ND[i]) for i, name in enumerate(names)]
    shown.append(("x", ends[0], ends[-1], parts_ND[-1]))
    traces, tips = [], []
    for name, start, end, vector_D in shown:
        traces.append(
            plotly_figures.arrow_name(
                start,
                end,
                ends.mean(axis=0),
                name,
                kinds[name],
                f"{plotly_figures.safe(label)}, {name}",
                vector_D,
            )
        )
        tips.append(plotly_figures.arrow(start, end, COLOURS[kinds[name]]))
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
        tips,
    )


# --- turned by position ---------------------------------------------------------------------------


def choose_other_token(view: View) -> int:
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


def turned(view: View) -> None:
    """One pair of numbers of q and k as arrows, before and after they are turned."""
    t, half = view.token, view.config.d_head // 2
    settle("places_pair", min(half - 1, 2), range(half))
    left, right = st.columns(2)
    with left:
        m = choose_other_token(view)
    with right:
        pair = (
            st.slider(
                f"Pair (0 to {half - 1}: fast to slow)",
                0,
                half - 1,
                key="places_pair",
                persist_state="session",
                on_change=close_number,
            )
            if half > 1
            else 0
        )
    rate = float(angles(2, view.config.d_head, view.config.rope_theta)[1, pair])
    q, k = view.at("attn.q"), view.at("attn.k")
    cells = {
        "q before": (f"{q}.unrotated", (view.head, t)),
        "q turned": (q, (view.head, t)),
        "k before": (f"{k}.unrotated", (view.key_head, m)),
        "k turned": (k, (view.key_head, m)),
    }
    section(
        view,
        "Turned by position",
        "This model adds nothing to the vectors of the words. Instead each head takes the numbers"
        f" of q and k in {half} pairs, sees a pair as an arrow in a plane, and **turns** it (Su et"
        f" al. 2021): by so many times an angle as the token’s place says. Pair {pair} turns by"
        f" {number(rate)} radians ({number(np.rad2deg(rate))}°) a place: q of {word(view)}, at"
        f" place {t}, by {number(t * rate)} radians; k of {word(view, m)}, at place {m}, by"
        f" {number(m * rate)}. No arrow changes its length. What the two make together depends on"
        f" the angle between them, and turning changes that by {t} − {m} = {number(t - m)} times"
        f" {number(rate)}: only how far apart the tokens stand matters, not where.",
        *((step, (*at, pair)) for step, at in list(cells.values())[:2]),
    )
    points = {
        name: view.trace[step][at][[pair, pair + half]].astype(np.float64)
        for name, (step, at) in cells.items()
    }
    title = (
        f"Pair {pair} of head {view.head}: q of {quoted(view.labels[t])}, k of"
        f" {quoted(view.labels[m])}. Pale: before, full: turned"
    )
    left, right = st.columns((3, 2), gap="large")
    with left:
        show(
            "places-dial",
            dial(points, title),
            alt=title,
            cells=range_cells(len(cells)),
            on_cell=lambda row: open_number(
                list(cells.values())[row][0], (*list(cells.values())[row][1], pair)
            ),
        )
    with right:
        pair_table(view, cells, pair, half)
    if detailed():
        stacked(
            view,
            "turned",
            {name: (step, (*at, ALL)) for name, (step, at) in cells.items()},
            title="All numbers of this q and k, before and after",
            columns_title="dimension of the head",
        )


def range_cells(count: int) -> list[list[int]]:
    """The numbers of so many points, as `show` passes them on."""
    return [[i] for i in range(count)]


def dial(points: dict, title: str):
    """Four arrows from one centre: pale as they were, full as they are turned; a dotted circle that
    their tips run along.
    """
    most = max(np.hypot(*point) for point in points.values()) or 1.0
    tips, texts = [], []
    for name, point in points.items():
        pale, colour = "before" in name, COLOURS[name[0]]
        tips.append(plotly_figures.arrow((0, 0), point, colour, opacity=0.4 if pale else 1))
        texts.append(f"{name}: ({number(point[0])}, {number(point[1])})")
    circles = [
        {
            "type": "circle",
            "x0": -r,
            "x1": r,
            "y0": -r,
            "y1": r,
            "line": {"width": 1, "dash": "dot", "color": COLOURS[letter]},
            "layer": "below",
        }
        for letter in "qk"
        for r in [float(np.hypot(*points[f"{letter} turned"]))]
    ]
    ends_N2 = np.stack(list(points.values()))
    names = {
        "type": "scatter",
        "x": 1.13 * ends_N2[:, 0],
        "y": 1.13 * ends_N2[:, 1],
        "mode": "text",
        "hoverinfo": "skip",
        "text": [f"<b>{name[0]}</b>" if "turned" in name else name[0] for name in points],
        "cliponaxis": False,
        "textfont": {"size": 14, "color": [COLOURS[name[0]] for name in points]},
    }
    axis = {"range": [-1.25 * most, 1.25 * most]}
    return plotly_figures.figure(
        [names, plotly_figures.unseen(*ends_N2.T, texts)],
        title,
        tips,
        height=330,
        top=6,
        bottom=40,
        left=52,
        shapes=circles,
        xaxis=plotly_figures.grid("first number of the pair") | axis | {"constrain": "domain"},
        yaxis=plotly_figures.grid("second number") | axis | {"scaleanchor": "x"},
    )


def pair_table(view: View, cells: dict, pair: int, half: int) -> None:
    """The two numbers of each arrow; every one opens."""
    rows, both = list(cells.values()), (pair, pair + half)
    opened = next(
        (
            (row, column)
            for row, (step, at) in enumerate(rows)
            for column, d in enumerate(both)
            if opened_in(step) == (*at, d)
        ),
        None,
    )

    def clicked(row: int, column: int) -> None:
        if row < len(rows):
            open_number(rows[row][0], (*rows[row][1], both[column]))

    table(
        {f"dimension {d}": [view.trace[step][(*at, d)] for step, at in rows] for d in both},
        list(cells),
        key="places-pair",
        title=f"The two numbers of pair {pair}",
        corner="arrow",
        on_cell=clicked,
        opened=opened,
    )


def distance(view: View) -> None:
    """The score of a pair at other distances, and split into its turning pairs."""
    t, m = view.token, choose_other_token(view)
    at = f"{view.head}.{t}.{m}"
    falls, pairs, dot = (
        view.at(f"attn.scores.falls.{at}"),
        view.at(f"attn.scores.pairs.{at}"),
        view.at("attn.scores.dot"),
    )
    score, parts_P, values_S = (
        float(view.trace[dot][view.head, t, m]),
        view.trace[pairs],
        view.trace[falls],
    )
    here = (
        f"They really stand {t - m} apart (marked)."
        if t >= m
        else (
            f"Here {word(view)} stands before the other, {m - t} to the left, so its true score is"
            " not on this curve."
        )
    )
    best = int(np.abs(parts_P).argmax())
    section(
        view,
        "The score at every distance",
        f"The same q of {word(view)} and the same k of {word(view, m)}, as if they stood 0, 1, 2 …"
        f" places apart. {here} Each pair of numbers gives a wave, fast or slow, and the curve is"
        " their sum. It may fall with the distance, or not: that is up to q and k. This one is"
        f" {number(values_S[0])} at distance 0 and {number(values_S[-1])} at {len(values_S) - 1}."
        f" The bars split the true score, q · k = {number(score)}, into what each turning pair"
        f" gives; parts above and below 0 cancel. The largest single part is that of pair {best}:"
        f" {number(parts_P[best])}.",
        (falls, (min(max(t - m, 0), len(values_S) - 1),)),
        (pairs, (best,)),
        (dot, (view.head, t, m)),
    )
    title = (
        f"q · k of {quoted(view.labels[t])} → {quoted(view.labels[m])}, head {view.head}, if they"
        " stood so many places apart"
    )
    marked = t - m if t >= m else None
    show(
        "places-falls",
        curve(range(len(values_S)), values_S, title, "places apart", "q · k", "weight", marked),
        alt=title,
        cells=range_cells(len(values_S)),
        on_cell=lambda s: open_number(falls, (s,)),
    )
    cell_bars(
        view,
        pairs,
        ALL,
        title=(
            f"What each turning pair gives to q · k = {number(score)}: fast pairs left, slow ones "
            "right"
        ),
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


def waves(view: View) -> None:
    """A few dimensions of the sine table as waves, the whole table, and the column of this
    place.
    """
    step, t, D = f"{view.side}.embed.sinusoid", view.token, view.config.d_model
    half = (D + 1) // 2
    dims = list(dict.fromkeys(int(share * (half - 1)) for share in WAVES))
    longest = 2 * np.pi * 10_000 ** (2 * (half - 1) / D)
    mine = {"sinusoid": "This model has them.", "none": "This run uses none."}.get(
        view.config.positions, "This model does not use them; they are here for comparison."
    )
    section(
        view,
        "Sine waves",
        "The first transformer (Vaswani et al. 2017) gave each place a vector that nobody trained:"
        f" dimension 0 is a sine wave with a length of {number(2 * np.pi)} places, and each next"
        f" one a little longer, up to {number(longest)}; the second half are the cosines. (In the"
        " article sines and cosines take turns, as dimensions 2i and 2i + 1; here, as in the code"
        f" of Marian, all sines come first: the same numbers in another order.) Place {t}, where"
        f" {word(view)} stands, is read off all waves at once, like the hands of many clocks."
        f" {mine}",
        largest(view, step, t, ALL),
    )
    title = f"Some dimensions as waves along the sentence; the line marks place {t}"
    show(
        "places-waves",
        wave_rows(view.trace[step], dims, t, title),
        alt=title,
        cells=[[l, d] for d in dims for l in range(len(view.labels))],
        on_cell=lambda l, d: open_number(step, (l, d)),
    )
    cell_map(view, step, slice(t, t + 1), ALL, title=f"The whole vector of place {t}")
    if detailed():
        start = max(0, min(t - ROWS // 2, len(view.labels) - ROWS))
        cell_map(
            view,
            step,
            slice(start, start + ROWS),
            ALL,
            title="The sine vector of each place in this sentence",
            chosen=t - start,
        )


def wave_rows(values_LD, dims: list[int], chosen: int, title: str):
    """Each wave on a line of its own, one below the other."""
    places, apart = np.arange(len(values_LD)), 2.5
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "hoverinfo": "skip",
        "line": {"width": 1.6, "color": COLOURS["embed"]},
        "marker": {
            "size": [10 if place == chosen else 5 for place in places],
            "color": COLOURS["embed"],
        },
    }
    traces = [
        line | {"x": places, "y": values_LD[:, d] - apart * row} for row, d in enumerate(dims)
    ]
    ys = np.concatenate([trace["y"] for trace in traces])
    traces.append(
        plotly_figures.unseen(
            np.tile(places, len(dims)),
            ys,
            [
                f"dimension {d}, place {place}<br><b>{number(values_LD[place, d])}</b>"
                for d in dims
                for place in places
            ],
        )
    )
    names = {
        "tickvals": [-apart * row for row in range(len(dims))],
        "ticktext": [f"dim. {d}" for d in dims],
        "range": [-apart * (len(dims) - 1) - 1.3, 1.3],
        "title": plotly_figures.titled(""),
    }
    return plotly_figures.figure(
        traces,
        title,
        height=62 * len(dims),
        top=8,
        bottom=42,
        left=66,
        shapes=[upright(chosen)],
        xaxis=plotly_figures.grid("place")
        | {"range": [-0.5, len(values_LD) - 0.5], "showgrid": False, "zeroline": False},
        yaxis=plotly_figures.grid("") | names,
    )


# --- curves ---------------------------------------------------------------------------------------


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
    texts = [f"{x_title} {str(x).replace('-', '−')}<br><b>{number(y)}</b>" for x, y in zip(xs, ys)]
    shapes = [] if marked is None else [upright(marked)]
    return plotly_figures.figure(
        [line, plotly_figures.unseen(xs, ys, texts)],
        title,
        height=220,
        top=8,
        bottom=42,
        left=56,
        shapes=shapes,
        xaxis=plotly_figures.grid(x_title)
        | {"range": [xs[0] - 0.5, xs[-1] + 0.5], "zeroline": False},
        yaxis=plotly_figures.grid(y_title),
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


PARTS = {
    "own": own,
    "distance": distance,
    "sum": summed,
    "waves": waves,
    "order": reversed_words.without_positions,
}
