"""The best that a model of the language can reach: how likely the grammar itself holds each word to
be.

Of a whole sentence the grammar knows the probability of the choices that made it, which is at most
that of the sentence; the entropy that follows is a little too high, as far as two ways of choosing
make the same words. For one hidden word all sentences are made that differ from this one in that
word alone and in one or two choices; those that differ in more choices are missed, so that this
estimate is a little too low.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from training import corpus, vocabulary
from training.grammar import Sample, sample
from training.random_choices import Dice, NotOfferedError


def per_token(samples: list[Sample], accepted: float) -> float:
    """Nats for each token, the end of the sentence among them. accepted: the share of the grammar's
    sentences from which these were taken.
    """
    log_p = sum(s.log_p - math.log(accepted) for s in samples)
    return -log_p / sum(len(corpus.ids(s.english)) + 1 for s in samples)


def accepted(count: int = 4_000) -> float:
    """The share of the grammar's sentences without a combination that is kept for the test: the
    models train on no others.
    """
    made = (sample(Dice(f"accepted {i}")) for i in range(count))
    return sum(not any(map(corpus.held_out, each.combinations)) for each in made) / count


def known_place(made: Sample, chance: np.random.Generator) -> int:
    """A word of a sentence by chance. Invented words are none: they are several tokens, and hiding
    one hides no word.
    """
    known = vocabulary.tokens("english")
    return int(chance.choice([place for place, word in enumerate(made.english) if word in known]))


def hidden_word(dice: Dice, made: Sample, place: int) -> dict[str, float]:
    """How likely each word is in that place, if all others are known. dice: the throws that made
    the sentence.
    """
    chosen = [throw for throw, *_ in dice.throws]
    found: dict[str, float] = defaultdict(float)
    found[made.english[place]] = 1.0
    for at, (throw, options, _) in enumerate(dice.throws):
        for option in options:
            if option != throw:
                for other in replays([*chosen[:at], option, *chosen[at + 1 :]], at):
                    if differs_only(other, made, place):
                        found[other.english[place]] += math.exp(other.log_p - made.log_p)
    total = sum(found.values())
    return {word: p / total for word, p in found.items()}


def replays(throws: list, changed: int) -> Iterator[Sample]:
    """The sentence of these throws; where the change makes the next throw impossible, of all that
    it can be instead.
    """
    try:
        yield sample(Dice(replay=throws))
    except NotOfferedError as error:
        if changed < error.place < len(throws) and error.place <= changed + 2:
            for option in error.options:
                try:
                    yield sample(
                        Dice(replay=[*throws[: error.place], option, *throws[error.place + 1 :]])
                    )
                except NotOfferedError:
                    continue


def differs_only(other: Sample, made: Sample, place: int) -> bool:
    """Whether two sentences are the same but for one word."""
    return (
        len(other.english) == len(made.english)
        and other.english[place] != made.english[place]
        and other.english[:place] == made.english[:place]
        and other.english[place + 1 :] == made.english[place + 1 :]
    )


def masked(seeds: list[str], seed: int = 0) -> tuple[float, float]:
    """The mean loss in nats and the expected share of right guesses of one who knows the grammar;
    of the sentence of each seed one word is hidden.
    """
    chance, losses, right = np.random.default_rng(seed), [], []
    for text in seeds:
        dice = Dice(text)
        made = sample(dice)
        at = known_place(made, chance)
        found = hidden_word(dice, made, at)
        losses.append(-math.log(found[made.english[at]]))
        right.append(max(found.values()))
    return float(np.mean(losses)), float(np.mean(right))
