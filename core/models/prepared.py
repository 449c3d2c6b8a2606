"""Weights that were converted once, kept in the cache as they are used: the model starts at once.

    weights_of(files, layout, tensors, dtype)   the weights of a model, from there or converted
    forget(), bytes_kept()                      what is kept, removed and counted

A file of prepared weights holds float32 numbers and is memory-mapped. Its name is made of the
SHA-256 of the model's own files, of what is known of the model (its layout) and of the code that
converts, so that it serves these alone; and it is used only while its own SHA-256 is the one that
was written down when it was made. All files together take at most GLASSFORMER_PREPARED megabytes
(0: nothing is kept); the one used longest ago goes first.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from functools import cache as once
from pathlib import Path

import numpy as np

from .. import settings
from ..errors import GlassError
from ..memory import owner_of
from .assembly import absent_bias, assemble, is_absent
from .cache import cache, digest, note_digest, remember, remembered, scratch
from .families.common import Layout
from .safetensors import open_safetensors
from .stored import Stored

WORTH = 1 << 20  # numbers that must be converted: fewer take no time
_DAY = 86_400  # seconds: the last use is written down so often
_VIEWS = "views"  # beside the arrays: which of our weights looks into which of them
_KNOWN = "prepared.json"  # in the cache: for each file its SHA-256, and when it was used last
Views = dict[str, list]  # name -> [array, first column, column after the last], or [shape] of zeros


def weights_of(
    files: Iterable[Path], layout: Layout, tensors: Mapping[str, Stored], dtype
) -> dict[str, np.ndarray]:
    """What `assemble` makes of these tensors, bit for bit. files: all that they may lie in."""
    if np.dtype(dtype) != np.float32 or not is_worth_it(tensors):
        return assemble(layout, tensors, dtype)
    key = key_of(files, layout)
    found = mapped(key)
    if found is None:
        found = kept(key, assemble(layout, tensors, dtype))
    return found


def is_worth_it(tensors: Mapping[str, Stored]) -> bool:
    """Whether converting takes a while, and the result has a place."""
    sizes = {name: stored.count for name, stored in tensors.items()}
    converted = sum(sizes[name] for name, stored in tensors.items() if stored.kind != "F32")
    return converted >= WORTH and 4 * sum(sizes.values()) <= room()


def room() -> int:
    """How many bytes all prepared weights may take."""
    return settings.whole("PREPARED") << 20


def home() -> Path:
    """The folder of prepared weights."""
    return cache() / "prepared"


def key_of(files: Iterable[Path], layout: Layout) -> str:
    """Equal only for the same bytes, read in the same way by the same code."""
    sums = hashlib.sha256(code_digest())
    for each in (*map(digest, files), repr(layout), sys.byteorder):
        sums.update(each.encode() + b"\0")
    return sums.hexdigest()[:40]


@once
def code_digest() -> bytes:
    """The SHA-256 of the code that turns a file's bytes into weights: of all that reads models,
    since nobody would think of a list here when a file is added there.
    """
    core = Path(__file__).parents[1]
    files = [core / "config.py", core / "ops.py", *sorted((core / "models").rglob("*.py"))]
    parts = [path.read_bytes() for path in files]
    parts.append(importlib.metadata.version("gguf").encode())
    return hashlib.sha256(b"\0".join(parts)).digest()


# --- reading --------------------------------------------------------------------------------------


def mapped(key: str) -> dict[str, np.ndarray] | None:
    """The prepared weights of that key, memory-mapped and read-only; None where there are none that
    are as they were written.
    """
    path, known = home() / f"{key}.safetensors", remembered(_KNOWN).get(key)
    match known:
        case [str(sha256), int(used)] if path.is_file():
            pass
        case _:
            return None
    try:
        if digest(path) != sha256:
            raise GlassError("These are not the bytes that were written.")
        found = looked_up(open_safetensors(path))
    except (GlassError, OSError, ValueError, KeyError, TypeError):
        path.unlink(missing_ok=True)
        return None
    if time.time() - used > _DAY:
        remember(_KNOWN, key, [sha256, int(time.time())])
    return found


def looked_up(tensors: Mapping[str, Stored]) -> dict[str, np.ndarray]:
    """All weights by name, out of the arrays of a file."""
    views: Views = json.loads(tensors[_VIEWS].raw_RB.tobytes())
    arrays = {
        name: np.asarray(stored.raw_RB).view("<f4").reshape(stored.shape)
        for name, stored in tensors.items()
        if name != _VIEWS
    }
    found = {}
    for name, view in views.items():
        if len(view) == 1:
            found[name] = absent_bias(tuple(view[0]), np.float32)
        else:
            array, start, stop = view
            found[name] = arrays[array][..., start:stop]
    return found


# --- writing --------------------------------------------------------------------------------------


def kept(key: str, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Writes weights down for the next time; returns them as they will be read then, or as they
    are where they can't be kept.
    """
    if (found := taken_apart(weights)) is None or not has_space(found[0]):
        return weights
    try:
        with scratch() as folder:
            sha256 = write(folder / key, *found)
            home().mkdir(exist_ok=True)
            os.replace(folder / key, path := home() / f"{key}.safetensors")
    except GlassError:
        return weights
    note_digest(path, sha256)
    remember(_KNOWN, key, [sha256, int(time.time())])
    make_room(path)
    again = mapped(key)
    return weights if again is None else again


