"""Two runs laid side by side: partners, maps on one grid, how much attention moves, and words that
can stand in the place of another.
"""

from itertools import product

import numpy as np
import pytest

from core.comparison import (
    NONE,
    aligned,
    laid_out,
    most_changed,
    moved_shares,
    places_in_text,
    trimmed,
)
from core.word_swaps import COUNT, one_word_replaced, span_at, swapped, swaps

TEXTS = [
    ("the book is old", "the books is old"),
    ("the book is old", "the very old book is old"),
    ("a b c d", "d c b a"),
    ("", "one"),
    ("the the the", "the the"),
    ("x y z", "p q"),
]


@pytest.mark.parametrize("before, after", TEXTS)
def test_every_token_stands_in_one_slot_and_in_the_order_of_reading(before, after):
    before, after = before.split(), after.split()
    slots_S2 = aligned(before, after)
    for run, text in enumerate((before, after)):
        there = [place for place in slots_S2[:, run] if place != NONE]
        assert there == list(range(len(text)))
    assert not (slots_S2 == NONE).all(axis=1).any()


def test_as_many_tokens_in_the_place_of_others_are_their_partners():
    slots_S2 = aligned("the book is old".split(), "the books is old".split())
    assert slots_S2.tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]
    slots_S2 = aligned("the book is old".split(), "the zor blat is old".split())
    assert slots_S2.tolist() == [[0, 0], [1, NONE], [NONE, 1], [NONE, 2], [2, 3], [3, 4]]
    equal_alone = aligned("a b c".split(), "a x c".split(), replace=False)
    assert equal_alone.tolist() == [[0, 0], [1, NONE], [NONE, 1], [2, 2]]


def test_a_map_is_laid_out_slot_by_slot_and_blank_where_there_is_no_token():
    values_LM = np.arange(9, dtype=np.float32).reshape(3, 3) / 7
    at_S = np.array([0, NONE, 1, 2])
    grid_SS = laid_out(values_LM, at_S)
    assert grid_SS.dtype == np.float32
    for row, column in product(range(4), repeat=2):
        if NONE in (at_S[row], at_S[column]):
            assert np.isnan(grid_SS[row, column])
        else:
            assert grid_SS[row, column] == values_LM[at_S[row], at_S[column]]


def test_moved_attention_is_half_the_sum_of_all_changes():
    rng = np.random.default_rng(5)
    before_HLM, after_HLM = (rng.random((2, n, n)) for n in (4, 5))
    slots_S2 = np.array([[0, 0], [1, NONE], [NONE, 1], [NONE, 2], [2, 3], [3, 4]])
    found = moved_shares(before_HLM, after_HLM, slots_S2)
    pairs = [(a, b) for a, b in slots_S2.tolist() if min(a, b) >= 0]
    assert found.shape == (2, len(pairs))
    for head, (n, (row, other_row)) in product(range(2), enumerate(pairs)):
        total = 0.0
        for a, b in slots_S2.tolist():
            one = before_HLM[head, row, a] if a >= 0 else 0
            other = after_HLM[head, other_row, b] if b >= 0 else 0
            total += abs(other - one)
        assert found[head, n] == pytest.approx(total / 2)


def test_the_words_that_changed_most_come_first_with_the_likeliest_of_both_among_them():
    before_V = np.array([0.5, 0.25, 0.1, 0.1, 0.05])
    after_V = np.array([0.49, 0.0, 0.15, 0.3, 0.06])
    assert most_changed(before_V, after_V, 2).tolist() == [1, 0]  # 0 is the likeliest of both
    assert most_changed(before_V, after_V, 3).tolist() == [1, 3, 0]
    after_V[3] = 0.5  # now another is the likeliest
    assert most_changed(before_V, after_V, 2).tolist() == [3, 0]


def test_spaces_at_the_edges_belong_to_no_token():
    assert trimmed("a  book ", (1, 8)) == (3, 7) and trimmed("a b", (1, 2)) == (2, 2)


def test_two_models_are_aligned_by_the_characters_that_their_tokens_stand_for(minilm, smollm2):
    text = "The unbelievable book is old."
    encodings = [model.encode(text) for model in (minilm, smollm2)]
    slots_S2 = aligned(*map(places_in_text, encodings), replace=False)
    paired = [pair for pair in slots_S2.tolist() if min(pair) >= 0]
    words = [
        [encoding.characters(i).strip() for encoding, i in zip(encodings, pair, strict=True)]
        for pair in paired
    ]
    assert ["book", "book"] in words and all(a == b for a, b in words)
    assert encodings[0].pieces[0] == "[CLS]" and [0, NONE] in slots_S2.tolist()


# --- words to put in ------------------------------------------------------------------------------


def test_a_word_is_replaced_where_it_stands_with_its_capital(minilm, smollm2):
    text = "Books that  students read"
    for model in (minilm, smollm2):
        encoding = model.encode(text)
        spans = [span_at(text, encoding, i) for i in range(len(encoding.ids_L))]
        words = [text[slice(*span)] for span in spans if span]
        assert [word for word in words if word] == ["Books", "that", "students", "read"]
    assert swapped(text, (0, 5), "letters") == "Letters that  students read"
    assert swapped(text, (12, 20), "Boys") == "Books that  Boys read"
    assert span_at("3, 17 5", None, 1) == (3, 5) and span_at("3", None, 4) is None


def test_words_for_a_place_begin_with_its_other_number_and_are_words_of_the_vocabulary(
    minilm, smollm2
):
    text = "The books that the student recommended"
    for model, place in ((minilm, 2), (smollm2, 1)):
        encoding, trace = model.encode(text), model.trace(text)
        found = swaps(model, trace, text, encoding, place)
        assert found[0] == "book" and len(found) == COUNT
        assert len({word.casefold() for word in [*found, "books"]}) == COUNT + 1
        for word in found:
            again = model.encode(swapped(text, span_at(text, encoding, place), word))
            assert len(again.ids_L) == len(encoding.ids_L)
    assert swaps(minilm, minilm.trace(text), text, minilm.encode(text), 0) == []  # [CLS]


@pytest.mark.parametrize(
    "text, other",
    [
        ("The book that the student recommended", "The books that the student recommended"),
        ("Keys that her boy found", "Key that her boy found"),
        ("...", None),
        ("a", None),
    ],
)
def test_one_word_is_replaced_and_nothing_else(minilm, text, other):
    found = one_word_replaced(minilm, minilm.trace(text), text, minilm.encode(text))
    assert found == other if other else found and len(found.split()) == len(text.split())
