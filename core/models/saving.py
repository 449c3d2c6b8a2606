"""A model of our own format as files again, such as one that was taught something: a zip file of a
folder that `load` reads.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping

import numpy as np

from ..errors import GlassError
from .fields import read_json
from .safetensors import open_safetensors

CONFIG, WEIGHTS = "config.json", "model.safetensors"
KINDS = {  # what safetensors calls NumPy's kinds of numbers
    "bool": "BOOL",
    "uint8": "U8",
    "int32": "I32",
    "int64": "I64",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
}
SIZES = {kind: np.dtype(name).itemsize for name, kind in KINDS.items()}  # in bytes
BESIDE = ("tokenizer.json",)  # further files of the folder that belong to the taught model too


def can_be_saved(model) -> bool:
    """Whether a model's files are in our own format, whose tensors have our names."""
    place = model.place
    if place is None or not all((place / name).is_file() for name in (CONFIG, WEIGHTS)):
        return False
    return read_json(place / CONFIG).get("model_type") == "glassformer"


def zipped(model, folder: str) -> bytes:
    """The files of a model with its weights as they are now, in 32 bits. folder: its name in the
    zip file. Raises GlassError for a model in another format.
    """
    if not can_be_saved(model):
        raise GlassError(f"The files of {model.name} are not in Glassformer’s own format.")
    names = open_safetensors(model.place / WEIGHTS)
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as folder_zip:
            for name in (CONFIG, *BESIDE):
                if (model.place / name).is_file():
                    folder_zip.writestr(f"{folder}/{name}", (model.place / name).read_bytes())
            tensors = safetensors_of({name: model.weights[name] for name in names})
            folder_zip.writestr(f"{folder}/{WEIGHTS}", tensors)
        return file.getvalue()


def safetensors_of(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as a safetensors file, in 32 bits: the header's length, the header, the numbers."""
    header = safetensors_header({name: ("F32", array.shape) for name, array in arrays.items()})
    parts = (np.ascontiguousarray(array, dtype="<f4").tobytes() for array in arrays.values())
    return b"".join((header, *parts))


def safetensors_header(
    tensors: Mapping[str, tuple[str, tuple[int, ...]]], metadata: Mapping[str, str] | None = None
) -> bytes:
    """What stands before the numbers of a safetensors file: the header and its length. tensors: for
    each name the kind of number, a key of SIZES, and the shape, in the order of the file.
    """
    header: dict[str, dict] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name, (kind, shape) in tensors.items():
        start, end = end, end + SIZES[kind] * math.prod(shape)
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text
