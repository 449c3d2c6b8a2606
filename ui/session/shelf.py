"""What readers share in memory: once for all, within a bound of bytes, let go when nobody looks.

    SHELF.get(key, make)    the value of a key; one reader makes it while others who want it wait
    SHELF.find(key)         the value of a key if it has been made
    SHELF.put(key, value)   has it be this one
    SHELF.begin()           a page is about to be drawn: what this thread and session had is let go
    keep_tidy()             starts the thread that gives memory back

The bound is that of the whole server. Not all that it holds lies here (tokenizers, pictures that
are kept, texts on their way to a browser, freed memory that the C library keeps), so the process is
measured, and what was used longest ago goes until it takes three quarters of the bound; the rest is
for what is being computed.

While a script runs, its thread holds what it has read; afterwards only the shelf does. So whatever
outlives a script (a fragment, a callback, a session) must keep keys, never values: that is why
`ui.session.view.View` is made of keys.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from weakref import WeakValueDictionary

from streamlit.runtime import Runtime, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.malloc import give_back, resident
from core.memory import room

IDLE = 25  # seconds after which a run that nobody looks at may go
COUNTED = 3  # seconds for which the bytes of a value count as they were: a trace has many arrays
TIDY = 15  # seconds between two rounds of tidying
GROWS = 60  # seconds in which a trace grows by what the page that asked for it reads out of it
FREE = 4  # one part in so many of the room is left for what is being computed
PAUSE = 1  # seconds between two looks at the process: to collect and give back takes a while
LONGEST = 60  # and at most, where it helps no more: it would take all the time there is


@dataclass
class Shelved:
    """A value on the shelf."""

    value: Any  # whatever has nbytes
    nbytes: int
    stays: bool  # kept when nobody looks, as long as there is room
    counted: float = float("-inf")  # when its bytes were counted
    used: float = field(default_factory=time.monotonic)


class Shelf:
    """Values by key, the least recently used out first, and found again while anyone holds them."""

    def __init__(self, room: int):
        self.room = room
        self.process: Callable[[], int] = lambda: 0  # the bytes of the whole process, measured
        self._pause, self._next = float(PAUSE), 0.0  # until that is looked at again, and when
        self._lock, self._held = threading.Lock(), threading.local()
        self._entries: OrderedDict[Hashable, Shelved] = OrderedDict()
        self._alive: WeakValueDictionary = WeakValueDictionary()  # what anyone still holds
        self._making: WeakValueDictionary = WeakValueDictionary()  # a lock for each key
        self._looks: dict[str, set] = {}  # session -> what it has read since its page was drawn

    def get(self, key: Hashable, make: Callable[[], Any], stays: bool = False, holds=None):
        """The value of a key. stays: kept when nobody looks, as long as there is room.

        holds: the key of another value, which it keeps in memory: that one leaves after it.
        """
        context = get_script_run_ctx(suppress_warning=True)
        if context is None:  # Python alone, such as a test: the caller holds what it gets
            return self._shared(key, make, stays, holds)
        held = self._held.__dict__.setdefault("values", {})
        if key not in held:
            with self._lock:
                self._looks.setdefault(context.session_id, set()).add(key)
            held[key] = self._shared(key, make, stays, holds)
        return held[key]

    def find(self, key: Hashable):
        """The value of a key if it has been made; else None."""
        with self._lock:
            return self._alive.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """From here on the value of a key is this one, whatever it was."""
        with self._lock:
            self._entries.pop(key, None)
            self._put(key, value, stays=False)
        self._make_room()

    def begin(self) -> None:
        """Lets go of what this thread holds and this session looked at."""
        self._held.values = {}
        if context := get_script_run_ctx(suppress_warning=True):
            with self._lock:
                self._looks[context.session_id] = set()
        self._shrink()

    def tidy(self, is_active: Callable[[str], bool], idle: float = IDLE) -> None:
        """Drops what was not used for so many seconds and what no active session looks at."""
        with self._lock:
            self._looks = {each: keys for each, keys in self._looks.items() if is_active(each)}
            wanted, now = set().union(*self._looks.values()), time.monotonic()
            for key, entry in list(self._entries.items()):
                if not entry.stays and key not in wanted and now - entry.used >= idle:
                    del self._entries[key]
        self._make_room(anew=True)

    def forget(self) -> None:
        """Empties the shelf."""
        with self._lock:
            self._entries.clear()
            self._looks.clear()
        self._held.values = {}

    @property
    def nbytes(self) -> int:
        """The bytes on the shelf."""
        with self._lock:
            return sum(entry.nbytes for entry in self._entries.values())

    def _shared(self, key: Hashable, make: Callable[[], Any], stays: bool, holds):
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:  # a second reader waits, and finds what the first has made
            with self._lock:
                value, there = self._alive.get(key), key in self._entries
            value = make() if value is None else value
            with self._lock:
                self._put(key, value, stays)
                if holds in self._entries:
                    self._entries.move_to_end(holds)
            if not there:
                self._make_room()
            return value

    def _put(self, key: Hashable, value, stays: bool) -> None:
        """Puts a value where it goes last."""
        self._alive[key] = value
        entry = self._entries.setdefault(key, Shelved(value, 0, stays))
        entry.used = time.monotonic()
        self._entries.move_to_end(key)

    def _make_room(self, anew: bool = False) -> None:
        """The last two stay whatever their size: the run that is looked at, and its model. anew:
        what was counted just now is counted again.
        """
        now = time.monotonic()
        with self._lock:
            grows = [entry for entry in self._entries.values() if entry.used > now - GROWS]
        recent = [entry for entry in grows if anew or entry.counted < now - COUNTED]
        for entry in recent:  # without the lock: a trace that is computing makes its readers wait
            entry.nbytes, entry.counted = entry.value.nbytes, now
        del grows, recent
        with self._lock:
            taken = sum(entry.nbytes for entry in self._entries.values())
            self._drop(taken - self.room)
        self._shrink()

    def _drop(self, excess: float) -> None:
        """Lets go of so many bytes, those used longest ago first."""
        while excess > 0 and len(self._entries) > 2:
            excess -= self._entries.popitem(last=False)[1].nbytes

    def _shrink(self) -> None:
        """Keeps the whole process within the bound: what is free already is given back first."""
        limit = self.room - self.room // FREE
        if self.process() <= limit or time.monotonic() < self._next:
            return
        collect()
        excess = self.process() - limit
        with self._lock:
            self._drop(excess)
        collect()
        self._pause = PAUSE if self.process() <= limit else min(2 * self._pause, LONGEST)
        self._next = time.monotonic() + self._pause


def collect() -> None:
    """Frees what only points at itself, and returns freed memory to the system."""
    gc.collect()
    give_back()


SHELF = Shelf(room())


@cache
def keep_tidy() -> threading.Thread | None:
    """The thread that tidies; one for the process, and none where only AppTest runs the pages."""
    server = get_instance()
    if type(server) is not Runtime:  # AppTest has a stand-in
        return None
    thread = threading.Thread(target=tidy_for_ever, args=(server,), daemon=True, name="tidy")
    thread.start()
    return thread


def tidy_for_ever(server: Runtime) -> None:
    """Drops what nobody looks at, collects cycles, and returns freed memory to the system.

    Streamlit's own collection after every click is switched off in .streamlit/config.toml.
    """
    SHELF.process = resident
    while True:
        time.sleep(TIDY)
        try:
            SHELF.tidy(server.is_active_session)
        except Exception:  # one round may fail, and the next must come
            logging.getLogger(__name__).exception("The shelf could not be tidied.")
        collect()
