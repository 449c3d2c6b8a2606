"""Opens GGUF files: counts, keys with values, one record for each tensor, the numbers.

The format is described in ggml's docs/gguf.md. Files are memory-mapped, and each name, shape,
format and place is checked against the size of the file before it is used.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import NoReturn

import numpy as np

from ..errors import GlassError
from .fields import LARGEST_HEADER, LARGEST_SIDE, Fields, map_file, quote
from .stored import Stored, bytes_per_row, checked_tensor

_MOST_ENTRIES = 1 << 16  # tensors or keys in one file
# Items in one list of a header: the longest vocabulary has a quarter of a million.
_MOST_ITEMS = 1 << 21

# The kinds of values in a header, and the formats of tensors that need no other package.
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _LIST = 8, 9
_FORMATS = {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 8: "Q8_0", 28: "F64", 30: "BF16"}


class _Cursor:
    """Reads a header from front to back, and never past the end of the file."""

    def __init__(self, data_B: np.ndarray, where: str):
        self.data, self.position, self.where = memoryview(data_B[:LARGEST_HEADER].data), 0, where

    def refuse(self, what: str) -> NoReturn:
        raise GlassError(f"{self.where} is damaged or cut off: {what} (at byte {self.position}).")

    def read(self, count: int) -> memoryview:
        if count > len(self.data) - self.position:
            self.refuse(f"its header claims {count} bytes more than there are")
        self.position += count
        return self.data[self.position - count : self.position]

    def number(self, code: str = "<Q", most: int | None = None):
        (value,) = struct.unpack(code, self.read(struct.calcsize(code)))
        if most is not None and value > most:
            self.refuse(f"its header claims {value} where at most {most} make sense")
        return value

    def text(self) -> str:
        try:
            return str(self.read(self.number()), "utf-8")
        except UnicodeDecodeError:
            self.refuse("a text in its header isn't UTF-8")

    def value(self):
        kind = self.number("<I")
        if kind == _STRING:
            return self.text()
        if kind == _LIST:
            return self.items(self.number("<I"), self.number(most=_MOST_ITEMS))
        if kind not in _SCALARS:
            self.refuse(f"its header has a value of unknown type {kind}")
        return self.number(_SCALARS[kind])

    def items(self, kind: int, count: int) -> list:
        if kind == _STRING:
            return [self.text() for _ in range(count)]
        if kind not in _SCALARS:
            self.refuse(f"its header has a list of unknown type {kind}")
        dtype = np.dtype(_SCALARS[kind])
        return np.frombuffer(self.read(count * dtype.itemsize), dtype).tolist()


def open_gguf(path: Path) -> tuple[dict, dict[str, Stored]]:
    """The header's keys and the tensors of a GGUF file. Raises GlassError where it contradicts
    itself or breaks off.
    """
    data_B = map_file(path, 24)
    cursor = _Cursor(data_B, path.name)
    if bytes(cursor.read(4)) != b"GGUF":
        raise GlassError(f"{path.name} is not a GGUF file.")
    if (version := cursor.number("<I")) not in (2, 3):
        raise GlassError(
            f"{path.name} is GGUF version {version}; Glassformer reads versions 2 and 3 in"
            " little-endian order."
        )
    n_tensors, n_keys = cursor.number(most=_MOST_ENTRIES), cursor.number(most=_MOST_ENTRIES)
    metadata: dict = {}
    for _ in range(n_keys):
        if (key := cursor.text()) in metadata:
            cursor.refuse(f"the key {quote(key)} occurs twice")
        metadata[key] = cursor.value()
    records = [_record(cursor) for _ in range(n_tensors)]
    align = Fields(metadata, path.name).whole("general.alignment", 32, 1, 1 << 16)
    start = -(-cursor.position // align) * align
    return metadata, _tensors(path, records, data_B[start:], align)


def _record(cursor: _Cursor) -> tuple[str, str, tuple[int, ...], int]:
    """One tensor's name, format, shape (as NumPy orders it) and first byte."""
    name = cursor.text()
    n_axes = cursor.number("<I", most=4)
    shape = tuple(cursor.number(most=LARGEST_SIDE) for _ in range(n_axes))[::-1]
    number = cursor.number("<I")
    if number not in _FORMATS:
        from gguf import GGMLQuantizationType as Kinds  # takes a while, and most files do without

        if number not in Kinds._value2member_map_:
            cursor.refuse(f"{quote(name)} has the unknown format {number}")
        return name, Kinds(number).name, shape, cursor.number()
    return name, _FORMATS[number], shape, cursor.number()


def _tensors(path: Path, records: list, body_B: np.ndarray, align: int) -> dict[str, Stored]:
    """The tensors of the records, each in its own bytes of the file's body."""
    tensors, end = {}, 0
    for name, kind, shape, start in sorted(records, key=lambda record: record[3]):
        size = bytes_per_row(path, name, kind, shape) * math.prod(shape[:-1])
        if name in tensors:
            raise GlassError(f"{path.name} is damaged: the tensor {quote(name)} occurs twice.")
        if start < end or start % align:
            raise GlassError(
                f"{path.name} is damaged: the bytes of {quote(name)} overlap others or do not"
                f" begin at a multiple of {align}."
            )
        if start + size > len(body_B):
            raise GlassError(
                f"{path.name} is damaged or cut off: {quote(name)} should end at byte"
                f" {start + size}, but there are only {len(body_B)}."
            )
        end = start + size
        tensors[name] = checked_tensor(path, name, kind, shape, body_B[start:end])
    return tensors
