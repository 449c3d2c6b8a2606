"""Layers: the same again, layer after layer: where all heads look, the way of each token, and what
reaches it.
"""

from ui.session.navigation import LAYERS
from ui.shell.page_shell import show_page
from ui.stages.layers.head_links import link_map
from ui.stages.layers.layer_maps import all_layers, compute_readings
from ui.stages.layers.token_paths import token_path
from ui.stages.layers.token_sources import attends_to, rollout_section
from ui.stages.layers.updates import layer_updates


def page(view):
    compute_readings(view)
    all_layers(view)
    token_path(view)
    layer_updates(view)
    rollout_section(view)
    attends_to(view)
    link_map(view)


show_page(LAYERS, page)
