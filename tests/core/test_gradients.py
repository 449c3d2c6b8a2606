"""The backward pass: against PyTorch in float64 at 1e-9 (live where it is installed, stored
everywhere), against moving single numbers at 1e-6, and each gradient made of its operands.
"""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from core import explain, load
from core.edits import ablate_head
from core.forward_pass import forward
from core.gradients.slopes import SLOPES
from core.interventions import changed_cell
from core.models.model import load as load_model
from core.models.weights import load_folder, read_folder
from core.ops import ACTIVATIONS, HEAD_ACTIVATIONS
from core.source import lines_that_made
from core.step_ref import GRAD, StepRef, parse, ref_of
from core.steps import about, gradients, kinds
from core.why.places import place_of
from tests.helpers import lstm
from tests.helpers.fine_tuned import CASES as TASKS
from tests.helpers.fine_tuned import case
from tests.helpers.gradients import (
    by_torch,
    largest,
    off,
    size_of,
    slope,
    slope_at_step,
    slope_at_weight,
    some_given,
    to_tensors,
)
from tests.helpers.made_up import MADE_UP, model_of, some_ids
from tests.helpers.model_files import refusal
from tests.helpers.recomputed import check_cells
from tests.helpers.sample import one_in
from tests.helpers.shapes import IDS_L, SHAPES, shaped
from tests.helpers.study import write_study
from tests.helpers.tiny import EVERY, FAMILIES, GOLDEN, golden

STORED = GOLDEN / "gradients.json"
TARGETS = {0: 3, 2: 1}


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """tiny_model("llama"): its config, weights and input; of MADE_UP and SHAPES as well."""

    def model(name: str):
        if name in MADE_UP:
            return *model_of(name), {"ids_L": some_ids(MADE_UP[name])}
        if name in SHAPES:
            return *shaped(name), {"ids_L": IDS_L}
        folder = golden(name).write(tmp_path_factory.mktemp(name))
        return *read_folder(folder, np.float64), golden(name).inputs

    return model


def asked_of(trace) -> list[dict]:
    """What a test asks the gradient of: all that leaves the model; a loss where there is one."""
    asked: list[dict] = [{"given": some_given(trace)}]
    return [*asked, {"targets": TARGETS}] if trace.config.head else asked


def has_slope(trace, step: str) -> bool:
    """Whether a step is a number that others are made of."""
    return trace[step].dtype.kind == "f" and not step.endswith("probs")


# --- against PyTorch ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("family", one_in(18, EVERY))
def test_live_reference(family, tmp_path):
    """Every step that `transformers` hands out, and every tensor of the file, under every mask."""
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("transformers", exc_type=ImportError)
    from tests.helpers import reference

    model, inputs = reference.build(family, 8)
    model.save_pretrained(tmp_path)
    config, weights = read_folder(tmp_path, np.float64)
    for mask in reference.cases(inputs, 8, family).values():
        trace = forward(config, weights, **inputs, mask=mask)
        for asked in asked_of(trace):
            check(tmp_path, trace.backward(**asked), *by_torch(model, inputs, asked, mask))


def check(folder, grads, loss: float, steps: dict, parameters: dict) -> None:
    """Our gradients and theirs, relative to the largest of each array; but not of one that is all
    rounding, as that of a key's bias is, which shifts all scores of a row alike.
    """
    assert grads.loss == pytest.approx(loss, rel=1e-9)
    least = 1e-3 * largest(grads)
    for name, theirs in steps.items():
        if name in grads:
            assert abs(grads[name] - theirs).max() <= 1e-9 * max(abs(theirs).max(), least), name
        else:  # what was asked for does not depend on it
            assert not theirs.any(), name
    ours = to_tensors(folder, grads)
    for name, theirs in parameters.items():
        if name in ours:
            gap = abs(ours[name] - theirs).max()
            assert gap <= 1e-9 * max(abs(theirs).max(), least), name
            assert theirs.any() or not ours[name].any(), name


