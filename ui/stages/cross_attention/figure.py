"""The page's figure: what was written, what it came from, and how much each source word gave to it
in the head that is looked at.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core.step_ref import sliced_name
from core.text import percent
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.packed_arrays import base64_of
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.section import render_depth
from ui.kit.stage import heading
from ui.kit.vocabulary_table import forbidden_text
from ui.session import sent
from ui.session.actions import close_number, select_token
from ui.session.selection import depth, select
from ui.session.view import View
from ui.stages.cross_attention.decoding import step_tables
from ui.stages.cross_attention.words import (
    probability,
    read_words,
    source,
    source_words,
    written,
    written_words,
)
from ui.text import bold

KEY = "cross-alignment"
MOST = 20_000  # weights that are sent of all written words; beyond, those of the chosen one
NEARLY_ALL = 0.95
OVERFLOWED = "In this run the numbers overflowed: they no longer fit into 32 bits."
_alignment = component(
    "alignment",
    'class="root figure" role="group" aria-label="What was written, and what it came from"',
    also=("alignment_geometry.js",),
)


def made_from(view: View, own: bool) -> tuple[str, tuple[int, ...]]:
    """The question, the figure, and what the depth says of the written word that is looked at. own:
    whether the run is the reader's own. Returns the cell that is explained first.
    """
    heading(f"Which source word does {written(view)} come from?", quiz(view))
    cells = cells_of(view)
    if depth() == "story":
        figure(view, own)
    if depth() == "numbers":
        step_tables(view)
    else:
        render_depth(view, text(view), *cells)
    say_forbidden(view)
    return cells[0]


def say_forbidden(view: View) -> None:
    """Names the word that the model's files do not allow after the one that is looked at."""
    if view.config.head and view.token in view.trace.rows:
        if line := forbidden_text(view, view.token):
            st.markdown(line)


def quiz(view: View) -> Quiz | None:
    """The source words with the largest weights."""
    weights_M = view.trace[view.attention("pattern")][view.head, view.token]
    if not np.isfinite(weights_M).all():
        return None
    return quiz_of_most(view, source_words(view), weights_M)


def cells_of(view: View) -> list:
    """The largest weight of the written word, what it makes of the sum, and the largest number of
    that sum.
    """
    row, best = (view.head, view.token), best_source(view)
    z_K = np.abs(np.nan_to_num(view.trace[view.attention("z")][row]))
    return [
        (view.attention("pattern"), (*row, best)),
        (view.attention("z.share"), (*row, best)),
        (view.attention("z"), (*row, int(z_K.argmax()))),
    ]


def best_source(view: View) -> int:
    """The source word that this head looks at most."""
    return int(view.trace[view.attention("pattern")][view.head, view.token].argmax())


def text(view: View) -> str:
    """The step that wrote the word, what it looked at and took, and how sure the model was."""
    row, best = (view.head, view.token), best_source(view)
    weight = float(view.trace[view.attention("pattern")][row][best])
    share = float(view.trace[view.attention("z.share")][row][best])
    if not np.isfinite([weight, share]).all():
        return OVERFLOWED
    took = "nearly all" if share > NEARLY_ALL else percent(share, 0)
    return (
        f"The model wrote {written(view)} right after reading"
        f" {bold(read_words(view)[view.token])}. Head {view.head} of layer {view.layer} gave"
        f" {percent(weight, 0)} of its attention to {source(view, best)}, and {took} of what it"
        f" collected came from there.{sure(view)}"
    )


def sure(view: View) -> str:
    """How likely the model found the word."""
    p = probability(view)
    if p is None or not np.isfinite(p):
        return ""
    return f" The model gave {written(view)} a probability of {percent(p)}."


# --- the figure -----------------------------------------------------------------------------------


def figure(view: View, own: bool) -> None:
    """Written words, source words, and the lines between them."""
    steps = ("pattern", "z.share")
    arrays = [view.trace[view.attention(leaf)][view.head] for leaf in steps]
    row = view.token if arrays[0].size > MOST else None
    kept = [each if row is None else each[row : row + 1] for each in arrays]
    _alignment(
        key=KEY,
        data={
            "values": base64_of(np.stack(kept).astype("<f4")),
            "shape": list(kept[0].shape),
            "row": row,
            "rows": written_words(view),
            "columns": source_words(view),
            "chosen": view.token,
            "titles": ["Written", "Source", "attention", "share of z"],
            "steps": [sliced_name(view.attention(leaf), (view.head,)) for leaf in steps],
            "opened": opened(view),
        },
        on_token_change=partial(follow_token, view, own),
        on_cell_change=partial(follow_cell, view),
    )


def opened(view: View) -> list | None:
    """The opened number, if it is one of the figure's."""
    for name, leaf in (("weight", "pattern"), ("share", "z.share")):
        place = opened_in(view.attention(leaf))
        if place and place[0] == view.head:
            return [*place[1:], name]
    return None


def follow_token(view: View, own: bool) -> None:
    """Another written word is looked at."""
    if place := sent.place(sent.from_component(KEY, "token"), (len(view.labels),)):
        choose(place[0], own)


def choose(token: int, own: bool) -> None:
    """Chooses a written word: in the reader's own run the token of all pages."""
    if own:
        select_token(token, side="decoder")
    else:
        select(cross_token=token)
        close_number()


def follow_cell(view: View) -> None:
    """A number that was clicked opens: [written word, source word, name]."""
    clicked = sent.from_component(KEY, "cell")
    names = {"weight": "pattern", "share": "z.share"}
    if not isinstance(clicked, list) or len(clicked) != 3 or str(clicked[2]) not in names:
        return
    if place := sent.place(clicked[:2], (len(view.labels), len(view.seen))):
        open_number(view.attention(names[str(clicked[2])]), (view.head, *place))
