"""Layers: the same again, layer after layer: how each moves the chosen token's vector, which heads
look where, and what reaches it.
"""

from ui.kit.section import detailed
from ui.kit.stage import card
from ui.kit.token_words import which_word
from ui.session.navigation import LAYERS
from ui.shell.page_shell import show_page
from ui.stages.layers.head_links import known_links, link_map
from ui.stages.layers.layer_maps import compute_readings, head_roles
from ui.stages.layers.layer_steps import layer_steps
from ui.stages.layers.token_paths import token_path
from ui.stages.layers.token_sources import attends_to, rollout_section
from ui.stages.layers.updates import layer_updates, lengths_table, parts_of


def page(view):
    compute_readings(view)
    first, name = layer_steps(view), which_word(view)
    if detailed():
        lengths_table(view, parts_of(view))
    card(f"What does {name} attend to in each layer?", "layers-attends", lambda: attends_to(view))
    card(f"Which words could have reached {name}?", "layers-rollout", lambda: rollout_section(view))
    card("Which path do the vectors take?", "layers-path", lambda: token_path(view))
    card("How long is each update?", "layers-added", lambda: layer_updates(view))
    card("Which role does each head play?", "layers-roles", lambda: head_roles(view))
    if known_links(view):
        card(
            "Which heads link which words, over many sentences?",
            "layers-links",
            lambda: link_map(view),
        )
    return first


show_page(LAYERS, page)
