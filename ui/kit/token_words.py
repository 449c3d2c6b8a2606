"""Tokens in running text, and what the special ones mean."""

from __future__ import annotations

import streamlit as st

from ui.session.view import View
from ui.text import bold, plain


def word(view, position: int | None = None) -> str:
    """A token in bold, as it stands in running text."""
    return bold(view.labels[view.token if position is None else position])


def seen_word(view, position: int) -> str:
    """A token that is looked at in bold; across, it is one of the other text."""
    return bold(view.seen[position])


def told_apart(labels: list[str], position: int) -> str:
    """A token in bold, and its position where the same token stands more than once: **the** (4)."""
    return bold(labels[position]) + place_of(labels, position)


def all_apart(labels: list[str]) -> list[str]:
    """The labels of a picture, equal ones with their positions: the (1), book, that, the (4)."""
    return [label + place_of(labels, i) for i, label in enumerate(labels)]


def place_of(labels: list[str], position: int) -> str:
    """The position of a token in brackets, where its like stands elsewhere, too."""
    return f" ({position})" if labels.count(labels[position]) > 1 else ""


SPECIAL_TOKENS = {
    "[CLS]": "begins every text that this model reads",
    "[SEP]": "ends it",
    "[START]": "begins a text",
    "[END]": "ends it",
    "[MASK]": "hides a word that the model is to guess",
    "##": "goes on with the word before",
    "[UNK]": "a piece that the vocabulary does not have",
    "␣": "a space",
    "⏎": "a new line",
    "</s>": "ends a text",
    "<unk>": "a piece that the vocabulary does not have",
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
