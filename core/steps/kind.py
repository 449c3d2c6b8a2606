"""One kind of number: all that there is to know of it, in one record.

A kind that the forward pass records has a recipe and words; one that is read out of a trace also
has the function that computes it. `path` in a name is what stands before the leaf; where it may
stand is `place`: a place of StepRef, or one of one side only, such as "decoder.mlp".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..operands import Cell, Result
from ..step_ref import StepRef

EMBED, LAYER, STACK, HEAD, POOLER, TASK, LSTM = (
    (place,) for place in ("embed", "layer", "stack", "head", "pooler", "task", "lstm")
)
SELF, CROSS, FEED_FORWARD = ("attn",), ("cross",), ("mlp",)
ATTENTION = SELF + CROSS
SUBLAYER = ATTENTION + FEED_FORWARD
NORM = SUBLAYER + EMBED + STACK + HEAD  # whatever may have a norm

# What a number in a name may be where it is no place on an axis.
RANGES = {
    "B": range(2),  # whether special tokens are hidden, whether pieces are merged
    "T": range(1, 10**6),  # a temperature in percent
    "N": range(10**6),  # how many words stay in the draw; 0: all
    "‰": range(1, 1001),  # the share that the words in the draw hold
}


def always(config) -> bool:
    """That a kind is there in every model."""
    return True


def everywhere(config, ref: StepRef) -> bool:
    """That a kind is there in every layer."""
    return True


@dataclass(frozen=True, eq=False)
class StepKind:
    """A kind of number: its name, its axes, how it comes about, and what is said and drawn of it.

    leaf          the end of its name, without numbers
    axes          a letter for each axis: a key of core.steps.letters.AXES
    place         where in the model there is such a value
    recipe        takes one cell apart into its operands, and recomputes it from them
    title, story  what it is, in words
    latex         the formula of one cell; core.steps.letters says what its letters stand for
    letters       those that stand for something else in this formula
    colour        a key of ui.kit.theme.COLOURS
    scale         "signed", "weight" (from zero up, such as a share) or "mask"
    masked        whether it has a cell for each cell of the mask, grey where that hides it
    compute       (trace, ref, *ref.args) -> array; None: the forward pass records it
    after         the leaf of the recorded step that a computed value is listed behind; with compute
    args          a letter for each number that ends the name: an axis, or a key of RANGES
    streams       whether it is read out of the whole stream: every layer's input has to be kept
    when          which models have it; two kinds of one leaf are variants, and one of them fits
    where         in which of a model's places
    sizes         (trace, ref) -> the sizes of axes that no recorded step has
    """

    leaf: str
    axes: str
    place: tuple[str, ...]
    recipe: Callable[[Cell], Result]
    title: str
    story: str
    latex: str
    colour: str
    scale: str = "signed"
    letters: Mapping[str, str] = field(default_factory=dict)
    masked: bool = False
    compute: Callable[..., np.ndarray] | None = None
    after: str = ""
    args: str = ""
    streams: bool = False
    when: Callable[[Any], bool] = always
    where: Callable[[Any, StepRef], bool] = everywhere
    sizes: Callable[[Any, StepRef], Mapping[str, int]] | None = None

    def stands(self, config, ref: StepRef) -> bool:
        """Whether a model of that config has this kind at the place of a name."""
        return self.when(config) and self.where(config, ref)

    def fits(self, ref: StepRef, sizes: Mapping[str, int]) -> bool:
        """Whether the numbers in a name lie on their axes. sizes: axis letter -> size."""
        return len(self.args) == len(ref.args) and all(
            number in (RANGES[letter] if letter in RANGES else range(sizes[letter]))
            for letter, number in zip(self.args, ref.args, strict=True)
        )

    def value(self, trace, ref: StepRef) -> np.ndarray:
        """The array of a derived value."""
        if self.compute is None:
            raise ValueError(f"{ref} is recorded by the forward pass, not computed from a trace")
        return self.compute(trace, ref, *ref.args)

    def shape(self, trace, ref: StepRef, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The sizes of a computed value's axes, without computing it."""
        sizes = {**sizes, **(self.sizes(trace, ref) if self.sizes else {})}
        return tuple(sizes[letter] for letter in self.axes)
