"""A score is the sum over pairs of sources: in every family, with rotation, bias and rival."""

from __future__ import annotations

import numpy as np
import pytest

from core import GlassError, load, why
from core.forward_pass import forward
from core.models.weights import read_folder
from tests.helpers.sums import check_looks, scores
from tests.helpers.tiny import golden


def test_pairs_of_sources_add_up_to_the_score(tiny_trace, family):
    check_looks(tiny_trace(family), 1e-9)


@pytest.mark.parametrize("family", ("llama", "t5_gated", "marian", "bert"))
def test_in_float32_they_add_up_to_its_rounding(family, tmp_path):
    config, weights = read_folder(golden(family).write(tmp_path), np.float32)
    check_looks(forward(config, weights, **golden(family).inputs), 1e-5)


def test_a_pair_is_the_product_of_what_two_sources_write(tiny_trace):
    """By hand: a head's update, through W_Q, times an embedding, through W_K."""
    trace, path = tiny_trace("bert"), "encoder.1.attn"
    found, K = why.look(trace, path, 1, 3, 2), trace.config.d_head
    stream = why.sources(trace, path)
    columns = slice(K, 2 * K)
    query_K = stream.of("encoder.0.attn.head.2")[3] @ trace.weights[f"{path}.q.weight"][:, columns]
    key_K = stream.of("encoder.embed.token")[2] @ trace.weights[f"{path}.k.weight"][:, columns]
    s = found.query_names.index("encoder.0.attn.head.2")
    t = found.key_names.index("encoder.embed.token")
    assert found.parts_ST[s, t] == pytest.approx(query_K @ key_K * trace.config.score_scale)
    biases = found.query_names.index(f"{path}.q.bias"), found.key_names.index(f"{path}.k.bias")
    q_K, k_K = (trace.weights[f"{path}.{which}.bias"][columns] for which in "qk")
    assert found.parts_ST[biases] == pytest.approx(q_K @ k_K * trace.config.score_scale)


def test_the_keys_of_cross_attention_come_from_the_encoder(tiny_trace):
    for family in ("marian", "t5_relu"):
        found = why.look(tiny_trace(family), "decoder.1.cross", 0, 3, 2)
        assert {name.split(".")[0] for name in found.query_names} == {"decoder"}
        beside = {"decoder.1.cross.k.bias"}
        assert {name.split(".")[0] for name in set(found.key_names) - beside} == {"encoder"}
        assert "encoder.1.mlp" in found.key_names


def test_the_bias_for_the_distance_is_a_source_of_its_own(tiny_trace):
    trace = tiny_trace("t5_gated")
    found = why.look(trace, "encoder.1.attn", 1, 3, 2)
    assert found.query_names[-1] == found.key_names[-1] == "encoder.relative"
    assert found.parts_ST[-1, -1] == trace["encoder.relative"][1, 3, 2]
    assert (found.parts_ST[-1, :-1] == 0).all() and (found.parts_ST[:-1, -1] == 0).all()
    assert "decoder.relative" not in why.look(trace, "decoder.1.cross", 1, 3, 2).key_names


def test_the_margins_and_the_largest_pairs(tiny_trace):
    found = why.look(tiny_trace("llama"), "decoder.1.attn", 1, 3, 2)
    np.testing.assert_allclose(found.by_query(), found.parts_ST.sum(axis=1))
    np.testing.assert_allclose(found.by_key(), found.parts_ST.sum(axis=0))
    pairs = found.largest(4)
    assert [abs(part) for *_, part in pairs] == sorted(abs(found.parts_ST.ravel()))[:-5:-1]
    query, key, part = pairs[0]
    at = found.query_names.index(query), found.key_names.index(key)
    assert found.parts_ST[at] == part


def test_why_the_second_cat_looks_at_sat(smollm2):
    """The induction circuit, found by addition (Olsson et al. 2022): the head looks for a token
    before which “cat” stood, and head 16.0, which looks at the token before, had written that
    there.
    """
    trace = smollm2.trace("The cat sat on the mat. The cat")
    assert trace["decoder.17.attn.pattern"][4, 8, 2] == pytest.approx(0.78, abs=5e-3)
    found = why.look(trace, "decoder.17.attn", head=4, query=8, key=2)
    assert found.total == pytest.approx(7.747, abs=5e-4)
    assert found.total == pytest.approx(scores(trace, "decoder.17.attn")[4, 8, 2], abs=1e-4)
    query, key, part = found.largest(1)[0]
    assert (query, key) == ("decoder.0.mlp", "decoder.16.attn.head.0")
    assert part == pytest.approx(3.205, abs=1e-3)
    side, token, weight = why.read_most(trace, key, 2)
    assert (side, token) == ("decoder", 1) and weight == pytest.approx(0.94, abs=0.01)
    assert why.look(trace, "decoder.17.attn", 4, -1, 2).query == 8


@pytest.mark.parametrize("leaf", ("q", "k", "q.unrotated", "norm.out", "in", "norm.scale"))
def test_what_an_experiment_puts_there_is_a_source(tiny_trace, leaf):
    trace = tiny_trace("llama", edits={f"decoder.1.attn.{leaf}": lambda x: x * 1.5 + 1})
    check_looks(trace, 1e-9)
    found = why.look(trace, "decoder.1.attn", 1, 3, 2)
    edited = [name for name in (*found.query_names, *found.key_names) if name.endswith("edit")]
    assert edited


def test_a_score_that_was_put_there_has_no_sources(tiny_trace):
    trace = tiny_trace("llama", edits={"decoder.1.attn.scores.dot": lambda x: x + 1})
    with pytest.raises(GlassError, match="experiment"):
        why.look(trace, "decoder.1.attn", 1, 3, 2)


@pytest.mark.parametrize(
    "path, head, query, key",
    [
        ("decoder.0.mlp", 0, 0, 0),
        ("decoder.0.cross", 0, 0, 0),
        ("decoder", 0, 0, 0),
        ("decoder.0.attn", 99, 0, 0),
        ("decoder.0.attn", -1, 0, 0),
        ("decoder.0.attn", 0, 99, 0),
        ("decoder.0.attn", 0, 0, 99),
    ],
)
def test_looks_that_are_not_there(tiny_trace, path, head, query, key):
    with pytest.raises(GlassError):
        why.look(tiny_trace("gpt2"), path, head, query, key)


@pytest.mark.parametrize(
    "name", ("decoder.0.mlp", "decoder.9.attn.head.0", "decoder.0.attn.head.x")
)
def test_only_heads_read(tiny_trace, name):
    with pytest.raises(GlassError, match="no head"):
        why.read_most(tiny_trace("gpt2"), name, 1)


def test_a_study_translator_looks_across():
    trace = load("study-translator").trace("The small black cat sleeps on the green chair.")
    found = why.look(trace, "decoder.3.cross", 1, 3, 2)
    assert found.total == pytest.approx(scores(trace, "decoder.3.cross")[1, 3, 2], abs=1e-4)
