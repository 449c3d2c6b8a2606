"""The strips under the rail: words that are new to a model, a missing full stop, a what-if, what
went wrong; each in one place on every page, each with its way out.
"""

from __future__ import annotations

import pytest

from core import load
from core.errors import GlassError
from core.models import catalogue, download, engines
from tests.helpers.pages import OTHERS, READY, address, data_of, opened, parts, prose, said
from tests.helpers.sample import one_in
from ui.kit.picture_frame import picture_frame
from ui.session import runs
from ui.session.navigation import OVERVIEW, PAGES
from ui.session.selection import EXAMPLES
from ui.session.view import View
from ui.shell import downloads, settings
from ui.shell.controls import model_words
from ui.shell.model_notes import what_it_does

BOOKS = "The books that the student recommended"
OWN = "My sister bought a red bicycle for her birthday"
TWO_NEW = (
    "**2 words are new to this model** (for, birthday). It reads them in pieces and can’t know what"
    " they mean."
)


def keys(app) -> set[str]:
    return {button.key for button in app.button}


def strips(app) -> list[str]:
    """The lines that begin with an orange dot."""
    return [each.value for each in app.markdown if each.value.startswith(":orange[●]")]


# --- words that are new to the model --------------------------------------------------------------


@pytest.mark.parametrize("path", one_in(3, ["app.py", *OTHERS]))
def test_new_words_are_counted_in_one_line_on_every_page(path):
    app = opened(path, model="study-decoder", sentence=OWN)
    (line,) = strips(app)
    assert TWO_NEW in line and "\n" not in line
    assert app.button(key="larger_model").label == "Read it with SmolLM2"
    assert not app.warning and not app.exception


def test_how_new_words_are_read_stands_behind_the_line():
    app = opened(model="study-decoder", sentence=OWN)
    assert "##r" not in strips(app)[0]
    assert "**for** (fo ##r)" in prose(app) and "**birthday** (bi ##r ##th ##da ##y)" in prose(app)


@pytest.mark.parametrize(
    "text, count",
    [("Der Hund schläft", 3), ("blorp", 1), ("👩‍👩‍👧 🇫🇷", 2), ("zz " * 3 + "zx zy zw zv", 5)],
)
def test_other_languages_nonsense_and_signs_are_new_words_too(text, count):
    (line,) = strips(opened(model="study-decoder", sentence=text))
    assert line.startswith(f":orange[●] **{count} word{'s are' if count > 1 else ' is'} new")
    assert (" and 2 more)" in line) == (count == 5) and "U+" not in line.replace("\\", "")


@pytest.mark.parametrize(
    "model, button", [("study-encoder", "MiniLM"), ("study-decoder", "SmolLM2")]
)
def test_the_button_leads_to_a_larger_model_of_the_same_kind(model, button, minilm, smollm2):
    app = opened(model=model, sentence="The zorblat is here.")
    assert app.button(key="larger_model").label == f"Read it with {button}"
    app.button(key="larger_model").click().run()
    shown = app.session_state["memory"].shown
    assert shown.model == button.lower() and shown.sentence == "The zorblat is here."
    assert not strips(app)


def test_a_larger_model_that_is_not_here_is_fetched(afterwards, monkeypatch):
    asked, found = [], catalogue.find
    monkeypatch.setattr(download, "fetch", lambda name, progress: asked.append(name))
    monkeypatch.setattr(catalogue, "find", lambda name: None if name == "smollm2" else found(name))
    runs.ready_of.clear()
    app = opened(model="study-decoder", sentence=OWN)
    size = downloads.megabytes(catalogue.entry_of("smollm2").size)
    assert app.button(key="larger_model").label == f"Fetch SmolLM2, {size}"
    app.button(key="larger_model").click().run()
    assert asked == ["smollm2"] and app.session_state["model"] == "smollm2"
    assert "is not on this machine yet" in prose(app)


def test_a_translator_is_led_nowhere_and_known_words_need_no_line():
    app = opened(model="study-translator", sentence="The zorblat is here.")
    assert (
        "**1 word is new to this model** (zorblat). It can copy it, but not translate it."
        in (strips(app)[0])
    )
    assert "larger_model" not in keys(app)
    assert strips(opened(model="study-decoder", sentence=BOOKS)) == []


# --- a missing full stop --------------------------------------------------------------------------


@pytest.mark.one_in(2)
@pytest.mark.parametrize("model", ["study-encoder", "study-translator"])
@pytest.mark.parametrize("text", ["The book is expensive", "The book is expensive!  "])
def test_a_missing_full_stop_is_added_by_a_click(model, text):
    app = opened(model=model, sentence=text)
    assert any("sentences that end with a full stop" in line for line in strips(app))
    app.button(key="full_stop").click().run()
    assert app.session_state["sentence"] == "The book is expensive." and not strips(app)
    assert app.session_state["memory"].shown.sentence == "The book is expensive."


