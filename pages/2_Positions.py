"""Positions: how a model knows where a word stands, the sine waves, and what happens without."""

from ui.session.navigation import POSITIONS
from ui.shell.page_shell import show_page
from ui.stages.positions.encodings import PARTS, part_controls


def page(view):
    PARTS[part_controls(view)](view)


show_page(POSITIONS, page)
