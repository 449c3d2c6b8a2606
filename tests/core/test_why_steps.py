"""The sums of core.why as numbers of a trace, which can be opened like all others."""

from __future__ import annotations

import numpy as np
import pytest

from core import explain, load, why
from tests.helpers.tiny import FAMILIES

close = {"rtol": 1e-9, "atol": 1e-9}
WITH_WORDS = [family for family in FAMILIES if family != "bert_bare"]


def test_sources_of_the_stream_a_query_and_a_score(tiny_trace, family):
    trace = tiny_trace(family)
    for side in trace.config.sides:
        path = f"{side}.1.attn"
        for place in (f"{path}.in", f"{side}.0.out", f"{side}.out"):
            np.testing.assert_allclose(
                trace[f"{place}.sources.2"].sum(axis=0), trace[place][2], **close
            )
        q_K, k_K = trace[f"{path}.q"][1, 3], trace[f"{path}.k"][trace.config.group(1), 2]
        np.testing.assert_allclose(trace[f"{path}.q.sources.1.3"].sum(axis=0), q_K, **close)
        key = f"{path}.k.sources.{trace.config.group(1)}.2"
        np.testing.assert_allclose(trace[key].sum(axis=0), k_K, **close)
        pairs_XY = trace[f"{path}.scores.sources.1.3.2"]
        np.testing.assert_array_equal(pairs_XY, why.look(trace, path, 1, 3, 2).parts_ST)


@pytest.mark.parametrize("family", WITH_WORDS)
def test_parts_of_a_logit_and_the_lens(tiny_trace, family):
    trace = tiny_trace(family)
    logits_V = trace["head.logits"][1]
    assert trace["head.logits.parts.1.7"].sum() == pytest.approx(logits_V[7])
    gap = logits_V[7] - logits_V[9]
    assert trace["head.logits.against.1.7.9"].sum() == pytest.approx(gap, abs=1e-9)
    side, lens_NV = trace.config.sides[-1], why.lens(trace, 1)
    for step, lens_V in zip(why.guesses(trace, 1).steps, lens_NV, strict=True):
        np.testing.assert_allclose(trace[f"{step}.lens.1"], lens_V, **close)
    if trace.config.crosses:
        assert "encoder.0.out.lens.1" not in trace and f"{side}.0.out.lens.1" in trace


def test_they_are_there_only_where_there_are_words(tiny_trace, minilm):
    for trace in (tiny_trace("bert_bare"), minilm.trace("A sentence.")):
        assert "encoder.0.out.lens.1" not in trace and "head.logits.parts.1.7" not in trace
        assert "encoder.1.attn.in.sources.1" in trace


@pytest.mark.parametrize(
    "family, step", [("llama", "decoder.0.mlp.out"), ("bert", "encoder.0.out"), ("gpt2", "head.in")]
)
def test_under_an_experiment_every_source_opens(tiny_trace, family, step):
    """What was put there by hand, too."""
    trace = tiny_trace(family, edits={step: lambda x: x * 1.5 + 1})
    side = trace.config.sides[-1]
    for name in (f"{side}.1.mlp.in.sources.2", "head.logits.parts.2.7"):
        array = trace[name]
        for x in range(len(array)):
            made = explain(trace, name, (x, *[3] * (array.ndim - 1)))
            assert made.error <= 1e-9 * max(1.0, abs(made.value))


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "name, step, index",
    [
        ("study-decoder", "decoder.3.attn.in.sources.6", (10, 5)),
        ("study-decoder", "decoder.3.attn.scores.sources.4.6.2", (8, 8)),
        ("study-decoder", "head.logits.parts.6.20", (28,)),
        ("study-decoder", "decoder.2.out.lens.6", (20,)),
        ("smollm2", "decoder.17.attn.q.sources.4.5", (10, 5)),
        ("smollm2", "decoder.17.attn.scores.sources.4.5.2", (1, 160)),
        ("smollm2", "head.logits.parts.5.20", (100,)),
        ("smollm2", "decoder.20.out.lens.5", (20,)),
    ],
)
def test_in_real_models_they_are_recomputed_to_rounding(name, step, index):
    made = explain(load(name).trace("The books that the student recommended"), step, index)
    assert made.error <= 2e-5 * max(1.0, abs(made.value)), made.formula
    assert made.operands


@pytest.mark.parametrize("family", WITH_WORDS)
def test_probabilities_of_the_lens_and_what_a_head_read_by_token(tiny_trace, family):
    trace = tiny_trace(family)
    side = trace.config.sides[-1]
    found = why.guesses(trace, 1, word=7)
    for step, prob in zip(found.steps, found.prob_N, strict=True):
        assert trace[f"{step}.lens.probs.1"][7] == pytest.approx(prob, abs=1e-12)
        assert trace[f"{step}.lens.probs.1"].sum() == pytest.approx(1)
    np.testing.assert_allclose(trace[f"{step}.lens.probs.1"], trace["head.probs"][1], **close)
    for path in [f"{side}.1.attn", *([f"{side}.1.cross"] if trace.config.crosses else [])]:
        for words, leaf in (((7,), "parts.1.1.7"), ((7, 9), "against.1.1.7.9")):
            split = why.by_token(trace, f"{path}.head.1", *words, row=1)
            np.testing.assert_array_equal(trace[f"{path}.pattern.{leaf}"], split.parts_N)
    if trace.config.crosses:
        assert "encoder.1.attn.pattern.parts.1.1.7" not in trace
