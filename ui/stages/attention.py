"""Attention of one token in one head, in five steps, for the pages Attention and Cross-attention.

A step says in a few sentences what happens, draws it from the trace, and returns the cell whose
making is shown beside it. Which attention it is, `view.block` says: among the tokens of one side,
or from the decoder across to the encoder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.planes import principal_plane
from core.text import counted, each_of, number, percent
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.explanation_panel import opened_in
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL, cell_bars, cell_map, cells_table, largest
from ui.kit.token_words import seen_word, word
from ui.kit.word_grouping import grouped_weights
from ui.session.actions import close_number
from ui.session.settling import settle
from ui.text import quoted


@dataclass(frozen=True)
class AttentionStep:
    title: str
    draw: Callable  # (view) -> (name, index) of the cell that is explained first


def input_step(view) -> str:
    """What the query of this attention is made of: the token's vector, or the norm of it."""
    return view.attention("norm.out") if view.config.norm_first else view.attention("in")


def looks_across(view) -> bool:
    """Whether the tokens that are looked at are those of the other text."""
    return view.block == "cross"


def projected(view, letter: str) -> str:
    """How q, k or v is made, as a title: with the bias and the turn by position where the model has
    them.
    """
    bias = view.trace.weights[view.attention(f"{letter}.bias")]
    product = f"x · W_{letter.upper()}" + (" + b" if bias.any() else "")
    return (
        f"turned by position: {product}"
        if view.config.positions == "rotary" and letter != "v"
        else product
    )


# --- 1. the query ---------------------------------------------------------------------------------


def query_step(view):
    """Step 1: the token's vector times W_Q."""
    t, q, label = view.token, view.attention("q"), quoted(view.labels[view.token])
    first = largest(view, q, view.head, t, ALL)
    render_depth(view, query_text(view), first)
    normed = ", after the norm" if normed_first(view) else ""
    title = f"x: the vector of {label}{normed}"
    cell_map(view, input_step(view), slice(t, t + 1), ALL, title=title)
    title = f"q: its query in this head, {projected(view, 'q')}"
    cell_bars(view, q, view.head, t, ALL, title=title, kind="q")
    if detailed():
        title = "q: the queries of all tokens, a row for each"
        cell_map(view, q, view.head, ALL, ALL, title=title, chosen=t)
    return first


def normed_first(view) -> bool:
    """Whether the vector has passed a norm before it comes here."""
    return view.config.norm_first and view.config.norm != "none"


def query_text(view) -> str:
    """What the query is and how it is made."""
    c = view.config
    normed = (
        " It has passed a norm first, which brings all vectors to a similar size."
        if normed_first(view)
        else ""
    )
    rotated = (
        " Then each pair of them is turned by an angle that grows with the token’s position, so"
        " that distance counts."
        if c.positions == "rotary"
        else ""
    )
    return (
        f"{word(view)} arrives as a vector x of {c.d_model} numbers.{normed} Head {view.head}"
        f" multiplies it by its own learned matrix W_Q and gets {c.d_head} numbers: the **query**,"
        f" what {word(view)} looks for in the"
        f" {'source' if looks_across(view) else 'other tokens'}.{rotated}"
    )


# --- 2. the keys ----------------------------------------------------------------------------------


def keys_step(view):
    """Step 2: the key of every token."""
    k, own = view.attention("k"), best_seen(view) if looks_across(view) else view.token
    first = largest(view, k, view.key_head, own, ALL)
    render_depth(view, keys_text(view), first)
    shared = view.config.n_heads // view.config.n_kv_heads
    if shared > 1:
        st.caption(
            f"In this model {shared} query heads share one set of keys and values: head {view.head}"
            f" uses set {view.key_head}."
        )
    title = f"k: a row for each token, {projected(view, 'k')}"
    cell_map(view, k, view.key_head, ALL, ALL, title=title, chosen=own)
    if detailed():
        itself = "" if looks_across(view) else " itself"
        title = f"k: the key of {quoted(view.seen[own])}{itself}"
        cell_bars(view, k, view.key_head, own, ALL, title=title, kind="k")
    return first


def keys_text(view) -> str:
    """What the keys are and whose."""
    whose = (
        f"{each_of(len(view.seen), 'token')} that the encoder has read, as its "
        "**last** layer leaves it,"
        if looks_across(view)
        else "Every token"
    )
    return (
        f"{whose} is multiplied by a second matrix, W_K, and gets its **key**: what it can be found"
        f" by. Each row below is one token’s key. The query of {word(view)} will be held against"
        " every one of them."
    )


# --- 3. the scores --------------------------------------------------------------------------------