@pytest.mark.parametrize("family", FAMILIES)
def test_stored_reference(family, tmp_path):
    """What PyTorch found, some cells of each step and of each tensor."""
    stored, folder = json.loads(STORED.read_text())[family], golden(family).write(tmp_path)
    trace = forward(*read_folder(folder, np.float64), **golden(family).inputs)
    assert [list(asked) for asked in asked_of(trace)] == [[each["asked"]] for each in stored]
    for asked, found in zip(asked_of(trace), stored, strict=True):
        grads = trace.backward(**asked)
        assert grads.loss == pytest.approx(found["loss"], rel=1e-9)
        least, ours = 1e-3 * largest(grads), to_tensors(folder, grads)
        assert len(found["steps"]) >= 6 and len(found["weights"]) >= 20
        for name, cells in found["steps"].items():
            assert off(grads[name], cells, max(size_of({0: grads[name]}), least)) < 1e-9, name
        for name, cells in found["weights"].items():
            assert off(ours[name], cells, max(size_of({0: ours[name]}), least)) < 1e-9, name


# --- against moving a number ----------------------------------------------------------------------


@pytest.mark.one_in(2)
@pytest.mark.parametrize("every", (12, pytest.param(1, marks=pytest.mark.slow)))
@pytest.mark.parametrize("name", one_in(7, (*EVERY, *MADE_UP, *SHAPES)))
def test_a_number_that_moves_moves_the_result_as_its_gradient_says(name, every, tiny_model):
    config, weights, inputs = tiny_model(name)
    trace, rng = forward(config, weights, **inputs), np.random.default_rng(5)
    asked = asked_of(trace)[-1]
    grads = trace.backward(**asked)
    least = 1e-3 * largest(grads)
    for step in list(grads.steps)[rng.integers(every) :: every]:
        cell = tuple(rng.integers(trace.shape(step)))
        if not np.isfinite(trace[step][cell]):  # a hidden score
            assert grads[step][cell] == 0
            continue
        found = slope_at_step(config, weights, inputs, asked, trace, step, cell)
        size = max(abs(grads[step]).max(), least)
        assert abs(found - grads[step][cell]) <= 1e-6 * size, (step, cell)
    for weight in grads.weight_names[rng.integers(every) :: every]:
        g = grads[weight]
        cell = np.unravel_index(abs(g).argmax(), g.shape)
        found = slope_at_weight(config, weights, inputs, asked, weight[8:], cell)
        assert abs(found - g[cell]) <= 1e-6 * max(abs(g).max(), least), (weight, cell)


@pytest.mark.parametrize("name", HEAD_ACTIVATIONS)
@pytest.mark.parametrize("dtype, tolerance", ((np.float64, 1e-9), (np.float32, 2e-5)))
def test_slopes_of_activations(name, dtype, tolerance):
    x = np.linspace(-7, 7, 401).astype(dtype)
    x = x[abs(x) > 1e-3] if name == "relu" else x
    exact = slope(lambda h: HEAD_ACTIVATIONS[name](x.astype(np.float64) + h))
    assert SLOPES[name](x).dtype == dtype and abs(SLOPES[name](x) - exact).max() < tolerance
    assert SLOPES.keys() >= ACTIVATIONS.keys()


# --- what a gradient is asked of ------------------------------------------------------------------


def test_every_step_on_the_way_has_a_gradient_of_its_shape(tiny_trace, family):
    trace = tiny_trace(family)
    grads = trace.backward(**asked_of(trace)[0])
    assert set(grads.steps) == {step for step in trace if has_slope(trace, step)}
    for step in grads.steps:
        assert grads[step].shape == trace.shape(step) == grads.shape(step), step
        assert grads.axes(step) == trace.axes(step) and not grads[step].flags.writeable
        assert np.isfinite(grads[step]).all()
    hidden = [step for step in grads.steps if step.endswith((".scores", ".scores.dot"))]
    for step in hidden:
        mask_LM = trace[f"{step.partition('.scores')[0]}.mask"]
        assert not grads[step][:, ~mask_LM].any() and grads[step][:, mask_LM].any()


