"""A model as it was during its training: snapshots of its weights, and what was measured then.

    steps_of(model)             the steps of training after which its weights were kept
    as_it_was(model, step)      the model after so many steps
    measures(model)             what was measured of it, step after step; None: nothing was

The files lie in the model's folder: snapshots/00064.safetensors (training/snapshots.py), with the
tensors of model.safetensors, of which a matrix may be whole numbers of 8 bits and a scale for each
of its rows; and over_time.json (training/over_time.py). Nothing in them is believed unchecked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import GlassError
from . import keys
from .assembly import assemble
from .families import study
from .fields import Fields, quote, read_json, regular_size
from .model import Model
from .safetensors import open_safetensors
from .stored import Stored

FOLDER, WEIGHTS, MEASURES = "snapshots", "model.safetensors", "over_time.json"
SCALE = ".scale"  # ends the name of the scales of a tensor: (rows,), 32 bits
MOST = 200  # snapshots that are listed
_FILE = re.compile(r"\d{5,8}\.safetensors")


def file_of(folder: Path, step: int) -> Path:
    """Where the weights after so many steps lie, in the folder of the snapshots."""
    return folder / f"{step:05d}.safetensors"


def steps_of(model: Any) -> tuple[int, ...]:
    """The steps after which weights of a model were kept, the first first; empty for models without
    such files.
    """
    place = place_of(model)
    return kept_in(place / FOLDER) if place and (place / FOLDER).is_dir() else ()


def place_of(model: Any) -> Path | None:
    """The folder of a model whose files are of our own format; None for others."""
    return model.place if isinstance(model, Model) and model.config.family == "Study" else None


def kept_in(folder: Path) -> tuple[int, ...]:
    """The steps of the snapshots in a folder."""
    named = [path for path in folder.iterdir() if _FILE.fullmatch(path.name)]
    steps = sorted({int(path.stem) for path in named})
    return tuple(step for step in steps if file_of(folder, step) in named)[:MOST]


def as_it_was(model: Model, step: int) -> Model:
    """The model after so many steps of its training. Raises GlassError where these weights were not
    kept, and where their file is not as it should be.
    """
    known = steps_of(model)
    if not known:
        raise GlassError(f"{model.name} comes without snapshots from when it was trained.")
    if step not in known or model.place is None:
        listed = ", ".join(f"{each:,}" for each in known)
        raise GlassError(
            f"The weights of {model.name} after {step:,} steps were not kept; those after {listed}"
            " were."
        )
    dtype = model.weights["head.logits.weight"].dtype if model.config.head else np.float32
    file = file_of(model.place / FOLDER, step)
    return replace(model, weights=read_snapshot(model.place, file, dtype))


def read_snapshot(place: Path, file: Path, dtype=np.float32) -> dict[str, np.ndarray]:
    """The weights in a snapshot of the model in a folder, as the forward pass reads them. Raises
    GlassError unless it has the tensors of that model, all of them, in their shapes.
    """
    most = regular_size(place / WEIGHTS)
    if (size := regular_size(file)) > most:
        raise GlassError(
            f"{file.name} has {size:,} bytes, more than the {most:,} of the model that it is a"
            " snapshot of."
        )
    own, tensors = open_safetensors(place / WEIGHTS), open_safetensors(file)
    tensors = numbers_of(own, tensors, file.name)
    data = keys.check_keys(
        Fields(read_json(place / "config.json"), "config.json"), study.FAMILY.keys
    )
    return assemble(study.layout(data, tensors), tensors, dtype)


def numbers_of(
    own: Mapping[str, Stored], tensors: Mapping[str, Stored], where: str
) -> dict[str, Stored]:
    """A snapshot's tensors under the names of the model's own, with whole numbers multiplied."""
    scales = {name + SCALE for name in own if name in tensors and tensors[name].kind == "I8"}
    if missing := [name for name in (*own, *scales) if name not in tensors]:
        raise GlassError(f"{where} lacks the tensor {quote(missing[0])}.")
    if left := [name for name in tensors if name not in own and name not in scales]:
        raise GlassError(f"{where} has the tensor {quote(left[0])}, which the model does not have.")
    found = {}
    for name, stored in own.items():
        if (shape := tensors[name].shape) != stored.shape:
            raise GlassError(
                f"The tensor {quote(name)} of {where} has the shape {shape}; that of the model has"
                f" {stored.shape}."
            )
        scale = tensors.get(name + SCALE) if tensors[name].kind == "I8" else None
        found[name] = tensors[name] if scale is None else multiplied(tensors[name], scale, where)
    return found


def multiplied(stored: Stored, scale: Stored, where: str) -> Stored:
    """Whole numbers of 8 bits times the scale of their row, as numbers of 32 bits."""
    rows = len(stored.raw_RB)
    if (scale.kind, scale.shape) != ("F32", (rows,)):
        raise GlassError(
            f"The scales of {quote(stored.name)} in {where} are {scale.kind} of the shape"
            f" {scale.shape}; F32 of the shape {(rows,)} is needed."
        )
    values_RN = stored.raw_RB.view(np.int8) * scale.numbers()[0].astype("<f4")[:, None]
    return replace(stored, kind="F32", raw_RB=values_RN.view(np.uint8))


# --- what was measured ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Decides:
    """The head without which a model tells right forms from wrong ones worst, such as “are” from
    “is”: the share of cases that are right with it and without, of so many.
    """

    layer: int
    head: int
    right: float
    without: float
    count: int


@dataclass(frozen=True, eq=False)
class Measures:
    """What was measured of a model during its training, one number for each of steps_S.

    loss_S: nats a token on sentences that it was not trained on; truth: what one who knows the
    grammar has there. agreement_S: the share of cases in which the right form of a verb is likelier
    than every wrong one, of so many (count). roles: for each role its score at every step for every
    layer and head, (S, layers, heads).
    """

    steps_S: tuple[int, ...]
    loss_S: np.ndarray
    truth: float
    agreement_S: np.ndarray
    count: int
    roles: Mapping[str, np.ndarray]
    decides: Decides

    def best(self, role: str) -> tuple[int, int]:
        """The layer and head that have most of a role in the end."""
        last_NH = self.roles[role][-1]
        layer, head = np.unravel_index(int(last_NH.argmax()), last_NH.shape)
        return int(layer), int(head)


def measures(model: Any) -> Measures | None:
    """What was measured of a model; None where nothing was. Raises GlassError where the file makes
    no sense.
    """
    place, config = place_of(model), model.config
    if place is None or not config.decoder_layers or not (place / MEASURES).is_file():
        return None
    return read_measures(place / MEASURES, (config.decoder_layers, config.n_heads))


def read_measures(file: Path, heads: tuple[int, int]) -> Measures:
    """What stands in a file. heads: how many layers and heads the model has."""
    data = Fields(read_json(file), file.name)
    steps = data.get("steps")
    if (
        not isinstance(steps, list)
        or not 2 <= len(steps) <= MOST
        or not all(type(step) is int and 0 <= step < 10**8 for step in steps)
        or sorted(set(steps)) != steps
    ):
        data.refuse("steps", "a rising list of whole numbers")
    roles = data.get("roles")
    if not isinstance(roles, dict) or not all(roles):
        data.refuse("roles", "an object")
    shape = (len(steps), *heads)
    return Measures(
        tuple(steps),
        array_of(data, "loss", shape[:1], math.inf),
        data.number("truth", 0.0, 0.0, 100.0),
        array_of(data, "agreement", shape[:1]),
        data.whole("count"),
        {role: array_of(Fields(roles, file.name), role, shape) for role in roles},
        decides_in(data, heads),
    )


def array_of(data: Fields, key: str, shape: tuple[int, ...], high: float = 1.0) -> np.ndarray:
    """An array of finite numbers from 0 to high, of that shape."""
    try:
        found = np.asarray(data.get(key), dtype=np.float64)
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.shape != shape or not np.isfinite(found).all() or not (0 <= found).all():
        data.refuse(key, f"an array of numbers of the shape {shape}")
    if found.max(initial=0) > high:
        data.refuse(key, f"numbers of at most {high:g}")
    return found


def decides_in(data: Fields, heads: tuple[int, int]) -> Decides:
    """The head that decides, as a file names it."""
    given = data.get("decides")
    if not isinstance(given, dict):
        data.refuse("decides", "an object")
    found = Fields(given, data.where)
    return Decides(
        found.whole("layer", None, 0, heads[0] - 1),
        found.whole("head", None, 0, heads[1] - 1),
        found.number("right", None, 0.0, 1.0),
        found.number("without", None, 0.0, 1.0),
        found.whole("count"),
    )
