"""What the page Heads chooses and shows: a head, a token, a weight, and the small maps of all layers."""
from __future__ import annotations

import numpy as np
import streamlit as st

from ui import state
from ui.components import thumbnails
from ui.numbers import open_number
from ui.state import Asked, View, close_number


def open_weight(pattern: str, head: int, row: int, column: int) -> None:
    """A cell of a head: the head is chosen, and its token, and the weight opens."""
    st.session_state["head"], st.session_state["token"] = head, row
    open_number(pattern, (head, row, column))


def choose_head(layer: int, head: int) -> None:
    """A thumbnail: its layer and head are chosen."""
    st.session_state["layer"], st.session_state["head"] = layer, head
    close_number()


def choose_token(position: int) -> None:
    st.session_state["token"] = position
    close_number()


def thumbnails_of(view: View) -> list[np.ndarray]:
    """The attention of every layer and head, small, (H, ≤ 24, ≤ 24) for each layer."""
    return _thumbnails(view.asked, view.side)


@st.cache_resource(max_entries=6, show_spinner="Running all layers …")
def _thumbnails(asked: Asked, side: str) -> list[np.ndarray]:
    """Kept for all visitors: a long text's layers are computed anew each time they are asked for."""
    trace = state.trace_of(asked)
    return [thumbnails(trace[f"{side}.{layer}.attn.pattern"]) for layer in range(trace.config.layers(side))]
