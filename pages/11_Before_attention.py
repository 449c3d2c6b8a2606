"""Before attention: a neuron, a layer, an LSTM that reads word by word, and how far a word reaches
in it and with attention.
"""

import streamlit as st

from ui.kit.explanation_panel import number_beside
from ui.kit.token_strip import token_strip
from ui.session.navigation import BEFORE_ATTENTION
from ui.shell.page_shell import show_page
from ui.stages.before_attention.influence import influence_section
from ui.stages.before_attention.lstm import is_read, lstm_section, owner, reading, settle_reading
from ui.stages.before_attention.neuron import first_layer, layer_section, neuron_section


def page(view):
    explained = owner(view)
    picture, words = st.columns((12, 8), gap="large")
    with picture:
        first = neuron_section(first_layer(view))
        layer_section(first_layer(view))
        if is_read(view):
            lstm_section(view, reading(view), 3)
            influence_section(view, 4)
    with words:
        number_beside(explained, first)


show_page(BEFORE_ATTENTION, page, above=token_strip, settle=settle_reading, owner=owner)
