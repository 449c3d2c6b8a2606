"""Attention: one head, one token, in five steps."""

from ui.session.navigation import ATTENTION
from ui.shell.page_shell import show_page
from ui.stages.attention.steps import attention

show_page(ATTENTION, attention)
