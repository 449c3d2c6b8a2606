"""How a value gets its name: a forward pass under way, the places in the model, and `put`.

The last part of a name that is put, after "_", is its axes: put("pattern_HLM", …) records the step
`pattern` with axes "HLM".
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .config import Config
from .errors import GlassError
from .step_ref import StepRef, ref_of
from .time_limit import check_time

# Which steps a run keeps.
KEEP: dict[str, Callable[[StepRef], bool]] = {
    "all": lambda ref: True,
    "layers": lambda ref: not ref.inside_layer,
    "output": lambda ref: ref.side in ("head", "task") or (ref.place, ref.leaf) == ("embed", "ids"),
}


class Provenance(NamedTuple):
    """How a step came about: the end of its name, its axes, its shape, and the line of core/ that
    put it.
    """

    leaf: str
    axes: str
    shape: tuple[int, ...]
    file: str
    line: int


class Naming(NamedTuple):
    """What put("pattern_HLM", …) means at one place."""

    name: str
    ref: StepRef
    leaf: str
    axes: str
    group: str  # whose axis sizes count


@lru_cache(maxsize=8192)
def naming(path: str, name_and_axes: str) -> Naming:
    """The name of a step and its parts; found once, because a run puts hundreds of steps."""
    leaf, _, axes = name_and_axes.rpartition("_")
    ref = ref_of(f"{path}.{leaf}")
    return Naming(str(ref), ref, leaf, axes, ref.axis_group)


def did_you_mean(name: str, names) -> str:
    """The end of an error message: the names that look most like the wrong one."""
    close = difflib.get_close_matches(name, list(names), n=5, cutoff=0.5)
    return f" Similar names: {', '.join(close)}." if close else ""


@dataclass
class Run:
    """A forward pass under way: its inputs, and what has been put so far."""

    config: Any  # a Config, or that of an LSTM (core/lstm.py)
    weights: Mapping[str, Any]  # arrays, or what stands for them (core/models/streaming.py)
    sizes: dict[str, dict[str, int]]  # "encoder", "decoder", "cross", "head": axis letter -> size
    edits: Mapping[str, Any]
    keep: Callable[[StepRef], bool]
    recorded: dict[str, Provenance] = field(default_factory=dict)
    values: dict[str, np.ndarray] = field(default_factory=dict)
    again: bool = False  # a part of a run once more: which line put a step is known already
    # Keys and values of tokens that were read before these, and how many these were.
    past: Mapping[str, np.ndarray] = field(default_factory=dict)
    earlier: int = 0
    shapes: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)

    def at(self, path: str) -> Scope:
        """The place in the model from which steps and weights are named."""
        return Scope(self, path)

    def shape_of(self, group: str, axes: str) -> tuple[int, ...]:
        """The sizes that these axes have in this run; looked up once for all layers."""
        if (shape := self.shapes.get((group, axes))) is None:
            sizes = self.sizes[group]
            shape = self.shapes[group, axes] = tuple(sizes[letter] for letter in axes)
        return shape


@dataclass(frozen=True)
class Scope:
    """A place in the model, such as encoder.0.attn: `put` and `w` name steps and weights from
    there.
    """

    run: Run
    path: str

    @property
    def config(self) -> Config:
        return self.run.config

    @property
    def layer(self) -> int:
        """The number of the layer in which this place is."""
        return int(self.path.split(".")[1])

    @property
    def earlier(self) -> int:
        """How many tokens were read before those of this run."""
        return self.run.earlier

    def after_earlier(self, leaf: str, new_GMK: np.ndarray) -> np.ndarray:
        """Keys or values, after those of the tokens that were read before."""
        past_GMK = self.run.past.get(f"{self.path}.{leaf}")
        return new_GMK if past_GMK is None else np.concatenate((past_GMK, new_GMK), axis=1)

    def below(self, name: str) -> Scope:
        """A place further in: encoder.0.attn -> encoder.0.attn.norm."""
        return Scope(self.run, f"{self.path}.{name}")

    def w(self, name: str) -> Any:
        """The weight of that name here."""
        return self.run.weights[f"{self.path}.{name}"]

    def put(self, name_and_axes: str, value: np.ndarray) -> np.ndarray:
        """Names a value, applies the edit asked for, checks its axes, freezes and records it, and
        returns it. Raises GlassError where the run has taken too long (core/time_limit.py).
        """
        check_time()
        run = self.run
        name, ref, leaf, axes, group = naming(self.path, name_and_axes)
        if name in run.edits:
            value = edited(name, run.edits[name], value)
        check_axes(name, axes, run.shape_of(group, axes), value)
        if not run.again:
            run.recorded[name] = provenance(leaf, axes, value.shape)
        frozen(value)
        if run.keep(ref):
            run.values[name] = value
        return value


def check_axes(name: str, axes: str, expected: tuple[int, ...], value: np.ndarray) -> None:
    """A ValueError, where a value does not have the sizes that its axes have in this run."""
    if value.shape != expected:
        raise ValueError(
            f"{name}: axes {axes} have the sizes {expected}, the value has {value.shape}"
        )


def provenance(leaf: str, axes: str, shape: tuple[int, ...]) -> Provenance:
    """How a step came about; asked for by the function that records it.

    The line is that of the equation, two calls up: the depth Code shows it, and no hand could keep
    a table of line numbers right.
    """
    frame = sys._getframe(2)  # inspect.currentframe twice f_back, at a third of its cost
    return Provenance(leaf, axes, shape, frame.f_code.co_filename, frame.f_lineno)


def edited(name: str, edit, value: np.ndarray) -> np.ndarray:
    """The value that takes this one's place: edit(value) or the array given. Shape and kind of
    number must stay.
    """
    new = np.array(edit(value.copy()) if callable(edit) else edit)
    if new.shape != value.shape:
        raise GlassError(
            f"The edit of {name} has the shape {new.shape}; the value has {value.shape}."
        )
    if not (
        np.can_cast(new.dtype, value.dtype, "same_kind")
        or value.dtype.kind == "f"
        and new.dtype.kind in "iub"
    ):
        raise GlassError(
            f"The edit of {name} holds {new.dtype} numbers, which cannot replace {value.dtype}."
        )
    return new.astype(value.dtype, copy=False)


def frozen(value: np.ndarray) -> np.ndarray:
    """The array itself, read-only from now on."""
    value.setflags(write=False)
    return value


def input_of(side: str, layer: int) -> str:
    """The step that a layer reads."""
    return f"{side}.{layer - 1}.out" if layer else f"{side}.embed.out"
