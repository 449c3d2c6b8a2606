"""Add and norm: before + update = after, and the size kept in bounds."""

import streamlit as st

from ui.adding import addition, both_ways, choose_sublayer, norming
from ui.frame import show_page
from ui.numbers import number_beside
from ui.sizes import norms_off
from ui.tokens import token_strip


def page(view):
    part = choose_sublayer(view)
    both_ways(view, part)
    picture, words = st.columns((12, 8), gap="large")
    with picture:
        if view.config.norm_first:  # the sections stand in the order in which the model works
            first = norming(view, part, 1)
            addition(view, part, 2)
        else:
            first = addition(view, part, 1)
            norming(view, part, 2)
        norms_off(view)
    with words:
        number_beside(view, first)


show_page("Add and norm", page, above=token_strip)
