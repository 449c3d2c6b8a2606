"""Output: what is done with the last vectors: the next word of a decoder, the meaning that an
encoder found.
"""

import streamlit as st

from ui.kit.explanation_panel import number_over
from ui.kit.token_strip import token_strip
from ui.session.navigation import OUTPUT
from ui.shell.page_shell import show_page
from ui.stages.output import next_token, sentence_vectors


def page(view):
    if not view.config.decoder_layers:
        sentence_vectors.two_meanings(view)
        sentence_vectors.sentence_vector(view)
        sentence_vectors.similarity(view)
        sentence_vectors.search(view)
        next_token.likely_words(view)
    elif view.config.head:
        if not next_token.overflowed(view):
            next_token.vector_to_words(view)
            step = next_token.sampling(view)
            next_token.write_on(view, step)
    else:
        st.info(
            "The files of this model hold no output layer, so its last vectors can’t be turned into"
            " words. Its layers and all their numbers are on the other pages."
        )
    number_over(view)


show_page(OUTPUT, page, above=token_strip)
