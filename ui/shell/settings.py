"""The settings behind the bar’s last button: the mask in full, how attention is drawn, the model,
a link to share, and a report to save.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.lstm import Lstm
from core.models import catalogue
from core.models.engines import installed
from core.models.model import Model
from ui.kit.components import share_link
from ui.kit.run_files import run_files
from ui.kit.word_grouping import has_pieces, has_special_tokens, offered
from ui.session import runs
from ui.session.actions import close_number
from ui.session.selection import MASKS, chosen, select
from ui.session.settling import clamp
from ui.session.versions import VERSION
from ui.session.view import View
from ui.shell.hints import ENGINE_TITLES
from ui.shell.model_notes import which_model
from ui.shell.report import offer as offer_report
from ui.text import plain


def settings(view: View) -> None:
    """The button and what it opens."""
    with st.popover("⚙", help="Settings", key="settings"):
        share_link(VERSION)
        run_files(view)
        offer_report()
        mask_controls()
        ask_control()
        grouping_controls(view)
        engine_control()
        with st.expander("About this model"):
            about_model(view)


def about_model(view: View) -> None:
    """What the model is, and which one is good for what."""
    st.caption(plain(catalogue.entry_of(view.model.name).about))
    for line in notes_on_files(view.model):
        st.caption(plain(line))
    which_model(runs.ready_models())


def mask_controls() -> None:
    """Who may look at whom; a mask drawn by hand, where there is one."""
    drawn = chosen("mask") == "own" or chosen("mask_cells")
    names = [name for name in MASKS if name != "own" or drawn]
    st.radio(
        "Mask: which words each word may see",
        names,
        key="mask",
        format_func=MASKS.__getitem__,
        persist_state="session",
    )


def engine_control() -> None:
    """Who computes the layers, where there is a choice."""
    if len(there := installed()) > 1:
        st.radio(
            "Engine: what computes the layers",
            there,
            key="engine",
            format_func=ENGINE_TITLES.__getitem__,
            persist_state="session",
            help="For large models. The layer that you look at is always computed by NumPy, too,"
            " and the page says how far the two are apart. Study models, GGUF files, what-ifs and"
            " other masks are NumPy’s alone.",
        )


def notes_on_files(model: Model | Lstm) -> tuple[str, ...]:
    """What a model's files hold that is not run as it is."""
    return model.notes if isinstance(model, Model) else ()


def ask_control() -> None:
    """Whether a stage lets the reader guess before it shows its figure."""
    st.toggle(
        "Let me guess first",
        key="ask",
        persist_state="session",
        help="Each stage asks one question about your sentence before it shows the answer.",
    )


@dataclass(frozen=True)
class Grouping:
    """A way to draw attention weights by words instead of tokens."""

    title: str
    help: str
    is_possible: Callable[[View], bool]


GROUPINGS = {
    "hide_special": Grouping(
        "Hide special tokens",
        "Leaves out tokens such as [CLS] and [START] and rescales each row of attention to add"
        " up to 1. Some models have none.",
        has_special_tokens,
    ),
    "merge_pieces": Grouping(
        "Merge pieces into words",
        "Sums the weights over the pieces that are looked at and averages them over those that"
        " look. Many words are a single token anyway.",
        has_pieces,
    ),
}


def grouping_controls(view: View) -> None:
    """How attention weights are drawn, where it is known which tokens are special, and which make
    one word.
    """
    for name, grouping in GROUPINGS.items():
        clamp(name, 2)
        if offered(view):
            possible = grouping.is_possible(view)
            st.session_state[toggle_of(name)] = bool(chosen(name) and possible)
            st.toggle(
                grouping.title,
                key=toggle_of(name),
                help=grouping.help,
                on_change=apply_toggle,
                args=(name,),
                disabled=not possible,
            )


def toggle_of(name: str) -> str:
    """The key of a toggle, which knows yes and no; the address knows 0 and 1."""
    return f"toggle_{name}"


def apply_toggle(name: str) -> None:
    """Chooses what a toggle says."""
    select(**{name: int(st.session_state[toggle_of(name)])})
    close_number()
