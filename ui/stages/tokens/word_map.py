"""The map of words: the sentence's tokens among the words of the vocabulary that are nearest to
them, along the directions in which they differ most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.planes import around_their_mean, principal_plane
from core.steps.embedding import nearest, neighbours
from core.text import number, percent
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.explanation_panel import open_number
from ui.kit.section import render_depth
from ui.kit.step_charts import rows_around
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, which_word
from ui.session import runs
from ui.session.view import View
from ui.stages.tokens.embedding import NEAREST, near_step
from ui.text import short

NEIGHBOURS = 5  # words that are found for each token
OTHERS = 3  # of them on the map, for each token but the chosen one
MAPPED = 24  # tokens on the map
NAME = 12  # letters of a name on it
WIDE = (540, 350)  # the size for which names are laid out, in pixels
HIGH = 440  # of the map


@st.cache_resource(max_entries=16, show_spinner="Looking for neighbours …")
def nearest_words(model: str, taught: str, side: str, tokens: tuple[int, ...]) -> np.ndarray:
    """The nearest words of some tokens, (tokens, NEIGHBOURS). The whole table is read for them:
    kept for all visitors.
    """
    return neighbours(table_of(model, taught, side), tokens, NEIGHBOURS)


def table_of(model: str, taught: str, side: str):
    """The vectors of all words, (V, D). taught: what the model was taught, as a what-if."""
    request = runs.RunRequest(model, "", change=taught)
    return runs.model_in(request).weights[f"{side}.embed.token.weight"]


@st.cache_resource(max_entries=64, show_spinner=False)
def laid_out(
    model: str, taught: str, side: str, ids: tuple[int, ...], count: int
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Where these words lie along the directions in which they differ most, and how much each
    direction holds.
    """
    rows_ND = around_their_mean(table_of(model, taught, side)[list(ids)])
    plane = principal_plane(rows_ND, count)
    return plane.flat(rows_ND), plane.held


def mapped_ids(view: View, near_only: bool) -> tuple[list[int], list[int], list[int]]:
    """What the map shows, as ids of the vocabulary: the sentence's tokens, once each; the chosen
    one's neighbours; others'.
    """
    ids_L = view.trace[f"{view.side}.embed.ids"].tolist()
    own, part = ids_L[view.token], rows_around(view.token, len(ids_L), MAPPED)
    tokens = [own] if near_only else list(dict.fromkeys(ids_L[part]))
    near = [int(i) for i in nearest(view.trace[near_step(view)], NEAREST, [own]) if i not in tokens]
    found = (
        []
        if near_only
        else nearest_words(view.request.model, view.taught, view.side, tuple(tokens))[:, :OTHERS]
        .ravel()
        .tolist()
    )
    return tokens, near, [i for i in dict.fromkeys(found) if i not in tokens and i not in near]


def word_map(view: View) -> None:
    """The tokens among their nearest words, flat or in space."""
    render_depth(
        view,
        "Your tokens and the words most like each, projected on the"
        " directions in which they differ most. The axes say how much of the difference the map"
        f" keeps, so neighbours here need not be neighbours in all {view.config.embed_width}"
        f" dimensions. **Click a word** for its cosine with {which_word(view)}.",
    )
    near_only, spatial = map_controls()
    kinds = mapped_ids(view, near_only)
    show_map(
        view, map_of(view, kinds, 3 if spatial else 2), [i for kind in kinds for i in kind], spatial
    )
    st.caption(
        ("You can click words on the flat map only. " if spatial else "")
        + "Each row is scaled to length 1, because cosines compare directions, and all are measured"
        " from their mean. A word that occurs twice in the sentence is one point."
    )


