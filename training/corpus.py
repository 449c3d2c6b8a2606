"""Sentences by the hundred thousand, as token ids: train, validation and test, without a sentence
in common.

    python -m training.corpus           writes training/cache/*.npz

The test set has two halves. "test": sentences that were never seen. "new": sentences with a
combination of words and construction that was never seen, such as this noun as the object of this
verb in a relative clause; both words are known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from training import vocabulary
from training.grammar import Sample, sample
from training.random_choices import Dice

FOLDER = Path(__file__).parent / "cache"
SIZES = {"train": 1_600_000, "validation": 4_000, "test": 4_000, "new": 4_000}
HELD_OUT = 16  # one combination in so many is kept for the test
LONGEST = 60  # words
CHUNK = 20_000


@dataclass(frozen=True)
class Sequences:
    """Sentence i is english[english_starts[i]:english_starts[i + 1]], without the special tokens
    around it; the same for French.
    """

    english: np.ndarray
    english_starts: np.ndarray
    french: np.ndarray
    french_starts: np.ndarray


def number(text: str) -> int:
    """A number that depends on the text alone, the same on all machines."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


@cache
def held_out(combination: tuple[str, str, str]) -> bool:
    """Whether this combination of words and construction is kept for the test."""
    return number(" ".join(combination)) % HELD_OUT == 0


def split_of(made: Sample) -> str:
    """Where a sentence belongs. It depends on its words alone, so that no sentence stands in two
    places.
    """
    if any(map(held_out, made.combinations)):
        return "new"
    return {0: "validation", 1: "test"}.get(number(" ".join(made.english)) % 50, "train")


def samples(split: str, count: int) -> Iterator[Sample]:
    """The first sentences of a split, in an order that never changes."""
    found = place = 0
    while found < count:
        made = sample(Dice(f"{split} {place}"))
        place += 1
        if split_of(made) == split and max(len(made.english), len(made.french)) <= LONGEST:
            found += 1
            yield made


@cache
def _cutter():
    return vocabulary.tokenizer("english", "$A")


def ids(words: tuple[str, ...], language: str = "english") -> list[int]:
    """The tokens of words; only invented words are more than one. Whole English words have the same
    ids in all models.
    language: "joint" for French words.
    """
    known = vocabulary.tokens(language)
    return [
        token
        for word in words
        for token in ([known[word]] if word in known else _cutter().encode(word).ids)
    ]


def vocabulary_size(language: str) -> int:
    """How many tokens there are: "english" or "joint"."""
    return len(vocabulary.tokens(language))


def chunk(split: str, start: int, stop: int) -> tuple[list[list[int]], list[list[int]]]:
    """The sentences of that split among those with these numbers, as ids."""
    english, french = [], []
    for place in range(start, stop):
        made = sample(Dice(f"{split} {place}"))
        if split_of(made) == split and max(len(made.english), len(made.french)) <= LONGEST:
            english.append(ids(made.english))
            french.append(ids(made.french, "joint"))
    return english, french


def write(split: str, count: int, workers: int = 2) -> None:
    """Makes a split and keeps it as one file."""
    english: list[list[int]] = []
    french: list[list[int]] = []
    with ProcessPoolExecutor(workers) as pool:
        start = 0
        while len(english) < count:
            starts = range(start, start + CHUNK * workers, CHUNK)
            for e, f in pool.map(chunk, [split] * workers, starts, [s + CHUNK for s in starts]):
                english += e
                french += f
            start += CHUNK * workers
            print(f"{split}: {min(len(english), count):,} of {count:,}", flush=True)
    FOLDER.mkdir(exist_ok=True)
    flat = {}
    for name, lists in (("english", english[:count]), ("french", french[:count])):
        flat[name] = np.concatenate([np.array(one, np.uint16) for one in lists])
        flat[f"{name}_starts"] = np.cumsum([0, *map(len, lists)], dtype=np.int64)
    np.savez(FOLDER / f"{split}.npz", **flat)
    print(f"{split}: fingerprint {fingerprint(flat)}", flush=True)


def fingerprint(flat: dict[str, np.ndarray]) -> str:
    """The first digits of the SHA-256 of a split, by which two corpora are compared."""
    made = hashlib.sha256()
    for name in sorted(flat):
        made.update(flat[name].tobytes())
    return made.hexdigest()[:16]


def sequences(split: str) -> Sequences:
    """The token ids of a split; made first, where they are not there yet."""
    file = FOLDER / f"{split}.npz"
    if not file.exists():
        write(split, SIZES[split])
    with np.load(file) as found:
        return Sequences(**found)


if __name__ == "__main__":
    for each, size in SIZES.items():
        write(each, size)
