"""What the pages are laid out with: the question that a figure answers, which the reader may guess
first, and closed cards with further questions.

    heading(question, guess)     one line over the figure
    card(question, name, draw)   draw() once the reader opens it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from ui.kit.terms import with_terms
from ui.session.memory import memory
from ui.session.selection import chosen, select
from ui.session.view import View
from ui.text import bold, plain, short

LONGEST_OPTION = 18  # letters


@dataclass(frozen=True)
class Guess:
    """What may be guessed before the figure is shown."""

    view: View
    options: tuple[str, ...]  # two to five
    right: int  # which of them


def heading(question: str, guess: Guess | None = None) -> None:
    """The question that the figure below answers, in Markdown, on one line. While the reader may
    still guess, the figure is veiled; a stage asks once for each sentence and model.
    """
    with st.container(key="stage-heading"):
        st.title(with_terms(question), anchor=False)
        if guess and is_open(guess):
            offer(guess)
        elif guess:
            st.markdown(verdict(guess))
    if guess and is_open(guess):
        st.container(key="veil")


def is_open(guess: Guess) -> bool:
    """Whether the reader is still to guess."""
    return bool(chosen("ask")) and 2 <= len(guess.options) and asked(guess) not in memory().guesses


def asked(guess: Guess) -> tuple:
    """What a guess is remembered by."""
    return memory().page, guess.view.request.model, guess.view.sentence


def offer(guess: Guess) -> None:
    """The options, and two ways out."""
    with st.container(key="guess", horizontal=True, gap="xsmall", vertical_alignment="center"):
        for at, option in enumerate(guess.options):
            st.button(
                plain(short(option, LONGEST_OPTION)),
                key=f"guess_{at}",
                on_click=_settle,
                args=(guess, at),
            )
        show = {"type": "tertiary", "on_click": _settle, "args": (guess, None)}
        st.button("Show me", key="guess_show", **show)
        st.button("Don’t ask", key="guess_off", type="tertiary", on_click=_stop_asking)


def _settle(guess: Guess, at: int | None) -> None:
    """Takes a guess, or its refusal (None)."""
    memory().guesses[asked(guess)] = at is not None and (at, guess.right, guess.options)


def _stop_asking() -> None:
    """Asks no more."""
    select(ask=False)


def verdict(guess: Guess) -> str:
    """What was guessed here and what is so, and the score; empty where nothing was guessed of what
    is shown now.
    """
    made = [each for each in memory().guesses.values() if each]
    given = memory().guesses.get(asked(guess))
    if not given or given[1:] != (guess.right, guess.options):
        return ""
    score = f"{sum(at == right for at, right, _ in made)} of {len(made)} right so far."
    if given[0] == guess.right:
        return f"You guessed it: {bold(guess.options[guess.right])}. {score}"
    right = bold(guess.options[guess.right])
    return f"You guessed {bold(guess.options[given[0]])}. It is {right}. {score}"


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


def opened_cards() -> list[str]:
    """The names of the cards that are open."""
    return list(filter(None, chosen("cards").split(".")))


def _turn(name: str, key: str) -> None:
    """Opens or closes a card, as the reader just did."""
    others = [other for other in opened_cards() if other != name]
    select(cards=".".join([*others, name] if st.session_state[key] else others))
