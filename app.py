"""Overview: the whole model on the typed sentence in one picture, and the way to its parts."""

import streamlit as st

from ui.frame import show_page
from ui.numbers import number_over
from ui.river import CELLS, deeper, how, river_map, road, story
from ui.tokens import signs_in, token_strip


def page(view):
    how(view)
    token_strip(view)
    river_map(view)
    st.caption(CELLS)
    story(view)
    deeper(view)
    signs_in(view)
    road()
    number_over(view)


show_page("Overview", page, alone=False)
