"""The five steps of attention for one token and one head, as the Attention page draws them, and the
page Cross-attention.

A step says in a few sentences what happens, draws it from the trace, and returns the cell whose
making is shown beside it.
Which attention it is, `view.block` says: among the tokens of one side, or from the decoder across
to the encoder.
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
from ui.kit.token_strip import seen_word, word
from ui.kit.word_grouping import weights
from ui.session.actions import close_number
from ui.session.settling import settle
from ui.text import quoted


@dataclass(frozen=True)
class Step:
    title: str
    draw: Callable  # (view) -> (name, index) of the cell that is explained first


def reads(view) -> str:
    """What the query of this attention is made of: the token's vector, or the norm of it."""
    return view.attention("norm.out") if view.config.norm_first else view.attention("in")


def across(view) -> bool:
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


def query(view):
    """Step 1: the token's vector times W_Q."""
    c, t, q = view.config, view.token, view.attention("q")
    first = largest(view, q, view.head, t, ALL)
    norms = c.norm_first and c.norm != "none"
    normed = (
        " It has passed a norm first, which brings all vectors to a similar size." if norms else ""
    )
    turned = (
        " Then each pair of them is turned by an angle that grows with the token’s position, so"
        " that distance counts."
        if c.positions == "rotary"
        else ""
    )
    render_depth(
        view,
        f"{word(view)} arrives as a vector x of {c.d_model} numbers.{normed} Head {view.head}"
        f" multiplies it by its own learned matrix W_Q and gets {c.d_head} numbers: the **query**,"
        f" what {word(view)} looks for in the"
        f" {'source' if across(view) else 'other tokens'}.{turned}",
        first,
    )
    normed = ", after the norm" if norms else ""
    cell_map(
        view,
        reads(view),
        slice(t, t + 1),
        ALL,
        title=f"x: the vector of {quoted(view.labels[t])}{normed}",
    )
    cell_bars(
        view,
        q,
        view.head,
        t,
        ALL,
        title=f"q: its query in this head, {projected(view, 'q')}",
        kind="q",
    )
    if detailed():
        cell_map(
            view,
            q,
            view.head,
            ALL,
            ALL,
            title="q: the queries of all tokens, a row for each",
            chosen=t,
        )
    return first


def keys(view):
    """Step 2: the key of every token."""
    k, own = view.attention("k"), best_seen(view) if across(view) else view.token
    first = largest(view, k, view.key_head, own, ALL)
    whose = (
        f"{each_of(len(view.seen), 'token')} that the encoder has read, as its "
        "**last** layer leaves it,"
        if across(view)
        else "Every token"
    )
    render_depth(
        view,
        f"{whose} is multiplied by a second matrix, W_K, and gets its **key**: what it can be found"
        f" by. Each row below is one token’s key. The query of {word(view)} will be held against"
        " every one of them.",
        first,
    )
    shared = view.config.n_heads // view.config.n_kv_heads
    if shared > 1:
        st.caption(
            f"In this model {shared} query heads share one set of keys and values: head {view.head}"
            f" uses set {view.key_head}."
        )
    cell_map(
        view,
        k,
        view.key_head,
        ALL,
        ALL,
        title=f"k: a row for each token, {projected(view, 'k')}",
        chosen=own,
    )
    if detailed():
        itself = "" if across(view) else " itself"
        cell_bars(
            view,
            k,
            view.key_head,
            own,
            ALL,
            kind="k",
            title=f"k: the key of {quoted(view.seen[own])}{itself}",
        )
    return first


def scores(view):
    """Step 3: dot products, scaled and masked."""
    row_M, K = view.trace[view.attention("scores")][view.head, view.token], view.config.d_head
    best, blocked, dot = (
        int(np.argmax(row_M)),
        int(np.isneginf(row_M).sum()),
        view.attention("scores.dot"),
    )
    scaled = (
        f" It is divided by √{K} ≈ {number(K**0.5)}, since sums of {K} products grow large, and"
        " large scores would make softmax all or nothing."
        if view.config.score_scale != 1
        else " This run does not scale it."
    )
    first = dot, (view.head, view.token, best)
    render_depth(
        view,
        f"The query of {word(view)} is multiplied with each key, number by number, and added up:"
        f" the **dot product** says how well they fit.{scaled} Best fits {seen_word(view, best)}. "
        + (
            f"The mask blocks {blocked} of {counted(len(row_M), 'token')}: "
            f"{'its' if blocked == 1 else 'their'} score becomes −∞."
            if blocked
            else (
                f"The mask blocks nothing here: {word(view)} may look at"
                f" {'the whole source' if across(view) else 'every token'}."
            )
        ),
        first,
        *(
            (view.attention(leaf), first[1])
            for leaf in ("scores.scaled", "scores.biased", "scores")
            if view.attention(leaf) in view.trace
        ),
    )
    titles = {
        "scores.dot": "q · k",
        "scores.scaled": f"÷ √{K}" if view.config.score_scale != 1 else "× 1",
        "scores.biased": "+ distance",
        "mask": "may look",
        "scores": "score",
    }
    cells_table(
        view,
        {
            title: (
                view.attention(leaf),
                (view.token, ALL) if leaf == "mask" else (view.head, view.token, ALL),
            )
            for leaf, title in titles.items()
            if view.attention(leaf) in view.trace
        },
        key="scores",
    )
    products(view, best)
    if detailed():
        cell_map(
            view,
            view.attention("scores"),
            view.head,
            ALL,
            ALL,
            title="Scores of all tokens",
            chosen=view.token,
        )
    return first


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
    head, looks, at = opened or (view.head, view.token, best)
    cell_bars(
        view,
        view.attention(f"scores.terms.{head}.{looks}.{at}"),
        ALL,
        title=(
            f"q ∘ k: what each dimension gives to {quoted(view.labels[looks])} → "
            f"{quoted(view.seen[at])}; their sum is q · k"
        ),
    )


