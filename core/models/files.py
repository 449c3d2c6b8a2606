"""Reads the two kinds of weight files, safetensors and GGUF, and believes nothing that their
headers say.

Files are memory-mapped; each name, shape, format and place is checked against the size of the file
before it is used, so that a damaged or lying file costs a message and no memory. Nothing here runs
code from a file: there is no pickle.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import GlassError

_LARGEST_HEADER = 1 << 25  # bytes; real headers have at most a few million
_LARGEST_SIDE = 1 << 40  # numbers along one axis: far above any model, and products stay whole
_POINTER = b"version https://git-lfs.github.com/spec/v1"
_LARGEST_POINTER = 1 << 10  # bytes, by the specification of Git LFS
_MOST_ENTRIES = 1 << 16  # tensors or keys in one file
_MOST_ITEMS = (
    1 << 21
)  # items in one list of a GGUF header: the longest vocabulary has a quarter of a million


@dataclass(frozen=True, eq=False)
class Stored:
    """A tensor as it lies in a file: what is known of it is checked, its numbers are read when they
    are asked for.
    """

    name: str
    shape: tuple[int, ...]
    kind: str  # "F32", "BF16", "Q4_1", …
    raw_RB: np.ndarray  # its bytes, memory-mapped: one row for each row of the tensor

    def numbers(self, rows=slice(None)) -> np.ndarray:
        """Rows of the tensor as floating-point numbers, (R, last axis); a vector is one row."""
        raw_RB = self.raw_RB[rows]
        if self.kind in _DECODE:
            return _DECODE[self.kind](raw_RB)
        return _dequantised_by_gguf(self.name, self.kind, raw_RB)


@dataclass(frozen=True)
class Fields:
    """A config as someone wrote it: every value is checked for its kind and its range when it is
    read.
    """

    values: dict
    where: str  # how messages call the file

    def get(self, key: str, default=None):
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

    def refuse(self, key: str, wanted: str):
        """Raises the error of one value."""
        found = (
            f"says {shown(self.values[key])}"
            if self.values.get(key) is not None
            else "says nothing"
        )
        raise GlassError(f"{self.where} {found} for “{key}”; {wanted} is needed.")


def shown(value) -> str:
    """A value from a file, short and harmless enough for a message."""
    kinds = {list: "a list", dict: "an object", bool: str(value).lower(), type(None): "null"}
    text = kinds.get(type(value), str(value))  # as the file has it
    text = "".join(letter if letter.isprintable() else "�" for letter in text[:100])
    return f"“{text}”" if isinstance(value, str) else text


def read_json(path: Path) -> dict:
    """The object in a JSON file. Raises GlassError if the file is no such thing."""
    if (size := regular_size(path)) > _LARGEST_HEADER:
        raise GlassError(
            f"{path.name} is larger than {_LARGEST_HEADER >> 20} MB, which no such file should be."
        )
    with path.open("rb") as file:
        return parse_json(file.read(size), path.name)  # no further: some files of /proc never end


def parse_json(data: bytes, where: str) -> dict:
    """A JSON object: no NaN, no repeated keys, no nesting deeper than Python's stack."""

    def unique(pairs):
        if len(found := dict(pairs)) < len(pairs):
            raise ValueError("a key stands there twice")
        return found

    def refuse(constant):
        raise ValueError(f"{constant} is no number")

    try:
        found = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise GlassError(
            f"{where} is damaged: it isn't readable JSON ({str(error)[:100]})."
        ) from None
    if not isinstance(found, dict):
        raise GlassError(f"{where} is damaged: a JSON object is expected.")
    return found


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
        raise GlassError(f"{path} can't be read: {error.strerror}.") from None


def refuse_pointer(path: Path, size: int) -> None:
    """Raises an error if Git LFS has put a few lines in place of the file that say where it is."""
    if 0 < size < _LARGEST_POINTER:  # what the kernel shows as files has size 0, or a page
        with path.open("rb") as file:
            if file.read(len(_POINTER)) == _POINTER:
                raise GlassError(
                    f"{path.name} in {path.parent} is only a Git LFS pointer: the "
                    "file itself has not been fetched. Run `git lfs pull` in that "
                    "folder."
                )


def mapped(path: Path, least: int) -> np.ndarray:
    """The bytes of a file, memory-mapped, if there are at least so many."""
    size = regular_size(path)
    if size < least:
        raise GlassError(f"{path.name} is damaged: it has only {size} bytes. Fetch it again.")
    try:
        return np.memmap(path, np.uint8, "r")
    except (OSError, ValueError) as error:
        raise GlassError(f"{path} can't be mapped into memory: {error}.") from None


