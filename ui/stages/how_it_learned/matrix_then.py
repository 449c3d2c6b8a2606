"""One learned matrix of a head, as it was at a stop of the training: the numbers themselves, random
at first, and how far they have come.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.models.over_time import Measures
from core.operands import WEIGHTS
from core.text import counted, number
from core.vectors import cosines
from ui.kit.components import heatmap_canvas
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.terms import with_terms
from ui.session.actions import close_number
from ui.session.runs import model_in
from ui.session.selection import MATRICES, chosen, select
from ui.session.view import View
from ui.stages.how_it_learned.stops import THEN, Stop, head_shown, name_of

NAMES = {"q": "W_q", "k": "W_k", "v": "W_v", "out": "W_o"}
MAKES = {
    "q": "makes the head’s queries of the vectors of the stream",
    "k": "makes the head’s keys of the vectors of the stream",
    "v": "makes the head’s values of the vectors of the stream",
    "out": "makes what the head adds to the stream of what it has read",
}
# What a cosine with the random start means: the part along it, against the part at right angles.
CLOSE = (
    (0.98, "it has hardly changed yet"),
    (0.5**0.5, "there is more of the random start in it than of what it learned"),
    (-1.0, "there is more in it of what it learned than of the random start"),
)


def matrix(view: View, found: list[Stop], known: Measures | None, at: int) -> None:
    """The choice of a matrix, a sentence about it, and its numbers at the stop."""
    layer, head = head_shown(view, known)
    st.segmented_control(
        "Where did the learned numbers come from? A matrix of the head",
        MATRICES,
        key="learn_matrix",
        required=True,
        format_func=NAMES.__getitem__,
        on_change=close_number,
        persist_state="session",
    )
    part = chosen("learn_matrix")
    name = f"decoder.{layer}.attn.{part}.weight"
    each_S = [rows_of(view, stop, name, head) for stop in found]
    when = name_of(found[at], known)
    began = start_words(each_S[0], each_S[at]) if at and found[0].step == 0 else ""
    st.markdown(with_terms(f"{words(part, each_S[at], when)} {began}"))
    title = f"{NAMES[part]} of layer {layer}, head {head}, {when}"
    numbers_map(view, name, each_S, at, head, title)


def rows_of(view: View, stop: Stop, name: str, head: int) -> np.ndarray:
    """The head's own part of a matrix at a stop: a row for each dimension of the head, (K, D)."""
    own = places_of(view, name, head)
    weights = model_in(stop.request).weights[name]
    return np.asarray(weights[own] if name.endswith("out.weight") else weights[:, own].T)


def places_of(view: View, name: str, head: int) -> slice:
    """Where a head's dimensions stand among those of all heads."""
    config = view.config
    group = config.group(head) if name.endswith((".k.weight", ".v.weight")) else head
    return slice(group * config.d_head, (group + 1) * config.d_head)


def words(part: str, now_KD: np.ndarray, when: str) -> str:
    """How large the numbers are at a stop."""
    size = number(np.sqrt((now_KD**2).mean()), 2)
    return (
        f"**{NAMES[part]}** {MAKES[part]}. {when[0].upper()}{when[1:]}, its"
        f" {counted(now_KD.size, 'number')} are about {size} in size (root mean square)."
    )


def start_words(first_KD: np.ndarray, now_KD: np.ndarray) -> str:
    """How much of the random start is in the numbers."""
    size = number(np.sqrt((first_KD**2).mean()), 2)
    close = float(cosines(first_KD.ravel()[None], now_KD.ravel()[None])[0])
    means = next(words for least, words in CLOSE if close >= least)
    return (
        f"At the random start they were about {size}. The cosine between then and now is"
        f" {number(close, 2)}: {means}."
    )


def numbers_map(
    view: View, name: str, each_S: list[np.ndarray], at: int, head: int, title: str
) -> None:
    """The numbers at the stop, on the scale of all stops; each opens."""
    own, flat = places_of(view, name, head), name.endswith("out.weight")
    rows, columns = map(range, each_S[at].shape)

    def open_of(row: int, column: int) -> None:
        select(learn_reads=THEN)
        place = (own.start + row, column)
        open_number(WEIGHTS + name, place if flat else place[::-1])

    spec = HeatmapSpec(
        each_S[at],
        [str(row) for row in rows],
        [str(column) for column in columns],
        title=title,
        rows_title="dimension of the head",
        columns_title="dimension of the stream",
        limit=float(max(np.abs(each_KD).max() for each_KD in each_S)),
        opened=opened_of(name, own, flat),
        step=f"{name}, head {head}",
        fills=True,
    )
    heatmap_canvas(spec, key="learned:matrix", on_cell=open_of)


def opened_of(name: str, own: slice, flat: bool) -> tuple[int, int] | None:
    """Which number of the map is open."""
    cell = opened_in(WEIGHTS + name) if chosen("learn_reads") == THEN else None
    if cell is None:
        return None
    row, column = cell if flat else cell[::-1]
    return (row - own.start, column) if own.start <= row < own.stop else None
