"""The two real models against what `transformers` computes from the same files, and against what is
published.

The stored numbers were computed in float64 (`make_golden.py`), so what differs here is our own
rounding. A comparison of the most likely words would miss real faults, such as q and k left in
GGUF's order; these compare numbers.
"""

from __future__ import annotations

import numpy as np
import pytest

from core import load
from core.models.catalogue import resolve
from tests.helpers import tiny


def stored(name: str) -> tuple[dict, list[tuple[str, dict]]]:
    """The file's common entries, and each sentence with its own."""
    with np.load(tiny.GOLDEN / f"{name}.npz") as file:
        flat = dict(file)
    return flat, [
        (sentence, tiny.below(flat, str(index)))
        for index, sentence in enumerate(flat["sentences"].tolist())
    ]


def check_sample(trace, golden: dict, tolerance: float, of_maps: float) -> None:
    """Hidden states relative to the largest value up to that layer and, ten times looser, to the
    token's; maps as they are. Up to that layer, and not in it: rounding is made where the stream is
    large, and stays when it is small again.
    """
    so_far_SL = np.maximum.accumulate(golden["largest_SL"], axis=0)
    so_far_SL[-1] = golden["largest_SL"][
        -1
    ]  # behind the last norm, where there is one, all is of one size
    for name, columns_C, golden_LC, largest_L, own_L in zip(
        golden["names"].tolist(),
        golden["columns_SC"],
        golden["hidden_SLC"],
        so_far_SL,
        golden["largest_SL"],
        strict=True,
    ):
        error_L = abs(trace[name][:, columns_C] - golden_LC).max(axis=-1)
        assert error_L.max() < tolerance * largest_L.max(), name
        assert (error_L < 10 * tolerance * largest_L).all(), name
        assert np.allclose(
            abs(trace[name]).max(axis=-1), own_L, rtol=0, atol=10 * tolerance * largest_L.max()
        ), name
    last_NHM = np.stack([trace[name][:, -1] for name in trace.names if name.endswith(".pattern")])
    assert abs(last_NHM - golden["last_NHM"]).max() < of_maps


@pytest.mark.parametrize("dtype, tolerance", ((np.float32, 1e-5), (np.float64, 1e-9)))
def test_minilm_against_the_stored_reference(dtype, tolerance):
    model = load("minilm", dtype=dtype)
    for sentence, golden in stored("minilm")[1]:
        assert model.ids(sentence).tolist() == golden["ids_L"].tolist()
        check_sample(model.trace(sentence), golden, tolerance, tolerance)


def test_minilm_gives_the_published_similarities(minilm):
    """https://sbert.net, "Sentence Transformers", the example on its first page."""
    sentences = (
        "The weather is lovely today.",
        "It's so sunny outside!",
        "He drove to the stadium.",
    )
    vectors_SD = np.stack(
        [minilm.trace(sentence)["encoder.out"].mean(axis=0) for sentence in sentences]
    )
    vectors_SD /= np.linalg.norm(vectors_SD, axis=-1, keepdims=True)
    similarity_SS = vectors_SD @ vectors_SD.T
    assert np.round(similarity_SS[[0, 0, 1], [1, 2, 2]], 4) == pytest.approx(
        [0.6660, 0.1046, 0.1411], abs=1e-6
    )
    distances = [abs(vectors_SD[i] - vectors_SD[j]).sum() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert distances == pytest.approx([12.6269, 20.2167, 20.1288], abs=1e-4)


def test_minilm_has_a_head_that_looks_at_the_token_before(minilm):
    pattern_HLM = minilm.trace("The animal didn't cross the street because it was too tired.")[
        "encoder.0.attn.pattern"
    ]
    before_H = np.diagonal(pattern_HLM, offset=-1, axis1=1, axis2=2).mean(axis=-1)
    assert before_H[2] > 0.99 and (np.delete(before_H, 2) < 0.5).all()


@pytest.mark.parametrize(
    "dtype, tolerance, of_maps, of_logits",
    (
        (np.float32, 1e-5, 1e-4, 5e-4),
        pytest.param(np.float64, 2e-7, 1e-7, 1e-4, marks=pytest.mark.slow),
    ),
)
def test_smollm2_against_the_stored_reference(dtype, tolerance, of_maps, of_logits):
    """In float64 to the last digit that was stored: what is left in float32 is rounding, as in
    PyTorch's own float32.
    """
    model, (common, sentences) = load("smollm2", dtype=dtype), stored("smollm2")
    assert len(sentences) == 10
    for sentence, golden in sentences:
        assert model.ids(sentence).tolist() == golden["ids_L"].tolist()
        trace = model.trace(ids_L=golden["ids_L"])
        check_sample(trace, golden, tolerance, of_maps)
        logits_LV = trace["head.logits"]
        assert abs(logits_LV[-1] - golden["last_V"] / 1e4).max() < of_logits
        assert abs(logits_LV[:, common["columns"]] - golden["logits_LC"] / 1e4).max() < of_logits


def test_smollm2_goes_on_as_measured(smollm2):
    trace = smollm2.trace("The book that the student recommended is")
    for word, probability in (
        (" a", 0.1276),
        (" not", 0.0727),
        (" the", 0.0625),
        (":", 0.0614),
        (' "', 0.0475),
    ):
        assert trace["head.probs"][-1, smollm2.ids(word).item()] == pytest.approx(
            probability, abs=5e-4
        ), word
    assert (trace["head.probs"][-1] > 0.0475 - 5e-4).sum() == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ("minilm", "smollm2"))
def test_live_reference_as_shipped(name):
    """All hidden states, all maps, all logits in float32, the reference's own casts left in."""
    for package in ("torch", "transformers", "accelerate", "gguf"):
        pytest.importorskip(package, exc_type=ImportError)
    from tests.helpers import reference

    model, ours = reference.pretrained(resolve(name)), load(name)
    for sentence, golden in stored(name)[1]:
        trace = ours.trace(ids_L=golden["ids_L"])
        inputs = {"ids_L": golden["ids_L"]} | (
            {"segments_L": 0 * golden["ids_L"]} if ours.config.n_segments else {}
        )
        steps = reference.run(model, inputs, as_shipped=True)
        assert sum(step.endswith("pattern") for step in steps) == sum(
            map(ours.config.layers, ours.config.sides)
        )
        largest = 0.0
        for step, value in steps.items():
            in_stream = step.endswith(".out") and step != f"{ours.config.sides[-1]}.out"
            largest = (
                max(largest, abs(value).max()) if in_stream else largest
            )  # so far, as in check_sample
            limit = (
                5e-4
                if step == "head.logits"
                else (
                    1e-4
                    if step.endswith("pattern")
                    else 1e-5 * (largest if in_stream else abs(value).max())
                )
            )
            assert abs(trace[step] - value).max() < limit, (sentence, step)