@pytest.mark.parametrize(
    "model, text",
    [
        ("study-encoder", "The book is expensive."),
        ("study-translator", "Where did the boy find the keys? "),
        ("study-decoder", "The book is"),
        ("minilm", "The book is expensive"),
    ],
)
def test_no_full_stop_is_asked_of_who_needs_none(model, text):
    app = opened(model=model, sentence=text)
    assert "full_stop" not in keys(app) and not strips(app)


# --- a what-if ------------------------------------------------------------------------------------


@pytest.mark.one_in(2)
@pytest.mark.parametrize("path", one_in(3, ["app.py", *OTHERS]))
def test_a_what_if_stands_in_one_strip_under_the_rail_and_is_undone(path):
    app = opened(path, model="study-decoder", sentence=BOOKS, change="head:decoder.3.4")
    # One page begins from the trained model, whatever the others show.
    which = "all other pages" if path == "pages/17_How_it_learned.py" else "all pages"
    assert strips(app) == [
        f":orange[●] **What if:** head 4 of layer 3 silent — {which} show this run."
    ]
    assert app.button(key="as_it_is").label == "Undo"
    app.button(key="as_it_is").click().run()
    assert not strips(app) and "change" not in address(app)


@pytest.mark.parametrize(
    "change, words",
    [
        ("token:2={book}", "“books” (2) read as “book”"),
        ("swap:2=5", "“books” (2) read as “student” (5)"),
        ("order+swap:2=5", "words in reverse order, “student” (2) read as “books” (5)"),
        (
            "patch:decoder.1.stream[2]=The book that the student recommended",
            "the vector that enters layer 1 at “books” (2) patched in from “The book that the"
            " student recommended”",
        ),
    ],
)
def test_the_strip_the_panel_and_the_pictures_name_the_tokens_of_a_what_if(change, words):
    change = change.format(book=load("study-decoder").tokenizer.id_of("book"))
    app = opened(
        "app.py", model="study-decoder", sentence=BOOKS, change=change, cell="head.probs:6,5"
    )
    (strip,) = strips(app)
    assert words in strip.replace("\\", "")
    assert any(words in part["where"] for part in parts(app) if "where" in part)
    view = View(app.session_state["memory"].shown, "decoder", 0, 0, 2)
    assert picture_frame(view, OVERVIEW)["change"] == words


def typed_over(change: str):
    app = opened("app.py", model="study-decoder", sentence=BOOKS, change=change)
    app.text_input(key="sentence").set_value("The book that the student recommended").run()
    assert app.session_state["change"] == ""
    return app


def test_a_what_if_that_a_new_sentence_ended_is_named_and_had_again_by_a_click():
    app = typed_over("head:decoder.3.4")
    (strip,) = strips(app)
    assert "ended the what-if: head 4 of layer 3 silent." in strip
    app.button(key="again").click().run()
    assert address(app)["change"] == "head:decoder.3.4"
    assert ["What if:" in each for each in strips(app)] == [True]
    app = typed_over("head:decoder.3.4")
    app.text_input(key="sentence").set_value("The book").run()
    assert not strips(app), "it is said of the sentence that ended it, once"


def test_a_what_if_that_another_model_ended_is_named_and_not_offered_there():
    app = opened("app.py", model="study-decoder", sentence=BOOKS, change="head:decoder.3.4")
    app.selectbox(key="model").set_value("study-encoder").run()
    assert app.session_state["change"] == ""
    said = "Choosing study-encoder ended the what-if: head 4 of layer 3 silent."
    assert sum(said in strip.replace("\\", "") for strip in strips(app)) == 1
    assert not [button for button in app.button if button.key == "again"]


def test_a_what_if_about_the_tokens_of_the_old_sentence_is_not_offered_for_the_new_one():
    app = typed_over("swap:2=5")
    assert "“books” (2) read as “student” (5)" in strips(app)[0].replace("\\", "")
    assert "again" not in keys(app)


# --- what went wrong ------------------------------------------------------------------------------


def test_an_empty_sentence_is_told_in_one_strip():
    app = opened(sentence=" ")
    assert len(app.warning) == 1
    assert "There is nothing to read" in said(app) and "You still see" in said(app)


@pytest.mark.parametrize("model", ["study-decoder", "minilm"])
def test_the_limit_is_told_in_tokens_of_this_model(model):
    app = opened(model=model, sentence="word " * 600)
    limit = f"{runs.model_of(model).config.n_positions}, the positions that the model has"
    assert f"with {catalogue.entry_of(model).title} the limit is {limit}." in said(app)


