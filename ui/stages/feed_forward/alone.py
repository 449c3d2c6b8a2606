"""That each token passes through the feed-forward network alone: run again without the others, its
update is the same.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.text import counted, number
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL, cell_map, largest
from ui.kit.token_words import titled_word, which_word
from ui.session.view import View
from ui.text import plain


def alone(view: View) -> None:
    """The network run again for each token with no other there: the update is the same."""
    path, t = view.at("mlp"), view.token
    alone_LD, out_LD = view.trace[f"{path}.alone"], view.trace[f"{path}.out"]
    render_depth(
        view,
        f"Here the network ran {counted(len(out_LD), 'more time')}, each time on one token alone."
        f" {difference_text(alone_LD, out_LD)} So no token sees another in this part of the layer."
        f" In attention the same test would leave {which_word(view)} only itself to look at.",
        largest(view, f"{path}.alone", t, ALL),
    )
    if not detailed():
        return
    scale = np.abs(out_LD[t][np.isfinite(out_LD[t])]).max(initial=0) or None
    for leaf, title in (("out", "among the others"), ("alone", "alone")):
        cell_map(
            view,
            f"{path}.{leaf}",
            slice(t, t + 1),
            ALL,
            title=f"The update of {titled_word(view)}, computed {title}",
            limit=scale and float(scale),
            key="alone",
        )
    st.markdown(plain(difference_text(alone_LD, out_LD)))


def difference_text(alone_LD, out_LD) -> str:
    """How far the two runs are apart, in words."""
    apart_LD = np.abs(alone_LD.astype(np.float64) - out_LD)
    if not np.isfinite(apart_LD).all():
        return "An earlier value overflowed in this run, so the two cannot be compared."
    largest_out = float(np.abs(out_LD).max())
    if not apart_LD.any():
        return f"All {out_LD.size:,} numbers of the updates are identical."
    rounding = ": that is rounding" if apart_LD.max() <= 1e-4 * largest_out else ""
    return (
        f"None of the {out_LD.size:,} numbers of the updates differs by more than"
        f" {number(apart_LD.max(), 2)}, while they reach up to"
        f" {number(largest_out, 3)}{rounding}."
    )
