"""Which head decides on the next word: silenced one by one, as anyone can do again."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from core import load, whatif
from core.deciding_head import aligning_head, deciding_head, rises_most, telling_head

MYSTERY = "The books that the student recommended"


def text_of(model, sentence: str) -> whatif.Text:
    encoding = model.encode(sentence)
    return whatif.Text(encoding.ids_L, encoding.words_L)


def probs(model, text, change: str = "") -> np.ndarray:
    return whatif.run(model, text, None, "trained", change)["head.probs"][-1]


@pytest.fixture(scope="module")
def decoder():
    return load("study-decoder")


def without_each(decoder, text) -> dict[tuple[int, int], np.ndarray]:
    """What comes out without each head, by whole runs."""
    return {
        (layer, head): probs(decoder, text, f"head:decoder.{layer}.{head}")
        for layer, head in np.ndindex(4, 5)
    }


@pytest.mark.parametrize("sentence", (MYSTERY, "The letters that the teacher wrote"))
def test_of_twenty_heads_one_decides_on_are(decoder, sentence):
    text, piece = text_of(decoder, sentence), decoder.tokenizer.piece
    found = deciding_head(decoder, text, probs(decoder, text))
    assert (found.side, found.heads, piece(found.first)) == ("decoder", 20, "are")
    for place, now_V in without_each(decoder, text).items():
        ahead = now_V[found.first] > now_V[found.second]
        comes_first = now_V.argmax() == found.first
        assert ahead == comes_first == (place != (found.layer, found.head)), place
    assert found.without_V == pytest.approx(probs(decoder, text, found.change), rel=1e-5)
    whole = whatif.run(decoder, text, None, "trained", found.change, rows=-1)
    assert np.array_equal(found.without_V, whole["head.probs"][-1])


@pytest.mark.parametrize(
    "sentence",
    ["The book that the student recommended is expensive.", "The girl lost her keys because"],
)
def test_where_no_head_decides_or_several_none_is_named(decoder, sentence):
    text = text_of(decoder, sentence)
    before_V = probs(decoder, text)
    turned = [
        (n, h)
        for n in range(4)
        for h in range(5)
        if probs(decoder, text, f"head:decoder.{n}.{h}").argmax() != before_V.argmax()
    ]
    assert len(turned) != 1 and deciding_head(decoder, text, before_V) is None


def test_the_word_that_gains_most_is_not_the_largest():
    assert rises_most([0.5, 0.4, 0.001, 0.099], [0.1, 0.5, 0.3, 0.1]) == 2
    assert rises_most([1.0, 0.0], [0.9, 0.1]) == 1  # from nothing


def test_a_head_in_which_all_look_alike_tells_nothing():
    class Trace(dict):
        config = SimpleNamespace(layers=lambda side: 2)

    alike, own = np.full((2, 4, 4), 0.25), np.zeros((2, 4, 4))
    alike[0] = [0.1, 0.8, 0.05, 0.05]  # all rows at token 1
    own[1, :, 0], own[1, 3] = 0.9, [0.1, 0.6, 0.2, 0.1]
    trace = Trace({"d.0.attn.pattern": alike, "d.1.attn.pattern": own})
    assert telling_head(trace, "d", 3, np.array([False, True, True, False])) == (1, 1)
    assert telling_head(trace, "d", 3, np.array([False, False, True, False])) is None


def test_the_head_that_aligns_a_translation_looks_from_each_word_at_another():
    """Its largest weights follow the words: of 11, it looks at 11 different ones."""
    trace = load("study-translator").trace("The small black cat sleeps on the green chair.")
    layer, head = aligning_head(trace, "decoder")
    pattern_LM = trace[f"decoder.{layer}.cross.pattern"][head]
    assert (layer, head) == (3, 1)
    assert len(set(pattern_LM.argmax(axis=1))) == len(pattern_LM)
    assert pattern_LM.max(axis=1).mean() > 0.95
