"""The rows of the embedding table as the page Tokens draws them: strips, nearest words, a map, word
arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.errors import GlassError
from core.models import catalogue
from core.planes import around_their_mean, principal_plane
from core.steps.embedding import nearest, neighbours
from core.text import number, percent
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.section import detailed, render_depth, section
from ui.kit.step_charts import ALL, cell_map, largest, rows_map
from ui.kit.theme import COLOURS
from ui.kit.token_strip import word
from ui.kit.unknown_words import unknown_story
from ui.session import runs
from ui.session.actions import close_number
from ui.session.settling import settle
from ui.session.view import View
from ui.stages.tokens.pieces import cut_words
from ui.text import bold, plain, quoted, short

STRIPS = 32  # rows of the strips at a time: a row has several hundred numbers
NEAREST = 10  # words in a list
AROUND = 3  # neighbours of each other token on the map
MAPPED = 24  # tokens on the map
NAME = 12  # letters of a name on it
WIDE = (540, 350)  # the size for which names are laid out, in pixels
HIGH = 440  # of the map
SUMS = (
    ("king", "man", "woman"),
    ("Paris", "France", "Italy"),
    ("better", "good", "bad"),
    ("two", "one", "three"),
)


# --- pieces and rows ------------------------------------------------------------------------------


def pieces_story(view: View) -> str:
    """What the tokenizer did with this sentence."""
    side, V = view.config.sides[0], view.config.n_vocab
    count, cut = len(view.trace[f"{side}.embed.ids"]), cut_words(view)
    if not view.model.tokenizer:
        return (
            "This model’s tokenizer can’t be read here, so you type the numbers themselves:"
            f" {count} ids, each the number of a piece in a vocabulary of {V:,}."
        )
    several = (
        f" Into several pieces fall: {'; '.join(cut[:4])}{' …' if len(cut) > 4 else ''}."
        if cut
        else " Here every word is one piece; try a rare or a made-up one."
    )
    return (
        "The model reads no letters. A **tokenizer** cuts the text into pieces from a fixed"
        f" vocabulary of {V:,}, and each piece has a number. Your sentence becomes {count} of"
        f" them.{several}{unknown_story(view)} Above stands what was typed, below it the pieces,"
        " and under each its number. **Click a piece** to choose it."
    )


def strips(view: View) -> None:
    """The rows of the embedding table, one for each token."""
    step, row = f"{view.side}.embed.token", view.token
    V, D = view.trace.weights[f"{step}.weight"].shape
    first, token_id = largest(view, step, row, ALL), view.trace[f"{view.side}.embed.ids"][row]
    scaled = (
        f", here times {number(view.config.embed_scale)}" if view.config.embed_scale != 1 else ""
    )
    section(
        view,
        "2. A row of numbers for each piece",
        f"The number of {word(view)} is {token_id}: the model takes row {token_id} of a table of"
        f" {V:,} rows and {D} columns{scaled}. That row is all the model knows of {word(view)} at"
        " the start, and it is the same in every sentence. Training found these numbers; no single"
        f" one of them has a name. The largest in the row of {word(view)} is"
        f" {number(view.trace[step][first[1]])}, in dimension {first[1][1]}.",
        (f"{view.side}.embed.ids", (row,)),
        first,
    )
    start = max(0, min(row - STRIPS // 2, len(view.labels) - STRIPS))
    cut = (
        f" (tokens {start} to {start + STRIPS - 1} of {len(view.labels)})"
        if len(view.labels) > STRIPS
        else ""
    )
    rows_map(
        view,
        step,
        slice(start, start + STRIPS),
        title=f"The embedding of each token, a row each{cut}",
        chosen=row - start,
    )
    if detailed():
        cell_map(
            view,
            step,
            slice(row, row + 1),
            ALL,
            title=f"The whole embedding of {quoted(view.labels[row])}",
        )


# --- which rows are alike -------------------------------------------------------------------------


def near_step(view: View) -> str:
    """The derived value that compares the chosen token's row with the whole vocabulary."""
    return f"{view.side}.embed.near.{view.trace[f'{view.side}.embed.ids'][view.token]}"


