"""The relations of BART and T5: what they alone have (a table of position biases in each layer, the
waves of Tensor2Tensor, a token without a position).
"""

from __future__ import annotations

import numpy as np
import pytest

from core import GlassError, explain
from core.decoding import greedy_target
from core.forward_pass import forward
from core.models.families import FAMILIES
from core.models.model import load
from core.models.weights import read_folder
from core.ops import sinusoids, wave_rates
from tests.helpers import tiny
from tests.helpers.model_files import refusal, written
from tests.helpers.tiny import golden

RELATIONS = ("mt5", "umt5", "bart", "mbart", "pegasus", "m2m_100")


# --- a table of biases in each layer --------------------------------------------------------------


def test_each_layer_adds_biases_of_its_own(tiny_trace):
    trace = tiny_trace("umt5")
    names = [name for name in trace.names if name.endswith(".relative")]
    layers = [
        f"{side}.{i}" for side in trace.config.sides for i in range(trace.config.layers(side))
    ]
    assert names == [f"{layer}.attn.relative" for layer in layers]
    one, other = (trace[name] for name in names[:2])
    assert one.shape == other.shape and abs(one - other).max() > 0.1
    scores = trace["encoder.1.attn.scores.scaled"] + other
    assert np.array_equal(trace["encoder.1.attn.scores.biased"], scores)
    table = explain(trace, names[1], (1, 2, 0)).operands[0]
    assert table.name == "weights/encoder.1.attn.relative.weight"


def test_an_edited_bias_changes_its_own_layer_alone(tiny_trace):
    edits = {"encoder.1.attn.relative": lambda bias_HLM: bias_HLM + np.eye(bias_HLM.shape[1])}
    plain, edited = tiny_trace("umt5"), tiny_trace("umt5", edits=edits)
    assert np.array_equal(plain["encoder.0.out"], edited["encoder.0.out"])
    assert abs(plain["encoder.1.attn.pattern"] - edited["encoder.1.attn.pattern"]).max() > 0.01


# --- the waves of Tensor2Tensor -------------------------------------------------------------------


@pytest.mark.parametrize("width", (6, 7))
def test_whole_waves_end_at_a_ten_thousandth_and_begin_where_they_are_told(width):
    rates = wave_rates(width, whole=True)
    assert rates[0] == 1 and rates[-1] == pytest.approx(1e-4) and len(rates) == 3
    table = sinusoids(5, width, 2, whole=True)
    for p in range(5):
        for d in range(width):
            wave = (np.sin, np.cos, np.zeros_like)[d // 3]
            assert table[p, d] == pytest.approx(float(wave((p + 2) * 10000.0 ** (-(d % 3) / 2))))


def test_the_first_token_stands_after_the_padding_token(tiny_trace):
    trace = tiny_trace("m2m_100")
    config, half = trace.config, trace.config.d_model // 2
    assert (config.pad_id, config.sinusoid_first) == (1, 2)
    position = explain(trace, "encoder.embed.position", (0, 1))
    assert position.value == pytest.approx(np.sin(2 * 10000.0 ** (-1 / (half - 1))))
    assert np.array_equal(trace["encoder.embed.sinusoid"], trace["encoder.embed.position"])


def test_a_token_without_a_position_is_neither_read_nor_written(tmp_path):
    config, weights = read_folder(golden("m2m_100").write(tmp_path), np.float64)
    for ids in ({"ids_L": [5, 1], "target_ids_L": [3]}, {"ids_L": [5], "target_ids_L": [3, 1]}):
        with pytest.raises(GlassError, match="Token 1 only fills up short texts"):
            forward(config, weights, **ids)
    weights = dict(weights)
    bias_V = np.zeros(config.n_vocab)
    bias_V[1] = 1e6  # the likeliest by far
    weights["head.logits.bias"] = bias_V
    written_ids = greedy_target(config, weights, [5, 7], longest=6)
    assert len(written_ids) > 2 and 1 not in written_ids
    assert load(tmp_path).decoding.never == {1}


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ("bart", "mbart"))
def test_the_first_two_rows_of_a_position_table_are_cut(family, tmp_path):
    model = golden(family)
    config, weights = read_folder(model.write(tmp_path), np.float64)
    name = "model.encoder.embed_positions.weight"
    assert np.array_equal(weights["encoder.embed.position.weight"], model.tensors[name][2:])
    assert len(model.tensors[name]) == config.n_positions + 2
    short = model.tensors | {name: model.tensors[name][:-1]}
    said = refusal(read_folder, written(family, tmp_path / "short", short))
    assert name in said and str(model.tensors[name].shape) in said


@pytest.mark.parametrize("kind", ("led", "longformer", "blenderbot", "plbart", "longt5"))
def test_relations_that_are_not_computed_are_refused(kind, tmp_path):
    said = refusal(read_folder, written("bart", tmp_path, model_type=kind))
    assert f"“{kind}”" in said and "bart" in said


def test_a_bias_of_the_logits_is_read_only_where_transformers_adds_it(tmp_path):
    bias = np.arange(golden("m2m_100").config["vocab_size"]) / 7.0
    tensors = golden("m2m_100").tensors | {"final_logits_bias": bias[None]}
    assert "“final_logits_bias”" in refusal(read_folder, written("m2m_100", tmp_path, tensors))
    bias = np.arange(golden("bart").config["vocab_size"]) / 7.0
    tensors = golden("bart").tensors | {"final_logits_bias": bias[None]}
    _, weights = read_folder(written("bart", tmp_path / "bart", tensors), np.float64)
    assert np.array_equal(weights["head.logits.bias"], bias)


def test_every_relation_is_compared():
    """Each is among the tiny models; tests/core/test_reference.py compares these."""
    assert set(RELATIONS) <= set(tiny.EVERY) and set(RELATIONS) <= set(FAMILIES)
