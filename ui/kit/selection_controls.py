"""Choosing a head or a token by a click in a picture, and the thumbnails of all heads."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui.kit.packed_arrays import thumbnails
from ui.kit.word_grouping import weights
from ui.session import state
from ui.session.state import Asked, View, close_number


def choose_head(layer: int, head: int) -> None:
    """A thumbnail: its layer and head are chosen."""
    st.session_state["layer"], st.session_state["head"] = layer, head
    close_number()


def choose_token(position: int) -> None:
    """A token, or the first one of a word."""
    st.session_state["token"] = position
    close_number()


def thumbnails_of(view: View) -> list[np.ndarray]:
    """The attention of every layer and head, small, (H, ≤ 24, ≤ 24) for each layer."""
    return _thumbnails(view.asked, view.side, weights(view).leaf)


@st.cache_resource(max_entries=6, show_spinner="Running all layers …")
def _thumbnails(asked: Asked, side: str, leaf: str) -> list[np.ndarray]:
    """Kept for all visitors: a long text's layers are computed anew each time they are asked
    for.
    """
    trace = state.trace_of(asked)
    return [
        thumbnails(trace[f"{side}.{layer}.{leaf}"]) for layer in range(trace.config.layers(side))
    ]
