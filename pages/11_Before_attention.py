"""Before attention: a neuron, a layer, an LSTM that reads word by word, and how far a word reaches
in it and with attention.
"""

from ui.session.navigation import BEFORE_ATTENTION
from ui.shell.page_shell import show_page
from ui.stages.before_attention.influence import influence_section
from ui.stages.before_attention.lstm import is_read, lstm_section, owner, reading, settle_reading
from ui.stages.before_attention.neuron import first_layer, layer_section, neuron_section


def page(view):
    first = neuron_section(first_layer(view))
    layer_section(first_layer(view))
    if is_read(view):
        lstm_section(view, reading(view), 3)
        influence_section(view, 4)
    return first


show_page(BEFORE_ATTENTION, page, settle=settle_reading, owner=owner)
