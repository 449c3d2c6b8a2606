"""Arithmetic with words: rows of the embedding table added and subtracted, and the words nearest to
the result.
"""

from __future__ import annotations

import streamlit as st

from core.errors import GlassError
from core.models.tokenizer import ids_typed
from core.steps.embedding import nearest
from core.text import number
from ui.kit.section import render_depth
from ui.session.actions import close_number
from ui.session.settling import settle
from ui.session.view import View
from ui.stages.tokens.embedding import NEAREST, word_list
from ui.text import bold, plain

SUMS = (
    ("king", "man", "woman"),
    ("Paris", "France", "Italy"),
    ("better", "good", "bad"),
    ("two", "one", "three"),
)


def word_arithmetic(view: View) -> None:
    """a − b + c over the rows of the table, and the words nearest to it."""
    render_depth(
        view,
        "Rows can be added: take one word’s row, subtract a second, add a third, and see which rows"
        " are nearest to the result (Mikolov et al. 2013). If “man” → “king” is the same step as"
        " “woman” → “queen”, then king − man + woman lands near “queen”. Often it does not.",
    )
    boxes = zip(st.columns(3), "abc", ("a", "− b", "+ c"), default_sum(view), strict=True)
    asked = [ask_word(view, *box) for box in boxes]
    found = [i for i in asked if i is not None]
    if len(found) < len(asked):
        return
    step = f"{view.side}.embed.arithmetic.{'.'.join(map(str, found))}"
    ids = nearest(view.trace[step], NEAREST, found)
    a, b, c = (view.word(i) for i in found)
    render_depth(view, "", (step, (int(ids[0]),)))
    st.markdown(nearest_text(view, step, ids[0], found))
    word_list(view, step, ids, key="arithmetic", title=f"Nearest to {a} − {b} + {c}")


def nearest_text(view: View, step: str, best: int, asked: list[int]) -> str:
    """The word nearest to the result, and where the three words themselves would stand."""
    cosine_V = view.trace[step]
    return (
        f"Nearest: {bold(view.word(best))}, with a cosine of {number(cosine_V[best], 3)}. As is"
        " usual, the list leaves the three words themselves out; they score "
        + ", ".join(
            f"{number(cosine_V[i], 3)} ({bold(view.word(i))})" for i in dict.fromkeys(asked)
        )
        + "."
    )


def default_sum(view: View) -> tuple[str, ...]:
    """Three words to begin with, each a piece of its own in this vocabulary; without a tokenizer
    the sentence's first ids.
    """
    if view.model.tokenizer:
        return next(
            (
                words
                for words in SUMS
                if all(len(pieces_in_text(view, word)) == 1 for word in words)
            ),
            SUMS[0],
        )
    ids_L = view.trace[f"{view.side}.embed.ids"]
    return tuple(str(ids_L[i % len(ids_L)]) for i in range(3))


def pieces_in_text(view: View, text: str) -> list[int]:
    """A word as it stands in running text, in pieces: with a space before it, and where that falls
    apart without one.
    """
    encode = view.model.tokenizer.encode
    spaced, unspaced = (
        encode(written, special=False).ids_L.tolist() for written in (f" {text}", text)
    )
    return unspaced if len(unspaced) == 1 and len(spaced) != 1 else spaced


def ask_word(view: View, column, letter: str, title: str, default: str) -> int | None:
    """A box for one word. Returns its id; None, and a message, where it is no single piece."""
    words = bool(view.model.tokenizer)
    settle(key := f"tokens_{letter}" if words else f"tokens_{letter}_id", default)
    typed = column.text_input(
        title, max_chars=60, key=key, persist_state="session", on_change=close_number
    ).strip()
    try:
        return single_piece(view, typed) if words else typed_id(view, typed)
    except GlassError as error:
        column.warning(plain(error))
        return None


def single_piece(view: View, typed: str) -> int:
    """The id of a word. Raises GlassError where it has none of its own."""
    if not typed:
        raise GlassError("Type a word.")
    ids = pieces_in_text(view, typed)
    parts = " + ".join(f"“{view.word(i)}”" for i in ids[:8]) + (" …" if len(ids) > 8 else "")
    if len(ids) != 1:
        raise GlassError(
            f"This model splits “{typed}” into {parts}, so it has no row of its own. Try another"
            " word."
            if ids
            else f"This model reads nothing in “{typed}”."
        )
    if view.model.tokenizer.piece(ids[0]) in ("[UNK]", "<unk>"):
        raise GlassError(f"“{typed}” is not in this model’s vocabulary.")
    return ids[0]


def typed_id(view: View, typed: str) -> int:
    """A row number. Raises GlassError where the table has none of that number."""
    ids = ids_typed(typed, view.model.no_tokenizer)
    if len(ids) != 1 or ids[0] >= view.config.n_vocab:
        raise GlassError(f"Type the number of one piece, 0 to {view.config.n_vocab - 1}.")
    return ids[0]
