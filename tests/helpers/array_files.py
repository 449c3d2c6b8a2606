"""The files of a picture's numbers, read by NumPy and by Python's reader of CSV alone."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np


def read_npz(data: bytes | Path) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays of a .npz file, and what it says of them."""
    content = data.read_bytes() if isinstance(data, Path) else data
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        said = json.loads(file["array.json"])
        return {name: file[name] for name in file.files if name != "array.json"}, said


def read_csv(data: bytes | Path, delimiter: str = ",") -> tuple[dict[str, str], dict[str, list]]:
    """What a CSV file says of its picture, and the rows of each table."""
    content = data.read_bytes() if isinstance(data, Path) else data
    texts = content.decode("utf-8-sig").split("\n\n")
    parts = [list(csv.reader(io.StringIO(text), delimiter=delimiter)) for text in texts]
    return dict(parts[0]), {rows[0][1]: rows[1:] for rows in parts[1:]}


def numbers_in(rows: list[list[str]], like: np.ndarray) -> np.ndarray:
    """The numbers of a table, in the shape and the kind of an array."""
    down = max(1, like.ndim - 1)
    numbers = np.array([[float(each) for each in row[down:]] for row in rows[1:]])
    return numbers.astype(like.dtype).reshape(like.shape)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are equal to the last bit."""
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
