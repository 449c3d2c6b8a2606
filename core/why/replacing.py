"""Which words the outcome hangs on, without gradients: each word is replaced by padding, or by a
token of choice, and the model runs again (Zeiler and Fergus 2014, "Visualizing and Understanding
Convolutional Networks", section 2, cover parts of a picture in turn).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..influence import moved
from ..whatif import padding_id
from .outcome import outcome_of, position_of, trace_of


@dataclass(frozen=True)
class Replaced:
    """What the replacement of one word does. places: its tokens. change: the number with the other
    token there, less the number without. done: the share of all words that are behind.
    """

    word: int
    places: tuple[int, ...]
    change: float
    done: float


def saliency(
    model,
    text_or_trace,
    word: int | None = None,
    rival: int | None = None,
    row: int = -1,
    other: int | None = None,
) -> np.ndarray:
    """For each word that the model reads (on its first side), the change of the outcome when all
    its tokens are replaced: (words,). The outcome is the logit of `word` at the position `row`,
    less that of `rival`; or, without a word, how far the last vector there moves, ‖x′ − x‖ / ‖x‖.

    other: the token that takes the place; padding, if None.
    """
    found = each_saliency(model, text_or_trace, word, rival, row, other)
    return np.array([each.change for each in found])


def each_saliency(
    model,
    text_or_trace,
    word: int | None = None,
    rival: int | None = None,
    row: int = -1,
    other: int | None = None,
) -> Iterator[Replaced]:
    """The same one by one. Who stops asking stops the work."""
    trace = trace_of(model, text_or_trace)
    token = padding_id(model) if other is None else other
    if word is None:
        measure = partial(moved_by, trace, position_of(trace, row))
    else:
        measure = partial(changed_by, outcome_of(trace, word, rival, row))
    return run_each(trace, tokens_of_words(trace), token, measure)


def run_each(trace, words: list[tuple[int, ...]], token: int, measure) -> Iterator[Replaced]:
    """Each word in turn."""
    side = trace.config.sides[0]
    for number, places in enumerate(words):
        edits = {f"{side}.embed.ids": partial(with_token, list(places), token)}
        yield Replaced(number, places, measure(side, edits), (number + 1) / len(words))


def tokens_of_words(trace) -> list[tuple[int, ...]]:
    """The positions of each word's tokens on the first side; each token is a word where words are
    not known.
    """
    length = trace.sizes(trace.config.sides[0])["L"]
    words_L = range(length) if trace.words_L is None else trace.words_L
    found: dict[int, list[int]] = {}
    for place, word in enumerate(words_L):
        if word is not None:
            found.setdefault(word, []).append(place)
    return [tuple(found[word]) for word in sorted(found)]


def with_token(places: list[int], token: int, ids_L: np.ndarray) -> np.ndarray:
    """The ids with another token in those places."""
    ids_L[places] = token
    return ids_L


def changed_by(outcome, side: str, edits: dict) -> float:
    """The change of a word's logit, or of its distance to a rival's."""
    return outcome.after(side, None, edits) - outcome.before


def moved_by(trace, row: int, side: str, edits: dict) -> float:
    """How far the last vector of a position moves, in its own lengths."""
    name = f"{trace.config.sides[-1]}.out"
    after_LD = trace.rerun(side, None, edits, [row])[name]
    return float(moved(trace[name][row : row + 1], after_LD[row : row + 1])[0])
