"""Patching: a part of one run is put into another, and what comes out is compared (Meng et al.
2022, "Locating and Editing Factual Associations in GPT"; Wang et al. 2023, "Interpretability in the
Wild"). Where it turns the outcome, there lies what tells the two texts apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import GlassError
from ..patches import put_in, step_of
from ..recorder import input_of
from ..trace import Trace
from .outcome import Outcome, layers_after, outcome_of, trace_of


@dataclass(frozen=True)
class Patched:
    """What one patch does: the number with it less the number without. done: the share of all work
    that is behind, from 0 to 1.
    """

    layer: int
    position: int
    change: float
    done: float


@dataclass(frozen=True)
class Pair:
    """Two runs of equal token counts: the one that receives (its outcome is read), the one that
    gives, and what is handed over: on which side, and of what.
    """

    outcome: Outcome
    giver: Trace
    side: str
    what: str

    def after(self, layer: int, positions: Sequence[int]) -> float:
        """The outcome when what the other run has in that layer, at those positions, is put in."""
        places = list(positions)
        if self.what == "stream":
            name = input_of(self.side, layer)
            x_LD = np.array(self.outcome.trace[name])
            x_LD[places] = self.giver[name][places]
            return self.outcome.after(self.side, layer, {}, x_LD)
        name, head = step_of(self.side, layer, self.what)
        cells = (places,) if head is None else (head, places)
        edit = partial(put_in, cells, self.giver[name][cells])
        return self.outcome.after(self.side, layer, {name: edit})


def patch(
    model,
    clean,
    changed,
    word: int,
    rival: int | None = None,
    what: str = "stream",
    row: int = -1,
    side: str | None = None,
) -> np.ndarray:
    """The change of a word's logit, or of its distance to a rival's, in the run of `clean` when the
    numbers that `changed` has at one layer and one position take the place of its own: (layers,
    positions). Both are texts, or traces, of equal token counts.

    what: "stream" (the vector that enters the layer), "attn", "cross" or "mlp" (what a sublayer
    adds), "head:3" (what one head of the layer gathers) or "cross:3". row: the position whose
    output is read. side: of an encoder–decoder model where to patch; the encoder, unless it is said
    or `what` is across. Equal to whole runs bit for bit.
    """
    found = list(each_patch(model, clean, changed, word, rival, what, row, side))
    effects_NL = np.zeros([1 + max(getattr(p, axis) for p in found) for axis in AXES])
    for each in found:
        effects_NL[each.layer, each.position] = each.change
    return effects_NL


AXES = ("layer", "position")


def each_patch(
    model,
    clean,
    changed,
    word: int,
    rival: int | None = None,
    what: str = "stream",
    row: int = -1,
    side: str | None = None,
) -> Iterator[Patched]:
    """The same one by one, the last layer first, since least has to run again for it. Who stops
    asking stops the work.
    """
    return run_each(pair_of(model, clean, changed, word, rival, what, row, side))


def run_each(pair: Pair) -> Iterator[Patched]:
    """Each layer and position in turn."""
    config, length = pair.giver.config, pair.giver.sizes(pair.side)["L"]
    layers, done = range(config.layers(pair.side)), 0
    total = length * sum(layers_after(config, pair.side, layer) for layer in layers)
    for layer in reversed(layers):
        for position in range(length):
            now = pair.after(layer, [position])
            done += layers_after(config, pair.side, layer)
            yield Patched(layer, position, now - pair.outcome.before, done / total)


def pair_of(model, clean, changed, word, rival, what, row, side) -> Pair:
    """The two runs. A changed text is read with the target of the clean one, so that the decoders
    of both read the same.
    """
    receiver = trace_of(model, clean)
    same = {"target_ids_L": receiver["decoder.embed.ids"]} if receiver.config.crosses else {}
    giver = trace_of(model, changed, **same)
    for each in receiver.config.sides:
        lengths = [trace.sizes(each)["L"] for trace in (receiver, giver)]
        if lengths[0] != lengths[1] or receiver.config != giver.config:
            raise GlassError(
                f"One text has {lengths[0]} tokens, the other {lengths[1]}: only texts of equal"
                " length, read by one model, can be patched into each other."
            )
    side = side_of(receiver.config, what, side)
    step_of(side, 0, what, receiver.config)
    return Pair(outcome_of(receiver, word, rival, row), giver, side, what)


def side_of(config, what: str, side: str | None) -> str:
    """The side on which is patched."""
    side = side or ("decoder" if what.partition(":")[0] == "cross" else config.sides[0])
    if side not in config.sides:
        raise GlassError(f"This model has no {side}.")
    return side
