"""Who may compute now: so many at once, the one who has computed least first; a budget comes back
bit by bit; places are told, and whoever leaves the queue makes room.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import pytest

from ui.session.turns import PERIOD, FullError, Turns

A, B, C = "198.51.100.1", "198.51.100.2", "198.51.100.3"


class Reader(threading.Thread):
    """Somebody who asks for a turn and keeps it until told to end."""

    def __init__(self, turns: Turns, visitor: str):
        super().__init__(daemon=True)
        self.turns, self.visitor, self.places = turns, visitor, []
        self.has_turn, self.end = threading.Event(), threading.Event()
        self.leaves = False
        self.start()

    def tell(self, place) -> None:
        self.places.append(place)
        if self.leaves:
            raise InterruptedError

    def run(self) -> None:
        with suppress(InterruptedError), self.turns.turn(self.visitor, self.tell):
            self.has_turn.set()
            self.end.wait(20)


def until(true) -> None:
    """Waits for something that other threads bring about."""
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def queued(turns: Turns, *visitors: str) -> list[Reader]:
    """Readers who come one after the other, and all wait."""
    readers = []
    for visitor in visitors:
        readers.append(reader := Reader(turns, visitor))
        until(lambda reader=reader: reader.places)
    return readers


def ended(reader: Reader) -> None:
    reader.end.set()
    reader.join(10)


def test_no_more_compute_at_once_than_may_and_the_others_follow_in_the_order_of_their_coming():
    turns = Turns(at_once=2)
    first = [Reader(turns, A), Reader(turns, B)]
    until(lambda: turns.counts == (2, 0))
    third, fourth = queued(turns, C, C)
    assert turns.counts == (2, 2) and (third.places[0].number, fourth.places[0].number) == (1, 2)
    ended(first[0])
    assert third.has_turn.wait(5) and not fourth.has_turn.is_set()
    until(lambda: fourth.places[-1].number == 1)
    for each in (first[1], third):
        ended(each)
    assert fourth.has_turn.wait(5)
    ended(fourth)
    assert turns.counts == (0, 0)


def test_whoever_has_computed_least_goes_first():
    worked = {}
    turns = Turns(at_once=1, work=lambda: worked.get(threading.get_ident(), 0.0))
    with turns.turn(A, None):
        worked[threading.get_ident()] = 3.0
    assert turns.used(A) == pytest.approx(3, abs=0.1) and turns.used(B) == 0
    busy = Reader(turns, C)
    assert busy.has_turn.wait(5)
    heavy, light = queued(turns, A, B)
    until(lambda: heavy.places[-1].number == 2)  # who came later stands before it
    ended(busy)
    assert light.has_turn.wait(5) and not heavy.has_turn.is_set()
    ended(light)
    assert heavy.has_turn.wait(5)
    ended(heavy)


def test_a_used_budget_comes_back_at_its_pace_and_others_do_not_wait_for_it():
    now, worked = [1000.0], [0.0]
    turns = Turns(at_once=1, budget=60, clock=lambda: now[0], work=lambda: worked[0])
    with turns.turn(A, None):
        worked[0] += 66
    waiting = queued(turns, A)[0]
    assert waiting.places[0] == (0, pytest.approx(6 * PERIOD / 60))
    with turns.turn(B, pytest.fail):
        pass
    now[0] += 6 * PERIOD / 60 - 1
    time.sleep(0.6)
    assert not waiting.has_turn.is_set()
    now[0] += 2
    assert waiting.has_turn.wait(5)
    ended(waiting)


def test_a_full_queue_turns_away_and_counts_it():
    turns = Turns(at_once=1, waiting=1)
    busy = Reader(turns, A)
    assert busy.has_turn.wait(5)
    (waiting,) = queued(turns, B)
    with pytest.raises(FullError, match="Too many readers"), turns.turn(C, None):
        pass
    assert turns.refused == 1
    ended(busy), ended(waiting)
    with turns.turn(C, pytest.fail):
        pass


def test_whoever_leaves_the_queue_makes_room():
    turns = Turns(at_once=1)
    busy = Reader(turns, A)
    assert busy.has_turn.wait(5)
    leaving, staying = queued(turns, B, C)
    leaving.leaves = True  # as Streamlit ends a run where the reader clicks again
    leaving.join(5)
    assert turns.counts == (1, 1)
    until(lambda: staying.places[-1].number == 1)
    ended(busy)
    assert staying.has_turn.wait(5)
    ended(staying)


def test_a_turn_inside_a_turn_is_the_same_one_and_an_error_ends_it():
    turns = Turns(at_once=1)
    with pytest.raises(ZeroDivisionError), turns.turn(A, None), turns.turn(B, pytest.fail):
        assert turns.counts == (1, 0)
        raise ZeroDivisionError
    assert turns.counts == (0, 0) and not turns.has_turn


def test_many_threads_never_compute_at_once_more_than_may():
    turns, most, lock, inside = Turns(at_once=3), [], threading.Lock(), []

    def read(number: int) -> None:
        for _ in range(20):
            with turns.turn(str(number % 5), lambda place: None):
                with lock:
                    inside.append(number)
                    most.append(len(inside))
                time.sleep(0.0005)
                with lock:
                    inside.remove(number)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(most) == 240 and max(most) == 3 and turns.counts == (0, 0)
