"""A part of a page at the four depths: its story, its numbers, its formula, or its code.

A cell is (step, index): one number of each step of the part, as `ui.kit.step_charts.largest` gives
it. The formula is written with the opened number instead where that is one of the same step.
"""

from __future__ import annotations

import streamlit as st

from core.explanation import explain
from ui.kit.explanation_panel import draw_lines, formula_in_letters, opened_in, place_words
from ui.kit.terms import with_terms
from ui.session.selection import depth
from ui.session.view import View
from ui.text import plain


def section(view: View, title: str, text: str, *cells) -> None:
    """A heading, and what the chosen depth says. The pictures follow it."""
    st.subheader(title)
    render_depth(view, text, *cells)


def render_depth(view: View, text: str, *cells) -> None:
    """What the chosen depth says: the text, the cells as formulas, or the code of their steps."""
    if depth() == "story":
        st.markdown(with_terms(text))
    elif depth() == "formula":
        for name, index in cells:
            formula(view, name, opened_in(name) or index)
    elif depth() == "code" and cells:
        draw_lines(view, [name for name, _ in cells])


def detailed() -> bool:
    """Whether the pictures beyond the first are wanted: at every depth but the story."""
    return depth() != "story"


def formula(view: View, name: str, index: tuple[int, ...]) -> None:
    """A step as a formula: in letters, what they stand for, and with the numbers of one cell."""
    made = explain(view.trace, name, index)
    st.markdown(f"**{plain(made.title)}**")
    formula_in_letters(view, name)
    st.markdown(f"At {plain(', '.join(place_words(view, name, index)))}: {plain(made.formula)}")
