"""Positions: how a model knows where a word stands, the sine waves, and what happens without."""

from ui.frame import show_page
from ui.numbers import number_over
from ui.places import PARTS, choose_part
from ui.tokens import token_strip


def page(view):
    PARTS[choose_part(view)](view)
    number_over(view)


show_page("Positions", page, above=token_strip)
