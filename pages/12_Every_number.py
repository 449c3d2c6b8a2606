"""Every number: each step of the forward pass in order, by name, as a map whose cells open."""

import streamlit as st

from ui.kit.step_charts import cell_picture
from ui.session.navigation import EVERY_NUMBER
from ui.shell.page_shell import show_page
from ui.stages.every_number import largest_cell, shape_words, step_controls, window_controls


def page(view):
    name = step_controls(view)
    index = window_controls(view, name)
    st.caption(shape_words(view, name, index))
    cell_picture(view, name, *index)
    return largest_cell(view, name, index)


show_page(EVERY_NUMBER, page)
