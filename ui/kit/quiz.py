"""A question that the reader may guess before a figure answers it, and what came of the guess.

    quiz_among(view, words, …)  one right word among others
    quiz_of_words(view, words)  words of which the first is right
    quiz_of_most(view, …)       which of several has the largest number
    quiz_of_count(view, …)      how many of so many
    is_open(quiz)               whether the reader is still to guess
    quiz_line(quiz)             what may be guessed; once that is done, what is right, and the score

A stage asks once for each sentence and model, and only whoever came to it or typed there: never a
reader who has just clicked a button on it. Everything stands in the trace: a quiz computes
nothing that its page does not show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.text import counted
from ui.kit.component_loader import component
from ui.session import sent
from ui.session.memory import guess_at, memory, texts_chosen
from ui.session.selection import chosen, select
from ui.session.view import View
from ui.text import short

KEY = "quiz"
LONGEST_OPTION, LONGEST_NAMED = 18, 24  # letters
OPTIONS = 4
NEAR = 0.05  # of the largest number: what is so near to it is not offered beside it
SHOW, STOP = "show", "stop"  # what may be clicked instead of an answer
_draw = component("quiz", 'class="root" role="group" aria-label="A guess"')


@dataclass(frozen=True)
class Quiz:
    """What may be guessed before the figure is shown."""

    view: View
    options: tuple[str, ...]  # two to five
    right: int  # which of them
    # What is asked, {} standing for the token that is named; empty where the title asks it
    question: str = ""
    named: str = ""
    title: str = ""  # the question over the figure

    def asks(self, question: str, named: str = "") -> Quiz:
        """The same with a question of its own."""
        return replace(self, question=question, named=named)


def quiz_among(view: View, words: list[str], right: int, places: list[int]) -> Quiz | None:
    """A quiz of the right word and up to three others, in the order of the words. places: the
    others that may be offered, the best first. None where there is no other.
    """
    others = [place for place in dict.fromkeys(places) if words[place] != words[right]]
    offered = sorted([right, *others[: OPTIONS - 1]])
    if len(offered) < 2:
        return None
    return Quiz(view, tuple(words[place] for place in offered), offered.index(right))


def quiz_of_words(view: View, words: list[str]) -> Quiz | None:
    """A quiz of words of which the first is right, in the order of the alphabet."""
    listed = sorted(dict.fromkeys(words[: OPTIONS + 2]), key=str.casefold)
    if not words:
        return None
    return quiz_among(view, listed, listed.index(words[0]), list(range(len(listed))))


def quiz_of_most(view: View, words: list[str], values_N, near: float | None = None) -> Quiz | None:
    """A quiz of the word with the largest number, among those with the next largest; −∞: a word
    that may not be offered. near: what is no more than this below the largest is left out, since a
    picture would not tell them apart; else a share of the largest. None where nothing is to be
    guessed, and where a number overflowed.
    """
    values_N = np.asarray(values_N, dtype=np.float64)
    order = [int(n) for n in np.argsort(-values_N, kind="stable") if not np.isneginf(values_N[n])]
    if not order or not np.isfinite(values_N[order]).all():
        return None
    most = float(values_N[order[0]])
    end = most - (NEAR * abs(most) if near is None else near)
    return quiz_among(view, words, order[0], [n for n in order if values_N[n] < end])


def quiz_of_count(view: View, count: int, of: int) -> Quiz | None:
    """A quiz of the quarter in which a count lies; None of fewer than four."""
    if of < 4:
        return None
    starts = [-(-quarter * of // 4) for quarter in range(4)]
    ends = [*(start - 1 for start in starts[1:]), of]
    options = tuple(f"{a:,} to {b:,}" for a, b in zip(starts, ends, strict=True))
    return Quiz(view, options, sum(count >= start for start in starts) - 1)


# --- asking ---------------------------------------------------------------------------------------


def is_open(quiz: Quiz | None) -> bool:
    """Whether the reader is still to guess."""
    return bool(
        quiz
        and chosen("ask")
        and 2 <= len(quiz.options)
        and asked(quiz) not in memory().quizzes
        and just_came()
    )


def just_came() -> bool:
    """Whether what stands in the bar is what the reader came with or typed: no button made it."""
    here = guess_at(memory().page, chosen("model"), texts_chosen())
    return memory().arrived in (None, here)


def asked(quiz: Quiz) -> tuple:
    """What a guess is remembered by."""
    return guess_at(memory().page, quiz.view.request.model, quiz.view.texts)


def quiz_line(quiz: Quiz) -> None:
    """The answers and two ways out; once one was guessed of what is shown now, which is right."""
    found = None if is_open(quiz) else verdict(quiz)
    if is_open(quiz) or found:
        before, _, after = quiz.question.partition("{}")
        asks = [before, short(quiz.named, LONGEST_NAMED), after] if quiz.question else []
        options = [short(option, LONGEST_OPTION) for option in quiz.options]
        data = {"asks": asks, "options": options, "verdict": found or {}}
        _draw(key=KEY, data=data, on_act_change=lambda: act(quiz))


def act(quiz: Quiz) -> None:
    """What was clicked: an answer, or one of the ways out."""
    clicked = sent.from_component(KEY, "act")
    if clicked == STOP:
        select(ask=False)
    elif clicked == SHOW:
        memory().quizzes[asked(quiz)] = False
    elif sent.whole(clicked, len(quiz.options)):
        memory().quizzes[asked(quiz)] = clicked, quiz


def verdict(quiz: Quiz) -> dict | None:
    """What was guessed here and what is so, and the score; None where nothing was guessed of what
    is shown now.
    """
    guessed = memory().quizzes.get(asked(quiz))
    if not guessed or not is_same(guessed[1], quiz):
        return None
    made = [each for each in memory().quizzes.values() if each]
    right = sum(at == each.right for at, each in made)
    return {
        "guess": guessed[0],
        "right": quiz.right,
        "answer": quiz.options[quiz.right],
        "score": score(right, len(made)),
    }


def score(right: int, made: int) -> str:
    """How many guesses were right; of more than the one that is seen, where they were made."""
    where = ", on all pages" if made > 1 else ""
    return f"{right} of {counted(made, 'guess', 'guesses')} right{where}."


def is_same(one: Quiz, other: Quiz) -> bool:
    """Whether two quizzes ask the same and have the same answer, wherever in the model."""
    return replace(one, view=other.view) == other
