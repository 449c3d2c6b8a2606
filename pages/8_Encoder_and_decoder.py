"""Encoder and decoder: one head under both masks and one drawn by hand, what that changes, and what
padding does.
"""

from ui.kit.runs import under
from ui.kit.stage import card
from ui.session.navigation import ENCODER_AND_DECODER
from ui.shell.model_notes import learned_under
from ui.shell.page_shell import show_page
from ui.stages.encoder_and_decoder.both_masks import both_masks
from ui.stages.encoder_and_decoder.comparison import changed_tokens, changed_words, compared_runs
from ui.stages.encoder_and_decoder.editor import draw_mask
from ui.stages.encoder_and_decoder.padding import padding


def page(view):
    encoder, decoder, trained = (under(view, mask) for mask in ("encoder", "decoder", "trained"))
    first = both_masks(view, encoder, decoder)
    others = compared_runs(view, encoder, decoder, view)
    card("What if you drew the mask yourself?", "masks-draw", lambda: draw_mask(view))
    card(
        "Which tokens change under another mask?",
        "masks-tokens",
        lambda: changed_tokens(trained, others),
    )
    if view.config.head and view.config.decoder_layers:
        card(
            "Does another mask change the next word?",
            "masks-words",
            lambda: changed_words({"As trained": trained} | others),
        )
    card("What does padding change?", "masks-padding", lambda: padding(view))
    card("Which mask was this model trained with?", "masks-trained", lambda: learned_under(view))
    return first


show_page(ENCODER_AND_DECODER, page)
