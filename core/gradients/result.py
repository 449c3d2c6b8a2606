"""The gradients of a run: one for each step, and one for each learned number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from .. import backward
from ..config import weight_shapes
from ..memory import bytes_of
from ..recorder import KEEP, Provenance, Run, did_you_mean, frozen
from ..step_ref import GRAD, GRAD_OF_WEIGHT, StepRef, parse, ref_of
from . import weights
from .start import Start, start_of

WEIGHTS = "weights/"
LAYERS, LEARNED = 128 << 20, 64 << 20  # bytes of layers' and of weights' gradients that are kept


class Gradients(Mapping[str, np.ndarray]):
    """What `Trace.backward` gives: grads["decoder.3.attn.pattern"] is a read-only array with the
    shape and the axes of that step, grads["weights/decoder.3.attn.q.weight"] that of a weight; the
    names may begin with “grad.”. Iterating gives the steps in the order of the way back, then the
    weights. `loss` is the value of what was asked for.

    As much is kept as the trace keeps: of a run that kept its layers' inputs, the gradients at the
    borders of layers; a layer's own are computed again when one is asked for. So are those of
    weights, in any case. `opened` is the trace with the gradients in it, for `explain`.
    """

    def __init__(self, trace, run: Run, start: Start, remember: Callable):
        self.trace, self.start, self.loss = trace, start, start.value
        self._run, self._remember = run, remember
        self._layers: dict[tuple[str, str], dict[str, np.ndarray]] = {}
        self._learned: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        name = str(name).removeprefix(GRAD)
        if name in self._run.values:
            return self._run.values[name]
        if name in self._run.recorded:
            side, layer, *_ = name.split(".")
            again = partial(self._layer, side, int(layer))
            return self._remember(self._layers, (side, layer), again, LAYERS)[name]
        if ref := self._weight(name):
            made = partial(self._gradient, ref)
            return self._remember(self._learned, name, made, LEARNED)
        raise self._unknown(name)

    def __contains__(self, name) -> bool:
        name = str(name).removeprefix(GRAD)
        return name in self._run.recorded or self._weight(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter((*self._run.recorded, *self.weight_names))

    def __len__(self) -> int:
        return len(self._run.recorded) + len(self.weight_names)

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that have a gradient, in the order of the way back."""
        return tuple(self._run.recorded)

    @property
    def weight_names(self) -> list[str]:
        """The weights that have a gradient, “weights/” before each; without biases that the family
        does not have, and without matrices in which several lie."""
        lacks = getattr(self.trace.weights, "lacks", self._is_absent)
        names = [name for name in weight_shapes(self.trace.config) if not lacks(name)]
        return [WEIGHTS + name for name in names if self._weight(WEIGHTS + name)]

    @property
    def opened(self):
        """The trace, with the gradients in it: opened["grad.decoder.3.attn.pattern"]."""
        return self.trace.with_gradients(self)

    @property
    def nbytes(self) -> int:
        """The bytes that the gradients hold now, without the run."""
        layers = [g for held in list(self._layers.values()) for g in held.values()]
        return bytes_of([*self._run.values.values(), *self._learned.values(), *layers])

    def passed(self, step: str) -> np.ndarray:
        """What of the gradient of a step goes on to what it was made of: nothing, where an edit had
        put numbers in its place."""
        g = self[step]
        return np.zeros_like(g) if step in self.trace.edits else g

    def learned(self) -> Iterator[tuple[str, np.ndarray]]:
        """Each array of weights once, by one of its names, without “weights/”, and its gradient:
        summed over all names that the array has. It is what a step of training needs. Weights that
        are side by side in one matrix come as that matrix.
        """
        found: dict[int | str, tuple[str, np.ndarray]] = {}
        for name in self._arrays():
            g, key = self._gradient(ref_of(GRAD_OF_WEIGHT + name)), self._array(name)
            found[key] = (found[key][0], found[key][1] + g) if key in found else (name, g)
        yield from found.values()

    def axes(self, name: str) -> str:
        """The axis letters of a step; of a weight, none."""
        return self.provenance(name).axes

    def shape(self, name: str) -> tuple[int, ...]:
        """The sizes of a gradient's axes, without computing it."""
        name = name.removeprefix(GRAD)
        if name in self._run.recorded:
            return self._run.recorded[name].shape
        if self._weight(name):
            return tuple(self.trace.weights[name.removeprefix(WEIGHTS)].shape)
        raise self._unknown(name)

    def provenance(self, name: str) -> Provenance:
        """Which line of core/backward.py recorded the gradient of a step; of a weight, the function
        that computes it."""
        name = name.removeprefix(GRAD)
        if name in self._run.recorded:
            return self._run.recorded[name]
        if not (ref := self._weight(name)):
            raise self._unknown(name)
        code = weights.rule(ref).__code__
        return Provenance(ref.leaf, "", self.shape(name), code.co_filename, code.co_firstlineno)

    def _is_absent(self, name: str) -> bool:
        return not any(self.trace.weights[name].strides)

    def _array(self, name: str) -> int | str:
        """Which array a weight is: equal for names that are tied. Weights that stay in their file
        are made anew each time; of these, tables of words may be tied."""
        weight, streams = self.trace.weights[name], hasattr(self.trace.weights, "lacks")
        return (
            id(getattr(weight, "stored", weight))
            if not streams or hasattr(weight, "stored")
            else name
        )

    def _arrays(self) -> list[str]:
        """The weights that are arrays of their own: matrices of several instead of these."""
        inside, names = set(), []
        for name in self.trace.weights:
            if several := weights.side_by_side(ref_of(GRAD_OF_WEIGHT + name)):
                inside |= {f"{each.path}.{each.leaf}" for each in several}
        own = {name.removeprefix(WEIGHTS) for name in self.weight_names}
        for name in self.trace.weights:
            several = weights.side_by_side(ref_of(GRAD_OF_WEIGHT + name))
            there = any(f"{each.path}.{each.leaf}" in own for each in several) or name in own
            names += [name] if there and name not in inside else []
        return names

    def _weight(self, name: str) -> StepRef | None:
        """The weight that a name stands for, if the run has it and what was asked for depends on
        it."""
        bare = name.removeprefix(WEIGHTS)
        if not name.startswith(WEIGHTS) or bare not in self.trace.weights:
            return None
        ref = parse(GRAD_OF_WEIGHT + bare)
        there = ref and weights.makes(self.trace.config, ref) in self._run.recorded
        return ref if there else None

    def _gradient(self, ref: StepRef) -> np.ndarray:
        return frozen(np.ascontiguousarray(weights.gradient(self, ref)))

    def _layer(self, side: str, index: int) -> dict[str, np.ndarray]:
        """All gradients of a layer once more, from that of its output."""
        run = replace(self._run, keep=KEEP["all"], values={}, again=True)
        at = backward.Back(run, self.trace.values_in(side, index), f"{side}.{index}")
        backward.layer(at, self._run.values[f"{side}.{index}.out"])
        return run.values

    def _unknown(self, name: str) -> KeyError:
        if name in self.trace or name.removeprefix(WEIGHTS) in self.trace.weights:
            return KeyError(f"What was asked for does not depend on {name}: it has no gradient.")
        near = did_you_mean(name, self._run.recorded)
        return KeyError(f"There is no gradient of “{name}”.{near}")


def backward_of(
    trace, forward: Run, remember: Callable, targets=None, of=None, given=None
) -> Gradients:
    """Goes back through a finished run, over each layer once, the last first. forward: what ran.
    remember: keeps values in a memory, within bounds."""
    start = start_of(trace, targets, of, given)
    run = replace(forward, recorded={}, values={}, again=False)
    at, config = backward.Back(run, forward.values), trace.config
    last = config.sides[-1]
    g_LD = backward.ends(at, start.gradients, trace[f"{last}.out"], trace.rows)
    for side in reversed(config.sides):
        layers = partial(trace.values_in, side)
        memory_MD = backward.stack(replace(at, path=side), g_LD, layers)
        g_LD = memory_MD if memory_MD is not None else g_LD
    return Gradients(trace, run, start, remember)
