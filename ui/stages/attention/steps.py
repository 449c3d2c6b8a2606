"""Attention of one token in one head, in five steps, for the pages Attention and Cross-attention.

A step asks a question that the pipeline answers, says in few words what happens, and has all its
numbers as tables and maps. Which attention it is, `view.block` says: among the tokens of one side,
or from the decoder across to the encoder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from ui.kit.explanation_panel import opened_in
from ui.kit.guessed_place import ask_why_looked
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.section import render_depth
from ui.kit.stage import heading, opened_cards
from ui.kit.step_charts import ALL, cell_bars, cell_map, cells_table, largest, shares_of_sum
from ui.kit.word_grouping import grouped_weights
from ui.session.selection import chosen, depth
from ui.stages.attention import words
from ui.stages.attention.names import (
    best_fit,
    best_seen,
    input_step,
    looking_title,
    looks_across,
    looks_words,
    normed_first,
    projected,
    row_of,
    scaled_by,
    seen_words,
)
from ui.stages.attention.pipeline import pipeline
from ui.stages.attention.questions import KEYS, QUERY, SCORES, VALUES, questions
from ui.text import bold, quoted

ITS_CARD = "why-look"  # on Why this word?, what a score is made of


@dataclass(frozen=True)
class AttentionStep:
    title: str
    question: Callable  # (view) -> the question that the figure answers, in Markdown
    text: Callable  # (view) -> what happens, in at most 45 words
    cells: Callable  # (view) -> the cells (name, index) that stand for it; the first one opens
    numbers: Callable  # (view): draws every number of it


def attention(view) -> tuple[str, tuple[int, ...]]:
    """The chosen step: its question, the pipeline, what the depth says, and further questions.
    Returns the cell that is explained first.
    """
    stage = chosen("stage")
    heading(STEPS[stage].question(view), quiz(view, stage), name=f"{view.block}-{stage}")
    walk(view)
    if stage == SCORES:
        leads_to_why(view)
    questions(view, stage)
    return STEPS[stage].cells(view)[0]


def quiz(view, stage: int) -> Quiz | None:
    """The tokens among which the chosen step finds one: the best key, the highest score, the
    largest weight, the largest share of z. At the query, where the way to it begins, the weight.
    """
    names = {KEYS: "scores.dot", SCORES: "scores", VALUES: "z.share"}
    values_M = row_of(view, names.get(stage, "pattern"))
    hidden_M = np.isneginf(row_of(view, "scores"))
    found = quiz_of_most(view, seen_words(view), np.where(hidden_M, -np.inf, values_M))
    questions = {QUERY: "Which word will it look at most?", VALUES: "Which word gives most of it?"}
    return found and found.asks(questions.get(stage, ""))


def walk(view) -> None:
    """The pipeline, and what the depth says of the chosen step."""
    step = STEPS[chosen("stage")]
    pipeline(view)
    with st.container(key=f"said-{view.block}-{chosen('stage')}-{depth()}"):
        if depth() == "numbers":
            step.numbers(view)
        else:
            render_depth(view, step.text(view), *step.cells(view))


# --- 1. the query ---------------------------------------------------------------------------------


def query_cells(view) -> list:
    """The largest number of the query."""
    return [largest(view, view.attention("q"), view.head, view.token, ALL)]


def query_numbers(view) -> None:
    """The token's vector, its query, and the queries of all tokens."""
    t, q, label = view.token, view.attention("q"), looking_title(view)
    normed = ", after the norm" if normed_first(view) else ""
    title = f"x: the vector of {label}{normed}"
    cell_map(view, input_step(view), slice(t, t + 1), ALL, title=title)
    title = f"q: its query in this head, {projected(view, 'q')}"
    cell_bars(view, q, view.head, t, ALL, title=title, kind="q")
    title = "q: the queries of all tokens, a row for each"
    cell_map(view, q, view.head, ALL, ALL, title=title, chosen=t)


# --- 2. the keys ----------------------------------------------------------------------------------


def keys_cells(view) -> list:
    """The dot product with the key that fits best, and the largest number of that key."""
    best = best_fit(view)
    dot = view.attention("scores.dot"), (view.head, view.token, best)
    return [dot, largest(view, view.attention("k"), view.key_head, best, ALL)]


def keys_numbers(view) -> None:
    """The keys of all tokens, and the one of the token that looks or fits best."""
    k, own = view.attention("k"), best_fit(view) if looks_across(view) else view.token
    shared = view.config.n_heads // view.config.n_kv_heads
    if shared > 1:
        st.caption(
            f"In this model {shared} query heads share one set of keys and values: head {view.head}"
            f" uses set {view.key_head}."
        )
    title = f"k: a row for each token, {projected(view, 'k')}"
    cell_map(view, k, view.key_head, ALL, ALL, title=title, chosen=own)
    title = f"k: the key of {quoted(seen_words(view)[own])}"
    cell_bars(view, k, view.key_head, own, ALL, title=title, kind="k")


# --- 3. the scores --------------------------------------------------------------------------------


def scores_cells(view) -> list:
    """The best score on its way: dot product, scaled, with distance, masked."""
    best = int(np.argmax(row_of(view, "scores")))
    index = view.head, view.token, best
    leaves = ("scores.scaled", "scores.dot", "scores.biased", "scores.capped", "scores")
    return [(step, index) for leaf in leaves if (step := view.attention(leaf)) in view.trace]