# safetensors: eight bytes with the length of the header, the header in JSON, the numbers.


def read_safetensors(path: Path) -> dict[str, Stored]:
    """The tensors of one file by name. Raises GlassError where the header and the file do not fit
    together.
    """
    data_B = mapped(path, 8)
    length = int.from_bytes(data_B[:8].tobytes(), "little")
    if length > min(len(data_B) - 8, _LARGEST_HEADER):
        raise GlassError(
            f"{path.name} is damaged or cut off: its header claims {length} bytes, "
            f"the file has {len(data_B)}."
        )
    header = parse_json(data_B[8 : 8 + length].tobytes(), f"The header of {path.name}")
    header.pop("__metadata__", None)
    body_B, end, tensors = data_B[8 + length :], 0, {}
    entries = [(name, *_safetensors_entry(path, name, entry)) for name, entry in header.items()]
    for name, kind, shape, start, stop in sorted(entries, key=lambda entry: entry[3:]):
        if start != end:
            raise GlassError(
                f"{path.name} is damaged: the bytes of {shown(name)} don't follow those before"
                " them."
            )
        if stop > len(body_B):
            raise GlassError(
                f"{path.name} is damaged or cut off: {shown(name)} should end at byte {stop}, "
                f"and there are {len(body_B)}."
            )
        tensors[name], end = _stored(path, name, kind, shape, body_B[start:stop]), stop
    if end != len(body_B):
        raise GlassError(
            f"{path.name} is damaged: {len(body_B) - end} bytes at its end belong to no tensor."
        )
    return tensors


def _safetensors_entry(path: Path, name: str, entry) -> tuple[str, tuple[int, ...], int, int]:
    """One entry of the header: format, shape, first and last byte."""
    try:
        kind, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
        numbers = (*shape, start, stop)
        right = (
            isinstance(kind, str)
            and isinstance(shape, list)
            and len(shape) <= 8
            and len(entry) == 3
            and all(
                isinstance(number, int) and not isinstance(number, bool) and number >= 0
                for number in numbers
            )
        )
    except (TypeError, KeyError, ValueError):
        right = False
    if not right or max(numbers) > _LARGEST_SIDE:
        raise GlassError(
            f"{path.name} is damaged: its header's entry for {shown(name)} makes no sense."
        )
    return kind, tuple(shape), start, stop


def read_shards(index: Path) -> dict[str, Stored]:
    """The tensors of a model that is spread over several safetensors files, by its index."""
    places = read_json(index).get("weight_map")
    if (
        not isinstance(places, dict)
        or not places
        or not all(isinstance(name, str) for name in places.values())
    ):
        raise GlassError(
            f"{index.name} is damaged: it has no list of which tensor lies in which file."
        )
    tensors: dict[str, Stored] = {}
    for shard in sorted(set(places.values())):
        if (
            Path(shard).name != shard
            or not shard.endswith(".safetensors")
            or not shard.isprintable()
        ):
            raise GlassError(
                f"{index.name} points to {shown(shard)}, which is no safetensors file beside it."
            )
        found = read_safetensors(index.parent / shard)
        for name in found:
            if places.get(name) != shard:
                raise GlassError(
                    f"{index.name} and {shard} disagree about the tensor {shown(name)}."
                )
        tensors |= found
    for name in places:
        if name not in tensors:
            raise GlassError(
                f"{places[name]} lacks the tensor {shown(name)}, which {index.name} says it has."
            )
    return tensors


# GGUF: counts, keys with values, one record for each tensor, the numbers (ggml's gguf.md).

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
_KINDS = {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 8: "Q8_0", 28: "F64", 30: "BF16"}


