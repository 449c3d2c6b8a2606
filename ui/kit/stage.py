"""What the pages are laid out with: the question that a figure answers, which the reader may guess
first, and closed cards with further questions.

    heading(question, quiz)      one line over the figure, and what may be guessed (ui.kit.quiz)
    card(question, name, draw)   draw() once the reader opens it
    table_card(…)                the same, and open at the depth Numbers
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import streamlit as st

from ui.kit.quiz import Quiz, is_open, quiz_line
from ui.kit.terms import with_terms
from ui.session.memory import memory
from ui.session.selection import chosen, depth, select


def heading(
    question: str,
    quiz: Quiz | None = None,
    *,
    terms: bool = True,
    beside: Callable[[], object] | None = None,
    name: str = "",
) -> None:
    """The question that the figure below answers, in Markdown, on one line. While the reader may
    still guess, the figure is veiled; a stage asks once for each sentence and model. terms: whether
    its words explain themselves; not where controls beside it name them, and the text below does.
    beside: draws such controls, on the same line. name: of one of several questions of a page: the
    words of one don't move to their places in the next.
    """
    if quiz is None and memory().arrived:
        memory().arrived = ()  # what there is to guess after a click comes from that click
    quiz = quiz and replace(quiz, title=question)
    memory().asking = is_open(quiz)
    with st.container(key="stage-heading"):
        line = nullcontext()
        if beside or name:
            key = f"question-{name}" if name else None
            line = st.container(key=key, horizontal=bool(beside), vertical_alignment="center")
        with line:
            st.title(with_terms(question) if terms else question, anchor=False)
            if beside:
                beside()
        if quiz:
            quiz_line(quiz)
    if memory().asking:
        with st.container(key="veil"):
            st.html('<span aria-hidden="true">Guess, and the figure appears.</span>')


# --- further questions ----------------------------------------------------------------------------


def card(question: str, name: str, draw: Callable[[], object]) -> None:
    """A closed card with a question; draw() answers it once the card is open. name: letters, digits
    and hyphens, unique among all pages; it stands in the address while the card is open.
    """
    key = f"card_{name}"
    st.session_state[key] = name in opened_cards()
    answer = st.expander(question, key=key, on_change=_turn, args=(name, key))
    if answer.open:
        with answer:
            draw()


def table_card(question: str, name: str, draw: Callable[[], object]) -> None:
    """A card with tables: at the depth Numbers they lie open on the page."""
    if depth() == "numbers":
        draw()
    else:
        card(question, name, draw)


def opened_cards() -> list[str]:
    """The names of the cards that are open."""
    return list(filter(None, chosen("cards").split(".")))


def _turn(name: str, key: str) -> None:
    """Opens or closes a card, as the reader just did."""
    others = [other for other in opened_cards() if other != name]
    select(cards=".".join([*others, name] if st.session_state[key] else others))
