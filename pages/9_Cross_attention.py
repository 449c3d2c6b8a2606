"""Cross-attention: the decoder looks at what the encoder has read, and writes word after word; the
alignment that appears.
"""

from ui import crossing, writing
from ui.frame import show_page
from ui.numbers import number_over
from ui.tokens import token_strip


def page(view):
    if not view.config.crosses:
        crossing.missing(view)
        return
    crossing.two_texts(view)
    writing.word_by_word(view)
    crossing.five_steps(view)
    crossing.alignment(view)
    writing.likelihood(view)
    number_over(view)


show_page("Cross-attention", page, above=token_strip, side="decoder")
