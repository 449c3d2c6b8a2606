"""What the pages are laid out with: the question that a figure answers, and closed cards with
further questions.

    heading(question)            one line over the figure
    card(question, name, draw)   draw() once the reader opens it
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.kit.terms import with_terms
from ui.session.selection import chosen, select


def heading(question: str, terms: bool = True) -> None:
    """The question that the figure below answers, in Markdown, on one line. terms: the field's
    words in it explain themselves.
    """
    with st.container(key="stage-heading"):
        st.title(with_terms(question) if terms else question, anchor=False)


def card(question: str, name: str, draw: Callable[[], object]) -> None:
    """A closed card with a question; draw() answers it once the card is open. name: letters and
    digits, unique among all pages; it stands in the address while the card is open.
    """
    key = f"card_{name}"
    st.session_state[key] = name in opened_cards()
    answer = st.expander(question, key=key, on_change=_turn, args=(name, key))
    if answer.open:
        with answer:
            draw()


def opened_cards() -> list[str]:
    """The names of the cards that are open."""
    return list(filter(None, chosen("cards").split(".")))


def _turn(name: str, key: str) -> None:
    """Opens or closes a card, as the reader just did."""
    others = [other for other in opened_cards() if other != name]
    select(cards=".".join([*others, name] if st.session_state[key] else others))
