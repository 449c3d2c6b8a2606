"""How long a run may take. What a text costs in memory is known before it runs; how long it takes
depends on the machine and on who else computes, so a run looks at the clock whenever it names a
value, and stops by itself.

    with within(seconds):   what runs inside has so long
    seconds()               what GLASSFORMER_SECONDS says

A run of a large model that stays in its file, or a text that it writes on token by token, is what
can take long; so are many runs for one answer, a report, a file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from . import settings
from .errors import GlassError

SAID = (
    "This took too long and was stopped. Shorten the text, or choose a smaller model; whoever"
    " started the app can allow more time (GLASSFORMER_SECONDS)."
)
_UNTIL: ContextVar[float] = ContextVar("until", default=float("inf"))


def seconds(public: bool = False) -> float:
    """How long a run may take; infinity: as long as it likes. public: on a server that is open to
    strangers.
    """
    return settings.whole("SECONDS", public) or float("inf")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What runs inside, in this thread, has so many seconds; or what is left of those around it."""
    token = _UNTIL.set(min(_UNTIL.get(), now() + seconds))
    try:
        yield
    finally:
        _UNTIL.reset(token)


def now() -> float:
    """The clock that is looked at, in seconds."""
    return time.monotonic()


def is_over() -> bool:
    """Whether the time is up."""
    return now() > _UNTIL.get()


def check_time() -> None:
    """Raises GlassError where the time is up."""
    if is_over():
        raise GlassError(SAID)
