"""The way from a question to the page that shows its answer, and back: what the way there chose is
then as it was before.
"""

from __future__ import annotations

import streamlit as st

from ui.session.memory import Look, memory
from ui.session.navigation import EXERCISES, Page
from ui.session.selection import chosen, selection

# What belongs to a page, or to the questions
STAYS = ("cell", "walked", "swap", "replaced", "exercises", "answered", "question")


def begin_look(page: Page) -> None:
    """The reader is about to look, on that page."""
    memory().looked = Look(page, selection())


def follow_look(page: Page) -> None:
    """On a page that was just opened: remembers with what, or, back at the questions, undoes it."""
    look = memory().looked
    if look is None:
        return
    if page == EXERCISES:
        memory().looked = None
        st.session_state.update(undone(look))
    elif look.there is None and page == look.page:
        look.there = selection()


def undone(look: Look) -> dict:
    """What the look chose and the reader has not changed since, as it was before."""
    if look.there is None:
        return {}
    before, there = vars(look.before), vars(look.there)
    return {
        name: value
        for name, value in before.items()
        if name not in STAYS and value != there[name] == chosen(name)
    }


def is_looking() -> bool:
    """Whether the page is the one that a question led to."""
    look = memory().looked
    return look is not None and look.there is not None and look.page == memory().page
