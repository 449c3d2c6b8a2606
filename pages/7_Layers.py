"""Layers: the same again, layer after layer: where all heads look, the way of each token, and what
reaches it.
"""

from ui.kit.explanation_panel import number_over
from ui.kit.token_strip import token_strip
from ui.session.navigation import LAYERS
from ui.shell.page_shell import show_page
from ui.stages.layers import head_links, token_paths


def page(view):
    token_paths.compute_readings(view)
    token_paths.all_layers(view)
    token_paths.token_path(view)
    token_paths.updates(view)
    token_paths.rollout(view)
    token_paths.attends_to(view)
    head_links.link_map(view)
    number_over(view)


show_page(LAYERS, page, above=token_strip)
