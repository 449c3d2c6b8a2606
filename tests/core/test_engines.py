"""Another engine computes the layers; the trace is the same, and says how far the engine is off."""

from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest

from core import GlassError, load
from core.models import engines
from core.models.engines import ENGINES, engine_of, outputs, outputs_of
from core.models.weights import layer_modules
from tests.helpers.model_files import refusal, write_gguf
from tests.helpers.sample import one_in
from tests.helpers.study import write_study
from tests.helpers.tiny import EVERY, FAMILIES, golden

MODULES = {
    "bert": {"encoder": "encoder.layer"},
    "gpt2": {"decoder": "h"},
    "llama": {"decoder": "layers"},
    "t5_gated": {"encoder": "encoder.block", "decoder": "decoder.block"},
    "marian": {"encoder": "encoder.layers", "decoder": "decoder.layers"},
}


def tiny(family: str, folder, dtype=np.float64):
    """A tiny model, and what it reads."""
    return load(golden(family).write(folder), dtype), golden(family).inputs


def layers_of(trace) -> list[tuple[str, int]]:
    """All layers of a trace."""
    return [(side, n) for side in trace.config.sides for n in range(trace.config.layers(side))]


def check_same(ours, theirs, error: float) -> None:
    """Two traces have the same steps, recorded by the same lines, and values equal up to an
    error."""
    assert tuple(ours) == tuple(theirs) and ours.derived == theirs.derived
    for name in ours:
        assert ours.provenance(name) == theirs.provenance(name), name
        assert (name in ours) == (name in theirs)
        if name in ours:
            a, b = (np.nan_to_num(each[name].astype(np.float64)) for each in (ours, theirs))
            assert np.abs(a - b).max() <= error * max(1.0, np.abs(a[np.abs(a) < 1e30]).max()), name


@pytest.mark.parametrize("family", one_in(13, EVERY))
def test_numpy_as_an_engine_gives_the_same_trace_bit_by_bit(family, tmp_path):
    model, inputs = tiny(family, tmp_path)
    ours = model.trace(**inputs, keep="layers")
    theirs = model.trace(**inputs, engine=outputs)
    check_same(ours, theirs, 0)
    assert theirs.engine == "outputs" and ours.engine == "numpy"
    assert [theirs.off(*layer) for layer in layers_of(theirs)] == [0] * len(layers_of(theirs))


def test_how_far_an_engine_is_off_is_measured_layer_by_layer(tmp_path):
    model, inputs = tiny("llama", tmp_path)

    def inexact(model, inputs, by=0.0):
        found = outputs(model, inputs)
        found["decoder.1.out"] = found["decoder.1.out"] * (1 + by)
        return found

    trace = model.trace(**inputs, engine=inexact, engine_options={"by": 0.25})
    assert trace.off("decoder", 0) == 0 and trace.off("decoder", 1) == pytest.approx(0.2)
    exact = model.trace(**inputs)
    np.testing.assert_array_equal(trace["decoder.1.out"], 1.25 * exact["decoder.1.out"])
    np.testing.assert_array_equal(trace["decoder.1.mlp.out"], exact["decoder.1.mlp.out"])
    assert (trace["head.logits"] != exact["head.logits"]).any()  # they read what the engine gave


def test_what_an_engine_gives_is_checked(tmp_path):
    model, inputs = tiny("gpt2", tmp_path)
    for wrong in ({}, {name: np.zeros((1, 2)) for name in outputs_of(model.config)}):
        said = refusal(partial(model.trace, **inputs, engine=lambda *_, wrong=wrong: wrong))
        assert "did not give decoder.0.out" in said


def test_an_engine_runs_a_model_as_it_was_trained(tmp_path):
    model, inputs = tiny("bert", tmp_path)
    for change in ({"mask": "decoder"}, {"edits": {"encoder.0.attn.out": np.zeros_like}}):
        said = refusal(partial(model.trace, **inputs, engine=outputs, **change))
        assert f"Only NumPy runs a model with {next(iter(change))}" in said