def test_gradients_come_in_the_order_of_the_way_back(tiny_trace):
    trace = tiny_trace("marian")
    names = list(trace.backward(TARGETS))
    assert names[0] == "head.logits" and len(names) == len(set(names))
    order = [names.index(f"{side}.{i}.out") for side in ("decoder", "encoder") for i in (1, 0)]
    assert order == sorted(order)
    assert names.index("encoder.embed.token.unscaled") < names.index(
        "weights/encoder.embed.token.weight"
    )


def test_the_loss_is_the_mean_cross_entropy_in_nats(tiny_trace):
    trace = tiny_trace("gpt2")
    probs_RV = trace["head.probs"]
    grads = trace.backward(targets={0: 3, 2: 1, 4: 0})
    assert grads.loss == pytest.approx(
        -np.log([probs_RV[0, 3], probs_RV[2, 1], probs_RV[4, 0]]).mean()
    )
    assert grads["head.logits"].sum() == pytest.approx(0) and not grads["head.logits"][1].any()


def test_a_logit_and_a_difference_of_logits(tiny_trace):
    trace = tiny_trace("gpt2", rows=[3, 4])
    one, other, both = (trace.backward(of=of) for of in ((4, 2), (4, 5), (4, 2, 5)))
    logits_RV = trace["head.logits"]
    assert one.loss == logits_RV[1, 2] and both.loss == pytest.approx(
        logits_RV[1, 2] - logits_RV[1, 5]
    )
    step = "decoder.0.attn.in"
    np.testing.assert_allclose(both[step], one[step] - other[step], atol=1e-12)
    assert not one["decoder.out"][:4].any() and one["decoder.out"][4].any()


def test_what_is_not_on_the_way_has_no_gradient(tiny_trace):
    grads = tiny_trace("bert").backward(TARGETS)
    for name in ("pooler.out", "weights/pooler.pre.weight"):
        assert name not in grads and name not in list(grads)
        with pytest.raises(KeyError, match="does not depend on"):
            grads[name]
    with pytest.raises(KeyError, match="Similar names: encoder.0.attn.q"):
        grads["encoder.0.attn.qq"]
    assert "encoder.0.attn.mask" not in grads


@pytest.mark.parametrize(
    "asked, says",
    (
        ({}, "one thing"),
        ({"targets": {0: 1}, "of": (0, 1)}, "one thing"),
        ({"targets": {}}, "at least one position"),
        ({"targets": {99: 1}}, "Position 99 is none of the"),
        ({"targets": {0: 10**6}}, "outside"),
        ({"targets": {0: -1}}, "outside"),
        ({"targets": {0: 1.5}}, "whole numbers"),
        ({"targets": {True: 1}}, "whole numbers"),
        ({"of": (0, 1, 2, 3)}, "(row, id)"),
        ({"of": 3}, "(row, id)"),
        ({"given": {"decoder.0.out": 0}}, "begins at decoder.out, head.logits"),
        ({"given": {"decoder.out": [1.0]}}, "has the shape"),
        ({"given": {}}, "at least one step"),
    ),
    ids=str,
)
def test_what_cannot_be_asked_is_refused_by_name(asked, says, tiny_trace):
    assert says in refusal(lambda: tiny_trace("gpt2").backward(**asked))


def test_runs_that_cannot_be_gone_back_through_are_refused(tiny_trace):
    assert "kept only its output" in refusal(
        lambda: tiny_trace("gpt2", keep="output").backward(TARGETS)
    )
    assert "no output head" in refusal(lambda: tiny_trace("bert_bare").backward(TARGETS))
    read = lstm.small().trace(ids_L=[1, 2])
    assert "transformers" in refusal(lambda: read.backward(TARGETS))
    silent = ablate_head("decoder", 0, 1)
    said = refusal(lambda: tiny_trace("gpt2", edits=silent).backward(TARGETS))
    assert "decoder.0.attn.z is a function" in said and "trace[“decoder.0.attn.z”]" in said


# --- edits, and runs that kept less ---------------------------------------------------------------


