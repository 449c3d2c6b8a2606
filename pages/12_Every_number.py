"""Every number: each step of the forward pass in order, by name, as a map whose cells open."""

import streamlit as st

from ui.kit.explanation_panel import number_beside
from ui.kit.step_charts import cell_picture
from ui.session.navigation import EVERY_NUMBER
from ui.shell.page_shell import show_page
from ui.stages.every_number import largest_cell, shape_words, step_controls, window_controls


def page(view):
    name = step_controls(view)
    picture, words = st.columns(2, gap="large")
    with picture:
        index = window_controls(view, name)
        st.caption(shape_words(view, name, index))
        cell_picture(view, name, *index)
    with words:
        number_beside(view, largest_cell(view, name, index), depth_on_page=False)


show_page(EVERY_NUMBER, page)