def scores_step(view):
    """Step 3: dot products, scaled and masked."""
    row_M = view.trace[view.attention("scores")][view.head, view.token]
    best = int(np.argmax(row_M))
    first = view.attention("scores.dot"), (view.head, view.token, best)
    later = [view.attention(leaf) for leaf in ("scores.scaled", "scores.biased", "scores")]
    cells = [(step, first[1]) for step in later if step in view.trace]
    render_depth(view, scores_text(view, row_M), first, *cells)
    cells_table(view, score_columns(view), key="scores")
    products(view, best)
    if detailed():
        step, title = view.attention("scores"), "Scores of all tokens"
        cell_map(view, step, view.head, ALL, ALL, title=title, chosen=view.token)
    return first


def scores_text(view, row_M) -> str:
    """How the scores of the chosen token are made, which is the best, and what the mask does."""
    K = view.config.d_head
    scaled = (
        f" It is divided by √{K} ≈ {number(K**0.5)}, since sums of {K} products grow large, and"
        " large scores would make softmax all or nothing."
        if view.config.score_scale != 1
        else " This run does not scale it."
    )
    return (
        f"The query of {word(view)} is multiplied with each key, number by number, and added up:"
        f" the **dot product** says how well they fit.{scaled} Best fits"
        f" {seen_word(view, int(np.argmax(row_M)))}. {mask_text(view, row_M)}"
    )


def mask_text(view, row_M) -> str:
    """How many scores of the chosen token the mask blocks."""
    blocked = int(np.isneginf(row_M).sum())
    if blocked:
        return (
            f"The mask blocks {blocked} of {counted(len(row_M), 'token')}: "
            f"{'its' if blocked == 1 else 'their'} score becomes −∞."
        )
    return (
        f"The mask blocks nothing here: {word(view)} may look at"
        f" {'the whole source' if looks_across(view) else 'every token'}."
    )


