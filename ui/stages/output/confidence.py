"""How sure the model was of each token of the text that it reads."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.text import percent
from ui.kit.likelihood import added_up, likelihood_table
from ui.kit.section import render_depth
from ui.session.view import View
from ui.text import bold

SURE = 0.99  # a text of which every token was likelier than that was no surprise


def confidence(view: View) -> None:
    """Each token's probability before it was read, and what they add up to."""
    rows = followed_rows(view)
    if not len(rows):
        st.info(
            "Nothing in this text was guessed: it has a single token, or is so long that only the"
            " guess after its last token is kept."
        )
        return
    last = (len(rows) - 1,)
    render_depth(view, text(view, rows), ("head.written", last), ("head.written.sum", last))
    if view.mask in ("encoder", "others"):
        st.caption("Under this mask a token may have been seen before it was guessed.")
    likelihood_table(
        view,
        view.names_of(view.config.sides[-1])[1 : len(rows) + 1],
        key="output_sure",
        title="Each token of the text, as the model expected it",
    )


def followed_rows(view: View) -> range:
    """The rows of the output after which another token stands in the text: all but the last, where
    all were kept.
    """
    whole = len(view.trace.rows) == len(view.tokens(view.config.sides[-1]))
    return range(len(view.trace.rows) - 1 if whole else 0)


def text(view: View, rows: range) -> str:
    """Which token was expected most and which least, and the sum; at most 45 words."""
    probs_R = np.exp(view.trace["head.written"][: len(rows)])
    names, most, least = (
        view.names_of(view.config.sides[-1]),
        int(probs_R.argmax()),
        int(probs_R.argmin()),
    )
    if probs_R[least] > SURE:
        ends = f"It was almost certain of each; least of {bold(names[least + 1])}"
        ends += f" ({percent(probs_R[least], 3)})."
    else:
        ends = (
            f"It expected {bold(names[most + 1])} most ({percent(probs_R[most])})"
            f" and {bold(names[least + 1])} least ({percent(probs_R[least])})."
        )
    summed = added_up(view.trace["head.written.sum"][: len(rows)], "By logarithm,")
    told = f"{ends} {summed}" if len(rows) > 1 else summed
    return f"Before each token the model gave it a probability. {told}"
