"""Locks between processes: a file that one of them holds until it lets go, or ends in whatever way.

The system takes a lock from a process that was killed, so no lock is ever left behind. Where files
can't be locked (some network disks), all go on as if they had the lock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PATIENCE = 10  # seconds that are waited for a lock
_STEP = 0.01  # seconds between two tries


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Holds the lock of a file, which is made; whether it could be had in time. Raises OSError
    where there can't be such a file.
    """
    until = time.monotonic() + PATIENCE
    with path.open("a+b") as file:
        while not (held := take(file)) and time.monotonic() < until:
            time.sleep(_STEP)
        yield held  # closing the file lets go


def take(file: IO[bytes]) -> bool:
    """Takes the lock of an open file, unless another process, or another opening of the file, has
    it.
    """
    try:
        import fcntl
    except ImportError:
        return take_on_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a disk that knows no locks
        return True
    return True


def take_on_windows(file: IO[bytes]) -> bool:
    """The same by the first byte of the file, which need not be there."""
    import msvcrt

    file.seek(0)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True
