"""From probabilities to a choice: top-k, top-p, and a draw (Holtzman et al. 2020, sections 3
and 4). And random tokens, for a text without meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np

SEED = 1  # of the random tokens: the same for every reader


def kept(probs_V, k: int, p: float) -> np.ndarray:
    """Which words stay in the draw, (V,): the k likeliest (0: all), of these the fewest that
    together hold p of theirs.
    """
    order = np.argsort(-probs_V, kind="stable")[: k or None]
    if p < 1:
        share = np.cumsum(probs_V[order]) / probs_V[order].sum()
        order = order[: int(np.searchsorted(share, p - 1e-12)) + 1]
    kept_V = np.zeros(len(probs_V), dtype=bool)
    kept_V[order] = True
    return kept_V


@dataclass(frozen=True)
class Draw:
    """A word that was drawn: the random number, and the stretch of the line from 0 to 1 that
    belongs to the word.
    """

    word: int
    point: float
    start: float
    end: float


def throw(probs_V, seed: int, turn: int) -> Draw:
    """All words lie side by side on a line from 0 to 1, the likeliest first, each as long as it is
    likely; a random number points at one. The same seed and turn always give the same number (a
    counter-based generator, Salmon et al. 2011).
    """
    point = float(np.random.Generator(np.random.Philox(key=[seed, turn])).random())
    order = np.argsort(-probs_V, kind="stable")
    ends = np.cumsum(probs_V[order], dtype=np.float64)
    last = int(np.count_nonzero(probs_V)) - 1  # rounding may leave the line a little short of 1
    index = min(int(np.searchsorted(ends, point, side="right")), last)
    return Draw(
        int(order[index]),
        point,
        float(ends[index - 1]) if index else 0.0,
        1.0 if index == last else float(ends[index]),
    )


def random_tokens(n_vocab: int, count: int, is_special: Callable[[int], bool]) -> np.ndarray:
    """So many different tokens that are not special, the same ones every time, (N,); fewer where
    there are no more. What a head does on a text of such tokens, it does for the sake of their
    order alone (Olsson et al. 2022, "In-context Learning and Induction Heads").
    """
    order = np.argsort(np.random.Generator(np.random.Philox(key=SEED)).random(n_vocab))
    return np.array(list(islice((int(i) for i in order if not is_special(int(i))), count)))
