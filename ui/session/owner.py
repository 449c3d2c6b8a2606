"""Who may open models of their own choice: whoever started the app, and nobody from elsewhere.

    is_public()     whether the server is open to strangers: nothing is fetched, all is rationed
    may_open()      whether this visitor may name a model that is not in the catalogue
    models()        the models that this visitor can choose
    add(name), remove(name)     the list of this session and of the next

A path or a name on the Hub that a browser sends opens nothing: what can be chosen is in this list,
and only `add` puts something into it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import streamlit as st
from streamlit import runtime

from core import settings
from core.models import catalogue
from core.models.catalogue import Entry
from core.models.own import drop, keep, own

_KEY = "own_models"  # of the session: for a cache that can't be written
# Headers by which a proxy says that a request came from elsewhere, beside all of x-forwarded-…
_FORWARDED = {"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"}


def is_public() -> bool:
    """Whether the server is open to strangers: GLASSFORMER_PUBLIC says so (1) or denies it (0). If
    it says nothing: when the server listens beyond this machine. The command line and a notebook
    have no server.
    """
    if said := settings.text("PUBLIC"):
        return said == "1"
    if not runtime.exists():
        return False
    return not is_here(st.get_option("server.address") or "")


def may_open() -> bool:
    """Whether this visitor may open any model: GLASSFORMER_OPEN says so (1) or forbids it (0). If
    it says nothing: when the server is not public, and the request came from this machine.
    """
    if said := settings.text("OPEN"):
        return said == "1"
    alone = is_here(st.get_option("server.address") or "") and not is_public()
    return alone and came_from_here(st.context.headers)


def came_from_here(headers: Mapping[str, str]) -> bool:
    """Whether a browser on this machine asked for an address of this machine. A proxy passes on
    what others ask for; a page from elsewhere may have its name lead here.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if any(name in _FORWARDED or name.startswith("x-forwarded") for name in given):
        return False
    asked = f"//{given.get('host', '')}"
    return all(is_here(hostname(each)) for each in (asked, given.get("origin", asked)))


def hostname(address: str) -> str:
    """The host of an address; empty where it has none that can be read."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_here(host: str) -> bool:
    """Whether a name or a number is this machine's own, which nobody else can reach."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def models() -> tuple[Entry, ...]:
    """The list of models; for whoever may open others with those that they chose. A public server
    fetches none: it lists those that are on this machine.
    """
    listed = catalogue.listed()
    if is_public():
        here = ready_of(tuple(entry.name for entry in listed))
        listed = tuple(entry for entry in listed if entry.name in here)
    if not may_open():
        return listed
    there = {entry.name for entry in listed}
    return (*listed, *(catalogue.entry_of(name) for name in chosen_here() if name not in there))


@st.cache_data(ttl=20, max_entries=50, show_spinner=False)
def ready_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the models that are on this machine."""
    return tuple(name for name in names if catalogue.find(name))


def chosen_here() -> tuple[str, ...]:
    """The names that were chosen in this session and before."""
    return tuple(dict.fromkeys((*st.session_state.get(_KEY, ()), *own())))


def add(name: str) -> None:
    """Adds a model to the list, unless it may not be or is in it."""
    if may_open() and name not in {entry.name for entry in models()}:
        st.session_state[_KEY] = (name, *st.session_state.get(_KEY, ()))
        keep(name)


def remove(name: str) -> None:
    """Takes a model off the list."""
    if may_open():
        st.session_state[_KEY] = tuple(n for n in st.session_state.get(_KEY, ()) if n != name)
        drop(name)