def test_an_engine_that_is_not_there_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert engines.installed() == ("numpy",)
    assert "requirements-engine.txt" in refusal(engine_of, "torch")
    assert "There is no engine “abacus”" in refusal(engine_of, "abacus")


@pytest.mark.parametrize("family, modules", MODULES.items())
def test_the_layers_are_found_under_the_names_of_the_file(family, modules, tmp_path):
    assert layer_modules(golden(family).write(tmp_path)) == modules


# --- PyTorch and nnsight --------------------------------------------------------------------------

has_torch = pytest.mark.skipif(
    not all(map(find_spec, ENGINES["torch"][1])), reason="requirements-engine.txt: PyTorch"
)
has_nnsight = pytest.mark.skipif(
    not all(map(find_spec, ENGINES["nnsight"][1])), reason="requirements-engine.txt: nnsight"
)


@pytest.mark.parametrize("family", one_in(5, FAMILIES, first=3))
@pytest.mark.parametrize(
    "engine", [pytest.param("torch", marks=has_torch), pytest.param("nnsight", marks=has_nnsight)]
)
def test_pytorch_gives_the_same_trace(engine, family, tmp_path):
    model, inputs = tiny(family, tmp_path)
    options = {"dtype": "float64"}
    theirs = model.trace(**inputs, engine=engine, engine_options=options)
    # Llama's and T5's norms, and Marian's table of sinusoids, are float32 even there.
    error = 1e-12 if family.startswith(("bert", "gpt2")) else 1e-5
    check_same(model.trace(**inputs, keep="layers"), theirs, error)
    assert all(0 < theirs.off(*layer) < 1e-6 for layer in layers_of(theirs))
    assert theirs.engine == engine


@has_torch
def test_options_of_pytorch_may_be_tables_and_it_is_loaded_once(tmp_path):
    from engines.torch_engine import loaded

    model, inputs = tiny("llama", tmp_path)
    before = loaded.cache_info()
    for _ in range(2):
        model.trace(**inputs, engine="torch", engine_options={"max_memory": {"cpu": "2GiB"}})
    after = loaded.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)


@has_torch
def test_in_bfloat16_the_difference_is_seen(tmp_path):
    model, inputs = tiny("llama", tmp_path, np.float32)
    trace = model.trace(**inputs, engine="torch", engine_options={"dtype": "bfloat16"})
    assert all(1e-4 < trace.off(*layer) < 0.05 for layer in layers_of(trace))


@has_torch
def test_pytorch_loads_safetensors_of_folders_alone_and_no_code(tmp_path, monkeypatch):
    from engines import torch_engine

    given = {}
    monkeypatch.setattr(
        torch_engine.AutoModel,
        "from_pretrained",
        lambda folder, **options: given.update(options) or pytest.fail("no more is wanted"),
    )
    model, inputs = tiny("bert", tmp_path / "bert")
    torch_engine.loaded.cache_clear()
    with pytest.raises(pytest.fail.Exception):
        model.trace(**inputs, engine="torch")
    assert given["trust_remote_code"] is False and given["use_safetensors"] is True
    assert given["local_files_only"] is True and given["device_map"] == "auto"
    write_gguf(golden("llama"), tmp_path / "tiny.gguf")
    other = load(tmp_path / "tiny.gguf")
    assert "safetensors" in refusal(partial(other.trace, ids_L=[1, 2], engine="torch"))
    study = load(write_study(tmp_path / "study", "study-decoder"))
    assert "Only NumPy" in refusal(partial(study.trace, ids_L=[1, 2], engine="torch"))


@has_nnsight
def test_a_remote_run_needs_the_name_on_the_hub(tmp_path):
    model, inputs = tiny("gpt2", tmp_path)
    with pytest.raises(GlassError, match="its name on the Hub"):
        model.trace(**inputs, engine="nnsight", engine_options={"remote": True})
