"""The answers that a model marks in a text it was asked about, the best first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import GlassError
from .steps.task import answers_questions

LONGEST = 15  # tokens of an answer, as in the pipeline of `transformers`


@dataclass(frozen=True)
class Answer:
    """Some tokens in a row as an answer: the first and the last of them, the sum of their scores
    and the product of their probabilities.
    """

    start: int
    end: int
    score: float
    probability: float


def best_answers(trace, count: int = 5) -> list[Answer]:
    """The answers with the highest scores, the best first. Only what may be an answer is one: of
    two texts the second, no special tokens at its ends, at most LONGEST tokens. Raises GlassError
    for a model that answers no questions.
    """
    if not answers_questions(trace.config):
        raise GlassError("This model was not trained to mark an answer in a text.")
    allowed_L = may_answer(trace)
    scores_LM = trace["task.answers"].copy()
    scores_LM[~allowed_L] = -np.inf
    scores_LM[:, ~allowed_L] = -np.inf
    scores_LM[np.triu(np.ones_like(scores_LM, dtype=bool), k=LONGEST)] = -np.inf
    best = np.argsort(-scores_LM, axis=None, kind="stable")[:count]
    places = zip(*np.unravel_index(best, scores_LM.shape), strict=True)
    return [answer_at(trace, int(l), int(m)) for l, m in places if np.isfinite(scores_LM[l, m])]


def answer_at(trace, start: int, end: int) -> Answer:
    """The answer from one token to another."""
    score, chance = (float(trace[f"task.{leaf}"][start, end]) for leaf in _LEAVES)
    return Answer(start, end, score, chance)


def may_answer(trace) -> np.ndarray:
    """Which tokens may begin or end an answer, (L,)."""
    side = trace.config.sides[-1]
    allowed_L = np.ones(trace.shape(f"{side}.out")[0], dtype=bool)
    if trace.words_L is not None:
        allowed_L = last_words(trace.words_L)
    if f"{side}.embed.segment.ids" in trace and trace[f"{side}.embed.segment.ids"].any():
        allowed_L &= trace[f"{side}.embed.segment.ids"] == 1
    return allowed_L


def last_words(words_L) -> np.ndarray:
    """Which tokens belong to a word, (L,); of two texts with a special token between them, those of
    the second alone.
    """
    word_L = np.array([word is not None for word in words_L])
    begins = np.flatnonzero(word_L & ~np.append(False, word_L[:-1]))
    return word_L & (np.arange(len(word_L)) >= (begins[-1] if len(begins) else 0))


_LEAVES = ("answers", "answers.probs")
