"""Before attention: a neuron, a layer, an LSTM that reads word by word, and how far a word reaches
in it and with attention.
"""

import streamlit as st

from ui.before import first_layer, one_layer, one_neuron
from ui.frame import show_page
from ui.gates import missing, owner, read_on, reading
from ui.numbers import number_beside
from ui.reach import reaching
from ui.theme import plain
from ui.tokens import token_strip


def page(view):
    explained, why = owner(view), missing(view)
    picture, words = st.columns((12, 8), gap="large")
    with picture:
        first = one_neuron(first_layer(view))
        one_layer(first_layer(view))
        if why:
            st.info(f"Here an LSTM would read the sentence. {plain(why)}")
        else:
            read_on(view, reading(view), 3)
            reaching(view, 4)
    with words:
        number_beside(explained, first)


show_page("Before attention", page, above=token_strip, owner=owner)