def test_an_edit_has_a_gradient_and_cuts_the_way_back(tiny_trace):
    """What stood before the numbers that an edit put there gets a gradient by other ways alone."""
    plain = tiny_trace("gpt2")
    edits = {"decoder.1.attn.pattern": plain["decoder.1.attn.pattern"]}
    cut = tiny_trace("gpt2", edits=edits).backward(TARGETS)
    whole = plain.backward(TARGETS)
    for step in ("decoder.1.attn.pattern", "decoder.1.attn.v", "head.logits"):
        assert np.array_equal(cut[step], whole[step])
    assert not cut["decoder.1.attn.scores"].any() and not cut["decoder.1.attn.q"].any()
    assert not cut["weights/decoder.1.attn.q.weight"].any()
    assert cut["weights/decoder.1.attn.v.weight"].any()
    assert abs(cut["decoder.0.out"] - whole["decoder.0.out"]).max() > 1e-6
    made = explain(cut, "grad.decoder.1.attn.scores", (1, 2, 1))
    assert made.value == made.recomputed == 0 and "which an edit had set" in made.operands[1].role
    everything = tiny_trace("gpt2", edits={"decoder.0.attn.in": plain["decoder.0.attn.in"]})
    none = everything.backward(TARGETS)
    assert none["decoder.0.attn.in"].any() and not none["decoder.embed.token"].any()
    assert not none["weights/decoder.embed.token.weight"].any()


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", ("marian", "t5_relu", "umt5", "bert", "gpt2", "windows"))
def test_a_run_that_kept_its_layers_inputs_has_the_same_gradients(name, tiny_model):
    config, weights, inputs = tiny_model(name)
    whole, light = (forward(config, weights, **inputs, keep=keep) for keep in ("all", "layers"))
    asked = {"given": some_given(whole)}
    one, other = whole.backward(**asked), light.backward(**asked)
    assert list(one) == list(other)
    assert all(np.array_equal(one[each], other[each]) for each in one)
    kept = sum(each.nbytes for each in other._run.values.values())
    assert kept < 0.4 * sum(each.nbytes for each in one._run.values.values())
    made = explain(other, "grad." + next(n for n in one if n.endswith("1.attn.scores")), (1, 3, 2))
    assert made.error < 1e-12


def test_weights_that_stay_in_their_file_have_the_same_gradients(tmp_path):
    folder = write_study(tmp_path, "study-translator")
    asked = {"targets": {0: 5, 1: 7}}
    inputs = {"ids_L": [2, 6, 9, 3], "target_ids_L": [2, 8, 4]}
    there, away = (load_model(folder, np.float64, stream=stream) for stream in (False, True))
    one, other = (each.trace(**inputs).backward(**asked) for each in (there, away))
    assert list(one) == list(other)
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9, atol=1e-13)


# --- weights --------------------------------------------------------------------------------------


def test_a_table_that_reads_and_writes_words_has_two_names_and_one_step(tiny_model):
    """Training moves the array once, by both gradients."""
    config, weights, inputs = tiny_model("llama_tied")
    grads = forward(config, weights, **inputs).backward(TARGETS)
    read, write = "decoder.embed.token.weight", "head.logits.weight"
    assert weights[read] is weights[write]
    learned = dict(grads.learned())
    assert len({read, write} & learned.keys()) == 1
    total = next(learned[name] for name in (read, write) if name in learned)
    np.testing.assert_allclose(total, grads[f"weights/{read}"] + grads[f"weights/{write}"])
    assert learned["decoder.0.attn.qkv.weight"].shape == weights["decoder.0.attn.qkv.weight"].shape
    assert "decoder.0.attn.q.weight" not in learned
    arrays = {id(weights[name]) for name in learned}
    assert len(arrays) == len(learned)


def test_a_small_step_against_the_gradient_makes_the_loss_smaller_by_as_much(tiny_model):
    config, weights, inputs = tiny_model("gpt2")
    grads = forward(config, weights, **inputs).backward(TARGETS)
    rate, learned = 1e-6, dict(grads.learned())
    moved = {name: weights[name] - rate * g for name, g in learned.items()}
    same = {id(weights[name]): array for name, array in moved.items()}
    after = {name: same.get(id(array), array) for name, array in weights.items()}
    loss = forward(config, after, **inputs).backward(TARGETS).loss
    fall = sum(float((g**2).sum()) for g in learned.values())
    assert (grads.loss - loss) / rate == pytest.approx(fall, rel=1e-3)


