"""The figure of the page: the guess after each word by the LSTM and by attention, each with one
early word as it is and replaced.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.decoding import next_tokens
from core.text import counted, percent
from ui.kit.explanation_panel import opened_in
from ui.kit.guesses import Guesses, guesses
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.section import render_depth
from ui.kit.stage import heading
from ui.kit.theme import COLOURS
from ui.kit.token_words import id_of_word
from ui.session.selection import chosen, select
from ui.session.view import View
from ui.stages.before_attention import lstm
from ui.stages.before_attention.influence import (
    LOOKS,
    ComparedRuns,
    chosen_swap,
    compare_runs,
    compared_place,
    open_compared,
    said_why,
    swap_controls,
)
from ui.text import bold, labelled, quoted, short

CLEAR = 0.01  # of a guess: by so much one network has to change more
WORDS = 8  # in each list: the same ones for both networks
LOOKED_AT = 60  # likeliest words of each, among which the other's are looked for
TITLES = {"LSTM": "LSTM: reads word by word", "attention": "Attention: looks back at every word"}


def two_guesses(view: View) -> tuple[dict[str, ComparedRuns], tuple[str, tuple[int, ...]]]:
    """Draws the figure and its words. Returns the runs, and the cell that is explained first."""
    word, other = chosen_swap(view)
    compared, why = compare_runs(view, word)
    first = first_guess(view, compared)
    if compared:
        replaced = short(compared["LSTM"].words[0], 20)
        question = f"{bold(replaced)} → {bold(short(other, 20))}: do both networks notice?"
        heading(question, quiz(view, compared))
        guess_figure(compared, compared_place(compared), replaced, short(other, 20))
    else:
        heading("What if one word were another?")
    swap_controls(view)
    said_why(why)
    if view.request.change or view.mask != "trained":
        st.caption(
            "No what-if or mask changes these guesses: both networks read your sentence as they"
            " were trained."
        )
    if compared:
        render_depth(
            lstm.reading(view), guess_text(compared, compared_place(compared), other), first
        )
    return compared, first


def quiz(view: View, compared: dict[str, ComparedRuns]) -> Quiz | None:
    """Whose guess changes more after the word that is looked at."""
    place = compared_place(compared)
    moved = [float(runs.shift.guess_N[place]) for runs in compared.values()]
    names = ["the LSTM’s" if name == "LSTM" else "attention’s" for name in compared]
    found = quiz_of_most(view, names, moved, CLEAR)
    word = next(iter(compared.values())).words[place]
    return found and found.asks("Whose guess after {} changes more?", word)


def first_guess(view: View, compared: dict[str, ComparedRuns]) -> tuple[str, tuple[int, ...]]:
    """The likeliest word of the LSTM at the place that is looked at."""
    read = lstm.reading(view)
    if compared:
        bar = int(chosen("before_reads") == "other")
        position = int(compared["LSTM"].shift.places_N2[compared_place(compared), bar])
    else:
        position = read.token
    return "head.probs", (position, int(next_tokens(read.trace, 1, position)[0][0]))


def guess_figure(compared: dict[str, ComparedRuns], place: int, replaced: str, other: str) -> None:
    """The bars of all models and words."""
    runs, places = list(compared.values()), compared["LSTM"].names
    shown = [shared_words(runs, n) for n in range(len(places))]
    ids_PGW = [[[ids[g] for ids in words.values()] for g in range(len(runs))] for words in shown]

    def open_guess(n: int, g: int, w: int, bar: int) -> None:
        run = (runs[g].before, runs[g].after)[bar]
        position = int(runs[g].shift.places_N2[n, bar])
        if (word := ids_PGW[n][g][w]) is not None:
            open_compared(run, ("own", "other")[bar], "head.probs", (position, word))

    guesses(
        Guesses(
            words=[[list(words)] * len(runs) for words in shown],
            values_PGWB=values_of(runs, ids_PGW),
            titles=[TITLES[name] for name in compared],
            bars=(labelled(replaced), labelled(other)),
            colours=[COLOURS[LOOKS[name][0]] for name in compared],
            opened=opened_guess(compared["LSTM"], [models[0] for models in ids_PGW]),
            about=f"The next word, with {quoted(replaced)} and with {quoted(other)}",
            places=list(places),
            chosen=place,
            asked="After which word? The small bars show how much of each guess changes.",
            shifts_PG=np.stack([each.shift.guess_N for each in runs], axis=-1),
        ),
        key="before:guesses",
        on_cell=open_guess,
        on_place=choose_place,
    )


def choose_place(place: int) -> None:
    """The guess after another word."""
    select(before_place=place)


def shared_words(runs: list[ComparedRuns], place: int) -> dict[str, list[int | None]]:
    """The words after a place that any network gives most, the likeliest of all first, in one order
    for all of them; with each network's id, None where it has no such word.
    """
    found = [spelled(each, place) for each in runs]
    most: dict[str, float] = {}
    leads: set[str] = set()  # the likeliest word of each run is always among them
    for each, ids in zip(runs, found, strict=True):
        rows = probabilities(each, place)
        leads |= {word for word, i in ids.items() if i in [int(row_V.argmax()) for row_V in rows]}
        for word, i in ids.items():
            most[word] = max(most.get(word, 0.0), *(float(row_V[i]) for row_V in rows))
    kept = sorted(most, key=lambda word: (word not in leads, -most[word]))[:WORDS]
    order = sorted(kept, key=lambda word: -most[word])
    return {
        word: [
            ids[word] if word in ids else id_of_word(each.before, word)
            for each, ids in zip(runs, found, strict=True)
        ]
        for word in order
    }


def spelled(compared: ComparedRuns, place: int) -> dict[str, int]:
    """The likeliest words after a place in either run, by how they are written without the space
    before them.
    """
    likeliest: dict[str, int] = {}
    for row_V in probabilities(compared, place):
        for i in np.argsort(-row_V, kind="stable")[:LOOKED_AT].tolist():
            likeliest.setdefault(compared.before.word(i).lstrip("␣") or "␣", i)
    return likeliest


def probabilities(compared: ComparedRuns, place: int) -> tuple[np.ndarray, np.ndarray]:
    """What both runs of a model expect after a word, (V,) each."""
    before, after = compared.shift.places_N2[place]
    return (compared.before.trace["head.probs"][before], compared.after.trace["head.probs"][after])


def values_of(runs: list[ComparedRuns], ids_PGW) -> np.ndarray:
    """The probabilities of all bars, (P, G, W, 2); NaN where a network has no such word."""
    values = [
        [
            [
                [np.nan if i is None else float(row_V[i]) for i in ids]
                for row_V in probabilities(each, n)
            ]
            for each, ids in zip(runs, models, strict=True)
        ]
        for n, models in enumerate(ids_PGW)
    ]
    return np.moveaxis(np.array(values, dtype=np.float32), 2, 3)


def opened_guess(compared: ComparedRuns, ids_PW) -> tuple[int, int, int, int] | None:
    """Which bar of the LSTM is the opened number."""
    cell, bar = opened_in("head.probs"), int(chosen("before_reads") == "other")
    if cell is None:
        return None
    for place, ids in enumerate(ids_PW):
        if compared.shift.places_N2[place, bar] == cell[0] and cell[1] in ids:
            return place, 0, ids.index(cell[1]), bar
    return None


def guess_text(compared: dict[str, ComparedRuns], place: int, other: str) -> str:
    """How much of each guess went elsewhere; at most 45 words."""
    by_lstm = compared["LSTM"]
    moved = " and ".join(
        f"**{percent(runs.shift.guess_N[place], 0)}** of"
        f" {'the LSTM’s' if name == 'LSTM' else 'attention’s'} guess"
        for name, runs in compared.items()
    )
    on = f", {counted(place, 'word')} on" if place else ""
    return (
        f"Filled bars: with {bold(by_lstm.words[0])}; outlines: with {bold(other)}. After"
        f" {bold(by_lstm.words[place])}{on}, {moved} went elsewhere. The LSTM had to carry the word"
        " through every state between; attention looks straight back."
    )
