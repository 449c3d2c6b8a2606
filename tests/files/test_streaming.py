"""Weights that stay in their file are the same weights, and take little memory."""

import tracemalloc

import numpy as np
import pytest

from benchmarks import streaming
from core import forward, load, why
from core.models.streaming import Streamed, Table, largest_layer
from core.models.weights import read_folder
from tests.helpers.model_files import write_gguf
from tests.helpers.sample import one_in
from tests.helpers.tiny import FAMILIES, golden

SMALL = streaming.LARGE | {
    "hidden_size": 64,
    "intermediate_size": 256,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 12,
    "vocab_size": 5000,
}


def both(family: str, folder, dtype=np.float32):
    """The config, the weights in memory and those that stay in the file."""
    path = golden(family).write(folder)
    config, whole = read_folder(path, dtype, stream=False)
    return config, whole, read_folder(path, dtype, stream=True)[1]


@pytest.fixture
def small(tmp_path):
    """A small Llama in bfloat16 and three files, streamed."""
    streaming.write_sparse(tmp_path, SMALL)
    return load(tmp_path, stream=True)


def room_taken(weights: Streamed) -> int:
    """The bytes of the arrays that are held, each counted once."""
    return sum(
        {
            id(a): a.nbytes for a in (x if x.base is None else x.base for x in weights.held())
        }.values()
    )


@pytest.mark.parametrize("family", one_in(3, FAMILIES, first=1))
def test_every_weight_and_every_step_is_equal_bit_by_bit(family, tmp_path):
    config, whole, streamed = both(family, tmp_path)
    assert set(streamed) == set(whole) and len(streamed) == len(whole)
    for name, array in whole.items():
        found = np.asarray(streamed[name])
        assert found.dtype == array.dtype and np.array_equal(found, array), name
    for keep in ("all", "layers"):
        runs = [
            forward(config, each, **golden(family).inputs, keep=keep) for each in (whole, streamed)
        ]
        assert tuple(runs[0]) == tuple(runs[1])
        for name in (each for each in runs[0] if each in runs[0]):
            assert np.array_equal(runs[0][name], runs[1][name], equal_nan=True), name


def test_a_gguf_file_is_streamed_as_well(tmp_path):
    write_gguf(golden("llama"), tmp_path / "tiny.gguf")
    one, other = (load(tmp_path / "tiny.gguf", stream=way) for way in (False, True))
    assert isinstance(other.weights, Streamed)
    for name, array in one.weights.items():
        assert np.array_equal(np.asarray(other.weights[name]), array), name


def test_the_weights_that_are_kept_never_exceed_a_layer(small):
    layer = largest_layer(small.config, np.float32)
    assert small.weights.room == layer
    for name, _ in small.weights.items():
        assert room_taken(small.weights) <= layer, name
    assert small.nbytes == room_taken(small.weights) > 0


def test_a_layer_that_is_looked_at_is_converted_once(small):
    q = "decoder.3.attn.q.weight"
    first = small.weights[q]
    assert all(small.weights[f"decoder.3.{name}"] is not None for name in ("mlp.out.weight",))
    assert small.weights[q] is first
    for layer in (4, 5):
        for name in small.weights:
            if name.startswith(f"decoder.{layer}."):
                assert small.weights[name] is not None
    assert small.weights[q] is not first and np.array_equal(small.weights[q], first)


def test_asking_whether_there_is_a_weight_converts_nothing(small):
    assert "decoder.0.mlp.out.weight" in small.weights and "decoder.0.mlp" not in small.weights
    assert small.weights.get("decoder.12.mlp.out.weight") is None
    assert len(list(small.weights)) == len(small.weights) and not small.weights.held()
    with pytest.raises(KeyError):
        small.weights["decoder.12.mlp.out.weight"]


