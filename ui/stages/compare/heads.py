"""Which heads differ most between two runs."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core.comparison import moved_shares
from core.text import percent
from ui.kit.charts import clickable_map
from ui.kit.heatmap import HeatmapSpec
from ui.kit.stage import card
from ui.kit.theme import COLOURS
from ui.session.actions import select_head
from ui.session.runs import RunRequest
from ui.session.view import View
from ui.stages.compare.pair import Compared, slots_of


def cards(compared: Compared) -> None:
    """The further question, where both runs have the same heads."""
    if compared.two_runs and sizes(compared.one) == sizes(compared.other):
        card("Which heads change most?", "compare-heads", partial(heads_map, compared))


def sizes(view: View) -> tuple[int, int]:
    """How many layers and heads there are on the side that is looked at."""
    return view.config.layers(view.side), view.config.n_heads


def heads_map(compared: Compared) -> None:
    """All layers and heads, by how much attention moves; a click chooses a head."""
    one, other = compared.views
    moved_NH = mean_moves(one.request, other.request, one.side, other.side)
    layer, head = np.unravel_index(int(moved_NH.argmax()), moved_NH.shape)
    st.markdown(
        f"Head {head} of layer {layer} changes most: on average **{percent(moved_NH.max())}** of"
        " a token’s attention goes elsewhere. **Click a head** to see its maps above."
    )
    spec = HeatmapSpec(
        moved_NH,
        [str(n) for n in range(len(moved_NH))],
        [str(h) for h in range(moved_NH.shape[1])],
        title="Attention that goes elsewhere, mean over the tokens of both",
        rows_title="layer",
        columns_title="head",
        kind="weight",
        chosen=(one.layer, one.head),
        colour=COLOURS["weight"],
    )
    clickable_map("compare:heads", spec, lambda n, h: select_head(n, h, compare_cell=""))


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
