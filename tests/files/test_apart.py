"""A process of its own answers, or is ended: by its bounds, by a fault, or when nobody asks."""

from __future__ import annotations

import os
import sys

import pytest

from core.errors import GlassError
from core.models import apart
from core.models.apart import Bounds, EndedError, Helper, answer_of

PROGRAM = """
import os, sys, time
asked_before = []

def answer(asked):
    asked_before.append(asked["do"])
    return globals()[asked["do"]](*asked.get("with", ()))

def count():
    return {"asked": len(asked_before), "pid": os.getpid()}

def spin():
    while True:
        pass

def sleep():
    time.sleep(60)

def swell():
    return {"size": len(bytes(1 << 40))}

def swell_slowly():
    kept = []
    while True:
        kept.append(bytes(1 << 24))

def call():
    call()

def stumble():
    raise ValueError("It said\\x1b[31m no.")

def abort():
    os.abort()

def chat():
    print("said by a library")
    os.write(1, b"and by another")
    return {"asked": len(asked_before)}

def leave():
    os._exit(0)

def write():
    with open(os.path.join(sys.path[-1], "written"), "w") as file:
        file.write("x")
    return {}

def work():
    until = time.process_time() + 0.7
    while time.process_time() < until:
        pass
    return {}
"""
BOUNDS = Bounds(seconds=1, memory=256 << 20, again=1, wait=300)
limited = pytest.mark.skipif(sys.platform != "linux", reason="this system has no such limits")


@pytest.fixture
def program(tmp_path, monkeypatch):
    (tmp_path / "program.py").write_text(PROGRAM)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return "program"


def test_a_program_answers_once(program):
    found = answer_of(program, {"do": "count"}, BOUNDS)
    assert found["asked"] == 1 and found["pid"] != os.getpid()


def test_what_a_library_prints_is_no_answer(program):
    assert answer_of(program, {"do": "chat"}, BOUNDS) == {"asked": 1}


@limited
@pytest.mark.parametrize(
    "do, says",
    [("spin", "too long"), ("abort", "too long, or too much"), ("leave", "too long, or")],
)
def test_a_program_that_gives_no_answer_has_ended(program, do, says):
    with pytest.raises(EndedError, match=says):
        answer_of(program, {"do": do}, BOUNDS)


@limited
@pytest.mark.parametrize(
    "do, says",
    [("swell", "memory"), ("swell_slowly", "memory"), ("call", "itself"), ("stumble", "It said")],
)
def test_what_goes_wrong_is_an_answer(program, do, says):
    assert says in answer_of(program, {"do": do}, BOUNDS)["error"]


@limited
def test_nothing_is_written(program, tmp_path):
    assert "error" in answer_of(program, {"do": "write"}, BOUNDS)
    written = tmp_path / "written"
    assert not written.exists() or written.stat().st_size == 0


def test_an_answer_is_waited_for_only_so_long(program):
    with pytest.raises(GlassError, match="too long"):
        answer_of(program, {"do": "sleep"}, Bounds(1, 256 << 20, wait=1))


def test_a_helper_answers_more_than_once_and_begins_anew_after_an_end(program):
    helper = Helper(program, {"do": "count"}, BOUNDS)
    first = helper.ask({"do": "count"})
    second = helper.ask({"do": "count"})
    assert (first["asked"], second["asked"]) == (2, 3) and first["pid"] == second["pid"]
    with pytest.raises(EndedError):
        helper.ask({"do": "leave"})
    third = helper.ask({"do": "count"})
    assert third["asked"] == 2 and third["pid"] != first["pid"]
    process = helper.process
    del helper
    assert process is not None and process.poll() is not None


@limited
def test_a_helper_that_ends_while_it_is_asked_is_asked_again(program, monkeypatch):
    """It may have waited long enough just then; that is no fault of the question."""
    helper = Helper(program, {"do": "count"}, BOUNDS)
    helper.ask({"do": "count"})
    process = helper.process
    assert process is not None and process.stdin
    process.stdin.close()
    process.wait(timeout=120)
    monkeypatch.setattr(process, "poll", lambda: None)  # as it looked a moment before
    process.stdin = open(os.devnull, "wb")
    assert helper.ask({"do": "count"})["asked"] == 2 and helper.process is not process


def test_a_helper_that_is_waited_for_too_long_is_no_fault_of_the_question(program):
    helper = Helper(program, {"do": "count"}, Bounds(1, 256 << 20, again=1, wait=2))
    with pytest.raises(GlassError, match="too long"):
        helper.ask({"do": "sleep"})


@limited
def test_a_question_to_a_helper_has_its_own_time(program):
    helper = Helper(program, {"do": "count"}, BOUNDS)
    with pytest.raises(EndedError, match="too long"):
        helper.ask({"do": "spin"})
    assert helper.ask({"do": "count"})["asked"] == 2


@limited
def test_the_time_of_a_helper_is_counted_from_each_question(program):
    """Several questions of 0.7 seconds each are within a bound of one."""
    helper = Helper(program, {"do": "count"}, BOUNDS)
    assert [helper.ask({"do": "work"}) for _ in range(4)] == [{}] * 4


@limited
def test_a_helper_ends_when_nobody_asks(program, monkeypatch):
    monkeypatch.setattr(apart, "STAYS", 0.2)
    helper = Helper(program, {"do": "count"}, BOUNDS)
    helper.ask({"do": "count"})
    assert helper.process is not None and helper.process.wait(timeout=120) == 0
    assert helper.ask({"do": "count"})["asked"] == 2


def test_a_helper_ends_with_whoever_started_it(program):
    helper = Helper(program, {"do": "count"}, BOUNDS)
    helper.ask({"do": "count"})
    process = helper.process
    assert process is not None and process.stdin
    process.stdin.close()  # what the system does for a process that has gone
    assert process.wait(timeout=120) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such processes")
def test_where_no_process_can_be_started_it_is_said(program, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(GlassError, match="No process could be started: No such file"):
        answer_of(program, {"do": "count"}, BOUNDS)
