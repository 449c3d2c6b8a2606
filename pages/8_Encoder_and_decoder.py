"""Encoder and decoder: one sentence under both masks and one drawn by hand, what that changes, and
what padding does.
"""

from ui.kit.runs import under
from ui.session.navigation import ENCODER_AND_DECODER
from ui.shell.model_notes import learned_under
from ui.shell.page_shell import show_page
from ui.stages.encoder_and_decoder.comparison import changed_tokens, changed_words, compared_runs
from ui.stages.encoder_and_decoder.editor import draw_mask
from ui.stages.encoder_and_decoder.padding import padding
from ui.stages.encoder_and_decoder.visibility import visibility


def page(view):
    encoder, decoder = under(view, "encoder"), under(view, "decoder")
    learned_under(view)
    visibility(view, encoder, decoder)
    compared = compared_runs(view, encoder, decoder, draw_mask(view))
    changed_tokens(under(view, "trained"), compared)
    guesses = bool(view.config.head and view.config.decoder_layers)
    if guesses:
        changed_words({"As trained": under(view, "trained")} | compared)
    padding(view, 5 if guesses else 4)


show_page(ENCODER_AND_DECODER, page)
