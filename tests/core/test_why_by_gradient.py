"""Which tokens count, by gradients: against runs that are moved a little, and completeness."""

from __future__ import annotations

import numpy as np
import pytest

from core import load, why
from core.vectors import rank_correlation, ranks
from tests.helpers.documents import document, figure
from tests.helpers.model_files import refusal
from tests.helpers.tiny import FURTHER

FAMILY = ("gpt2", "llama", "marian", "bert", "t5_gated")
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in FURTHER]


def word_of(trace) -> int:
    """A word to ask about."""
    return int(trace["head.logits"][-1].argmax())


def has_head(trace) -> bool:
    """Whether there are words to ask about."""
    return bool(trace.config.head)


@pytest.mark.parametrize("name", FAMILY)
def test_vector_times_gradient_is_what_a_small_change_does(name, tiny_trace):
    """A share of each token's vector less takes as much of the outcome."""
    trace = tiny_trace(name)
    word, row = word_of(trace), -1
    found = why.times_input(None, trace, word, 3, row)
    side, share = trace.config.sides[0], 1e-5
    step = f"{side}.embed.token"
    assert list(found.by_token) == list(trace.config.sides) and np.isnan(found.error)
    for token in (0, 2):
        after = []
        for sign in (1, -1):
            x_LD = trace[step].copy()
            x_LD[token] *= 1 + sign * share
            logits_V = trace.rerun(side, None, {step: x_LD}, [len(trace.rows) - 1])["head.logits"][
                0
            ]
            after.append(logits_V[word] - logits_V[3])
        wanted = (after[0] - after[1]) / (2 * share)
        assert found.by_token[side][token] == pytest.approx(wanted, rel=1e-5, abs=1e-7)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", (*FAMILY, *SLOW))
def test_integrated_gradients_are_complete(name, tiny_trace):
    """They add up to what the outcome is above that of the blank text; more steps do it better,
    where few have not been right by chance.
    """
    trace = tiny_trace(name)
    if not has_head(trace):
        assert "guesses no words" in refusal(lambda: why.integrated(None, trace, 3))
        return
    word = word_of(trace)
    rival = (word + 1) % trace.config.n_vocab
    coarse, fine = (why.integrated(None, trace, word, rival, steps=steps) for steps in (2, 64))
    assert fine.gained == coarse.gained and abs(fine.gained) > 1e-3
    assert abs(fine.error) < 0.02 * max(1.0, abs(fine.gained))
    assert fine.error == pytest.approx(fine.total - fine.gained)
    assert abs(fine.error) < max(abs(coarse.error), 0.005 * abs(fine.gained)) + 1e-9


@pytest.mark.parametrize("baseline", ("mean", "zero", 4))
def test_the_blank_text_is_as_it_is_said(baseline, tiny_trace):
    trace = tiny_trace("gpt2")
    table_VD = trace.weights["decoder.embed.token.weight"]
    blank_D = {"mean": table_VD.mean(axis=0), "zero": np.zeros(table_VD.shape[1]), 4: table_VD[4]}
    edits = {"decoder.embed.token": np.tile(blank_D[baseline], (len(trace.rows), 1))}
    logits_V = trace.rerun("decoder", None, edits, [len(trace.rows) - 1])["head.logits"][0]
    found = why.integrated(None, trace, 2, 3, baseline=baseline, steps=48)
    before_V = trace["head.logits"][-1]
    wanted = before_V[2] - before_V[3] - (logits_V[2] - logits_V[3])
    assert found.gained == pytest.approx(wanted, rel=1e-9)
    assert found.total == pytest.approx(wanted, abs=0.02 * max(1, abs(wanted)))


def test_a_token_that_is_the_blank_one_gives_nothing(tiny_trace):
    trace = tiny_trace("gpt2")
    ids_L = trace["decoder.embed.ids"]
    given_L = why.integrated(None, trace, 2, baseline=int(ids_L[1]), steps=4).by_token["decoder"]
    same = ids_L == ids_L[1]
    assert not given_L[same].any() and given_L[~same].any()


@pytest.mark.parametrize("name", ("gpt2", "marian"))
def test_what_is_lost_without_a_token_is_that_of_a_run_with_the_blank_in_its_place(
    name, tiny_trace
):
    trace = tiny_trace(name)
    word, found = word_of(trace), why.without_each(None, trace, word_of(trace), 3, baseline="zero")
    before = trace["head.logits"][-1, word] - trace["head.logits"][-1, 3]
    for side in trace.config.sides:
        step = f"{side}.embed.token"
        for token in (0, 2):
            x_LD = trace[step].copy()
            x_LD[token] = 0
            logits_V = tiny_trace(name, edits={step: x_LD})["head.logits"][-1]
            wanted = before - (logits_V[word] - logits_V[3])
            assert found.by_token[side][token] == pytest.approx(wanted, abs=1e-12)
            assert wanted  # each token counts


