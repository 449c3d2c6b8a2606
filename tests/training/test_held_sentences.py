"""The sentences by which forgetting is measured: whole words that the models know, and sentences
that training keeps for the test.
"""

import pytest

from core import load
from training import corpus, held_sentences
from ui.stages.how_it_learned.lessons import held_texts


def test_the_decoder_reads_them_as_the_corpus_wrote_them():
    model, texts = load("study-decoder"), held_texts()
    assert len(set(texts)) == held_sentences.COUNT
    for text in texts:
        words = tuple(text.split(" "))
        assert len(words) <= held_sentences.LONGEST
        assert model.ids(text)[1:].tolist() == corpus.ids(words)


@pytest.mark.slow
def test_they_are_what_the_script_makes():
    assert list(held_texts()) == held_sentences.sentences()
