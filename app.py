"""Overview: the whole model on the typed sentence in one picture, and the way to its parts."""

import streamlit as st

from ui.kit.token_words import special_tokens_note
from ui.session.navigation import OVERVIEW
from ui.shell.page_shell import show_page
from ui.stages.overview.model_map import (
    CAPTION,
    depth_details,
    instructions,
    map_in_words,
    overview_map,
    page_links,
)


def page(view):
    instructions(view)
    overview_map(view)
    st.caption(CAPTION)
    map_in_words(view)
    depth_details(view)
    special_tokens_note(view)
    page_links()


show_page(OVERVIEW, page, tokens=False, alone=False, beside=False)
