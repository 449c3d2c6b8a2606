"""Before attention: two networks' guesses, a neuron's numbers, an LSTM read word by word, and how
far one word reaches, each measured again here.
"""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import influence
from core.errors import GlassError
from core.lstm import forward
from core.models import catalogue
from core.text import number, percent
from tests.helpers.cards import CARDS
from tests.helpers.lstm import small, write_lstm
from tests.helpers.marked import drawn, not_of_the_trace
from tests.helpers.pages import (
    HARM,
    HOSTILE,
    ROOT,
    SIGNED,
    address,
    click,
    components,
    opened,
    parts,
    said,
    unmarked,
    values_in,
)
from tests.helpers.study import write_study
from ui.session import runs
from ui.session.selection import DEPTHS
from ui.session.shelf import SHELF
from ui.stages.before_attention import influence as influence_stage
from ui.stages.before_attention import lstm

PAGE = "pages/11_Before_attention.py"
OPEN = {"cards": CARDS[PAGE]}
TEXT = "The book that the student recommended is expensive."


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Small random models in the place of those that are trained."""
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    clear()
    write_lstm(tmp_path)
    write_study(tmp_path, "study-decoder")
    yield tmp_path
    clear()


def clear() -> None:
    SHELF.forget()
    for cache in (influence_stage.mean_of, runs.ready_of):
        cache.clear()


def linked(cell: str, **more: str) -> AppTest:
    """The page as if its own link had been opened, with a number."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in (
        SIGNED | {"model": "minilm", "sentence": TEXT, "cell": cell} | OPEN | more
    ).items():
        app.query_params[key] = value
    return app.switch_page(PAGE).run()


def text_of(app) -> str:
    return unmarked(" ".join(each.value for each in app.markdown))


def tables(app) -> dict[str, dict]:
    return {data["title"].split(" ")[0]: data for data in parts(app, "table")}


# --- the measures ---------------------------------------------------------------------------------


def test_a_reach_is_what_two_runs_differ_by():
    model = small()
    words_L = (None, 0, 1, 1, 2)  # the second word has two pieces
    before, after = (
        forward(model.config, model.weights, ids, words_L)
        for ids in ([2, 7, 0, 10, 3], [2, 5, 0, 10, 3])
    )
    found = influence.influence_of(before, after, 0)
    for n, at in enumerate((1, 3, 4)):
        x, y = before["lstm.hidden"][at], after["lstm.hidden"][at]
        assert found.moved_N[n] == pytest.approx(
            sum((b - a) ** 2 for a, b in zip(x, y, strict=True)) ** 0.5
            / sum(a * a for a in x) ** 0.5
        )
        p, q = before["head.probs"][at], after["head.probs"][at]
        assert found.guess_N[n] == pytest.approx(
            sum(max(b - a, 0) for a, b in zip(p, q, strict=True))
        )  # the share that went elsewhere
    assert found.places_N2.tolist() == [[1, 1], [3, 3], [4, 4]]
    assert not influence.influence_of(before, before, 1).moved_N.any()
    after = forward(model.config, model.weights, [2, 5, 0, 10, 3], (None, 0, 1, 2, 3))
    with pytest.raises(GlassError, match="a different number of words"):
        influence.influence_of(before, after, 0)


def test_nothing_reaches_back_to_the_words_before():
    model = small()
    before, after = (model.trace(ids_L=ids) for ids in ([2, 7, 0, 10, 3], [2, 7, 0, 5, 3]))
    assert np.array_equal(before["lstm.hidden"][:3], after["lstm.hidden"][:3])
    assert np.abs(before["lstm.hidden"][3:] - after["lstm.hidden"][3:]).min() > 0


def test_the_mean_at_a_distance_is_over_the_sentences_that_reach_it():
    made = [
        influence.Influence(np.array(moved), np.array(moved) / 2, np.zeros((len(moved), 2)))
        for moved in ([1.0, 0.5], [3.0, 1.5, 0.25])
    ]
    mean = influence.mean_by_distance(made)
    assert mean["moved"].tolist() == [2, 1, 0.25] and mean["guess"].tolist() == [1, 0.5, 0.125]
    assert mean["sentences"].tolist() == [2, 2, 1]


def test_the_list_has_one_other_word_in_each_sentence():
    listed = influence.sentences()
    assert len(listed) >= 20
    for text, other, word in listed:
        differ = [
            i for i, (a, b) in enumerate(zip(text.split(), other.split(), strict=True)) if a != b
        ]
        assert differ == [word] and word <= 2 and len(text.split()) - word >= 10


