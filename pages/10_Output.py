"""Output: what is done with the last vectors: the next word of a decoder, the hidden word of an
encoder, the labels of a fine-tuned model, the vector of a whole text.
"""

from ui.kit.stage import card
from ui.session.navigation import OUTPUT
from ui.shell.page_shell import show_page
from ui.stages.output.beams import beams
from ui.stages.output.confidence import confidence
from ui.stages.output.continuation import one_draw, thrown, write_on
from ui.stages.output.hidden_word import hidden_word
from ui.stages.output.labelled import labelled
from ui.stages.output.next_token import (
    next_word,
    next_word_text,
    no_output_layer,
    overflowed,
    sampling,
    sampling_controls,
    vector_to_words,
)
from ui.stages.output.reused import reused
from ui.stages.output.sentence_vectors import mean_cell, search, sentence_vector, text_similarity
from ui.stages.output.word_in_context import word_figure, word_in_two_sentences


def page(view):
    if view.config.task:
        return labelled(view, text_cards)
    if not view.config.decoder_layers:
        return encoder(view)
    if not view.config.head:
        return no_output_layer()
    return None if overflowed(view) else decoder(view)


def decoder(view):
    draw = thrown(view)
    first = next_word(view, draw.word)
    sampling_controls()
    write_on(view, draw)
    next_word_text(view)
    card(
        "How does the last vector become probabilities?",
        "output-vector",
        lambda: vector_to_words(view),
    )
    card("What do temperature, top-k and top-p leave?", "output-cut", lambda: sampling(view))
    card("How is one word drawn?", "output-line", lambda: one_draw(view, draw))
    card("How sure was it of each token so far?", "output-sure", lambda: confidence(view))
    card("What if it kept several beginnings?", "output-beams", lambda: beams(view))
    card("Must it read everything again for the next token?", "output-reused", lambda: reused(view))
    return first


def encoder(view):
    guesses = view.config.head and not overflowed(view)
    first = hidden_word(view) if guesses else word_figure(view)
    if guesses:
        card(
            "Does a word mean the same in two sentences?",
            "output-context",
            lambda: word_in_two_sentences(view),
        )
    text_cards(view)
    return first or mean_cell(view)


def text_cards(view):
    card("What is one vector for the whole text?", "output-mean", lambda: sentence_vector(view))
    card("How alike are these sentences?", "output-alike", lambda: text_similarity(view))
    card("Can it search by meaning?", "output-search", lambda: search(view))


show_page(OUTPUT, page)
