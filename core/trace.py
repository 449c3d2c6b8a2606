"""What a forward pass leaves behind: every value under its name, with its axes and the line of code
that made it.

Axis letters, the same everywhere: L looks, M is looked at, D model width, H heads, G key/value
heads, K head width, F feed-forward width, V vocabulary, R the positions whose output is asked for,
C classes, U units of the LSTM; I and J words, P rotary pairs, S distances, O roles of a head; X
and Y sources of the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from .edits import together
from .errors import GlassError
from .gradients.result import Gradients, backward_of
from .memory import bytes_of
from .notebook import Origin, html_of, shown
from .recorder import KEEP, Provenance, Run, did_you_mean, frozen, input_of
from .step_ref import GRAD, StepRef, parse, ref_of
from .steps import computed_after, kind_of
from .steps.kind import StepKind

# Bytes of recomputed layers, of what these wrote into the stream, of where their heads looked and
# what they found there, and of derived values
LAYERS, WRITTEN, LOOKS, DERIVED = 128 << 20, 96 << 20, 96 << 20, 64 << 20


@dataclass(frozen=True)
class Step:
    """One recorded value: its full name, the array (read-only), and a letter for each axis."""

    name: str
    value: np.ndarray
    axes: str


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
        again: Callable[[Run, str, int], None],
        rows: np.ndarray,
        words_L: Sequence[int | None] | None = None,
        rest: Callable[..., None] | None = None,
        engine: str = "numpy",
    ):
        self.config, self.weights, self.edits = run.config, run.weights, run.edits
        self.rows = rows  # the positions whose output was asked for: the axis R
        # Which word each token of the first side belongs to, if known; None for a special token.
        self.words_L = None if words_L is None else tuple(words_L)
        self.engine = engine  # who computed what the layers give out (core/models/engines.py)
        self._run, self._again, self._rest = run, again, rest
        self.gradients: Gradients | None = None  # those that are looked at beside the run
        self.origin: Origin | None = None  # the model and the text, of a run that a model made
        self._layers: dict[tuple[str, int], dict[str, np.ndarray]] = {}
        # A question about all layers (core.why) needs only these of each, in far fewer bytes than
        # the whole layer has: so none has to run again for the next one.
        self._written: dict[tuple[str, int], dict[str, np.ndarray]] = {}
        self._looks: dict[tuple[str, int], dict[str, np.ndarray]] = {}
        self._values: dict[str, np.ndarray] = {}
        # Many readers share a trace; computing one value asks for others, so the lock is reentrant.
        self._lock = RLock()

    @property
    def names(self) -> tuple[str, ...]:
        """The steps in the order they ran."""
        return tuple(self._run.recorded)

    @property
    def derived(self) -> tuple[str, ...]:
        """The values that can be asked for but are not on the way to the output."""
        return tuple(
            str(ref) for step in self.names for ref in computed_after(self.config, parse(step))
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._run.recorded)

    def __len__(self) -> int:
        return len(self._run.recorded)

    def __contains__(self, name) -> bool:
        """Whether trace[name] can be had."""
        if self.gradients is not None and str(name).startswith(GRAD):
            return name in self.gradients
        return self._has(name) or self._derived(name) is not None

    def __getitem__(self, name: str) -> np.ndarray:
        if self.gradients is not None and name.startswith(GRAD):
            return self.gradients[name]
        if name in self._run.values:
            return self._run.values[name]
        if name in self._run.recorded and (layer := self._layer_of(name)):
            if is_written(ref_of(name)):
                some = partial(self._some_of_layer, *layer, is_written)
                return self._remembered(self._written, layer, some, WRITTEN)[name]
            if is_look(ref_of(name)):
                some = partial(self._some_of_layer, *layer, is_look)
                return self._remembered(self._looks, layer, some, LOOKS)[name]
            return self._layer(*layer)[name]
        if derived := self._derived(name):
            return self._remembered(self._values, name, partial(self._computed, *derived), DERIVED)
        if name in self._run.recorded:
            raise KeyError(f"{name} was not kept in this trace.")
        raise self._unknown(name)

    def axes(self, name: str) -> str:
        """The axis letters of a step, such as "HLM"."""
        if (grads := self._gradients_of(name)) is not None:
            return grads.axes(name)
        if name in self._run.recorded:
            return self._run.recorded[name].axes
        if derived := self._derived(name):
            return derived[0].axes
        raise self._unknown(name)

    def shape(self, name: str) -> tuple[int, ...]:
        """The sizes of a step's axes, without computing anything."""
        if (grads := self._gradients_of(name)) is not None:
            return grads.shape(name)
        if name in self._run.recorded:
            return self._run.recorded[name].shape
        if derived := self._derived(name):
            kind, ref = derived
            return kind.shape(self, ref, self._run.sizes[ref.axis_group])
        raise self._unknown(name)

    @property
    def nbytes(self) -> int:
        """The bytes that the trace holds now, without the weights that some arrays look into."""
        with self._lock:
            held = [
                *self._run.values.values(),
                *self._values.values(),
                *(
                    value
                    for memory in (self._layers, self._written, self._looks)
                    for layer in memory.values()
                    for value in layer.values()
                ),
            ]
        return bytes_of(held, but=arrays_held(self._run.weights))

    def sizes(self, group: str) -> dict[str, int]:
        """What the axis letters stand for on a side of this run."""
        return dict(self._run.sizes[group])

    def provenance(self, name: str) -> Provenance:
        """Which line of code recorded the step."""
        if (grads := self._gradients_of(name)) is not None:
            return grads.provenance(name)
        return self._run.recorded[name]

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
            raise KeyError(
                f"This trace has nothing below “{prefix}”.{did_you_mean(prefix, self.names)}"
            )
        return found

    def layer(self, index: int, side: str | None = None) -> dict[str, np.ndarray]:
        """All values of one layer, recomputed from its input where they were not kept. Two stacks:
        name the side.
        """
        sides = self.config.sides
        if side is None and len(sides) > 1:
            raise GlassError(
                "This model has an encoder and a decoder: say which of them the layer belongs to."
            )
        return self.below(f"{side or sides[0]}.{index}")

    def values_in(self, side: str, layer: int) -> Mapping[str, np.ndarray]:
        """All values of a layer by name, perhaps among others: kept, or computed again."""
        kept = f"{side}.{layer}.attn.in" in self._run.values
        return self._run.values if kept else self._layer(side, layer)

    def off(self, side: str, layer: int) -> float:
        """How far what NumPy makes of a layer's input is from what the run has as its output: the
        largest difference, relative to the output's largest value; 0 where NumPy made both.
        """
        name = f"{side}.{layer}.out"
        ours_LD, theirs_LD = self._layer(side, layer)[name], self[name]
        return float(np.abs(ours_LD - theirs_LD).max() / (np.abs(theirs_LD).max() or 1.0))

    def rerun(
        self,
        side: str,
        layer: int | None,
        edits: Mapping[str, Any],
        rows: Sequence[int],
        x_LD: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """What comes out with further edits, as a whole run would give it bit for bit, made from
        the layer on in which the first of them takes effect: what stands before it is kept.

        layer None: from the token ids on. rows: the positions whose output is wanted. x_LD: what
        the layer reads, instead of what it read. Returns the stacks' `out` that ran, `head…` and
        `pooler…`, `task…` by name. Raises GlassError where the layers' inputs were not kept.
        """
        if layer is not None and input_of(side, layer) not in self:
            raise GlassError("This run did not keep what a part of it could be run again from.")
        return self._run_rest(side, layer, edits, rows, x_LD, at_the_end, again=True).values

    def again(self, edits: Mapping[str, Any], rows: Sequence[int] | None = None) -> Trace:
        """The whole run once more with further edits, as a trace that keeps all of it. rows: the
        positions whose output is wanted; those of this run, if None. Raises GlassError where that
        can't be done.
        """
        rows_R = self.rows if rows is None else np.asarray(rows)
        run = self._run_rest(self.config.sides[0], None, edits, rows_R, None, KEEP["all"])
        made = Trace(run, self._again, rows_R, self.words_L)
        made.origin = self.origin and replace(self.origin, changed=True)
        return made

    def backward(
        self,
        targets: Mapping[int, int] | None = None,
        *,
        of: Sequence[int] | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Gradients:
        """The gradient of one number that came out, at every step and every learned number.

        targets: position -> the id that is right there; the number is the loss, cross-entropy in
        nats, averaged over these positions. of: (row, id), a logit, or (row, id, rival), how far it
        is above another. given: the gradients of something else at steps that leave the model
        (`encoder.out`, `pooler.out`, …). Of a model that was fine-tuned to label, the ids are those
        of labels, and a text that is labelled as a whole is row 0.

        The gradient is that of the run as it was, with its mask. Numbers that an edit put in the
        place of a step have a gradient; what was computed before them has none through them. Raises
        GlassError for an edit that is a function, for a row or an id that is not there, and where
        the run kept only its output.
        """
        return backward_of(self, self._run, self._remembered, targets, of, given)

    def with_gradients(self, gradients: Gradients) -> Trace:
        """The same run, with its gradients in it: their names begin with “grad.”."""
        beside = copy(self)
        beside.gradients = gradients
        return beside

    def save(self, path: str | Path) -> None:
        """Writes every step to a compressed .npz file under its name."""
        arrays: dict[str, Any] = {step.name: step.value for step in self.steps()}
        np.savez_compressed(path, **arrays)

    def river(self, **place):
        """The picture of the whole model, as a widget. place: side, layer, head, token, where it is
        opened; they are attributes of the widget, too. Raises GlassError for a run that was changed
        by edits, and as `heads` does.
        """
        return shown(self, "river", **place)

    def heads(self, layer: int | None = None, **place):
        """Where each head of a layer looks, as a widget: choose a head or a token, open a weight.
        place: side, head, token. Raises GlassError for a place that is not there, for a run that no
        model made of a text, and where the app or anywidget is missing.
        """
        return shown(self, "heads", layer=layer, **place)

    def explain(self, name: str, index):
        """How one number was made, as a widget whose operands open; `core.explain` gives the same
        as a record. Raises as that does, and as `heads` does.
        """
        return shown(self, "explained", name, index)

    def __repr__(self) -> str:
        return f"<Trace of {len(self)} steps>"

    def _repr_html_(self) -> str | None:
        return html_of(self)

    def _gradients_of(self, name: str) -> Gradients | None:
        """The gradients that are looked at beside the run, if the name is that of one of them."""
        return self.gradients if name.startswith(GRAD) else None

    def _has(self, name) -> bool:
        """Whether a step was kept, or lies in a layer that can be recomputed."""
        if name in self._run.values:
            return True
        return name in self._run.recorded and self._layer_of(name) is not None

    def _layer_of(self, name) -> tuple[str, int] | None:
        """The layer that has to be run again for a step; None where its input was not kept."""
        ref = parse(name)
        if ref is None or ref.layer is None or not ref.inside_layer:
            return None
        return (ref.side, ref.layer) if input_of(ref.side, ref.layer) in self._run.values else None

    def _run_rest(self, side, layer, edits, rows, x_LD, keep, again: bool = False) -> Run:
        """What comes from a layer on, or from the token ids, with further edits."""
        if self._rest is None:
            raise GlassError("This run did not keep what it could be run again from.")
        at_end = {"R": len(rows), "L": len(rows)}
        sizes = self._run.sizes
        sizes = sizes | {each: sizes[each] | at_end for each in ("head", "head.in")}
        edits = together(self.edits, edits)
        run = Run(self.config, self.weights, sizes, edits, keep, again=again)
        self._rest(run, side, layer, x_LD, np.asarray(rows))
        return run

    def _unknown(self, name) -> KeyError:
        return KeyError(
            f"This trace has no step “{name}”.{did_you_mean(str(name), self.names + self.derived)}"
        )

    def _layer_values(self, side: str, layer: int) -> dict[str, np.ndarray]:
        sizes = self._run.sizes
        run = Run(self.config, self.weights, sizes, self.edits, KEEP["all"], again=True)
        self._again(run, side, layer)
        return run.values

    def _layer(self, side: str, layer: int) -> dict[str, np.ndarray]:
        values = partial(self._layer_values, side, layer)
        return self._remembered(self._layers, (side, layer), values, LAYERS)

    def _some_of_layer(self, side: str, layer: int, wanted: Callable) -> dict[str, np.ndarray]:
        return {
            name: frozen(np.array(value))  # no view that would keep a whole layer in memory
            for name, value in self._layer(side, layer).items()
            if wanted(ref_of(name))
        }

    def _derived(self, name) -> tuple[StepKind, StepRef] | None:
        """What a derived value is, if this trace has its step and the places in its name."""
        ref = parse(str(name))
        kind = kind_of(self.config, ref)
        if ref is None or kind is None or kind.compute is None:
            return None
        if not self._has(str(ref.with_leaf(kind.after))):
            return None
        if kind.streams and input_of(self.config.sides[-1], 0) not in self._run.values:
            return None
        return (kind, ref) if kind.fits(ref, self._run.sizes[ref.axis_group]) else None

    def _computed(self, kind: StepKind, ref: StepRef) -> np.ndarray:
        return frozen(kind.value(self, ref))

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


def at_the_end(ref: StepRef) -> bool:
    """Whether a step comes after the layers."""
    return ref.place in ("stack", "head", "pooler", "task")


def is_written(ref: StepRef) -> bool:
    """Whether a step of a layer says what was written into the stream, or how a norm scaled it."""
    kept = ("z", "norm.scale", "out.norm.scale")
    return ref.leaf in kept or (ref.sublayer, ref.leaf) == ("mlp", "out")


def is_look(ref: StepRef) -> bool:
    """Whether a step of a layer says where its heads look, or what they find there."""
    return ref.leaf in ("pattern", "v")


def no_layers(run: Run, side: str, layer: int) -> None:
    """What runs a layer again, for a model without layers."""


def arrays_in(held) -> list[np.ndarray]:
    """The arrays of a remembered value: one, or those of a layer."""
    return list(held.values()) if isinstance(held, dict) else [held]


def arrays_held(weights: Mapping[str, Any]) -> Iterable[np.ndarray]:
    """The arrays of weights that are in memory now. Weights that stay in their file say which; to
    ask for all of those would convert them.
    """
    return getattr(weights, "held", weights.values)()
