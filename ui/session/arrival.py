"""How a run begins: with what the address asks for, and what the visit remembers."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.session.actions import follow_step
from ui.session.address import parse_choice
from ui.session.looking import follow_look
from ui.session.memory import arrived_at, guess_at, memory, texts_chosen
from ui.session.navigation import Page
from ui.session.selection import (
    CODECS,
    OF_ONE_PAGE,
    Selection,
    chosen,
    fits,
    select,
    selection,
    unchosen,
)
from ui.session.shared import followed, seen_in
from ui.session.shelf import SHELF
from ui.session.versions import GUESS, SHOWN

MISSING = object()  # fits no choice


def arrive(page: Page) -> None:
    """Begins a run. A link from outside, or a step back in the history, asks for what stands in the
    address; on another page of the app the choices stay, but for those in the address.
    """
    SHELF.begin()
    now = memory()
    if now.kept is None or begins_anew():
        base, moved, now.firsts = unchosen(), True, {}
    else:
        moved = now.page != page
        base = replace(now.kept, **OF_ONE_PAGE) if moved else now.kept
    now.notes, now.page = [], page
    now.link = followed(st.query_params.to_dict(), page.title) if moved else {}
    now.firsts = {name: first for name, first in now.firsts.items() if not in_link(name)}
    if moved:
        now.seen = seen_in(now.link)
        choose_from_link(base)
        show_what_link_shows(page)
    st.session_state.update(now.chosen_beside)
    now.chosen_beside = {}
    restore_choices(base)
    if moved:
        follow_look(page)
        arrived_at(chosen("model"), texts_chosen())
        start_page()


def begins_anew() -> bool:
    """Whether the reader has gone back or forth in the browser's history."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def in_link(name: str) -> bool:
    """Whether the link that was opened says something of a choice."""
    return CODECS[name].key in memory().link


def choose_from_link(base: Selection) -> None:
    """Chooses what the link asks for, and of all else what was chosen before."""
    link, before = memory().link, vars(base)
    for name, codec in CODECS.items():
        asked = in_link(name)
        st.session_state[name] = parse_choice(name, link[codec.key]) if asked else before[name]


def show_what_link_shows(page: Page) -> None:
    """A link that was copied shows its view: there, and nowhere else, the reader is not asked to
    guess."""
    if memory().link.get(GUESS) == SHOWN:
        place = guess_at(page, chosen("model"), texts_chosen())
        memory().quizzes.setdefault(place, False)


def restore_choices(kept: Selection) -> None:
    """Puts back what was kept where the session has lost a choice, as it does when a run has not
    drawn its widget, or where a browser left something that can't be chosen: a label of another
    model's list, a number out of range."""
    session, before = st.session_state, vars(kept)
    found = session.to_dict()  # at once: one by one takes three times as long
    for name, codec in CODECS.items():
        if not fits(name, found.get(name, MISSING)):
            session[name] = before[name] if fits(name, before[name]) else codec.default


def start_page() -> None:
    """A step that is looked at by its name brings its side and layer along."""
    now = selection()
    follow_step((now.cell or now.step or "").partition(":")[0])
    if now.cell is None and now.walked:
        select(walked="")  # a walk leads to a number


def arrive_alone() -> None:
    """Begins a run of a page alone, after a click in it: the address asks for nothing, and nothing
    was said yet."""
    SHELF.begin()
    memory().notes, memory().link = [], {}
    restore_choices(memory().kept or unchosen())
