"""Induction: on a text that comes twice, a model with heads that look for what followed last time
makes fewer mistakes the second time (Olsson et al. 2022, "In-context Learning and Induction
Heads"). Here the loss by position, the heads that do it, and the loss without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .. import whatif
from ..edits import ablate_head, together
from ..errors import GlassError
from ..ops import log_softmax
from ..steps.heads import ROLES
from ..trace import Trace

Head = tuple[int, int]  # layer and number


@dataclass(frozen=True)
class Repeated:
    """A run on a text that comes twice: where the first copy begins, and how long a copy is."""

    trace: Trace
    start: int
    length: int

    def copies(self, loss_N: np.ndarray) -> tuple[float, float]:
        """The mean loss on the first copy and on the second, nats. The first token of a copy is
        left out of both: nothing before it says what it will be.
        """
        first = slice(self.start, self.start + self.length - 1)
        second = slice(self.start + self.length, self.start + 2 * self.length - 1)
        return float(loss_N[first].mean()), float(loss_N[second].mean())


@dataclass(frozen=True)
class Without:
    """The loss at each position with some heads silent."""

    heads: tuple[Head, ...]
    loss_N: np.ndarray


def repeated(model, phrase_L: Sequence[int] | None = None) -> Repeated:
    """The run on random tokens, twice in a row, or on a phrase given as token ids. Raises
    GlassError for a model that does not guess the next word.
    """
    config = model.config
    if config.crosses or not (config.decoder_layers and config.head):
        raise GlassError("Only a decoder that guesses the next word can be tried on a repetition.")
    words = model.encode("a") if model.tokenizer else None
    ids_L = words.ids_L if words else np.zeros(0, dtype=np.int64)
    text = whatif.Text(ids_L, words.words_L if words else None)
    if phrase_L is None:
        trace = whatif.run(model, text, None, "trained", "repeat", keep="layers")
        start, after = whatif.specials_around(text.words_L or ())
        return Repeated(trace, start, (trace.sizes("decoder")["L"] - start - after) // 2)
    if len(phrase_L) < 2:
        raise GlassError("A phrase that is to be repeated needs at least two tokens.")
    trace = model.trace(ids_L=np.tile(np.asarray(phrase_L), 2), keep="layers")
    return Repeated(trace, 0, len(phrase_L))


def losses(trace: Trace) -> np.ndarray:
    """−ln of the probability that each token had before it was read, (L − 1,), nats: at n the
    surprise of token n + 1.
    """
    if len(trace.rows) != trace.sizes("decoder")["L"]:
        raise GlassError("The next word was not computed after each token of this text.")
    return losses_in(trace["head.logits"], trace["decoder.embed.ids"])


def losses_in(logits_RV, ids_L) -> np.ndarray:
    """The loss at each token but the first, from the logits after all of them, (L − 1,)."""
    log_RV = log_softmax(np.asarray(logits_RV, dtype=np.float64))
    return -log_RV[np.arange(len(ids_L) - 1), np.asarray(ids_L)[1:]]


def scores(trace: Trace, role: str = "induction") -> np.ndarray:
    """How much of its attention each head gives to a role's target, (layers, heads): "induction",
    "previous token" or another of core.steps.heads.ROLES.
    """
    side, column = trace.config.sides[-1], ROLES.index(role)
    layers = range(trace.config.layers(side))
    return np.stack([trace[f"{side}.{n}.attn.pattern.roles"][:, column] for n in layers])


def strongest(scores_NH: np.ndarray, count: int) -> list[Head]:
    """The heads with the largest scores, the largest first."""
    best = np.argsort(-scores_NH, axis=None, kind="stable")[:count]
    return [(int(i) // scores_NH.shape[1], int(i) % scores_NH.shape[1]) for i in best]


def without(trace: Trace, heads: Iterable[Head]) -> Without:
    """The loss at each position with these heads silent together. Only layers from the first of
    them on run again.
    """
    heads = tuple(heads)
    length = trace.sizes("decoder")["L"]
    for layer, head in heads:
        if layer not in range(trace.config.decoder_layers):
            raise GlassError(f"There is no layer {layer} in which head {head} could be silenced.")
    edits = together(*(ablate_head("decoder", *head) for head in heads))
    first = min((layer for layer, _ in heads), default=trace.config.decoder_layers - 1)
    logits_LV = trace.rerun("decoder", first, edits, range(length))["head.logits"]
    return Without(heads, losses_in(logits_LV, trace["decoder.embed.ids"]))


def each_without(trace: Trace, heads: Iterable[Head]) -> Iterator[Without]:
    """The loss without each of these heads alone, one by one, and then without all of them. Who
    stops asking stops the work.
    """
    heads = tuple(heads)
    for group in (*((head,) for head in heads), heads):
        yield without(trace, group)
