"""When did it learn what? The card shows what each snapshot writes, its next words and its map, it
says when each skill appeared by what was measured, and shows the model of then on all pages.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from core import load
from core.models import catalogue
from core.models.over_time import FOLDER, MEASURES, Decides, Measures, as_it_was, measures, steps_of
from core.text import number
from tests.helpers.pages import address, click, data_of, opened, parts, prose, said, values_in
from tests.helpers.study import write_study
from ui.stages.how_it_learned import milestones
from ui.text import labelled

PAGE, BOOKS = "pages/17_How_it_learned.py", "The books that the student recommended"
STUDY = {"model": "study-decoder", "sentence": BOOKS}
CARD = STUDY | {"cards": "learned-training"}
HOME = catalogue.MODELS / "study-decoder"
kept = pytest.mark.skipif(
    not ((HOME / FOLDER).is_dir() and (HOME / MEASURES).is_file()),
    reason="the snapshots of study-decoder are not made yet",
)


@pytest.fixture(scope="module")
def model():
    return load("study-decoder")


def picture(app) -> dict:
    return data_of(app, "over-time", "over_time")


def panel_number(app) -> str:
    return next(part["value"] for part in parts(app) if part["part"] == "head")


@kept
def test_ten_stops_from_the_random_start_to_the_trained_model(model):
    shown, steps = picture(opened(PAGE, **CARD)), steps_of(model)
    assert len(shown["names"]) == len(steps) + 1 == 10 and steps[0] == 0
    assert shown["steps"] == [*steps, measures(model).steps_S[-1]] == sorted(set(shown["steps"]))
    assert shown["chosen"] == 9 and shown["names"][0] == "before training, at random"
    assert sum(file.stat().st_size for file in (HOME / FOLDER).iterdir()) <= 8_000_000


@kept
def test_each_stop_shows_what_the_model_of_then_makes_of_the_text(model):
    shown, head = picture(opened(PAGE, **CARD)), measures(model).decides
    maps = values_in(shown)
    for n, step in enumerate([*steps_of(model), None]):
        then = model if step is None else as_it_was(model, step)
        trace = then.trace(BOOKS)
        pattern_HLM = trace[f"decoder.{head.layer}.attn.pattern"]
        assert np.array_equal(maps[n], pattern_HLM[head.head])
        probs_V = trace["head.probs"][-1]
        best = np.argsort(-probs_V, kind="stable")[: len(shown["guesses"][n])]
        assert shown["shares"][n] == pytest.approx(probs_V[best].tolist())
        assert shown["guesses"][n] == [labelled(then.tokenizer.piece(i)) for i in best]
        assert shown["writes"][n] == written_on(then)


def written_on(then) -> str:
    """Ten tokens after the text, each the likeliest of a run of its own; “…” where it goes on."""
    ids = then.ids(BOOKS).tolist()
    for _ in range(10):
        token = int(then.trace(ids_L=ids)["head.probs"][-1].argmax())
        if token == then.config.end_id:
            break
        ids.append(token)
    text = " ".join(then.tokenizer.decode(ids[len(then.ids(BOOKS)) :]).split())
    return text if token == then.config.end_id else f"{text} …"


@kept
def test_the_curves_are_what_was_measured(model):
    curves, known = picture(opened(PAGE, **CARD))["curves"], measures(model)
    assert curves["steps"] == list(known.steps_S) and curves["truth"] == known.truth
    assert curves["loss"] == known.loss_S.tolist()
    own, *others = curves["lines"]
    lines = {line["name"]: line["values"] for line in others}
    assert lines["agreement"] == known.agreement_S.tolist() and len(lines) == 4
    layer, head = known.best("induction")
    assert lines["induction"] == known.roles["induction"][:, layer, head].tolist()
    best = int(model.trace(BOOKS)["head.probs"][-1].argmax())
    assert own["name"] == f"“{model.tokenizer.piece(best)}” after your words"
    assert own["steps"] == [*steps_of(model), known.steps_S[-1]]
    then = (*(as_it_was(model, step) for step in steps_of(model)), model)
    assert own["values"] == pytest.approx([t.trace(BOOKS)["head.probs"][-1, best] for t in then])


@kept
def test_it_says_since_when_the_word_that_comes_next_is_likeliest(model):
    steps, then = steps_of(model), (as_it_was(model, step) for step in steps_of(model))
    ids = [int(each.trace(BOOKS)["head.probs"][-1].argmax()) for each in (*then, model)]
    words = [model.tokenizer.piece(i) for i in ids]
    at = max(n for n, i in enumerate(ids) if i != ids[-1]) + 1
    app = opened(PAGE, **CARD)
    assert f"After your words, **{words[-1]}** is likeliest from step {steps[at]:,} on" in prose(
        app
    )
    assert picture(app)["followed"] == words[-1]


@kept
def test_a_number_of_then_opens_and_follows_the_slider(model):
    steps, head = steps_of(model), measures(model).decides
    step = f"decoder.{head.layer}.attn.pattern"
    app = click(opened(PAGE, **CARD), "over-time", cell=[4, 6, 2])
    assert address(app)["learn_stop"] == str(steps[4]) and not said(app)
    weight = as_it_was(model, steps[4]).trace(BOOKS)[step][head.head, 6, 2]
    assert panel_number(app) == number(weight)
    assert picture(app)["opened"] == {"cell": [6, 2]} and picture(app)["chosen"] == 4
    app = click(app, "over-time", stop=7)
    assert panel_number(app) == number(
        as_it_was(model, steps[7]).trace(BOOKS)[step][head.head, 6, 2]
    )
    app = click(app, "over-time", guess=[7, 1])
    probs_V = as_it_was(model, steps[7]).trace(BOOKS)["head.probs"][-1]
    assert panel_number(app) == number(np.sort(probs_V)[-2])
    app = click(app, "over-time", stop=9)
    assert address(app)["learn_stop"] == "-1" and not app.exception
    word = address(app)["cell"].rpartition(",")[2]
    assert panel_number(app) == number(model.trace(BOOKS)["head.probs"][-1, int(word)])


@kept
@pytest.mark.parametrize("part", ("q", "out"))
def test_a_matrix_of_the_head_is_shown_as_it_was_and_its_numbers_open(model, part):
    steps, head = steps_of(model), measures(model).decides
    name, K = f"decoder.{head.layer}.attn.{part}.weight", model.config.d_head
    own = slice(head.head * K, (head.head + 1) * K)

    def rows(then) -> np.ndarray:
        return then.weights[name][own] if part == "out" else then.weights[name][:, own].T

    app = opened(PAGE, **CARD, learn_matrix=part, learn_stop=str(steps[6]))
    then, first = as_it_was(model, steps[6]), as_it_was(model, 0)
    shown = data_of(app, "learned:matrix", "heatmap")
    assert np.array_equal(values_in(shown)[0], rows(then))
    a, b = (rows(each).astype(np.float64).ravel() for each in (first, then))
    close = number(a @ b / np.linalg.norm(a) / np.linalg.norm(b), 2)
    assert f"The cosine between then and now is {close}:" in prose(app)
    assert f"about {number(np.sqrt(np.mean(b * b)), 2)} in size" in prose(app)
    app = click(app, "learned:matrix", cell=[0, 3, 40])
    assert panel_number(app) == number(rows(then)[3, 40]) and not said(app)
    assert data_of(app, "learned:matrix", "heatmap")["opened"] == [0, 3, 40]
    app = click(app, "over-time", stop=9)
    assert panel_number(app) == number(rows(model)[3, 40])


@pytest.mark.one_in(3)
@kept
@pytest.mark.parametrize(
    "sent", ({"stop": 10}, {"stop": "3"}, {"stop": -1}, {"cell": [0, 9, 0]}, {"guess": [0, 6]})
)
def test_a_forged_click_changes_nothing(sent):
    app = click(opened(PAGE, **CARD), "over-time", **sent)
    assert not app.exception and "learn_stop" not in address(app) and "cell" not in address(app)


@kept
def test_the_model_of_then_is_shown_on_all_pages_until_it_is_undone(model):
    step = steps_of(model)[5]
    app = click(opened(PAGE, **CARD, change="head:decoder.1.2"), "over-time", stop=5)
    app.button(key="learn_then").click().run()
    assert address(app)["change"] == f"head:decoder.1.2+trained:{step}"
    assert "head 2 of layer 1 silent" in prose(app)
    assert f"the model after {step:,} steps of training" in prose(app)
    app.text_input(key="sentence").set_value("The girls that the student saw").run()
    assert address(app)["change"] == f"trained:{step}", "it holds for other texts, a head does not"
    app.switch_page("pages/10_Output.py").run()
    probs_V = as_it_was(model, step).trace("The girls that the student saw")["head.probs"][-1]
    assert panel_number(app) == number(probs_V.max())
    app.switch_page("pages/16_Laboratory.py").run()
    chips = [each for each in app.button if str(each.key).startswith("lab_remove_")]
    assert [each.label for each in chips] == [f"the model after {step} steps of training ✕"]
    chips[0].click().run()
    assert "change" not in address(app)


@kept
def test_a_lesson_and_a_step_take_each_other_s_place(model):
    lesson = "learn:sgd,2,0.01=The girls"
    app = click(opened(PAGE, **CARD, change=lesson), "over-time", stop=0)
    app.button(key="learn_then").click().run()
    assert address(app)["change"] == "trained:0"
    app.button(key="learn_as_is").click().run()
    assert "change" not in address(app)


@kept
def test_the_card_begins_where_the_what_if_is(model):
    step = steps_of(model)[3]
    app = opened(PAGE, **CARD, change=f"trained:{step}")
    assert picture(app)["chosen"] == 3
    assert "This page shows the model as it was trained" in prose(app)


@kept
def test_the_laboratory_offers_the_steps(model):
    app = opened("pages/16_Laboratory.py", **STUDY, change="learn:sgd,1,0.01=a dog")
    app.selectbox(key="lab_kind").set_value("trained").run()
    box = app.selectbox(key="lab_step")
    assert box.options == [f"{step:,}" for step in steps_of(model)]
    box.set_value(steps_of(model)[1]).run()
    app.button(key="lab_add").click().run()
    assert address(app)["change"] == f"trained:{steps_of(model)[1]}"
    other = opened("pages/16_Laboratory.py", model="minilm")
    assert "trained" not in other.selectbox(key="lab_kind").options
    assert "Go back in training" not in other.selectbox(key="lab_kind").options


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "asked",
    (
        {"change": "trained:3"},
        {"change": "trained:x", "cards": "learned-training"},
        {"change": "trained:8", "model": "minilm"},
        {"change": "trained:0+learn:sgd,5,0.01=The book"},
        {"learn_stop": "77", "cards": "learned-training"},
        {"learn_reads": "then", "cell": "head.probs:99,1", "cards": "learned-training"},
        {"learn_reads": "then", "cell": "decoder.9.attn.pattern:0,0,0"},
    ),
)
def test_what_an_address_asks_for_is_checked(asked):
    assert not opened(PAGE, **STUDY | asked).exception


def test_a_model_without_snapshots_says_so(tmp_path, monkeypatch):
    folder = write_study(tmp_path, "study-decoder", d_model=20)
    monkeypatch.setenv("GLASSFORMER_MODELS", str(folder))
    app = opened(PAGE, model=str(folder), sentence=BOOKS, cards="learned-training")
    assert not app.exception
    assert any("No snapshots from the training of" in each.value for each in app.info)


# --- in words -------------------------------------------------------------------------------------

LINK = "verb to its subject, past a relative clause"
OWN = "After your words, **are** is likeliest from step 100 on."


def made(agreement, link, induction=(0, 0, 0, 0)) -> Measures:
    """Measures of four steps, in which one head of each role has these scores."""
    roles = {"previous token": (0.1, 0.5, 0.7, 0.8), LINK: link, "induction": induction}
    scores = {name: np.full((4, 2, 3), 0.01) for name in roles}
    for name, values in roles.items():
        scores[name][:, 1, 2] = np.maximum(values, 0.02)
    return Measures(
        (0, 10, 100, 1000),
        np.array([4.0, 3.9, 3.5, 3.1]),
        3.0,
        np.array(agreement, float),
        50,
        scores,
        Decides(1, 2, 1.0, 0.5, 40),
    )


def test_the_words_say_when_each_skill_appeared():
    known = made((0.4, 0.96, 0.94, 0.99), (0, 0.4, 0.9, 0.5))
    words = milestones.words(known, OWN)
    assert words.startswith(f"- {OWN}\n- ")
    assert (
        "learned by step 1,000: there" in words
        and "99.0% of 50 cases; after 100, in 94.0%" in words
    )
    assert milestones.appears(known, LINK) == 1 and milestones.appears(known, "previous token") == 1
    assert "a head looks at the previous token (layer 1, head 2) by step 10" in words
    assert ", and one links a verb to its subject past a clause" in words
    assert (
        "No head looks at what followed the same word before (induction): the best scores 0.02"
        in words
    )
    assert "in 100% of 40 cases; without head 2 of layer 1" in words and "in 50.0%" in words


def test_the_words_say_what_was_not_learned():
    words = milestones.words(made((0.4, 0.99, 0.9, 0.7), (0, 0, 0, 0.1)), OWN)
    assert "has not learned" in words and "70.0% of 50 cases" in words
    assert "No head links a verb to its subject past a clause" in words
    assert milestones.words(None, OWN).startswith(f"{OWN} Move the slider")


def test_a_skill_that_was_there_from_the_start_is_said_to_be():
    words = milestones.words(made((1, 1, 1, 1), (0.9, 0.9, 0.9, 0.9)), OWN)
    assert re.search(r"learned by step 0: there .* 100% of 50 cases\.", words)
    assert "past a clause (layer 1, head 2) from the random start on" in words
    known = made((1, 1, 1, 1), (0.2, 0.9, 0.1, 0.9))
    assert milestones.appears(known, LINK) == 3, "one that goes away again comes anew"


def test_the_likeliest_word_is_followed_back_to_the_snapshot_in_which_it_came_first():
    def said_of(*likeliest: str) -> str:
        return milestones.own_words([0, 10, 2000], list(likeliest))

    assert said_of("roof", "are", ".", "are") == (
        "After your words, **are** is likeliest in the trained model alone; in the snapshot before,"
        " of step 2,000, it was “**\\.**”."
    )
    assert "from step 2,000 on; in the snapshot before, of step 10, it was **is**" in said_of(
        "are", "is", "are", "are"
    )
    assert said_of(*4 * ["are"]).endswith("is likeliest from the random start on.")
