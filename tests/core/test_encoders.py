"""BERT's relations: what they alone have: tables of another width
(Electra), a bias for each distance beside learned positions (MPNet), positions that begin further
down their table (RoBERTa).
"""

from __future__ import annotations

import numpy as np
import pytest

from core import GlassError, explain, why
from core.edits import ablate_head
from core.forward_pass import forward
from core.models.model import load
from core.models.weights import load_folder, read_folder
from tests.helpers.fine_tuned import saved
from tests.helpers.model_files import golden, refusal, written
from tests.helpers.sums import added_up

NEW = ("electra", "mpnet")  # those with a new axis
ENCODERS = (*NEW, "roberta", "xlm-roberta", "camembert", "distilbert", "albert")
EACH = [pytest.param(name, marks=() if name in NEW else pytest.mark.slow) for name in ENCODERS]


@pytest.mark.parametrize("family", EACH)
def test_the_rest_of_a_run_is_that_of_the_whole_run(tiny_trace, family):
    silent = ablate_head("encoder", 1, 1)
    edited = tiny_trace(family, edits=silent)
    rest = tiny_trace(family).rerun("encoder", 1, silent, [0])
    for name in rest:
        if name in ("encoder.out", "task.logits", "task.probs", "pooler.out"):
            assert np.array_equal(rest[name], edited[name]), name
        if name == "head.logits":
            np.testing.assert_allclose(rest[name][0], edited[name][0], rtol=1e-12)


@pytest.fixture(params=(("ElectraForMaskedLM", "electra"), ("MPNetForMaskedLM", "mpnet")))
def words_trace(request, tmp_path):
    """A run of one of them with a head for words."""
    cls, family = request.param
    saved(cls, family, tmp_path)
    loaded = load_folder(tmp_path, np.float64)
    return forward(loaded.config, loaded.weights, **golden(family).inputs)


def test_why_this_word_is_exact(words_trace):
    """Parts, ends and trails add up to the difference of two logits, and open."""
    trace, row = words_trace, 2
    logits_V = trace["head.logits"][row]
    apart = float(logits_V[7] - logits_V[9])
    assert why.parts(trace, 7, 9, row).parts_S.sum() == pytest.approx(apart, abs=1e-9)
    for through in (True, False):
        found = why.ends(trace, 7, 9, row, through)
        sums, biases = added_up(trace, found, row, through)
        assert found.frame == pytest.approx(biases, abs=1e-9)
        given_L = found.parts["encoder"]
        np.testing.assert_allclose(given_L, sums["encoder"], atol=1e-9)
        assert found.frame + given_L.sum() == pytest.approx(apart, abs=1e-9)
    assert abs(why.lens(trace, row)[-1] - logits_V).max() < 1e-12
    for name in ("head.logits.against.2.7.9", "encoder.1.out.lens.2", "head.pre", "head.norm.out"):
        index = tuple(np.zeros(len(trace.shape(name)), int))
        made = explain(trace, name, index)
        assert made.error <= 1e-9 * max(abs(made.value), 1e-3), name


def test_tables_of_another_width_keep_their_numbers_apart(tiny_trace):
    """Electra's embedding is as wide as its tables until it is projected."""
    trace = tiny_trace("electra")
    c = trace.config
    assert c.d_embed == c.embed_width != c.d_model
    for leaf in ("token", "position", "segment", "sum", "norm.out"):
        assert trace.shape(f"encoder.embed.{leaf}")[1] == c.d_embed
    assert trace.shape("encoder.embed.out")[1] == c.d_model
    made = explain(trace, "encoder.embed.out", (1, 2))
    assert [group.name for group in made.groups] == [
        "encoder.embed.norm.out",
        "weights/encoder.embed.out.weight",
        "weights/encoder.embed.out.bias",
    ]


def test_a_distance_adds_a_bias_beside_learned_positions(tiny_trace):
    trace = tiny_trace("mpnet")
    bias_HLM = trace["encoder.relative"]
    for layer in range(trace.config.encoder_layers):
        path = f"encoder.{layer}.attn.scores"
        assert np.array_equal(trace[f"{path}.biased"], trace[f"{path}.scaled"] + bias_HLM)
    assert "encoder.embed.position" in trace
    same = [bias_HLM[:, i, i + 2] for i in range(bias_HLM.shape[1] - 2)]
    assert all(np.array_equal(same[0], each) for each in same)


@pytest.mark.parametrize("family", ("roberta", "mpnet"))
def test_a_token_that_fills_up_short_texts_has_no_position(family, tmp_path):
    """In `transformers` the positions of the tokens after it would move."""
    loaded = load_folder(written(family, tmp_path))
    assert loaded.config.n_positions == golden(family).config["max_position_embeddings"] - 2
    said = refusal(forward, loaded.config, loaded.weights, [3, 1, 4])
    assert "gives it no position" in said
    with pytest.raises(GlassError, match="positions for only"):
        forward(loaded.config, loaded.weights, [3] * (loaded.config.n_positions + 1))


@pytest.mark.parametrize(
    "family, said, says",
    (
        ("roberta", {"max_position_embeddings": 2}, "“max_position_embeddings”"),
        ("roberta", {"pad_token_id": -1}, "“pad_token_id”"),
        ("roberta", {"position_embedding_type": "relative_key"}, "“position_embedding_type”"),
        ("roberta", {"is_decoder": True}, "“is_decoder”"),
        ("mpnet", {"relative_attention_num_buckets": 16}, "“relative_attention_num_buckets”"),
        ("electra", {"embedding_size": 0}, "“embedding_size”"),
        ("electra", {"embedding_size": 5}, "has the shape"),
        ("distilbert", {"is_causal": True}, "“is_causal”"),
        ("albert", {"inner_group_num": 2}, "“inner_group_num”"),
        ("albert", {"num_hidden_groups": 9}, "“num_hidden_groups”"),
    ),
    ids=str,
)
def test_what_is_not_computed_is_refused_by_name(family, said, says, tmp_path):
    assert says in refusal(load_folder, written(family, tmp_path, **said))


def test_layers_of_one_group_share_their_weights(tmp_path):
    config, weights = read_folder(written("albert", tmp_path), np.float64)
    groups = [int(i / (config.encoder_layers / 2)) for i in range(config.encoder_layers)]
    assert groups != list(range(config.encoder_layers)) or config.encoder_layers == 2
    for i, one in enumerate(groups):
        for k, other in enumerate(groups):
            for name in ("attn.q.weight", "mlp.out.weight", "mlp.norm.bias"):
                same = np.array_equal(
                    weights[f"encoder.{i}.{name}"], weights[f"encoder.{k}.{name}"]
                )
                assert same == (one == other)


def test_a_head_for_choices_that_electra_sums_up_is_named_and_not_run(tmp_path):
    saved("ElectraForMultipleChoice", "electra", tmp_path)
    model = load(tmp_path, np.float64)
    assert model.config.task is None and "sequence_summary.summary" in model.notes[0]
