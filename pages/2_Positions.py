"""Positions: how a model knows where a word stands, the sine waves, and what happens without."""

from ui.kit.explanation_panel import number_over
from ui.kit.token_strip import token_strip
from ui.session.navigation import POSITIONS
from ui.shell.page_shell import show_page
from ui.stages.positions.encodings import PARTS, part_controls


def page(view):
    PARTS[part_controls(view)](view)
    number_over(view)


show_page(POSITIONS, page, above=token_strip)
