"""The folder where fetched models are kept, and what is remembered there of files' digests.

It is the user's cache folder; the environment variable GLASSFORMER_CACHE names another.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import settings
from ..errors import GlassError
from .locks import locked, take

_SCRATCH, _LOCK = ".fetch-", ".lock"
_LEFT = 86_400  # seconds after which nobody writes any more into what has no lock
_SAMPLES, _BLOCK = 16, 4096  # blocks of a file that are looked at each time, bytes of each


def cache() -> Path:
    """Where fetched models are kept."""
    if folder := settings.text("CACHE"):
        return Path(os.path.expanduser(folder))  # unlike Path's own, it never raises
    from platformdirs import user_cache_path

    return user_cache_path("glassformer")


def digest(path: Path) -> str:
    """The SHA-256 of a file; remembered as long as nothing has touched the file."""
    path = path.resolve()
    stamp = stamp_of(path)
    match remembered("digests.json").get(str(path)):
        case [*known, str(sha256)] if known == stamp:
            return sha256
    sums = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sums.update(block)
    remember("digests.json", str(path), [*stamp, sums.hexdigest()])
    return sums.hexdigest()


def stamp_of(path: Path) -> list:
    """Equal as long as a file was not touched: its size, its place on the disk, two times, and a
    sample of its bytes. The time of the last change to the file or to what is known of it can't be
    set back, unlike the other one; where a system does not keep it, other weights still differ in
    the sample.
    """
    known = known_of(path)
    return [*known, sample_of(path, known[0])]


def known_of(path: Path) -> list[int]:
    """What the system knows of a file: its size, its place on the disk and two times."""
    found = path.stat()
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def differs(path: Path, stamp: list) -> bool:
    """Whether a file is another one than when it had this stamp. Nothing is read, but where only
    what is known of it has changed, as by a hard link or another owner: then its sample tells.
    """
    try:
        known, read = known_of(path), stamp[:-1]
        if known == read:
            return False
        return known[:-1] != read[:-1] or sample_of(path, known[0]) != stamp[-1]
    except OSError:
        return True


def sample_of(path: Path, size: int) -> str:
    """A digest of some blocks spread over a file: the first, the last, and those between."""
    sums = hashlib.blake2b(digest_size=8)
    last = max(0, size - _BLOCK)
    with path.open("rb") as file:
        for n in range(_SAMPLES):
            file.seek(last * n // (_SAMPLES - 1))
            sums.update(file.read(_BLOCK))
    return sums.hexdigest()


def note_digest(path: Path, sha256: str) -> None:
    """Remembers the SHA-256 of a file that was just written."""
    remember("digests.json", str(path.resolve()), [*stamp_of(path), sha256])


def remembered(name: str) -> dict:
    """A small JSON object in the cache; empty if there is none that can be read."""
    try:
        found = json.loads((cache() / name).read_text())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}


def remember(name: str, key: str, value) -> None:
    """Adds to such an object. Where nothing can be written, the work is done again next time."""
    update(name, lambda known: known | {key: value})


def update(name: str, change: Callable[[dict], dict]) -> None:
    """Changes such an object. One process, and one thread of it, does so at a time, from what the
    last one wrote: no change is lost. Where nothing can be written, nothing happens.
    """
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with locked(cache() / _LOCK):  # one for all: each is held for milliseconds
            text = json.dumps(change(remembered(name)), indent=1)
            handle, new = tempfile.mkstemp(prefix=_SCRATCH, dir=cache())
            try:
                with os.fdopen(handle, "w") as file:
                    file.write(text)
                os.replace(new, cache() / name)
            except OSError:
                os.unlink(new)
    except OSError:
        pass


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder beside the cached files, so that moving a file there is one step; gone
    afterwards.

    A lock stands beside it, and is held before the folder is there: so others see whether anyone
    still writes into it, and the system lets go of it when this process ends.
    """
    try:
        cache().mkdir(parents=True, exist_ok=True)
        remove_leftovers()
        handle, name = tempfile.mkstemp(prefix=_SCRATCH, suffix=_LOCK, dir=cache())
        os.close(handle)
    except OSError as error:
        raise unwritable(error) from None
    lock = Path(name)
    folder = lock.with_suffix("")
    try:
        with locked(lock):
            folder.mkdir(mode=0o700)
            yield folder
    except OSError as error:
        raise unwritable(error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            lock.unlink(missing_ok=True)


def remove_leftovers() -> None:
    """Removes what programs have left behind that were ended while they wrote: what has a lock,
    once nobody holds it; what has none, after a day.
    """
    for lock in cache().glob(f"{_SCRATCH}*{_LOCK}"):
        with suppress(OSError):  # another program has just removed it
            remove_if_left(lock)
    for path in cache().glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            if not has_lock(path) and time.time() - path.stat().st_mtime > _LEFT:
                remove_all(path)


def has_lock(path: Path) -> bool:
    """Whether something in the cache is a lock, or has one beside it."""
    return path.suffix == _LOCK or path.with_name(path.name + _LOCK).exists()


def remove_if_left(lock: Path) -> None:
    """Removes a scratch folder and its lock if nobody holds that."""
    with lock.open("r+b") as file:
        if not take(file):
            return
        remove_all(lock.with_suffix(""))
    lock.unlink(missing_ok=True)


def remove_all(path: Path) -> None:
    """Removes a file, or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def unwritable(error: OSError) -> GlassError:
    """The sentence for a cache that takes no file."""
    why = error.strerror or error
    if is_full_disk(error):
        return GlassError(
            f"The disk of the cache folder {cache()} is full ({why}). Free some space, or set the"
            " environment variable GLASSFORMER_CACHE to a folder on another disk."
        )
    return GlassError(
        f"Cannot write to the cache folder {cache()} ({why}). Free some space, or set the"
        " environment variable GLASSFORMER_CACHE to another folder."
    )


def is_of_the_disk(error: Exception) -> bool:
    """Whether a disk refuses, and not a network or a damaged archive: those name no file."""
    return isinstance(error, OSError) and bool(error.filename) or is_full_disk(error)


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, is a disk that has no room, or a quota that is used
    up. Libraries in other languages say so in words alone.
    """
    seen = 0
    while error is not None and seen < _CHAIN:
        if isinstance(error, OSError) and error.errno in _FULL or tells_of_full_disk(str(error)):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


def tells_of_full_disk(text: str) -> bool:
    """Whether a program has written that the disk is full."""
    return any(words in text for words in _FULL_IN_WORDS)


_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_IN_WORDS = (
    "No space left on device",
    "Disk quota exceeded",
    "not enough space on the disk",
    "os error 28)",
    "[WinError 112]",
)
_CHAIN = 10  # errors that one may have come from
