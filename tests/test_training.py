"""The PyTorch models against the NumPy forward pass, in float64, every step; and a training that goes on after a kill."""
from pathlib import Path

import numpy as np
import pytest

from core import load, recurrent

torch = pytest.importorskip("torch", exc_type=ImportError)

from training import networks       # noqa: E402  (needs torch)

SHIPPED = Path(__file__).resolve().parents[1] / "assets/models"
NAMES = ("study-encoder", "study-decoder", "study-translator", "study-lstm")
SMALL = {"d_model": 10, "n_heads": 5, "n_kv_heads": 5, "d_head": 2, "d_mlp": 12, "n_vocab": 17}


def small(name: str, seed: int = 0):
    """A model with weights of which none is 0 or 1, so that each of them counts."""
    torch.manual_seed(seed)
    sizes = {"d_model": 6, "n_units": 6} if name == "study-lstm" else SMALL
    model = networks.build(networks.config_of(name, **{"n_vocab": 17} | sizes))
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * torch.randn_like(weight)
    return model


def ids_for(model, seed: int = 0) -> list[list[int]]:
    """A sentence, and for a translator a second one of another length."""
    lengths = (7, 5) if getattr(model.config, "crosses", False) else (7,)
    return [np.random.default_rng(seed).integers(model.config.n_vocab, size=length).tolist() for length in lengths]


def trace_of(folder: Path, name: str, ids):
    """What the program computes from the files there."""
    if name == "study-lstm":
        fields, weights, _ = recurrent.embedded(name, lambda data: recurrent.shapes_in_file(recurrent.read_config(data)), np.float64)
        return recurrent.forward(recurrent.read_config(fields), recurrent.tied(weights), ids[0])
    return load(folder, dtype=np.float64).trace(ids_L=ids[0], target_ids_L=ids[1] if len(ids) > 1 else None)


def check_every_step(folder: Path, name: str) -> None:
    model = networks.restore(folder).double()
    ids = ids_for(model)
    trace, steps = trace_of(folder, name, ids), networks.record(model, *ids)
    assert set(steps) == set(trace.names)
    for step in trace.names:
        ours, theirs = trace[step], steps[step].numpy()
        assert ours.shape == theirs.shape, step
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9, err_msg=step)


@pytest.mark.parametrize("name", NAMES)
def test_every_step_is_that_of_the_numpy_forward_pass(name, tmp_path, monkeypatch):
    monkeypatch.setattr("core.models.ASSETS", tmp_path)
    networks.export(small(name), tmp_path / name)
    check_every_step(tmp_path / name, name)


@pytest.mark.parametrize("name", NAMES)
def test_every_step_of_the_shipped_weights(name):
    if not (SHIPPED / name / "model.safetensors").exists():
        pytest.skip("not trained yet")
    check_every_step(SHIPPED / name, name)


@pytest.mark.parametrize("name", NAMES)
def test_the_fused_operations_of_training_compute_what_is_recorded(name):
    model = small(name).double().eval()
    ids = ids_for(model)
    last = "lstm.hidden" if name == "study-lstm" else f"{model.config.sides[-1]}.out"
    fused_BLD = model(*(torch.tensor([each, each[::-1]]) for each in ids))
    assert (fused_BLD[0] - networks.record(model, *ids)[last]).abs().max() < 1e-12
    assert (fused_BLD[1] - networks.record(model, *(each[::-1] for each in ids))[last]).abs().max() < 1e-12
