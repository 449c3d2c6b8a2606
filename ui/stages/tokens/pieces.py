"""The sentence as it was typed, the pieces it is cut into, and their numbers, one below the other;
a click chooses a piece.
"""

from __future__ import annotations

import streamlit as st

from ui.kit.component_loader import component
from ui.kit.token_strip import select_clicked
from ui.kit.unknown_words import marks
from ui.session.view import View
from ui.text import label, plain

_draw = component(
    "pieces", root='<div class="root pieces" role="group" aria-label="Words, pieces and ids"></div>'
)


def pieces_strip(view: View) -> None:
    """The three rows of each side; what was typed is known of the sentence alone."""
    for side in view.config.sides:
        if view.config.crosses:
            st.caption(
                {"encoder": "What the encoder reads", "decoder": "What the decoder reads"}[side]
            )
        ids, texts, typed = (
            view.trace[f"{side}.embed.ids"],
            view.tokens(side),
            typed_for(view, side),
        )
        said = marks(view, side)
        words = view.words if side == view.config.sides[0] and view.words else [None] * len(ids)
        _draw(
            key=f"pieces-{side}",
            on_chosen_change=lambda side=side, n=len(ids): select_clicked(
                f"pieces-{side}", side, n
            ),
            data={
                "chosen": view.token if side == view.side else None,
                "typed": typed is not None,
                "tokens": [
                    {
                        "text": text,
                        "id": int(i),
                        "word": word,
                        "typed": letters,
                        "mark": said.get(at, ""),
                    }
                    for at, (text, i, word, letters) in enumerate(
                        zip(texts, ids, words, typed or [""] * len(ids))
                    )
                ],
            },
        )
        if said:
            st.caption("Dashed: " + "; ".join(dict.fromkeys(said.values())) + ".")


def typed_for(view: View, side: str) -> list[str] | None:
    """The characters that each piece was cut from; a letter of several pieces stands above the
    first. None: not known, for a model without a tokenizer, or in a run that reads something else
    than what was typed.
    """
    encoding = view.encoding if side == view.config.sides[0] else None
    if encoding is None or list(encoding.ids_L) != list(view.trace[f"{side}.embed.ids"]):
        return None
    found, behind = [], 0
    for span in encoding.spans:
        found.append(
            label(encoding.text[max(span[0], behind) : span[1]])
            if span and span[1] > behind
            else ""
        )
        behind = max(behind, span[1]) if span else behind
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