def test_a_run_takes_a_layer_and_its_trace(small, monkeypatch):
    for module in ("streaming", "assembly"):
        monkeypatch.setattr(f"core.models.{module}._CHUNK", 1 << 13)
    tokens, config = 24, small.config
    layer, whole = largest_layer(config, np.float32), streaming.nbytes_of_all(config, np.float32)
    small.trace(ids_L=[1, 2])
    small.weights._kept.clear()
    tracemalloc.start()
    try:
        trace = small.trace(ids_L=np.arange(tokens), rows=-1)
        trace.layer(7)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    table = 4 * SMALL["hidden_size"] * SMALL["vocab_size"]
    allowed = 1.5 * layer + table + streaming.nbytes_of_trace(config, tokens) + (1 << 18)
    assert peak < allowed < whole / 2, (peak, allowed, whole)
    assert "decoder.7.attn.pattern" in trace and "decoder.7.attn.pattern" not in trace._run.values


def test_where_weights_stay_depends_on_the_memory_that_may_be_taken(tmp_path, monkeypatch):
    folder = golden("gpt2").write(tmp_path)
    assert isinstance(load(folder).weights, dict)
    monkeypatch.setenv("GLASSFORMER_MEMORY", "0")
    assert isinstance(load(folder).weights, Streamed)
    assert isinstance(load(folder, stream=False).weights, dict)


@pytest.mark.parametrize(
    "key",
    [
        3,
        -1,
        slice(2, 7),
        slice(None, None, 300),
        [5, 5, 0],
        np.array([[1, 2], [3, -4]]),
        (np.array([4, 4, 1]), np.array([0, 63, 5])),
        (7, 2),
        (slice(1, 4), slice(0, 3)),
        (np.arange(5000), 9),
    ],
    ids=str,
)
def test_a_table_is_read_as_an_array_is(key, small):
    table = small.weights["decoder.embed.token.weight"]
    array = np.asarray(table)
    assert isinstance(table, Table) and table.shape == array.shape == (5000, 64)
    found = table[key]
    assert found.dtype == array.dtype and np.array_equal(found, array[key])
    assert np.shape(found) == array[key].shape


def test_a_row_that_is_not_there_is_an_error(small):
    table = small.weights["decoder.embed.token.weight"]
    for key in (5000, [0, -5001], (0, 64)):
        with pytest.raises(IndexError):
            table[key]


def test_products_with_a_table_run_over_a_few_rows_at_a_time(small, monkeypatch):
    monkeypatch.setattr("core.models.streaming._CHUNK", 1 << 16)
    table = small.weights["head.logits.weight"]
    array, draw = np.asarray(table), np.random.default_rng(1)
    assert len(list(table.blocks())) == 5
    for shape in ((64,), (1, 64), (9, 64)):
        x = draw.normal(size=shape).astype(np.float32)
        np.testing.assert_allclose(x @ table.T, x @ array.T, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(table @ x.T, array @ x.T, rtol=1e-5, atol=1e-6)
    with pytest.raises(TypeError):
        np.ones((2, 64), np.float32) + table.T


def test_questions_about_all_layers_read_the_same_weights(tmp_path):
    config, whole, streamed = both("llama_tied", tmp_path, np.float64)
    ids_L = golden("llama_tied").inputs["ids_L"]
    one, other = (forward(config, each, ids_L, keep="layers") for each in (whole, streamed))
    found, again = (why.parts(trace, 5, 9) for trace in (one, other))
    assert found.names == again.names and np.array_equal(found.parts_S, again.parts_S)
    for name in ("decoder.embed.near.5", "decoder.1.mlp.promotes.2.3"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-12)


@pytest.mark.slow
def test_a_model_larger_than_the_memory_runs(tmp_path):
    """As benchmarks/streaming.py, with a model of 0.4 GB (0.9 GB in float32)."""
    config = streaming.LARGE | {
        "hidden_size": 2048,
        "intermediate_size": 5504,
        "num_hidden_layers": 4,
        "vocab_size": 16384,
    }
    size, streamed, whole = streaming.large_model(config, 32, str(tmp_path))
    assert size > 400 << 20 and streamed["whole"] > 2 * streamed["limit"]
    assert streamed["done"] and streamed["peak"] <= streamed["limit"]
    assert not whole["done"]  # the limit holds
    assert not list(tmp_path.iterdir())
