"""Values that are not on the way to the output, computed from a trace when asked, under names of
their own.

A name may end in whole numbers that say which value is meant: `scores.terms.3.0.2` are the products
that make the score of head 3, token 0 and token 2. DERIVED at the foot lists all kinds; how one is
computed is in core/analysis. Names and shapes are checked here without computing anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from core.analysis import heads, neurons, positions, sampling, vectors, vocabulary

SIDE = r"(?:encoder|decoder)"
EMBEDDING, STACK, LAYER, HEAD = rf"{SIDE}\.embed", SIDE, rf"{SIDE}\.\d+", "head"
SELF, FEED_FORWARD = rf"{LAYER}\.attn", rf"{LAYER}\.mlp"
ATTENTION, SUBLAYER = rf"{LAYER}\.(?:attn|cross)", rf"{LAYER}\.(?:attn|cross|mlp)"
ANY = rf"{SIDE}(?:\.\d+)?(?:\.(?:attn|cross|mlp|embed))?"


# What a number in a name may be where it is no place on an axis.
_RANGES = {
    "B": range(2),  # whether signs are left out, whether pieces are merged
    "T": range(1, 10**6),  # a temperature in percent
    "N": range(10**6),  # how many words stay in the draw; 0: all
    "‰": range(1, 1001),
}  # the share that the words in the draw hold


@dataclass(frozen=True)
class Derived:
    """A kind of derived value: its axes, where there is one, and how it is computed."""

    axes: str
    place: str  # a pattern: where in the model there is such a value
    after: str  # the step there that it belongs to
    compute: Callable  # (trace, place, *the numbers in the name) -> array
    numbers: str = ""  # a letter for each number in the name: an axis, or one of _RANGES
    when: Callable = lambda config: True


@dataclass(frozen=True)
class Found:
    """What a derived value's name stands for: its kind, its place in the model, and the numbers at
    its end.
    """

    kind: Derived
    at: str
    asked: tuple[int, ...]

    @property
    def step(self) -> str:
        """The step of the forward pass that the value belongs to."""
        return f"{self.at}.{self.kind.after}"

    def fits(self, sizes: Mapping[str, int]) -> bool:
        """Whether the numbers in the name lie on their axes. sizes: axis letter -> size."""
        return all(
            number in (_RANGES[letter] if letter in _RANGES else range(sizes[letter]))
            for letter, number in zip(self.kind.numbers, self.asked, strict=True)
        )

    def shape(self, trace, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The sizes of the value's axes, without computing it."""
        if "I" in self.kind.axes:
            words = len(heads.groups(trace, self.at.split(".")[0], *self.asked))
            sizes = {**sizes, "I": words, "J": words}
        sizes = {
            **sizes,
            "O": len(heads.ROLES),
            "S": positions.FURTHEST,
            "P": sizes.get("K", 0) // 2,
        }
        return tuple(sizes[letter] for letter in self.kind.axes)

    def compute(self, trace):
        return self.kind.compute(trace, self.at, *self.asked)


