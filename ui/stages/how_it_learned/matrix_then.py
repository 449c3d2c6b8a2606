"""One learned matrix of a head, as it was at a stop of the training: the numbers themselves, random
at first, and how far they have come.
"""

from __future__ import annotations

from dataclasses import dataclass

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

NAMES = {"q": "W_Q", "k": "W_K", "v": "W_V", "out": "W_O"}
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


@dataclass(frozen=True)
class OfHead:
    """A head's own part of a matrix that all heads share. own: where it stands; in_rows: among the
    rows, as in W_O, whose input the heads are; else among the columns.
    """

    weight: str
    own: slice
    in_rows: bool

    @property
    def step(self) -> str:
        """Whose numbers they are, as it is said below a picture that is saved."""
        own = f"{self.own.start}:{self.own.stop}"
        return f"{self.weight}[{own if self.in_rows else f':, {own}'}]"

    def rows(self, weights) -> np.ndarray:
        """Its numbers, a row for each dimension of the head, (K, D)."""
        whole = weights[self.weight]
        return np.asarray(whole[self.own] if self.in_rows else whole[:, self.own].T)

    def index(self, row: int, column: int) -> tuple[int, int]:
        """Where one of these numbers stands in the whole matrix."""
        place = (self.own.start + row, column)
        return place if self.in_rows else place[::-1]

    def cell(self, index: tuple[int, ...]) -> tuple[int, int] | None:
        """The same the other way; None where the number is of another head."""
        row, column = index if self.in_rows else index[::-1]
        is_own = self.own.start <= row < self.own.stop
        return (row - self.own.start, column) if is_own else None


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
    of_head = part_of_head(view, layer, head, part)
    each_S = [of_head.rows(model_in(stop.request).weights) for stop in found]
    when = name_of(found[at], known)
    began = start_words(each_S[0], each_S[at]) if at and found[0].step == 0 else ""
    st.markdown(with_terms(f"{words(part, each_S[at], when)} {began}"))
    numbers_map(of_head, each_S, at, f"{NAMES[part]} of layer {layer}, head {head}, {when}")


def part_of_head(view: View, layer: int, head: int, part: str) -> OfHead:
    """A head's part of W_Q, W_K, W_V or W_O; several heads may share keys and values."""
    config = view.config
    group = config.group(head) if part in ("k", "v") else head
    return OfHead(f"decoder.{layer}.attn.{part}.weight", config.columns(group), part == "out")


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


def numbers_map(of_head: OfHead, each_S: list[np.ndarray], at: int, title: str) -> None:
    """The numbers at the stop, on the scale of all stops; each opens."""
    rows, columns = map(range, each_S[at].shape)

    def open_of(row: int, column: int) -> None:
        select(learn_reads=THEN)
        open_number(WEIGHTS + of_head.weight, of_head.index(row, column))

    opened = opened_in(WEIGHTS + of_head.weight) if chosen("learn_reads") == THEN else None
    spec = HeatmapSpec(
        each_S[at],
        [str(row) for row in rows],
        [str(column) for column in columns],
        title=title,
        rows_title="dimension of the head",
        columns_title="dimension of the stream",
        limit=float(max(np.abs(each_KD).max() for each_KD in each_S)),
        opened=of_head.cell(opened) if opened else None,
        step=of_head.step,
        fills=True,
    )
    heatmap_canvas(spec, key="learned:matrix", on_cell=open_of)
