"""Encoder and decoder: one sentence under both masks and one drawn by hand, what that changes, and what padding does."""
from ui.compare import changed_tokens, changed_words, under, visibility
from ui.frame import foot, open_page
from ui.masking import draw_mask
from ui.numbers import number_over
from ui.padding import padding

view = open_page("Encoder and decoder")
trained, encoder, decoder = under(view, "trained"), under(view, "encoder"), under(view, "decoder")
visibility(view, encoder, decoder)
drawn = draw_mask(view)
runs = {"Under the encoder’s mask": encoder, "Under the decoder’s mask": decoder, "Under your mask": drawn}
others = {title: run for title, run in runs.items() if run.asked != trained.asked}
changed_tokens(trained, others)
guesses = bool(view.config.head and view.config.decoder_layers)
if guesses:
    changed_words({"As trained": trained} | others)
padding(view, 5 if guesses else 4)
number_over(view)
foot("Encoder and decoder")
