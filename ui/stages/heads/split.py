"""A vector split between the heads, and the lines of one head from token to token."""

from __future__ import annotations

import streamlit as st

from core.step_ref import sliced_name
from ui.kit.components import lines
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, cell_map, largest
from ui.kit.stretches import Stretch, stretches
from ui.kit.theme import head_colour
from ui.kit.token_words import bold_apart, titled_word
from ui.kit.word_grouping import Weights
from ui.session.actions import select_token
from ui.session.selection import depth
from ui.session.view import View


def draw(view: View) -> None:
    """The chosen token's numbers, a row for each head."""
    c, t, name = view.config, view.token, titled_word(view)
    whole, q, z = c.n_heads * c.d_head, view.at("attn.q"), view.at("attn.z")
    render_depth(
        view,
        split_text(view),
        largest(view, q, view.head, t, ALL),
        largest(view, z, view.head, t, ALL),
    )
    ribbon(view)
    title = f"q of {name}: {whole} numbers, a row for each head"
    cell_map(view, q, ALL, t, ALL, title=title, chosen=view.head)
    if depth() == "numbers":
        title = f"z of {name}: what each head gathered for it, a row for each head"
        cell_map(view, z, ALL, t, ALL, title=title, chosen=view.head)


def split_text(view: View) -> str:
    """Why there are several heads, and how many numbers each of them has."""
    c = view.config
    whole, shared = c.n_heads * c.d_head, c.n_heads // c.n_kv_heads
    if c.n_heads == 1:
        return "One head makes one set of weights. This layer has one."
    made = (
        f"W_Q makes {whole} numbers of {bold_apart(view.labels, view.token)}, {c.d_head} for each"
        f" head: a row here. W_K and W_V make {c.n_kv_heads * c.d_head} each:"
        f" {shared} heads share a set."
        if shared > 1
        else f"W_Q, W_K and W_V each make {whole} numbers of {bold_apart(view.labels, view.token)},"
        f" {c.d_head} for each head: a row here."
    )
    return (
        f"One head makes one set of weights, so the layer has {c.n_heads}. {made} No head sees"
        " another’s numbers."
    )


def ribbon(view: View) -> None:
    """Which of the numbers belong to which head, in the hues of their lines, but light enough for
    dark letters.
    """
    K, heads = view.config.d_head, range(view.config.n_heads)
    parts = [
        Stretch(
            str(h),
            f"Head {h}: numbers {h * K} to {(h + 1) * K - 1}",
            None,
            head_colour(h, lightness=62),
            strong=h == view.head,
        )
        for h in heads
    ]
    words = (
        f"Numbers 0 to {K - 1} belong to head 0, {K} to {2 * K - 1} to head 1, and so on:"
        f" {len(heads)} colours, {len(heads)} heads."
        if len(heads) > 1
        else "There is only one head: it has all numbers."
    )
    stretches(parts, key="heads_ribbon", alt=words)
    st.caption(words)


# --- from token to token --------------------------------------------------------------------------


def head_lines(view: View, drawn: Weights) -> None:
    """The chosen head as lines from token to token."""
    render_depth(
        view,
        "A line is an attention weight: the stronger the line, the larger the weight. Point at a"
        " token to see its lines alone; click one on the left to choose it.",
    )
    labels = drawn.names
    lines(
        view.trace[drawn.name][view.head],
        labels,
        labels,
        key="lines",
        chosen=drawn.chosen,
        step=sliced_name(drawn.name, (view.head,)),
        on_token=lambda row: select_token(drawn.first(row)),
    )
