"""The guided tour: from stop to stop along the road, each with what to look at there, on the
reader's own sentence.

    start(view)         a button that begins it
    bar(view, page)     on every page while the tour lasts: where it is, what to look at, back,
                        next, end

A stop says on which page it is, what is chosen there, and what there is to see; all of it is read
from the trace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.decoding import next_tokens
from core.steps.embedding import nearest
from core.steps.heads import ROLES
from core.text import counted, number, percent
from ui.kit.token_words import word
from ui.session.actions import close_number
from ui.session.navigation import (
    ADD_AND_NORM,
    ATTENTION,
    CROSS_ATTENTION,
    ENCODER_AND_DECODER,
    FEED_FORWARD,
    HEADS,
    LAYERS,
    OUTPUT,
    OVERVIEW,
    POSITIONS,
    TOKENS,
    Page,
    go,
)
from ui.session.selection import select, selection
from ui.session.view import View, is_word
from ui.text import bold


@dataclass(frozen=True)
class Stop:
    """A stop of the tour."""

    page: Page
    choices: dict  # besides layer, head and token, which the whole tour keeps
    say: Callable[[View], str]  # what to look at, as Markdown


def start(view: View) -> None:
    """Begins the tour at the token and the head where the most can be seen."""
    st.button(
        "▶ Tour",
        key="tour_start",
        type="primary",
        on_click=begin,
        args=(view,),
        help=(
            "Fourteen stops from the sentence to the output, on your own sentence. It chooses a"
            " layer, a head and a token where there is something to see."
        ),
    )


def bar(view: View, page: Page) -> None:
    """Where the tour is, and what there is to look at."""
    at = selection().tour
    if at is not None:
        with st.container(key="tour", border=True):
            st.markdown(f"**Tour, {at + 1} of {len(STOPS)}.** {stop_words(view, page, STOPS[at])}")
            buttons(page, at)


def stop_words(view: View, page: Page, stop: Stop) -> str:
    """What there is to look at, or where the tour waits."""
    if stop.page is page:
        return stop.say(view)
    return f"You have stepped aside. The tour waits on the page **{stop.page.title}**."


def buttons(page: Page, at: int) -> None:
    """The way on, back, and out."""
    row, waits = st.container(horizontal=True), STOPS[at].page
    first, last = at == 0, at + 1 == len(STOPS)
    if waits is page:
        row.button("← Back", key="tour_back", disabled=first, on_click=visit, args=(at - 1,))
        row.button(
            "Next stop →",
            key="tour_next",
            type="primary",
            disabled=last,
            on_click=visit,
            args=(at + 1,),
        )
    else:
        title = f"Back to {waits.title}"
        row.button(title, key="tour_return", type="primary", on_click=visit, args=(at,))
    row.button("End the tour", key="tour_end", type="tertiary", on_click=end)


def begin(view: View) -> None:
    """Goes to the first stop."""
    visit(0, **best_place(view))


def visit(at: int, **choices) -> None:
    """Goes to a stop."""
    close_number()
    go(STOPS[at].page, tour=at, **STOPS[at].choices, **choices)


def end() -> None:
    """Ends the tour."""
    select(tour=None)


def best_place(view: View) -> dict:
    """The layer, the head and the token where there is the most to see: a longer word that gives
    much, and not all, of its attention to another one further away, and more than other words give
    it. A head that always looks at the token before, or a token that all look at, would make a dull
    tour.
    """
    long_L = np.array(
        [is_word(token) and sum(map(str.isalnum, token)) > 3 for token in view.labels]
    )
    n = len(long_L)
    fits_LM = np.outer(long_L, long_L) & (abs(np.arange(n) - np.arange(n)[:, None]) > 1)
    best, found = 0.0, {}
    for layer in range(view.config.layers(view.side)) if fits_LM.any() else ():
        pattern_HLM = view.trace[f"{view.side}.{layer}.attn.pattern"]
        usual_HM = pattern_HLM[:, long_L].mean(axis=1)
        score_HLM = (pattern_HLM - usual_HM[:, None]) * (
            fits_LM & (pattern_HLM < 0.9) & (pattern_HLM == pattern_HLM.max(axis=-1, keepdims=True))
        )
        if score_HLM.max() > best:
            head, token, _ = np.unravel_index(score_HLM.argmax(), score_HLM.shape)
            best, found = (
                float(score_HLM.max()),
                {"layer": layer, "head": int(head), "token": int(token)},
            )
    return found


# --- what each stop says --------------------------------------------------------------------------


def most_attended(view: View) -> tuple[int, float]:
    """The token that gets most of the chosen one's attention in the chosen head, and how much."""
    row_M = view.trace[view.at("attn.pattern")][view.head, view.token]
    return int(row_M.argmax()), float(row_M.max())


