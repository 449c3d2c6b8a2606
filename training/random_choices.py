"""Choices by chance that know how likely they were, so that the grammar's entropy is known, too."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence


class NotOfferedError(Exception):
    """A replayed choice is not among the options any more. place: which throw; options: what there
    is instead.
    """

    def __init__(self, place: int, options: tuple):
        super().__init__(place)
        self.place, self.options = place, options


class Dice:
    """Throws for a seed, or the throws of another sentence once more.

    throws: what was chosen so far, with all that could have been; log_p: the sum of their log
    probabilities, in nats.
    """

    def __init__(self, seed: int | str | None = None, replay: Sequence | None = None):
        self.random, self.replay = random.Random(seed), replay
        self.throws: list[tuple[object, tuple, tuple | None]] = []
        self.log_p = 0.0

    def pick(self, options: Sequence, weights: Sequence[float] | None = None):
        """One of the options, in proportion to the weights (all alike, if there are none)."""
        options = tuple(options)
        if self.replay is not None:
            place = len(self.throws)
            if place >= len(self.replay) or self.replay[place] not in options:
                raise NotOfferedError(place, options)
            at = options.index(self.replay[place])
        elif weights is None:
            at = int(self.random.random() * len(options))
        else:
            at = self.random.choices(range(len(options)), weights)[0]
        self.log_p += math.log(weights[at] / sum(weights)) if weights else -math.log(len(options))
        self.throws.append((options[at], options, tuple(weights) if weights else None))
        return options[at]

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return self.pick((True, False), (p, 1 - p))

    def table(self, weights: dict):
        """One of the keys, in proportion to its value."""
        return self.pick(tuple(weights), tuple(weights.values()))
