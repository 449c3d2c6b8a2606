"""Cross-attention: the decoder looks at what the encoder has read, and writes word after word."""

from ui.session.navigation import CROSS_ATTENTION
from ui.shell.page_shell import show_page
from ui.stages.attention.steps import walk
from ui.stages.cross_attention.page import numbers_of, translation
from ui.stages.cross_attention.place import is_own, open_at_first


def page(view):
    return translation(view, walk)


show_page(CROSS_ATTENTION, page, side="decoder", settle=open_at_first, owner=numbers_of, own=is_own)
