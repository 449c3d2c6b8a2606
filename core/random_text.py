"""A text without meaning: random tokens, and the same ones once more. What a head does on it, it
does for the sake of the order of tokens alone (Olsson et al. 2022, "In-context Learning and
Induction Heads").
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np

MOST = 25  # different tokens; longer texts change little, and take longer
SEED = 1


def random_tokens(n_vocab: int, count: int, is_special: Callable[[int], bool]) -> np.ndarray:
    """So many different tokens that are not special, the same ones every time (a counter-based
    generator, Salmon et al. 2011), (N,); fewer where there are no more.
    """
    order = np.argsort(np.random.Generator(np.random.Philox(key=SEED)).random(n_vocab))
    return np.array(list(islice((int(i) for i in order if not is_special(int(i))), count)))


def specials_around(words_L) -> tuple[int, int]:
    """How many special tokens stand before the words of a text, and how many after them."""
    inside = [place for place, word in enumerate(words_L) if word is not None]
    return (inside[0], len(words_L) - 1 - inside[-1]) if inside else (len(words_L), 0)
