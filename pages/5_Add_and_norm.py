"""Add and norm: before + update = after, and the size kept in bounds."""

from ui.session.navigation import ADD_AND_NORM
from ui.shell.page_shell import show_page
from ui.stages.add_and_norm.residual import addition, both_ways, norming, sublayer_controls
from ui.stages.add_and_norm.without_norms import norms_off


def page(view):
    part = sublayer_controls(view)
    both_ways(view, part)
    if view.config.norm_first:  # the sections stand in the order in which the model works
        first = norming(view, part, 1)
        addition(view, part, 2)
    else:
        first = addition(view, part, 1)
        norming(view, part, 2)
    norms_off(view)
    return first


show_page(ADD_AND_NORM, page)
