"""What work on a stranger's file or text must not do, whatever that holds: ask for the network,
start a program, unpickle, write outside its folder, take long, or take much memory.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import GlassError, harmless

SECONDS = 5  # of processor time that one case may take
ROOM = 1 << 30  # bytes of address space that all cases of a test may take beside what is taken
MEANT = {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec"}
MEANT |= {"os.posix_spawn", "os.fork", "pickle.find_class", "ctypes.dlopen"}
MOVED = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
_watch: list[Callable[[str, tuple], None]] = []  # who is told of each event, if anybody


def _hook(event: str, given: tuple) -> None:
    for tell in _watch:
        tell(event, given)


class TooLongError(BaseException):
    """A case took too long; no reader of files takes it for one of its own errors."""


@contextmanager
def watched(
    folder: Path, room: int = ROOM, *, pages: bool = False, programs: bool = False
) -> Iterator[None]:
    """Watches what runs inside: it may write below that folder alone, and not take more room.
    pages: Streamlit draws them, which pickles what its own caches keep. programs: processes that
    read what is foreign (core/models/apart.py) may be started; the fixture `alone` knows them.
    """
    meant = MEANT - ({"pickle.find_class"} if pages else set())
    meant -= {"subprocess.Popen", "os.posix_spawn", "os.fork"} if programs else set()
    done: list[str] = []

    def tell(event: str, given: tuple) -> None:
        if event in meant or event in written_by(event, given) and outside(given[0], folder):
            done.append(f"{event} {given!s:.200}")

    if not hasattr(sys, "_hostile_hook"):
        sys.addaudithook(_hook)  # which stays: no hook can be taken away
        sys._hostile_hook = True
    _watch.append(tell)
    try:
        with bounded(room):
            yield
    finally:
        _watch.remove(tell)
    assert not done, done[:3]


def written_by(event: str, given: tuple) -> set[str]:
    """The event, if a file or a folder is changed by it."""
    opened = event == "open" and bool(set(str(given[1] or "r")) & set("wax+"))
    flags = given[2] if event == "open" and given[1] is None else 0  # by os.open
    changes = opened or bool((flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return MOVED | ({"open"} if changes else set())


def outside(path: object, folder: Path) -> bool:
    """Whether a path is not below the folder; what Python compiles and /dev/null do not count."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False  # a file that is open already
    place = os.path.abspath(os.fsdecode(path))
    return not place.startswith(f"{folder}{os.sep}") and not (
        f"{os.sep}__pycache__" in place or place == os.devnull
    )


@contextmanager
def bounded(room: int) -> Iterator[None]:
    """What runs inside may take so many bytes more than are taken: MemoryError beyond. Only Linux
    says how many are taken.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@contextmanager
def in_time(seconds: float = SECONDS) -> Iterator[None]:
    """What runs inside has so much processor time: TooLongError where Python sees that it is over,
    and a failure where a library kept it from looking.
    """
    begun = time.thread_time()
    with alarm(seconds):
        yield
    assert time.thread_time() - begun < seconds


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """TooLongError after so much processor time; none in a thread, and none on Windows, which have
    no such signals.
    """
    main = threading.current_thread() is threading.main_thread()
    if not (main and hasattr(signal, "setitimer")):
        yield
        return

    def stop(*given) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def tried(cases: Iterator[tuple[str, Callable[[], object]]]) -> tuple[int, int]:
    """How many cases were done and how many were refused by a GlassError that can be shown. A case
    is what it is called, and what to do. All that ended otherwise are listed.
    """
    done, refused, wrong = 0, 0, []
    for name, work in cases:
        try:
            with in_time():
                work()
            done += 1
        except GlassError as error:
            said, refused = str(error), refused + 1
            if harmless(said) != said or said[-1:] not in tuple(".…?)") or len(said) > 1000:
                wrong.append(f"{name}: says {said!r:.300}")
        except (Exception, TooLongError) as error:
            wrong.append(f"{name}: {type(error).__name__}: {error!s:.300}")
    assert not wrong, f"{len(wrong)} cases:\n" + "\n".join(wrong[:20])
    return done, refused


def shards(count: int, cases: int, quick: int) -> list:
    """Seeds and how many cases each has: one small shard, and many slow ones."""
    slow = [pytest.param(seed, cases, marks=pytest.mark.slow) for seed in range(1, count + 1)]
    return [pytest.param(0, quick), *slow]