def rarely(view: View) -> str:
    """What else may be alike: pieces that a model of whole words has hardly met."""
    pieces = catalogue.entry_of(view.model.name).embedded and view.labels[view.token].startswith(
        "##"
    )
    return (
        ", or stayed alike because training hardly met it, as this piece of a word"
        if pieces
        else ""
    )


def alike(view: View) -> None:
    """The nearest words of the vocabulary, and the sentence's tokens compared with each other."""
    step, pairs = near_step(view), f"{view.side}.embed.token.similarity"
    own = int(step.rsplit(".", 1)[1])
    ids = nearest(view.trace[step], NEAREST, [own])
    section(
        view,
        "3. Which rows are alike",
        "Two rows are compared by the **cosine** of the angle between them: 1 is the same"
        f" direction, 0 nothing in common. Of all {view.config.n_vocab:,} rows, the one most like"
        f" that of {word(view)} belongs to {bold(view.word(ids[0]))}, with"
        f" {number(view.trace[step][ids[0]])}. Nobody told the model which words belong together:"
        f" whatever is alike here became alike in training{rarely(view)}.",
        (step, (int(ids[0]),)),
        (pairs, (view.token, largest_other(view, pairs))),
    )
    left, right = st.columns((2, 3), gap="large")
    with left:
        word_list(
            view,
            step,
            ids,
            key="near",
            title=(
                f"Nearest to “{view.labels[view.token]}” in the whole vocabulary, itself left out"
            ),
        )
    with right:
        cell_map(
            view,
            pairs,
            ALL,
            ALL,
            title="Cosine of each token’s row with every other’s",
            chosen=view.token,
            limit=1,
        )


def largest_other(view: View, pairs: str) -> int:
    """The token whose row is most like the chosen one's, itself left out."""
    row_M = view.trace[pairs][view.token].copy()
    row_M[view.token] = -np.inf
    return int(row_M.argmax())


def word_list(view: View, step: str, ids, *, key: str, title: str) -> None:
    """Words of the vocabulary and their cosines; each opens."""
    opened = opened_in(step)
    table(
        {"cosine": view.trace[step][ids]},
        [view.word(i) for i in ids],
        key=f"tokens:{key}",
        title=title,
        bar="cosine",
        corner="word",
        on_cell=lambda row, column: row < len(ids) and open_number(step, (int(ids[row]),)),
        opened=(list(ids).index(opened[0]), 0) if opened and opened[0] in ids else None,
    )


# --- the map --------------------------------------------------------------------------------------


@st.cache_resource(max_entries=16, show_spinner="Looking for neighbours …")
def around(model: str, side: str, tokens: tuple[int, ...]) -> np.ndarray:
    """The nearest words of some tokens, (tokens, AROUND). The whole table is read for them: kept
    for all visitors.
    """
    return neighbours(runs.model_of(model).weights[f"{side}.embed.token.weight"], tokens, AROUND)


@st.cache_resource(max_entries=64, show_spinner=False)
def laid_out(
    model: str, side: str, ids: tuple[int, ...], count: int
) -> tuple[np.ndarray, tuple[float, ...]]:
    """Where these words lie along the directions in which they differ most, and how much each
    direction holds.
    """
    rows_ND = around_their_mean(
        runs.model_of(model).weights[f"{side}.embed.token.weight"][list(ids)]
    )
    plane = principal_plane(rows_ND, count)
    return plane.flat(rows_ND), plane.held