def test_the_word_that_is_proposed_is_another_whole_word(study):
    encoding = lstm.model().encode(TEXT)
    assert influence.words(encoding) == [
        "The",
        "book",
        "that",
        "the",
        "student",
        "recommended",
        "is",
        "expensive",
        ".",
    ]
    other = influence.of_the_same_kind(lstm.model(), encoding, 1)
    assert other.isalpha() and other != "book" and lstm.model().tokenizer.id_of(other) is not None
    assert influence.replaced(encoding, 1, "door") == TEXT.replace("book", "door")


# --- the page -------------------------------------------------------------------------------------


def test_without_the_lstm_s_files_it_says_so_and_the_neuron_is_there(tmp_path, monkeypatch, minilm):
    monkeypatch.setattr(catalogue, "MODELS", tmp_path)
    clear()
    app = opened(PAGE, **OPEN, model="minilm", token="8")
    assert not app.exception and not app.warning
    assert "study" in app.info[0].value and "one neuron make of" in unmarked(app.title[0].value)
    trace = minilm.trace(TEXT)
    neuron = app.session_state["ff_neuron"]
    after = number(trace["encoder.0.mlp.hidden"][8, neuron], 3)
    assert f"GELU turns into **{after}**" in text_of(app).replace("\\", "")
    assert parts(app)[0]["name"] == f"encoder.0.mlp.hidden:8,{neuron}"
    said_no = linked(cell="lstm.cell:3,2")
    assert "cannot be opened" in said(said_no) and said_no.session_state["cell"] is None


def test_weighted_inputs_and_bias_add_up_to_the_neuron(minilm):
    trace = minilm.trace(TEXT)
    terms_D = trace["encoder.0.mlp.pre.terms.8.5"].astype(np.float64)
    assert terms_D.sum() + trace.weights["encoder.0.mlp.pre.bias"][5] == pytest.approx(
        trace["encoder.0.mlp.pre"][8, 5], abs=1e-4
    )


@pytest.mark.one_in(5)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("model", ("minilm", "smollm2"))
def test_it_opens_at_every_depth_and_shows_only_the_traces_numbers(
    request, study, handed_out, model, depth
):
    request.getfixturevalue(model)
    app = opened(PAGE, **OPEN, model=model, depth=depth)
    assert not app.exception and not app.warning and not app.info
    assert not_of_the_trace(app, handed_out()) == {} and len(list(drawn(app))) >= 6


@pytest.mark.slow
def test_every_number_of_the_lstm_opens_on_this_page_by_its_link(study):
    units = lstm.model().config.n_units
    for cell in (
        f"lstm.cell:3,{units - 1}",
        "lstm.forget.pre:2,1",
        "lstm.input.past:0,0",
        "lstm.in:3,2",
        "head.probs:4,7",
        "weights/lstm.output.recurrent:1,2",
        "weights/lstm.embed.weight:7,1",
        "weights/head.logits.bias:7",
    ):
        app = linked(cell=cell)
        head, body, _ = parts(app)
        assert not app.exception and not app.warning and head["name"] == cell
        for link in [
            item["cell"]
            for group in body["groups"]
            for row in group["rows"]
            for item in row["items"]
            if item["cell"]
        ][:3]:
            onward = linked(cell=link)
            assert not onward.warning and parts(onward)[0]["name"] == link
    assert "cannot be opened" in said(linked(cell="lstm.cell:3,999"))
    assert parts(linked(cell="encoder.0.mlp.pre:3,9"))[0]["name"] == "encoder.0.mlp.pre:3,9"


def test_the_stepper_goes_from_word_to_word(study):
    app = opened(PAGE, **OPEN, model="minilm", token="3")
    assert app.session_state["before_at"] == 3 and "**that**" in text_of(
        app
    )  # where the reader looks
    app.button(key="before_on").click().run()
    trace = lstm.lstm_view(TEXT).trace
    unit = int(np.abs(trace["lstm.cell"][4]).argmax())
    assert f"its cell becomes **{number(trace['lstm.cell'][4, unit], 3)}**" in text_of(app)
    assert tables(app)["The"]["title"].endswith("after “the” (4)")
    app.select_slider(key="before_at").set_value(0).run()
    assert app.button(key="before_back").disabled and not app.exception


