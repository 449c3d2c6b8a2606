"""Reads what a model's files say, and trusts none of it: JSON files, their values, raw bytes.

Every value is checked for its kind and its range when it is read, and only ordinary files of a
sensible size are opened, so that a damaged or lying file costs a message and no memory. Nothing
here runs code from a file: there is no pickle.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ..errors import GlassError

LARGEST_HEADER = 1 << 25  # bytes; real headers have at most a few million
LARGEST_VOCABULARY = 1 << 26  # bytes of a file that a tokenizer is read from
MOST_VALUES = 1_000_000  # in a JSON file: the largest index of weights has a tenth of that
MOST_IN_VOCABULARY = 4_000_000  # in one of a vocabulary: the largest have two to three million
LARGEST_SIDE = 1 << 40  # numbers along one axis: far above any model, and products stay whole
_POINTER = b"version https://git-lfs.github.com/spec/v1"
_LARGEST_POINTER = 1 << 10  # bytes, by the specification of Git LFS
_SPARSE = 1 << 30  # bytes: from here on a file is looked at for holes
_HELD = 16  # a file of which less than one byte in so many is on the disk is one of holes


@dataclass(frozen=True)
class Fields:
    """A config as someone wrote it: every value is checked for its kind and its range when it is
    read.
    """

    values: dict[str, Any]
    where: str  # how messages call the file

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or the default where it is absent or null."""
        value = self.values.get(key)
        return default if value is None else value

    def whole(self, key: str, default: int | None = None, low: int = 1, high: int = 1 << 24) -> int:
        """A whole number from low to high."""
        value = self.get(key, default)
        if (
            value is None
            or isinstance(value, bool)
            or not isinstance(value, int)
            or not low <= value <= high
        ):
            self.refuse(key, f"a whole number from {low} to {high}")
        return value

    def number(
        self, key: str, default: float | None = None, low: float = 0.0, high: float = 1e12
    ) -> float:
        """A finite number from low to high."""
        value = self.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not low <= value <= high
        ):
            self.refuse(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, "true or false")
        return value

    def choice(self, key: str, default: str | None, allowed: dict[str, str]) -> str:
        """One of a few words, as the word that is used here."""
        value = self.get(key, default)
        if not isinstance(value, str) or value not in allowed:
            self.refuse(key, "one of " + ", ".join(allowed))
        return allowed[value]

    def token_id(self, key: str, n_vocab: int, default: int | None = None) -> int | None:
        """A token's id, the first where there are several; None where the vocabulary has no such
        token.
        """
        value = self.get(key, default)
        value = value[0] if isinstance(value, list) and value else value
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            self.refuse(key, "the number of a token")
        return value if value is not None and 0 <= value < n_vocab else None

    def refuse(self, key: str, wanted: str) -> NoReturn:
        """Raises the error of one value."""
        found = (
            f"says {quote(self.values[key])}"
            if self.values.get(key) is not None
            else "says nothing"
        )
        raise GlassError(f"{self.where} {found} for “{key}”; {wanted} is needed.")


def quote(value) -> str:
    """A value from a file, short and harmless enough for a message."""
    kinds = {list: "a list", dict: "an object", bool: str(value).lower(), type(None): "null"}
    text = kinds.get(type(value), str(value))  # as the file has it
    text = "".join(letter if letter.isprintable() else "�" for letter in text[:100])
    return f"“{text}”" if isinstance(value, str) else text


def read_json(path: Path, most: int = MOST_VALUES) -> dict:
    """The object in a JSON file. most: values in it. Raises GlassError if the file is no such
    thing.
    """
    if (size := regular_size(path)) > LARGEST_HEADER:
        raise GlassError(
            f"{path.name} is larger than {LARGEST_HEADER >> 20} MB, too large for such a file."
        )
    with path.open("rb") as file:
        return parse_json(
            file.read(size), path.name, most
        )  # no further: some files of /proc never end


def parse_json(data: bytes, where: str, most: int = MOST_VALUES) -> dict:
    """A JSON object: no NaN, no repeated keys, no nesting deeper than Python's stack, and no more
    values than `most`: a byte or two may become a hundred in memory.
    """
    if values_in(data) > most:
        raise GlassError(f"{where} holds more than {most:,} values, too many for such a file.")

    def unique(pairs):
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("a key occurs twice")
        return found

    def refuse(constant):
        raise ValueError(f"{constant} is not a number")

    try:
        found = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise GlassError(
            f"{where} is damaged: it is not readable JSON ({str(error)[:100]})."
        ) from None
    if not isinstance(found, dict):
        raise GlassError(f"{where} is damaged: it should hold a JSON object.")
    return found


def values_in(data: bytes) -> int:
    """How many values a JSON text may hold at most, counted before it is read; an object, which
    takes the memory of a few, counts as four. Signs within texts count as well.
    """
    return data.count(b",") + data.count(b"[") + 4 * data.count(b"{") + 1


def regular_size(path: Path) -> int:
    """The size in bytes of an ordinary file that may be read. A pipe or a device would let a reader
    wait for ever.
    """
    try:
        if not path.is_file():
            raise GlassError(
                f"{path.name} in {path.parent} is not an ordinary file."
                if path.exists()
                else f"There is no file {path.name} in {path.parent}."
            )
        with path.open("rb"):
            size = path.stat().st_size
        refuse_pointer(path, size)
        return size
    except OSError as error:
        raise GlassError(f"{path} cannot be read: {error.strerror}.") from None


def refuse_pointer(path: Path, size: int) -> None:
    """Raises an error if Git LFS has put a few lines in place of the file that say where it is."""
    if 0 < size < _LARGEST_POINTER:  # what the kernel shows as files has size 0, or a page
        with path.open("rb") as file:
            if file.read(len(_POINTER)) == _POINTER:
                raise GlassError(
                    f"{path.name} in {path.parent} is only a Git LFS pointer to the real file."
                    " Run `git lfs pull` in that folder."
                )


def map_file(path: Path, least: int) -> np.ndarray:
    """The bytes of a file, memory-mapped, if there are at least so many."""
    size = regular_size(path)
    if size < least:
        raise GlassError(f"{path.name} is damaged: it has only {size} bytes. Download it again.")
    refuse_holes(path)
    try:
        return np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise GlassError(f"{path} can't be mapped into memory: {error}.") from None


def refuse_holes(path: Path) -> None:
    """Raises an error for a large file that is nearly all holes, as a download that broke off or a
    hostile file is: they read as zeros, at the price of a full file. A system that does not say
    what is on the disk (0 blocks) is believed.
    """
    found = path.stat()
    held = 512 * getattr(found, "st_blocks", 0)
    if found.st_size >= _SPARSE and 0 < held < found.st_size // _HELD:
        raise GlassError(
            f"{path.name} is damaged: of its {found.st_size / 1e6:,.0f} MB only"
            f" {held / 1e6:,.1f} MB are on the disk, and the rest are holes. Download it again."
        )
