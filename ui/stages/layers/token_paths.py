"""The path of each token's vector through the layers, drawn in a plane."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.planes import principal_plane
from core.text import counted, moves, number
from core.vectors import TINY, lengths
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.section import render_depth
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, word
from ui.session import runs
from ui.session.runs import RunRequest
from ui.session.settling import settle
from ui.session.view import View, is_word
from ui.stages.layers.layer_maps import layers_of_side

LENGTHS = {"own": "As they are", "one": "All scaled to 1"}
DRAWN = {"own": "This token alone", "near": "With nearby words", "all": "All tokens"}
OTHERS = 5  # tokens drawn beside the chosen one
ALL_TOKENS = 40  # as many as are drawn when all are asked for
PATH_WIDE = 640  # of the plane of the ways on a desk, in pixels


def token_path(view: View) -> None:
    """The chosen token's vector after every layer, in a plane, among some others."""
    last = (f"{view.side}.{layers_of_side(view)[-1]}.out.length", (view.token,))
    render_depth(view, path_text(view, last), last)
    same, drawn = path_controls(view)
    shown = companions(view, drawn)
    flat_TN2, plane, longest = flat_paths(view.request, view.side, tuple(shown), same)
    if not np.isfinite(flat_TN2).all():
        st.warning("In this run the numbers overflowed, so there is no plane to draw.")
        return
    labels, title = [view.names[i] for i in shown], path_title(view, shown, same)
    figure = path_figure(flat_TN2, plane, labels, shown.index(view.token), title)
    show("layers_path", figure, alt=title)
    if longest > 10:
        st.caption(
            f"The longest of these vectors is {longest:.0f} times as long as the median and decides"
            " the plane. Scale all to length 1 to see the others."
        )


def path_text(view: View, last: tuple[str, tuple[int, ...]]) -> str:
    """How the chosen token's vector moves, and from which length to which. last: the cell of its
    length after the last layer.
    """
    c, (name, index) = view.config, last
    first_size = float(view.trace[f"{view.side}.0.attn.in.length"][view.token])
    last_size = float(view.trace[name][index])
    return (
        f"Every layer moves the vector of {word(view)}: from point 0, the input, to point"
        f" {len(layers_of_side(view))}, after the last layer. {norms_text(view)}its length"
        f" {moves(number(first_size, 3), number(last_size, 3))}. The plane shows only part of the"
        f" {c.d_model} dimensions; the axes say how much. Its origin is the mean of all these"
        " vectors."
    )


def norms_text(view: View) -> str:
    """What the norms of this model do to the length of the vector."""
    if view.config.norm == "none":
        return "In this run no norm limits the length: "
    if view.config.norm_first:
        return "A norm comes before each sublayer here, so nothing rescales the vector itself: "
    if view.config.norms_update:
        return "Norms stand on the updates here, so nothing rescales the vector itself: "
    return "A norm after each sublayer rescales every vector: "


def path_controls(view: View) -> tuple[bool, str]:
    """Whether all vectors are brought to one length, and which tokens are drawn."""
    settle("layers_length", "own" if view.config.norm_at == "after" else "one")
    left, right = st.columns(2, vertical_alignment="bottom")
    length = left.segmented_control(
        "Length of the vectors",
        list(LENGTHS),
        required=True,
        key="layers_length",
        format_func=LENGTHS.get,
    )
    drawn = right.segmented_control(
        "Drawn", list(DRAWN), required=True, key="layers_drawn", format_func=DRAWN.get
    )
    return length == "one", drawn


def path_title(view: View, shown: list[int], same: bool) -> str:
    """What the plane shows, in words."""
    others = f" and {counted(len(shown) - 1, 'other')}" if len(shown) > 1 else ""
    title = f"{titled_word(view)}{others}, layer by layer, around the mean"
    return title + ("; each vector of length 1" if same else "")


@st.cache_resource(max_entries=64, show_spinner=False)
def flat_paths(request: RunRequest, side: str, tokens: tuple[int, ...], same: bool):
    """The vectors of some tokens, as they come in and after every layer, in their plane; kept,
    since most clicks change nothing in it.
    """
    trace = runs.trace_of(request)
    steps = [f"{side}.embed.out", *(f"{side}.{n}.out" for n in range(trace.config.layers(side)))]
    paths_TND = np.stack([trace[step][list(tokens)] for step in steps], axis=1).astype(float)
    return flattened(
        paths_TND / np.maximum(lengths(paths_TND), TINY)[..., None] if same else paths_TND
    )


