"""Patches between two texts, computed bit by bit: what one run has at a layer and a token is put
into the other. All visitors share what is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import numpy as np
import streamlit as st

from core import word_swaps
from core.errors import GlassError
from core.forward_pass import forward
from core.patches import step_of
from core.recorder import input_of
from core.why.outcome import layers_after
from core.why.patching import Pair, pair_of
from ui.session.runs import (
    RunRequest,
    Texts,
    encoding_of,
    limited,
    model_of,
    reading_of,
    target_ids_of,
    trace_of,
)
from ui.session.shelf import SHELF

PROPOSED = 6  # second texts


@dataclass(frozen=True)
class Asked:
    """A map that is asked for, in plain words: by these all visitors share it. row: the position
    whose guess is read.
    """

    request: RunRequest
    other: str
    side: str
    what: str
    row: int


@dataclass(eq=False)
class Patches:
    """A map that may be computed in part, as done_NP says. word, rival: what it is about, of which
    the second may be none; before: the outcome without any patch.
    """

    word: int
    rival: int | None
    before: float
    changes_NP: np.ndarray
    done_NP: np.ndarray

    @property
    def nbytes(self) -> int:
        """The bytes of the map."""
        return self.changes_NP.nbytes + self.done_NP.nbytes

    @property
    def left(self) -> list[tuple[int, int]]:
        """The cells that are not computed, the last layer first: least has to run again for it."""
        layers, places = (axis.tolist() for axis in np.nonzero(~self.done_NP))
        return sorted(zip(layers, places, strict=True), key=lambda cell: (-cell[0], cell[1]))

    @property
    def drawn(self) -> np.ndarray:
        """The map as it is drawn, (N, P): NaN where nothing is computed yet."""
        return np.where(self.done_NP, self.changes_NP, np.nan).astype(np.float32)

    def share_done(self, config, side: str) -> float:
        """How much of all work is behind, from 0 to 1."""
        layers_N = np.array([layers_after(config, side, n) for n in range(len(self.done_NP))])
        work_NP = np.broadcast_to(layers_N[:, None], self.done_NP.shape)
        return float((work_NP * self.done_NP).sum() / work_NP.sum())


# --- the second text ------------------------------------------------------------------------------


@st.cache_data(max_entries=64, show_spinner=False)
def proposals(request: RunRequest) -> list[str]:
    """Texts with one word replaced that are cut into as many tokens; the most telling first."""
    found: list[str] = []
    for text in one_word_replaced(request):
        if text not in found and fits_text(request, text):
            found.append(text)
        if len(found) == PROPOSED:
            break
    return found


def one_word_replaced(request: RunRequest) -> Iterator[str]:
    """The text with one of its words replaced, one word after the other from its end."""
    model, trace, encoding = model_of(request.model), trace_of(request), encoding_of(request)
    text = request.sentence
    yield word_swaps.one_word_replaced(model, trace, text, encoding)
    for position in reversed(range(trace.sizes(trace.config.sides[0])["L"])):
        if span := word_swaps.span_at(text, encoding, position):
            for other in word_swaps.swaps(model, trace, text, encoding, position)[:1]:
                yield word_swaps.swapped(text, span, other)


def fits_text(request: RunRequest, other: str) -> bool:
    """Whether another text has as many tokens as this one, and is not the same."""
    try:
        both = (request.texts, request._replace(sentence=other).texts)
        readings = [reading_of(model_of(request.model), texts) for texts in both]
    except GlassError:
        return False
    one_L, other_L = (reading.ids_L for reading in readings)
    return len(one_L) == len(other_L) and not np.array_equal(one_L, other_L)


# --- computing ------------------------------------------------------------------------------------


def other_request(request: RunRequest, other: str) -> RunRequest | None:
    """The run of the second text, whose decoder, in a translator, reads what that of the first one
    read; None where no text is cut into just these tokens.
    """
    model = model_of(request.model)
    if not model.config.crosses:
        return request._replace(sentence=other)
    target = request.target or same_target(model, trace_of(request)["decoder.embed.ids"])
    return request._replace(sentence=other, target=target) if target else None


def same_target(model, ids_L) -> str:
    """A text of which the decoder reads just these tokens; empty where there is none."""
    cut = model.target_tokenizer or model.tokenizer
    text = cut.decode(ids_L[1:]) if cut else " ".join(map(str, ids_L[1:]))
    try:
        again = target_ids_of(model, ids_L, text) if text.strip() else ()
    except GlassError:
        return ""
    return text if np.array_equal(again, ids_L) else ""


def traces_of(asked: Asked) -> tuple:
    """Both traces; the decoders of a translator read the same in both."""
    model, clean = model_of(asked.request.model), trace_of(asked.request)
    if request := other_request(asked.request, asked.other):
        return model, clean, trace_of(request)
    reading = reading_of(model, Texts(asked.other))
    key = ("patched from", asked.request, asked.other)

    def run():
        given = {"target_ids_L": clean["decoder.embed.ids"], "keep": "layers", "rows": -1}
        with limited(key):
            return forward(clean.config, clean.weights, reading.ids_L, **given)

    return model, clean, SHELF.get(key, run, holds=("model", asked.request.model))


def words_judged(clean, giver, row: int) -> tuple[int, int | None]:
    """The likeliest word of the text, and that of the second where it is another."""
    side = clean.config.sides[-1]
    bests = [
        int(trace.rerun(side, trace.config.layers(side) - 1, {}, [row])["head.logits"][0].argmax())
        for trace in (clean, giver)
    ]
    return bests[0], bests[1] if bests[1] != bests[0] else None


def pair_asked(asked: Asked, word: int, rival: int | None) -> Pair:
    """Both runs as core.why puts one into the other."""
    model, clean, giver = traces_of(asked)
    return pair_of(model, clean, giver, word, rival, asked.what, asked.row, asked.side)


def patches_of(asked: Asked) -> Patches:
    """The map, as far as it is computed. Raises GlassError for texts that do not fit."""

    def begin() -> Patches:
        with limited(key):
            pair_asked(asked, 0, None)  # raises where the texts do not fit
            _, clean, giver = traces_of(asked)
            word, rival = words_judged(clean, giver, asked.row)
            pair = pair_asked(asked, word, rival)
        shape = clean.config.layers(asked.side), clean.sizes(asked.side)["L"]
        zeros_NP = np.zeros(shape)
        return Patches(word, rival, pair.outcome.before, zeros_NP, zeros_NP.astype(bool))

    key = "patches", asked
    return SHELF.get(key, begin)


def work(asked: Asked, found: Patches, seconds: float | None) -> None:
    """Computes cells for so long; None: all of them."""
    pair, until = pair_asked(asked, found.word, found.rival), monotonic() + (seconds or 0)
    for layer, position in found.left:
        found.changes_NP[layer, position] = pair.after(layer, [position]) - found.before
        found.done_NP[layer, position] = True
        if seconds is not None and monotonic() > until:
            return


def step_at(asked: Asked, layer: int, place: int) -> tuple[str, tuple[int, ...]]:
    """The step whose numbers are put in, and which of its vectors."""
    if asked.what == "stream":
        return input_of(asked.side, layer), (place,)
    name, head = step_of(asked.side, layer, asked.what)
    return name, (place,) if head is None else (head, place)
