"""The chosen head under the encoder's and the decoder's mask, side by side."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.text import percent
from ui.kit.charts import clickable_map
from ui.kit.heatmap import HeatmapSpec
from ui.kit.runs import open_in
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, cell_map, largest
from ui.kit.theme import COLOURS
from ui.kit.token_words import word
from ui.session.view import View


def visibility(view: View, encoder: View, decoder: View) -> None:
    """The chosen head under both masks, side by side, and the difference."""
    before_LM, after_LM = (
        each.trace[each.at("attn.pattern")][each.head] for each in (encoder, decoder)
    )
    section(
        view,
        f"1. Who may look at whom: layer {view.layer}, head {view.head}",
        visibility_text(view, before_LM),
        (view.at("attn.scores"), (view.head, view.token, view.token)),
        largest(view, view.at("attn.pattern"), view.head, view.token, ALL),
    )
    limit = float(max(before_LM.max(), after_LM.max()))
    left, right = st.columns(2, gap="large")
    with left:
        pattern_under(encoder, "Encoder: sees everything", limit)
    with right:
        pattern_under(decoder, "Decoder: sees only the past", limit)
    if detailed():
        difference_map(encoder, decoder, after_LM - before_LM)


def visibility_text(view: View, before_LM) -> str:
    """What the decoder's mask hides. before_LM: the head's weights under the encoder's mask."""
    hidden_L = np.triu(before_LM, 1).sum(axis=1)
    row = int(hidden_L.argmax())
    lost = (
        f" In this head {word(view, row)} ({row}) loses the most by it: "
        f"{percent(hidden_L[row], 0)} of its attention lay on "
        "tokens that come later."
        if hidden_L[row] > 0.005
        else ""
    )
    return (
        "An **encoder** lets every token see the whole sentence: it reads. A **decoder** hides"
        " from every token what comes after it: it writes, and must not see the word it is to"
        " guess. It is one change: scores above the diagonal become −∞ before softmax, which makes"
        f" their weights 0 and shares the rest out anew.{lost} **Click a weight** to see how it was"
        " made; the mask at the left goes along to the run that it belongs to."
    )


def difference_map(encoder: View, decoder: View, difference_LM) -> None:
    """How far each weight of the head grew under the decoder's mask."""
    clickable_map(
        "difference",
        HeatmapSpec(
            difference_LM,
            encoder.labels,
            encoder.labels,
            colour=COLOURS["weight"],
            title=(
                "Decoder − encoder: blue, the weight grew; red, it shrank. A click opens the"
                " decoder’s weight"
            ),
            rows_title="token that looks",
            columns_title="token that is looked at",
            chosen=encoder.token,
        ),
        lambda row, column: open_in(
            decoder, decoder.at("attn.pattern"), (decoder.head, row, column)
        ),
    )


def pattern_under(
    view: View, title: str, limit: float | None = None, key: str = "", name: str = ""
) -> None:
    """The chosen head's weights in that run; a click opens the number there."""
    name = name or view.at("attn.pattern")
    cell_map(
        view,
        name,
        view.head,
        ALL,
        ALL,
        title=title + (" (as trained)" if view.mask == "trained" else ""),
        chosen=view.token,
        limit=limit,
        key=key or view.mask,
        on_cell=lambda row, column: open_in(view, name, (view.head, row, column)),
    )
