"""Every number: each step of the forward pass in order, as a map whose cells open,
found by its name or in an outline of the run."""

import streamlit as st

from ui.kit.stage import heading
from ui.kit.step_charts import cell_picture
from ui.session.navigation import EVERY_NUMBER
from ui.session.selection import chosen
from ui.shell.page_shell import show_page
from ui.stages.every_number import (
    largest_cell,
    outline,
    question,
    step_buttons,
    step_controls,
    step_words,
    steps_of,
    window_controls,
)


def page(view):
    names = steps_of(view)
    heading(question(names), beside=lambda: step_controls(view, names))
    name = chosen("step")
    index = window_controls(view, name)
    first = largest_cell(view, name, index)
    picture, beside = st.columns([7, 3], gap="medium")
    with picture:
        cell_picture(view, name, *index)
        step_buttons(names)
        step_words(view, name, index, first)
    with beside:
        outline(view, names)
    return first


show_page(EVERY_NUMBER, page)
