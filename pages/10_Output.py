"""Output: what is done with the last vectors: the next word of a decoder, the meaning that an
encoder found.
"""

from ui.session.navigation import OUTPUT
from ui.shell.page_shell import show_page
from ui.stages.output.continuation import write_on
from ui.stages.output.next_token import (
    likely_words,
    no_output_layer,
    overflowed,
    sampling,
    vector_to_words,
)
from ui.stages.output.sentence_vectors import search, sentence_vector, text_similarity
from ui.stages.output.word_in_context import two_meanings


def page(view):
    if not view.config.decoder_layers:
        two_meanings(view)
        sentence_vector(view)
        text_similarity(view)
        search(view)
        likely_words(view)
    elif not view.config.head:
        no_output_layer()
    elif not overflowed(view):
        vector_to_words(view)
        write_on(view, sampling(view))


show_page(OUTPUT, page)
