"""Before attention: the sentences in which the LSTM loses an early word, read live, and the rates
that were measured on many.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from core import early_words as kept
from core import load, lstm
from core.early_words import ATTENTION, LSTM, early_words
from core.models import catalogue
from core.text import percent
from tests.helpers.pages import components, data_of, opened, parts, unmarked
from ui.session.navigation import BEFORE_ATTENTION
from ui.stages.before_attention.early_words import marked, verdict

OPENING = "The books that the student recommended"
PLACES = range(len(early_words().examples))


@pytest.fixture(autouse=True)
def shipped():
    """The models that were measured."""
    for name in (LSTM, ATTENTION):
        if not (catalogue.MODELS / name / "model.safetensors").exists():
            pytest.skip(f"{name} is not trained yet")


@pytest.fixture
def other_file(tmp_path, monkeypatch):
    """Other measurements in the place of those that come with the program."""
    data = json.loads(kept._FILE.read_text(encoding="utf-8"))
    data["sentences"] = 7_654
    right = {LSTM: 123, ATTENTION: 987}
    data["tried"]["pronoun"] = [{"between": 5, "count": 1_234, "right": right}]
    data["examples"] = [each | {"kind": "pronoun", "between": 5} for each in data["examples"]]
    (tmp_path / "measured.json").write_text(json.dumps(data), encoding="utf-8")
    monkeypatch.setattr(kept, "_FILE", tmp_path / "measured.json")
    early_words.cache_clear()
    yield
    early_words.cache_clear()


def page(**asked):
    return opened(BEFORE_ATTENTION.path, **{"model": ATTENTION, "sentence": OPENING} | asked)


def text_of(app) -> str:
    return unmarked(" ".join(each.value for each in app.markdown)).replace("\\", "")


def captions(app) -> list[str]:
    return [each.value.replace("\\", "") for each in app.caption]


def given(example, name: str) -> tuple[float, float]:
    """What a model gives to the right and the wrong form, from a run of the words before."""
    model = lstm.load() if name == LSTM else load(name)
    encoding = model.encode(example.text)
    ids = encoding.ids_L[: list(encoding.words_L).index(example.decided)]
    probs_V = model.trace(ids_L=ids)["head.probs"][-1]
    right, wrong = (
        float(probs_V[model.tokenizer.id_of(f)]) for f in (example.right, example.wrong)
    )
    return right, wrong


@pytest.mark.parametrize("place", PLACES)
def test_each_example_does_what_its_text_says(place):
    example = early_words().examples[place]
    app = page()
    app.button(key=f"before_example_{place}").click().run()
    assert not app.exception and not app.warning
    assert app.session_state["sentence"] == example.text
    said = text_of(app)
    for called, name in (("the LSTM", LSTM), ("attention", ATTENTION)):
        right, wrong = given(example, name)
        assert (right > wrong) == (name == ATTENTION)
        assert (
            f"{called} gives **{example.right}** {percent(right)} and **{example.wrong}**"
            f" {percent(wrong)}"
        ) in said
    noun = example.text.replace(".", " .").replace(",", " ,").split()[example.noun]
    assert f"The LSTM has lost **{noun}**; attention has kept it." in said


@pytest.mark.parametrize("place", PLACES)
def test_the_figure_shows_the_guess_before_the_decided_word_with_the_noun_and_without(place):
    example = early_words().examples[place]
    app = page(sentence=example.text)  # a link does the same as a click
    shown = data_of(app, "before:guesses", "guesses")
    words = example.text.replace(".", " .").replace(",", " ,").split()
    assert shown["places"][shown["chosen"]].split(" ")[0] == words[example.decided - 1]
    assert shown["chosen"] == example.decided - 1 - example.noun
    assert [bar.lower() for bar in shown["bars"]] == [
        words[example.noun].lower(),
        example.other.lower(),
    ]
    assert {example.right, example.wrong} <= {*shown["words"][shown["chosen"]][0]}


def test_the_rates_are_those_of_the_file(other_file):
    app = page()
    said = text_of(app)
    assert "In 7,654 sentences" in said
    assert "the right pronoun in **10.0%** of 1,234, attention in **80.0%**" in said
    beside = [text for text in captions(app) if "5 or more words between" in text]
    assert len(beside) == len(PLACES)
    assert all("right in 10% (LSTM) and 80% (attention) of 1,234" in text for text in beside)


def test_the_card_has_the_rates_at_each_distance_and_of_how_many():
    app = page(cards="before-lost")
    found = early_words()
    for kind in kept.KINDS:
        shown = next(t for t in parts(app, "table") if t["title"].startswith(kind.capitalize()))
        assert shown["columns"] == ["LSTM", "attention", "of"]
        pooled = found.by_distance(kind, 20)
        assert len(shown["rows"]) == len(pooled)
        for (low, high, _), row, label in zip(pooled, shown["numbers"], shown["rows"], strict=True):
            tried = [each for n, each in found.tried[kind].items() if low <= n <= high]
            count = sum(each.count for each in tried)
            right = [sum(each.right[name] for each in tried) for name in (LSTM, ATTENTION)]
            assert label == (str(low) if low == high else f"{low} to {high}")
            assert [float(text.replace(",", "")) for text in row] == pytest.approx(
                [*(each / count for each in right), count], abs=5e-4
            )


def test_of_the_reader_s_own_sentence_nothing_is_said_that_was_not_measured():
    app = page()
    assert "asks for" not in text_of(app) and "has lost" not in text_of(app)
    assert all(app.button(key=f"before_example_{place}") for place in PLACES)
    app.button(key="before_example_0").click().run()
    app.text_input(key="sentence").set_value("The dogs that the boy saw").run()
    assert "has lost" not in text_of(app) and not app.exception
    assert app.session_state["before_word"] == 1 and app.session_state["before_other"] == "dog"
    assert any(key.endswith("before:guesses") for key in components(app))


def test_another_word_can_be_replaced_in_an_example_and_what_is_said_of_it_stays():
    example = early_words().examples[0]
    app = page(sentence=example.text)
    before = text_of(app)
    app.selectbox(key="before_word").set_value(0 if example.noun else 1).run()
    said = before[before.index("asks for") :].split(".")[0]
    assert not app.exception and said in text_of(app)
    assert app.session_state["before_other"] != example.other


def test_who_has_lost_the_word_follows_from_the_numbers():
    kept_, lost = (0.5, 0.1), (0.1, 0.5)
    assert verdict({"LSTM": lost, "attention": kept_}, "x") == (
        "The LSTM has lost x; attention has kept it."
    )
    assert verdict({"LSTM": kept_, "attention": lost}, "x") == (
        "Attention has lost x; the LSTM has kept it."
    )
    assert verdict({"LSTM": kept_, "attention": kept_}, "x") == "Here both have kept x."
    assert verdict({"LSTM": lost, "attention": lost}, "x") == "Here both have lost x."
    assert verdict({"LSTM": kept_}, "x") == "Here it has kept x."
    assert verdict({"LSTM": lost}, "x") == "The LSTM has lost x."
    assert verdict({"LSTM": (np.nan, 0.1), "attention": kept_}, "x").startswith("The LSTM has lost")


@pytest.mark.parametrize("place", PLACES)
def test_a_button_has_the_sentence_with_both_words_in_bold_letters(place):
    example = early_words().examples[place]
    label = marked(example)
    assert label.replace("**", "").replace("\\", "") == example.text
    words = example.text.replace(".", " .").replace(",", " ,").split()
    assert f"**{words[example.noun]}**" in label and label.count("**") == 4
    assert label.index(f"**{words[example.noun]}**") < label.rindex(f"**{words[example.decided]}**")