def softmax(view):
    """Step 4: from scores to shares of attention."""
    at, scores_at, row = (
        view.attention("pattern"),
        view.attention("scores"),
        (view.head, view.token),
    )
    pattern_M, total = view.trace[at][row], float(view.trace[f"{at}.total"][row])
    first = at, (*row, int(pattern_M.argmax()))
    render_depth(
        view,
        "**Softmax** makes shares of the scores: e to the power of each score (less the row’s"
        f" largest, which changes no share), divided by the sum of them all, here {number(total)}."
        f" {word(view)} gives most, {percent(pattern_M.max(), 0)}, to"
        f" {seen_word(view, int(pattern_M.argmax()))}.",
        (f"{at}.exp", first[1]),
        (f"{at}.total", row),
        first,
    )
    other, title = other_softmax(view)
    score, exp, weight = ("score", "exp(score − max)", "÷ sum = weight")
    if other == at:
        cells_table(
            view,
            {
                score: (scores_at, (*row, ALL)),
                exp: (f"{at}.exp", (*row, ALL)),
                weight: (at, (*row, ALL)),
            },
            key="softmax",
            bar=weight,
            foot={exp: (f"{at}.total", row)},
        )
    else:
        cells_table(
            view,
            {
                score: (scores_at, (*row, ALL)),
                "weight": (at, (*row, ALL)),
                title: (other, (*row, ALL)),
            },
            key="softmax",
            bar=title,
        )
    drawn = weights(view)
    if other == at:
        cell_map(
            view,
            drawn.name,
            view.head,
            ALL,
            ALL,
            chosen=drawn.chosen,
            title=f"Attention weights of all tokens: each row sums to 1{drawn.note}",
        )
    else:
        cell_map(
            view, other, view.head, ALL, ALL, chosen=view.token, title=f"Attention weights {title}"
        )
    return first


def other_softmax(view) -> tuple[str, str]:
    """A choice of what softmax is given: the scores as they are, not scaled, without the token
    itself, or at a temperature. Returns the step with the weights, and its title.
    """
    at, K = view.attention("pattern"), view.config.d_head
    ways = {
        "as": "As it is",
        "unscaled": f"Without ÷ √{K}",
        "others": "Itself left out",
        "heat": "Temperature",
    }
    for way, gone in (("unscaled", view.config.score_scale == 1), ("others", across(view))):
        if gone:
            ways.pop(way)
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
        heat = st.slider(
            "Temperature: below 1 sharper, above 1 more even",
            0.1,
            5.0,
            step=0.1,
            key="softmax_heat",
            on_change=close_number,
        )
        return f"{at}.heat.{round(heat * 100)}", f"at T = {number(heat)}"
    return (
        (at, "")
        if way not in ways or way == "as"
        else (f"{at}.{way}", {"unscaled": f"without ÷ √{K}", "others": "with itself left out"}[way])
    )


def values(view):
    """Step 5: the values, weighted and summed."""
    v_MK, z_K = (
        view.trace[view.attention("v")][view.key_head],
        view.trace[view.attention("z")][view.head, view.token],
    )
    pattern_M = view.trace[view.attention("pattern")][view.head, view.token]
    first, strongest = (
        largest(view, view.attention("z"), view.head, view.token, ALL),
        int(pattern_M.argmax()),
    )
    whom, onward = (
        ("every token of the source", "page ")
        if across(view)
        else ("every token", "pages Heads, and ")
    )
    render_depth(
        view,
        f"A third matrix, W_V, gives {whom} its **value**: {view.config.d_head} numbers that it"
        " hands over. Each value counts as much as its weight says: **z** = "
        + " + ".join(
            f"{number(pattern_M[m])} · v({seen_word(view, m)})" for m in np.argsort(-pattern_M)[:3]
        )
        + (" + …" if len(pattern_M) > 3 else "")
        + f". What all heads find is then joined and **added** to {word(view)}: see "
        f"the {onward}Add and norm.",
        (view.attention("v"), (view.key_head, strongest, first[1][2])),
        first,
    )
    cell_map(
        view,
        view.attention("v"),
        view.key_head,
        ALL,
        ALL,
        title=f"v: a row for each token, {projected(view, 'v')}",
        chosen=strongest,
    )
    cell_map(
        view,
        view.attention("z"),
        view.head,
        slice(view.token, view.token + 1),
        ALL,
        title="z: the weighted sum, column by column",
    )
    if np.isfinite(pattern_M).all() and np.isfinite(v_MK).all():
        show(
            "plane",
            plotly_figures.vectors_plane(principal_plane(v_MK), v_MK, pattern_M, z_K, view.seen),
            alt="The values of all tokens in their plane, and their weighted sum z",
        )
    else:
        st.warning("In this run the numbers have overflowed: there is no plane to draw.")
    return first


def best_seen(view) -> int:
    """The token that the chosen one looks at most."""
    return int(view.trace[view.attention("pattern")][view.head, view.token].argmax())


STEPS = (
    Step("1 Query", query),
    Step("2 Keys", keys),
    Step("3 Scores", scores),
    Step("4 Softmax", softmax),
    Step("5 Values", values),
)
