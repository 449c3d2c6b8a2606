"""What an experiment is judged by: the logit of a word at one position, or how far it lies above a
rival's; and how it comes out when a part of the run is other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import GlassError
from ..trace import Trace


@dataclass(frozen=True)
class Outcome:
    """A number that a run ends in: the logit of `word`, less that of `rival` if there is one, at
    the position `row` of the side that ends the model.
    """

    trace: Trace
    word: int
    rival: int | None
    row: int

    @cached_property
    def before(self) -> float:
        """The number in the run as it is."""
        side = self.trace.config.sides[-1]
        return self.after(side, self.trace.config.layers(side) - 1, {})

    def after(
        self, side: str, layer: int | None, edits: Mapping[str, Any], x_LD: np.ndarray | None = None
    ) -> float:
        """The number with further edits, the first of which takes effect in that layer; see
        Trace.rerun.
        """
        logits_V = self.trace.rerun(side, layer, edits, [self.row], x_LD)["head.logits"][0]
        return self.read(logits_V)

    def read(self, logits_V) -> float:
        """The number that stands in the logits of one position."""
        rival = 0.0 if self.rival is None else float(logits_V[self.rival])
        return float(logits_V[self.word]) - rival


def trace_of(model, text_or_trace, **options) -> Trace:
    """A run: the one given, or the model's of a text, with what it takes to run parts of it again.
    options: as Model.trace has them.
    """
    if isinstance(text_or_trace, Trace):
        return text_or_trace
    return model.trace(text_or_trace, keep="layers", rows=-1, **options)


def outcome_of(trace: Trace, word: int, rival: int | None, row: int) -> Outcome:
    """The number at a position, counted from the end if below 0. Raises GlassError where the model
    has no such word or the text no such position.
    """
    config = trace.config
    if not config.head:
        raise GlassError("This model guesses no words: it has no output over a vocabulary.")
    for token in (word, rival):
        if token is not None and not 0 <= token < config.n_vocab:
            raise GlassError(f"The vocabulary goes from 0 to {config.n_vocab - 1}; not {token}.")
    return Outcome(trace, int(word), rival, position_of(trace, row))


def position_of(trace: Trace, row: int) -> int:
    """A position on the side that ends the model, counted from its start."""
    length = trace.sizes(trace.config.sides[-1])["L"]
    if not -length <= row < length:
        raise GlassError(f"This text has {length} tokens; there is none at {row}.")
    return row % length


def layers_after(config, side: str, layer: int) -> int:
    """How many layers run when one of them changes: it, those above it, and the decoder's, if the
    decoder looks at this side.
    """
    beyond = config.layers(config.sides[-1]) if side != config.sides[-1] else 0
    return config.layers(side) - layer + beyond
