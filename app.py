"""Overview: the whole model on the typed sentence in one picture, and the way to its parts."""

from ui.session.navigation import OVERVIEW
from ui.shell.page_shell import show_page
from ui.stages.overview.model_map import depth_details, overview_map


def page(view):
    overview_map(view)
    depth_details(view)


show_page(OVERVIEW, page, tokens=False, alone=False, beside=False)
