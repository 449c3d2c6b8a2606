"""What really happens when a head or a feed-forward network falls silent: the model runs on without
it (Michel, Levy and Neubig 2019, "Are Sixteen Heads Really Better than One?").

A part’s own share of a logit (core/why/logit_parts.py) and the effect of its silence differ where
later layers read what it wrote, where others do its work in its absence, and where norms rescale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import GlassError
from .outcome import layers_after, outcome_of, trace_of


@dataclass(frozen=True)
class Unit:
    """What falls silent: a head of an attention, or a feed-forward network (head None); and where
    it stands in the map.
    """

    side: str
    layer: int
    sublayer: str  # "attn", "cross" or "mlp"
    head: int | None
    row: int
    column: int

    @property
    def step(self) -> str:
        """The step that is changed."""
        return f"{self.side}.{self.layer}.{self.sublayer}.{'out' if self.head is None else 'z'}"

    @property
    def part(self) -> str:
        """The what-if that silences it (core.whatif)."""
        if self.head is None:
            return f"{self.sublayer}:{self.side}.{self.layer}"
        side = "cross" if self.sublayer == "cross" else self.side
        return f"head:{side}.{self.layer}.{self.head}"


@dataclass(frozen=True)
class Effect:
    """What the silence of one unit does: the number without it less the number with it. done: the
    share of all work that is behind, from 0 to 1.
    """

    unit: Unit
    change: float
    done: float


def units(config) -> list[Unit]:
    """All heads and feed-forward networks, from the first layer on. Row by row: the layers of the
    encoder, then those of the decoder; column by column: the heads, those of cross-attention where
    there is any, the feed-forward network.
    """
    found, row = [], 0
    for side in config.sides:
        for layer in range(config.layers(side)):
            heads = [("attn", head) for head in range(config.n_heads)]
            if config.crosses:
                across = [("cross", head) for head in range(config.n_heads)]
                heads += across if side == "decoder" else [("", None)] * config.n_heads
            for column, (sublayer, head) in enumerate([*heads, ("mlp", None)]):
                if sublayer:
                    found.append(Unit(side, layer, sublayer, head, row, column))
            row += 1
    return found


def effects(
    model, text_or_trace, word: int, rival: int | None = None, row: int = -1, by: str = "zero"
) -> np.ndarray:
    """The change of a word's logit, or of its distance to a rival's, when each head and each
    feed-forward network falls silent: (layers, heads + 1). Of an encoder–decoder model (layers of
    both, 2 · heads + 1): the heads of cross-attention stand behind the others, NaN in the encoder's
    rows.

    row: the position whose output is read, on the side that ends the model. by: "zero", or "mean":
    it writes what it writes on average over the tokens. Equal to whole runs bit for bit.
    """
    found = list(each_effect(model, text_or_trace, word, rival, row, by))
    size = [1 + max(getattr(each.unit, axis) for each in found) for axis in ("row", "column")]
    effects_NX = np.full(size, np.nan)
    for each in found:
        effects_NX[each.unit.row, each.unit.column] = each.change
    return effects_NX


def each_effect(
    model, text_or_trace, word: int, rival: int | None = None, row: int = -1, by: str = "zero"
) -> Iterator[Effect]:
    """The same one by one, the last layer first, since least has to run again for it. Who stops
    asking stops the work.
    """
    if by not in SILENCE:
        raise GlassError(f"A part is silenced by {' or '.join(SILENCE)}, not by “{by}”.")
    outcome = outcome_of(trace_of(model, text_or_trace), word, rival, row)
    return run_each(outcome, units(outcome.trace.config)[::-1], by)


def run_each(outcome, silenced: list[Unit], by: str) -> Iterator[Effect]:
    """The effect of each unit in turn."""
    config, done = outcome.trace.config, 0
    total = sum(layers_after(config, unit.side, unit.layer) for unit in silenced)
    for unit in silenced:
        now = outcome.after(unit.side, unit.layer, silence(unit, by))
        done += layers_after(config, unit.side, unit.layer)
        yield Effect(unit, now - outcome.before, done / total)


# --- silence --------------------------------------------------------------------------------------


def silence(unit: Unit, by: str = "zero") -> dict:
    """The edit that silences a unit."""
    return {unit.step: partial(silenced, SILENCE[by], unit.head)}


def silenced(quiet: Callable, head: int | None, value: np.ndarray) -> np.ndarray:
    """What a head, or a whole sublayer, writes when it is silent."""
    part = slice(None) if head is None else head
    value[part] = quiet(value[part])
    return value


def mean_over_tokens(value_LX: np.ndarray) -> np.ndarray:
    """At each token the mean over all tokens."""
    return np.broadcast_to(value_LX.mean(axis=0), value_LX.shape)


SILENCE: Mapping[str, Callable] = {"zero": np.zeros_like, "mean": mean_over_tokens}
