"""What the pages are laid out with: the question that a figure answers, which the reader may guess
first, and closed cards with further questions.

    quiz_among(view, words, …)   what may be guessed, also as quiz_of_words
    heading(question, quiz)      one line over the figure
    card(question, name, draw)   draw() once the reader opens it
    table_card(…)                the same, and open at the depth Numbers
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from ui.kit.terms import with_terms
from ui.session.memory import guess_at, memory
from ui.session.selection import chosen, depth, select
from ui.session.view import View
from ui.text import bold, plain, short

LONGEST_OPTION = 18  # letters
OPTIONS = 4


@dataclass(frozen=True)
class Quiz:
    """What may be guessed before the figure is shown."""

    view: View
    options: tuple[str, ...]  # two to five
    right: int  # which of them


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


def heading(question: str, quiz: Quiz | None = None, *, terms: bool = True) -> None:
    """The question that the figure below answers, in Markdown, on one line. While the reader may
    still guess, the figure is veiled; a stage asks once for each sentence and model. terms: whether
    its words explain themselves; not where controls beside it name them, and the text below does.
    """
    with st.container(key="stage-heading"):
        st.title(with_terms(question) if terms else question, anchor=False)
        if quiz and is_open(quiz):
            offer(quiz)
        elif quiz:
            st.markdown(verdict(quiz))
    if quiz and is_open(quiz):
        with st.container(key="veil"):
            st.html("<i hidden></i>")  # an empty container is not drawn, and veils nothing


def is_open(quiz: Quiz) -> bool:
    """Whether the reader is still to guess."""
    return bool(chosen("ask")) and 2 <= len(quiz.options) and asked(quiz) not in memory().quizzes


def asked(quiz: Quiz) -> tuple:
    """What a guess is remembered by."""
    return guess_at(memory().page, quiz.view.request.model, quiz.view.sentence)


def offer(quiz: Quiz) -> None:
    """The options, and two ways out."""
    with st.container(key="quiz", horizontal=True, gap="xsmall", vertical_alignment="center"):
        for at, option in enumerate(quiz.options):
            st.button(
                plain(short(option, LONGEST_OPTION)),
                key=f"quiz_{at}",
                on_click=_settle,
                args=(quiz, at),
            )
        show = {"type": "tertiary", "on_click": _settle, "args": (quiz, None)}
        st.button("Show me", key="quiz_show", **show)
        st.button("Don’t ask", key="quiz_off", type="tertiary", on_click=_stop_asking)


def _settle(quiz: Quiz, at: int | None) -> None:
    """Takes a guess, or its refusal (None)."""
    memory().quizzes[asked(quiz)] = at is not None and (at, quiz.right, quiz.options)


def _stop_asking() -> None:
    """Asks no more."""
    select(ask=False)


def verdict(quiz: Quiz) -> str:
    """What was guessed here and what is so, and the score; empty where nothing was guessed of what
    is shown now.
    """
    made = [each for each in memory().quizzes.values() if each]
    given = memory().quizzes.get(asked(quiz))
    if not given or given[1:] != (quiz.right, quiz.options):
        return ""
    score = f"{sum(at == right for at, right, _ in made)} of {len(made)} right so far."
    if given[0] == quiz.right:
        return f"You guessed it: {bold(quiz.options[quiz.right])}. {score}"
    right = bold(quiz.options[quiz.right])
    return f"You guessed {bold(quiz.options[given[0]])}. It is {right}. {score}"


# --- further questions ----------------------------------------------------------------------------


def card(question: str, name: str, draw: Callable[[], object]) -> None:
    """A closed card with a question; draw() answers it once the card is open. name: letters, digits
    and hyphens, unique among all pages; it stands in the address while the card is open.
    """
    key = f"card_{name}"
    st.session_state[key] = name in opened_cards()
    answer = st.expander(question, key=key, on_change=_turn, args=(name, key))
    if answer.open:
        with answer:
            draw()


def table_card(question: str, name: str, draw: Callable[[], object]) -> None:
    """A card with tables: at the depth Numbers they lie open on the page."""
    if depth() == "numbers":
        draw()
    else:
        card(question, name, draw)


def opened_cards() -> list[str]:
    """The names of the cards that are open."""
    return list(filter(None, chosen("cards").split(".")))


def _turn(name: str, key: str) -> None:
    """Opens or closes a card, as the reader just did."""
    others = [other for other in opened_cards() if other != name]
    select(cards=".".join([*others, name] if st.session_state[key] else others))