def flattened(paths_TND):
    """The ways in their plane around the mean, (T, N, 2); the plane; and the longest vector as a
    multiple of the median.
    """
    around_TND, lengths_TN = paths_TND - paths_TND.mean(axis=(0, 1)), lengths(paths_TND)
    plane = principal_plane(around_TND.reshape(-1, paths_TND.shape[-1]))
    return plane.flat(around_TND), plane, float(lengths_TN.max() / max(np.median(lengths_TN), TINY))


def companions(view: View, drawn: str) -> list[int]:
    """The tokens that are drawn: the chosen one alone, with the words nearest to it, or with as
    many as can be told apart.
    """
    words = [i for i, token in enumerate(view.labels) if drawn == "all" or is_word(token)]
    near = sorted((i for i in words if i != view.token), key=lambda i: abs(i - view.token))
    return sorted([view.token, *near[: {"own": 0, "near": OTHERS, "all": ALL_TOKENS}[drawn]]])


def path_figure(flat_TN2, plane, labels: list[str], chosen: int, title: str):
    """A line for each token through its vectors in their plane; the chosen one strong, with the
    numbers of the layers.
    """
    across = plotly_figures.with_room(flat_TN2[..., 0].ravel(), 0.12)
    # As high as the ways are beside their width, so that little of the axes stays empty.
    tall = 1.15 * float(np.ptp(flat_TN2[..., 1])) / (across[1] - across[0])
    high = int(np.clip(PATH_WIDE * tall, 300, 560))
    words = path_words(flat_TN2, labels, chosen, across, high)
    order = (*(t for t in range(len(labels)) if t != chosen), chosen)
    traces = [path_line(flat_TN2[t], words[t], labels[t], t == chosen) for t in order]
    figure = plotly_figures.in_plane(traces, plane, across, title)
    figure.layout.height += high - 330
    return figure


def path_words(
    flat_TN2, labels: list[str], chosen: int, across: list[float], high: int
) -> list[dict[int, tuple[str, str]]]:
    """What stands beside the points of each way, and where: the name at its end, of the chosen
    token the numbers of the layers as well; nothing where there is no room between what is written
    already.
    """
    T, N, _ = flat_TN2.shape
    others = [t for t in range(T) if t != chosen]
    asked = {
        chosen * N + N - 1: labels[chosen],
        **{chosen * N + n: str(n) for n in range(N - 1)},
        **{t * N + N - 1: labels[t] for t in others},
    }
    own_N2 = flat_TN2[chosen]
    # Nothing is written upon the chosen token's line either.
    line_N2 = np.vstack(
        [own_N2[:-1] + part * np.diff(own_N2, axis=0) for part in (0.25, 0.5, 0.75)]
    )
    at_N2 = plotly_figures.in_pixels(
        np.vstack((flat_TN2.reshape(-1, 2), line_N2)), across, (PATH_WIDE, high)
    )
    spots = plotly_figures.name_spots(
        at_N2, [7 if i // N == chosen else 3.5 for i in range(T * N)] + [0] * len(line_N2), asked
    )
    return [{i % N: (asked[i], spot) for i, spot in spots.items() if i // N == t} for t in range(T)]


def path_line(flat_N2, words: dict[int, tuple[str, str]], label: str, chosen: bool) -> dict:
    """One token's way. words: what is written beside its points, and at which side of them."""
    N, colour = len(flat_N2), COLOURS["residual"] if chosen else plotly_figures.GREY
    texts = {n: plotly_figures.safe(text) for n, (text, _) in words.items()}
    if chosen and N - 1 in texts:
        texts[N - 1] = f"<b>{texts[N - 1]}</b>"
    return {
        "type": "scatter",
        "x": flat_N2[:, 0],
        "y": flat_N2[:, 1],
        "mode": "lines+markers+text",
        "text": [texts.get(n, "") for n in range(N)],
        "textposition": [words[n][1] if n in words else "top center" for n in range(N)],
        "cliponaxis": False,
        "textfont": {
            "size": plotly_figures.FONT if chosen else 10,
            "color": plotly_figures.TEXT if chosen else "rgba(128,128,128,0.95)",
        },
        "line": {"width": 3.5 if chosen else 1.2, "color": colour},
        "marker": {"size": 7 if chosen else 3.5, "color": colour},
        "hovertext": [
            f"{plotly_figures.safe(label)}, " + (f"after layer {n - 1}" if n else "as it comes in")
            for n in range(N)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
