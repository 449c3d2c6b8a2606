"""What a visitor of a public server may have of it: turns to compute, and models to teach.

    visitor()       who asks: an address of the network
    page_turn(key)  what runs inside computes when it is this visitor's turn; who waits is told
    at_its_turn(work), in_turns(work, who)      the same for work that goes on by itself
    at_turn_of(who, work)                       and for a file that a browser asks for
    why_not_teach(key), count_taught(key)       the quota of models that are taught

On a machine of one's own nothing is rationed; core/settings.py has the limits.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cache
from typing import Any, TypeVar

import streamlit as st

from core import settings, time_limit
from core.errors import GlassError
from ui.session.figures import measured, watch_queue
from ui.session.owner import is_public
from ui.session.turns import KNOWN, FullError, Place, Turns

HOUR = 3600
Made = TypeVar("Made")
_TAUGHT: dict[str, dict[Hashable, float]] = {}  # by visitor: what was taught, and when


@cache
def turns() -> Turns:
    """The queue of this process."""
    public = is_public()
    at_once, waiting, budget = (
        settings.whole(name, public) for name in ("AT_ONCE", "WAITING", "BUDGET")
    )
    queue = Turns(at_once, waiting, budget)
    watch_queue(queue)
    return queue


def is_rationed() -> bool:
    """Whether anybody may have to wait."""
    return bool(turns().at_once or turns().budget)


def visitor() -> str:
    """Who asks: the address of the network, as the server or the proxy before it sees it; of the
    newer, longer ones the half that names a network. Readers behind one address count as one.
    """
    return of_network(st.context.ip_address or "")


def of_network(address: str) -> str:
    """An address without what its owner can choose."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address) or found.ipv4_mapped:
        return str(getattr(found, "ipv4_mapped", None) or found)
    return str(ipaddress.ip_network((found, 64), strict=False))


@contextmanager
def turn(slot=None) -> Iterator[None]:
    """Waits for this visitor's turn, says so meanwhile in a slot (or where the page has come to),
    and counts what runs inside. Raises FullError where too many are waiting.
    """
    if turns().has_turn:
        yield
        return
    said = Said(slot)
    with measured(), turns().turn(visitor(), said.tell):
        said.clear()
        yield


@contextmanager
def page_turn(key: str) -> Iterator[None]:
    """The same for a page: who waits sees it in a box of that key. Where too many wait, the page
    says so and ends.
    """
    slot = st.container(key=key).empty() if is_rationed() else None
    with ExitStack() as stack:
        try:
            stack.enter_context(turn(slot))
        except FullError as error:
            st.warning(str(error))
            st.stop()
        yield


def at_its_turn(work: Callable[[], object]) -> str:
    """Does a part of some work that the page asks for again and again; not where the queue is full:
    the page will ask once more. Returns why it can't go on, a sentence; empty: it can.
    """
    try:
        with suppress(FullError), turn(), in_time():
            work()
    except GlassError as error:
        return str(error)
    return ""


def at_turn_of(who: str, work: Callable[[], Made]) -> Made:
    """Does some work for a visitor where no page is drawn, and nothing can be said to who waits: a
    file that a browser asks for. Raises FullError, and GlassError where it takes too long.
    """
    with measured(), turns().turn(who, lambda place: None), in_time():
        return work()


def in_time() -> AbstractContextManager[None]:
    """What runs inside has as long as a run has."""
    return time_limit.within(time_limit.seconds(is_public()))


class Said:
    """What is said to somebody who waits: nothing in the first moment."""

    def __init__(self, slot):
        self.slot, self.begun, self.drawn = slot, time.monotonic(), False

    def tell(self, place: Place) -> None:
        """Says the place. Streamlit ends the run here if the reader has clicked again."""
        if time.monotonic() - self.begun > 0.3:
            self.slot, self.drawn = self.slot or st.empty(), True
            self.slot.info(words_of(place))

    def clear(self) -> None:
        """Says nothing any more."""
        if self.drawn:
            self.slot.empty()


def words_of(place: Place) -> str:
    """A place in words."""
    if not place.seconds:
        return f"Many readers are here now. You are number {place.number} in the queue."
    seconds = math.ceil(place.seconds)
    return (
        "You have used up what this server computes for one address in ten minutes. It goes on by"
        f" itself in {seconds} {'second' if seconds == 1 else 'seconds'}."
    )


def in_turns(work: Iterator[Any], who: str) -> Iterator[Any]:
    """Work beside the page for a visitor: each part of it waits for a turn, and has as long as a
    run has.
    """
    end = object()
    while True:
        with turns().turn(who, lambda place: None), in_time():
            part = next(work, end)
        if part is end:
            return
        yield part


def why_not_teach(key: Hashable) -> str:
    """Why this visitor can't teach one more model, a sentence; empty: they can. A model that they
    have taught within the hour can be taught again.
    """
    most, taught = settings.whole("TAUGHT", is_public()), taught_lately()
    if not most or key in taught or len(taught) < most:
        return ""
    return (
        f"This server teaches {most} models an hour for one address, and yours are used up. Come"
        " back later, or run Glassformer on your own machine."
    )


def count_taught(key: Hashable) -> None:
    """One more model is taught. Raises GlassError where that can't be."""
    if refused := why_not_teach(key):
        raise GlassError(refused)
    _TAUGHT[visitor()] = taught_lately() | {key: time.monotonic()}
    while len(_TAUGHT) > KNOWN:
        del _TAUGHT[next(iter(_TAUGHT))]


def taught_lately() -> dict[Hashable, float]:
    """What this visitor has taught within the hour, and when."""
    since = time.monotonic() - HOUR
    return {key: at for key, at in _TAUGHT.get(visitor(), {}).items() if at > since}
