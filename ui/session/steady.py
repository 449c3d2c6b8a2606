"""A choice stays what it is while the labels of its options change.

The browser knows what is chosen in a list or on a slider by its label and sends it with each click.
Once the label has changed, the one that is sent names no option, and Streamlit takes the first.
(Segmented controls keep the choice by themselves.)

    steady(key, options, label, first)      before a list or a slider of such labels is drawn
    recall(key, options)                    earlier, where the choice is read before that
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import streamlit as st

from ui.session.memory import memory


def steady(key: str, options: Collection, label: Callable[[Any], str], first) -> None:
    """Keeps the choice by the option itself, and tells the browser what its label is now. Where the
    choice is none of the options (any more), it is the last one that was, or else `first`."""
    session, labels = st.session_state, memory().labels
    recall(key, options)
    if session.get(key) not in options:
        session[key] = first
    before, shown = labels.get(key, (None, None))
    now = label(session[key])
    if session[key] == before and now != shown:
        session[key] = before  # what the session is given, the browser is sent
    labels[key] = session[key], now


def recall(key: str, options: Collection) -> None:
    """Puts the last choice in the place of what is none of the options, such as an old label."""
    value, (before, _) = st.session_state.get(key), memory().labels.get(key, (None, None))
    if value is not None and value not in options and before in options:
        st.session_state[key] = before
