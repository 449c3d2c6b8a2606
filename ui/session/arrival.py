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
from ui.session.selection import CODECS, OLDER, Selection, chosen, fits, selection, unchosen
from ui.session.shelf import SHELF

MISSING = object()  # fits no choice
# What a copied link (assets/components/share.js) says beside the choices, and no address keeps
GUESS, SHOWN = "guess", "shown"


def arrive(page: Page) -> None:
    """Begins a run. A link from outside, or a step back in the history, asks for what stands in the
    address; on another page of the app the choices stay, but for those in the address.
    """
    SHELF.begin()
    now, link = memory(), of_today(st.query_params.to_dict())
    if now.kept is None or begins_anew():
        base, moved, now.firsts = unchosen(), True, {}
    else:
        moved = now.page != page
        base = replace(now.kept, cell=None, swap="") if moved else now.kept
    now.notes, now.link, now.page = [], link if moved else {}, page
    now.firsts = {name: first for name, first in now.firsts.items() if not in_link(name)}
    if moved:
        choose_from_link(base)
        show_what_link_shows(page)
    st.session_state.update(now.chosen_beside)
    now.chosen_beside = {}
    restore_choices(base)
    if moved:
        follow_look(page)
        arrived_at(chosen("model"), texts_chosen())
        start_page()


def of_today(link: dict[str, str]) -> dict[str, str]:
    """A link with the names of today. An older one names a control of the output only where it
    differs from where it began then.
    """
    if not link.keys() & OLDER.keys():
        return link
    meant = {CODECS[name].key: link.get(name, first) for name, first in OLDER.items()}
    return meant | {key: text for key, text in link.items() if key not in OLDER}


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
    """On another page the path to the opened number ends at it."""
    now, chosen = memory(), selection()
    trail, cell = now.trail, chosen.cell
    follow_step((cell or chosen.step or "").partition(":")[0])
    now.trail = trail[: trail.index(cell) + 1] if cell in trail else [cell] if cell else []


def arrive_alone() -> None:
    """Begins a run of a page alone, after a click in it: the address asks for nothing, and nothing
    was said yet."""
    SHELF.begin()
    memory().notes, memory().link = [], {}
    restore_choices(memory().kept or unchosen())
