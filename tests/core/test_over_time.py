"""A model as it was during its training: its snapshots are read, a what-if shows them, and files
that are damaged, foreign or forged are refused by name.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from core import GlassError, load, whatif
from core.course import Course, written_course
from core.models.over_time import (
    FOLDER,
    SCALE,
    as_it_was,
    file_of,
    measures,
    read_measures,
    read_snapshot,
    steps_of,
)
from tests.helpers.study import write_study
from training.snapshots import FARTHEST, farthest, rounded

TEXT = "The book that the student recommended"
MEASURED = {
    "steps": [0, 8, 64],
    "loss": [4.0, 3.5, 3.1],
    "truth": 3.0,
    "agreement": [0.5, 0.75, 1.0],
    "count": 8,
    "roles": {"induction": (np.arange(30).reshape(3, 2, 5) / 30).tolist()},
    "decides": {"layer": 1, "head": 4, "right": 1.0, "without": 0.5, "count": 4},
}


@pytest.fixture
def folder(tmp_path):
    """A small decoder with snapshots after 0 and 8 steps."""
    place = write_study(tmp_path, "study-decoder")
    (place / FOLDER).mkdir()
    for step in (0, 8):
        other = write_study(tmp_path / str(step), "study-decoder", seed=step + 1)
        write(place, step, rounded(load_file(other / "model.safetensors")))
    (place / "over_time.json").write_text(json.dumps(MEASURED))
    return place


def write(place, step: int, tensors: dict) -> None:
    save_file(tensors, file_of(place / FOLDER, step))


def tensors_of(place, step: int = 8) -> dict:
    return load_file(file_of(place / FOLDER, step))


def test_a_snapshot_has_the_weights_of_then_but_for_the_rounding(folder, tmp_path):
    then = load_file(tmp_path / "8/study-decoder/model.safetensors")
    model = load(folder)
    before = as_it_was(model, 8)
    assert steps_of(model) == (0, 8) and before.tokenizer is model.tokenizer
    assert 0 < farthest(then, before.weights) < FARTHEST * 1.001
    vectors = [name for name, array in then.items() if array.ndim == 1]
    assert vectors and all(np.array_equal(before.weights[n], then[n]) for n in vectors)
    name = "decoder.1.mlp.pre.weight"
    assert np.abs(before.weights[name] - model.weights[name]).max() > 0.1, "not the trained one"
    tables = [before.weights[n] for n in ("head.logits.weight", "decoder.embed.token.weight")]
    assert tables[0] is tables[1] and before.weights["decoder.0.attn.qkv.weight"].shape[1] == 30


def test_the_what_if_reads_the_model_of_then_and_goes_with_others(folder):
    model = load(folder)
    text, before = whatif.text_of(model, model.encode(TEXT)), as_it_was(model, 8)
    run = whatif.run(model, text, None, "trained", "trained:8")
    assert np.array_equal(run["head.probs"], before.trace(TEXT)["head.probs"])
    both = whatif.run(model, text, None, "trained", "trained:8+head:decoder.1.2")
    alone = whatif.run(before, text, None, "trained", "head:decoder.1.2")
    assert np.array_equal(both["head.probs"], alone["head.probs"])
    assert not np.array_equal(both["head.probs"], run["head.probs"])
    assert whatif.lasting("head:decoder.1.2+trained:8+pad:3") == "trained:8"
    assert whatif.title("trained:1") == "the model after 1 step of training"
    assert "at random" in whatif.title("trained:0") and whatif.title("trained:x") == "trained x"


@pytest.mark.parametrize(
    "detail, said",
    (
        ("7", "after 7 steps were not kept; those after 0, 8 were"),
        ("", "written as trained:400"),
        ("-1", "written as trained:400"),
        ("8.0", "written as trained:400"),
        ("../8", "written as trained:400"),
        ("٨", "written as trained:400"),
        ("9" * 9, "written as trained:400"),
    ),
)
def test_a_step_that_was_not_kept_or_is_none_is_refused(folder, detail, said):
    with pytest.raises(GlassError, match=said):
        whatif.model_taught(load(folder), f"trained:{detail}")


def test_a_lesson_and_a_step_of_the_training_exclude_each_other():
    lesson = written_course(Course("sgd", 2, 0.01, TEXT))
    for change in (f"{lesson}+trained:8", f"trained:8+{lesson}"):
        with pytest.raises(GlassError, match="choose one of the two"):
            whatif.parts(change)
    with pytest.raises(GlassError, match="only once"):
        whatif.parts("trained:8+trained:0")


def test_models_without_snapshots_say_so(folder, tmp_path, minilm):
    for model in (minilm, load(write_study(tmp_path / "other", "study-decoder"))):
        assert steps_of(model) == () and measures(model) is None
        with pytest.raises(GlassError, match="comes without snapshots"):
            whatif.model_taught(model, "trained:8")


def test_only_files_that_are_named_after_a_step_count(folder):
    for name in ("8.safetensors", "000008.safetensors", "00009.bin", "notes.txt"):
        (folder / FOLDER / name).write_bytes(b"")
    assert steps_of(load(folder)) == (0, 8)


def spoiled(place, change) -> None:
    change(tensors := tensors_of(place))
    write(place, 8, tensors)


NAME = "decoder.0.mlp.pre.weight"
WRONG = {
    "lacks the tensor “decoder.0.attn.q.bias”": lambda t: t.pop("decoder.0.attn.q.bias"),
    f"lacks the tensor “{NAME}.scale”": lambda t: t.pop(NAME + SCALE),
    "has the tensor “surprise”, which": lambda t: t.update(surprise=np.zeros(2, np.float16)),
    "has the tensor “head.logits.bias.scale”": lambda t: t.update(
        {"head.logits.bias.scale": np.zeros(2, np.float32)}
    ),
    r"has the shape \(10, 13\); that of the model has \(10, 12\)": lambda t: t.update(
        {NAME: np.zeros((10, 13), np.int8)}
    ),
    r"are F16 of the shape \(10,\); F32 of the shape \(10,\)": lambda t: t.update(
        {NAME + SCALE: t[NAME + SCALE].astype(np.float16)}
    ),
    r"are F32 of the shape \(9,\); F32 of the shape \(10,\)": lambda t: t.update(
        {NAME + SCALE: t[NAME + SCALE][:9]}
    ),
}


@pytest.mark.parametrize("said", WRONG)
def test_a_snapshot_that_does_not_fit_the_model_is_refused(folder, said):
    spoiled(folder, WRONG[said])
    with pytest.raises(GlassError, match=said):
        as_it_was(load(folder), 8)


def test_a_snapshot_that_is_damaged_or_too_large_is_refused(folder):
    file = file_of(folder / FOLDER, 8)
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    with pytest.raises(GlassError, match="damaged or cut off"):
        as_it_was(load(folder), 8)
    file.write_bytes(whole + b"\0" * (1 << 16))
    with pytest.raises(GlassError, match="more than the .* of the model"):
        as_it_was(load(folder), 8)
    file.unlink()
    file.mkdir()
    with pytest.raises(GlassError, match="not an ordinary file"):
        as_it_was(load(folder), 8)


def test_weights_in_16_bits_are_read_as_they_are(folder, tmp_path):
    file = tmp_path / "8/study-decoder/model.safetensors"
    stored, weights = load_file(file), read_snapshot(folder, file, np.float64)
    assert all(np.array_equal(weights[name], array) for name, array in stored.items())


# --- what was measured ----------------------------------------------------------------------------


def test_what_was_measured_is_read(folder):
    found = measures(load(folder))
    assert found.steps_S == (0, 8, 64) and found.truth == 3.0 and found.count == 8
    assert found.roles["induction"].shape == (3, 2, 5) and found.best("induction") == (1, 4)
    assert (found.decides.layer, found.decides.head, found.decides.without) == (1, 4, 0.5)
    assert np.array_equal(found.loss_S, MEASURED["loss"])


@pytest.mark.parametrize(
    "change, key",
    (
        ({"steps": [0, 8]}, "loss"),
        ({"steps": [8, 0, 64]}, "steps"),
        ({"steps": [0, 8.5, 64]}, "steps"),
        ({"steps": "0864"}, "steps"),
        ({"loss": [1, 2]}, "loss"),
        ({"loss": [1, 2, "x"]}, "loss"),
        ({"loss": [1, 2, -1]}, "loss"),
        ({"agreement": [0, 1, 1.5]}, "agreement"),
        ({"agreement": None}, "agreement"),
        ({"truth": "much"}, "truth"),
        ({"count": 0}, "count"),
        ({"roles": []}, "roles"),
        ({"roles": {"induction": [[1]]}}, "induction"),
        ({"roles": {"": MEASURED["roles"]["induction"]}}, "roles"),
        ({"decides": {"layer": 2, "head": 0, "right": 1, "without": 1, "count": 1}}, "layer"),
        ({"decides": {"layer": 0, "head": 9, "right": 1, "without": 1, "count": 1}}, "head"),
        ({"decides": 3}, "decides"),
    ),
)
def test_measures_that_make_no_sense_are_refused(tmp_path, change, key):
    (file := tmp_path / "over_time.json").write_text(json.dumps(MEASURED | change))
    with pytest.raises(GlassError, match=f"over_time.json says .* for “{key}”"):
        read_measures(file, (2, 5))


def test_measures_with_what_is_no_number_are_refused(tmp_path):
    file = tmp_path / "over_time.json"
    for word in ("NaN", "Infinity", "1e999"):
        file.write_text(json.dumps(MEASURED).replace("4.0", word))
        with pytest.raises(GlassError, match="NaN|Infinity|loss"):
            read_measures(file, (2, 5))
