"""The best that a model of the language can reach: how likely the grammar itself holds each word to be.

Of a whole sentence the grammar knows the probability of the choices that made it, which is at most that of the sentence;
the entropy that follows is a little too high, as far as two ways of choosing make the same words. For one hidden word all
sentences are made that differ from this one in that word alone and in one or two choices; those that differ in more
choices are missed, so that this estimate is a little too low.
"""
from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from training.dice import Dice, NotOffered
from training.grammar import Sample, sample


def per_token(samples: list[Sample], accepted: float) -> float:
    """Nats for each word and the end of the sentence. accepted: the share of sentences that is not held out."""
    log_p = sum(s.log_p - math.log(accepted) for s in samples)
    return -log_p / sum(len(s.english) + 1 for s in samples)


def hidden_word(dice: Dice, made: Sample, place: int) -> dict[str, float]:
    """How likely each word is in that place, if all others are known. dice: the throws that made the sentence."""
    chosen = [throw for throw, *_ in dice.throws]
    found: dict[str, float] = defaultdict(float)
    found[made.english[place]] = 1.0
    for at, (throw, options, _) in enumerate(dice.throws):
        for option in options:
            if option != throw:
                for other in replays([*chosen[:at], option, *chosen[at + 1:]], at):
                    if differs_only(other, made, place):
                        found[other.english[place]] += math.exp(other.log_p - made.log_p)
    total = sum(found.values())
    return {word: p / total for word, p in found.items()}


def replays(throws: list, changed: int) -> Iterator[Sample]:
    """The sentence of these throws; where the change makes the next throw impossible, of all that it can be instead."""
    try:
        yield sample(Dice(replay=throws))
    except NotOffered as error:
        if changed < error.place < len(throws) and error.place <= changed + 2:
            for option in error.options:
                try:
                    yield sample(Dice(replay=[*throws[:error.place], option, *throws[error.place + 1:]]))
                except NotOffered:
                    continue


def differs_only(other: Sample, made: Sample, place: int) -> bool:
    """Whether two sentences are the same but for one word."""
    return (len(other.english) == len(made.english) and other.english[place] != made.english[place]
            and other.english[:place] == made.english[:place] and other.english[place + 1:] == made.english[place + 1:])


def masked(seeds: list[str], seed: int = 0) -> tuple[float, float]:
    """The mean loss in nats and the expected share of right guesses of one who knows the grammar; a hidden word each."""
    place, losses, right = np.random.default_rng(seed), [], []
    for text in seeds:
        dice = Dice(text)
        made = sample(dice)
        at = int(place.integers(len(made.english)))
        found = hidden_word(dice, made, at)
        losses.append(-math.log(found[made.english[at]]))
        right.append(max(found.values()))
    return float(np.mean(losses)), float(np.mean(right))
