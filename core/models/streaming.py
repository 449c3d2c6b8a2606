"""Weights that stay in their file: a matrix is converted when it is asked for, and dropped again.

So a model runs that is larger than the memory. What was converted last is kept, up to a bound of
about one layer: a page that looks at one layer converts it once. The tables of the vocabulary are
never converted as a whole; a token's row is read alone, and products run over a few rows at a time.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any

import numpy as np

from ..config import Config, weight_shapes
from ..trace import bytes_of
from .assembly import (
    Shapes,
    StoredWeight,
    Weight,
    check_finite,
    fuse_side_by_side,
    fused_names,
    is_absent,
    lone_array,
)
from .stored import Stored

_TABLES = ("embed.token.weight", "embed.position.weight", "head.logits.weight")
_CHUNK = 1 << 20  # numbers of a table that are converted at a time


class Streamed(Mapping[str, Any]):
    """The weights of a model by name, read-only, each made from its file when it is asked for.

    What lies side by side in one matrix is made together. room: bytes that are kept, the least
    recently used out first; a layer always fits. Many threads may ask; one of them converts.
    """

    def __init__(self, config: Config, weights: Mapping[str, Weight], dtype, room: int = 0):
        self.dtype = np.dtype(dtype)
        self.room = max(room, largest_layer(config, self.dtype))
        self._shapes, self._weights = weight_shapes(config), weights
        self._members = fused_names(config)  # a matrix -> the weights that lie in it
        self._matrix = {name: whole for whole, names in self._members.items() for name in names}
        self._matrix |= {whole: whole for whole in self._members}
        self._kept: OrderedDict[str, dict[str, np.ndarray]] = OrderedDict()
        self._lock = RLock()

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        if name.endswith(_TABLES) and (stored := whole_tensor(self._weights[name])):
            return Table(stored, self._shapes[name], self.dtype)
        with self._lock:
            matrix = self._matrix.get(name, name)
            if matrix not in self._kept:
                self._make_room(self._nbytes(matrix))
                self._kept[matrix] = self._made(matrix)
            self._kept.move_to_end(matrix)
            return self._kept[matrix][name]

    def __contains__(self, name: object) -> bool:  # Mapping's own would convert the weight
        return name in self._shapes or name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter((*self._members, *self._shapes))

    def __len__(self) -> int:
        return len(self._members) + len(self._shapes)

    def lacks(self, name: str) -> bool:
        """Whether a weight is a bias that the family does not have; nothing is converted."""
        return is_absent(self._weights[name])

    def held(self) -> list[np.ndarray]:
        """The arrays that are in memory now."""
        with self._lock:
            return [array for arrays in self._kept.values() for array in arrays.values()]

    def _made(self, matrix: str) -> dict[str, np.ndarray]:
        if matrix in self._members:
            names = self._members[matrix]
            return fuse_side_by_side(matrix, names, self._shapes, self._weights, self.dtype)
        return {matrix: lone_array(self._weights[matrix], self._shapes[matrix], self.dtype)}

    def _make_room(self, needed: int) -> None:
        """Drops what was used least recently, before anything is made in its place."""
        taken = sum(map(self._nbytes, self._kept))
        while self._kept and taken + needed > self.room:
            taken -= self._nbytes(self._kept.popitem(last=False)[0])

    def _nbytes(self, matrix: str) -> int:
        names = self._members.get(matrix, [matrix])
        if all(is_absent(self._weights[name]) for name in names):
            return 0
        return nbytes_of(self._shapes, names, self.dtype)


def most_held(weights: Mapping[str, Any]) -> int:
    """The most bytes that a model's weights have in memory at a time."""
    return weights.room if isinstance(weights, Streamed) else bytes_of(weights.values())


def nbytes_of(shapes: Shapes, names: Sequence[str], dtype) -> int:
    """The bytes of those weights once they are converted."""
    return sum(math.prod(shapes[name]) for name in names) * np.dtype(dtype).itemsize


def nbytes_of_all(config: Config, dtype) -> int:
    """The bytes of a model's weights once they are all converted; a table that the output shares
    with the embedding is counted twice.
    """
    shapes = weight_shapes(config)
    return nbytes_of(shapes, list(shapes), dtype)