class _Cursor:
    """Reads a header from front to back, and never past the end of the file."""

    def __init__(self, data_B: np.ndarray, where: str):
        self.data, self.at, self.where = memoryview(data_B[:_LARGEST_HEADER]), 0, where

    def refuse(self, what: str):
        raise GlassError(f"{self.where} is damaged or cut off: {what} (at byte {self.at}).")

    def take(self, count: int) -> memoryview:
        if count > len(self.data) - self.at:
            self.refuse(f"its header claims {count} bytes more than there are")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, code: str = "<Q", most: int | None = None):
        (value,) = struct.unpack(code, self.take(struct.calcsize(code)))
        if most is not None and value > most:
            self.refuse(f"its header claims {value} where at most {most} make sense")
        return value

    def text(self) -> str:
        try:
            return str(self.take(self.number()), "utf-8")
        except UnicodeDecodeError:
            self.refuse("a text in its header isn't UTF-8")

    def value(self):
        kind = self.number("<I")
        if kind == _STRING:
            return self.text()
        if kind == _LIST:
            return self.items(self.number("<I"), self.number(most=_MOST_ITEMS))
        if kind not in _SCALARS:
            self.refuse(f"its header has a value of the unknown kind {kind}")
        return self.number(_SCALARS[kind])

    def items(self, kind: int, count: int) -> list:
        if kind == _STRING:
            return [self.text() for _ in range(count)]
        if kind not in _SCALARS:
            self.refuse(f"its header has a list of the unknown kind {kind}")
        dtype = np.dtype(_SCALARS[kind])
        return np.frombuffer(self.take(count * dtype.itemsize), dtype).tolist()


