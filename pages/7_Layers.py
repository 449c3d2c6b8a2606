"""Layers: the same again, layer after layer: where all heads look, the way of each token, and what
reaches it.
"""

from ui import layers, links
from ui.frame import show_page
from ui.numbers import number_over
from ui.tokens import token_strip


def page(view):
    layers.prepared(view)
    layers.all_layers(view)
    layers.path(view)
    layers.added(view)
    layers.rollout(view)
    layers.leans(view)
    links.measured(view)
    number_over(view)


show_page("Layers", page, above=token_strip)