def map_controls() -> tuple[bool, bool]:
    """Which words are on the map, and how it is drawn. Returns whether only the nearest words of
    the chosen token are, and whether it has three dimensions.
    """
    titles = {"all": "All tokens", "near": "The chosen token only"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shown = st.segmented_control(
            "What is on the map",
            list(titles),
            required=True,
            key="tokens_map",
            persist_state="session",
            format_func=titles.get,
        )
        spatial = st.toggle("In three dimensions", key="tokens_3d", persist_state="session")
    return shown == "near", spatial


def show_map(view: View, drawing: WordMap, ids: list[int], spatial: bool) -> None:
    """Draws the map, in space or flat; on the flat one a click opens a word's cosine."""
    chosen = titled_word(view)
    alt = f"Map of the tokens and the words near them; {chosen} with its nearest words"
    if spatial:
        angle = st.slider(
            "Turn the map (degrees)", 0, 355, step=5, key="tokens_turn", persist_state="session"
        )
        show("tokens-space", space_figure(drawing, angle), alt=alt)
    else:
        show(
            "tokens-flat",
            flat_figure(drawing),
            alt=alt,
            cells=[[i] for i in ids],
            on_cell=lambda i: open_number(near_step(view), (i,)),
        )


@dataclass(frozen=True)
class WordMap:
    """Points of the map: the sentence's tokens first, then the chosen one's nearest words, then
    those of the others.
    """

    points: np.ndarray
    names: list[str]
    texts: list[str]  # what is said where one rests on a point
    held: tuple[float, ...]
    own: int  # the chosen token
    tokens: int
    near: int

    @property
    def kinds(self) -> list[dict]:
        """The kinds of points, from the back to the front: which, in what colour, how large,
        whether with their names.
        """
        points = list(range(len(self.points)))
        tokens, near = self.tokens, self.tokens + self.near
        return [
            point_kind(points[near:], "norm", 5, 0.45, named=False),
            point_kind(points[tokens:near], "other", 8, 0.9, named=tokens == 1),
            point_kind([i for i in points[:tokens] if i != self.own], "embed", 10, 0.95),
            point_kind([self.own], "embed", 16, 1),
        ]


def point_kind(points: list[int], colour: str, size: int, opacity: float, named=True) -> dict:
    """Points that look alike. named: whether their names stand beside them."""
    return {
        "points": points,
        "color": COLOURS[colour],
        "size": size,
        "opacity": opacity,
        "named": named,
    }


def map_of(view: View, kinds: tuple[list[int], ...], count: int) -> WordMap:
    """The map of the ids of each kind of word, along so many directions."""
    step, ids = near_step(view), [i for kind in kinds for i in kind]
    points, held = laid_out(view.request.model, view.taught, view.side, tuple(ids), count)
    names = [view.word(i) for i in ids]
    chosen = plotly_figures.safe(titled_word(view))
    texts = [
        f"{plotly_figures.safe(name)}<br>cosine with {chosen} <b>{number(view.trace[step][i])}</b>"
        for name, i in zip(names, ids, strict=True)
    ]
    own = ids.index(int(step.rsplit(".", 1)[1]))
    return WordMap(points, names, texts, held, own, len(kinds[0]), len(kinds[1]))


def dots(kind: str, drawing: WordMap, group: dict, places: dict, **more) -> dict:
    """One kind of points as Plotly draws it. places: where the names stand; a point that is not in
    it has none.
    """
    points = group["points"]
    trace = {
        "type": kind,
        "mode": "markers+text",
        "showlegend": False,
        "textfont": {"size": 12, "color": plotly_figures.TEXT},
        "text": [
            plotly_figures.safe(short(drawing.names[i], NAME)) if i in places else ""
            for i in points
        ],
        "textposition": [places.get(i, "top center") for i in points],
        "marker": {"size": group["size"], "color": group["color"], "opacity": group["opacity"]},
    }
    columns = drawing.points[points].T
    return trace | dict(zip("xyz"[: len(columns)], columns, strict=True)) | more


def name_places(drawing: WordMap) -> dict[int, str]:
    """Where the name of each named point stands, so that no two names lie on each other; one that
    finds no room is left out.
    """
    wanted = [i for kind in reversed(drawing.kinds) if kind["named"] for i in kind["points"]]
    low, high = drawing.points.min(axis=0), drawing.points.max(axis=0)
    at_N2 = (
        (drawing.points - low) / np.maximum(high - low, 1e-9) * WIDE
    )  # in pixels of a picture of the usual size
    sizes = {i: kind["size"] for kind in drawing.kinds for i in kind["points"]}
    return plotly_figures.name_spots(
        at_N2,
        [sizes[i] for i in range(len(at_N2))],
        {i: short(drawing.names[i], NAME) for i in wanted},
    )


def flat_figure(drawing: WordMap):
    """The flat map; a line leads from the chosen token to each of its nearest words."""
    points, names = drawing.points, name_places(drawing)
    traces = [
        dots("scatter", drawing, kind, names, hoverinfo="skip", cliponaxis=False)
        for kind in drawing.kinds
    ]
    traces.append(plotly_figures.unseen_points(*points.T, drawing.texts))
    x, y = (
        plotly_figures.value_axis(
            f"{nth} direction: {plotly_figures.safe(percent(held, 0))} of the difference"
        )
        | {"range": padded_range(column_N)}
        for nth, held, column_N in zip(("1st", "2nd"), drawing.held, points.T, strict=True)
    )
    return plotly_figures.figure(
        traces,
        map_title(drawing),
        height=HIGH,
        top=10,
        bottom=42,
        left=56,
        shapes=lines_to_near(drawing),
        xaxis=x,
        yaxis=y,
    )


def lines_to_near(drawing: WordMap) -> list[dict]:
    """A line from the chosen token to each of its nearest words, on the flat map."""
    look = {
        "type": "line",
        "layer": "below",
        "opacity": 0.5,
        "line": {"width": 1.2, "color": COLOURS["other"]},
    }
    (x0, y0), near = (
        drawing.points[drawing.own],
        slice(drawing.tokens, drawing.tokens + drawing.near),
    )
    return [look | {"x0": x0, "y0": y0, "x1": x1, "y1": y1} for x1, y1 in drawing.points[near]]


def map_title(drawing: WordMap) -> str:
    """What the colours are."""
    own = f"“{drawing.names[drawing.own]}”"
    return (
        f"{own} and the words most like it"
        if drawing.tokens == 1
        else f"Your tokens (teal) and the words most like them. Lines: {own}"
    )


def padded_range(xs) -> list[float]:
    """From the first to the last point, with room for names."""
    room = 0.12 * ((xs.max() - xs.min()) or 1.0)
    return [float(xs.min() - room), float(xs.max() + room)]


def space_figure(drawing: WordMap, angle: int):
    """The map with three directions, seen from an angle in degrees."""
    names = {i: "top center" for kind in drawing.kinds if kind["named"] for i in kind["points"]}
    traces = [
        dots(
            "scatter3d",
            drawing,
            kind,
            names,
            hovertext=[drawing.texts[i] for i in kind["points"]],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        for kind in drawing.kinds
    ]
    for trace in traces:  # a size in space looks twice as large
        trace["marker"]["size"] *= 0.5
    return plotly_figures.figure(
        [space_lines(drawing), *traces],
        map_title(drawing) + ". Each axis says how much of the difference it holds",
        height=480,
        top=6,
        bottom=6,
        left=6,
        scene=space_scene(drawing, angle),
    )


def space_lines(drawing: WordMap) -> dict:
    """Lines in space from the chosen token to each of its nearest words."""
    points, near = drawing.points, slice(drawing.tokens, drawing.tokens + drawing.near)
    gaps = np.full((drawing.near, 3), np.nan)  # a line ends where there is no number
    ends = np.stack([points[[drawing.own] * drawing.near], points[near], gaps], axis=1)
    return {
        "type": "scatter3d",
        "mode": "lines",
        "line": {"width": 2, "color": COLOURS["other"]},
        "hoverinfo": "skip",
        "showlegend": False,
    } | dict(zip("xyz", ends.reshape(-1, 3).T, strict=True))


def space_scene(drawing: WordMap, angle: int) -> dict:
    """The axes in space, each with its share of the difference, and where one looks from."""
    axes = {
        f"{letter}axis": {
            "title": {"text": f"{nth}: {plotly_figures.safe(percent(held, 0))}"},
            "showticklabels": False,
            "gridcolor": plotly_figures.GREY,
            "backgroundcolor": plotly_figures.CLEAR,
            "zeroline": False,
        }
        for letter, nth, held in zip("xyz", ("1st", "2nd", "3rd"), drawing.held, strict=True)
    }
    eye = {"x": 1.9 * np.cos(np.deg2rad(angle)), "y": 1.9 * np.sin(np.deg2rad(angle)), "z": 0.8}
    return axes | {
        "camera": {"eye": eye, "center": {"x": 0, "y": 0, "z": -0.15}},
        "aspectmode": "cube",
        "dragmode": "orbit",
    }
