"""Cross-attention: the decoder looks at what the encoder has read, and writes word after word; the
alignment that appears.
"""

from ui.session.navigation import CROSS_ATTENTION
from ui.shell.page_shell import show_page
from ui.stages.attention import STEPS
from ui.stages.cross_attention.alignment import alignment, five_steps, no_cross_attention, two_texts
from ui.stages.cross_attention.decoding import likelihood, word_by_word


def page(view):
    if not view.config.crosses:
        no_cross_attention(view)
        return
    two_texts(view)
    word_by_word(view)
    five_steps(view, STEPS)
    alignment(view)
    likelihood(view)


show_page(CROSS_ATTENTION, page, side="decoder")
