"""Attention: one head, one token, in five steps."""

from ui.kit.stepper import stepper
from ui.session.navigation import ATTENTION
from ui.shell.page_shell import show_page
from ui.stages.attention import STEPS


def page(view):
    step = stepper([step.title for step in STEPS])
    return STEPS[step].draw(view)


show_page(ATTENTION, page)
