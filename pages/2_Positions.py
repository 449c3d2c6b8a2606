"""Positions: how a model knows where a word stands, the sine waves, and what happens without."""

from functools import partial

from ui.kit.stage import card
from ui.session.navigation import POSITIONS
from ui.shell.page_shell import show_page
from ui.stages.positions.encodings import positions
from ui.stages.positions.questions import questions


def page(view):
    first = positions(view)
    for question, name, answer in questions(view):
        card(question, f"positions-{name}", partial(answer, view))
    return first


show_page(POSITIONS, page)
