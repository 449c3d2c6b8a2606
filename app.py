"""Overview: the whole model on the typed sentence in one picture, and the way to its parts."""

import streamlit as st

from ui.kit.explanation_panel import number_over
from ui.kit.token_strip import special_tokens_note, token_strip
from ui.session.navigation import OVERVIEW
from ui.shell.page_shell import show_page
from ui.stages.overview.model_map import CELLS, deeper, how, river_map, road, story


def page(view):
    how(view)
    token_strip(view)
    river_map(view)
    st.caption(CELLS)
    story(view)
    deeper(view)
    special_tokens_note(view)
    road()
    number_over(view)


show_page(OVERVIEW, page, alone=False)
