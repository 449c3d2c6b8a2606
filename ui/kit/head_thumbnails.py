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
    return [thumbnails_in(view, layer) for layer in range(view.config.layers(view.side))]


def thumbnails_in(view: View, layer: int) -> np.ndarray:
    """The attention of the heads of one layer, small."""
    return _thumbnails(view.request, view.side, grouped_weights(view).leaf, layer)


@st.cache_resource(max_entries=400, show_spinner=False)
def _thumbnails(request: RunRequest, side: str, leaf: str, layer: int) -> np.ndarray:
    """Kept for all visitors: a long text's layers are computed anew each time they are asked
    for.
    """
    return thumbnails(trace_of(request)[f"{side}.{layer}.{leaf}"])