DERIVED = {
    "token.similarity": Derived("LM", EMBEDDING, "token", vectors.similarity_of("token")),
    "position.similarity": Derived("LM", EMBEDDING, "position", vectors.similarity_of("position")),
    "near.{}": Derived("V", EMBEDDING, "ids", vocabulary.near, "V"),
    "arithmetic.{}.{}.{}": Derived("V", EMBEDDING, "ids", vocabulary.arithmetic, "VVV"),
    "sinusoid": Derived("LD", EMBEDDING, "sum", positions.sinusoid),
    "scores.terms.{}.{}.{}": Derived("K", ATTENTION, "scores.dot", heads.terms, "HLM"),
    "scores.pairs.{}.{}.{}": Derived("P", ATTENTION, "q.unrotated", positions.pairs, "HLM"),
    "scores.falls.{}.{}.{}": Derived("S", ATTENTION, "q.unrotated", positions.falls, "HLM"),
    "pattern.exp": Derived("HLM", ATTENTION, "pattern", heads.exponentials),
    "pattern.total": Derived("HL", ATTENTION, "pattern", heads.totals),
    "pattern.heat.{}": Derived("HLM", ATTENTION, "pattern", heads.heated, "T"),
    "pattern.unscaled": Derived("HLM", ATTENTION, "pattern", heads.unscaled),
    "pattern.others": Derived("HLM", SELF, "pattern", heads.others),
    "pattern.mean": Derived("LM", ATTENTION, "pattern", heads.mean),
    "cross.pattern.mean": Derived(
        "LM", "decoder", "out", heads.mean_across, when=lambda config: config.crosses
    ),
    "pattern.entropy": Derived("HL", ATTENTION, "pattern", heads.entropy),
    "pattern.roles": Derived("HO", SELF, "pattern", heads.roles),
    "pattern.words.{}.{}": Derived("HIJ", SELF, "pattern", heads.in_words, "BB"),
    "heads": Derived("HLD", ATTENTION, "z", heads.contributions),
    "heads.sum": Derived("LD", ATTENTION, "z", heads.sum_again),
    "heads.length": Derived("HL", ATTENTION, "z", vectors.length_of("heads")),
    "heads.share": Derived("HL", ATTENTION, "out", heads.shares),
    "pre.terms.{}.{}": Derived("D", FEED_FORWARD, "pre", neurons.terms, "LF"),
    "hidden.reach": Derived("LF", FEED_FORWARD, "hidden", neurons.reach),
    "writes.{}.{}": Derived("D", FEED_FORWARD, "hidden", neurons.writes, "LF"),
    "promotes.{}.{}": Derived(
        "V", r"decoder\.\d+\.mlp", "hidden", neurons.promotes, "LF", neurons.reaches_words
    ),
    "alone": Derived("LD", FEED_FORWARD, "out", neurons.alone),
    "out.relative": Derived("L", SUBLAYER, "out", vectors.relative),
    "out.similarity": Derived("L", LAYER, "out", vectors.similarity),
    "out.turned": Derived("L", LAYER, "out", vectors.turned),
    "out.step": Derived("L", LAYER, "out", vectors.step_length),
    "rollout": Derived("LM", LAYER, "out", heads.rollout),
    "out.pooled": Derived("D", STACK, "out", vectors.pooled),
    "tempered.{}.{}": Derived("V", HEAD, "logits", sampling.tempered, "RT"),
    "sampled.{}.{}.{}.{}": Derived("V", HEAD, "probs", sampling.sampled, "RTN‰"),
    "written": Derived("R", HEAD, "probs", sampling.written, when=lambda config: config.crosses),
    "written.sum": Derived(
        "R", HEAD, "probs", sampling.written_sum, when=lambda config: config.crosses
    ),
    **{
        f"{leaf}.length": Derived("L", SUBLAYER, leaf, vectors.length_of(leaf))
        for leaf in ("in", "sum", "norm.out")
    },
    "out.length": Derived("L", ANY, "out", vectors.length_of("out")),
}
_NUMBER = r"(0|[1-9][0-9]{0,5})"
_NAMES = {
    leaf: re.compile(rf"({kind.place})\." + re.escape(leaf).replace(r"\{\}", _NUMBER))
    for leaf, kind in DERIVED.items()
}


def behind(step: str, config) -> list[str]:
    """The derived values that belong to a step, without those whose names end in numbers: of these
    there are too many.
    """
    return [
        f"{step[: -len(kind.after)]}{leaf}"
        for leaf, kind in DERIVED.items()
        if "{}" not in leaf
        and step.endswith(f".{kind.after}")
        and kind.when(config)
        and re.fullmatch(kind.place, step[: -len(kind.after) - 1])
    ]


@lru_cache(maxsize=4096)
def find(name: str) -> Found | None:
    """What a derived value's name stands for; None if it is no such name."""
    for leaf, pattern in _NAMES.items():
        if found := pattern.fullmatch(name):
            at, *asked = found.groups()
            return Found(DERIVED[leaf], at, tuple(map(int, asked)))
    return None
