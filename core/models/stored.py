"""A tensor as it lies in a file, and how its numbers are written there.

Both kinds of weight files (safetensors.py, gguf.py) give `Stored` tensors. Numbers are decoded row
by row when they are asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import GlassError
from .fields import quote


@dataclass(frozen=True, eq=False)
class Stored:
    """A tensor as it lies in a file: what is known of it is checked, its numbers are read when they
    are asked for.
    """

    name: str
    shape: tuple[int, ...]
    kind: str  # "F32", "BF16", "Q4_1", …
    raw_RB: np.ndarray  # its bytes, memory-mapped: one row for each row of the tensor

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    def numbers(self, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Rows of the tensor as floating-point numbers, (R, last axis); a vector is one row."""
        raw_RB = self.raw_RB[rows]
        if self.kind in _DECODE:
            return _DECODE[self.kind](raw_RB)
        return _dequantised_by_gguf(self.name, self.kind, raw_RB)


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


def checked_tensor(
    path: Path, name: str, kind: str, shape: tuple[int, ...], data_B: np.ndarray
) -> Stored:
    """A tensor whose shape and format account for exactly these bytes."""
    row_bytes = bytes_per_row(path, name, kind, shape)
    n_rows = math.prod(shape[:-1])
    if n_rows * row_bytes != len(data_B):
        raise GlassError(
            f"{path.name} is damaged: {quote(name)} of shape {shape} needs {n_rows * row_bytes}"
            f" bytes in {kind}, but has {len(data_B)}."
        )
    n_rows = n_rows if row_bytes else 0  # the header may claim 2⁸⁰ rows of nothing
    return Stored(name, shape, kind, data_B.reshape(n_rows, row_bytes))


def bytes_per_row(path: Path, name: str, kind: str, shape: tuple[int, ...]) -> int:
    """How many bytes the last axis takes."""
    if kind not in _BLOCKS:
        _BLOCKS.update(_gguf_blocks())
    if kind not in _BLOCKS:
        raise GlassError(
            f"{path.name} holds {quote(name)} in the format {quote(kind)}, which Glassformer"
            " cannot read."
        )
    block, size = _BLOCKS[kind]
    width = shape[-1] if shape else 1
    if width % block:
        raise GlassError(
            f"{path.name} is damaged: {quote(name)} has {width} numbers in a row, but {kind}"
            f" comes in blocks of {block}."
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
            f"{quote(name)} is stored as {kind}, which Glassformer cannot turn into weights."
        ) from None
