"""Heads: a vector split between many heads, where each looks, what each does on this sentence, and
what each adds.
"""

import streamlit as st

from ui.kit.word_grouping import grouped_weights
from ui.session.navigation import HEADS
from ui.shell.page_shell import show_page
from ui.stages import heads


def page(view):
    drawn = grouped_weights(view)
    heads.split(view)
    heads.all_heads(view, drawn)
    left, right = st.columns(2, gap="large")
    with left:
        heads.head_lines(view, drawn)
    with right:
        heads.roles_section(view)
    heads.contributions_section(view)
    heads.ablation(view)


show_page(HEADS, page)
