"""Further questions about attention, in closed cards: other softmaxes, all tokens at once, why this
word and not another, and the values as arrows.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core.planes import principal_plane
from core.steps.attention import plainly_scaled
from core.text import all_of, number
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.stage import card
from ui.kit.step_charts import ALL, cell_map, cells_table, stacked
from ui.kit.word_grouping import grouped_weights
from ui.session.actions import close_number
from ui.session.settling import settle
from ui.stages.attention.names import best_seen, looks_across, row_of, runner_up, seen, seen_words

QUERY, KEYS, SCORES, SOFTMAX, VALUES = range(5)


def questions(view, stage: int) -> None:
    """The cards that suit a step."""
    across = "across-" if looks_across(view) else ""
    title = f"What do {all_of(len(view.labels), 'token')} look at?"
    card(
        title, f"{across}attention-map", partial(whole_map, view)
    )  # the first: it is on every step
    other = runner_up(view)
    if other is not None and stage in (KEYS, SCORES, SOFTMAX):
        title = why_question(view, other)
        card(title, f"{across}attention-why", partial(why, view, other))
    if stage in (SCORES, SOFTMAX):
        card(softmax_question(view), f"{across}attention-softmax", partial(other_softmax, view))
    if stage == VALUES:
        title = "How do the values add up to z?"
        card(title, f"{across}attention-plane", partial(values_plane, view))


# --- why this word --------------------------------------------------------------------------------


def why_question(view, other: int) -> str:
    """Why the best one leads this word; said to be among the words where another token, such as a
    special one, scores higher than it.
    """
    pair = f"{seen(view, best_seen(view))} and not {seen(view, other)}"
    row_M = row_of(view, "scores")
    second = int((row_M > row_M[other]).sum()) <= 1
    return f"Why {pair}?" if second else f"Among the other words, why {pair}?"


def why(view, other: int) -> None:
    """The products of query and key of two tokens, one below the other."""
    best = best_seen(view)
    at = f"scores.terms.{view.head}.{view.token}"
    terms = {m: view.trace[view.attention(f"{at}.{m}")].astype(float) for m in (best, other)}
    dot_M = row_of(view, "scores.dot")
    st.markdown(why_text(view, best, other, terms[best] - terms[other]))
    rows = {f"{seen_words(view)[m]}: {number(dot_M[m], 3)}": m for m in (best, other)}
    stacked(
        view,
        f"why-{view.block}",
        {title: (view.attention(f"{at}.{m}"), (ALL,)) for title, m in rows.items()},
        title="Query × key, number by number; each row adds up to the number before it",
        columns_title="dimension of the head",
    )


def why_text(view, best: int, other: int, gap_K: np.ndarray) -> str:
    """By how much the dot products differ, and which dimensions make most of it."""
    whole, order = float(gap_K.sum()), np.argsort(-gap_K, kind="stable")[:3]
    if not np.isfinite(whole):
        return "In this run the numbers overflowed: they can’t be compared."
    dims = ", ".join(str(int(k)) for k in order)
    return (
        f"{seen(view, best)} leads by {number(whole, 3)} before scaling. Dimensions {dims} add"
        f" {number(gap_K[order].sum(), 3)} to that lead; the others"
        f" {number(whole - gap_K[order].sum(), 3)}."
    )


# --- other softmaxes ------------------------------------------------------------------------------


def softmax_question(view) -> str:
    """The first of the other softmaxes, as a question."""
    if "unscaled" in softmax_ways(view):
        return f"What if scores were not divided by √{view.config.d_head}?"
    return "What if softmax were sharper, or more even?"


def other_softmax(view) -> None:
    """Softmax as it is beside another one."""
    step = view.attention("pattern")
    other, title = softmax_controls(view)
    index = (view.head, view.token, ALL)
    columns = {"score": (view.attention("scores"), index), "share": (step, index)}
    columns |= {title: (other, index)}
    cells_table(view, columns, key=f"other-{view.block}", bar=title)
    title = f"Attention weights {title}"
    cell_map(view, other, view.head, ALL, ALL, chosen=view.token, title=title)


def softmax_controls(view) -> tuple[str, str]:
    """A choice of what softmax is given: the scores not scaled, without the token itself, or at a
    temperature. Returns the step with the weights, and its title.
    """
    step, ways = view.attention("pattern"), softmax_ways(view)
    settle("softmax_of", next(iter(ways)), ways)
    way = st.segmented_control(
        "What if softmax …",
        list(ways),
        required=True,
        key="softmax_of",
        format_func=ways.get,
        on_change=close_number,
        label_visibility="collapsed",
    )
    if way == "heat":
        temperature = temperature_control()
        return f"{step}.heat.{round(temperature * 100)}", f"at T = {number(temperature)}"
    titles = {"unscaled": f"without ÷ √{view.config.d_head}", "others": "with itself left out"}
    way = way if way in ways else next(iter(ways))
    return f"{step}.{way}", titles[way]


def softmax_ways(view) -> dict[str, str]:
    """What softmax can be given in this run, with a title for each."""
    divided = plainly_scaled(view.config) and view.config.score_scale != 1
    return (
        ({"unscaled": f"Without ÷ √{view.config.d_head}"} if divided else {})
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


# --- all tokens, and the values -------------------------------------------------------------------


def whole_map(view) -> None:
    """The weights of all tokens as a map."""
    drawn = grouped_weights(view)
    title = f"Attention weights of all tokens: each row sums to 1{drawn.note}"
    cell_map(view, drawn.name, view.head, ALL, ALL, chosen=drawn.chosen, title=title, key="card")


def values_plane(view) -> None:
    """The values of all tokens as arrows, and their weighted sum."""
    v_MK = view.trace[view.attention("v")][view.key_head]
    pattern_M, z_K = row_of(view, "pattern"), row_of(view, "z")
    if np.isfinite(pattern_M).all() and np.isfinite(v_MK).all():
        words = seen_words(view)
        show(
            f"plane-{view.block}",
            plotly_figures.vectors_plane(principal_plane(v_MK), v_MK, pattern_M, z_K, words),
            alt="The values of all tokens in their plane, and their weighted sum z",
        )
    else:
        st.warning("In this run the numbers have overflowed: there is no plane to draw.")
