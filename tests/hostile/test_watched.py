"""What watches the hostile cases sees what they must not do; else no test here could fail."""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from core.errors import GlassError
from tests.helpers.watched import TooLongError, in_time, tried, watched


def asks_the_network(folder: Path) -> None:
    with suppress(OSError):
        socket.getaddrinfo("localhost", 80)


def starts_a_program(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def unpickles(folder: Path) -> None:
    pickle.loads(pickle.dumps(Fraction(1, 2)))


def writes_outside(folder: Path) -> None:
    (folder.parent / "beside").write_text("a")


def makes_a_folder_outside(folder: Path) -> None:
    (folder.parent / "other").mkdir()


@pytest.mark.parametrize(
    "harm", (asks_the_network, starts_a_program, unpickles, writes_outside, makes_a_folder_outside)
)
def test_what_must_not_be_done_is_seen(harm, tmp_path):
    (folder := tmp_path / "own").mkdir()
    with pytest.raises(AssertionError), watched(folder):
        harm(folder)
    with watched(folder):
        (folder / "inside").write_text("a")


@pytest.mark.skipif(sys.platform != "linux", reason="this system does not say what is taken")
def test_what_takes_too_much_memory_is_stopped(tmp_path):
    with pytest.raises(MemoryError), watched(tmp_path, 1 << 28):
        np.zeros(1 << 31)  # more than what earlier tests have freed and this process keeps
    np.ones(1 << 20)


def hang() -> None:
    while True:
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such signals")
def test_what_hangs_is_stopped():
    with pytest.raises(TooLongError), in_time(0.1):
        hang()


def test_only_a_message_that_can_be_shown_is_a_refusal():
    def says(error: Exception):
        def work() -> None:
            raise error

        return [("a case", work)]

    odd = GlassError()
    odd.args = ("\x1b[31m.",)
    assert tried(says(GlassError("It is damaged."))) == (0, 1)
    assert tried([("a case", list)]) == (1, 0)
    for wrong in (KeyError("a"), odd, GlassError("no end"), GlassError("long " * 300 + ".")):
        with pytest.raises(AssertionError, match="1 cases"):
            tried(says(wrong))
