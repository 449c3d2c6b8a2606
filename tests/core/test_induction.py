"""A text that comes twice: the loss falls, some heads do it, and without them it comes back."""

import numpy as np
import pytest

from core import GlassError, load, whatif
from core.edits import ablate_head, together
from core.steps.heads import ROLES
from core.why import induction


@pytest.fixture(scope="module")
def twice(smollm2):
    return induction.repeated(smollm2)


def test_the_second_copy_is_guessed_far_better_than_the_first(twice):
    loss_N = induction.losses(twice.trace)
    ids_L = twice.trace["decoder.embed.ids"]
    assert len(loss_N) == len(ids_L) - 1 and twice.length == whatif.MOST_RANDOM
    copies = [ids_L[twice.start + n * twice.length :][: twice.length] for n in (0, 1)]
    assert np.array_equal(*copies)
    first, second = twice.copies(loss_N)
    assert first > 12 and 1 < second < 5  # nats; by chance it would be 10.8


def test_a_loss_is_the_surprise_of_the_token_that_came(twice):
    loss_N, probs_RV = induction.losses(twice.trace), twice.trace["head.probs"]
    for n in (0, 7, 30, 48):
        share = probs_RV[n, twice.trace["decoder.embed.ids"][n + 1]]
        assert loss_N[n] == pytest.approx(-np.log(share), rel=1e-4)


def test_the_heads_that_look_for_what_followed_last_time(twice):
    scores_NH = induction.scores(twice.trace)
    assert scores_NH.shape == (30, 9)
    assert induction.strongest(scores_NH, 4) == [(18, 6), (17, 3), (17, 4), (17, 5)]
    column = ROLES.index("induction")
    assert scores_NH[18, 6] == twice.trace["decoder.18.attn.pattern.roles"][6, column]
    before_NH = induction.scores(twice.trace, "previous token")
    assert induction.strongest(before_NH, 2) == [(16, 0), (11, 1)]


def test_without_these_heads_the_loss_comes_back(twice):
    """Together they matter more than the sum of each alone: one stands in for another."""
    heads = induction.strongest(induction.scores(twice.trace), 5)
    *alone, together_ = induction.each_without(twice.trace, heads)
    first, second = twice.copies(induction.losses(twice.trace))
    rise = [twice.copies(each.loss_N)[1] - second for each in alone]
    assert [each.heads for each in alone] == [(head,) for head in heads]
    assert together_.heads == tuple(heads)
    assert twice.copies(together_.loss_N)[1] - second > 5 > 4 > sum(rise)
    assert abs(twice.copies(together_.loss_N)[0] - first) < 0.5  # the first copy needs none


def test_without_the_one_that_looks_one_token_back_there_is_no_induction(twice):
    (without,) = [induction.without(twice.trace, [(16, 0)])]
    assert twice.copies(without.loss_N)[1] > 2 * twice.copies(induction.losses(twice.trace))[1]


# --- small models ---------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ("gpt2", "llama", "llama_tied"))
def test_the_loss_without_heads_is_that_of_a_whole_run_bit_for_bit(tiny_trace, family):
    ids_L = np.array([3, 5, 7, 2, 3, 5, 7, 2])
    trace = tiny_trace(family, ids_L=ids_L)
    assert np.array_equal(induction.without(trace, ()).loss_N, induction.losses(trace))
    heads = ((1, 0), (0, 1))
    edits = together(*(ablate_head("decoder", *head) for head in heads))
    expected = induction.losses(tiny_trace(family, ids_L=ids_L, edits=edits))
    assert np.array_equal(induction.without(trace, heads).loss_N, expected)
    assert not np.array_equal(expected, induction.losses(trace))


def test_a_phrase_comes_twice():
    model = load("study-decoder")
    phrase_L = model.encode("the old man reads a book", special=False).ids_L
    found = induction.repeated(model, phrase_L)
    assert (found.start, found.length) == (0, len(phrase_L))
    assert np.array_equal(found.trace["decoder.embed.ids"], [*phrase_L, *phrase_L])
    loss_N = np.arange(2 * len(phrase_L) - 1.0)
    count = len(phrase_L) - 1
    assert found.copies(loss_N) == (np.mean(range(count)), np.mean(range(count + 1, 2 * count + 1)))


def test_of_a_random_text_a_copy_begins_after_the_special_tokens():
    model = load("study-decoder")
    found = induction.repeated(model)
    ids_L = found.trace["decoder.embed.ids"]
    copies = [ids_L[found.start + n * found.length :][: found.length] for n in (0, 1)]
    assert found.length == whatif.MOST_RANDOM and np.array_equal(*copies)
    assert all(model.tokenizer.is_special(int(i)) for i in ids_L[: found.start])


def test_what_can_not_be_tried_is_said(tiny_trace, minilm):
    with pytest.raises(GlassError, match="guesses the next word"):
        induction.repeated(minilm)
    with pytest.raises(GlassError, match="guesses the next word"):
        induction.repeated(load("study-translator"))
    with pytest.raises(GlassError, match="two tokens"):
        induction.repeated(load("study-decoder"), [5])
    trace = tiny_trace("gpt2", ids_L=np.array([3, 5, 7]), rows=-1)
    with pytest.raises(GlassError, match="not computed"):
        induction.losses(trace)
    with pytest.raises(GlassError, match="no layer 9"):
        induction.without(trace, [(9, 0)])
    with pytest.raises(GlassError, match="no head 99"):
        induction.without(trace, [(0, 99)])
