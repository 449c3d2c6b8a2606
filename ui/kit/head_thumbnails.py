"""The attention of all heads, small: a map of thumbnails by which one is chosen."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui.kit.packed_arrays import thumbnails
from ui.kit.word_grouping import grouped_weights
from ui.session.runs import RunRequest, trace_of
from ui.session.view import View


def thumbnails_of(view: View) -> list[np.ndarray]:
    """The attention of every layer and head, small, (H, ≤ 24, ≤ 24) for each layer."""
    return _thumbnails(view.request, view.side, grouped_weights(view).leaf)


@st.cache_resource(max_entries=6, show_spinner="Running all layers …")
def _thumbnails(request: RunRequest, side: str, leaf: str) -> list[np.ndarray]:
    """Kept for all visitors: a long text's layers are computed anew each time they are asked
    for.
    """
    trace = trace_of(request)
    return [
        thumbnails(trace[f"{side}.{layer}.{leaf}"]) for layer in range(trace.config.layers(side))
    ]
