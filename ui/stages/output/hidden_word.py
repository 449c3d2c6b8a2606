"""What an encoder that was trained on hidden words takes a token for: while it sees the word, and
with [MASK] in its place.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.decoding import next_tokens
from core.errors import GlassError
from core.text import percent
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.guesses import Guesses, guesses
from ui.kit.quiz import Quiz, quiz_of_words
from ui.kit.section import detailed, render_depth
from ui.kit.stage import heading
from ui.kit.vocabulary_table import words_table
from ui.session.actions import start_new_text
from ui.session.memory import memory
from ui.session.runs import trace_of
from ui.session.selection import select
from ui.session.view import View
from ui.stages.output.next_token import (
    BARS,
    COUNT,
    asked_word,
    guessed_name,
    guessed_position,
    vector_strips,
    why_button,
)
from ui.text import HIDING, bold, quoted

BOTH = ("it sees the word", "hidden")


def hidden_word(view: View) -> tuple[str, tuple[int, ...]]:
    """The likeliest words in place of the chosen token. Returns the cell that is explained
    first.
    """
    position, row = guessed_position(view)
    ids = [int(i) for i in next_tokens(view.trace, BARS, row)[0]]
    hidden = hidden_run(view, position)
    if is_hidden(view, position):
        quiz = quiz_of_words(view, [view.word(i) for i in ids[:4]])
        heading(f"Which word is hidden at position {position}?", quiz)
    else:
        quiz = quiz_of_hidden(view, hidden)
        heading(f"Which word could stand in place of {asked_word(view, position)}?", quiz)
    words = figure_words(view, ids, row, hidden)
    guess_figure(view, words, row, hidden)
    with st.container(horizontal=True):
        hide_buttons(view, position, hidden)
        why_button(view, row, ids[0])
    render_depth(
        view,
        guess_text(view, position, row, hidden),
        ("head.logits", (row, ids[0])),
        ("head.probs", (row, ids[0])),
    )
    if detailed():
        all_guesses(view, position, row)
    return "head.probs", (row, ids[0])


def quiz_of_hidden(view: View, hidden: tuple[View, int] | None) -> Quiz | None:
    """The words that the model puts first once it can't see the word."""
    if hidden is None:
        return None
    run, row = hidden
    quiz = quiz_of_words(view, [run.word(i) for i in next_tokens(run.trace, 4, row)[0]])
    return quiz and quiz.asks("Which comes first once it is hidden?")


def is_hidden(view: View, position: int) -> bool:
    """Whether [MASK] stands there."""
    return view.tokens(view.config.sides[-1])[position] in HIDING


def hidden_run(view: View, position: int) -> tuple[View, int] | None:
    """The run with [MASK] in place of the word, and the row of its guess; None where there is no
    such run: the token is special, hidden already, or the model has no [MASK].
    """
    found = with_mask(view, position)
    if found is None:
        return None
    sentence, place = found
    request = view.request._replace(sentence=sentence)
    try:
        trace = trace_of(request)
    except GlassError:
        return None
    ids, rows = trace[f"{view.config.sides[0]}.embed.ids"], np.flatnonzero(trace.rows == place)
    if place >= len(ids) or view.word(int(ids[place])) != view.hiding or not len(rows):
        return None
    return View(request, view.side, view.layer, view.head, place), int(rows[0])


def with_mask(view: View, position: int) -> tuple[str, int] | None:
    """The sentence with [MASK] in place of the word that a token belongs to, and where it stands
    there.
    """
    encoding, words = view.encoding, view.words
    if not view.hiding or encoding is None or position >= len(words) or words[position] is None:
        return None
    pieces = [i for i, word in enumerate(words) if word == words[position]]
    spans = [encoding.spans[i] for i in pieces]
    if is_hidden(view, position) or not all(spans):
        return None
    start = spans[0][0] + view.sentence[spans[0][0] : spans[-1][1]].startswith(" ")
    text = view.sentence[:start] + view.hiding + view.sentence[spans[-1][1] :]
    return text, pieces[0]


