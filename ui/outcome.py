"""What comes out of a model: the likeliest next tokens of a decoder, or how far an encoder moved every token."""
from __future__ import annotations

import numpy as np
import streamlit as st

from core.generate import next_tokens
from ui.frame import go
from ui.maps import clickable_bars, clickable_map
from ui.numbers import open_number, written
from ui.state import View, is_word
from ui.theme import plain

COUNT = 10          # next tokens shown


def next_words(view: View) -> None:
    """Bars of the likeliest next tokens after the chosen token; the probabilities are over the whole vocabulary."""
    tokens, rows = view.tokens("decoder"), view.trace.rows
    at = view.token if view.side == "decoder" and view.token in rows else int(rows[-1])
    row = int(np.flatnonzero(rows == at)[0])
    st.markdown(f"After **“{plain(tokens[at])}”** (token {at} of {len(tokens) - 1}) the model gives each of its "
                f"{view.config.n_vocab:,} words a probability."
                + (" Choose an earlier token above to see what it expected there." if at else ""))
    if view.mask in ("encoder", "others"):
        st.caption("Under this mask earlier tokens have seen the words that come after them: their guess is no guess.")
    if len(rows) < len(tokens):
        st.caption("In a text this long only the guess after the last token is kept.")
    likeliest(view, row, key="next_words")


def likeliest(view: View, row: int, *, key: str, title: str = "", limit: float | None = None) -> None:
    """The likeliest next tokens of one row of probabilities; a click leads to how that one was made."""
    ids, probs = next_tokens(view.trace, COUNT, row)
    row %= len(view.trace.rows)
    clickable_bars(key, probs, [view.word(i) for i in ids], kind="head", title=title, value_title="probability", limit=limit,
                   on_bar=lambda bar: go("Every number", cell=written("head.probs", (row, ids[bar])),
                                         step="head.probs", mask=view.mask))
    st.caption(f"These {len(ids)} together have {probs.sum():.0%} of all probability.")


def moved(view: View) -> None:
    """How far each layer moved each token's vector, and how much of its first direction is left."""
    side = view.config.sides[0]
    tokens, layers = view.tokens(side), range(view.config.layers(side))
    left_NL = np.stack([view.trace[f"{side}.{layer}.out.similarity"] for layer in layers])
    words = [i for i, token in enumerate(tokens) if is_word(token)] or list(range(len(tokens)))
    most = min(words, key=lambda i: left_NL[-1, i])
    st.markdown("A word brings the same vector into every sentence; only its position is added. Layer by layer it "
                f"takes up what the others say. Of the words, **“{plain(tokens[most])}”** ends furthest from where it began: the "
                f"cosine between its first and its last vector is {left_NL[-1, most]:.2f} (1: same direction, 0: nothing "
                "in common).")
    layer_map(view, side, "similarity", "Cosine with the vector it came in with", "after", limit=1)
    layer_map(view, side, "step", "Length of each step, as a share of the vector", "in", kind="weight")


def layer_map(view: View, side: str, leaf: str, title: str, rows_title: str, **options) -> None:
    """A derived value of every layer (rows) and token (columns)."""
    names = [f"{side}.{layer}.out.{leaf}" for layer in range(view.config.layers(side))]
    labels = [f"layer {layer}" for layer in range(len(names))]
    clickable_map(f"layers:{leaf}", np.stack([view.trace[name] for name in names]), labels,
                  view.tokens(side), title=title, rows_title=rows_title, columns_title="token",
                  on_cell=lambda layer, token: open_number(names[layer], (token,)), **options)
