"""Tokens in running text, and what the special ones mean."""

from __future__ import annotations

import streamlit as st

from ui.session.view import View
from ui.text import bold, plain, quoted


def word(view, position: int | None = None) -> str:
    """A token in bold, as it stands in running text."""
    return bold(view.labels[view.token if position is None else position])


def token_label(view, position: int | None = None) -> str:
    """A token as plain text; one that occurs several times with its position: the (4)."""
    return view.names[view.token if position is None else position]


def titled_word(view, position: int | None = None) -> str:
    """A token in the title of a figure, in quotes; one of several equal ones with its position."""
    position = view.token if position is None else position
    return quoted(view.labels[position]) + place_of(view.labels, position)


def bold_apart(labels: list[str], position: int) -> str:
    """A token in bold, and its position where the same one stands elsewhere, too: **the** (4)."""
    return bold(labels[position]) + place_of(labels, position)


def which_word(view, position: int | None = None) -> str:
    """A token of the side that is looked at, the same way."""
    return bold_apart(view.labels, view.token if position is None else position)


def place_of(labels: list[str], position: int) -> str:
    """The position of a token in brackets, where its like stands elsewhere, too."""
    return f" ({position})" if labels.count(labels[position]) > 1 else ""


def id_of_word(view, word: str) -> int | None:
    """A word's id in a model's vocabulary, if it has it as one piece, with the space before it or
    without.
    """
    tokenizer = view.model.tokenizer
    if tokenizer and (piece := tokenizer.id_of(word)) is not None:
        return piece
    for text in (f" {word}", word) if tokenizer else ():
        ids = tokenizer.encode(text, special=False).ids_L
        if len(ids) == 1 and view.word(int(ids[0])).lstrip("␣") == word:
            return int(ids[0])
    return None


SPECIAL_TOKENS = {
    "[CLS]": "begins every text",
    "[SEP]": "ends it",
    "[START]": "begins a text",
    "[END]": "ends it",
    "[MASK]": "hides a word for the model to guess",
    "##": "continues the word before",
    "[UNK]": "a piece that is not in the vocabulary",
    "␣": "a space",
    "⏎": "a new line",
    "<s>": "begins a text",
    "<mask>": "hides a word for the model to guess",
    "</s>": "ends a text",
    "<unk>": "a piece that is not in the vocabulary",
    "<pad>": "begins what the decoder writes",
}


def special_tokens_note(view: View) -> None:
    """What the special tokens in the text mean, if there are any."""
    shown = "\n".join(token for side in view.config.sides for token in view.tokens(side))
    known = [
        f"**{plain(token)}** {meaning}"
        for token, meaning in SPECIAL_TOKENS.items()
        if token in shown
    ]
    if known:
        st.caption(" · ".join(known))