@pytest.mark.skipif("smollm2" not in READY, reason="SmolLM2 is not on this machine")
def test_a_text_that_the_memory_is_too_small_for_says_so(monkeypatch):
    model = runs.model_of("smollm2")
    monkeypatch.setattr(runs.SHELF, "room", model.nbytes + (200 << 20))
    limit = runs.limit_of(model)
    assert 100 < limit.tokens < 500
    assert len(runs.read_text(model, runs.Texts(" a" * (limit.tokens - 1))).ids_L) <= limit.tokens
    with pytest.raises(GlassError) as told:
        runs.read_text(model, runs.Texts(" a" * (limit.tokens + 1)))
    room = runs.SHELF.room >> 20
    assert f"the limit is {limit.tokens}, what fits into {room} MB of memory" in str(told.value)
    assert "GLASSFORMER_MEMORY" in str(told.value)
    monkeypatch.setattr(runs.SHELF, "room", 0)
    assert runs.limit_of(model).tokens == runs.ALWAYS


@pytest.mark.skipif("smollm2" not in READY, reason="SmolLM2 is not on this machine")
def test_with_the_usual_memory_smollm2_reads_a_thousand_tokens():
    assert runs.limit_of(runs.model_of("smollm2")).tokens >= 1024


# --- the bar, the rail and the foot ---------------------------------------------------------------


def test_the_list_of_models_has_a_few_words_on_each():
    names = list(catalogue.CATALOGUE)
    rules = model_words([*names, "its own reader’s"]).split("\n")
    assert len(rules) == len(names)
    for at, (name, rule) in enumerate(zip(names, rules, strict=True)):
        assert f'[data-key="{at}"]' in rule and f'"{what_it_does(name)}"' in rule


def test_an_example_shows_its_sentence_below_its_name():
    options = opened(model="study-decoder").selectbox(key="example").options
    first = EXAMPLES[0]
    assert options[0] == f"{first['name']}\n{first['text']}"


def test_a_page_has_one_name_in_the_rail_and_at_the_foot():
    for at, page in enumerate(PAGES):
        app = opened(page.path)
        rail, foot = (
            [each["title"] for each in data_of(app, key, "page_links")["links"]]
            for key in ("rail", "foot")
        )
        assert rail == [each.title for each in PAGES]
        around = [f"← {PAGES[at - 1].title}"] * (at > 0)
        around += [f"{each.title} →" for each in PAGES[at + 1 : at + 2]]
        assert foot == around


def test_the_settings_keep_what_the_model_is_in_a_fold():
    app = opened()
    (fold,) = [each for each in app.expander if each.label == "About this model"]
    assert any("Which model is good for what?" in each.value for each in fold.markdown)
    assert not fold.proto.expanded


def test_the_overview_alone_says_what_the_app_is():
    words = "See through a transformer"
    assert words in prose(opened()) and words not in prose(opened(OTHERS[0]))


# --- engines --------------------------------------------------------------------------------------


def test_the_page_says_who_computed_the_layers_and_how_far_numpy_is_from_that(monkeypatch):
    def inexact(model, inputs):
        return {name: 1.25 * x_LD for name, x_LD in engines.outputs(model, inputs).items()}

    monkeypatch.setattr(engines, "installed", lambda: ("numpy", "torch"))
    for module in (runs, settings):
        monkeypatch.setattr(module, "installed", engines.installed)
    monkeypatch.setattr(engines, "engine_of", lambda name: inexact)
    text = "A sentence for another engine."
    app = opened("pages/3_Attention.py", model="minilm", sentence=text, engine="torch", layer="2")
    request = runs.RunRequest("minilm", text, engine="torch")
    assert app.session_state["memory"].shown == request and not app.exception
    off = runs.trace_of(request).off("encoder", 2)
    assert off > 0.01 and f"NumPy computed layer 2 from that: its output is within {off:.2g}" in (
        prose(app).replace("*", "")
    )
    app.radio(key="engine").set_value("numpy").run()
    assert "computed what the layers read" not in prose(app)
    assert app.session_state["memory"].shown.engine == "numpy"


def test_a_choice_of_engines_stands_only_where_there_is_one(monkeypatch):
    monkeypatch.setattr(settings, "installed", lambda: ("numpy",))
    monkeypatch.setattr(runs, "installed", lambda: ("numpy",))
    app = opened(model="minilm", engine="torch")
    assert "engine" not in {each.key for each in app.radio}
    assert app.session_state["memory"].shown.engine == "numpy"


def test_study_models_are_run_by_numpy_whatever_is_chosen(monkeypatch):
    monkeypatch.setattr(runs, "installed", lambda: ("numpy", "torch"))
    request = runs.RunRequest("study-decoder", "The boy sees the", engine="torch")
    assert not runs.uses_engine(request) and runs.trace_of(request).engine == "numpy"
    assert not runs.uses_engine(request._replace(model="minilm", mask="decoder"))
    assert runs.uses_engine(request._replace(model="minilm"))
