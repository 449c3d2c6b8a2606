"""How it learned: losses and gradients are those of the trace, the step is that of core.learning, a
lesson goes on, stops, and is shown on all pages until it is undone.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from core import load
from core.config import weight_shapes
from core.course import Course, lessons, taught, written_course
from core.learning import losses_on, next_words, update
from core.text import factor, moves, number, operand, percent
from core.vectors import lengths
from core.whatif import model_taught
from tests.helpers.pages import address, click, data_of, opened, parts, prose, said, values_in
from ui.stages.how_it_learned.lessons import held_texts

PAGE, BOOKS = "pages/17_How_it_learned.py", "The books that the student recommended"
STUDY = {"model": "study-decoder", "sentence": BOOKS}
ROWS = ("head.in", *(f"decoder.{n}.{part}.in" for n in (3, 2, 1, 0) for part in ("mlp", "attn")))


@pytest.fixture(scope="module")
def model():
    return load("study-decoder")


@pytest.fixture(scope="module")
def trace(model):
    return model.trace(BOOKS)


def figure(app) -> dict:
    return data_of(app, "way-back", "way_back")


def pulls(trace, targets) -> np.ndarray:
    grads = trace.backward(targets)
    return np.stack([lengths(grads[name]) for name in ROWS])


def learn_to_the_end(app) -> None:
    """Begins the lesson, or goes on with it, and waits for its end."""
    app.button(key="learn_run").click().run()
    for _ in range(40):
        if not [each for each in app.button if each.key == "learn_run"]:
            return
        app.run()


def panel_number(app) -> str:
    return next(part["value"] for part in parts(app) if part["part"] == "head")


def test_the_figure_shows_the_losses_and_the_gradients_of_the_run(trace):
    app = opened(PAGE, **STUDY)
    shown, ids = figure(app), trace["decoder.embed.ids"].tolist()
    assert np.allclose(values_in(shown), pulls(trace, next_words(ids)), rtol=1e-4, atol=1e-9)
    for row, word in enumerate(shown["right"]):
        share = float(trace["head.probs"][row, ids[row + 1]])
        assert word["share"] == pytest.approx(share)
        assert word["loss"] == pytest.approx(-np.log(share), rel=1e-5)
    app = click(app, "way-back", place=3)
    assert address(app)["learn_at"] == "3"
    shown = values_in(figure(app))
    assert np.allclose(shown, pulls(trace, {3: ids[4]}), rtol=1e-4, atol=1e-9)
    assert not shown[:, 4:].any(), "a word has no part in the guess before it"


def test_a_click_on_a_vector_opens_its_largest_gradient(trace):
    app = click(opened(PAGE, **STUDY), "way-back", cell=[2, 4])
    grads = trace.backward(next_words(trace["decoder.embed.ids"].tolist()))
    g_D = grads["decoder.3.attn.in"][4]
    at = int(np.abs(g_D).argmax())
    assert address(app)["cell"] == f"grad.decoder.3.attn.in:4,{at}"
    assert panel_number(app) == number(g_D[at]) and not said(app)
    app = opened(PAGE, **STUDY, cell="grad.decoder.1.mlp.in:5,7")
    assert figure(app)["opened"] == 5 * len(figure(app)["words"]) + 5


@pytest.mark.parametrize("method, rate", (("sgd", "0.01"), ("adamw", "0.001")))
def test_one_step_is_written_out_with_its_numbers_and_opens(model, trace, method, rate):
    app = opened(PAGE, **STUDY, learn_method=method, cards="learned-step")
    course = Course(method, 1, float(rate), BOOKS)
    lesson = next(lessons(model, course))
    text = prose(app)
    name, word, column = re.search(r"`([\w.]+)` \[“(\w+)”, (\d+)\] has the largest", text).groups()
    first = data_of(app, "learned:numbers", "table")["rows"][0]
    assert first == f"{name} [“{word}”, {column}]"  # the table names it as the text does
    assert ("every number moves by η" in text) is (method == "adamw")
    at = model.tokenizer.id_of(word), int(column)
    found = update(lesson, name, at)
    sizes = [np.abs(g).max() for _, g in lesson.gradients.learned()]
    assert abs(found.gradient) == pytest.approx(max(sizes))
    g = f"({operand(found.gradient)})" if found.gradient < 0 else operand(found.gradient)
    if method == "sgd":
        assert found.after == pytest.approx(found.before - 0.01 * found.gradient)
        made = f"{operand(found.before)} − 0.01 · {g} = **{operand(found.after)}**"
    else:
        assert found.means.mean == pytest.approx(found.gradient)
        assert found.means.square == pytest.approx(found.gradient**2)
        root = f"√{operand(found.means.square)}"
        made = f"{operand(found.before)} − 0.001 · {g} / {root} = **{operand(found.after)}**"
    assert made in text
    after = losses_on(model.config, lesson.after.weights, model.ids(BOOKS)).mean()
    assert moves(number(lesson.loss, 4), number(after, 4)) in text
    app = click(app, "learned:numbers", cell=[0, 2])
    assert panel_number(app) == number(lesson.after.weights[name][at])
    tables = ("decoder.embed.token.weight", "head.logits.weight")  # one array with two names
    assert name == tables[0]
    parts_2 = [float(lesson.gradients[f"weights/{each}"][at]) for each in tables]
    assert found.gradient == pytest.approx(sum(parts_2))
    read, written = (number(part, 3) for part in parts_2)
    assert f"sum of {read} from the first use and {written} from the second" in text
    app = click(app, "learned:numbers", cell=[0, 1])
    assert panel_number(app) == number(max(parts_2, key=abs))


def test_the_story_names_the_word_that_a_step_helps_most(model, trace):
    text = prose(opened(PAGE, **STUDY))
    ids = model.ids(BOOKS).tolist()
    weights = taught(model, Course("sgd", 1, 0.01, BOOKS)).weights
    after = type(model)(model.name, model.config, weights, model.tokenizer).trace(BOOKS)
    before_R, after_R = (run["head.probs"][range(len(ids) - 1), ids[1:]] for run in (trace, after))
    best = int((after_R - before_R).argmax())
    word = model.tokenizer.piece(ids[best + 1])
    gain = moves(percent(before_R[best]), percent(after_R[best]))
    assert f"One step of training: after **{model.tokenizer.piece(ids[best])}**" in text
    assert f", “**{word}**” {gain}." in text
    most = pulls(trace, next_words(ids))
    row, token = np.unravel_index(int(most.argmax()), most.shape)
    assert ROWS[row] == "head.in" and "where it enters the output" in text
    assert f"It is steepest at **{model.tokenizer.piece(ids[token])}**" in text


def test_a_nudge_changes_the_loss_as_the_gradient_foretells():
    app = opened(PAGE, **STUDY, cards="learned-gradient", cell="grad.decoder.2.attn.in:2,5")
    numbers = data_of(app, "learned:nudges", "table")["numbers"]
    foretold, measured = (float(text.replace("−", "-")) for text in numbers[0])
    assert foretold and measured == pytest.approx(foretold, rel=0.05, abs=2e-7)


def test_a_lesson_goes_on_stops_and_is_shown_on_all_pages_until_it_is_undone(model):
    app = opened(PAGE, **STUDY, cards="learned-teach", learn_steps="4")
    assert app.button(key="learn_run").click().run().button(key="learn_run").label == "Stop"
    assert app.button(key="learn_run").click().run().button(key="learn_run").label == "Go on"
    learn_to_the_end(app)
    course = Course("sgd", 4, 0.01, BOOKS)
    weights, ids = taught(model, course).weights, [model.ids(text) for text in held_texts()]
    own = [model.ids(BOOKS)]
    for texts, digits in ((own, 3), (ids, 4)):
        losses = [
            np.concatenate([losses_on(model.config, each, ids_L) for ids_L in texts]).mean()
            for each in (model.weights, weights)
        ]
        assert moves(*(number(each, digits) for each in losses)) in prose(app)
    after = type(model)(model.name, model.config, weights, model.tokenizer)
    shown = data_of(app, "learned:guesses-taught", "guesses")
    place = shown["chosen"]
    (word,) = (n for n, each in enumerate(shown["words"][place][0]) if each.endswith("✓"))
    app = click(app, "learned:guesses-taught", cell=[place, 0, word, 1])
    ids_L, probs_V = model.ids(BOOKS), after.trace(BOOKS)["head.probs"][place]
    assert panel_number(app) == number(probs_V[ids_L[place + 1]])
    app = click(app, "learned:guesses-taught", cell=[place, 0, word, 0])
    assert panel_number(app) == number(model.trace(BOOKS)["head.probs"][place, ids_L[place + 1]])
    app.button(key="learn_use").click().run()
    assert address(app)["change"] == written_course(course)
    app.text_input(key="sentence").set_value("The girls that the student saw").run()
    assert address(app)["change"] == written_course(course), "it holds for other texts"
    app.switch_page("pages/10_Output.py").run()
    probs_V = after.trace("The girls that the student saw")["head.probs"][-1]
    assert panel_number(app) == number(probs_V.max())
    app.button(key="as_it_is").click().run()
    assert "change" not in address(app)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("method, rate", (("sgd", "0.01"), ("adamw", "0.001")))
def test_a_lesson_names_the_number_that_moved_furthest(model, method, rate):
    asked = {"learn_method": method, "learn_steps": "3", "cards": "learned-teach"}
    app = opened(PAGE, **STUDY | asked)
    learn_to_the_end(app)
    *_, last = lessons(model, Course(method, 3, float(rate), BOOKS))
    change = {
        name: np.abs(last.after.weights[name] - model.weights[name])
        for name in weight_shapes(model.config)
    }
    furthest = max(change_W.max() for change_W in change.values())
    tied = [  # AdamW moves many numbers as far in a few steps
        (name, tuple(map(int, at)))
        for name, change_W in change.items()
        for at in np.argwhere(change_W == furthest)
    ]
    data = data_of(app, "learned:moved", "table")
    pairs = [[number(run.weights[n][at]) for run in (model, last.after)] for n, at in tied]
    assert furthest > 0 and data["numbers"][0] in pairs
    both = data["numbers"][0]
    most, at = tied[pairs.index(both)]
    found = update(last, most, at)
    means = found.means
    g = found.gradient if means is None else means.mean / np.sqrt(means.square)
    assert found.after == pytest.approx(found.before - float(rate) * g, rel=1e-4, abs=1e-7)
    assert f"**{operand(found.after)}**" in prose(app)
    if means:
        kept = f"(0.9 · {factor(means.m)} + 0.1 · {factor(found.gradient)}) / (1 − 0.9^3)"
        assert f"{kept} = **{operand(means.mean)}**" in prose(app)
        kept = f"(0.999 · {operand(means.v)} + 0.001 · {factor(found.gradient)}²) / (1 − 0.999^3)"
        assert f"{kept} = **{operand(means.square)}**" in prose(app)
    app = click(app, "learned:moved", cell=[0, 1])
    assert panel_number(app) == both[1]


def test_a_lesson_shows_the_words_that_it_made_the_model_forget(model):
    asked = {"learn_steps": "5", "learn_rate": "0.1", "cards": "learned-teach"}
    app = opened(PAGE, **STUDY | asked)
    learn_to_the_end(app)
    weights = taught(model, Course("sgd", 5, 0.1, BOOKS)).weights
    after, lost = type(model)(model.name, model.config, weights, model.tokenizer), []
    for text in held_texts():
        ids_L = model.ids(text)
        runs = [each.trace(text)["head.probs"] for each in (model, after)]
        before_R, after_R = (run[range(len(ids_L) - 1), ids_L[1:]] for run in runs)
        row = int((before_R - after_R).argmax())
        lost.append((before_R[row], after_R[row], row, ids_L))
    lost.sort(key=lambda each: each[1] - each[0])
    data = data_of(app, "learned:forgotten", "table")
    wanted = [[number(each[0]), number(each[1])] for each in lost[: len(data["rows"])]]
    assert data["numbers"] == wanted and len(wanted) == 5
    before, after, row, ids_L = lost[0]
    assert f"{moves(percent(before), percent(after))}." in prose(app)
    assert data["rows"][0].endswith(f"→ {model.tokenizer.piece(ids_L[row + 1])}")
    for column, value in enumerate((before, after)):
        app = click(app, "learned:forgotten", cell=[0, column])
        assert panel_number(app) == number(value) and not said(app)
        assert data_of(app, "learned:forgotten", "table")["opened"] == [0, column]
    assert address(app)["learn_reads"] == "held-taught"


@pytest.mark.parametrize("name", ("study-encoder", "minilm", "study-translator"))
def test_other_models_say_what_they_lack_and_offer_one_that_has_it(name):
    app = opened(PAGE, model=name, sentence="The house is green.")
    assert "only a decoder with an output head" in app.info[0].value and not app.exception
    app.button(key="learn_switch").click().run()
    assert app.session_state["model"] == "study-decoder" and figure(app)["right"]


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    "asked",
    (
        {"learn_at": "99"},
        {"learn_cell": "99-99"},
        {"learn_rate": "7", "learn_steps": "1000", "learn_method": "<b>"},
        {"learn_weight": "decoder.9.nothing", "cards": "learned-step"},
        {"learn_rate": "0.1", "learn_method": "adamw", "cards": "learned-step.learned-teach"},
        {"sentence": "a"},
        {"sentence": "word " * 90},
        {"change": "learn:sgd,5,0.01=a"},
        {"change": "learn:sgd,500,0.01=a"},
        {"change": "learn:sgd,5,0.01=The book", "model": "study-encoder"},
        {"cell": "grad.decoder.0.attn.in:99,0"},
        {"cell": "grad.weights/decoder.0.mlp.pre.weight:3,4", "learn_reads": "after"},
        {"cell": "head.probs:2,7", "learn_reads": "held", "learn_held": "100"},
        {"cell": "head.probs:90,7", "learn_reads": "held-taught", "learn_steps": "1"},
    ),
)
def test_what_an_address_asks_for_is_checked(asked):
    assert not opened(PAGE, **STUDY | asked).exception


def test_a_number_that_a_lesson_has_moved_says_where_it_began(model):
    """Its panel does not call it unchanged: stored + moved = taught, and the sum is right."""
    change = "learn:sgd,1,0.01=The books are old."
    name, index = "decoder.1.attn.q.weight", (85, 6)
    cell = f"weights/{name}:85,6"
    app = opened("pages/3_Attention.py", **STUDY, change=change, cell=cell)
    (shown,) = [part for part in parts(app) if part["part"] == "body"]
    (head,) = [part for part in parts(app) if part["part"] == "head"]
    before, after = (
        float(each.weights[name][index]) for each in (model, model_taught(model, change))
    )
    assert "no sentence changes it" not in head["story"] and number(before) in head["story"]
    terms = re.fullmatch(r"(\S+) ([+−]) (\S+) = (\S+)", shown["formula"])
    first, sign, way, total = (each.replace("−", "-") for each in terms.groups())
    assert number(after).replace("−", "-") == total
    assert float(first) + float(f"{sign}{way}") == pytest.approx(after, rel=1e-5)


def test_a_number_of_a_snapshot_says_what_it_came_to(model):
    app = opened(
        "pages/3_Attention.py",
        **STUDY,
        change="trained:400",
        cell="weights/decoder.1.attn.q.weight:85,6",
    )
    (head,) = [part for part in parts(app) if part["part"] == "head"]
    end = float(model.weights["decoder.1.attn.q.weight"][85, 6])
    assert number(end) in head["story"] and "at that step" in head["story"]
