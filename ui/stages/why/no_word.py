"""What the page says of a model that compares nothing with words, or whose numbers overflowed."""

from __future__ import annotations

import streamlit as st

from core.models import catalogue
from ui.kit.stage import heading
from ui.session.actions import switch_model
from ui.session.runs import ready_models
from ui.session.view import View
from ui.text import plain

NO_HEAD = "has no output layer: it makes vectors of a text"
WITH_WORDS = ("study-decoder", "study-encoder", "smollm2", "study-translator")


def no_word(view: View) -> None:
    """Says why no word can be asked about, and offers models that have one."""
    if view.config.head:
        heading("Why are there no words here?")
        st.warning(
            "In this run the numbers overflowed: they no longer fit into 32 bits. Without logits no"
            " word can be explained. The page Add and norm shows where it begins."
        )
        return
    heading("Why this word?")
    makes = "was fine-tuned to give labels or answers" if view.config.task else NO_HEAD
    st.info(
        f"{plain(view.title)} {makes} and guesses no word, so there is no word to explain. These"
        " models guess words:"
    )
    with st.container(horizontal=True):
        for name in [name for name in WITH_WORDS if name in ready_models()]:
            title = plain(catalogue.entry_of(name).title)
            st.button(
                f"Read with {title}", key=f"why_model_{name}", on_click=switch_model, args=(name,)
            )