def largest_layer(config: Config, dtype) -> int:
    """The bytes of the weights of the largest layer, converted; and never less than those of the
    largest weight outside the layers that is no table of the vocabulary.
    """
    shapes, layers = weight_shapes(config), {}
    for name in shapes:
        if not name.endswith(_TABLES):
            side, layer, *_ = name.split(".")
            place = (side, layer) if layer.isdecimal() else name
            layers.setdefault(place, []).append(name)
    return max((nbytes_of(shapes, names, dtype) for names in layers.values()), default=0)


# --- tables of the vocabulary ---------------------------------------------------------------------


def whole_tensor(weight: Weight) -> Stored | None:
    """The tensor in the file, where a weight is all of it, as it is."""
    if isinstance(weight, StoredWeight) and weight == StoredWeight(weight.stored):
        return weight.stored
    return None


@dataclass(frozen=True, eq=False)
class Table:
    """A table (V, D) in its file, used as an array is: table[ids_L], table @ x_D, x_LD @ table.T.

    Only the rows that are asked for are converted. A product converts a few at a time, so it equals
    that of an array up to the rounding of the matrix product.
    """

    stored: Stored
    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key) -> np.ndarray:
        rows, *columns = key if isinstance(key, tuple) else (key,)
        rows_N = np.arange(len(self))[rows]  # NumPy says what an index means
        if not columns:
            return self.rows(np.ravel(rows_N)).reshape(*np.shape(rows_N), -1)
        if isinstance(columns[0], slice):
            return self[rows_N][..., columns[0]]
        rows_N, columns_N = np.broadcast_arrays(rows_N, np.arange(self.shape[1])[columns[0]])
        return self.cells(rows_N.ravel(), columns_N.ravel()).reshape(rows_N.shape)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.rows(np.arange(len(self))).astype(dtype or self.dtype, copy=False)

    def __matmul__(self, x_D) -> np.ndarray:
        return np.concatenate([rows_RD @ x_D for _, rows_RD in self.blocks()])

    @property
    def T(self) -> Transposed:  # noqa: N802  (as NumPy calls it)
        """The table on its side: x_LD @ table.T is a product with every row."""
        return Transposed(self)

    @property
    def at_a_time(self) -> int:
        """How many rows are converted at a time."""
        return max(64, _CHUNK // max(1, self.shape[1]) // 64 * 64)

    def rows(self, rows_N: np.ndarray) -> np.ndarray:
        """Those rows, converted, (N, D)."""
        found_ND = np.empty((len(rows_N), self.shape[1]), self.dtype)
        with np.errstate(all="ignore"):  # numbers too large for float32 become infinite
            for start in range(0, len(rows_N), self.at_a_time):
                part = slice(start, start + self.at_a_time)
                found_ND[part] = self.stored.numbers(rows_N[part])
        check_finite(self.stored.name, found_ND)
        return found_ND

    def cells(self, rows_N: np.ndarray, columns_N: np.ndarray) -> np.ndarray:
        """One number for each row and column, (N,)."""
        found_N = np.empty(len(rows_N), self.dtype)
        for start in range(0, len(rows_N), self.at_a_time):
            part = slice(start, start + self.at_a_time)
            each_R, place_N = np.unique(rows_N[part], return_inverse=True)
            found_N[part] = self.rows(each_R)[place_N, columns_N[part]]
        return found_N

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """All rows, some at a time: where they stand, and the rows (R, D)."""
        for start in range(0, len(self), self.at_a_time):
            part = slice(start, min(start + self.at_a_time, len(self)))
            yield part, self.rows(np.arange(part.start, part.stop))


@dataclass(frozen=True, eq=False)
class Transposed:
    """A table on its side (D, V), for products with it."""

    table: Table

    @property
    def shape(self) -> tuple[int, ...]:
        """(D, V)."""
        return self.table.shape[::-1]

    def __array_ufunc__(self, ufunc, method: str, *inputs, out=(None,), **options):
        """x_LD @ table.T, (L, V), which is all that NumPy may ask for."""
        if ufunc is not np.matmul or method != "__call__" or inputs[1] is not self or options:
            return NotImplemented
        x_LD, found_LV = inputs[0], out[0]
        if found_LV is None:
            kind = np.result_type(x_LD, self.table.dtype)
            found_LV = np.empty((*x_LD.shape[:-1], len(self.table)), kind)
        for part, rows_RD in self.table.blocks():
            found_LV[..., part] = x_LD @ rows_RD.T
        return found_LV