def scores_numbers(view) -> None:
    """Every number on the way to the scores, the products of one pair, and the scores of all."""
    cells_table(view, score_columns(view), key="scores")
    products(view, int(np.argmax(row_of(view, "scores"))))
    step, title = view.attention("scores"), "Scores of all tokens"
    cell_map(view, step, view.head, ALL, ALL, title=title, chosen=view.token)


def score_columns(view) -> dict[str, tuple]:
    """The steps from the dot product to the score, as the columns of a table."""
    scaled = scaled_by(view) or "× 1"
    titles = {
        "scores.dot": "q · k",
        "scores.scaled": scaled,
        "scores.biased": "+ distance",
        "scores.capped": "capped",
        "mask": "may look",
        "scores": "score",
    }
    return {
        title: (
            view.attention(leaf),
            (view.token, ALL) if leaf == "mask" else (view.head, view.token, ALL),
        )
        for leaf, title in titles.items()
        if view.attention(leaf) in view.trace
    }


def products(view, best: int) -> None:
    """The elementwise products q ∘ k of one pair: the opened one's, else of the token that fits
    best.
    """
    head, looks, seen = shown_pair(view, best)
    pair = f"{quoted(looks_words(view)[looks])} → {quoted(seen_words(view)[seen])}"
    cell_bars(
        view,
        view.attention(f"scores.terms.{head}.{looks}.{seen}"),
        ALL,
        title=f"q ∘ k: what each dimension gives to {pair}; their sum is q · k",
    )


def shown_pair(view, best: int) -> tuple[int, int, int]:
    """Head, the token that looks, and the token that is looked at: those of the opened score, else
    the chosen ones and the best.
    """
    leaves = ("scores.dot", "scores.scaled", "scores.biased", "scores.capped", "scores")
    opened = (opened_in(view.attention(leaf)) for leaf in leaves)
    return next(filter(None, opened), (view.head, view.token, best))


def leads_to_why(view) -> None:
    """The way to what a score is made of, where Why this word? can be asked about the token that
    looks.
    """
    pair = shown_pair(view, int(np.argmax(row_of(view, "scores"))))
    asks = view.config.head and view.side == view.config.sides[-1] and pair[1] in view.trace.rows
    if asks and np.isfinite(view.trace[view.attention("scores")][pair]):
        cards = ".".join(dict.fromkeys([*opened_cards(), ITS_CARD]))
        st.button(
            f"Why this score for {bold(seen_words(view)[pair[2]])}? → Why this word?",
            key="attention_why",
            on_click=ask_why_looked,
            args=(view, pair, cards),
        )


# --- 4. softmax -----------------------------------------------------------------------------------


def softmax_cells(view) -> list:
    """The largest weight, its exponential, and their sum."""
    step, row = view.attention("pattern"), (view.head, view.token)
    first = step, (*row, best_seen(view))
    return [first, (f"{step}.exp", first[1]), (f"{step}.total", row)]


def softmax_numbers(view) -> None:
    """The token's scores, their exponentials with and without the shift, and the weights, with the
    sums below; and the weights of all tokens.
    """
    step, row = view.attention("pattern"), (view.head, view.token)
    plain, exp, weight = "e^score", "e^(score − max)", "÷ sum = weight"
    columns = {
        "score": (view.attention("scores"), (*row, ALL)),
        plain: (f"{step}.power", (*row, ALL)),
        exp: (f"{step}.exp", (*row, ALL)),
        weight: (step, (*row, ALL)),
    }
    foot = {plain: (f"{step}.power.total", row), exp: (f"{step}.total", row)}
    cells_table(view, columns, key="softmax", bar=weight, foot=foot)
    drawn = grouped_weights(view)
    title = f"Attention weights of all tokens: each row sums to 1{drawn.note}"
    cell_map(view, drawn.name, view.head, ALL, ALL, chosen=drawn.chosen, title=title)


# --- 5. the values --------------------------------------------------------------------------------


def values_cells(view) -> list:
    """The largest number of the weighted sum, and the value that counts most for it."""
    first = largest(view, view.attention("z"), view.head, view.token, ALL)
    return [first, (view.attention("v"), (view.key_head, best_seen(view), first[1][2]))]


def values_numbers(view) -> None:
    """The values of all tokens, how much of the sum each makes, and the sum."""
    v, z, row = view.attention("v"), view.attention("z"), (view.head, view.token, ALL)
    columns = {
        "weight": (view.attention("pattern"), row),
        "share of z": (view.attention("z.share"), row),
    }
    cells_table(view, columns, key="values", bar="weight")
    shares_of_sum(view, view.attention("z.share"), *row)
    title = f"v: a row for each token, {projected(view, 'v')}"
    cell_map(view, v, view.key_head, ALL, ALL, title=title, chosen=best_seen(view))
    rows, title = slice(view.token, view.token + 1), "z: the weighted sum, column by column"
    cell_map(view, z, view.head, rows, ALL, title=title)


STEPS = (
    AttentionStep("1 Query", words.query_question, words.query_text, query_cells, query_numbers),
    AttentionStep("2 Keys", words.keys_question, words.keys_text, keys_cells, keys_numbers),
    AttentionStep(
        "3 Scores", words.scores_question, words.scores_text, scores_cells, scores_numbers
    ),
    AttentionStep(
        "4 Softmax", words.softmax_question, words.softmax_text, softmax_cells, softmax_numbers
    ),
    AttentionStep(
        "5 Values", words.values_question, words.values_text, values_cells, values_numbers
    ),
)