def overview_stop(view: View) -> str:
    at, share = most_attended(view)
    return (
        f"Your sentence became **{counted(len(view.labels), 'token')}**. This picture is the "
        "whole road that they travel: from the left, "
        "the sentence; in the middle, one of "
        f"{counted(view.config.layers(view.side), 'layer')}, opened; on the right, what comes "
        "out. We "
        f"follow {word(view)}: head {view.head} of layer {view.layer} gives "
        f"{percent(share, 0)} of its attention to "
        f"{word(view, at)}."
    )


def tokens_stop(view: View) -> str:
    at = f"{view.side}.embed"
    own = int(view.trace[f"{at}.ids"][view.token])
    near = nearest(view.trace[f"{at}.near.{own}"], 3, leave_out=(own,))
    return (
        f"{word(view)} is row {own:,} of the vocabulary’s table. The rows nearest to it are "
        + ", ".join(bold(view.word(i)) for i in near)
        + ". It brings this vector into every "
        "sentence: what the other "
        "words add to it is the rest of the road."
    )


def positions_stop(view: View) -> str:
    kind = {
        "learned": "adds a learned vector for the place",
        "sinusoid": "adds sines and cosines of the place",
        "rotary": "turns the query and the key by angles that grow with the place",
        "relative": "adds a learned number for the distance to each score",
        "none": "knows no places in this what-if",
    }
    return (
        "The rest of a transformer does not notice order. This model"
        f" {kind[view.config.positions]}; {word(view)} stands at place {view.token}. The last part,"
        " **Without positions**, turns the words round, with and without it."
    )


def query_stop(view: View) -> str:
    return (
        f"**Query.** Head {view.head} makes {view.config.d_head} numbers from the vector of"
        f" {word(view)}: what it looks for. Click any bar: its formula, its operands, and the row"
        " of the table it came from are one click further each."
    )


def scores_stop(view: View) -> str:
    best = int(view.trace[view.at("attn.scores")][view.head, view.token].argmax())
    dot, score = (
        view.trace[view.at(f"attn.{leaf}")][view.head, view.token, best]
        for leaf in ("scores.dot", "scores")
    )
    return (
        f"**Scores.** The query of {word(view)} times every key. The best fit is"
        f" {word(view, best)}: q · k is {number(dot)}, the score {number(score)}. The bars under"
        " the table show which dimensions made it."
    )


def softmax_stop(view: View) -> str:
    at, share = most_attended(view)
    return (
        f"**Softmax.** The scores become shares: {word(view)} gives {percent(share, 0)} of "
        f"its attention to {word(view, at)}. Try the "
        "temperature, and watch the framed row."
    )


def values_stop(view: View) -> str:
    at, share = most_attended(view)
    return (
        f"**Values.** What {word(view)} takes along is the weighted sum z. In the plane, the value"
        f" of {word(view, at)} pulls at z most, with {percent(share, 0)}."
    )


def heads_stop(view: View) -> str:
    roles_O = view.trace[view.at("attn.pattern.roles")][view.head]
    role = int(roles_O[:-1].argmax())
    return (
        f"Head {view.head} is one of {view.config.n_heads}. Of the habits measured here its"
        f" strongest is **{ROLES[role]}**: {percent(float(roles_O[role]))} of its attention, on"
        f" average. Compare it with its neighbours, then see what each adds to {word(view)}."
    )