def score_columns(view) -> dict[str, tuple]:
    """The steps from the dot product to the score, as the columns of a table."""
    scaled = f"÷ √{view.config.d_head}" if view.config.score_scale != 1 else "× 1"
    titles = {
        "scores.dot": "q · k",
        "scores.scaled": scaled,
        "scores.biased": "+ distance",
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
    opened = next(
        (
            index
            for leaf in ("scores.dot", "scores.scaled", "scores.biased", "scores")
            if (index := opened_in(view.attention(leaf)))
        ),
        None,
    )
    head, looks, seen = opened or (view.head, view.token, best)
    cell_bars(
        view,
        view.attention(f"scores.terms.{head}.{looks}.{seen}"),
        ALL,
        title=(
            f"q ∘ k: what each dimension gives to {quoted(view.labels[looks])} → "
            f"{quoted(view.seen[seen])}; their sum is q · k"
        ),
    )


# --- 4. softmax -----------------------------------------------------------------------------------


def softmax_step(view):
    """Step 4: from scores to shares of attention."""
    step, row = view.attention("pattern"), (view.head, view.token)
    first = step, (*row, int(view.trace[step][row].argmax()))
    cells = (f"{step}.exp", first[1]), (f"{step}.total", row), first
    render_depth(view, softmax_text(view), *cells)
    other, title = softmax_controls(view)
    if other == step:
        softmax_table(view)
        drawn = grouped_weights(view)
        title = f"Attention weights of all tokens: each row sums to 1{drawn.note}"
        cell_map(view, drawn.name, view.head, ALL, ALL, chosen=drawn.chosen, title=title)
    else:
        other_table(view, other, title)
        title = f"Attention weights {title}"
        cell_map(view, other, view.head, ALL, ALL, chosen=view.token, title=title)
    return first


def softmax_text(view) -> str:
    """What softmax does with the chosen token's scores, and which token gets most."""
    step, row = view.attention("pattern"), (view.head, view.token)
    pattern_M, total = view.trace[step][row], float(view.trace[f"{step}.total"][row])
    return (
        "**Softmax** makes shares of the scores: e to the power of each score (less the row’s"
        f" largest, which changes no share), divided by the sum of them all, here {number(total)}."
        f" {word(view)} gives most, {percent(pattern_M.max(), 0)}, to"
        f" {seen_word(view, int(pattern_M.argmax()))}."
    )


def softmax_table(view) -> None:
    """The chosen token's scores, their exponentials, and the weights, with the sum below."""
    step, row = view.attention("pattern"), (view.head, view.token)
    score, exp, weight = ("score", "exp(score − max)", "÷ sum = weight")
    columns = {
        score: (view.attention("scores"), (*row, ALL)),
        exp: (f"{step}.exp", (*row, ALL)),
        weight: (step, (*row, ALL)),
    }
    cells_table(view, columns, key="softmax", bar=weight, foot={exp: (f"{step}.total", row)})


def other_table(view, other: str, title: str) -> None:
    """The chosen token's scores, its weights, and those of another softmax."""
    index = (view.head, view.token, ALL)
    columns = {
        "score": (view.attention("scores"), index),
        "weight": (view.attention("pattern"), index),
        title: (other, index),
    }
    cells_table(view, columns, key="softmax", bar=title)


def softmax_controls(view) -> tuple[str, str]:
    """A choice of what softmax is given: the scores as they are, not scaled, without the token
    itself, or at a temperature. Returns the step with the weights, and its title.
    """
    step, ways = view.attention("pattern"), softmax_ways(view)
    settle("softmax_of", "as", ways)
    way = st.segmented_control(
        "What if softmax …",
        list(ways),
        required=True,
        key="softmax_of",
        format_func=ways.get,
        on_change=close_number,
    )
    if way == "heat":
        temperature = temperature_control()
        return f"{step}.heat.{round(temperature * 100)}", f"at T = {number(temperature)}"
    titles = {"unscaled": f"without ÷ √{view.config.d_head}", "others": "with itself left out"}
    return (f"{step}.{way}", titles[way]) if way in ways and way in titles else (step, "")


def softmax_ways(view) -> dict[str, str]:
    """What softmax can be given in this run, with a title for each."""
    return (
        {"as": "As it is"}
        | ({"unscaled": f"Without ÷ √{view.config.d_head}"} if view.config.score_scale != 1 else {})
        | ({"others": "Itself left out"} if not looks_across(view) else {})
        | {"heat": "Temperature"}
    )


def temperature_control() -> float:
    """A choice of the temperature of softmax."""
    return st.slider(
        "Temperature: below 1 sharper, above 1 more even",
        0.1,
        5.0,
        step=0.1,
        key="softmax_heat",
        on_change=close_number,
    )


# --- 5. the values --------------------------------------------------------------------------------


def values_step(view):
    """Step 5: the values, weighted and summed."""
    v, z = view.attention("v"), view.attention("z")
    first, strongest = largest(view, z, view.head, view.token, ALL), best_seen(view)
    cell = v, (view.key_head, strongest, first[1][2])
    render_depth(view, values_text(view), cell, first)
    title = f"v: a row for each token, {projected(view, 'v')}"
    cell_map(view, v, view.key_head, ALL, ALL, title=title, chosen=strongest)
    row, title = slice(view.token, view.token + 1), "z: the weighted sum, column by column"
    cell_map(view, z, view.head, row, ALL, title=title)
    values_plane(view)
    return first


def values_text(view) -> str:
    """How much each value counts for the chosen token, and what becomes of their sum."""
    pattern_M = view.trace[view.attention("pattern")][view.head, view.token]
    whom, onward = (
        ("every token of the source", "page ")
        if looks_across(view)
        else ("every token", "pages Heads, and ")
    )
    terms = [
        f"{number(pattern_M[m])} · v({seen_word(view, m)})" for m in np.argsort(-pattern_M)[:3]
    ]
    return (
        f"A third matrix, W_V, gives {whom} its **value**: {view.config.d_head} numbers that it"
        f" hands over. Each value counts as much as its weight says: **z** = {' + '.join(terms)}"
        + (" + …" if len(pattern_M) > 3 else "")
        + f". What all heads find is then joined and **added** to {word(view)}: see "
        f"the {onward}Add and norm."
    )


def values_plane(view) -> None:
    """The values of all tokens as arrows, and their weighted sum."""
    v_MK = view.trace[view.attention("v")][view.key_head]
    pattern_M, z_K = (
        view.trace[view.attention(leaf)][view.head, view.token] for leaf in ("pattern", "z")
    )
    if np.isfinite(pattern_M).all() and np.isfinite(v_MK).all():
        show(
            "plane",
            plotly_figures.vectors_plane(principal_plane(v_MK), v_MK, pattern_M, z_K, view.seen),
            alt="The values of all tokens in their plane, and their weighted sum z",
        )
    else:
        st.warning("In this run the numbers have overflowed: there is no plane to draw.")


def best_seen(view) -> int:
    """The token that the chosen one looks at most."""
    return int(view.trace[view.attention("pattern")][view.head, view.token].argmax())


STEPS = (
    AttentionStep("1 Query", query_step),
    AttentionStep("2 Keys", keys_step),
    AttentionStep("3 Scores", scores_step),
    AttentionStep("4 Softmax", softmax_step),
    AttentionStep("5 Values", values_step),
)
