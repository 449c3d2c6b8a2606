"""One word in two sentences, and sentences beside each other: how alike their vectors are."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from .vectors import TINY, lengths


@dataclass(frozen=True)
class Alike:
    """What the cosine of two vectors is made of."""

    dot: float
    length_a: float
    length_b: float

    @property
    def cosine(self) -> float:
        """a · b / (‖a‖ ‖b‖)."""
        return self.dot / max(self.length_a * self.length_b, TINY)


def alike(a_D, b_D) -> Alike:
    """Two vectors compared, in float64."""
    a_D, b_D = (np.asarray(each, dtype=np.float64) for each in (a_D, b_D))
    return Alike(float(a_D @ b_D), float(lengths(a_D)), float(lengths(b_D)))


def pieces_of(encoding, word: str) -> list[int]:
    """The positions of the tokens that spell a word, where it stands first in a text, whole and in
    either case.
    """
    found = word.strip() and re.search(
        rf"(?<!\w){re.escape(word.strip())}(?!\w)", encoding.text, re.IGNORECASE
    )
    return [
        i
        for i, span in enumerate(encoding.spans)
        if found and span and span[0] < found.end() and span[1] > found.start()
    ]


def layer_steps(trace) -> dict[str, str]:
    """Where a token's vector can be looked at on its way through the first stack: in words -> the
    step.
    """
    side = trace.config.sides[0]
    return {"in the table": f"{side}.embed.token", "with its position": f"{side}.embed.out"} | {
        f"after layer {layer}": f"{side}.{layer}.out" for layer in range(trace.config.layers(side))
    }


def word_vector(trace, step: str, places: list[int]) -> np.ndarray:
    """The vector of a word, (D,): the mean of its pieces'."""
    return trace[step][places].astype(np.float64).mean(axis=0)
