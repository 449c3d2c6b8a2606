"""Cross-attention: the decoder looks at what the encoder has read, and writes word after word; the
alignment that appears.
"""

from ui.kit.explanation_panel import number_over
from ui.kit.token_strip import token_strip
from ui.session.navigation import CROSS_ATTENTION
from ui.shell.page_shell import show_page
from ui.stages.attention import STEPS
from ui.stages.cross_attention import alignment, decoding


def page(view):
    if not view.config.crosses:
        alignment.no_cross_attention(view)
        return
    alignment.two_texts(view)
    decoding.word_by_word(view)
    alignment.five_steps(view, STEPS)
    alignment.alignment(view)
    decoding.likelihood(view)
    number_over(view)


show_page(CROSS_ATTENTION, page, above=token_strip, side="decoder")
