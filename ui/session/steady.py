"""A choice stays what it is while the labels of its options change.

The browser knows what is chosen in a list or on a slider by its label and sends it with each click.
Once the label has changed, the one that is sent names no option, and Streamlit takes the first.
(Segmented controls keep the choice by themselves.)

    steady(key, options, label, first)      before a list or a slider of such labels is drawn
    recall(key, options)                    earlier, where the choice is read before that
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import streamlit as st


def steady(key: str, options: Collection, label: Callable[[object], str], first) -> None:
    """Keeps the choice by the option itself, and tells the browser what its label is now. Where the
    choice is none of the options (any more), it is the last one that was, or else `first`."""
    here, known = st.session_state, _known()
    recall(key, options)
    if here.get(key) not in options:
        here[key] = first
    before, shown = known.get(key, (None, None))
    now = label(here[key])
    if here[key] == before and now != shown:
        here[key] = before  # what the session is given, the browser is sent
    known[key] = here[key], now


def recall(key: str, options: Collection) -> None:
    """Puts the last choice in the place of what is none of the options, such as an old label."""
    here, (before, _) = st.session_state, _known().get(key, (None, None))
    if key in here and here[key] is not None and here[key] not in options and before in options:
        here[key] = before


def _known() -> dict[str, tuple]:
    """For each chooser the last choice of this visitor, and the label that it was shown with."""
    return st.session_state.setdefault("_known", {})
