"""The guided tour: from stop to stop along the road, each with what to look at there, on the
reader's own sentence.

    start(view)         a button that begins it
    place()             on every page while the tour lasts: where its card will stand
    card(…)             the card: where the tour is, what to look at, back, next, end

A stop says on which page it is, what is chosen there and what there is to see; all of it is read
from the trace. What it speaks of gets a ring. While the page waits for a guess, the stop does, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.decoding import next_tokens
from core.steps.embedding import nearest
from core.text import counted, number, percent
from ui.kit.components import point_at
from ui.kit.task_labels import outcomes
from ui.kit.token_words import word
from ui.session.actions import close_number
from ui.session.memory import memory
from ui.session.navigation import (
    ATTENTION,
    CROSS_ATTENTION,
    FEED_FORWARD,
    HEADS,
    OUTPUT,
    OVERVIEW,
    POSITIONS,
    TOKENS,
    Page,
    go,
)
from ui.session.opening import decision_of
from ui.session.selection import chosen, select
from ui.session.view import View, is_word
from ui.text import bold

QUIZ = ".st-key-quiz"
GUESS = (
    "First, a guess: click one of the answers over the picture. Then the picture shows what is"
    " true, and the tour goes on here."
)


@dataclass(frozen=True)
class Stop:
    """A stop of the tour."""

    page: Page
    choices: dict  # besides layer, head and token, which the whole tour keeps
    say: Callable[[View], str]  # what to look at, as Markdown
    points_at: str  # the part of the page that it speaks of, as a selector


def start(view: View) -> None:
    """Begins the tour at the token and the head where the most can be seen."""
    st.button(
        "▶ Tour",
        key="tour_start",
        type="primary",
        on_click=begin,
        args=(view,),
        help=f"{len(STOPS)} stops, five minutes, on your own sentence.",
    )


def place() -> DeltaGenerator | None:
    """Where the card stands, before the page, which is drawn first: only then it is known whether
    something is to be guessed there.
    """
    return None if chosen("tour") is None else st.container(key="tour")


def card(place: DeltaGenerator | None, view: View, page: Page) -> None:
    """A card that floats over the page: what there is to look at; back, next, end."""
    at = chosen("tour")
    if at is None or place is None:
        return
    stop = STOPS[at]
    with place:
        st.markdown(f"**{at + 1} of {len(STOPS)} · {stop.page.title}**")
        st.markdown(stop_words(view, page, stop))
        buttons(page, at)
    if stop.page is page:
        asking = memory().asking
        with st.container(key="unseen-ring"):  # beside the card, which so stands over the ring
            point_at(QUIZ if asking else stop.points_at, 2 * at + asking)


def stop_words(view: View, page: Page, stop: Stop) -> str:
    """What there is to look at, or how to go on with the tour."""
    if stop.page is page:
        return GUESS if memory().asking else stop.say(view)
    return "You left the tour. Resume it where you were."


def buttons(page: Page, at: int) -> None:
    """The way on, back, and out."""
    row, waits = st.container(horizontal=True, gap="small"), STOPS[at].page
    if waits is not page:
        row.button("Resume", key="tour_return", type="primary", on_click=visit, args=(at,))
    else:
        if at > 0:
            row.button("Back", key="tour_back", on_click=visit, args=(at - 1,))
        if at + 1 < len(STOPS):
            look = "secondary" if memory().asking else "primary"
            row.button("Next", key="tour_next", type=look, on_click=visit, args=(at + 1,))
    row.button("End tour", key="tour_end", type="tertiary", on_click=end)


def begin(view: View) -> None:
    """Goes to the first stop."""
    memory().tour_model = ""
    visit(0, **best_place(view))


def visit(at: int, **choices) -> None:
    """Goes to a stop. One that needs a model of its own gives the reader's back afterwards."""
    close_number()
    stop, now = STOPS[at], memory()
    changed = dict(stop.choices)
    if "model" in changed and not now.tour_model:
        now.tour_model, changed["token"] = chosen("model"), None
    elif "model" not in changed and now.tour_model:
        changed |= {"model": now.tour_model, "token": None}
        now.tour_model = ""
    go(stop.page, tour=at, **(CLOSED | changed), **choices)


def end() -> None:
    """Ends the tour, and leaves the reader where it is."""
    memory().tour_model = ""
    select(tour=None)


def best_place(view: View) -> dict:
    """The layer, the head and the token where there is the most to see: the head that decides on
    the next word, at the last token. Where none does, a longer word that gives much, and not all,
    of its attention to another one further away, and more than other words give it. A head that
    always looks at the token before, or a token that all look at, would make a dull tour.
    """
    if decision := decision_of(view.request):
        return {"layer": decision.layer, "head": decision.head, "token": len(view.labels) - 1}
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
    return (
        f"Your sentence is now **{counted(len(view.labels), 'token')}**, a row each. Follow"
        f" {word(view)} from left to right. Which word does it look at most in head {view.head} of"
        f" layer {view.layer}? You will guess it on the way. Press ▶ to see it move."
    )


