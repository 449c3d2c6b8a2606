"""The page Attention: its pipeline of five steps, with every family; what it sends, says and
opens.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import load
from core.text import number, percent
from tests.helpers.pages import click, components, data_of, opened, parts, prose, values_in
from ui.kit import guessed_place
from ui.session import runs
from ui.session.navigation import WHY
from ui.session.runs import RunRequest
from ui.session.selection import DEPTHS, STAGES
from ui.session.view import View
from ui.stages.attention import names, numbers, pipeline, words
from ui.stages.attention.steps import STEPS
from ui.text import told_apart

PAGE, BOOKS = "pages/3_Attention.py", "The books that the student recommended"
CAT = "The cat sat on the mat. The cat"
PLACE = {"model": "study-decoder", "sentence": BOOKS, "layer": "3", "head": "4"}
RUNS = [("study-decoder", BOOKS), ("study-encoder", "The books that the student recommended."),
        ("study-translator", "The green house is old."), ("minilm", CAT)]  # fmt: skip


@pytest.fixture
def books() -> View:
    """Head 4 of layer 3, which looks from the verb at the noun past the clause."""
    return View(RunRequest("study-decoder", BOOKS), "decoder", 3, 4, 6)


def views(model: str, sentence: str):
    """Views of every token in a few heads, also across."""
    request = RunRequest(model, sentence)
    config, trace = runs.model_of(model).config, runs.trace_of(request)
    for side in config.sides:
        for block in ("attn", "cross") if config.crosses and side == "decoder" else ("attn",):
            for layer in (0, config.layers(side) - 1):
                for head in (0, config.n_heads - 1):
                    for token in range(len(trace[f"{side}.embed.ids"])):
                        yield View(request, side, layer, head, token, block)


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.one_in(7)
@pytest.mark.parametrize("stage", range(STAGES))
@pytest.mark.parametrize("mask", ("trained", "decoder"))
def test_the_five_steps_of_every_family(tiny_folder, mask, stage):
    config = load(tiny_folder).config
    for side in config.sides:
        app = opened(
            PAGE,
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            mask=mask,
            side=side,
            stage=str(stage),
            layer="1",
            head="1",
        )
        assert not app.exception and not app.warning
        assert re.match(
            rf"{side}\.1\.attn\.", parts(app)[0]["name"]
        )  # the panel explains a number of this step


def test_there_are_as_many_steps_as_an_address_may_ask_for():
    assert len(STEPS) == STAGES


@pytest.mark.parametrize("stage", range(STAGES))
def test_the_depths_differ_in_what_they_show(stage):
    apps = {depth: opened(PAGE, **PLACE, stage=str(stage), depth=depth) for depth in DEPTHS}
    tables = {depth: len(app.get("bidi_component")) for depth, app in apps.items()}
    assert not any(app.exception for app in apps.values())
    assert [depth for depth, app in apps.items() if data_of(app, "", "pipeline")["large"]] == [
        "story"
    ]
    assert tables["numbers"] > tables["story"]
    assert apps["formula"].get("latex") and not apps["story"].get("latex")
    assert len(parts(apps["code"], "glass_explanation")) > len(parts(apps["story"]))


def test_the_question_and_the_text_name_the_word_that_the_head_looks_at(books):
    app = opened(PAGE, **PLACE, stage="3")
    assert "Which word does **recommended** look at most?" in prose(app)
    row_M = books.trace["decoder.3.attn.scores"][4, 6].astype(float)
    first, second = np.argsort(-row_M)[:2]
    names_ = told_apart(["[START]", *BOOKS.lower().split()])
    lead = number(row_M[first] - row_M[second], 3)
    assert f"**{names_[first]}** leads **{names_[second]}** by {lead}" in prose(app)
    share = percent(books.trace["decoder.3.attn.pattern"][4, 6, first])
    assert f"{share} of this head’s attention" in prose(app) and names_[first] == "books"


def test_equal_words_are_told_apart_by_their_position():
    assert told_apart(["the", "book", "the"]) == ["the (0)", "book", "the (2)"]
    app = opened(PAGE, **PLACE, stage="3")
    drawn = data_of(app, "", "pipeline")
    assert drawn["words"][1] == "the (1)" and drawn["words"][4] == "the (4)"
    assert drawn["words"][2] == "books"


def test_a_share_below_zero_is_explained_where_there_is_one_and_only_there():
    share_LM = load("study-decoder").trace(BOOKS)["decoder.3.attn.z.share"][4]
    below_L = (share_LM < 0).any(axis=1)
    for below in (False, True):
        token = int(np.flatnonzero(below_L == below)[-1])
        place = {"token": str(token), "stage": str(STAGES - 1), "depth": "numbers"}
        said = [each.value for each in opened(PAGE, **PLACE | place).caption]
        assert any("counts below zero" in each for each in said) == below


def test_softmax_shows_its_sum_with_and_without_the_shift(books):
    app = opened(PAGE, **PLACE, stage="3", depth="numbers")
    (table,) = [each for each in parts(app, "table") if "e^score" in each["columns"]]
    scores_M = books.trace["decoder.3.attn.scores"][4, 6].astype(float)
    plain, shifted = (float(table["foot"]["numbers"][at]) for at in (1, 2))
    assert plain == pytest.approx(np.exp(scores_M).sum(), rel=1e-4)
    assert shifted == pytest.approx(np.exp(scores_M - scores_M.max()).sum(), rel=1e-4)


@pytest.mark.parametrize(
    "stage, cards", [(1, ["why", "map"]), (3, ["why", "softmax", "map"]), (4, ["plane", "map"])]
)
def test_a_step_has_its_cards_and_each_opens(stage, cards):
    def pictures(app) -> int:
        return len(app.get("bidi_component")) + len(app.get("plotly_chart"))

    closed = opened(PAGE, **PLACE, stage=str(stage))
    names_ = ".".join(f"attention-{card}" for card in cards)
    open_ = opened(PAGE, **PLACE, stage=str(stage), cards=names_)
    assert not open_.exception and pictures(open_) >= pictures(closed) + len(cards)


def test_why_one_word_and_not_another_adds_up(books):
    app = opened(PAGE, **PLACE, stage="3", cards="attention-why")
    said = re.search(r"leads by ([\d.]+) before.*add ([\d.]+) to.*others (−?[\d.]+)\.", prose(app))
    whole, three, rest = (float(each.replace("−", "-")) for each in said.groups())
    trace = runs.trace_of(RunRequest("study-decoder", BOOKS))
    dot_M = trace["decoder.3.attn.scores.dot"][4, 6]
    best, rival = names.best_seen(books), names.runner_up(books)
    assert best == dot_M.argmax() and rival not in (0, best, 6)
    assert whole == pytest.approx(float(dot_M[best] - dot_M[rival]), rel=5e-3)
    assert three + rest == pytest.approx(whole, abs=0.2)
    drawn = values_in(data_of(app, "places-rows-why", "heatmap"))
    np.testing.assert_allclose(drawn.sum(axis=-1).ravel(), dot_M[[best, rival]], rtol=1e-5)


# --- what is said ---------------------------------------------------------------------------------


@pytest.mark.parametrize("model, sentence", RUNS)
def test_every_text_is_short_and_names_what_the_trace_has(model, sentence, minilm):
    for view in views(model, sentence):
        texts = [step.text(view) for step in STEPS]
        assert max(len(text.split()) for text in texts) <= 45, texts
        pattern_M, scores_M = names.row_of(view, "pattern"), names.row_of(view, "scores")
        best = names.seen(view, int(pattern_M.argmax()))
        assert best in texts[2] and best in texts[3]
        if said := re.search(r"e\^([\d.]+) ≈ ([\d.]+) times", texts[3]):
            first, second = np.sort(pattern_M)[::-1][:2]
            assert float(said[2]) == pytest.approx(first / second, rel=0.08)
            assert float(said[2]) == pytest.approx(np.exp(float(said[1])), rel=0.08)
        share_M = names.row_of(view, "z.share")
        assert share_M.sum() == pytest.approx(1, abs=1e-4)
        if said := re.search(r"makes (\d+)% of it", texts[4]):
            assert float(said[1]) == pytest.approx(100 * share_M.max(), abs=0.51)
        if "nearly all" in texts[4]:
            assert share_M.max() > 0.95 and pattern_M[share_M.argmax()] > 0.95
        hidden = np.isneginf(scores_M).sum()
        assert (f"hides {hidden} of" in texts[2]) == bool(hidden)


def test_the_first_token_s_attention_is_said_to_carry_little_only_where_its_value_is_short(smollm2):
    """SmolLM2 rests on the first token nearly everywhere."""
    found = 0
    for view in views("smollm2", CAT):
        length_M = np.linalg.norm(view.trace[view.attention("v")][view.key_head], axis=1)
        if said := words.sink_text(view):
            assert names.best_seen(view) == 0 and length_M[0] <= np.median(length_M[1:]) / 2
            assert "so it adds little" in said
            found += 1
    assert found


# --- what is sent ---------------------------------------------------------------------------------


def test_the_pipeline_has_the_trace_s_own_numbers_of_all_tokens_and_heads(books):
    data = numbers.layer_numbers(books)
    sent = values_in(data)
    for name, part in data["arrays"].items():
        values = books.trace[numbers.step_of(books, name)]
        drawn = sent[part["at"] : part["at"] + values.size].reshape(part["shape"])
        np.testing.assert_array_equal(drawn, values.astype(np.float32))
    assert (data["head"], data["row"]) == (None, None) and "x" in data["arrays"]


@pytest.mark.parametrize("count, alone", [(4, (False, False)), (60, (True, False)),
                                          (200, (True, True))])  # fmt: skip
def test_what_is_too_much_is_sent_of_one_head_or_of_one_token(minilm, count, alone):
    request = RunRequest("minilm", " ".join(["word"] * count))
    view = View(request, "encoder", 1, 2, 3)
    data = numbers.layer_numbers(view)
    assert len(data["values"]) < 200_000
    assert (data["head"] is not None, data["row"] is not None) == alone
    at, sent = data["arrays"]["pattern"]["at"], values_in(data)
    row_M = view.trace["encoder.1.attn.pattern"][2, 3]
    h, l = 0 if alone[0] else 2, 0 if alone[1] else 3
    shape = data["arrays"]["pattern"]["shape"]
    drawn = sent[at : at + int(np.prod(shape))].reshape(shape)[h, l]
    np.testing.assert_array_equal(drawn, row_M)


def test_numbers_have_one_name_as_long_as_they_are_the_same(books):
    def named(view: View) -> str:
        return numbers.layer_numbers(view)["id"]

    assert named(books) == named(replace(books, head=0)) == named(replace(books, token=2))
    assert named(books) != named(replace(books, layer=2))
    other = replace(books, request=books.request._replace(change="positions"))
    assert named(books) != named(other)


# --- what a click does ----------------------------------------------------------------------------


def pressed(app: AppTest, **values) -> AppTest:
    """What the pipeline sends."""
    name = next(key for key in components(app) if key.endswith("pipeline-attn"))
    return click(app, name, **values)


def test_a_thumbnail_and_a_word_are_followed_by_the_page():
    app = pressed(opened(PAGE, **PLACE, stage="3"), step=2)
    assert app.session_state["stage"] == 2 and "scores highest" in prose(app)
    app = pressed(app, token=[4])
    assert app.session_state["token"] == 4 and "**the (4)**" in prose(app)


@pytest.mark.parametrize(
    "sent, cell",
    [
        ([4, 6, "pattern", 2], "decoder.3.attn.pattern:4,6,2"),
        ([4, 6, "q", 3], "decoder.3.attn.q:4,6,3"),
        ([4, 6, "k", 2, 7], "decoder.3.attn.k:4,2,7"),
        ([4, 6, "v", 2, 7], "decoder.3.attn.v:4,2,7"),
        ([4, 6, "z", 1], "decoder.3.attn.z:4,6,1"),
        ([4, 6, "x", 99], "decoder.3.attn.in:6,99"),
        ([4, 6, "dot", 2], "decoder.3.attn.scores.dot:4,6,2"),
        ([4, 6, "scores", 2], "decoder.3.attn.scores.scaled:4,6,2"),
        ([4, 2, "scores", 5], "decoder.3.attn.scores:4,2,5"),  # hidden by the mask: −∞
        ([4, 6, "exp", 0], "decoder.3.attn.pattern.exp:4,6,0"),
        ([4, 6, "total"], "decoder.3.attn.pattern.total:4,6"),
        ([4, 6, "plain"], "decoder.3.attn.pattern.power.total:4,6"),
        ([4, 6, "terms", 2, 7], "decoder.3.attn.scores.terms.4.6.2:7"),
    ],
)
def test_every_number_of_the_pipeline_opens(sent, cell):
    app = pressed(opened(PAGE, **PLACE, stage="3"), cell=sent)
    assert not app.exception and parts(app)[0]["name"] == cell


@pytest.mark.one_in(4)
@pytest.mark.parametrize(
    "values",
    [
        {"step": 5}, {"step": -1}, {"step": "3"}, {"step": True}, {"token": [7]}, {"token": 3},
        {"token": [-1]}, {"cell": [4, 6, "pattern"]}, {"cell": [4, 6, "pattern", 7]},
        {"cell": [5, 6, "pattern", 2]}, {"cell": [4, 7, "pattern", 2]}, {"cell": [4, 6, "q", 20]},
        {"cell": [4, 6, "k", 2]}, {"cell": [4, 6, "total", 2]}, {"cell": [4, 6, "logits", 2]},
        {"cell": [4, 6, "terms", 2]}, {"cell": [4, 6, "terms", 9, 1]}, {"cell": [4, 6, ["q"], 2]},
        {"cell": {"a": 1}}, {"cell": "x"}, {"cell": [None, None, "q", 0]}, {"cell": []},
    ],
)  # fmt: skip
def test_what_is_forged_changes_nothing(values):
    app = pressed(opened(PAGE, **PLACE, stage="3"), **values)
    assert not app.exception and app.session_state["stage"] == 3
    assert app.session_state["token"] == 6 and app.session_state["cell"] is None


def test_the_opened_number_is_marked_in_the_figure():
    app = opened(PAGE, **PLACE, stage="3", cell="decoder.3.attn.pattern:4,6,2")
    assert data_of(app, "", "pipeline")["opened"] == ["pattern", 2]
    app = opened(PAGE, **PLACE, stage="3", cell="decoder.3.attn.pattern:4,5,2")
    assert data_of(app, "", "pipeline")["opened"] is None
    assert pipeline.LEAVES is numbers.LEAVES


# --- the way to what a score is made of -----------------------------------------------------------


@pytest.mark.parametrize(
    "cell, pair",
    [(None, (4, 6, 2)), ("decoder.3.attn.scores.dot:4,6,5", (4, 6, 5)),
     ("decoder.3.attn.scores:2,4,1", (2, 4, 1))],
)  # fmt: skip
def test_the_scores_lead_to_what_the_opened_one_is_made_of(monkeypatch, cell, pair):
    went = []
    monkeypatch.setattr(guessed_place, "go", lambda page, **choices: went.append((page, choices)))
    app = opened(PAGE, **PLACE, stage="2", **({"cell": cell} if cell else {}))
    app.button(key="attention_why").click().run()
    ((page, choices),) = went
    head, looks, seen = pair
    assert page == WHY and not app.exception and choices["cards"] == "why-look"
    assert (choices["head"], choices["token"], choices["why_key"]) == pair
    named = {key: str(value) for key, value in choices.items() if value is not None}
    text = prose(opened(page.path, **PLACE | named))
    tokens = told_apart(["[START]", *BOOKS.lower().split()])
    assert f"In head 3.{head}, **{tokens[looks]}** gives **{tokens[seen]}**" in text
    score = runs.trace_of(RunRequest("study-decoder", BOOKS))["decoder.3.attn.scores"][pair]
    assert f"The score before softmax, **{number(score, 3)}**, is the sum" in text


def test_no_score_leads_to_a_word_where_there_is_none(minilm):
    for asked in ({"model": "minilm"}, {"model": "study-translator", "side": "encoder"},
                  PLACE | {"cell": "decoder.3.attn.scores:4,2,5"}):  # fmt: skip
        app = opened(PAGE, **asked, stage="2")
        assert not app.exception and "attention_why" not in [each.key for each in app.button]
    assert "attention_why" not in [each.key for each in opened(PAGE, **PLACE, stage="3").button]
