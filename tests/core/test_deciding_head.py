"""Which head decides on the next word: silenced one by one, as anyone can do again."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from core import load, whatif
from core.deciding_head import aligning_head, silence_each, telling_head

OPENING = "The queen closed the book because"  # the first screen: she or it?


def text_of(model, sentence: str) -> whatif.Text:
    encoding = model.encode(sentence)
    return whatif.Text(encoding.ids_L, encoding.words_L)


def probs(model, text, change: str = "") -> np.ndarray:
    return whatif.run(model, text, None, "trained", change)["head.probs"][-1]


@pytest.fixture(scope="module")
def decoder():
    return load("study-decoder")


def without_each(model, text) -> dict[tuple[int, int], np.ndarray]:
    """What comes out without each head, each in a whole run of its own."""
    return {
        (layer, head): probs(model, text, f"head:decoder.{layer}.{head}")
        for layer in range(model.config.decoder_layers)
        for head in range(model.config.n_heads)
    }


@pytest.mark.parametrize(
    "sentence, first, second",
    [(OPENING, "she", "it"), ("The boy closed the box because", "he", "it")],
)
def test_of_twenty_heads_one_decides_between_the_person_and_the_thing(
    decoder, sentence, first, second
):
    text, piece = text_of(decoder, sentence), decoder.tokenizer.piece
    found = silence_each(decoder, text, probs(decoder, text)).decision
    assert (piece(found.first), piece(found.second)) == (first, second)
    now = without_each(decoder, text)
    assert found.heads == len(now) == 20
    for place, now_V in now.items():
        ahead = now_V[found.first] > now_V[found.second]
        assert ahead == (place != (found.layer, found.head)), place
    trace = whatif.run(decoder, text, None, "trained", "")
    row_M = trace[f"{found.side}.{found.layer}.attn.pattern"][found.head, -1]
    assert sentence.split()[row_M.argmax() - 1] in ("queen", "boy") and row_M.max() > 0.8
    assert found.without_V == pytest.approx(probs(decoder, text, found.change), rel=1e-5)
    whole = whatif.run(decoder, text, None, "trained", found.change, rows=-1)
    assert np.array_equal(found.without_V, whole["head.probs"][-1])


@pytest.mark.parametrize(
    "sentence, kind",
    [
        (OPENING, "one"),
        ("The book that the student recommended is expensive.", "none"),
        ("The girl lost her keys because", "several"),
    ],
)
def test_a_head_is_named_only_where_it_alone_puts_another_word_first(decoder, sentence, kind):
    text = text_of(decoder, sentence)
    before_V, now = probs(decoder, text), without_each(decoder, text)
    turned = {place for place, now_V in now.items() if now_V.argmax() != before_V.argmax()}
    found = silence_each(decoder, text, before_V)
    assert set(found.turned) == turned and found.heads == len(now)
    assert ["none", "one", "several"][min(len(turned), 2)] == kind
    assert (found.decision is not None) == (len(turned) == 1)
    if found.decision:
        assert (found.decision.layer, found.decision.head) in turned
        assert found.decision.second == now[turned.pop()].argmax()


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
    assert len(set(pattern_LM.argmax(axis=1))) == len(pattern_LM)
    assert pattern_LM.max(axis=1).mean() > 0.95
