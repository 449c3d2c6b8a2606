"""How much every head changes between two runs."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.comparison import moved_shares
from core.text import percent
from ui.kit.charts import clickable_map
from ui.kit.heatmap import HeatmapSpec
from ui.kit.theme import COLOURS
from ui.session.actions import select_head
from ui.session.runs import RunRequest
from ui.session.view import View
from ui.stages.compare.pair import Compared, slots_of


def where_from(compared: Compared) -> None:
    """All layers and heads, where both runs have the same; a click chooses one."""
    if not compared.two_runs or sizes(compared.one) != sizes(compared.other):
        return
    one, other = compared.views
    moved_NH = mean_moves(one.request, other.request, one.side, other.side)
    st.subheader("Where does it come from?")
    clickable_map(
        "compare:heads", heads_map(one, moved_NH), lambda n, h: select_head(n, h, compare_cell="")
    )
    st.markdown(most_moved(moved_NH))


def sizes(view: View) -> tuple[int, int]:
    """How many layers and heads there are on the side that is looked at."""
    return view.config.layers(view.side), view.config.n_heads


def heads_map(one: View, moved_NH: np.ndarray) -> HeatmapSpec:
    """How much each head's attention moves, in points, on a scale that is the same for all."""
    return HeatmapSpec(
        100 * moved_NH,
        [f"layer {n}" for n in range(len(moved_NH))],
        [f"head {h}" for h in range(moved_NH.shape[1])],
        title="Attention that moves to other tokens, of 100 points (mean over the tokens)",
        kind="weight",
        limit=100.0,
        chosen=(one.layer, one.head),
        colour=COLOURS["weight"],
    )


def most_moved(moved_NH: np.ndarray) -> str:
    """Which head changes most, and by how much."""
    layer, head = np.unravel_index(int(moved_NH.argmax()), moved_NH.shape)
    if not moved_NH.max():
        return "Not one head changes."
    return (
        f"Head {head} of layer {layer} changes most: a token moves on average"
        f" **{percent(moved_NH.max())}** of its attention to other tokens. **Click a head** to see"
        " its maps."
    )


@st.cache_resource(max_entries=6, show_spinner="Comparing all heads …")
def mean_moves(one: RunRequest, other: RunRequest, side: str, other_side: str) -> np.ndarray:
    """For each layer and head the mean of ½ Σ |a′ − a| over the tokens that both have, (N, H)."""
    views = View(one, side, 0, 0, 0), View(other, other_side, 0, 0, 0)
    slots_S2, traces = slots_of(*views), [view.trace for view in views]
    return np.stack(
        [
            moved_shares(
                *(
                    trace[f"{name}.{layer}.attn.pattern"]
                    for trace, name in zip(traces, (side, other_side), strict=True)
                ),
                slots_S2,
            ).mean(axis=1)
            for layer in range(traces[0].config.layers(side))
        ]
    )