def test_both_come_one_by_one(tiny_trace):
    """What is not measured yet is not a number; the gradients of the way so far add up already."""
    trace = tiny_trace("gpt2")
    lost = [each.by_token["decoder"] for each in why.each_without(None, trace, 2)]
    assert [np.isnan(each).sum() for each in lost] == list(range(len(lost) - 1, -1, -1))
    way = list(why.each_integrated(None, trace, 2, steps=4))
    assert [each.done for each in way] == [0.25, 0.5, 0.75, 1] and len({e.gained for e in way}) == 1
    whole = why.integrated(None, trace, 2, steps=4)
    assert np.array_equal(way[-1].by_token["decoder"], whole.by_token["decoder"])


def test_the_rank_correlation_counts_pairs_in_order():
    """Spearman's formula where no two are equal; the middle of their places where some are."""
    rng = np.random.default_rng(3)
    a_N, b_N = rng.normal(size=(2, 9))
    places = [[sorted(each).index(x) for x in each] for each in (a_N.tolist(), b_N.tolist())]
    apart = sum((one - other) ** 2 for one, other in zip(*places, strict=True))
    assert rank_correlation(a_N, b_N) == pytest.approx(1 - 6 * apart / (9 * (81 - 1)))
    assert rank_correlation(a_N, np.exp(a_N)) == pytest.approx(1)
    assert rank_correlation(a_N, -a_N) == pytest.approx(-1)
    assert ranks(np.array([5, 1, 5, 2])).tolist() == [2.5, 0, 2.5, 1]
    assert np.isnan(rank_correlation(a_N, np.ones(9)))
    assert np.isnan(rank_correlation(a_N, np.append(b_N[:8], np.nan)))


@pytest.mark.parametrize("path", ("decoder.1.attn", "decoder.0.cross", "encoder.0.attn"))
def test_weight_times_gradient_adds_up_to_the_weighted_sums(path, tiny_trace):
    trace = tiny_trace("marian")
    grads = trace.backward(of=(trace.rows[-1], 3, 5))
    looks_HLM = why.looks_by_gradient(grads, path)
    sums_HL = np.vecdot(trace[f"{path}.z"], grads[f"{path}.z"])
    np.testing.assert_allclose(looks_HLM.sum(axis=-1), sums_HL, atol=1e-12)


def test_what_cannot_be_asked_is_refused(tiny_trace):
    trace = tiny_trace("gpt2")
    assert "1 to 1,000 steps" in refusal(lambda: why.integrated(None, trace, 2, steps=0))
    for wrong in ("pad", -1, 10**6):
        assert "blank text" in refusal(
            lambda wrong=wrong: why.integrated(None, trace, 2, baseline=wrong)
        )
    assert "vocabulary goes" in refusal(lambda: why.times_input(None, trace, 10**6))


def test_a_whole_run_once_more_is_that_run(tiny_trace):
    trace = tiny_trace("marian", mask={"encoder": "others"})
    again = trace.again({})
    assert list(again) == list(trace)
    assert all(np.array_equal(again[name], trace[name], equal_nan=True) for name in trace)
    edits = {"decoder.0.attn.z": np.zeros_like(trace["decoder.0.attn.z"])}
    edited = tiny_trace("marian", mask={"encoder": "others"}, edits=edits)
    once = trace.again(edits, rows=[2])
    assert np.array_equal(once["decoder.out"], edited["decoder.out"])
    assert once.rows.tolist() == [2] and once["head.logits"].shape[0] == 1
    assert np.allclose(once["head.logits"][0], edited["head.logits"][2])


def test_what_the_document_says_of_two_sentences_is_what_the_decoder_does():
    """Which token each measure names, and how its order agrees with the measured one."""
    model, text = load("study-decoder"), document("why.md")
    words = [int(model.tokenizer.id_of(word)) for word in ("are", "is")]
    firsts, agree, measured = {}, {}, {}
    for sentence in ("The books that the student recommended", "The boys near the nurse"):
        trace = model.trace(sentence)
        found = (
            why.without_each(None, trace, *words),
            why.times_input(None, trace, *words),
            why.integrated(None, trace, *words, steps=128),
        )
        columns = [each.by_token["decoder"] for each in found]
        names = ["[START]", *sentence.split()]
        firsts[sentence[4:8]] = [names[int(np.abs(each).argmax())] for each in columns]
        agree[sentence[4:8]] = [rank_correlation(each, columns[0]) for each in columns[1:]]
        measured[sentence[4:8]] = columns[0]
    most, rises = measured["book"].max(), -measured["book"][2]
    assert firsts == {"book": ["The", "[START]", "The"], "boys": ["near", "[START]", "The"]}
    assert f"in place of “The” takes {figure(most)} away" in text
    assert f"in place of “books”, are − is rises by {figure(rises)}" in text
    by_input, integrated = map(figure, agree["book"])
    assert f"its order agrees by {by_input}; integrated gradients (128 steps)" in text
    assert f"name “The”, too, and agree by {integrated}" in text
    by_input, integrated = map(figure, agree["boys"])
    assert f"[START] ({by_input}), integrated gradients “The” ({integrated})" in text
