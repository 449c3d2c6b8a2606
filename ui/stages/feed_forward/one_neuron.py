"""What one neuron does: on which words of the sentence it fires, what it writes, and which words
that makes likelier.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.steps.feed_forward import reaches_words
from core.text import counted, number
from ui.kit.charts import clickable_map
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL, labels, largest
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, which_word
from ui.session.actions import close_number
from ui.session.view import View
from ui.stages.feed_forward.firing import own_sentence

WORDS = 8  # words that a neuron raises, and as many that it lowers


def one_neuron(view: View, neuron: int) -> None:
    """What the chosen neuron does to the chosen token and the others of this sentence."""
    path, t = view.at("mlp"), view.token
    writes, promotes = f"{path}.writes.{t}.{neuron}", f"{path}.promotes.{t}.{neuron}"
    to_words = view.side == "decoder" and reaches_words(view.config)
    cells = [largest(view, writes, ALL), *([largest(view, promotes, ALL)] if to_words else [])]
    render_depth(view, neuron_text(view, neuron), *cells)
    own_sentence(view, neuron)
    if to_words:
        promoted_words(view, promotes, neuron)
    else:
        st.caption(no_words_text(view))
    if detailed():
        written_map(view, writes, neuron)
    st.number_input(
        f"Another neuron (0 to {view.config.d_mlp - 1})",
        0,
        view.config.d_mlp - 1,
        key="ff_neuron",
        on_change=close_number,
        width=240,
    )


def neuron_text(view: View, neuron: int) -> str:
    """At which token of this sentence the neuron is strongest."""
    hidden_L = view.trace[view.at("mlp.hidden")][:, neuron]
    size_L = np.nan_to_num(np.abs(hidden_L.astype(np.float64)), nan=-1)
    most, own = int(size_L.argmax()), f"{which_word(view)}: {number(hidden_L[view.token], 3)}"
    if most == view.token:
        return f"In this sentence neuron {neuron} responds most to {own}."
    return (
        f"In this sentence neuron {neuron} responds most to {which_word(view, most)}:"
        f" {number(hidden_L[most], 3)}. At {own}."
    )


def no_words_text(view: View) -> str:
    """Why no words are shown for this model's neurons, and what to look at instead."""
    if view.side == "encoder":
        why = "An encoder’s vectors are not compared with a next word"
    else:
        why = "This model’s norms rescale what a neuron wrote before it meets the words"
    return f"{why}, so see below where the neuron fires and what changes without it."


def written_map(view: View, writes: str, neuron: int) -> None:
    """The vector that the chosen neuron writes into the chosen token."""
    opened = opened_in(writes)
    clickable_map(
        "ff:writes",
        HeatmapSpec(
            view.trace[writes][None],
            [""],
            labels(view, writes, 0),
            colour=COLOURS["mlp"],
            title=f"What neuron {neuron} writes into {titled_word(view)}",
            opened=opened and (0, *opened),
        ),
        lambda row, d: open_number(writes, (d,)),
    )


def promoted_words(view: View, promotes: str, neuron: int) -> None:
    """The words whose logit this neuron raises and lowers most."""
    adds_V = view.trace[promotes]
    if not np.isfinite(adds_V).all():
        st.warning("What this neuron writes is NaN in this run.")
        return
    order = np.argsort(-adds_V, kind="stable")
    count = min(WORDS, len(order) // 2)
    left, right = st.columns(2, gap="large")
    shown = {"raises": order[:count].tolist(), "lowers": order[::-1][:count].tolist()}
    for column, (verb, ids) in zip((left, right), shown.items(), strict=True):
        with column:
            title = f"The {counted(count, 'word')} that neuron {neuron} {verb} most"
            logit_table(view, promotes, ids, key=f"ff:{verb}", title=title)
    st.caption(
        "Read straight through the stream; what early layers write is mostly read by later ones, so"
        " their words seldom make sense."
    )


def logit_table(view: View, promotes: str, ids: list[int], *, key: str, title: str) -> None:
    """Words and what the neuron adds to the logit of each; every number opens."""
    opened = opened_in(promotes)
    table(
        {"added to the logit": view.trace[promotes][ids]},
        [view.word(i) for i in ids],
        key=key,
        title=title,
        corner="word",
        on_cell=lambda row, column: open_number(promotes, (ids[row],)),
        opened=(ids.index(opened[0]), 0) if opened and opened[0] in ids else None,
    )