def test_matrices_that_lie_side_by_side_have_their_gradients_so(tiny_model):
    config, weights, inputs = tiny_model("marian")
    grads = forward(config, weights, **inputs).backward(TARGETS)
    for whole, parts in (("encoder.0.attn.qkv", "qkv"), ("decoder.1.cross.kv", "kv")):
        place = f"weights/{whole.rpartition('.')[0]}"
        joined = [grads[f"{place}.{part}.weight"] for part in parts]
        assert np.array_equal(grads[f"weights/{whole}.weight"], np.concatenate(joined, axis=1))
    assert "weights/encoder.0.attn.nothing" not in grads


# --- fine-tuned heads -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_a_fine_tuned_head_has_gradients(name, tmp_path):
    loaded, inputs = load_folder(case(tmp_path, name), np.float64), golden("bert_bare").inputs
    run = loaded.config, loaded.weights, inputs
    trace, rng = forward(*run[:2], **inputs), np.random.default_rng(2)
    asked: dict = {"of": (0, 0)}
    if loaded.config.task.gives == "one":
        asked = {"targets": {0: 1}}
        assert trace.backward(**asked).loss == pytest.approx(
            -np.log(np.atleast_2d(trace["task.probs"])[0, 1])
        )
    else:
        assert "Ask for a score" in refusal(lambda: trace.backward({0: 0}))
    grads = trace.backward(**asked)
    for step in ("task.logits", "task.in", "encoder.out", "encoder.0.attn.q"):
        cell = (0,) * len(trace.shape(step))
        found = slope_at_step(*run, asked, trace, step, cell)
        assert found == pytest.approx(grads[step][cell], rel=1e-6, abs=1e-9), step
    opened = [f"grad.{each}" for each in grads if "task" in each or "pooler" in each]
    check_cells(grads.opened, opened, 2, rng)


# --- every gradient opens -------------------------------------------------------------------------


def check_opened(trace, cells: int, every: int) -> None:
    """Cells of gradients are recomputed from their operands."""
    rng = np.random.default_rng(3)
    for asked in asked_of(trace):
        grads = trace.backward(**asked)
        names = [f"grad.{name}" for name in grads][rng.integers(every) :: every]
        check_cells(grads.opened, names, cells, rng)


@pytest.mark.parametrize("every", (9, pytest.param(1, marks=pytest.mark.slow)))
@pytest.mark.parametrize("name", one_in(5, (*EVERY, *MADE_UP, *SHAPES), 1))
def test_cells_are_recomputed_from_their_operands(name, every, tiny_model):
    config, weights, inputs = tiny_model(name)
    check_opened(forward(config, weights, **inputs), 1, every)


def test_a_gradient_opens_down_to_numbers_of_the_run(tiny_trace):
    trace = tiny_trace("llama")
    grads = trace.backward(TARGETS)
    h, l, m = 3, 2, 1
    made = explain(grads, "grad.decoder.1.attn.pattern", (h, l, m))
    z, v = made.groups
    assert (z.name, v.name) == ("grad.decoder.1.attn.z", "decoder.1.attn.v")
    assert z.values_N @ v.values_N == pytest.approx(made.value, rel=1e-12)
    assert v.indices_NI[0].tolist() == [trace.config.group(h), m, 0]
    weight = explain(grads, "grad.weights/decoder.1.attn.v.weight", (4, 1))
    assert weight.groups[0].name == "decoder.1.attn.norm.out"
    assert weight.title == "Gradient of a weight of values" and "·" in weight.formula


