"""Choices that a page settles before it draws: what stands there at first, and what is possible."""

from __future__ import annotations

from collections.abc import Container

import streamlit as st

from ui.session.address import link_asks_for
from ui.session.memory import memory, note
from ui.session.selection import CODECS, chosen, select, spell
from ui.text import plain


def settle(name: str, first, options: Container | None = None) -> None:
    """Settles a choice whose first value the page finds out: it follows that value until the reader
    makes another choice.

    options: what can be chosen here, where that changes with model and text.
    """
    value, before = chosen(name), memory().firsts.get(name)
    if value is not None and options is not None and value not in options:
        if link_asks_for(name):
            asked = f"{CODECS[name].key} “{spell(value)[:40]}”"
            st.warning(plain(f"The address asks for {asked}, which cannot be chosen here."))
        value = None
    if value is None or value == before:
        # Unchecked: a text of the page's own may be longer than one that can be kept.
        st.session_state[name] = first
    memory().firsts[name] = first


def clamp(name: str, size: int) -> None:
    """Brings a choice into 0 … size − 1; says so where the address asked for another."""
    value = chosen(name)
    inside = min(max(value, 0), size - 1)
    if value != inside:
        if link_asks_for(name):
            note(
                f"The address asks for {CODECS[name].key} {value}, but here these go from 0 to"
                f" {size - 1}. You see {inside}."
            )
        select(**{name: inside})
