"""What a head that a model was fine-tuned with says of the text, the likeliest first: its labels,
those of a token, or answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.answers import best_answers
from ui.session.view import View


@dataclass(frozen=True)
class Outcome:
    """A label, or an answer, and where its probability stands in the trace."""

    words: str
    step: str
    cell: tuple[int, ...]
    share: float


def outcomes(view: View, count: int) -> list[Outcome]:
    """The likeliest of them: of a head that labels tokens, those of the token that is looked at.
    None for a head whose scores are no probabilities, or are no numbers.
    """
    task = view.config.task
    if task is None or task.gives == "number" or overflows(view):
        return []
    if task.gives == "span":
        return answers(view, count)
    place = (token_at(view),) if task.of_tokens else ()
    shares_C = view.trace["task.probs"][place]
    best = np.argsort(-shares_C, kind="stable")[:count]
    return [
        Outcome(task.labels[c], "task.probs", (*place, int(c)), float(shares_C[c])) for c in best
    ]


def answers(view: View, count: int) -> list[Outcome]:
    """The answers with the highest scores."""
    return [
        Outcome(
            answer_text(view, each.start, each.end),
            "task.answers.probs",
            (each.start, each.end),
            each.probability,
        )
        for each in best_answers(view.trace, count)
    ]


def answer_text(view: View, start: int, end: int) -> str:
    """The text from one token to another, as it was typed where that is what was read."""
    side, encoding = view.config.sides[-1], view.encoding
    if encoding is not None and list(encoding.ids_L) == list(view.trace[f"{side}.embed.ids"]):
        first, last = encoding.spans[start], encoding.spans[end]
        if first and last:
            return encoding.text_at(start)[first[0] : last[1]].strip()
    return " ".join(view.tokens(side)[start : end + 1])


def token_at(view: View) -> int:
    """The token whose labels are shown: the chosen one."""
    count = len(view.tokens(view.config.sides[-1]))
    return view.token if view.side == view.config.sides[-1] else count - 1


def read_at(view: View) -> int:
    """The token whose last vector the head reads: of an answer, where the best one starts."""
    reads, last = view.config.task.reads, len(view.tokens(view.config.sides[-1])) - 1
    if view.config.task.gives == "span":
        found = answers(view, 1)
        return found[0].cell[0] if found else 0
    return {"last": last, "each": token_at(view)}.get(reads, 0)


def overflows(view: View) -> bool:
    """Whether the scores of this run outgrew what can be written, as they may without norms."""
    return not np.isfinite(view.trace["task.logits"]).all()
