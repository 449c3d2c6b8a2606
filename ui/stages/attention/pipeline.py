"""Attention as one pipeline: five thumbnails, and the chosen step large. The figure answers a click
by itself, from the numbers of the layer that it was sent once; the page follows.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.steps.attention import before_mask
from core.text import number
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_in
from ui.session import sent
from ui.session.actions import close_number, select_token
from ui.session.selection import STAGES, chosen, depth, select
from ui.stages.attention.names import (
    looks_across,
    looks_words,
    normed_first,
    projected,
    scaled_by,
    seen_words,
)
from ui.stages.attention.numbers import LEAVES, layer_numbers, step_of

_numbers = component("layer_numbers")
_pipeline = component(
    "pipeline",
    'class="root figure" role="group" aria-label="Attention, step by step"',
    also=("pipeline_geometry.js",),
)


def pipeline(view) -> None:
    """Draws the pipeline at the chosen step."""
    numbers, key = layer_numbers(view), f"pipeline-{view.block}"
    with st.container(key=f"unseen-{key}"):
        _numbers(key=f"{key}-numbers", data=numbers)
    _pipeline(
        key=key,
        data=state_of(view, numbers["id"]),
        on_step_change=partial(follow_step, key),
        on_token_change=partial(follow_token, view, key),
        on_cell_change=partial(follow_cell, view, key),
    )


def state_of(view, numbers: str) -> dict:
    """What is looked at, and how it is called: all that changes from click to click."""
    return {
        "numbers": numbers,
        "step": chosen("stage"),
        "head": view.head,
        "token": view.token,
        "side": view.side,
        "across": looks_across(view),
        "words": seen_words(view),
        "looks": looks_words(view),
        "names": names_of(view),
        "large": depth() == "story",
        "opened": opened(view),
    }


def names_of(view) -> dict[str, str]:
    """The titles of what is drawn."""
    c = view.config
    root = f"÷ {number(c.d_head**0.5, 3)}" if c.divides_by_root else scaled_by(view)
    return {
        "x": f"x: its vector, {c.d_model} numbers" + (", after a norm" * normed_first(view)),
        "query": f"q: its query in this head, {projected(view, 'q')}",
        "keys": f"k: a key for each token, {projected(view, 'k')}",
        "values": f"v: a value for each token, {projected(view, 'v')}; as thick as its share",
        "scale": root if c.score_scale != 1 else "",
    }


def opened(view) -> list | None:
    """The opened number, where it is one of those that are drawn for this token and head."""
    fixed = {"H": view.head, "L": view.token, "G": view.key_head}
    for name, (_, axes) in LEAVES.items():
        place = opened_in(step_of(view, name)) or opened_in(value_step(view, name))
        if place and all(fixed.get(letter, i) == i for letter, i in zip(axes, place, strict=True)):
            return [
                name,
                *(i for letter, i in zip(axes, place, strict=True) if letter not in fixed),
            ]
    return None


def value_step(view, name: str) -> str:
    """The step that opens for a number: for a score that the mask leaves open the one before the
    mask, whose formula says more.
    """
    if name != "scores":
        return step_of(view, name)
    return before_mask(view.trace, view.attention("scores").removesuffix(".scores"))


# --- what a click does ----------------------------------------------------------------------------


def follow_step(key: str) -> None:
    """Another step is looked at."""
    if sent.whole(step := sent.from_component(key, "step"), STAGES):
        select(stage=step)
        close_number()


def follow_token(view, key: str) -> None:
    """Another token looks."""
    if place := sent.place(sent.from_component(key, "token"), (len(view.labels),)):
        select_token(*place, side=view.side)


def follow_cell(view, key: str) -> None:
    """A number that was clicked opens: [head, token, name, …place]."""
    clicked = sent.from_component(key, "cell")
    if not isinstance(clicked, list) or len(clicked) < 3:
        return
    head, token, name, *place = clicked
    if not sent.place([head, token], (view.config.n_heads, len(view.labels))):
        return
    if name == "terms":
        open_term(view, head, token, place)
    elif isinstance(name, str) and name in LEAVES:
        open_cell(view, name, head, token, place)


def open_cell(view, name: str, head: int, token: int, place: list) -> None:
    """Opens a number of one of the steps that are drawn."""
    step, axes, rest = step_of(view, name), LEAVES[name][1], iter(place)
    fixed = {"H": head, "L": token, "G": view.config.group(head)}
    index = sent.place(
        [fixed[letter] if letter in fixed else next(rest, None) for letter in axes],
        view.trace.shape(step),
    )
    if index is not None and next(rest, None) is None:
        hidden = name == "scores" and not view.trace[view.attention("mask")][index[1:]]
        open_number(step if hidden else value_step(view, name), index)


def open_term(view, head: int, token: int, place: list) -> None:
    """Opens one product of a score."""
    if found := sent.place(place, (len(view.seen), view.config.d_head)):
        seen, k = found
        open_number(view.attention(f"scores.terms.{head}.{token}.{seen}"), (k,))
