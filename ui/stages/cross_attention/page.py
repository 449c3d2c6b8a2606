"""The page Cross-attention from top to bottom: one figure, and further questions in cards."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.models import catalogue
from ui.kit.stage import card
from ui.session.actions import switch_model
from ui.session.selection import depth
from ui.session.view import View
from ui.stages.cross_attention.alignment import alignment, two_texts
from ui.stages.cross_attention.decoding import likelihood, step_tables
from ui.stages.cross_attention.figure import best_source, made_from
from ui.stages.cross_attention.place import TRANSLATOR, across, can_translate, is_own
from ui.stages.cross_attention.swap import find_swap, question, show_swap
from ui.stages.cross_attention.words import source, written
from ui.text import plain

KINDS = {"encoder": "an encoder", "decoder": "a decoder"}
EXAMPLE_LINE = " on its example, since it learned whole sentences of known words"


def can_show(view: View) -> bool:
    """Whether there is cross-attention to show: in the reader's model, or in that of our own."""
    return is_own(view) or catalogue.find(TRANSLATOR) is not None


def numbers_of(view: View) -> View:
    """The view in which an opened number stands."""
    return across(view) if can_show(view) else view


def translation(view: View, walk):
    """Draws the page; walk(view) draws the five steps of attention. Returns the cell that is
    explained first.
    """
    if not can_show(view):
        st.info(f"{lack(view)}. Choose a translator above.")
        return None
    shown, own = across(view), is_own(view)
    if not own:
        guest_line(view, shown)
    first = made_from(shown, own)
    cards(shown, walk)
    return first


def cards(view: View, walk) -> None:
    """Further questions."""
    if swap := find_swap(view):
        card(question(swap), "cross-swap", partial(show_swap, swap))
    best = source(view, best_source(view))
    if depth() != "numbers":  # where these tables stand in the place of the figure
        card(f"How was {written(view)} written?", "cross-step", partial(step_tables, view))
    card(f"How does this head find {best}?", "cross-find", partial(walk, view))
    card("What do the other heads look at?", "cross-heads", partial(alignment, view))
    card("How is this different from self-attention?", "cross-texts", partial(two_texts, view))
    if view.config.head:
        card("How likely is this target?", "cross-likely", partial(likelihood, view))


def guest_line(view: View, shown: View) -> None:
    """Which model is shown instead of the reader's, on which sentence, and why; in one line."""
    example = "" if can_translate(view.sentence) else EXAMPLE_LINE
    with st.container(horizontal=True, vertical_alignment="center", key="cross-guest"):
        st.markdown(f"{lack(view)}. Shown: **{TRANSLATOR}**{example}.")
        st.button(
            "Switch to it", key="cross_switch", type="tertiary", on_click=switch, args=(shown,)
        )


def lack(view: View) -> str:
    """Why the reader's model has no cross-attention."""
    return f"{plain(view.title)} is {KINDS[view.config.sides[0]]} and has no cross-attention"


def switch(shown: View) -> None:
    """The model that is shown becomes the reader's, with the sentence that it reads here."""
    switch_model(shown.request.model, sentence=shown.request.sentence)
