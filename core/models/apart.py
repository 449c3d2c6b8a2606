"""Asks a process of its own for what may hang, swell or break off: a program, or data that is as
good as one, out of the files of a model.

    answer_of(program, question, bounds)    one question, and the process ends
    Helper(program, bounds).ask(question)   a process that stays for more of them

A program is the name of a module with a function `answer(question) -> dict`; `apart_process` runs
it within its bounds. A process can be ended while a library computes, which a thread of this one
can't.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass

from ..errors import GlassError
from . import apart_process

# What such a process is told of its surroundings: where Windows is, which time it is; and that
# libraries need no threads, each of which would count as memory.
_TOLD = ("TZ", "SYSTEMROOT")
_ALONE = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MALLOC_ARENA_MAX": "1",
}
_FEW = threading.BoundedSemaphore(2)  # so many are started or asked at a time
STAYS = 60  # seconds that a process waits for another question


@dataclass(frozen=True)
class Bounds:
    """What a process may take."""

    seconds: int  # of processor time, for the first question
    memory: int  # bytes of address space
    again: int = 0  # seconds of processor time for each further question
    wait: int = 20  # seconds that are waited for an answer, on a machine that has other work


class EndedError(Exception):
    """The process was ended before it answered, by its bounds or by a fault of a library; the
    message is the end of a sentence.
    """


def answer_of(program: str, question: dict, bounds: Bounds) -> dict:
    """What a program answers; {"error": …} is an answer. Raises EndedError where it gives none,
    and GlassError where this machine had no time or no process for it.
    """
    asked = start_line(program, question, bounds, 0)
    with _FEW, started() as process:
        try:
            said, _ = process.communicate(asked, timeout=bounds.wait)
        except subprocess.TimeoutExpired:
            raise GlassError("It takes too long.") from None
        finally:
            process.kill()
    return answer_in(said, process)


class Helper:
    """A process that was asked to `begin`, and stays for further questions. It ends a while after
    the last one, and begins anew with the next.
    """

    def __init__(self, program: str, begin: dict, bounds: Bounds):
        self.program, self.begin, self.bounds = program, begin, bounds
        self.process: subprocess.Popen | None = None
        self.lock = threading.Lock()

    def ask(self, question: dict) -> dict:
        """What it answers. Raises EndedError where it gives no answer, and GlassError where there
        can't be such a process.
        """
        line = json.dumps(question).encode() + b"\n"
        with self.lock, _FEW:
            if self.process is not None and self.process.poll() is None:
                process = self.process
                try:
                    return self.put(process, line)
                except EndedError:
                    if process.returncode != 0:  # else it had waited long enough, just then
                        raise
            return self.put(self.begun(), line)

    def begun(self) -> subprocess.Popen:
        """A new process that has begun."""
        self.close()
        self.process = process = started()
        self.put(process, start_line(self.program, self.begin, self.bounds, STAYS))
        return process

    def put(self, process: subprocess.Popen, line: bytes) -> dict:
        """Its answer to one line; a process that gives none is ended."""
        assert process.stdin and process.stdout
        late = threading.Event()
        clock = threading.Timer(self.bounds.wait, lambda: (late.set(), process.kill()))
        clock.start()
        try:
            process.stdin.write(line)
            process.stdin.flush()
            said = process.stdout.readline()
        except OSError:  # it has gone
            said = b""
        finally:
            clock.cancel()
        if not said:
            process.wait()  # its output has ended, and so it has
            self.close()
        if late.is_set():
            raise GlassError("It takes too long.")
        return answer_in(said, process)

    def close(self) -> None:
        """Ends the process."""
        if (process := self.process) is None:
            return
        self.process = None
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with suppress(OSError):  # what was still to be written can't be
                    stream.close()

    def __del__(self) -> None:
        self.close()


def start_line(program: str, question: dict, bounds: Bounds, stay: int) -> bytes:
    """The first line for a process: its bounds and the first question."""
    limits = {"seconds": bounds.seconds, "memory": bounds.memory, "again": bounds.again}
    asked = {"path": sys.path, "program": program, "stay": stay, "question": question}
    return json.dumps(asked | limits).encode() + b"\n"


def started() -> subprocess.Popen:
    """A process that waits for its first line. Raises GlassError where there can't be one."""
    told = {name: os.environ[name] for name in _TOLD if name in os.environ}
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", apart_process.__file__],
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            env=told | _ALONE,
        )
    except OSError as error:
        raise GlassError(f"No process could be started: {error.strerror or error}.") from None


def answer_in(said: bytes, process: subprocess.Popen) -> dict:
    """The answer in a line; EndedError where there is none."""
    try:
        found = json.loads(said)
    except ValueError:
        raise EndedError(how_it_ended(process)) from None
    if not isinstance(found, dict):
        raise EndedError(how_it_ended(process))
    return found


def how_it_ended(process: subprocess.Popen) -> str:
    """Why a process gave no answer."""
    code = process.wait()
    killed = [-getattr(signal, name, 0) for name in ("SIGXCPU", "SIGKILL")]
    if code in killed:
        return "it takes too long"
    if code == -getattr(signal, "SIGSEGV", 0):
        return "the library that reads it breaks off"
    return "it takes too long, or too much memory"
