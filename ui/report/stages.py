"""What a report may show: its stages, each with its figures and the steps whose numbers it needs.

A figure says what draws it, a function of assets/report/figures.js, and of which steps. Of a step
with heads it draws the one that is looked at, unless all are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import GlassError


@dataclass(frozen=True)
class Figure:
    """A picture: what draws it, of which step of the layer that is looked at, and its title."""

    draws: str
    step: str = ""
    title: str = ""


@dataclass(frozen=True)
class Stage:
    """A part of a report. steps: the ends of the names of steps in a layer, or whole names, whose
    numbers it holds. pairs: two figures stand side by side, where there is room.
    """

    title: str
    about: str
    steps: str
    figures: tuple[Figure, ...]
    pairs: bool = False


NORMS = r"(out\.)?norm\.\w+"
STAGES = {
    "river": Stage(
        "The whole model",
        "From the tokens to what comes out. Choose a token or a layer, open a number.",
        "",
        (Figure("river"),),
    ),
    "heads": Stage(
        "All heads",
        "Where each head of the layer looks: a row for each token that looks.",
        r"(attn|cross)\.(pattern|mask)",
        (
            Figure("heads", "pattern"),
            Figure("lines", "pattern"),
            Figure("map", "pattern", "Attention weights"),
        ),
        pairs=True,
    ),
    "attention": Stage(
        "One head, from queries to its sum",
        "Query times key is a score; softmax turns a row of scores into weights; the values, so"
        " weighted, add up.",
        r"(attn|cross)\.(in|[qkv](\.\w+)*|scores(\.\w+)*|pattern\.(exp|total)|z)",
        (
            Figure("map", "q", "Queries"),
            Figure("map", "k", "Keys"),
            Figure("map", "scores.dot", "Query times key"),
            Figure("map", "scores", "Scores, masked"),
            Figure("map", "v", "Values"),
            Figure("map", "z", "Weighted sums of the values"),
        ),
        pairs=True,
    ),
    "add_and_norm": Stage(
        "Add and norm",
        "Attention’s update is added to each token’s vector, and a norm keeps its size.",
        rf"(attn|cross)\.(in|out|sum|{NORMS})|mlp\.(in|out|sum|{NORMS})",
        (
            Figure("map", "attn.in", "Before attention"),
            Figure("map", "attn.out", "The update by attention"),
            Figure("map", "attn.sum", "Their sum"),
            Figure("map", "attn.norm.out", "Out of the norm"),
        ),
    ),
    "feed_forward": Stage(
        "Feed-forward",
        "Each token alone: its neurons, and what they write into its vector.",
        rf"mlp\.(in|pre|hidden(\.\w+)*|out(\.unnormed)?|{NORMS})",
        (
            Figure("map", "mlp.hidden", "Neurons"),
            Figure("map", "mlp.out", "The update by the feed-forward network"),
        ),
    ),
    "layers": Stage(
        "Layers",
        "The chosen token’s vector as it enters the first layer, and after each.",
        r"out|embed\.\w+(\.\w+)*",
        (Figure("rows"),),
    ),
    "output": Stage(
        "What comes out", "The likeliest words at the chosen token.", "", (Figure("words"),)
    ),
    "weights": Stage("Learned numbers", "The weights, so that numbers open down to them.", "", ()),
}


def stages_named(text: str) -> tuple[str, ...]:
    """The stages whose names stand in a text, parted by commas, in the order of the report. Raises
    GlassError for a name that is none.
    """
    asked = [name.strip() for name in text.split(",") if name.strip()]
    for name in asked:
        if name not in STAGES:
            raise GlassError(f"There is no stage “{name[:40]}”. There are: {', '.join(STAGES)}.")
    if not asked:
        raise GlassError(f"A report has at least one stage: {', '.join(STAGES)}.")
    return tuple(name for name in STAGES if name in asked)


def belongs(stage: str, end: str) -> bool:
    """Whether a stage holds the numbers of a step of a layer, by the end of its name."""
    return bool(STAGES[stage].steps) and bool(re.fullmatch(STAGES[stage].steps, end))
