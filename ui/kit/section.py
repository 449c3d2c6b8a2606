"""A stage of the road at the four depths: its story, its numbers, its formula, its code.

    section(view, title, story, *cells)     a heading, and what the chosen depth says about it; the
                                            pictures come after it
    told(view, story, *cells)               the same without a heading
    detailed()                              whether the pictures beyond the first are wanted: at
                                            every depth but the story

cells: (step, index) of one number of each step of the stage, as `ui.kit.step_charts.largest` gives
them. The formula is written with the opened number instead, where it is one of the same step.
"""

from __future__ import annotations

import streamlit as st

from core.explanation import explain
from core.steps import about
from core.steps.letters import letters_in
from ui.kit.explanation_panel import draw_lines, opened_in, place_words
from ui.kit.theme import coloured
from ui.session.selection import depth
from ui.session.view import View
from ui.text import plain


def section(view: View, title: str, story: str, *cells) -> None:
    """A heading, and what the chosen depth says."""
    st.subheader(title)
    told(view, story, *cells)


def told(view: View, story: str, *cells) -> None:
    """What the chosen depth says about a stage."""
    if depth() == "story":
        st.markdown(story)
    elif depth() == "formula":
        for name, index in cells:
            formula(view, name, opened_in(name) or index)
    elif depth() == "code" and cells:
        draw_lines(view, [name for name, _ in cells])


def detailed() -> bool:
    """Whether the pictures beyond the first are wanted."""
    return depth() != "story"


def formula(view: View, name: str, index: tuple[int, ...]) -> None:
    """A step as a formula: in letters, what they stand for, and with the numbers of one cell."""
    made, letters = explain(view.trace, name, index), letters_in(about(view.trace, name).latex)
    st.markdown(f"**{plain(made.title)}**")
    st.latex(coloured(made.latex))
    if letters:
        st.caption(" · ".join(f"${letter}$ {plain(word)}" for letter, word in letters.items()))
    st.markdown(f"At {plain(', '.join(place_words(view, name, index)))}: {plain(made.formula)}")
