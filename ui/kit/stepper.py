"""Steps in a row to choose from, with previous, next and play."""

from __future__ import annotations

import time

import streamlit as st

from ui.session.state import close_number

SECONDS = 4  # that a step stays while the walk plays by itself


def stepper(titles: list[str]) -> int:
    """The steps in a row to choose from, and previous, next and play below. Returns the step."""
    at = choose_step(titles)
    turning("stage", at, len(titles) - 1)
    return at


def choose_step(titles: list[str]) -> int:
    """The steps in a row to choose from."""
    chosen = st.segmented_control(
        "Step",
        range(len(titles)),
        key="stage",
        format_func=titles.__getitem__,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
        on_change=turned,
    )
    return chosen or 0


def turning(key: str, at: int, last: int) -> None:
    """Previous, next and play, with the keys P, N and S, for the choice `key` that goes from 0 to
    last and stands at `at`.
    """
    playing, row = st.session_state["_playing"] and at < last, st.container(horizontal=True)
    row.button(
        "← Previous",
        key="previous",
        shortcut="P",
        on_click=turn_to,
        args=(key, at - 1),
        disabled=at == 0,
    )
    row.button(
        "Next →",
        key="next",
        shortcut="N",
        on_click=turn_to,
        args=(key, at + 1),
        disabled=at >= last,
        type="primary",
    )
    row.button(
        "Stop" if playing else "Play",
        key="play",
        shortcut="S",
        on_click=turn_to,
        disabled=last == 0,
        args=(key, at if playing else at % max(last, 1), not playing),
        help="Goes on by itself, a step every few seconds.",
    )
    if playing:
        walk_on(key, at)


def turn_to(key: str, at: int, playing: bool = False) -> None:
    """Shows another step."""
    st.session_state[key] = at
    turned(playing)


def turned(playing: bool = False) -> None:
    """The number that was opened belonged to the step before."""
    st.session_state["_playing"], st.session_state["_since"] = playing, time.monotonic()
    close_number()


@st.fragment(run_every=0.5)
def walk_on(key: str, at: int) -> None:
    """Beside the page: after a while, the next step."""
    here = st.session_state
    if time.monotonic() - here["_since"] >= SECONDS and here["_playing"]:
        turned(playing=True)
        here["_next"] = {key: at + 1}
        st.rerun()
