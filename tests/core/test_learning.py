"""A model that learns: the numbers of PyTorch's optimisers, a loss that falls, and nothing that has
run changes.
"""

from __future__ import annotations

import numpy as np
import pytest

from core import GlassError, load
from core.learning import Learner, Plan, learn, losses_on, next_words, update
from core.models.weights import read_folder
from tests.helpers.tiny import golden

SENTENCE = "The books that the student recommended are expensive."


@pytest.fixture(scope="module")
def decoder():
    model = load("study-decoder")
    return model, model.ids(SENTENCE)


def taught(learner: Learner, plan: Plan, ids_L, steps: int) -> list:
    lessons = []
    for _ in range(steps):
        lessons.append(learn(learner, plan, ids_L, next_words(ids_L)))
        learner = lessons[-1].after
    return lessons


@pytest.mark.parametrize("plan", (Plan("sgd", 0.1), Plan("adamw", 1e-3)))
def test_the_loss_falls_and_the_right_words_become_likelier(decoder, plan):
    model, ids_L = decoder
    lessons = taught(Learner(model.config, model.weights), plan, ids_L, 6)
    losses = [lesson.loss for lesson in lessons]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.7 * losses[0]
    after = lessons[-1].after
    assert losses_on(model.config, after.weights, ids_L).mean() < losses[-1]
    assert losses_on(model.config, model.weights, ids_L).mean() == pytest.approx(
        losses[0], rel=1e-5
    )


def test_nothing_that_has_run_changes(decoder):
    model, ids_L = decoder
    trace, old = model.trace(ids_L=ids_L, keep="layers"), dict(model.weights)
    kept = {name: weight.copy() for name, weight in old.items()}
    pattern_HLM = model.trace(ids_L=ids_L)["decoder.2.attn.pattern"]
    (lesson,) = taught(Learner(model.config, model.weights), Plan(), ids_L, 1)
    assert all(np.array_equal(model.weights[name], weight) for name, weight in kept.items())
    np.testing.assert_array_equal(trace["decoder.2.attn.pattern"], pattern_HLM)
    changed = [n for n in old if not np.array_equal(lesson.after.weights[n], old[n])]
    absent = {name for name, weight in old.items() if not any(weight.strides)}
    assert set(old) - set(changed) == absent | {"decoder.embed.position.weight"}  # sinusoids
    assert not any(weight.flags.writeable for weight in lesson.after.weights.values())


def test_weights_that_lie_together_or_are_tied_stay_so(decoder):
    model, ids_L = decoder
    (lesson,) = taught(Learner(model.config, model.weights), Plan(), ids_L, 1)
    new = lesson.after.weights
    assert np.shares_memory(new["decoder.1.attn.qkv.weight"], new["decoder.1.attn.k.weight"])
    old_tied = model.weights["head.logits.weight"] is model.weights["decoder.embed.token.weight"]
    assert (new["head.logits.weight"] is new["decoder.embed.token.weight"]) == old_tied
    assert {name: w.shape for name, w in new.items()} == {
        name: w.shape for name, w in model.weights.items()
    }


@pytest.mark.parametrize("name", ("decoder.1.attn.k.weight", "decoder.3.mlp.pre.bias"))
@pytest.mark.parametrize("plan", (Plan("sgd", 0.1), Plan("adamw", 1e-3, decay=0.1)))
def test_what_a_step_did_to_a_number_is_its_formula(decoder, plan, name):
    model, ids_L = decoder
    lesson = taught(Learner(model.config, model.weights), plan, ids_L, 3)[-1]
    gradient = lesson.gradients["weights/" + name]
    place = np.unravel_index(abs(gradient).argmax(), gradient.shape)
    found = update(lesson, name, place)
    if plan.method == "sgd":
        assert found.means is None
        wanted = found.before - plan.rate * found.gradient
    else:
        m, v, mean, square = found.means
        g, kept, kept_2 = found.gradient, plan.first, plan.second
        assert mean == pytest.approx((kept * m + (1 - kept) * g) / (1 - kept**3), rel=1e-5)
        assert square == pytest.approx((kept_2 * v + (1 - kept_2) * g * g) / (1 - kept_2**3))
        ratio = mean / (square**0.5 + plan.epsilon)
        wanted = found.before - plan.rate * (ratio + plan.decay * found.before)
    assert found.after == pytest.approx(wanted, rel=1e-5) != found.before
    assert found.gradient == gradient[place]


@pytest.mark.parametrize("family", ("gpt2", "llama_tied", "t5_relu"))
@pytest.mark.parametrize("plan", (Plan("sgd", 0.05), Plan("adamw", 0.01, decay=0.1)))
def test_steps_are_those_of_pytorch(tmp_path, family, plan):
    """Each array by its optimiser, with our gradients."""
    torch = pytest.importorskip("torch")
    config, weights = read_folder(golden(family).write(tmp_path), np.float64)
    inputs = dict(golden(family).inputs)
    target_L = inputs.get("target_ids_L", inputs["ids_L"])
    learner, ids_L = Learner(config, weights), inputs.pop("ids_L")
    theirs, optimiser = None, None
    for _ in range(3):
        lesson = learn(learner, plan, ids_L, next_words(target_L), **inputs)
        grads = dict(lesson.gradients.learned())
        if theirs is None:
            theirs = {name: torch.tensor(weights[name].copy()) for name in grads}
            options = {"lr": plan.rate, "weight_decay": plan.decay}
            kind = torch.optim.SGD if plan.method == "sgd" else torch.optim.AdamW
            optimiser = kind(theirs.values(), **options)
        for name, g in grads.items():
            theirs[name].grad = torch.tensor(g)
        optimiser.step()
        learner = lesson.after
    for name, weight in theirs.items():
        np.testing.assert_allclose(learner.weights[name], weight, rtol=1e-11, atol=1e-13)


def test_what_cannot_be_learned_is_said(decoder):
    model, ids_L = decoder
    wrongs = ({"method": "magic"}, {"rate": 0.0}, {"rate": 2.0}, {"first": 1.0})
    for wrong in (*wrongs, {"method": "sgd", "decay": 0.1}):
        with pytest.raises(GlassError):
            Plan(**wrong)
    with pytest.raises(GlassError, match="no longer a number"), np.errstate(all="ignore"):
        taught(Learner(model.config, model.weights), Plan("sgd", 1.0), ids_L, 40)


def test_a_table_with_two_names_goes_against_the_sum_of_its_gradients(decoder):
    model, ids_L = decoder
    (lesson,) = taught(Learner(model.config, model.weights), Plan("sgd", 0.1), ids_L, 1)
    at, tables = (int(ids_L[2]), 5), ("decoder.embed.token.weight", "head.logits.weight")
    found = update(lesson, tables[1], at)
    parts = [lesson.gradients[f"weights/{name}"][at] for name in tables]
    assert all(parts) and found.gradient == pytest.approx(sum(parts), rel=1e-6)
    assert found.after == pytest.approx(found.before - 0.1 * sum(parts), rel=1e-5)
