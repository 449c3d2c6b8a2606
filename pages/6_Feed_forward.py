"""Feed-forward: each token alone, through its neurons."""

from ui.kit.neuron_charts import settle_neuron
from ui.session.navigation import FEED_FORWARD
from ui.shell.page_shell import show_page
from ui.stages.feed_forward import (
    activation,
    alone_section,
    gate_section,
    one_neuron,
    out_and_back,
    strongest_neurons,
)


def page(view):
    neuron = settle_neuron(view)
    gated = view.config.gated
    first = out_and_back(view)
    activation(view, neuron)
    if gated:
        gate_section(view, neuron)
    strongest_neurons(view, neuron, 3 + gated)
    one_neuron(view, neuron, 4 + gated)
    alone_section(view, 5 + gated)
    return first


show_page(FEED_FORWARD, page)
