"""Layers: the same again, layer after layer."""
from ui.frame import foot, open_page

view = open_page("Layers")
foot("Layers")
