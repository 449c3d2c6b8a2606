"""The sentence as a row of tokens, with their ids; a click chooses the token that every page
follows. And a token in a text.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui.kit.component_loader import component
from ui.session import sent
from ui.session.actions import select_token
from ui.session.view import View
from ui.text import bold, plain

_draw = component("tokens", 'class="root tokens" role="group" aria-label="Tokens"')


def token_strip(view: View) -> None:
    """The tokens of each side that reads text; those of the side that is looked at can be
    chosen.
    """
    for side in view.config.sides:
        if view.config.crosses:
            st.caption(
                {"encoder": "What the encoder reads", "decoder": "What the decoder reads"}[side]
            )
        words = view.words if side == view.config.sides[0] else []
        ids, texts = view.trace[f"{side}.embed.ids"], view.tokens(side)
        _draw(
            key=f"tokens-{side}",
            on_chosen_change=partial(select_clicked, f"tokens-{side}", side, len(ids)),
            data={
                "chosen": view.token if side == view.side else None,
                "tokens": [
                    {"text": text, "id": int(i), "word": word}
                    for text, i, word in zip(texts, ids, words or [None] * len(ids), strict=False)
                ],
            },
        )


def word(view, position: int | None = None) -> str:
    """A token in bold, as it stands in running text."""
    return bold(view.labels[view.token if position is None else position])


def seen_word(view, position: int) -> str:
    """A token that is looked at in bold; across, it is one of the other text."""
    return bold(view.seen[position])


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


def select_clicked(key: str, side: str, size: int) -> None:
    """The token that was clicked becomes the chosen one."""
    chosen = sent.from_component(key, "chosen")
    if sent.whole(chosen, size):
        select_token(chosen, side=side)
