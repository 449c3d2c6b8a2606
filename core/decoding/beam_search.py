"""Beam search: several beginnings of a text are kept at a time, the likeliest as a whole.

A beginning is worth the sum of its tokens' log probabilities. In each step every kept beginning is
continued by every token, and the best few of all are kept. What ends is set aside with its sum
divided by its length: else the shortest text would always win (Wu et al. 2016, "Google's Neural
Machine Translation System", section 7). The search ends where no beginning can do better than what
has ended, judged by its worth at its present length; so do `generate` of transformers, and this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..config import Config
from ..errors import GlassError
from ..models.generation_rules import Decoding, barred, no_rules
from ..ops import log_softmax
from .key_value_cache import Reading, read, read_on

KEPT, DROPPED, ENDED = "kept", "dropped", "ended"
WIDEST = 8  # beginnings at a time


@dataclass(frozen=True)
class Branch:
    """One token after a beginning.

    parent: the branch that it goes on from, an index into the tree; None for the first token.
    total: the sum of the log probabilities from the first token on. fate: "kept" (gone on from),
    "dropped", or "ended" (the text ends with this token, or there is no room for more).
    """

    parent: int | None
    token: int
    log_prob: float
    total: float
    depth: int  # tokens from the beginning of the search, this one included
    fate: str

    def worth(self, length_penalty: float) -> float:
        """What an ended text is compared by: its sum, divided by a power of its length."""
        return self.total / self.depth**length_penalty


@dataclass(frozen=True)
class Tree:
    """What a search looked at.

    branches: parents stand before their children, and those of a step stand together, the best
    first. ended: the branches of the finished texts, at most as many as beams, the best first.
    """

    branches: tuple[Branch, ...]
    ended: tuple[int, ...]
    length_penalty: float

    def path(self, branch: int) -> list[int]:
        """The branches from the first token to this one."""
        path = [branch]
        while (parent := self.branches[path[0]].parent) is not None:
            path.insert(0, parent)
        return path

    def tokens(self, branch: int) -> list[int]:
        """The text that ends with a branch, without what stood before the search."""
        return [self.branches[each].token for each in self.path(branch)]


@dataclass(frozen=True)
class Beam:
    """A beginning that is kept: its branch, the text with what stood before, and what reading it
    left.
    """

    branch: int | None
    total: float
    text: tuple[int, ...]
    reading: Reading


def beam_search(
    config: Config,
    weights: Mapping,
    ids_L,
    longest: int,
    *,
    beams: int = 3,
    rules: Decoding | None = None,
    source_ids_L=None,
    length_penalty: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> Tree:
    """Writes on from the tokens ids_L until the text has `longest` tokens, or all that is worth it
    has ended.

    rules: which tokens may be written, from the model's files. source_ids_L: what an encoder reads.
    progress(tokens, longest) is called before each step. GlassError where the model writes nothing,
    `beams` is not 1 to 8, or there is no room for a token.
    """
    check(config, ids_L, longest, beams)
    rules, text = rules or no_rules(config), tuple(map(int, ids_L))
    kept = [Beam(None, 0.0, text, read(config, weights, text, source_ids_L))]
    branches: list[Branch] = []
    ended: list[int] = []
    for length in range(len(text), longest):
        if progress:
            progress(length, longest)
        found = step(kept, branches, rules, beams, longest)
        ended = best_ended(ended, branches, found, beams, length_penalty)
        going = [each for each in found if branches[each].fate == KEPT]
        if not going or nothing_better(branches, going, ended, beams, length_penalty):
            break
        kept = [grown(config, weights, kept, branches, each) for each in going]
    return Tree(tuple(branches), tuple(ended), length_penalty)


def check(config: Config, ids_L, longest: int, beams: int) -> None:
    """A GlassError, where a search can't be made."""
    if not 1 <= beams <= WIDEST:
        raise GlassError(f"Beam search keeps 1 to {WIDEST} beginnings, not {beams}.")
    if config.n_positions is not None and longest > config.n_positions:
        raise GlassError(f"The model has positions for only {config.n_positions} tokens.")
    if longest <= len(ids_L):
        raise GlassError(f"There is no room for a token: the text has {len(ids_L)} already.")


def step(
    kept: list[Beam], branches: list[Branch], rules: Decoding, beams: int, longest: int
) -> list[int]:
    """Continues every beginning by its best tokens, and lists them with their fates; returns their
    places, the best first.
    """
    count = max(2, 1 + len(rules.ends)) * beams  # even if the best all end, enough go on
    found, going = [], 0
    for beam, token, log_prob in candidates(kept, rules, longest, count):
        last = len(beam.text) + 1 == longest
        ends, among_best = token in rules.ends or last, len(found) < beams
        goes_on = not ends and going < beams
        going += goes_on
        fate = KEPT if goes_on else ENDED if ends and among_best else DROPPED
        depth = 1 if beam.branch is None else branches[beam.branch].depth + 1
        found.append(len(branches))
        total = beam.total + log_prob
        branches.append(Branch(beam.branch, token, log_prob, total, depth, fate))
    return found


def candidates(kept: list[Beam], rules: Decoding, longest: int, count: int):
    """The best tokens after all beginnings together, as (beam, token, log probability)."""
    logs_BV = np.stack([allowed(rules, beam, longest) for beam in kept])
    totals = (logs_BV + np.array([beam.total for beam in kept])[:, None]).ravel()
    count = min(count, int(np.isfinite(totals).sum()))
    best = np.argpartition(-totals, min(count, len(totals) - 1))[:count]
    for place in best[np.argsort(-totals[best], kind="stable")]:
        at, token = divmod(int(place), logs_BV.shape[1])
        yield kept[at], token, float(logs_BV[at, token])


def allowed(rules: Decoding, beam: Beam, longest: int) -> np.ndarray:
    """The log probability of each next token, (V,), float64; −∞ for one that may not be written,
    and 0 for one that has to be.
    """
    logs_V = log_softmax(beam.reading.logits.astype(np.float64))
    logs_V[[i for i in barred(rules, beam.text) if i < len(logs_V)]] = -np.inf
    forced = () if rules.first is None or len(beam.text) != 1 else (rules.first,)
    if rules.last and len(beam.text) == longest - 1:
        forced = rules.last
    if forced:
        logs_V[:] = -np.inf
        logs_V[list(forced)] = 0.0
    return logs_V


def grown(config, weights, kept: list[Beam], branches: list[Branch], place: int) -> Beam:
    """The beginning that a branch makes, read on by its token."""
    new = branches[place]
    old = next(beam for beam in kept if beam.branch == new.parent)
    reading = read_on(config, weights, old.reading, [new.token])
    return Beam(place, new.total, (*old.text, new.token), reading)


def best_ended(
    ended: list[int], branches: list[Branch], found: list[int], beams: int, penalty: float
) -> list[int]:
    """The finished texts so far, the best first, at most as many as there are beams."""
    new = [each for each in found if branches[each].fate == ENDED]
    return sorted([*ended, *new], key=lambda each: -branches[each].worth(penalty))[:beams]


def nothing_better(
    branches: list[Branch], going: list[int], ended: list[int], beams: int, penalty: float
) -> bool:
    """Whether as many texts have ended as there are beams, and the best beginning is worth less
    than each of them.
    """
    if len(ended) < beams:
        return False
    return branches[going[0]].worth(penalty) <= branches[ended[-1]].worth(penalty)