def tokens_stop(view: View) -> str:
    at = f"{view.side}.embed"
    own = int(view.trace[f"{at}.ids"][view.token])
    near = nearest(view.trace[f"{at}.near.{own}"], 3, leave_out=(own,))
    return (
        f"The model has a vector for every word of its vocabulary. {word(view)} is number {own:,};"
        f" the most similar are {', '.join(bold(view.word(i)) for i in near)}. The vector is the"
        " same in every sentence. The other words will change that."
    )


def positions_stop(view: View) -> str:
    kind = {
        "learned": "This model adds a learned vector for the position",
        "sinusoid": "This model adds sine and cosine waves of the position",
        "rotary": "This model rotates queries and keys by position × angle",
        "relative": "This model adds a learned number for each distance to the scores",
        "alibi": "This model lowers each score with the distance",
        "none": "This what-if leaves the positions out",
    }
    return (
        f"Attention alone does not see the order of words. {kind[view.config.positions]};"
        f" {word(view)} is at position {view.token}. The open card reverses your words, with and"
        " without positions."
    )


def scores_stop(view: View) -> str:
    best = int(view.trace[view.at("attn.scores")][view.head, view.token].argmax())
    score = float(view.trace[view.at("attn.scores")][view.head, view.token, best])
    return (
        f"{word(view)} makes a **query**, every token a **key**. Query times key is a **score**:"
        f" how well they fit. {word(view, best)} fits best, with {number(score, 3)}. Click the"
        " score to see the products it adds up."
    )


def softmax_stop(view: View) -> str:
    at, share = most_attended(view)
    return (
        f"**Softmax** turns scores into shares: {word(view)} gives {word(view, at)}"
        f" {percent(share, 0)}. The open card divides the scores by a temperature of 3 first, and"
        " the shares move closer together."
    )


def values_stop(view: View) -> str:
    at, share = most_attended(view)
    return (
        f"Each token offers a **value**. {word(view)} collects their weighted sum, in which"
        f" {word(view, at)} has a weight of {percent(share, 0)}. It becomes an update to the"
        f" vector of {word(view)}: that is how a vector takes in its context."
    )


def heads_stop(view: View) -> str:
    return (
        f"Layer {view.layer} has {counted(view.config.n_heads, 'head')}, each with its own"
        " weights. Compare them, then look at the open card: what would change if head"
        f" {view.head} were silent?"
    )


def neurons_stop(view: View) -> str:
    reach_F = view.trace[view.at("mlp.hidden.reach")][view.token]
    return (
        f"After attention, **{view.config.d_mlp:,} neurons** work on {word(view)} alone. Neuron"
        f" {int(reach_F.argmax())} writes the longest vector ({number(float(reach_F.max()), 3)})."
        f" Attention and feed-forward repeat in {counted(view.config.layers(view.side), 'layer')}."
    )


def across_stop(view: View) -> str:
    return (
        "A translator reads one sentence and writes another. Each word it writes attends to the"
        " words it has read. Click a French word to see which."
    )


def output_stop(view: View) -> str:
    if found := outcomes(view, 1):
        return (
            f"A head that was trained for it reads the last vectors: {bold(found[0].words)} gets"
            f" {percent(found[0].share, 0)}. That was the tour: click any number to see how it was"
            " made."
        )
    if not (view.config.head and view.config.decoder_layers):
        return (
            "This page shows what becomes of the model’s last vectors. That was the tour. Every"
            " page is open to you; click any number to see how it was made."
        )
    ids, probs = next_tokens(view.trace, 1)
    return (
        f"The last vector is compared with all {view.config.n_vocab:,} words."
        f" {bold(view.word(ids[0]))} gets {percent(float(probs[0]), 0)}. Append it, and the model"
        " reads on. That was the tour: click any number to see how it was made."
    )


# What a stop opens is closed again at the next one.
CLOSED = {"cards": "", "softmax_of": None}
SOFTMAX_AT_3 = {"stage": 3, "cards": "attention-softmax", "softmax_of": "heat", "softmax_heat": 3.0}
CARD = "[data-testid=stExpander]"  # as it is seen; what holds it is taller

STOPS = (
    Stop(OVERVIEW, {}, overview_stop, ".st-key-river"),
    Stop(TOKENS, {}, tokens_stop, "[class*=st-key-pieces]"),
    Stop(
        POSITIONS,
        {"cards": "positions-order"},
        positions_stop,
        f".st-key-card_positions-order {CARD}",
    ),
    Stop(ATTENTION, {"stage": 2}, scores_stop, ".st-key-pipeline-attn"),
    Stop(ATTENTION, SOFTMAX_AT_3, softmax_stop, f".st-key-card_attention-softmax {CARD}"),
    Stop(ATTENTION, {"stage": 4}, values_stop, ".st-key-pipeline-attn"),
    Stop(HEADS, {"cards": "heads-silent"}, heads_stop, ".st-key-heads"),
    Stop(FEED_FORWARD, {}, neurons_stop, "[class*=st-key-ff]"),
    Stop(CROSS_ATTENTION, {}, across_stop, "[class*=st-key-cross-alignment]"),
    Stop(OUTPUT, {"model": "study-decoder"}, output_stop, "[class*=st-key-output]"),
)
