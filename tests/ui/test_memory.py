"""The memory of the process is bounded, and readers that leave give back what was theirs."""

import gc
import threading
import time
import weakref
from dataclasses import dataclass

import numpy as np
import pytest
import streamlit as st
from streamlit.runtime import fragment

from benchmarks.memory import measure
from core import GlassError
from core.malloc import resident
from core.memory import owner_of
from tests.helpers.browser import started
from tests.helpers.pages import opened
from tests.helpers.visitor import Visitor, megabytes
from ui.session import runs
from ui.session.navigation import PAGES
from ui.session.shelf import SHELF, Shelf

STUDY = ("study-encoder", "study-decoder", "study-translator")
LONG = 8 * "The book that the student recommended is expensive, and nobody here wants to read it. "
BACK = 60  # seconds in which readers that left give back what was theirs


@pytest.fixture
def server(smollm2, minilm, request):
    """Address and process of a server that may keep so many MB; SmolLM2 and MiniLM take 630."""
    with started(GLASSFORMER_MEMORY=str(request.param)) as (address, process):
        yield address, process.pid


def look(address: str, model: str, number: int) -> Visitor:
    """A visitor who reads a long text of their own, looks at some layers, and stays."""
    visitor = Visitor(address)
    visitor.open("Attention", model=model, sentence=f"{number} {LONG}")
    layers = 25 if model == "smollm2" else 4
    for layer in range(1, layers, layers // 4):
        visitor.trigger("place", "step", ["layer", layer])
    assert not visitor.problems and visitor.widgets["model"]
    return visitor


@pytest.mark.slow
@pytest.mark.parametrize("server", (800,), indirect=True)
def test_rounds_of_visitors_leave_the_memory_flat(server):
    """One reader stays on SmolLM2 while others open all models, round after round, and leave."""
    address, pid = server
    with look(address, "smollm2", 0) as staying:
        after = []
        for number in range(6):
            for model in (*STUDY, "minilm", "smollm2"):
                look(address, model, number).leave()
            staying.trigger("place", "step", ["layer", number])
            after.append(megabytes(pid))
        assert max(after[3:]) <= 1.1 * after[2], after


@pytest.mark.slow
@pytest.mark.parametrize("server", (2000,), indirect=True)
def test_readers_that_leave_give_theirs_back_within_a_minute(server):
    address, pid = server
    with look(address, "smollm2", 100):
        time.sleep(20)  # what was only needed to begin has gone
        before = megabytes(pid)
        readers = [look(address, "smollm2", number) for number in range(101, 105)]
        held = megabytes(pid) - before
        for reader in readers:
            reader.leave()
        until = time.monotonic() + BACK
        while megabytes(pid) - before > 0.1 * held and time.monotonic() < until:
            time.sleep(1)
        assert held > 100, "The readers held too little for the test to say something."
        assert megabytes(pid) - before <= 0.1 * held, (before, held, megabytes(pid))


@pytest.mark.slow
@pytest.mark.parametrize("server", (1000,), indirect=True)
def test_the_server_stays_within_its_memory_whatever_is_read(server):
    """Every model on this machine, new sentences, all pages: as benchmarks/memory.py does. Files
    that it maps are not its own.
    """
    rows = []
    seen = measure(*server, sentences=60, visitors=4, out=rows.append)
    assert seen.own <= 1000, rows
    assert not any("error" in row for row in rows), rows


# --- nothing but the shelf holds a run once its page is drawn -------------------------------------


def arrays_of(shelf: Shelf) -> dict[str, weakref.ref]:
    """All arrays of all runs on a shelf, without the weights that they look into."""
    held = {
        key: entry.value
        for key, entry in shelf._entries.items()
        if isinstance(entry.value, runs.FinishedRun)
    }
    found = {
        f"{key.model}: {name}": owner_of(run.trace[name])
        for key, run in held.items()
        for name in run.trace.names
    }
    weights = {id(owner_of(array)) for run in held.values() for array in run.model.weights.values()}
    return {name: weakref.ref(array) for name, array in found.items() if id(array) not in weights}


@pytest.mark.one_in(21)
@pytest.mark.parametrize("model", (*STUDY, pytest.param("smollm2", marks=pytest.mark.slow)))
@pytest.mark.parametrize("page", [page.path for page in PAGES])
def test_what_outlives_a_page_holds_no_array_of_its_run(page, model, monkeypatch):
    """Callbacks and fragments live as long as the reader: a slice there keeps its whole array."""
    kept, make = [], fragment.MemoryFragmentStorage.__init__
    monkeypatch.setattr(
        fragment.MemoryFragmentStorage, "__init__", lambda self: (kept.append(self), make(self))[1]
    )
    SHELF.forget()
    side = "encoder" if model in ("study-encoder", "study-translator") else "decoder"
    app = opened(page, model=model, depth="numbers", cell=f"{side}.0.attn.pattern:0,2,1")
    there = arrays_of(SHELF)
    assert not app.exception and len(there) > 50
    assert any(storage._fragments for storage in kept)
    SHELF.forget()
    gc.collect()
    assert [name for name, array in there.items() if array() is not None] == []


# --- the shelf ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Thing:
    nbytes: int = 10


def test_the_least_recently_used_goes_first_and_the_last_two_stay():
    shelf = Shelf(30)
    for key in "abc":
        shelf.get(key, Thing)
    shelf.get("a", Thing)
    shelf.get("d", Thing)
    assert list(shelf._entries) == ["c", "a", "d"] and shelf.nbytes == 30
    shelf.get("large", lambda: Thing(1000))
    assert list(shelf._entries) == ["d", "large"]


def test_a_model_leaves_after_its_runs():
    """As long as a run is on the shelf, its model is in memory, and is counted."""
    shelf = Shelf(35)
    for model, run in ("a1", "b1", "a2", "c1"):
        shelf.get(model, Thing, stays=True)
        shelf.get(model + run, Thing, holds=model)
    assert list(shelf._entries) == ["a", "c1", "c"]


def test_a_value_that_somebody_holds_is_found_again_and_not_made_twice():
    shelf = Shelf(10)
    held = shelf.get("a", Thing)
    for key in "bcd":
        shelf.get(key, Thing)
    assert "a" not in shelf._entries and shelf.get("a", Thing) is held
    del held
    for key in "bcd":
        shelf.get(key, Thing)
    gc.collect()
    made = []
    shelf.get("a", lambda: made.append(1) or Thing())
    assert made == [1]


def test_two_who_ask_at_once_wait_for_one_value():
    shelf, made, found = Shelf(100), [], []

    def slowly():
        made.append(threading.get_ident())
        time.sleep(0.05)
        return Thing()

    threads = [
        threading.Thread(target=lambda: found.append(shelf.get("a", slowly))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and len(set(map(id, found))) == 1


def test_what_fails_is_tried_again_and_leaves_nothing():
    shelf = Shelf(100)

    def fails():
        raise GlassError("not today")

    for _ in range(2):
        with pytest.raises(GlassError):
            shelf.get("a", fails)
    assert isinstance(shelf.get("a", Thing), Thing)


def test_what_no_active_visitor_looks_at_goes_and_models_stay():
    shelf = Shelf(100)
    for key, visitor in (("run 1", "here"), ("run 2", "gone")):
        shelf.get(key, Thing)
        shelf._looks.setdefault(visitor, set()).add(key)
    shelf.get("model", Thing, stays=True)
    shelf.tidy(lambda visitor: visitor == "here", idle=60)
    assert list(shelf._entries) == ["run 1", "run 2", "model"]  # it was used a moment ago
    shelf.tidy(lambda visitor: visitor == "here", idle=0)
    assert list(shelf._entries) == ["run 1", "model"] and list(shelf._looks) == ["here"]


def test_a_run_that_grew_counts_as_what_it_is():
    @dataclass
    class Growing:
        nbytes: int = 10
        __hash__ = object.__hash__

    shelf, growing = Shelf(100), Growing()
    shelf.get("old", Thing)
    shelf.get("growing", lambda: growing)
    shelf.get("new", Thing)
    growing.nbytes = 95
    shelf.tidy(lambda visitor: True)
    assert list(shelf._entries) == ["growing", "new"]


def test_what_the_process_holds_beside_the_shelf_counts_as_well():
    """Tokenizers, caches, what is on its way to browsers: 300 bytes here, of 600."""
    shelf, beside = Shelf(600), 0
    shelf.process = lambda: shelf.nbytes + beside
    for key in "abc":
        shelf.get(key, lambda: Thing(100))
    assert list(shelf._entries) == ["a", "b", "c"]
    beside = 300  # a quarter of the room stays free: 450 are for all
    shelf.tidy(lambda visitor: True)
    assert list(shelf._entries) == ["b", "c"]
    beside, shelf._next = 10_000, 0.0
    shelf.tidy(lambda visitor: True)
    assert list(shelf._entries) == ["b", "c"]  # what is looked at stays, and its model


def test_the_memory_of_a_process_is_measured():
    before, array = resident(), np.ones(64 << 20, np.uint8)
    assert before > 20 << 20 and 32 << 20 < resident() - before < 96 << 20 and array[-1]


def test_one_thread_tidies_for_a_server_and_none_for_apptest():
    for _ in range(2):
        st.cache_resource.clear()
        assert not opened().exception
    assert [thread for thread in threading.enumerate() if thread.name == "tidy"] == []


def test_a_trace_counts_its_arrays_once(minilm):
    trace = minilm.trace("The book is expensive.")
    owners = {id(owner): owner.nbytes for owner in (owner_of(trace[name]) for name in trace.names)}
    weights = {id(owner_of(array)) for array in minilm.weights.values()}
    assert trace.nbytes == sum(size for each, size in owners.items() if each not in weights)
    assert minilm.nbytes > 80e6 and np.isclose(
        minilm.nbytes,
        sum({id(owner_of(a)): owner_of(a).nbytes for a in minilm.weights.values()}.values()),
    )