def test_a_gradient_has_the_lines_that_made_it(tiny_trace):
    opened = tiny_trace("llama").backward(TARGETS).opened
    for name, function, marked in (
        ("grad.decoder.0.attn.pattern", "attention", 'at.put("pattern_HLM"'),
        ("grad.decoder.0.attn.q.unrotated", "attention", 'at.put("q.unrotated_HLK"'),
        ("grad.decoder.1.mlp.norm.scale", "normalise", 'at.put("scale_L"'),
        ("grad.head.logits", "head", 'at.put("logits_RV"'),
    ):
        snippet, *_ = lines_that_made(opened, name)
        lines = [snippet.lines[n - snippet.first] for n in snippet.highlighted]
        assert snippet.path == "core/backward.py" and snippet.function == function
        assert any(marked in line for line in lines), name
    (snippet,) = lines_that_made(opened, "grad.weights/decoder.0.attn.qkv.weight")
    assert (snippet.path, snippet.function) == ("core/gradients/weights.py", "of_several")
    assert not snippet.highlighted and lines_that_made(opened, "weights/head.logits.weight") == ()
    forward_lines, *_ = lines_that_made(opened, "decoder.0.attn.pattern")
    assert forward_lines.path == "core/transformer.py"


def test_every_gradient_has_a_kind_and_every_kind_a_gradient(tiny_model, tmp_path):
    met = set()
    runs = [tiny_model(name) for name in (*EVERY, *MADE_UP, *SHAPES)]
    for name in TASKS:
        loaded = load_folder(case(tmp_path / name, name), np.float64)
        runs.append((loaded.config, loaded.weights, golden("bert_bare").inputs))
    for config, weights, inputs in runs:
        trace = forward(config, weights, **inputs)
        grads = trace.backward(given=some_given(trace))
        whole = [f"weights/{name}" for name in weights if f"weights/{name}" in grads]
        for name in {*grads, *whole}:
            kind = about(grads.opened, f"grad.{name}")
            assert kind.axes == grads.axes(name) and kind.story.endswith("."), name
            met.add(kind)
    assert met == set(gradients.KINDS)


@pytest.mark.parametrize(
    "name, ref",
    (
        ("grad.decoder.3.attn.q", StepRef("decoder", 3, "attn", "q", before="grad.")),
        (
            "grad.weights/head.logits.weight",
            StepRef("head", None, "", "logits.weight", before="grad.weights/"),
        ),
    ),
)
def test_names_of_gradients(name, ref, tiny_trace):
    assert parse(name) == ref and str(ref_of(name)) == name
    for wrong in (f"grad.{name}", "grad.nothing", "grad.", "grad.encoder.embed.near.7"):
        assert parse(wrong) is None
    trace = tiny_trace("gpt2")
    assert name not in trace
    with pytest.raises(KeyError):
        trace[name]
    with pytest.raises(KeyError):
        explain(trace, name, (0, 0, 0))
    assert "is no place" in refusal(place_of, trace, "grad.decoder.0.attn")
    assert "changed number" in refusal(changed_cell, trace.config, "grad.decoder.0.attn.q[0,0,0]=1")


def test_a_trace_with_its_gradients_is_the_same_run(tiny_trace):
    trace = tiny_trace("gpt2")
    opened = trace.backward(TARGETS).opened
    assert opened["decoder.0.attn.q"] is trace["decoder.0.attn.q"] and list(opened) == list(trace)
    assert opened.shape("grad.decoder.0.attn.q") == opened["grad.decoder.0.attn.q"].shape
    assert opened.axes("grad.decoder.0.attn.pattern") == "HLM" and trace.gradients is None
    assert "grad.decoder.0.attn.q" in opened and "grad.head.probs" not in opened
    assert GRAD not in "".join(kind.leaf for kind in kinds())


# --- how long it takes ----------------------------------------------------------------------------


def test_a_way_back_through_the_study_model_is_quick(tmp_path):
    """A tenth of the time that a step of training may take, as processor time of one core; the
    fastest of several, because others may be at work."""
    trace = load("study-decoder", fetch=False).trace(ids_L=[2, *range(40, 51)])
    targets = {i: 40 + i for i in range(11)}
    spent = []
    for _ in range(8):
        start = time.process_time()
        assert len(dict(trace.backward(targets).learned())) > 20
        spent.append(time.process_time() - start)
    assert min(spent) < 0.025
