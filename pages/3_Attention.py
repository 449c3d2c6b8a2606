"""Attention: one head, one token, in five steps."""

import streamlit as st

from ui.kit.explanation_panel import number_beside
from ui.kit.stepper import stepper
from ui.kit.token_strip import token_strip
from ui.session.navigation import ATTENTION
from ui.shell.page_shell import show_page
from ui.stages.attention import STEPS


def page(view):
    step = stepper([step.title for step in STEPS])
    picture, words = st.columns((11, 9), gap="large")
    with picture:
        first = STEPS[step].draw(view)
    with words:
        number_beside(view, first)  # until another number is clicked


show_page(ATTENTION, page, above=token_strip)
