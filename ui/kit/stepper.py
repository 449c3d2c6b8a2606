"""Steps in a row to choose from, with previous, next and play."""

from __future__ import annotations

import time

import streamlit as st

from ui.session.actions import close_number
from ui.session.memory import memory
from ui.session.selection import select

SECONDS = 4  # that a step stays while the walk plays by itself


def stepper(titles: list[str]) -> int:
    """The steps in a row to choose from, and previous, next and play below. Returns the step."""
    index = stage_controls(titles)
    step_buttons("stage", index, len(titles) - 1)
    return index


def stage_controls(titles: list[str]) -> int:
    """The steps in a row to choose from."""
    chosen = st.segmented_control(
        "Step",
        range(len(titles)),
        key="stage",
        format_func=titles.__getitem__,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
        on_change=start_stage,
    )
    return chosen or 0


def step_buttons(key: str, index: int, last: int) -> None:
    """Previous, next and play, with the keys P, N and S, for the choice `key` that goes from 0 to
    last and stands at `index`.
    """
    playing, row = memory().playing and index < last, st.container(horizontal=True)
    row.button(
        "← Previous",
        key="previous",
        shortcut="P",
        on_click=show_stage,
        args=(key, index - 1),
        disabled=index == 0,
    )
    row.button(
        "Next →",
        key="next",
        shortcut="N",
        on_click=show_stage,
        args=(key, index + 1),
        disabled=index >= last,
        type="primary",
    )
    row.button(
        "Stop" if playing else "Play",
        key="play",
        shortcut="S",
        on_click=show_stage,
        disabled=last == 0,
        args=(key, index if playing else index % max(last, 1), not playing),
        help="Goes on by itself, a step every few seconds.",
    )
    if playing:
        walk_on(key, index)


def show_stage(key: str, index: int, playing: bool = False) -> None:
    """Shows another step."""
    select(**{key: index})
    start_stage(playing)


def start_stage(playing: bool = False) -> None:
    """The number that was opened belonged to the step before."""
    memory().playing, memory().playing_since = playing, time.monotonic()
    close_number()


@st.fragment(run_every=0.5)
def walk_on(key: str, index: int) -> None:
    """Beside the page: after a while, the next step."""
    if memory().playing and time.monotonic() - memory().playing_since >= SECONDS:
        start_stage(playing=True)
        memory().chosen_beside = {key: index + 1}
        st.rerun()
