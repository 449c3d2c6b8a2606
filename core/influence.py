"""How far one word reaches: a sentence is read twice, with one word replaced, and the two runs are
compared at each word.

In a recurrent network what is known of a word has to pass through the state of every word between;
attention looks at it directly (Hochreiter & Schmidhuber 1997; Vaswani et al. 2017, section 4,
compare the lengths of these paths). What is measured here is not a path but its outcome: how far
the change moves the vector of each later word, and the guess made there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .errors import GlassError
from .places import ASSETS
from .vectors import TINY, lengths

_SENTENCES = ASSETS / "influence.json"
VECTORS = {
    "lstm": "lstm.hidden",
    "decoder": "decoder.out",
}  # what a word has become, by the side of the model


@dataclass(frozen=True)
class Influence:
    """At each word from the replaced one on, (N,): how far its vector has moved, as a share of its
    length, and how much of the next word's probability went elsewhere. places_N2: the word's last
    token in either run.
    """

    moved_N: np.ndarray
    guess_N: np.ndarray
    places_N2: np.ndarray


def moved(before_ND, after_ND) -> np.ndarray:
    """‖x′ − x‖ / ‖x‖ of each row, (N,)."""
    before_ND, after_ND = (np.asarray(each, dtype=np.float64) for each in (before_ND, after_ND))
    return lengths(after_ND - before_ND) / np.maximum(lengths(before_ND), TINY)


def total_variation(before_NV, after_NV) -> np.ndarray:
    """½ Σ |p′ − p| of each row, (N,): 0 the same guess, 1 nothing in common."""
    return np.abs(np.asarray(after_NV, dtype=np.float64) - before_NV).sum(axis=-1) / 2


def last_tokens(words_L) -> np.ndarray:
    """The position at which each word has been read to its end, (N,)."""
    ends = {word: place for place, word in enumerate(words_L) if word is not None}
    return np.array([ends[word] for word in sorted(ends)], dtype=int)


def influence_of(before, after, word: int) -> Influence:
    """Two traces of one model whose texts differ in that word, compared from it on. GlassError
    where they can't be.
    """
    ends = [last_tokens(trace.words_L) for trace in (before, after)]
    if len(ends[0]) != len(ends[1]):
        raise GlassError(
            "The other word gives the sentence a different number of words, so the two cannot be"
            " compared word by word."
        )
    side = before.config.sides[-1]
    if any(len(trace.rows) < trace.shape(f"{side}.embed.ids")[0] for trace in (before, after)):
        raise GlassError(
            "This sentence is too long: the next word was not computed for every token."
        )
    places_N2 = np.stack(ends, axis=1)[word:]

    def rows(step: str) -> list[np.ndarray]:
        return [trace[step][places_N2[:, run]] for run, trace in enumerate((before, after))]

    return Influence(moved(*rows(VECTORS[side])), total_variation(*rows("head.probs")), places_N2)


def mean_by_distance(found: list[Influence]) -> dict[str, np.ndarray]:
    """The measures at each distance from the replaced word, averaged over the sentences that are so
    long, and of how many.
    """
    longest = max(len(each.moved_N) for each in found)
    reaching = [
        [each for each in found if len(each.moved_N) > distance] for distance in range(longest)
    ]
    means = {
        name: np.array(
            [
                np.mean([getattr(each, f"{name}_N")[distance] for each in there])
                for distance, there in enumerate(reaching)
            ]
        )
        for name in ("moved", "guess")
    }
    return means | {"sentences": np.array([len(there) for there in reaching])}


# --- sentences and the words to put in ------------------------------------------------------------


@lru_cache(maxsize=1)
def sentences() -> tuple[tuple[str, str, int], ...]:
    """The fixed list over which is averaged: a sentence, the same with one word replaced, and which
    word that is.
    """
    listed = json.loads(_SENTENCES.read_text(encoding="utf-8"))
    return tuple(
        (
            each["text"],
            each["text"].replace(each["word"], each["other"], 1),
            each["text"].split().index(each["word"]),
        )
        for each in listed
    )


def words(encoding) -> list[str]:
    """The words of a text as they are typed."""
    return [encoding.text[slice(*span)] for span in spans(encoding)]


def spans(encoding) -> list[tuple[int, int]]:
    """Where each word of a text begins and ends."""
    found: dict[int, tuple[int, int]] = {}
    for word, span in zip(encoding.words_L, encoding.spans, strict=True):
        if word is not None and span:
            first = found[word][0] if word in found else span[0]
            found[word] = (first, span[1])
    return [found[word] for word in sorted(found)]


def replaced(encoding, word: int, other: str) -> str:
    """The text with another word in the place of that one."""
    start, stop = spans(encoding)[word]
    return encoding.text[:start] + other + encoding.text[stop:]


def of_the_same_kind(model, encoding, word: int) -> str:
    """The word of the vocabulary whose row of the table is nearest to that of a word, itself left
    out: after training, such rows belong to words that stand in the same places.
    """
    token = next(
        int(token) for token, at in zip(encoding.ids_L, encoding.words_L, strict=True) if at == word
    )
    table_VD = model.weights["lstm.embed.weight"].astype(np.float64)
    near_V = table_VD @ table_VD[token] / np.maximum(lengths(table_VD), TINY)
    own = words(encoding)[word].casefold()
    for other in np.argsort(-near_V, kind="stable").tolist():
        piece = model.tokenizer.piece(other)
        if other != token and piece.isalpha() and len(piece) > 2 and piece != own:
            return piece
    return "book"
