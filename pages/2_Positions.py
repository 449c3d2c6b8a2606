"""Positions: how a model knows where a word stands."""
from ui.frame import foot, open_page

view = open_page("Positions")
foot("Positions")
