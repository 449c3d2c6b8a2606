"""Before attention: what an LSTM and attention guess when an early word changes; and what a neuron,
a layer, and an LSTM that reads word by word are.
"""

from ui.kit.section import detailed
from ui.kit.stage import card
from ui.session.navigation import BEFORE_ATTENTION
from ui.shell.page_shell import show_page
from ui.stages.before_attention.early_words import examples, rates
from ui.stages.before_attention.influence import averages, influence_section, influence_table
from ui.stages.before_attention.lstm import is_read, lstm_section, owner, reading, settle_reading
from ui.stages.before_attention.neuron import (
    first_layer,
    layer_section,
    neuron_figure,
    neuron_section,
)
from ui.stages.before_attention.two_guesses import two_guesses


def page(view):
    neurons = first_layer(view)
    if not is_read(view):
        first = neuron_figure(neurons)
    else:
        first = networks(view)
        card("What does one neuron compute?", "before-neuron", lambda: neuron_section(neurons))
    card("What is a layer of neurons?", "before-layer", lambda: layer_section(neurons))
    return first


def networks(view):
    compared, first = two_guesses(view)
    examples(view, compared)
    if detailed() and compared:
        influence_table(compared, compared["LSTM"].words)
    card("How often does each network lose the early word?", "before-lost", rates)
    card(
        "How does an LSTM read, word by word?",
        "before-lstm",
        lambda: lstm_section(view, reading(view)),
    )
    card("How far does one word reach?", "before-reach", lambda: influence_section(view, compared))
    card("Is it the same in other sentences?", "before-mean", lambda: averages(view))
    return first


show_page(BEFORE_ATTENTION, page, settle=settle_reading, owner=owner)
