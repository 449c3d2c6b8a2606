"""Output: what is done with the last vectors: the next word of a decoder, the meaning that an
encoder found.
"""

import streamlit as st

from ui import drawing, search
from ui.frame import show_page
from ui.numbers import number_over
from ui.tokens import token_strip


def page(view):
    if not view.config.decoder_layers:
        search.two_meanings(view)
        search.sentence_vector(view)
        search.similar(view)
        search.find(view)
        drawing.likely_words(view)
    elif view.config.head:
        if not drawing.overflowed(view):
            drawing.vector_to_words(view)
            step = drawing.cut(view)
            drawing.write_on(view, step)
    else:
        st.info(
            "The files of this model hold no output layer, so its last vectors can’t be turned into"
            " words. Its layers and all their numbers are on the other pages."
        )
    number_over(view)


show_page("Output", page, above=token_strip)