def mapped(view: View, near_only: bool) -> tuple[list[int], list[int], list[int]]:
    """What the map shows, as ids of the vocabulary: the sentence's tokens, once each; the chosen
    one's neighbours; others'.
    """
    ids_L = view.trace[f"{view.side}.embed.ids"].tolist()
    start = max(0, min(view.token - MAPPED // 2, len(ids_L) - MAPPED))
    tokens = (
        [ids_L[view.token]] if near_only else list(dict.fromkeys(ids_L[start : start + MAPPED]))
    )
    near = [
        int(i)
        for i in nearest(view.trace[near_step(view)], NEAREST, [ids_L[view.token]])
        if i not in tokens
    ]
    found = (
        [] if near_only else around(view.request.model, view.side, tuple(tokens)).ravel().tolist()
    )
    return tokens, near, [i for i in dict.fromkeys(found) if i not in tokens and i not in near]


def meaning_map(view: View) -> None:
    """The tokens among their nearest words, flat or in space."""
    step, chosen = near_step(view), view.labels[view.token]
    section(
        view,
        "4. A map of the words around",
        "The rows of your tokens, and of the words nearest to each, seen from the side where they"
        " differ most. A picture of two directions shows only a part of how rows lie (the axes say"
        f" how much), so words that are close here need not be close in all {view.config.d_model}"
        f" dimensions. **Click a word** for its cosine with {word(view)}.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles = {"all": "All tokens", "near": "The chosen one’s nearest words"}
        near_only = (
            st.segmented_control(
                "What is on the map",
                list(titles),
                required=True,
                key="tokens_map",
                persist_state="session",
                format_func=titles.get,
            )
            == "near"
        )
        deep = st.toggle("In three dimensions", key="tokens_3d", persist_state="session")
    kinds = mapped(view, near_only)
    ids = [i for kind in kinds for i in kind]
    points, held = laid_out(view.request.model, view.side, tuple(ids), 3 if deep else 2)
    names = [view.word(i) for i in ids]
    drawing = Drawing(
        points,
        names,
        [
            f"{plotly_figures.safe(name)}<br>cosine with {plotly_figures.safe(quoted(chosen))}"
            f" <b>{number(view.trace[step][i])}</b>"
            for name, i in zip(names, ids)
        ],
        held,
        ids.index(int(step.rsplit(".", 1)[1])),
        len(kinds[0]),
        len(kinds[1]),
    )
    alt = f"Map of the tokens and the words near them; {quoted(chosen)} with its nearest words"
    if deep:
        turn = st.slider(
            "Turn the map (degrees)", 0, 355, step=5, key="tokens_turn", persist_state="session"
        )
        show("tokens-space", in_space(drawing, turn), alt=alt)
    else:
        show(
            "tokens-flat",
            on_map(drawing),
            alt=alt,
            cells=[[i] for i in ids],
            on_cell=lambda i: open_number(step, (i,)),
        )
    st.caption(
        ("In space no word can be clicked; the flat map opens their numbers. " if deep else "")
        + "Each row is brought to length 1, since cosines compare directions, and all are measured"
        " from their middle. A word that stands twice in the sentence is one point."
    )


@dataclass(frozen=True)
class Drawing:
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
        places = list(range(len(self.points)))
        near = places[self.tokens : self.tokens + self.near]
        return [
            {
                "at": places[self.tokens + self.near :],
                "color": COLOURS["norm"],
                "size": 5,
                "opacity": 0.45,
                "named": False,
            },
            {
                "at": near,
                "color": COLOURS["head"],
                "size": 8,
                "opacity": 0.9,
                "named": self.tokens == 1,
            },
            {
                "at": [i for i in places[: self.tokens] if i != self.own],
                "color": COLOURS["embed"],
                "size": 10,
                "opacity": 0.95,
                "named": True,
            },
            {"at": [self.own], "color": COLOURS["embed"], "size": 16, "opacity": 1, "named": True},
        ]


def dots(kind: str, drawing: Drawing, group: dict, places: dict, **more) -> dict:
    """One kind of points as Plotly draws it. places: where the names stand; a point that is not in
    it has none.
    """
    at = group["at"]
    trace = {
        "type": kind,
        "mode": "markers+text",
        "showlegend": False,
        "textfont": {"size": 12, "color": plotly_figures.TEXT},
        "text": [
            plotly_figures.safe(short(drawing.names[i], NAME)) if i in places else "" for i in at
        ],
        "textposition": [places.get(i, "top center") for i in at],
        "marker": {"size": group["size"], "color": group["color"], "opacity": group["opacity"]},
    }
    return trace | dict(zip("xyz", drawing.points[at].T)) | more


def places_for(drawing: Drawing) -> dict[int, str]:
    """Where the name of each named point stands, so that no two names lie on each other; one that
    finds no room is left out.
    """
    wanted = [i for kind in reversed(drawing.kinds) if kind["named"] for i in kind["at"]]
    low, high = drawing.points.min(axis=0), drawing.points.max(axis=0)
    at_N2 = (
        (drawing.points - low) / np.maximum(high - low, 1e-9) * WIDE
    )  # in pixels of a picture of the usual size
    sizes = {i: kind["size"] for kind in drawing.kinds for i in kind["at"]}
    return plotly_figures.name_spots(
        at_N2,
        [sizes[i] for i in range(len(at_N2))],
        {i: short(drawing.names[i], NAME) for i in wanted},
    )


def on_map(drawing: Drawing):
    """The flat map; a line leads from the chosen token to each of its nearest words."""
    points, names = drawing.points, places_for(drawing)
    traces = [
        dots("scatter", drawing, kind, names, hoverinfo="skip", cliponaxis=False)
        for kind in drawing.kinds
    ]
    traces.append(plotly_figures.unseen(*points.T, drawing.texts))
    lines = [
        {
            "type": "line",
            "layer": "below",
            "opacity": 0.5,
            "line": {"width": 1.2, "color": COLOURS["head"]},
        }
        | dict(zip(("x0", "y0", "x1", "y1"), (*points[drawing.own], *points[i])))
        for i in range(drawing.tokens, drawing.tokens + drawing.near)
    ]
    x, y = (
        plotly_figures.grid(
            f"{nth} direction: {plotly_figures.safe(percent(held, 0))} of how they differ"
        )
        | {"range": with_edges(column_N)}
        for nth, held, column_N in zip(("1st", "2nd"), drawing.held, points.T)
    )
    return plotly_figures.figure(
        traces,
        map_title(drawing),
        height=HIGH,
        top=10,
        bottom=42,
        left=56,
        shapes=lines,
        xaxis=x,
        yaxis=y,
    )


def map_title(drawing: Drawing) -> str:
    """What the colours are."""
    return (
        f"“{drawing.names[drawing.own]}” and its nearest words"
        if drawing.tokens == 1
        else "Your tokens; with lines, the chosen one’s nearest words; small, the others’"
    )


def with_edges(xs) -> list[float]:
    """From the first to the last point, with room for names."""
    room = 0.12 * ((xs.max() - xs.min()) or 1.0)
    return [float(xs.min() - room), float(xs.max() + room)]


def in_space(drawing: Drawing, turn: int):
    """The map with three directions, seen from an angle in degrees."""
    points, near = drawing.points, slice(drawing.tokens, drawing.tokens + drawing.near)
    names = {i: "top center" for kind in drawing.kinds if kind["named"] for i in kind["at"]}
    traces = [
        dots(
            "scatter3d",
            drawing,
            kind,
            names,
            hovertext=[drawing.texts[i] for i in kind["at"]],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        for kind in drawing.kinds
    ]
    gaps = np.full((drawing.near, 3), np.nan)  # a line ends where there is no number
    ends = np.stack([points[[drawing.own] * drawing.near], points[near], gaps], axis=1).reshape(
        -1, 3
    )
    traces.insert(
        0,
        {
            "type": "scatter3d",
            "mode": "lines",
            "line": {"width": 2, "color": COLOURS["head"]},
            "hoverinfo": "skip",
            "showlegend": False,
        }
        | dict(zip("xyz", ends.T)),
    )
    axes = {
        f"{letter}axis": {
            "title": {"text": f"{nth}: {plotly_figures.safe(percent(held, 0))}"},
            "showticklabels": False,
            "gridcolor": plotly_figures.GREY,
            "backgroundcolor": plotly_figures.CLEAR,
            "zeroline": False,
        }
        for letter, nth, held in zip("xyz", ("1st", "2nd", "3rd"), drawing.held)
    }
    for trace in traces[1:]:  # a size in space looks twice as large
        trace["marker"]["size"] *= 0.5
    eye = {"x": 1.9 * np.cos(np.deg2rad(turn)), "y": 1.9 * np.sin(np.deg2rad(turn)), "z": 0.8}
    return plotly_figures.figure(
        traces,
        map_title(drawing) + ". Each axis says how much of the difference it holds",
        height=480,
        top=6,
        bottom=6,
        left=6,
        scene=axes
        | {
            "camera": {"eye": eye, "center": {"x": 0, "y": 0, "z": -0.15}},
            "aspectmode": "cube",
            "dragmode": "orbit",
        },
    )


# --- word arithmetic ------------------------------------------------------------------------------


def arithmetic(view: View) -> None:
    """a − b + c over the rows of the table, and the words nearest to it."""
    section(
        view,
        "5. Arithmetic with words",
        "Rows are numbers, so they can be added: take the row of one word, subtract that of a"
        " second, add that of a third, and look which rows are nearest to what comes out (Mikolov"
        " et al. 2013). If the step from “man” to “king” is much the same as from “woman” to"
        " “queen”, “king” − “man” + “woman” ends near “queen”. Often it does not; try your own.",
    )
    found = [
        ask_word(view, *each)
        for each in zip(st.columns(3), "abc", ("a", "− b", "+ c"), default_sum(view))
    ]
    if None in found:
        return
    step = f"{view.side}.embed.arithmetic.{'.'.join(map(str, found))}"
    ids, cosine_V = nearest(view.trace[step], NEAREST, found), view.trace[step]
    a, b, c = (view.word(i) for i in found)
    render_depth(view, "", (step, (int(ids[0]),)))
    st.markdown(
        f"Nearest to it: {bold(view.word(ids[0]))}, with a cosine of {number(cosine_V[ids[0]])}."
        " The three words themselves are left out of the list, as is usual; they would stand at "
        + ", ".join(f"{number(cosine_V[i])} ({bold(view.word(i))})" for i in dict.fromkeys(found))
        + "."
    )
    word_list(view, step, ids, key="arithmetic", title=f"Nearest to {a} − {b} + {c}")


def default_sum(view: View) -> tuple[str, ...]:
    """Three words to begin with, each a piece of its own in this vocabulary; without a tokenizer
    the sentence's first ids.
    """
    if view.model.tokenizer:
        return next(
            (words for words in SUMS if all(len(pieces_of(view, word)) == 1 for word in words)),
            SUMS[0],
        )
    ids_L = view.trace[f"{view.side}.embed.ids"]
    return tuple(str(ids_L[i % len(ids_L)]) for i in range(3))


def pieces_of(view: View, text: str) -> list[int]:
    """A word as it stands in running text, in pieces: with a space before it, and where that falls
    apart without one.
    """
    encode = view.model.tokenizer.encode
    spaced, bare = (encode(written, special=False).ids_L.tolist() for written in (f" {text}", text))
    return bare if len(bare) == 1 and len(spaced) != 1 else spaced


def ask_word(view: View, column, letter: str, title: str, default: str) -> int | None:
    """A box for one word. Returns its id; None, and a message, where it is no single piece."""
    words = bool(view.model.tokenizer)
    settle(key := f"tokens_{letter}" if words else f"tokens_{letter}_id", default)
    typed = column.text_input(
        title, max_chars=60, key=key, persist_state="session", on_change=close_number
    ).strip()
    try:
        return single_piece(view, typed) if words else typed_id(view, typed)
    except GlassError as error:
        column.warning(plain(error))
        return None


def single_piece(view: View, typed: str) -> int:
    """The id of a word. Raises GlassError where it has none of its own."""
    if not typed:
        raise GlassError("Type a word.")
    ids = pieces_of(view, typed)
    parts = " + ".join(f"“{view.word(i)}”" for i in ids[:8]) + (" …" if len(ids) > 8 else "")
    if len(ids) != 1:
        raise GlassError(
            f"“{typed}” is no single piece for this model, so it has no row of its own: it falls"
            f" into {parts}. Try another word."
            if ids
            else f"For this model nothing is left of “{typed}”."
        )
    if view.model.tokenizer.piece(ids[0]) in ("[UNK]", "<unk>"):
        raise GlassError(f"This model’s vocabulary does not have “{typed}”.")
    return ids[0]


def typed_id(view: View, typed: str) -> int:
    """A row number. Raises GlassError where the table has none of that number."""
    ids = runs.ids_typed(typed, view.model.no_tokenizer)
    if len(ids) != 1 or ids[0] >= view.config.n_vocab:
        raise GlassError(f"Type the number of one piece, 0 to {view.config.n_vocab - 1}.")
    return ids[0]
