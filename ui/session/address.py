"""The address as a spelling of what is chosen: a link is a view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from core.models.own import is_name
from ui.session.memory import memory, note
from ui.session.owner import may_open
from ui.session.selection import CODECS, LONGEST_TEXT, Codec, Selection, chosen, selection, spell
from ui.session.versions import SIGN, VERSION

OWN_MODEL = "Your own model …"  # the last line of the list of models


def parse_choice(name: str, text: str) -> Any:
    """The value that an address spells, or the default and a note where it spells none."""
    codec = CODECS[name]
    return parsed(codec, codec.key, text, lambda: how_to_open(name, text))


def parsed(codec: Codec, key: str, text: str, advice: Callable[[], str] = str) -> Any:
    """The same by a codec. advice(): what else is said where the text spells no value."""
    if codec.fits(value := codec.parse(text)):
        return value
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    note(
        f"The address asks for {key} “{shown}”, which is not {codec.message}. It was"
        f" ignored.{advice()}"
    )
    return codec.default


def how_to_open(name: str, text: str) -> str:
    """Of a model that is not in the list: how whoever may open it does so, or who may. A link alone
    opens nothing and fetches nothing, nor does it tell a visitor what is on this machine.
    """
    if name not in ("model", "compare_model"):
        return ""
    if not may_open():
        return " Only whoever runs this app can add a model to the list."
    if not is_name(text):
        return ""
    memory().typed_model = text
    return f" To open it, choose “{OWN_MODEL}” in the list."


def link_asks_for(name: str) -> bool:
    """Whether a link was opened just now that asks for what is chosen."""
    codec = CODECS[name]
    value = codec.parse(memory().link.get(codec.key, ""))
    return codec.key in memory().link and value is not None and value == chosen(name)


def query_params(**changes) -> dict[str, str]:
    """The choices that differ from the first ones, as they stand in an address; changes: with these
    instead."""
    return spelled(vars(replace(selection(), **changes)))


def spelled(choices: dict[str, Any]) -> dict[str, str]:
    """Choices that differ from the first ones, by their names in the address, and of which version
    that is."""
    firsts = {"token": memory().first_token} | memory().firsts
    texts = {
        CODECS[name].key: spell(value)
        for name, value in choices.items()
        if value not in (firsts.get(name, CODECS[name].default), None)
    }
    texts = {key: text for key, text in texts.items() if len(text) <= LONGEST_TEXT}
    return {SIGN: str(VERSION)} | texts if texts else {}


def write_address() -> Selection:
    """Keeps the choices for the next page, and puts them into the address bar if they are not there
    yet. Returns them.
    """
    memory().kept = now = selection()
    if st.query_params.to_dict() != (params := spelled(vars(now))):
        st.query_params.from_dict(params)
    return now


def keep(**changes) -> None:
    """Remembers the choices beyond this run; changes: with these instead."""
    memory().kept = replace(selection(), **changes)
