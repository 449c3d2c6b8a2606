"""The sentence as it was typed, the pieces it is cut into, and their numbers, one below the other;
a click chooses a piece.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui.kit.component_loader import component
from ui.kit.section import section
from ui.kit.token_words import select_clicked, special_tokens_note
from ui.kit.unknown_words import marks, unknown_text
from ui.session.view import View
from ui.text import label, plain

_draw = component("pieces", 'class="root pieces" role="group" aria-label="Words, pieces and ids"')


def pieces(view: View) -> None:
    """The sentence in words, pieces and numbers, and what the special tokens in it mean."""
    ids = f"{view.side}.embed.ids"
    section(view, "1. Words, pieces, numbers", pieces_text(view), (ids, (view.token,)))
    pieces_strip(view)
    special_tokens_note(view)


def pieces_text(view: View) -> str:
    """What the tokenizer did with this sentence."""
    side, V = view.config.sides[0], view.config.n_vocab
    count, cut = len(view.trace[f"{side}.embed.ids"]), cut_words(view)
    if not view.model.tokenizer:
        return (
            "This model’s tokenizer can’t be read here, so you type the numbers themselves:"
            f" {count} ids, each the number of a piece in a vocabulary of {V:,}."
        )
    several = (
        f" Into several pieces fall: {'; '.join(cut[:4])}{' …' if len(cut) > 4 else ''}."
        if cut
        else " Here every word is one piece; try a rare or a made-up one."
    )
    return (
        "The model reads no letters. A **tokenizer** cuts the text into pieces from a fixed"
        f" vocabulary of {V:,}, and each piece has a number. Your sentence becomes {count} of"
        f" them.{several}{unknown_text(view)} Above stands what was typed, below it the pieces,"
        " and under each its number. **Click a piece** to choose it."
    )


def pieces_strip(view: View) -> None:
    """The three rows of each side; what was typed is known of the sentence alone."""
    for side in view.config.sides:
        if view.config.crosses:
            st.caption(
                {"encoder": "What the encoder reads", "decoder": "What the decoder reads"}[side]
            )
        key, unknown = f"pieces-{side}", marks(view, side)
        count = len(view.trace[f"{side}.embed.ids"])
        _draw(
            key=key,
            on_chosen_change=partial(select_clicked, key, side, count),
            data={
                "chosen": view.token if side == view.side else None,
                "typed": typed_for(view, side) is not None,
                "tokens": drawn_pieces(view, side, unknown),
            },
        )
        if unknown:
            st.caption("Dashed: " + "; ".join(dict.fromkeys(unknown.values())) + ".")


def drawn_pieces(view: View, side: str, unknown: dict[int, str]) -> list[dict]:
    """What is drawn of each piece. unknown: what is said about a piece that is marked."""
    ids = view.trace[f"{side}.embed.ids"]
    words = view.words if side == view.config.sides[0] and view.words else [None] * len(ids)
    typed = typed_for(view, side) or [""] * len(ids)
    columns = zip(view.tokens(side), ids, words, typed, strict=True)
    return [
        {
            "text": text,
            "id": int(i),
            "word": word,
            "typed": letters,
            "mark": unknown.get(position, ""),
        }
        for position, (text, i, word, letters) in enumerate(columns)
    ]


def typed_for(view: View, side: str) -> list[str] | None:
    """The characters that each piece was cut from; a letter of several pieces stands above the
    first. None: not known, for a model without a tokenizer, or in a run that reads something else
    than what was typed.
    """
    encoding = view.encoding if side == view.config.sides[0] else None
    if encoding is None or list(encoding.ids_L) != list(view.trace[f"{side}.embed.ids"]):
        return None
    found, end = [], 0
    for span in encoding.spans:
        found.append(
            label(encoding.text[max(span[0], end) : span[1]]) if span and span[1] > end else ""
        )
        end = max(end, span[1]) if span else end
    return found


def cut_words(view: View) -> list[str]:
    """The words of the sentence that fall into several pieces, as text for Markdown."""
    words = view.words
    parts = {
        word: [
            view.tokens(view.config.sides[0])[i] for i, other in enumerate(words) if other == word
        ]
        for word in dict.fromkeys(words)
        if word is not None
    }
    return [
        " + ".join(f"**{plain(piece)}**" for piece in pieces)
        for pieces in parts.values()
        if len(pieces) > 1
    ]
