"""Add and norm: before + update = after, and the size kept in bounds."""

from functools import partial

from ui.kit.stage import card
from ui.session.navigation import ADD_AND_NORM
from ui.shell.page_shell import show_page
from ui.stages.add_and_norm.residual import (
    add_and_norm,
    both_ways,
    every_token,
    in_their_plane,
    norming,
)
from ui.stages.add_and_norm.without_norms import norms_off

CARDS = {
    "What does the norm do to each number?": ("addnorm-norm", norming),
    "How much does every other token change?": ("addnorm-tokens", every_token),
    "Does the update point where the token already points?": ("addnorm-plane", in_their_plane),
    "Where does the norm stand, before the part or after it?": ("addnorm-order", both_ways),
    "What if there were no norms?": ("addnorm-none", norms_off),
}


def page(view):
    first = add_and_norm(view)
    for question, (name, answer) in CARDS.items():
        card(question, name, partial(answer, view))
    return first


show_page(ADD_AND_NORM, page)