def figure_words(view: View, ids: list[int], row: int, hidden) -> list[int]:
    """The words in the figure: the likeliest while it sees the word, and while it does not."""
    if hidden is None:
        return ids
    other, other_row = hidden
    more = [int(i) for i in next_tokens(other.trace, BARS, other_row)[0]]
    found = list(dict.fromkeys([*ids[: BARS // 2], *more[: BARS // 2], *ids, *more]))[:BARS]
    best_V = np.maximum(view.trace["head.probs"][row], other.trace["head.probs"][other_row])
    return sorted(found, key=lambda i: -best_V[i])


def guess_figure(view: View, ids: list[int], row: int, hidden) -> None:
    """The words as bars, one for each run."""
    runs = [(view, row), *([hidden] if hidden else [])]
    values_WB = np.stack([run.trace["head.probs"][at][ids] for run, at in runs], axis=-1)
    cell = opened_in("head.probs")
    opened = (0, 0, ids.index(cell[1]), 0) if cell and cell[0] == row and cell[1] in ids else None

    def open_guess(place: int, model: int, w: int, bar: int) -> None:
        run, at = runs[bar]
        if bar:
            hide(view, run)
        open_number("head.probs", (at, ids[w]))

    guesses(
        Guesses(
            words=[[[view.word(i) for i in ids]]],
            values_PGWB=values_WB[None, None],
            titles=[f"The likeliest of {view.config.n_vocab:,} words"],
            bars=BOTH[: len(runs)]
            if not is_hidden(view, guessed_position(view)[0])
            else ("hidden",),
            about=f"The likeliest words for {quoted(guessed_name(view))}",
            opened=opened,
        ),
        key="output:hidden",
        on_cell=open_guess,
    )


def guess_text(view: View, position: int, row: int, hidden) -> str:
    """What comes first, and why; at most 45 words."""
    best = int(view.trace["head.probs"][row].argmax())
    first, share = bold(view.word(best)), percent(view.trace["head.probs"][row, best], 0)
    own = int(view.trace[f"{view.config.sides[0]}.embed.ids"][position])
    if is_hidden(view, position):
        return (
            f"{bold(view.hiding)} hides the word. The model guesses {first} ({share}) from the"
            " words on both sides. It was trained on such gaps."
        )
    if hidden is None:
        return f"Here the model puts {first} first ({share})."
    run, at = hidden
    guess = int(run.trace["head.probs"][at].argmax())
    then = percent(run.trace["head.probs"][at, guess], 0)
    seen = (
        f"It can still see the word, so it guesses it ({share})."
        if best == own
        else f"It can still see the word, and puts {first} first ({share})."
    )
    return f"{seen} With the word hidden, {bold(run.word(guess))} comes first ({then})."


def hide_buttons(view: View, position: int, hidden) -> None:
    """Hides the word, or shows it again."""
    past = memory().hidden_word
    if hidden:
        st.button(
            "Hide it", key="output_hide", type="primary", on_click=hide, args=(view, hidden[0])
        )
    elif past and past[0] == view.sentence and is_hidden(view, position):
        st.button("Show it again", key="output_show", on_click=show_again)


def hide(view: View, run: View) -> None:
    """Makes the sentence with the hidden word the one that all pages show."""
    memory().hidden_word = (run.sentence, view.sentence, view.token)
    change_text(run.sentence, run.token)


def show_again() -> None:
    """Takes [MASK] away again."""
    _, before, token = memory().hidden_word
    change_text(before, token)
    memory().hidden_word = None


def change_text(sentence: str, token: int) -> None:
    """Another sentence, looked at in the same place."""
    select(sentence=sentence)
    start_new_text()
    select(token=token)


def all_guesses(view: View, position: int, row: int) -> None:
    """The vectors and all numbers of the likeliest words."""
    vector_strips(view, position, row)
    words_table(
        view,
        next_tokens(view.trace, COUNT, row)[0],
        {"logit": ("head.logits", (row,)), "probability": ("head.probs", (row,))},
        bar="probability",
        key="output_masked",
        title=f"The likeliest words in place of token {position}",
    )
