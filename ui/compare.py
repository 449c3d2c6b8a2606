"""One sentence under two masks: the same model run twice, drawn side by side, and what differs."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from core.analysis.vectors import cosines
from ui import state
from ui.maps import clickable_bars, clickable_map
from ui.numbers import open_number
from ui.outcome import likeliest
from ui.slices import ALL, cell_map
from ui.state import Asked, View, is_word, look_at
from ui.theme import plain


def under(view: View, mask: str) -> View:
    """The same view under another mask; the one that the model was trained with goes by that name."""
    return beside(view, view.asked._replace(mask="trained" if (mask,) == view.config.sides else mask))


def beside(view: View, asked: Asked) -> View:
    """Another run, looked at in the same place."""
    return replace(view, asked=asked, trace=state.trace_of(asked))


def open_under(view: View, head: int, row: int, column: int) -> None:
    """Opens a weight; mask and what-if go along, because the number belongs to that run of the model."""
    look_at(view.asked)
    open_number(view.at("attn.pattern"), (head, row, column))


def pattern_under(view: View, title: str, limit: float) -> None:
    """The chosen head's weights under the view's mask; a click opens the number of that run."""
    trained = " (as trained)" if view.mask == "trained" else ""
    cell_map(view, view.at("attn.pattern"), view.head, ALL, ALL, title=title + trained, chosen=view.token, limit=limit,
             key=view.mask, on_cell=lambda row, column: open_under(view, view.head, row, column))


def largest_weight(*views: View) -> float:
    """The end of the scale that the maps of several runs share."""
    return max(float(view.trace[view.at("attn.pattern")][view.head].max()) for view in views)


def difference(encoder: View, decoder: View) -> None:
    """The decoder's weights minus the encoder's."""
    before_LM, after_LM = (view.trace[view.at("attn.pattern")][view.head] for view in (encoder, decoder))
    hidden = np.triu(before_LM, 1).sum(axis=1)
    row = int(hidden.argmax())
    st.markdown(f"Under the decoder’s mask **“{plain(encoder.labels[row])}”** ({row}) loses the most: {hidden[row]:.0%} of its attention "
                "lay on tokens that come later. Blue: the weight grew. Red: it shrank. A click opens the decoder’s weight.")
    clickable_map("difference", after_LM - before_LM, encoder.labels, encoder.labels, title="Decoder − encoder",
                  rows_title="token that looks", columns_title="token that is looked at", chosen=encoder.token,
                  on_cell=lambda row, column: open_under(decoder, decoder.head, row, column))


def changed_tokens(encoder: View, decoder: View) -> None:
    """How alike each token's last vector is under the two masks."""
    cosine_L = cosines(*(view.trace[f"{view.side}.out"] for view in (encoder, decoder)))
    labels = encoder.labels
    words = [i for i, token in enumerate(labels) if is_word(token)] or range(len(labels))
    least = min(words, key=lambda i: cosine_L[i])
    st.markdown("After all layers, the cosine between each token’s vector under the one mask and under the other (1: the same "
                f"direction). **“{plain(labels[least])}”** ({least}) changes most. The last token sees everything under both masks, and "
                "is not the same either: the tokens it looks at have changed.")
    clickable_bars("changed", cosine_L, labels, kind="residual", value_title="cosine", limit=1)


def changed_words(encoder: View, decoder: View) -> None:
    """The likeliest next tokens after the last one, under both masks."""
    st.markdown("What the model expects after the last token. It learned to guess with the future hidden; shown the whole "
                "sentence, its earlier tokens hold vectors that it never met in training.")
    highest = max(float(view.trace["head.probs"][-1].max()) for view in (encoder, decoder))
    for column, view, title in zip(st.columns(2, gap="large"), (encoder, decoder), ("Encoder", "Decoder")):
        with column:
            likeliest(view, -1, key=f"words:{title}", title=f"{title}’s mask", limit=highest)