def read_gguf(path: Path) -> tuple[dict, dict[str, Stored]]:
    """The header's keys and the tensors of a GGUF file. Raises GlassError where it lies or breaks
    off.
    """
    data_B = mapped(path, 24)
    cursor = _Cursor(data_B, path.name)
    if bytes(cursor.take(4)) != b"GGUF":
        raise GlassError(f"{path.name} isn't a GGUF file.")
    if (version := cursor.number("<I")) not in (2, 3):
        raise GlassError(
            f"{path.name} is GGUF version {version}; versions 2 and 3 in little-endian order can be"
            " read."
        )
    n_tensors, n_keys = cursor.number(most=_MOST_ENTRIES), cursor.number(most=_MOST_ENTRIES)
    metadata: dict = {}
    for _ in range(n_keys):
        if (key := cursor.text()) in metadata:
            cursor.refuse(f"the key {shown(key)} stands there twice")
        metadata[key] = cursor.value()
    records = [_gguf_record(cursor) for _ in range(n_tensors)]
    align = Fields(metadata, path.name).whole("general.alignment", 32, 1, 1 << 16)
    start = -(-cursor.at // align) * align
    return metadata, _gguf_tensors(path, records, data_B[start:], align)


def _gguf_record(cursor: _Cursor) -> tuple[str, str, tuple[int, ...], int]:
    """One tensor's name, format, shape (as NumPy orders it) and first byte."""
    name = cursor.text()
    shape = tuple(cursor.number(most=_LARGEST_SIDE) for _ in range(cursor.number("<I", most=4)))[
        ::-1
    ]
    number = cursor.number("<I")
    if number not in _KINDS:
        from gguf import GGMLQuantizationType as Kinds  # takes a while, and most files do without

        if number not in Kinds._value2member_map_:
            cursor.refuse(f"{shown(name)} has the unknown format {number}")
        return name, Kinds(number).name, shape, cursor.number()
    return name, _KINDS[number], shape, cursor.number()


def _gguf_tensors(path: Path, records: list, body_B: np.ndarray, align: int) -> dict[str, Stored]:
    """The tensors of the records, each in its own bytes of the file's body."""
    tensors, end = {}, 0
    for name, kind, shape, start in sorted(records, key=lambda record: record[3]):
        size = _row_bytes(path, name, kind, shape) * math.prod(shape[:-1])
        if name in tensors:
            raise GlassError(
                f"{path.name} is damaged: the tensor {shown(name)} stands there twice."
            )
        if start < end or start % align:
            raise GlassError(
                f"{path.name} is damaged: the bytes of {shown(name)} overlap with others, or don't"
                f" begin at a multiple of {align}."
            )
        if start + size > len(body_B):
            raise GlassError(
                f"{path.name} is damaged or cut off: {shown(name)} should end at byte"
                f" {start + size}, and there are {len(body_B)}."
            )
        tensors[name], end = (
            _stored(path, name, kind, shape, body_B[start : start + size]),
            start + size,
        )
    return tensors


# How numbers are written: format -> numbers in a block, bytes of a block.

_BLOCKS = {
    "F64": (1, 8),
    "F32": (1, 4),
    "F16": (1, 2),
    "BF16": (1, 2),
    "Q4_0": (32, 18),
    "Q4_1": (32, 20),
    "Q8_0": (32, 34),
} | {
    kind: (1, size)
    for size, kinds in {
        8: ("I64", "U64"),
        4: ("I32", "U32"),
        2: ("I16", "U16"),
        1: ("I8", "U8", "BOOL"),
    }.items()
    for kind in kinds
}


def _stored(path: Path, name: str, kind: str, shape: tuple[int, ...], data_B: np.ndarray) -> Stored:
    """A tensor whose shape and format account for exactly these bytes."""
    row_bytes = _row_bytes(path, name, kind, shape)
    n_rows = math.prod(shape[:-1])
    if n_rows * row_bytes != len(data_B):
        raise GlassError(
            f"{path.name} is damaged: {shown(name)} of shape {shape} needs {n_rows * row_bytes}"
            f" bytes in {kind}, and has {len(data_B)}."
        )
    return Stored(
        name, shape, kind, data_B.reshape(n_rows if row_bytes else 0, row_bytes)
    )  # 2⁸⁰ rows of nothing


def _row_bytes(path: Path, name: str, kind: str, shape: tuple[int, ...]) -> int:
    """How many bytes the last axis takes."""
    if kind not in _BLOCKS:
        _BLOCKS.update(_gguf_blocks())
    if kind not in _BLOCKS:
        raise GlassError(
            f"{path.name} holds {shown(name)} in the format {shown(kind)}, which can't be read"
            " here."
        )
    block, size = _BLOCKS[kind]
    width = shape[-1] if shape else 1
    if width % block:
        raise GlassError(
            f"{path.name} is damaged: {shown(name)} has {width} numbers in a row, "
            f"and {kind} comes in blocks of {block}."
        )
    return width // block * size


def _gguf_blocks() -> dict[str, tuple[int, int]]:
    """The block sizes of all formats that the `gguf` package knows."""
    from gguf import GGML_QUANT_SIZES

    return {kind.name: size for kind, size in GGML_QUANT_SIZES.items() if kind.name not in _BLOCKS}


def _bf16(raw_RB):
    """Half of a float32: the upper half."""
    return (raw_RB.view("<u2").astype(np.uint32) << 16).view(np.float32)


def _blocks(raw_RB, kind: str):
    """Rows of bytes cut into blocks, (R, blocks, bytes)."""
    return raw_RB.reshape(len(raw_RB), -1, _BLOCKS[kind][1])


def _scale(block_RNB, first: int):
    """The float16 that stands at a place of each block, as float32 (R, blocks, 1)."""
    return block_RNB[..., first : first + 2].copy().view("<f2").astype(np.float32)


def _nibbles(block_RNB):
    """Thirty-two numbers from 0 to 15 in sixteen bytes: the lower halves first, then the upper
    ones.
    """
    return np.concatenate((block_RNB & 15, block_RNB >> 4), axis=-1).astype(np.float32)


def _q8_0(raw_RB):
    """scale · whole number."""
    block_RNB = _blocks(raw_RB, "Q8_0")
    value_RNI = block_RNB[..., 2:].view(np.int8).astype(np.float32)
    value_RNI *= _scale(block_RNB, 0)
    return value_RNI.reshape(len(raw_RB), -1)


def _q4_0(raw_RB):
    """scale · (nibble − 8)."""
    block_RNB = _blocks(raw_RB, "Q4_0")
    value_RNI = _nibbles(block_RNB[..., 2:])
    value_RNI -= 8
    value_RNI *= _scale(block_RNB, 0)
    return value_RNI.reshape(len(raw_RB), -1)


def _q4_1(raw_RB):
    """scale · nibble + smallest."""
    block_RNB = _blocks(raw_RB, "Q4_1")
    value_RNI = _nibbles(block_RNB[..., 4:])
    value_RNI *= _scale(block_RNB, 0)
    value_RNI += _scale(block_RNB, 2)
    return value_RNI.reshape(len(raw_RB), -1)


_DECODE = {
    "F64": lambda raw_RB: raw_RB.view("<f8"),
    "F32": lambda raw_RB: raw_RB.view("<f4"),
    "F16": lambda raw_RB: raw_RB.view("<f2"),
    "BF16": _bf16,
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q8_0": _q8_0,
}


def _dequantised_by_gguf(name: str, kind: str, raw_RB):
    """The rarer formats, by the package of the format's makers."""
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize

    try:
        return dequantize(np.ascontiguousarray(raw_RB), GGMLQuantizationType[kind])
    except (KeyError, NotImplementedError, ValueError):
        raise GlassError(
            f"{shown(name)} is stored as {kind}, which can't be turned into weights here."
        ) from None