def test_how_far_a_word_reaches_is_measured_in_both_models(study):
    app = opened(PAGE, **OPEN, model="minilm")
    app.text_input(key="before_other").set_value("door").run()
    shown = tables(app)["How"]
    assert shown["columns"] == [
        "LSTM: vector",
        "attention: vector",
        "LSTM: guess",
        "attention: guess",
        "LSTM: steps",
        "attention: steps",
    ]
    read = [lstm.lstm_view(text).trace for text in (TEXT, TEXT.replace("book", "door"))]
    h, h2 = (run["lstm.hidden"][9].astype(np.float64) for run in read)
    assert (
        shown["numbers"][-1][0] == number(np.linalg.norm(h2 - h) / np.linalg.norm(h))
        and shown["rows"][0] == "book"
    )
    assert [row[-2:] for row in shown["numbers"]] == [[str(n), str(min(n, 1))] for n in range(8)]
    decoder = [
        runs.trace_of(runs.RunRequest("study-decoder", text))
        for text in (TEXT, TEXT.replace("book", "door"))
    ]
    p, q = (run["head.probs"][9].astype(np.float64) for run in decoder)
    assert shown["numbers"][-1][3] == number(np.abs(p - q).sum() / 2)


def test_a_number_of_the_other_run_opens_in_the_other_run(study):
    app = opened(PAGE, **OPEN, model="minilm")
    app.text_input(key="before_other").set_value("door").run()
    app.segmented_control(key="before_reads").set_value("other").run()
    app.session_state["cell"] = "lstm.in:2,1"
    app.run()
    assert "door" in parts(app)[0]["where"] and not app.warning and address(app)["swap"] == "1-door"
    app.segmented_control(key="before_reads").set_value("own").run()
    assert app.session_state["cell"] is None and "swap" not in address(app)


def test_a_link_to_a_number_of_the_other_run_opens_it_there(study):
    value = lstm.lstm_view(TEXT.replace("book", "door")).trace["lstm.hidden"][4, 1]
    app = linked("lstm.hidden:4,1", swap="1-door")
    assert (
        parts(app)[0]["value"] == number(value)
        and app.session_state["before_reads"] == "other"
        and not app.warning
    )
    for swap in ("1-two words", "99-door", "x", "1-<script>alert(1)</script>"):
        app = linked("lstm.hidden:4,1", swap=swap)
        assert not app.exception and app.session_state["before_reads"] in ("own", "other")
    app.switch_page("pages/3_Attention.py").run()
    assert "swap" not in address(app)


def figure_of(app) -> dict:
    return next(iter(parts(app, "guesses")))


def test_the_figure_shows_both_guesses_of_both_networks_after_every_word(study):
    app = opened(PAGE, model="minilm")
    app.text_input(key="before_other").set_value("door").run()
    shown, texts = figure_of(app), (TEXT, TEXT.replace("book", "door"))
    assert shown["places"] == TEXT.replace(".", " .").split()[1:] and len(shown["titles"]) == 2
    values_PGWB = values_in(shown)
    for g, name in enumerate((lstm.NAME, "study-decoder")):
        model = runs.model_of(name)
        read = [model.trace(text)["head.probs"][2:] for text in texts]  # after [START] the
        for n, words in enumerate(models[g] for models in shown["words"]):
            ids = [model.tokenizer.id_of(word) for word in words]
            assert words == shown["words"][n][0]  # one order for both networks
            for bar in range(2):
                assert values_PGWB[n, g, : len(ids), bar] == pytest.approx(read[bar][n][ids], abs=0)
                assert int(read[bar][n].argmax()) in ids
            p, q = (run[n].astype(np.float64) for run in read)
            assert shown["shifts"][n][g] == pytest.approx(np.abs(p - q).sum() / 2)


def test_a_click_on_a_guess_opens_it_in_its_run_and_one_on_a_word_shows_both_there(study):
    app = opened(PAGE, model="minilm")
    app.text_input(key="before_other").set_value("door").run()
    key = next(key for key in components(app) if key.endswith("before:guesses"))
    click(app, key, place=[2])
    assert figure_of(app)["chosen"] == 2 and "After **the**, 2 words on" in text_of(app)
    for bar, reads in enumerate(("own", "other")):
        click(app, key, cell=[3, 0, 1, bar])
        word = figure_of(app)["words"][3][0][1]
        assert app.session_state["cell"] == f"head.probs:5,{lstm.model().tokenizer.id_of(word)}"
        assert app.session_state["before_reads"] == reads and not app.warning
        assert figure_of(app)["opened"] == [3, 0, 1, bar]
        assert parts(app)[0]["value"] == number(values_in(figure_of(app))[3, 0, 1, bar])
    before = app.session_state["cell"]
    for wrong in ([99, 0, 0, 0], [0, 2, 0, 0], "x", None):
        click(app, key, cell=wrong)
        assert not app.exception and app.session_state["cell"] == before