def adding_stop(view: View) -> str:
    before, update, after = (
        float(view.trace[view.at(f"attn.{leaf}.length")][view.token])
        for leaf in ("in", "out", "sum")
    )
    return (
        f"{word(view)} keeps what it was: a vector of length {number(before)} gets an update of"
        f" length {number(update)}, together {number(after)}. Norms keep such vectors in bounds; at"
        " the foot of the page they are left out, and you see why."
    )


def neurons_stop(view: View) -> str:
    reach_F = view.trace[view.at("mlp.hidden.reach")][view.token]
    return (
        f"Now {word(view)} is alone with {view.config.d_mlp:,} neurons. Number"
        f" {int(reach_F.argmax())} writes most: a vector of length {number(reach_F.max())}. Find it"
        " on the curve."
    )


def layers_stop(view: View) -> str:
    steps_N = [
        float(view.trace[f"{view.side}.{n}.out.step"][view.token])
        for n in range(view.config.layers(view.side))
    ]
    last = float(view.trace[f"{view.side}.{len(steps_N) - 1}.out.similarity"][view.token])
    return (
        f"The same again, {counted(len(steps_N), 'time')}. Layer {int(np.argmax(steps_N))} "
        f"moves {word(view)} furthest; after the last, its cosine "
        f"with the vector it came in with is {number(last, 2)}: so much, or so little, is "
        "left of the beginning."
    )


def masks_stop(view: View) -> str:
    row_M = view.trace[view.at("attn.pattern")][view.head, view.token]
    later = float(row_M[view.token + 1 :].sum())
    given = f"{percent(later, 0)} of its attention" if later else "nothing"
    return (
        f"In this run head {view.head} of layer {view.layer} lets {word(view)} give {given} to the"
        " tokens after it. A decoder must not see those. Under the two maps is a mask of your own:"
        " click a cell to block it."
    )


def across_stop(view: View) -> str:
    if not view.config.crosses:
        return (
            "This model reads one sentence, and all its attention stays inside it. A translator has"
            " two, and looks from the one it writes into the one it has read. What that takes is"
            " told here; the tour goes on without it."
        )
    row_M = view.trace[view.at("cross.pattern")][view.head, view.token]
    most = int(row_M.argmax())
    return (
        f"Two sentences. In layer {view.layer} head {view.head} of {word(view)} looks across "
        f"to {bold(view.tokens('encoder')[most])} most, "
        f"with {percent(float(row_M[most]), 0)}. Its query comes from what is written, keys "
        "and values from what was read. Press Next on the "
        "page, and watch it write."
    )


def output_stop(view: View) -> str:
    if view.config.head and view.config.decoder_layers:
        ids, probs = next_tokens(view.trace, 1)
        return (
            f"The last vector is compared with all {view.config.n_vocab:,} words: "
            f"{bold(view.word(ids[0]))} gets "
            f"{percent(float(probs[0]), 0)}. Append a word, and walk the road again. This is "
            "the end of the tour: every page is open to you."
        )
    if view.config.decoder_layers:
        return (
            "The files of this model hold no output layer. This is the end of the tour: every page"
            " is open to you."
        )
    return (
        f"An encoder’s output is its vectors: {word(view)} now knows its sentence. Compare one word"
        " in two sentences, and search among lines of your own. This is the end of the tour: every"
        " page is open to you."
    )


STOPS = (
    Stop(OVERVIEW, {}, overview_stop),
    Stop(TOKENS, {}, tokens_stop),
    Stop(POSITIONS, {}, positions_stop),
    Stop(ATTENTION, {"stage": 0}, query_stop),
    Stop(ATTENTION, {"stage": 2}, scores_stop),
    Stop(ATTENTION, {"stage": 3}, softmax_stop),
    Stop(ATTENTION, {"stage": 4}, values_stop),
    Stop(HEADS, {}, heads_stop),
    Stop(ADD_AND_NORM, {}, adding_stop),
    Stop(FEED_FORWARD, {}, neurons_stop),
    Stop(LAYERS, {}, layers_stop),
    Stop(ENCODER_AND_DECODER, {}, masks_stop),
    Stop(CROSS_ATTENTION, {}, across_stop),
    Stop(OUTPUT, {}, output_stop),
)
