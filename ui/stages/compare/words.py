"""What comes out of both runs: the next words, and how alike the vectors are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.comparison import NONE, most_changed
from core.text import percent
from core.vectors import cosines
from ui.kit.component_loader import component
from ui.kit.components import table
from ui.kit.packed_arrays import packed
from ui.kit.terms import with_terms
from ui.kit.token_words import id_of_word
from ui.session import sent
from ui.session.actions import select_token
from ui.session.selection import depth
from ui.session.view import View
from ui.stages.compare.maps import captions_of, name_in, names_of, open_in, slot_words, what_differs
from ui.stages.compare.pair import Compared, title_of
from ui.text import bold, quoted

KEY = "compare-words"
COUNT = 6  # words shown
STRONG = 2  # of them in bold: those that differ most
LOOKED_AT = 40  # of two vocabularies, so many of the likeliest of each are looked for in the other
_draw = component("slope", 'class="root figure" role="group" aria-label="The next word in both"')


@dataclass(frozen=True, eq=False)
class Guesses:
    """The words whose probability changed most: rows of head.probs, and their ids in both; None
    where a vocabulary does not have the word.
    """

    rows: tuple[int, int]
    words: list[str]
    ids: list[tuple[int | None, int | None]]

    def probs(self, compared: Compared) -> np.ndarray:
        """The probability of each word in both runs; NaN where there is no such word, (2, N)."""
        return np.array(
            [
                [
                    np.nan if pair[run] is None else probs_of(view, self.rows[run])[pair[run]]
                    for pair in self.ids
                ]
                for run, view in enumerate(compared.views)
            ],
            dtype=np.float32,
        )


def probs_of(view: View, row: int) -> np.ndarray:
    """The guess after one token, (V,)."""
    return view.trace["head.probs"][row]


def row_of(view: View, position: int | None) -> int | None:
    """The row of head.probs that belongs to a token; None where none was computed."""
    if position is None or not view.config.head or view.side != view.config.sides[-1]:
        return None
    found = np.flatnonzero(view.trace.rows == position)
    return int(found[0]) if len(found) else None


def guesses_of(compared: Compared) -> Guesses | None:
    """The words that changed most after the chosen token; None where there are none."""
    if not compared.two_runs:
        return None
    one, other = compared.views
    partner = compared.partner
    if partner is None and one.token == len(one.labels) - 1:
        partner = len(other.labels) - 1  # the last of each: what comes next
    rows = row_of(one, one.token), row_of(other, partner)
    if rows[0] is None or rows[1] is None:
        return None
    ids = shared_ids(compared, rows[0], rows[1])
    texts = [one.word(pair[0]) if pair[0] is not None else other.word(pair[1] or 0) for pair in ids]
    return Guesses((rows[0], rows[1]), texts, ids)


def shared_ids(compared: Compared, one_row: int, other_row: int) -> list[tuple]:
    """The ids of the words that changed most, in both vocabularies."""
    one, other = compared.views
    before_V, after_V = probs_of(one, one_row), probs_of(other, other_row)
    if one.request.model == other.request.model:
        return [(i, i) for i in most_changed(before_V, after_V, COUNT).tolist()]
    spelled = [likeliest(view, probs_V) for view, probs_V in ((one, before_V), (other, after_V))]
    pairs = {
        word: (known(one, spelled[0], word), known(other, spelled[1], word))
        for word in (spelled[0] | spelled[1])
    }

    def change(pair: tuple) -> float:
        a, b = (
            0.0 if i is None else float(probs_V[i])
            for i, probs_V in zip(pair, (before_V, after_V), strict=True)
        )
        return -abs(b - a)

    return sorted(pairs.values(), key=change)[:COUNT]


def likeliest(view: View, probs_V) -> dict[str, int]:
    """The likeliest words by how they are spelled, without the space before them."""
    best = np.argsort(-probs_V, kind="stable")[:LOOKED_AT].tolist()
    return {view.word(i).lstrip("␣"): i for i in reversed(best)}


def known(view: View, spelled: dict[str, int], word: str) -> int | None:
    """A word's id in a model's vocabulary, if it has it as one piece."""
    return spelled[word] if word in spelled else id_of_word(view, word)


# --- in words -------------------------------------------------------------------------------------


def story(compared: Compared) -> None:
    """What differs, and what it does to the likeliest word; where there is no guess, the maps say
    it.
    """
    guesses = guesses_of(compared)
    if guesses is None and not compared.two_runs:
        return
    st.markdown(with_terms(what_differs(compared) + guess_words(compared, guesses)))


def guess_words(compared: Compared, guesses: Guesses | None) -> str:
    """How the likeliest word changes; empty where there is no guess."""
    if guesses is None:
        return ""
    tops = [
        (view.word(int(probs_V.argmax())), percent(probs_V.max()))
        for view, probs_V in (
            (view, probs_of(view, row))
            for view, row in zip(compared.views, guesses.rows, strict=True)
        )
    ]
    (before, before_p), (after, after_p) = tops
    where = "next word" if compared.one.config.decoder_layers else "word in its place"
    if before.lstrip("␣") == after.lstrip("␣"):
        return f" {bold(before)} stays the likeliest {where}: {before_p} in A, {after_p} in B."
    return (
        f" The likeliest {where} goes from {bold(before)} ({before_p} in A) to {bold(after)}"
        f" ({after_p} in B)."
    )


# --- pictures -------------------------------------------------------------------------------------


def next_words(compared: Compared) -> None:
    """The words whose probability changes most, where both runs guess."""
    if guesses := guesses_of(compared):
        slopes(compared, guesses)


def below(compared: Compared) -> None:
    """How alike the vectors are: where nothing is guessed, and at every depth but the story."""
    if depth() != "story" or guesses_of(compared) is None:
        vectors(compared)


def slopes(compared: Compared, guesses: Guesses) -> None:
    """A line for each word from its probability in A to that in B; a click on a share opens it."""

    def clicked() -> None:
        place = sent.place(sent.from_component(KEY, "cell"), (2, len(guesses.ids)))
        if place and (word := guesses.ids[place[1]][place[0]]) is not None:
            open_in(compared, place[0], "head.probs", (guesses.rows[place[0]], word))

    _draw(key=KEY, data=slope_data(compared, guesses), on_cell_change=clicked)


def slope_data(compared: Compared, guesses: Guesses) -> dict:
    """The words as they travel to the browser."""
    probs_2N, one = guesses.probs(compared), compared.one
    where = "next word after" if one.config.decoder_layers else "word in place of"
    return packed(probs_2N) | {
        "title": f"The {where} {quoted(name_in(one, one.token))}: what changes most",
        "caption": captions_of(compared),
        "ends": list(ends_of(compared)),
        "strong": STRONG,
        "words": guesses.words,
        "texts": [["–" if np.isnan(p) else percent(p) for p in row] for row in probs_2N],
        "note": "–: this vocabulary has no such word." if np.isnan(probs_2N).any() else "",
        "points": [points(float(after - before)) for before, after in probs_2N.T],
    }


def ends_of(compared: Compared) -> tuple[str, str]:
    """What stands over both ends: the word that differs, or the model."""
    if compared.what == "model":
        named = [title_of(view.request.model) for view in compared.views]
    else:
        changed = np.flatnonzero(compared.changed)
        slots = compared.slots_S2[changed[0]].tolist() if len(changed) == 1 else (NONE, NONE)
        named = [name_in(view, at) for view, at in zip(compared.views, slots, strict=True)]
    a, b = (f"{run} · {name}" if name else run for run, name in zip("AB", named, strict=True))
    return a, b


def points(change: float) -> str:
    """A difference of two shares in percentage points: +12.3, −0.4; <0.1 of either sign."""
    if np.isnan(change):
        return "–"
    text = percent(abs(change)).replace("%", "")
    sign = "" if change == 0 or text.startswith("<") else "+" if change > 0 else "−"
    return sign + text


def vectors(compared: Compared) -> None:
    """How alike the vectors of each pair of tokens are, as a table."""
    found = vectors_of(compared)
    if found is None:
        st.caption(
            "The vectors of two models have dimensions of their own: no cosine compares them."
        )
        return
    before_LD, after_LD, title = found
    paired = np.flatnonzero((compared.slots_S2 >= 0).all(axis=1))
    pairs_N2 = compared.slots_S2[paired]
    names = names_of(compared, range(len(compared.slots_S2)))
    table(
        {"cosine": cosines(before_LD[pairs_N2[:, 0]], after_LD[pairs_N2[:, 1]])},
        [slot_words(names[slot]) for slot in paired],
        key="compare:cosines",
        bar="cosine",
        chosen=int(np.searchsorted(paired, compared.slot)) if compared.slot in paired else None,
        on_cell=lambda row, _: select_token(int(pairs_N2[row, 0]), compare_cell=""),
        title=title,
    )


def vectors_of(compared: Compared) -> tuple[np.ndarray, np.ndarray, str] | None:
    """What is compared for each token, (L, D) twice, and its title; None for two models."""
    one, other = compared.views
    if compared.what == "model":
        return None
    if compared.two_runs:
        name = f"{one.side}.out"
        return one.trace[name], other.trace[name], "Cosine of each token’s last vector in A and B"
    pieces = [view.trace[view.at("attn.heads")][view.head] for view in compared.views]
    return pieces[0], pieces[1], "Cosine of what both heads add to each token"