def test_the_story_says_how_much_of_each_guess_moved_in_at_most_45_words(study):
    app = opened(PAGE, model="minilm")
    shifts = figure_of(app)["shifts"][figure_of(app)["chosen"]]
    texts = [unmarked(each.value) for each in app.markdown]
    story = next(text for text in texts if text.startswith("Filled bars"))
    assert f"**{percent(shifts[0], 0)}** of the LSTM’s guess" in story.replace("\\", "")
    assert f"**{percent(shifts[1], 0)}** of attention’s guess" in story.replace("\\", "")
    assert len(story.split()) <= 45


@pytest.mark.parametrize("word, other", [("books", "book"), ("book", "books"), ("keys", "key")])
def test_a_noun_is_proposed_in_the_other_number(study, word, other):
    encoding = lstm.model().encode(f"The {word} that the boy found")
    assert lstm.proposed_word(encoding, 1) == other
    assert lstm.proposed_word(encoding, 0).lower() != "the"


@pytest.mark.one_in(7)
@pytest.mark.parametrize("other", ["two words", "", "   ", "x-y", "book", *HOSTILE.values()])
def test_what_is_put_in_place_may_be_anything(study, other):
    app = opened(PAGE, **OPEN, model="minilm")
    app.text_input(key="before_other").set_value(other[:30]).run()
    assert not app.exception and not app.error
    shown = (app.markdown, app.caption, app.warning, app.info, app.subheader)
    assert not any(
        harm in element.proto.body for kind in shown for element in kind for harm in HARM
    )


def test_a_word_after_which_none_comes_is_said_to_reach_nothing(study):
    app = opened(PAGE, **OPEN, model="minilm")
    app.selectbox(key="before_word").set_value(7).run()
    app.text_input(key="before_other").set_value("  new ").run()
    assert (
        not app.exception
        and "No word follows that it could reach" in text_of(app)
        and "outlines: with **new**" in text_of(app)
    )
    app.selectbox(key="before_word").set_value(6).run()
    app.text_input(key="before_other").set_value("was").run()
    assert ", 1 word on," in text_of(app) and "study-decoder" in text_of(app).replace("\\", "")


def test_with_a_mask_or_a_what_if_it_is_said_that_the_lstm_reads_as_it_was_trained(study):
    said_so = [
        "both networks read your sentence as they were trained"
        in " ".join(each.value for each in opened(PAGE, **OPEN, model="minilm", **more).caption)
        for more in ({}, {"mask": "decoder"}, {"change": "order"})
    ]
    assert said_so == [False, True, True]


def test_a_damaged_twin_costs_the_comparison_and_no_more(study):
    (study / "study-decoder/config.json").write_text("{")
    app = opened(PAGE, **OPEN, model="minilm")
    assert not app.exception
    assert (
        any("config" in each.value for each in app.caption)
        and len(tables(app)["How"]["columns"]) == 4
    )


def test_another_sentence_begins_anew(study):
    app = opened(PAGE, **OPEN, model="minilm")
    app.selectbox(key="before_word").set_value(4).run()
    app.text_input(key="before_other").set_value("teacher").run()
    assert "**teacher**" in text_of(app)
    app.text_input(key="sentence").set_value("A dog.").run()
    assert (
        not app.exception
        and app.session_state["before_word"] == 1
        and "teacher" not in text_of(app)
    )
    assert address(app)["sentence"] == "A dog."


def test_without_the_twin_the_loaded_decoder_is_compared_and_an_encoder_is_not(study, smollm2):
    for file in (study / "study-decoder").iterdir():
        file.unlink()
    runs.ready_of.clear()
    app = opened(PAGE, **OPEN, model="minilm")
    assert (
        any("choose a decoder as the model" in each.value for each in app.caption)
        and len(tables(app)["How"]["columns"]) == 4
    )
    app = opened(PAGE, **OPEN, model="smollm2")
    assert not app.exception and "attention: guess" in tables(app)["How"]["columns"]
