"""What reaches a token from the others: rollout, and the attention of all heads, layer by layer."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.text import number, percent
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, cell_map
from ui.kit.token_words import titled_word, word
from ui.session.actions import select_token
from ui.session.runs import Texts
from ui.session.selection import EXAMPLES
from ui.session.view import View, is_word
from ui.stages.layers.layer_maps import layers_of_side, rows_of, stacked_map

FOLLOWED = ("is", "recommended")  # what the example sentence is for


def rollout_section(view: View) -> None:
    """How much of each first vector could have reached each token."""
    name, t, last = view.at("rollout"), view.token, layers_of_side(view)[-1]
    row_M = rows_of(view, "rollout", t)[last]
    other = max((m for m in range(len(row_M)) if m != t), key=lambda m: row_M[m], default=t)
    render_depth(
        view,
        f"{word(view)} attends to tokens that attended to others in the layers before. **Rollout**"
        " multiplies the weights of all layers: how much of each input vector could have reached"
        f" it. {rollout_text(view, row_M, other)}",
        (name, (t, int(other))),
    )
    rollout_maps(view)
    st.caption(
        "What rollout assumes: attention only mixes vectors, all heads count equally, half of each"
        " vector stays in place, and values, feed-forward and norms change nothing. None of this is"
        " quite true: rollout shows what could have flowed, not what the model used (Abnar and"
        " Zuidema 2020)."
    )


def rollout_maps(view: View) -> None:
    """The chosen token after every layer, and all tokens after the chosen layer."""
    rows, chosen = st.columns(2, gap="large")
    with rows:
        stacked_map(
            view,
            "rollout",
            view.token,
            ALL,
            columns=view.names,
            columns_title="input vector of",
            title=f"Rollout of {titled_word(view)} after every layer: each row sums to 1",
        )
    with chosen:
        cell_map(
            view,
            view.at("rollout"),
            ALL,
            ALL,
            chosen=view.token,
            title=f"Rollout after layer {view.layer}, all tokens: each row sums to 1",
        )


def rollout_text(view: View, row_M, other: int) -> str:
    """Of the chosen token's last vector: what could be its own, and what could come from the one
    that gives it the most.
    """
    t, (own, most) = view.token, (percent(row_M[m], 0) for m in (view.token, other))
    after = f"After the last layer {own} of {word(view)} would still be its own"
    if other == t or not row_M[other]:
        return f"{after}: nothing reaches it from another token."
    little = max(row_M[t], row_M[other]) > 0.995
    return f"{after}, and {most} would come from {word(view, other)}" + (
        ": nearly everything comes from one token."
        if little
        else ", more than from any other token."
    )


def attends_to(view: View) -> None:
    """Where the chosen token's attention goes in every layer, all heads together."""
    t, mean = view.token, view.at("attn.pattern.mean")
    render_depth(
        view,
        f"The attention of {word(view)}, averaged over the heads of each layer."
        f" {attended_text(view)}",
        (mean, (t, int(view.trace[mean][t].argmax()))),
    )
    follow_buttons(view)
    limit = largest_word(view)
    stacked_map(
        view,
        "attn.pattern.mean",
        t,
        ALL,
        columns=view.names,
        columns_title="token that is looked at",
        limit=limit,
        title=f"Attention of {titled_word(view, t)}, mean of the heads, in every layer"
        + (
            f" (the scale ends at the largest of another word, {number(limit, 3)})" if limit else ""
        ),
    )


def follow_buttons(view: View) -> None:
    """For the example sentence, the words that it is about."""
    if view.texts != Texts(EXAMPLES[0]["text"]):
        return
    row, labels = st.container(horizontal=True), [label.lstrip("␣") for label in view.labels]
    for name in FOLLOWED:
        if name in labels:
            position = labels.index(name)
            row.button(
                f"Follow “{name}”",
                key=f"layers_{name}",
                on_click=select_token,
                args=(position,),
                disabled=view.token == position,
            )


def attended_text(view: View) -> str:
    """The word that gets most, for every few layers; itself, special tokens, and an attention sink
    left out.
    """
    left = other_words(view)
    if not left:
        return f"There is no other word that {word(view)} could attend to."
    N, mean_NM = len(layers_of_side(view)), mean_weights(view)
    few = -(-N // 4)
    parts = [
        attended_in(view, range(start, min(start + few, N)), mean_NM, left)
        for start in range(0, N, few)
    ]
    return (
        f"Most goes to: {' '.join(parts)} This ranking skips the token itself, punctuation and"
        f" special tokens{sink_text(view, mean_NM)}; the map shows all."
    )


def attended_in(view: View, layers: range, mean_NM, words: list[int]) -> str:
    """Which of the words gets most in some of the layers."""
    layer, m = max(((n, m) for n in layers for m in words), key=lambda cell: mean_NM[cell])
    where = f"Layers {layers[0]}–{layers[-1]}" if len(layers) > 1 else f"Layer {layer}"
    inside = f" in layer {layer}" if len(layers) > 1 else ""
    return f"{where}: {word(view, m)} ({percent(mean_NM[layer, m], 0)}{inside})."


def sink_text(view: View, mean_NM) -> str:
    """That the first token is left out too, where it gets most; empty where it does not."""
    sink = attention_sink(view)
    if sink is None:
        return ""
    return (
        f", and the first token, {word(view, sink)}, which gets"
        f" {percent(mean_NM[:, sink].mean(), 0)} on average"
    )


def mean_weights(view: View) -> np.ndarray:
    """The chosen token's attention in every layer, the mean of its heads, (N, M)."""
    return rows_of(view, "attn.pattern.mean", view.token)


def other_words(view: View) -> list[int]:
    """The tokens in the ranking: no special ones, no punctuation, not itself, no attention sink."""
    words = view.trace.words_L if view.side == view.config.sides[0] else None
    seen_M, sink = mean_weights(view).any(axis=0), attention_sink(view)
    return [
        m
        for m, label in enumerate(view.labels)
        if m not in (view.token, sink)
        and is_word(label)
        and seen_M[m]
        and (words is None or words[m] is not None)
    ]


def attention_sink(view: View) -> int | None:
    """The first token, where it is a word and gets the most of all over the layers, as in many
    decoders.
    """
    most = int(mean_weights(view).mean(axis=0).argmax())
    return 0 if view.token != 0 and is_word(view.labels[0]) and most == 0 else None


def largest_word(view: View) -> float | None:
    """The end of the scale, where special tokens, or the first one, get far more than any word."""
    mean_NM, left = mean_weights(view), other_words(view)
    most = float(mean_NM[:, left].max(initial=0))
    return most if 0 < most < mean_NM.max() / 2 else None
