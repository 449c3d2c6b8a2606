"""What was measured of early words that decide later ones: how often an LSTM and attention choose
the right pronoun, and the right form of a verb, by how many words lie between; and a few sentences
in which the LSTM errs.

The numbers come from `python -m training.early_words`, over sentences that no study model was
trained on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .places import ASSETS

_FILE = ASSETS / "before_attention.json"
LSTM, ATTENTION = "study-lstm", "study-decoder"
KINDS = ("pronoun", "verb")


@dataclass(frozen=True)
class Tried:
    """How many words were decided, and how many of them each model got right, by its name."""

    count: int
    right: dict[str, int]

    def rate(self, model: str) -> float:
        """The share that a model got right; NaN of none."""
        return self.right[model] / self.count if self.count else float("nan")


@dataclass(frozen=True)
class Example:
    """A sentence of which the LSTM gets a word wrong. Places count words, marks among them."""

    text: str
    kind: str  # "pronoun" or "verb"
    noun: int  # the place of the word that decides
    other: str  # what may be put there: then another form is right
    decided: int  # the place of the word that it decides
    right: str
    wrong: str  # the form that the LSTM gave most
    between: int  # words between
    probabilities: dict[str, tuple[float, float]]  # of the right and the wrong form, as measured


@dataclass(frozen=True)
class EarlyWords:
    """All that was measured."""

    sentences: int
    tried: dict[str, dict[int, Tried]]  # kind -> words between -> how it went
    examples: tuple[Example, ...]

    def together(self, kind: str, least: int = 0) -> Tried:
        """All words of a kind that have so many words between, or more."""
        return added(each for between, each in self.tried[kind].items() if between >= least)

    def by_distance(self, kind: str, enough: int) -> list[tuple[int, int, Tried]]:
        """The least and the most words between, and how it went: distances that were tried less
        often than `enough` stand together with their neighbours.
        """
        found: list[tuple[int, int, Tried]] = []
        for between, each in sorted(self.tried[kind].items()):
            if found and found[-1][2].count < enough:
                low, _, before = found.pop()
                found.append((low, between, added((before, each))))
            else:
                found.append((between, between, each))
        if len(found) > 1 and found[-1][2].count < enough:
            (low, _, before), (_, high, last) = found[-2:]
            found[-2:] = [(low, high, added((before, last)))]
        return found

    def example(self, text: str) -> Example | None:
        """The example that a text is, if it is one."""
        said = " ".join(text.split())
        return next((each for each in self.examples if each.text == said), None)


def added(tried: Iterable[Tried]) -> Tried:
    """Several counts as one."""
    found = list(tried)
    right = {model: sum(each.right[model] for each in found) for model in (LSTM, ATTENTION)}
    return Tried(sum(each.count for each in found), right)


@lru_cache(maxsize=1)
def early_words() -> EarlyWords:
    """What the file says."""
    return read(json.loads(_FILE.read_text(encoding="utf-8")))


def read(data: dict) -> EarlyWords:
    """The measurements as `training.early_words` writes them."""
    tried = {
        kind: {row["between"]: Tried(row["count"], row["right"]) for row in data["tried"][kind]}
        for kind in KINDS
    }
    examples = [
        Example(**each | {"probabilities": {k: tuple(p) for k, p in each["probabilities"].items()}})
        for each in data["examples"]
    ]
    return EarlyWords(data["sentences"], tried, tuple(examples))
