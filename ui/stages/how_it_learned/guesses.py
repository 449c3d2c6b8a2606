"""The likeliest next words after each position, before and after a lesson."""

from __future__ import annotations

import numpy as np

from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.guesses import Guesses, guesses
from ui.session.selection import chosen, select
from ui.session.view import View
from ui.stages.how_it_learned.way_back import gained, right_words
from ui.text import labelled

WORDS = 6  # in each list


def compared_guesses(view: View, after: View, when: str, reads: str) -> None:
    """Bars of the right word and of the likeliest ones, before and after; each opens. reads: which
    lesson came between, "after" one step or "taught" all of them.
    """
    words_P = [words_at(view, after, row) for row in range(len(view.labels))]
    probs = [run.trace["head.probs"] for run in (view, after)]

    def open_guess(place: int, _: int, word: int, bar: int) -> None:
        select(learn_reads=("before", reads)[bar])
        open_number("head.probs", (place, words_P[place][word]))

    guesses(
        Guesses(
            words=[[named(view, row, words)] for row, words in enumerate(words_P)],
            values_PGWB=np.array(
                [[[[p[row, i] for p in probs] for i in ids]] for row, ids in enumerate(words_P)],
                dtype=np.float32,
            ),
            titles=[""],
            bars=("before", when),
            solid=1,
            opened=opened_guess(words_P, reads),
            about=f"The next word, before and {when}",
            places=view.names,
            chosen=place_shown(view, after),
            asked="The next word after",
            shifts_PG=0.5 * np.abs(probs[1] - probs[0]).sum(axis=-1, keepdims=True),
        ),
        key=f"learned:guesses-{reads}",
        on_cell=open_guess,
        on_place=choose_place,
    )


def named(view: View, row: int, ids: list[int]) -> list[str]:
    """The words of a list; the right one has a tick."""
    right = right_words(view)[row : row + 1]
    return [f"{labelled(view.word(i))}{' ✓' if i in right else ''}" for i in ids]


def place_shown(view: View, after: View) -> int:
    """The position whose guesses are shown: the reader's, else the one that gained most."""
    place = chosen("learn_word")
    return place if place is not None and place < len(view.labels) else gained(view, after)


def choose_place(place: int) -> None:
    """The guess after another word."""
    select(learn_word=place)


def words_at(view: View, after: View, row: int) -> list[int]:
    """The ids that are drawn at a position: the right word, and the likeliest before and after."""
    right = right_words(view)[row : row + 1]
    best = [
        int(i)
        for run in (after, view)
        for i in np.argsort(-run.trace["head.probs"][row], kind="stable")[:WORDS]
    ]
    probs_V = after.trace["head.probs"][row]
    kept = list(dict.fromkeys([*right, best[0], best[WORDS], *best]))[:WORDS]
    return sorted(kept, key=lambda i: -float(probs_V[i]))


def opened_guess(words_P: list[list[int]], reads: str) -> tuple[int, int, int, int] | None:
    """Which bar is the opened number."""
    cell = opened_in("head.probs")
    if chosen("learn_reads") not in ("before", reads):
        return None
    if cell is None or cell[0] >= len(words_P) or cell[1] not in words_P[cell[0]]:
        return None
    bar = int(chosen("learn_reads") == reads)
    return cell[0], 0, words_P[cell[0]].index(cell[1]), bar
