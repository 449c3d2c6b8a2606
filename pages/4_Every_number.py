"""Every number: each step of the forward pass in order, by name, as a map whose cells open."""
import streamlit as st

from ui.frame import foot, open_page
from ui.numbers import number_panel
from ui.slices import cell_bars, cell_map
from ui.stepwise import choose_step, framed, largest_cell, shape_words, window

view = open_page("Every number")
name = choose_step(view)
picture, words = st.columns(2, gap="large")
with picture:
    index = window(view, name)
    st.caption(shape_words(view, name, index))
    if sum(isinstance(part, slice) for part in index) == 2:
        cell_map(view, name, *index, title=name, chosen=framed(name, index))
    else:
        cell_bars(view, name, *index, title=name)
with words:
    number_panel(view, largest_cell(view, name, index))
foot("Every number")
