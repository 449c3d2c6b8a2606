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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import GlassError

_SCRATCH = ".fetch-"
_LEFT = 86_400  # seconds after which nobody writes into a scratch folder any more


def cache() -> Path:
    """Where fetched models are kept."""
    if folder := os.environ.get("GLASSFORMER_CACHE"):
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


def stamp_of(path: Path) -> list[int]:
    """Equal as long as a file was not touched: its size, its place on the disk and two times. The
    time of the last change to the file or to what is known of it can't be set back, unlike the
    other one.
    """
    found = path.stat()
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


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
    try:
        with scratch() as folder:
            (folder / name).write_text(json.dumps(remembered(name) | {key: value}, indent=1))
            os.replace(folder / name, cache() / name)
    except GlassError:
        pass


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder beside the cached files, so that moving a file there is one step; gone
    afterwards.
    """
    folder = None
    try:
        cache().mkdir(parents=True, exist_ok=True)
        remove_leftovers()
        folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=cache()))
        yield folder
    except OSError as error:
        raise unwritable(error) from None
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers() -> None:
    """Removes the scratch folders of programs that were ended while they wrote."""
    for folder in cache().glob(f"{_SCRATCH}*"):
        try:
            if time.time() - folder.stat().st_mtime > _LEFT:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # another program has just removed it
            pass


def unwritable(error: OSError) -> GlassError:
    """The sentence for a cache that takes no file."""
    return GlassError(
        f"Cannot write to the cache folder {cache()} ({error.strerror or error}). Free some"
        " space, or set the environment variable GLASSFORMER_CACHE to another folder."
    )


def is_of_the_disk(error: Exception) -> bool:
    """Whether a disk refuses, and not a network or a damaged archive: those name no file."""
    return isinstance(error, OSError) and bool(
        error.filename or error.errno in (errno.ENOSPC, errno.EDQUOT)
    )
