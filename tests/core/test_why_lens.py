"""The logit lens: what the head would say after each layer."""

from __future__ import annotations

import numpy as np
import pytest

from core import GlassError, load, why
from core.ops import softmax
from tests.helpers.documents import document
from tests.helpers.tiny import FAMILIES

WITH_WORDS = [family for family in FAMILIES if family != "bert_bare"]


@pytest.mark.parametrize("family", WITH_WORDS)
def test_the_last_row_of_the_lens_is_the_output(tiny_trace, family):
    trace = tiny_trace(family)
    for row in range(len(trace.rows)):
        logits_NV = why.lens(trace, row)
        layers = trace.config.layers(trace.config.sides[-1])
        assert logits_NV.shape == (layers + 1, trace.config.n_vocab)
        np.testing.assert_allclose(logits_NV[-1], trace["head.logits"][row], rtol=0, atol=1e-11)


@pytest.mark.parametrize("family", WITH_WORDS)
def test_a_row_of_the_lens_is_the_output_of_a_model_without_the_later_layers(tiny_trace, family):
    """Each layer's vector put at the end of the stream: what comes out is the lens."""
    trace, row = tiny_trace(family), 2
    config = trace.config
    side, logits_NV = config.sides[-1], why.lens(trace, row)
    last = f"{side}.{config.layers(side) - 1}.out"
    steps = [f"{side}.embed.out", *(f"{side}.{n}.out" for n in range(config.layers(side)))]
    for step, logits_V in zip(steps, logits_NV, strict=True):
        cut = tiny_trace(family, edits={last: trace[step]})
        np.testing.assert_allclose(logits_V, cut["head.logits"][row], rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", ("study-decoder", "study-encoder", "smollm2"))
def test_the_lens_of_real_models_ends_at_their_output(name):
    trace = load(name).trace("The books that the student recommended")
    error = abs(why.lens(trace)[-1] - trace["head.logits"][-1]).max()
    assert error <= 2e-6 * abs(trace["head.logits"][-1]).max()


def test_a_trace_of_one_row_is_read_at_its_token(tiny_trace):
    whole, last = tiny_trace("gpt2"), tiny_trace("gpt2", rows=-1)
    np.testing.assert_allclose(why.lens(whole), why.lens(last), rtol=0, atol=1e-11)


def test_the_guesses_after_each_layer(tiny_trace):
    trace, word = tiny_trace("llama"), 7
    found, probs_NV = why.guesses(trace, 1, word, count=3), softmax(why.lens(trace, 1))
    assert found.steps[:2] == ("decoder.embed.out", "decoder.0.out")
    np.testing.assert_array_equal(found.ids_NT, np.argsort(-probs_NV, axis=1)[:, :3])
    np.testing.assert_allclose(found.prob_N, probs_NV[:, word])
    np.testing.assert_allclose(found.probs_NT, np.sort(probs_NV)[:, ::-1][:, :3])
    assert found.rank_N.tolist() == (probs_NV > probs_NV[:, [word]]).sum(axis=1).tolist()


def test_where_are_appears_in_the_study_decoder():
    """It is the likeliest word only after the last layer: with the ranks that docs/why.md names,
    counted from 1.
    """
    model = load("study-decoder")
    trace, are = (
        model.trace("The books that the student recommended"),
        int(model.tokenizer.id_of("are")),
    )
    found, logits_NV = why.guesses(trace, word=are), why.lens(trace)
    order_NV = np.argsort(-logits_NV, axis=1, kind="stable")
    assert found.rank_N.tolist() == (order_NV == are).argmax(axis=1).tolist()
    assert found.rank_N[-1] == 0 and (found.rank_N[:-1] > 0).all()
    assert found.prob_N[-1] == pytest.approx(float(trace["head.probs"][-1, are]), rel=1e-5)
    first, before_last = found.rank_N[[0, -2]] + 1
    ranks = f"on rank {first:,} of 3,000 before the first layer and on rank {before_last:,} before"
    assert ranks in document("why.md") and len(trace["head.probs"][-1]) == 3000


def test_a_model_without_words_says_so(tiny_trace, minilm):
    for trace in (tiny_trace("bert_bare"), minilm.trace("A sentence.")):
        for ask in (why.lens, lambda trace: why.parts(trace, 3), lambda trace: why.trail(trace, 3)):
            with pytest.raises(GlassError, match="no output head"):
                ask(trace)


@pytest.mark.parametrize("row", (-99, 99))
def test_rows_that_are_not_there(tiny_trace, row):
    with pytest.raises(GlassError, match="row"):
        why.lens(tiny_trace("gpt2"), row)
