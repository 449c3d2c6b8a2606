"""The figure of the page: the chosen head under the encoder's and the decoder's mask, or under the
one drawn by hand; a click opens a weight, or blocks and allows a cell.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.text import percent
from ui.kit.quiz import Quiz, quiz_among
from ui.kit.section import detailed, render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, cell_map, largest
from ui.kit.token_words import which_word
from ui.session.selection import chosen
from ui.session.view import View
from ui.stages.encoder_and_decoder.editor import flip_cell, mask_begun, say_what_happened
from ui.stages.encoder_and_decoder.visibility import difference_map, pattern_under

CLICKS = {"open": "Click: how a weight was made", "draw": "Click: block or allow"}


def both_masks(view: View, encoder: View, decoder: View) -> tuple[str, tuple[int, ...]]:
    """The head under both masks, and what that changes. Returns the cell that is explained
    first.
    """
    other = view if view.mask == "own" else decoder
    before_LM, after_LM = (
        each.trace[each.at("attn.pattern")][each.head] for each in (encoder, other)
    )
    heading(
        "What does your mask hide?"
        if view.mask == "own"
        else "What is lost if no token may look ahead?",
        quiz(other),
    )
    say_what_happened()
    limit = float(max(np.nan_to_num(before_LM).max(), np.nan_to_num(after_LM).max()))
    left, right = st.columns(2, gap="medium")
    with left:
        window = reach(encoder)
        seen = "everything" if window is None else f"{window} to either side"
        head_map(encoder, f"Encoder, head {view.head}: sees {seen}", limit)
    with right:
        mask = "Your mask" if view.mask == "own" else "Decoder"
        sees = "" if view.mask == "own" else ": sees only the past"
        head_map(other, f"{mask}, head {view.head}{sees}", limit)
    click_control()
    return figure_words(view, encoder, other, before_LM, after_LM)


def reach(view: View) -> int | None:
    """How many tokens away this layer sees, whatever the mask; None where that is all of them."""
    window = view.config.window(view.layer)
    return None if window is None or window >= len(view.labels) - 1 else window


def quiz(decoder: View) -> Quiz | None:
    """How many weights become 0, if no token may look ahead; not of a mask that the reader drew."""
    allowed_LM = decoder.trace[decoder.at("attn.mask")]
    n, right = len(allowed_LM), int((~allowed_LM).sum())
    if decoder.mask == "own" or n < 2:
        return None
    pairs = n * (n - 1)
    counts = sorted({right, pairs // 2, pairs // 2 + n, pairs, n * n})
    options = [f"{count:,}" for count in counts]
    found = quiz_among(decoder, options, counts.index(right), list(range(len(counts))))
    return found and found.asks(f"How many of the {n * n:,} weights become 0?")


def figure_words(view: View, encoder: View, other: View, before_LM, after_LM) -> tuple:
    """What the maps show, at the chosen depth. Returns the cell that is explained first."""
    first = largest(view, view.at("attn.pattern"), view.head, view.token, ALL)
    render_depth(
        view,
        hidden_text(view, other, before_LM, after_LM),
        (view.at("attn.scores"), (view.head, view.token, view.token)),
        first,
    )
    if detailed():
        difference_map(encoder, other, after_LM - before_LM)
    return first


def head_map(run: View, title: str, limit: float) -> None:
    """The head's weights under one mask, to be read or to be drawn on."""
    if chosen("masks_click") == "open":
        pattern_under(run, title, limit, key=f"shown-{run.mask}")
        return
    name = run.at("attn.pattern")
    cell_map(
        run,
        name,
        run.head,
        ALL,
        ALL,
        title=title,
        chosen=run.token,
        limit=limit,
        key=f"draw-{run.mask}",
        on_cell=lambda row, column: flip_cell(mask_begun(run, run.side), row, column),
    )


def click_control() -> None:
    """What a click on a cell of the maps does."""
    st.segmented_control(
        "What a click on a cell does",
        list(CLICKS),
        key="masks_click",
        required=True,
        format_func=CLICKS.get,
        label_visibility="collapsed",
    )


def hidden_text(view: View, other: View, before_LM, after_LM) -> str:
    """How many weights the mask sets to 0, and which token loses most; at most 45 words."""
    blocked_LM = ~other.trace[other.at("attn.mask")]
    gone_L = np.where(blocked_LM, before_LM, 0).sum(axis=1)
    row = int(gone_L.argmax())
    kinds = "An **encoder** lets every token see all others; a **decoder** hides later ones."
    if reach(view) is not None:
        kinds = f"A **decoder** hides later tokens; this layer, what is over {reach(view)} away."
    if view.mask == "own":
        kinds = "Grey cells are blocked."
    where = "there" if view.mask == "own" else "on later tokens"
    lost = (
        f" {which_word(view, row)} loses most:"
        f" {percent(gone_L[row], 0)} of its attention was {where}."
        if gone_L[row] > 0.005
        else ""
    )
    blocked = int(blocked_LM.sum())
    become = "become 0: their scores turn" if blocked != 1 else "becomes 0: its score turns"
    return (
        f"{kinds} Here **{blocked} of {blocked_LM.size}** weights {become} into −∞ before softmax,"
        f" and the others share the attention.{lost}"
    )