def taken_apart(weights: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], Views] | None:
    """The arrays that hold all weights, and where each weight lies in them; None where one lies
    otherwise than in neighbouring columns.
    """
    arrays: dict[str, np.ndarray] = {}
    names: dict[int, str] = {}
    views: Views = {}
    for name, array in weights.items():
        if is_absent(array):
            views[name] = [list(array.shape)]
            continue
        owner = owner_of(array)
        arrays[names.setdefault(id(owner), name)] = owner
        start = (array.ctypes.data - owner.ctypes.data) // 4
        stop = start + array.shape[-1]
        if not lies_there(array, owner, start, stop):
            return None
        views[name] = [names[id(owner)], start, stop]
    return arrays, views


def lies_there(array: np.ndarray, owner: np.ndarray, start: int, stop: int) -> bool:
    """Whether an array is those columns of another, which lies in memory as in a file."""
    if owner.dtype != "<f4" or not owner.flags.c_contiguous or stop > owner.shape[-1]:
        return False
    same = owner[..., start:stop]
    return (same.shape, same.strides) == (array.shape, array.strides)


def has_space(arrays: dict[str, np.ndarray]) -> bool:
    """Whether the disk has room for these, and as much again for others."""
    try:
        cache().mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(cache()).free > 2 * sum(each.nbytes for each in arrays.values())
    except OSError:
        return False


def write(path: Path, arrays: dict[str, np.ndarray], views: Views) -> str:
    """Writes a safetensors file; returns its SHA-256."""
    said = np.frombuffer(json.dumps(views).encode(), np.uint8)
    header, end = {}, 0
    for name, array in (*arrays.items(), (_VIEWS, said)):
        kind = "U8" if name == _VIEWS else "F32"
        offsets = [end, end := end + array.nbytes]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": offsets}
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % 64)  # the arrays begin where a processor likes them to
    sums = hashlib.sha256()
    with path.open("wb") as file:
        for part in (len(text).to_bytes(8, "little"), text, *arrays.values(), said):
            data = part if isinstance(part, bytes) else part.data.cast("B")
            sums.update(data)
            file.write(data)
    return sums.hexdigest()


# --- bounded and removable ------------------------------------------------------------------------


def kept_files() -> dict[Path, int]:
    """All files of prepared weights with their bytes, the one used longest ago first."""
    known, found = remembered(_KNOWN), {}
    for path in home().glob("*.safetensors"):
        match known.get(path.stem):
            case [str(), int(used)]:
                found[path] = used
            case _:
                found[path] = 0
    return {path: size_of(path) for path in sorted(found, key=found.__getitem__)}


def size_of(path: Path) -> int:
    """The bytes of a file, which may just have gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def bytes_kept() -> int:
    """The bytes of all prepared weights."""
    return sum(kept_files().values())


def make_room(but: Path) -> None:
    """Removes what was used longest ago until all is within the bound; one file stays."""
    files = kept_files()
    taken = sum(files.values())
    for path, size in files.items():
        if taken > room() and path != but:
            path.unlink(missing_ok=True)
            taken -= size


def forget() -> int:
    """Removes all prepared weights; returns how many bytes that were."""
    gone = bytes_kept()
    shutil.rmtree(home(), ignore_errors=True)
    return gone
