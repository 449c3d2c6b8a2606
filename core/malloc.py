"""Freed memory: the C library keeps it for the next array, and gives it back when asked to."""

import ctypes
import os
from pathlib import Path

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # glibc's malloc.h
_ONE_GIB = 1 << 30


def keep_freed_memory() -> bool:
    """Asks glibc to reuse large blocks. A trace allocates and frees many: with fresh pages for
    each, page faults cost up to 40 % of a forward pass (measured). Without glibc
    nothing happens, and it says so.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return all(
        (
            mallopt(_MMAP_THRESHOLD, _ONE_GIB),
            mallopt(_TRIM_THRESHOLD, _ONE_GIB),
            mallopt(_TOP_PAD, 1 << 26),
        )
    )


def give_back() -> bool:
    """Returns kept memory to the system. Without glibc nothing happens, and it says so."""
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (OSError, AttributeError, TypeError):
        return False


def resident() -> int:
    """The bytes of its own that this process has in memory now. What it maps from files, such as
    prepared weights, does not count: the system drops these pages by itself where memory is short,
    and other processes share them. 0 where the system does not say.
    """
    try:
        _, pages, of_files, *_ = map(int, Path("/proc/self/statm").read_text().split())
        return (pages - of_files) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0
