"""What an exercise is, and the lot by which it is drawn: the same seed, model and text draw the
same questions, wherever the link is opened.

    Exercise        a question about the reader's run, its one right answer, and what is said of it
    Typed           an answer that is a number, worked out by hand
    Place           where it can be seen: a page and what is chosen there
    Draw            a run, and what the lot falls on: a layer, a head, a word
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np

from core.text import number
from ui.kit.quiz import Quiz
from ui.kit.token_words import place_of
from ui.session.navigation import Page
from ui.session.view import View, is_word
from ui.text import HIDING, bold_quoted

Cell = tuple[str, tuple[int, ...]]
Each = TypeVar("Each")
PIECE = "##"  # begins what goes on a word


@dataclass(frozen=True)
class Typed:
    """An answer that is a number, and how far from it still counts as right."""

    value: float
    within: float
    unit: str = ""

    def holds(self, given: float) -> bool:
        """Whether a number that was typed is right."""
        return abs(given - self.value) <= self.within + 1e-9


@dataclass(frozen=True)
class Place:
    """Where something can be seen: a page, and what is chosen there."""

    page: Page
    choices: dict[str, Any] = field(default_factory=dict)
    guess: tuple[int, int] | None = None  # Why this word: the row of the output, and the word


@dataclass(frozen=True)
class Exercise:
    """A question. What is said is Markdown; it holds keys and words, no arrays."""

    asks: str
    answer: Quiz | Typed
    hint: str  # what to think of; nothing that gives the answer away
    why: str  # the answer with the numbers of this run
    place: Place
    cell: Cell | None  # the number that answers it; None where no number of a run does
    run: Mapping[str, str] = field(default_factory=dict)  # what the run of that number has instead

    def seen_in(self, view: View) -> View:
        """The run in which the number stands that answers it."""
        return replace(view, request=view.request._replace(**self.run)) if self.run else view

    def holds(self, given: float) -> bool:
        """Whether an answer is right: the number of an option, or the number that was typed."""
        if isinstance(self.answer, Typed):
            return self.answer.holds(given)
        return given == self.answer.right


@dataclass(frozen=True)
class Draw:
    """A run, and a key that decides what the lot falls on."""

    view: View
    key: str

    @property
    def trace(self):
        """The trace of the run."""
        return self.view.trace

    @property
    def config(self):
        """The sizes of the model."""
        return self.view.config

    def lot(self, *what: object) -> float:
        """A number from 0 up to 1, which depends on the key and on what it is for."""
        digest = sha256("\0".join(map(str, (self.key, *what))).encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48

    def one(self, what: str, among: Sequence[Each]) -> Each:
        """One of several things."""
        return among[int(self.lot(what) * len(among))]

    def shuffled(self, what: str, things: Iterable[Each]) -> list[Each]:
        """Things in another order."""
        return [
            each for _, each in sorted((self.lot(what, n), each) for n, each in enumerate(things))
        ]

    def side(self) -> str:
        """A stack of the model."""
        return self.one("side", self.config.sides)

    def layer(self, side: str) -> int:
        """A layer of a stack."""
        return self.one("layer", range(self.config.layers(side)))

    def head(self) -> int:
        """A head."""
        return self.one("head", range(self.config.n_heads))

    def word(self, side: str, low: int = 0, end: int = 0) -> int | None:
        """The position of a word, no special token and no sign: at least low from the start, and
        end from the end; no further piece of one, if there is another. None where there is none.
        """
        tokens = self.view.tokens(side)
        fit = [i for i in range(low, len(tokens) - end) if is_word(tokens[i])]
        whole = [i for i in fit if not tokens[i].startswith(PIECE)]
        return self.one("word", whole or fit) if fit else None

    def row(self) -> int | None:
        """A row of the output, where it is finite: of an encoder, one that [MASK] stands at, if
        there is one, else that of a word.
        """
        if not self.config.head or not self.finite("head.probs"):
            return None
        side = self.config.sides[-1]
        at = [self.view.tokens(side)[int(t)] for t in self.trace.rows]
        words = [r for r, token in enumerate(at) if side == "decoder" or is_word(token)]
        rows = [r for r, token in enumerate(at) if token in HIDING] or words
        return self.one("row", rows) if rows else None

    def named(self, side: str, position: int) -> str:
        """A token in running text, “**the**” (4): in quotes, since a question about “that” would be
        read as one about that.
        """
        tokens = self.view.tokens(side)
        return bold_quoted(tokens[position]) + place_of(tokens, position)

    def says(self, word: int) -> str:
        """A word of the vocabulary in running text."""
        return bold_quoted(self.view.word(word))

    def finite(self, *names: str) -> bool:
        """Whether the trace has these steps, and nothing in them overflowed."""
        return all(name in self.trace and np.isfinite(self.trace[name]).all() for name in names)

    def choice(self, words: Sequence[str], right: int) -> Quiz:
        """A choice among these words, in this order."""
        return Quiz(self.view, tuple(words), right)

    def shuffle(self, right: str, others: Iterable[str], count: int = 4) -> Quiz | None:
        """A choice of the right word and the first of the others that differ, in an order that the
        lot gives; None where there are not even two.
        """
        different = [each for each in dict.fromkeys(others) if each != right]
        words = self.shuffled("options", [right, *different[: count - 1]])
        return self.choice(words, words.index(right)) if len(words) > 1 else None

    def numbers(self, right: int, others: Iterable[int]) -> Quiz | None:
        """A choice of whole numbers, the smallest first: the right one and up to three others."""
        found = sorted([right, *[n for n in dict.fromkeys(others) if n != right and n > 0][:3]])
        return self.choice([f"{n:,}" for n in found], found.index(right)) if found[1:] else None


def of_each(names: Iterable[str], *values: Iterable[float]) -> str:
    """What is given of each thing, in running text: “head 0: 1.2; head 1: 3.4 and 0.2”."""
    rows = zip(*values, strict=True)
    return "; ".join(
        f"{name}: {' and '.join(number(x, 3) for x in row)}"
        for name, row in zip(names, rows, strict=True)
    )


def begun(text: str) -> str:
    """The same as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def leads(values_N, least: float) -> bool:
    """Whether the largest value is clearly larger than all others."""
    order = np.sort(np.asarray(values_N, dtype=np.float64))
    return len(order) > 1 and bool(np.isfinite(order[-1]) and order[-1] - order[-2] >= least)


def two_largest(values_N) -> tuple[int, int]:
    """Where the two largest values stand, the largest first."""
    first, second = np.argsort(-np.asarray(values_N), kind="stable")[:2]
    return int(first), int(second)
