"""Where the chosen head looks, before and after, side by side."""

from __future__ import annotations

import streamlit as st

from core.text import percent
from core.why.differences import looks_moved
from ui.kit.step_charts import ALL, cell_map
from ui.kit.token_words import bold_apart
from ui.stages.laboratory.runs import SIDES, Runs, open_of


def draw(both: Runs) -> None:
    """Both maps, and which token looks elsewhere most."""
    st.markdown(sentence(both))
    maps(both)


def maps(both: Runs) -> None:
    """The weights of the head in each run, on one scale; a click opens one in its own run."""
    columns = st.columns(2, gap="medium")
    for side, (column, view) in enumerate(zip(columns, both.views, strict=True)):
        name = view.attention("pattern")
        with column:
            cell_map(
                view,
                name,
                view.head,
                ALL,
                ALL,
                title=f"Head {view.head} of layer {view.layer}, {SIDES[side]}",
                chosen=view.token,
                limit=1,
                key=f"lab-{SIDES[side]}",
                on_cell=lambda row, column, side=side: open_weight(both, side, row, column),
            )


def open_weight(both: Runs, side: int, row: int, column: int) -> None:
    """Opens one weight."""
    view = both.views[side]
    open_of(side, view.attention("pattern"), (view.head, row, column))


def sentence(both: Runs) -> str:
    """How much of the attention of this head goes elsewhere, at the token where most does."""
    view = both.after
    name = view.attention("pattern")
    before_HLM, after_HLM = (each.trace[name] for each in both.views)
    if before_HLM.shape != after_HLM.shape or not both.same_text:
        return "The tokens of both runs are not the same: each map has its own."
    moved_L = looks_moved(before_HLM, after_HLM)[view.head]
    most = int(moved_L.argmax())
    if not moved_L[most] > 0:
        return f"Head {view.head} of layer {view.layer} looks where it looked before."
    return (
        f"At most, **{percent(moved_L[most])}** of the attention of"
        f" {bold_apart(view.labels, most)} goes elsewhere in head {view.head} of layer"
        f" {view.layer}."
    )
