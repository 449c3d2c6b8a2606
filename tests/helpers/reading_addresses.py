"""Reads odd addresses as a page does, within a run of Streamlit: its session counts what came."""

from __future__ import annotations

from random import Random
from urllib.parse import parse_qsl

import streamlit as st

from core.errors import harmless
from tests.helpers.odd_addresses import NAMES, odd_link, odd_value, query
from tests.helpers.watched import in_time
from ui.session.address import parse_choice, spelled
from ui.session.memory import memory
from ui.session.navigation import PAGES
from ui.session.selection import CODECS, fits
from ui.session.shared import BESIDE, followed, seen_in
from ui.session.versions import SIGN, VERSION
from ui.text import JOINER, plain


def read_all(rng: Random, count: int) -> None:
    """So many addresses, one after the other."""
    for _ in range(count):
        read(dict(parse_qsl(query(rng, odd_link(rng)), keep_blank_values=True)), rng)


def read_each_name(rng: Random, count: int) -> None:
    """For each name so many addresses with that alone, of today or of another version."""
    for name in NAMES:
        for _ in range(count):
            sign = rng.choice(({}, {SIGN: "1"}, {SIGN: "2"}))
            read(sign | {name: odd_value(rng, name)}, rng)


def read(asked: dict[str, str], rng: Random) -> None:
    """One address: what it asks for may be chosen, or is said to be ignored."""
    memory().notes.clear()
    with in_time(1):
        link = followed(asked, rng.choice(PAGES).title)
        beside = seen_in(link)
        found = {
            name: parse_choice(name, link[codec.key])
            for name, codec in CODECS.items()
            if codec.key in link
        }
    assert all(isinstance(text, str) for text in link.values()), asked
    assert not (wrong := [name for name, value in found.items() if not fits(name, value)]), wrong
    assert all(codec.fits(beside[name]) for name, codec in BESIDE.items()), asked
    for said in memory().notes:
        shown = plain(said).replace(JOINER, "")
        assert harmless(shown) == shown and len(said) < 12_000, asked
    again = spelled(found)
    assert not again or again[SIGN] == str(VERSION)
    for name, value in found.items():
        if (key := CODECS[name].key) in again:
            assert parse_choice(name, again[key]) == value, (name, asked)
    count("read", 1), count("kept", len(again)), count("refused", len(memory().notes))


def count(name: str, more: int) -> None:
    """Counts in the session."""
    st.session_state[name] = st.session_state.get(name, 0) + more
