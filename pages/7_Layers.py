"""Layers: the same again, layer after layer: where all heads look, the way of each token, and what
reaches it.
"""

from ui.kit.explanation_panel import number_over
from ui.kit.token_strip import token_strip
from ui.session.navigation import LAYERS
from ui.shell.page_shell import show_page
from ui.stages.layers import head_links, layer_maps, token_paths, token_sources, updates


def page(view):
    layer_maps.compute_readings(view)
    layer_maps.all_layers(view)
    token_paths.token_path(view)
    updates.layer_updates(view)
    token_sources.rollout_section(view)
    token_sources.attends_to(view)
    head_links.link_map(view)
    number_over(view)


show_page(LAYERS, page, above=token_strip)
