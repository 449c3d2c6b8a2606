"""Who may compute now: so many at once, and of those who wait whoever has computed least.

    turns = Turns(at_once=2, waiting=100, budget=120)
    with turns.turn("198.51.100.7", tell):      waits, and tells its Place meanwhile

What a visitor computes is counted in seconds of processor time. It is forgotten at the pace at
which the budget comes back: a budget of 120 seconds in ten minutes is one second in five. Whoever
has used up theirs waits until a bit has come back. Nobody is turned away, unless the queue is full.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

PERIOD = 600  # seconds in which a budget comes back
STEP = 0.5  # seconds between two looks at the queue
KNOWN = 10_000  # visitors that are remembered
FULL = (
    "Too many readers are waiting on this server now. Reload the page in a minute, or run"
    " Glassformer on your own machine."
)


class FullError(Exception):
    """Too many are waiting."""


class Place(NamedTuple):
    """Where somebody stands in the queue: 1 is next. seconds: until their budget has come back;
    before that they stand nowhere (0).
    """

    number: int
    seconds: float


@dataclass(eq=False)
class Ticket:
    """Somebody who waits or computes."""

    visitor: str
    number: int  # in the order of their coming
    seen: int = 0  # how often the queue had changed when it was looked at last


@dataclass
class Account:
    """What a visitor has computed: seconds, as they stood at a time."""

    seconds: float = 0.0
    at: float = 0.0


@dataclass
class Turns:
    """The queue. at_once, waiting, budget: 0 means no limit; clock and work: seconds that pass, and
    those that a thread has computed.
    """

    at_once: int = 0
    waiting: int = 0
    budget: float = 0
    clock: Callable[[], float] = time.monotonic
    work: Callable[[], float] = time.thread_time
    refused: int = field(default=0, init=False)  # how many found the queue full
    _queue: list[Ticket] = field(default_factory=list, init=False)
    _running: set[Ticket] = field(default_factory=set, init=False)
    _accounts: dict[str, Account] = field(default_factory=dict, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _mine: threading.local = field(default_factory=threading.local, init=False)
    _count: int = field(default=0, init=False)
    _changes: int = field(default=0, init=False)

    @contextmanager
    def turn(self, visitor: str, tell: Callable[[Place], object]) -> Iterator[None]:
        """Waits for a turn, which lasts as long as what runs inside. One turn inside another is the
        same one. Raises FullError where too many are waiting, and whatever `tell` raises.
        """
        if self.has_turn:
            yield
            return
        self._wait(ticket := self._join(visitor), tell)
        begun, self._mine.has_turn = self.work(), True
        try:
            yield
        finally:
            self._mine.has_turn = False
            self._end(ticket, self.work() - begun)

    @property
    def has_turn(self) -> bool:
        """Whether this thread has a turn."""
        return getattr(self._mine, "has_turn", False)

    def used(self, visitor: str) -> float:
        """The seconds that a visitor has computed, less what has come back since."""
        account = self._accounts.get(visitor, Account())
        return max(0.0, account.seconds - (self.clock() - account.at) * self._pace)

    @property
    def counts(self) -> tuple[int, int]:
        """How many compute, and how many wait."""
        return len(self._running), len(self._queue)

    @property
    def _pace(self) -> float:
        return (self.budget or PERIOD) / PERIOD

    def _join(self, visitor: str) -> Ticket:
        with self._changed:
            if self.waiting and len(self._queue) >= self.waiting:
                self.refused += 1
                raise FullError(FULL)
            self._count += 1
            self._queue.append(ticket := Ticket(visitor, self._count))
            return ticket

    def _wait(self, ticket: Ticket, tell: Callable[[Place], object]) -> None:
        try:
            while place := self._try(ticket):
                tell(place)
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._changes != ticket.seen, min(STEP, place.seconds or STEP)
                    )
        except BaseException:  # as Streamlit does where the reader clicked again
            with self._changed:
                self._queue.remove(ticket)
                self._moved()
            raise

    def _try(self, ticket: Ticket) -> Place | None:
        """Takes the turn; or where that can't be, says the place."""
        with self._changed:
            ticket.seen = self._changes
            if seconds := self._overdrawn(ticket.visitor):
                return Place(0, seconds)
            ahead = sorted(
                (each for each in self._queue if not self._overdrawn(each.visitor)),
                key=lambda each: (self.used(each.visitor), each.number),
            ).index(ticket)
            free = (self.at_once or len(self._running) + ahead + 1) - len(self._running)
            if ahead >= free:
                return Place(ahead - max(free, 0) + 1, 0.0)
            self._queue.remove(ticket)
            self._running.add(ticket)
            return None

    def _overdrawn(self, visitor: str) -> float:
        """The seconds until a visitor's budget has come back; 0: there is some."""
        return max(0.0, self.used(visitor) - self.budget) / self._pace if self.budget else 0.0

    def _end(self, ticket: Ticket, seconds: float) -> None:
        with self._changed:
            self._running.remove(ticket)
            self._accounts[ticket.visitor] = Account(
                self.used(ticket.visitor) + seconds, self.clock()
            )
            if len(self._accounts) > KNOWN:
                self._accounts = {who: a for who, a in self._accounts.items() if self.used(who)}
            self._moved()

    def _moved(self) -> None:
        self._changes += 1
        self._changed.notify_all()
