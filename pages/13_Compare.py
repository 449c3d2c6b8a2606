"""Compare: a second sentence, head, layer or model beside the first: both guesses, how much
each head changes, both maps, and how far they differ.
"""

import streamlit as st

from core.errors import GlassError
from ui.session.navigation import COMPARE
from ui.shell.page_shell import show_page
from ui.stages.compare import heads, maps, pair, words
from ui.stages.compare.swaps import swap_buttons
from ui.text import plain


def page(view):
    pair.controls(view)
    try:
        compared = pair.compare(view)
    except GlassError as error:
        st.info(plain(error))
        return None
    words.next_words(compared)
    swap_buttons(compared)
    words.story(compared)
    heads.where_from(compared)
    cell = maps.three_maps(compared)
    maps.story(compared)
    words.below(compared)
    maps.tables(compared)
    return maps.first_number(compared, cell)


show_page(COMPARE, page, settle=pair.settle_compared, owner=pair.owner)
