"""What a forward pass leaves behind: every value under its name, with its axes and the line of code
that made it.

Axis letters, the same everywhere: L looks, M is looked at, D model width, H heads, G key/value
heads, K head width, F feed-forward width, V vocabulary, R the positions whose output is asked for,
C classes, U units of the LSTM. The last part of a name that is put, behind "_", is its axes:
put("pattern_HLM", …) records the step `pattern` with axes "HLM".
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from core import derived
from core.config import Config
from core.errors import GlassError

_INSIDE_LAYER = re.compile(r"^(encoder|decoder)\.(\d+)\.(attn|cross|mlp)\.")
KEEP = {
    "all": lambda name: True,
    "layers": lambda name: not _INSIDE_LAYER.match(name),
    "output": lambda name: name.startswith("head.") or name.endswith(".embed.ids"),
}
_LAYERS, _DERIVED = 128 << 20, 64 << 20  # bytes of recomputed layers and of derived values


@dataclass(frozen=True)
class Step:
    """One recorded value: its full name, the array (read-only), and a letter for each axis."""

    name: str
    value: np.ndarray
    axes: str


@dataclass(frozen=True)
class Made:
    """How a step came about: the end of its name, its axes, its shape, and the line of core/ that
    put it.
    """

    leaf: str
    axes: str
    shape: tuple[int, ...]
    file: str
    line: int


def near(name: str, names) -> str:
    """The end of an error message: the names that look most like the wrong one."""
    close = difflib.get_close_matches(name, list(names), n=5, cutoff=0.5)
    return f" Near it are: {', '.join(close)}." if close else ""


@dataclass
class Run:
    """A forward pass under way: its inputs, and what has been put so far."""

    config: Config
    weights: Mapping[str, np.ndarray]
    sizes: dict[str, dict[str, int]]  # "encoder", "decoder", "cross", "head": axis letter -> size
    edits: Mapping[str, Any]
    keep: Callable[[str], bool]
    made: dict[str, Made] = field(default_factory=dict)
    values: dict[str, np.ndarray] = field(default_factory=dict)

    def at(self, path: str) -> Scope:
        """The place in the model from which steps and weights are named."""
        return Scope(self, path)


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

    def below(self, name: str) -> Scope:
        """A place further in: encoder.0.attn -> encoder.0.attn.norm."""
        return Scope(self.run, f"{self.path}.{name}")

    def w(self, name: str) -> np.ndarray:
        """The weight of that name here."""
        return self.run.weights[f"{self.path}.{name}"]

    def put(self, name_and_axes: str, value: np.ndarray) -> np.ndarray:
        """Names a value, applies the edit asked for, checks its axes, freezes and records it, and
        returns it.
        """
        leaf, axes = name_and_axes.rsplit("_", 1)
        name, run = f"{self.path}.{leaf}", self.run
        if name in run.edits:
            value = edited(name, run.edits[name], value)
        sizes = run.sizes[size_group(name)]
        expected = tuple(sizes[letter] for letter in axes)
        if value.shape != expected:
            raise ValueError(
                f"{name}: axes {axes} have the sizes {expected}, the value has {value.shape}"
            )
        frozen(value)
        caller = sys._getframe(1)
        run.made[name] = Made(leaf, axes, value.shape, caller.f_code.co_filename, caller.f_lineno)
        if run.keep(name):
            run.values[name] = value
        return value


def size_group(name: str) -> str:
    """Which set of axis sizes a step belongs to: an encoder's L is not the decoder's, and
    cross-attention mixes them.
    """
    side, _, rest = name.partition(".")
    return "cross" if ".cross." in f".{rest}" else side


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
            f"The edit of {name} holds {new.dtype} numbers, which do not fit {value.dtype}."
        )
    return new.astype(value.dtype, copy=False)


def frozen(value: np.ndarray) -> np.ndarray:
    """The array itself, read-only from now on."""
    value.flags.writeable = False
    return value


class Trace:
    """Every value of one forward pass: trace["encoder.0.attn.pattern"] is a read-only array.

    Iterating gives the names in the order the values were computed; `steps()` gives Step records. A
    trace that kept only the layers' inputs recomputes a layer when one of its values is asked for.
    `derived` values (each head's own contribution, the exponentials inside softmax) are not on the
    way to the output and are computed when asked.
    """

    def __init__(
        self,
        run: Run,
        again: Callable[[Run, str, int], None] | None,
        rows: np.ndarray,
        words_L: Sequence[int | None] | None = None,
    ):
        self.config, self.weights, self.edits = run.config, run.weights, run.edits
        self.rows = rows  # the positions whose output was asked for: the axis R
        # Which word each token of the first side belongs to, if known; None for a special token.
        self.words_L = None if words_L is None else tuple(words_L)
        self._run, self._again = run, again
        self._layers: dict[tuple[str, int], dict[str, np.ndarray]] = {}
        self._values: dict[str, np.ndarray] = {}
        # Many readers share a trace; computing one value asks for others, so the lock is reentrant.
        self._lock = RLock()

    @property
    def names(self) -> tuple[str, ...]:
        """The steps in the order they ran."""
        return tuple(self._run.made)

    @property
    def derived(self) -> tuple[str, ...]:
        """The values that can be asked for but are not on the way to the output."""
        return tuple(name for step in self.names for name in derived.behind(step, self.config))

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.made)

    def __len__(self) -> int:
        return len(self._run.made)

    def __contains__(self, name) -> bool:
        """Whether trace[name] can be had."""
        return self._has(name) or self._derived(name) is not None

    def __getitem__(self, name: str) -> np.ndarray:
        if name in self._run.values:
            return self._run.values[name]
        if self._has(name):
            return self._recomputed(name)
        if found := self._derived(name):
            compute = lambda: frozen(found.compute(self))
            return self._remembered(self._values, name, compute, _DERIVED)
        if name in self._run.made:
            raise KeyError(f"{name} was not kept in this trace.")
        raise self._unknown(name)

    def axes(self, name: str) -> str:
        """The axis letters of a step, such as "HLM"."""
        if name in self._run.made:
            return self._run.made[name].axes
        if found := self._derived(name):
            return found.kind.axes
        raise self._unknown(name)

    def shape(self, name: str) -> tuple[int, ...]:
        """The sizes of a step's axes, without computing anything."""
        if name in self._run.made:
            return self._run.made[name].shape
        if found := self._derived(name):
            return found.shape(self, self._run.sizes[size_group(name)])
        raise self._unknown(name)

    @property
    def nbytes(self) -> int:
        """The bytes that the trace holds now, without the weights that some arrays look into."""
        with self._lock:
            held = [
                *self._run.values.values(),
                *self._values.values(),
                *(value for layer in self._layers.values() for value in layer.values()),
            ]
        return bytes_of(held, but=self._run.weights.values())

    def sizes(self, group: str) -> dict[str, int]:
        """What the axis letters stand for on a side of this run."""
        return dict(self._run.sizes[group])

    def made(self, name: str) -> Made:
        """Which line of code recorded the step."""
        return self._run.made[name]

    def steps(self) -> Iterator[Step]:
        """Every step that can be had, in order."""
        return (Step(name, self[name], self.axes(name)) for name in self.names if name in self)

    def below(self, prefix: str) -> dict[str, np.ndarray]:
        """The steps whose names begin with that part: below("encoder.0.attn")."""
        found = {
            name: self[name]
            for name in self.names
            if name.startswith(prefix.rstrip(".") + ".") and name in self
        }
        if not found:
            raise KeyError(f"This trace has nothing below “{prefix}”.{near(prefix, self.names)}")
        return found

    def layer(self, index: int, side: str | None = None) -> dict[str, np.ndarray]:
        """All values of one layer, recomputed from its input where they were not kept. Two stacks:
        name the side.
        """
        sides = self.config.sides
        if side is None and len(sides) > 1:
            raise GlassError(
                "This model has an encoder and a decoder: say which side the layer is on."
            )
        return self.below(f"{side or sides[0]}.{index}")

    def save(self, path: str | Path) -> None:
        """Writes every step to a compressed .npz file under its name."""
        np.savez_compressed(path, **{step.name: step.value for step in self.steps()})

    def _has(self, name) -> bool:
        """Whether a step was kept, or lies in a layer that can be recomputed."""
        if name in self._run.values:
            return True
        if name not in self._run.made or not (inside := _INSIDE_LAYER.match(name)):
            return False
        return input_of(inside[1], int(inside[2])) in self._run.values

    def _unknown(self, name) -> KeyError:
        return KeyError(
            f"This trace has no step “{name}”.{near(str(name), self.names + self.derived)}"
        )

    def _recomputed(self, name: str) -> np.ndarray:
        side, layer = _INSIDE_LAYER.match(name).groups()[:2]
        place = side, int(layer)
        compute = lambda: self._layer_values(*place)
        return self._remembered(self._layers, place, compute, _LAYERS)[name]

    def _layer_values(self, side: str, layer: int) -> dict[str, np.ndarray]:
        run = Run(self.config, self.weights, self._run.sizes, self.edits, KEEP["all"])
        self._again(run, side, layer)
        return run.values

    def _derived(self, name) -> derived.Found | None:
        """What makes a derived value, if this trace has its step and the places in its name."""
        found = derived.find(str(name))
        if not found or not found.kind.when(self.config) or not self._has(found.step):
            return None
        return found if found.fits(self._run.sizes[size_group(str(name))]) else None

    def _remembered(self, memory: dict, key, compute: Callable, room: int):
        """A value from a memory of that many bytes, the oldest out first: readers share traces,
        so a memory must not grow with what they click."""
        with self._lock:
            if key not in memory:
                value = compute()  # may itself put values into this memory
                sizes = {each: bytes_of(arrays_in(held)) for each, held in memory.items()}
                taken, new = sum(sizes.values()), bytes_of(arrays_in(value))
                for each in list(memory):
                    if taken + new > room:
                        taken -= sizes[each]
                        del memory[each]
                memory[key] = value
            return memory[key]


def input_of(side: str, layer: int) -> str:
    """The step that a layer reads."""
    return f"{side}.{layer - 1}.out" if layer else f"{side}.embed.out"


def arrays_in(held) -> list[np.ndarray]:
    """The arrays of a remembered value: one, or those of a layer."""
    return list(held.values()) if isinstance(held, dict) else [held]


def bytes_of(arrays: Iterable[np.ndarray], but: Iterable[np.ndarray] = ()) -> int:
    """The bytes that arrays keep in memory; a view keeps all of what it looks into. but: these
    don't count."""
    owners = {id(owner): owner.nbytes for owner in map(owner_of, arrays)}
    return sum(owners[each] for each in owners.keys() - {id(owner_of(array)) for array in but})


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array whose memory a view looks into."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
