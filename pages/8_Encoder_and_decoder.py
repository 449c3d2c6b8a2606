"""Encoder and decoder: one sentence under both masks and one drawn by hand, what that changes, and
what padding does.
"""

from ui.compare import changed_tokens, changed_words, under, visibility
from ui.frame import show_page
from ui.kinds import learned_under
from ui.masking import draw_mask
from ui.numbers import number_over
from ui.padding import padding
from ui.tokens import token_strip


def page(view):
    trained, encoder, decoder = (
        under(view, "trained"),
        under(view, "encoder"),
        under(view, "decoder"),
    )
    learned_under(view)
    visibility(view, encoder, decoder)
    drawn = draw_mask(view)
    runs = {"Under the encoder’s mask": encoder, "Under the decoder’s mask": decoder}
    runs |= {"Under your mask": drawn} if drawn.mask == "own" else {}
    others = {title: run for title, run in runs.items() if run.asked != trained.asked}
    changed_tokens(trained, others)
    guesses = bool(view.config.head and view.config.decoder_layers)
    if guesses:
        changed_words({"As trained": trained} | others)
    padding(view, 5 if guesses else 4)
    number_over(view)


show_page("Encoder and decoder", page, above=token_strip)
