"""Tokens in running text, and what the special ones mean."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import whatif
from core.models.cut_characters import cut_characters
from ui.session.view import View
from ui.text import bold, label, plain, quoted


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


def texts_of(view: View, side: str) -> list[str]:
    """For each token of a side, of two texts in one input, whether it was typed in A or in B; empty
    for one that was added, for padding, and where there are not two.
    """
    encoding, count = view.encoding, len(view.tokens(side))
    if side != view.config.sides[0] or not encoding or encoding.second is None:
        return [""] * count
    if len(encoding.ids_L) > count or "repeat" in whatif.kinds(view.request.change):
        return [""] * count
    letters = [
        ("B" if encoding.in_second(i) else "A") if span else ""
        for i, span in enumerate(encoding.spans)
    ]
    return letters + [""] * (count - len(letters))


def cut_words(view: View, side: str) -> dict[int, str]:
    """For the positions of pieces that hold a part of a character, what they hold: “byte 2 of 3 of
    漢”.
    """
    tokenizer: Any = view.model.tokenizer
    if side != view.config.sides[0]:
        tokenizer = getattr(view.model, "target_tokenizer", None) or tokenizer
    if tokenizer is None:
        return {}
    found = cut_characters(tokenizer, view.trace[f"{side}.embed.ids"].tolist())
    return {
        place: ", ".join(part.words(label(part.character)) for part in parts)
        for place, parts in found.items()
    }


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
    pair = {"[SEP]": "ends each of the two", "</s>": "ends each of the two"}
    meanings = SPECIAL_TOKENS | (pair if view.request.second else {})
    known = [
        f"**{plain(token)}** {meaning}" for token, meaning in meanings.items() if token in shown
    ]
    if known:
        st.caption(" · ".join(known))


def token_row(view: View, side: str) -> dict:
    """The tokens of a side, with their ids and the words that they are pieces of."""
    words = view.words if side == view.config.sides[0] else []
    ids, texts = view.trace[f"{side}.embed.ids"], view.tokens(side)
    title = f"What the {side} reads" if view.config.crosses else "Tokens"
    of, cut = texts_of(view, side), cut_words(view, side)
    columns = zip(texts, ids, words or [None] * len(ids), of, strict=False)
    return {
        "side": side,
        "title": title,
        "chosen": view.token if side == view.side else None,
        "tokens": [
            {
                "text": text,
                "id": int(i),
                "word": word,
                "of": letter,
                "added": bool(words) and word is None,
                "cut": cut.get(position, ""),
            }
            for position, (text, i, word, letter) in enumerate(columns)
        ],
    }
