"""What the pages show of a model that was fine-tuned: its labels, each token's, the answers. Every
share that is drawn is the trace's, and opens.
"""

from __future__ import annotations

import numpy as np
import pytest

from core import load
from core.answers import best_answers
from core.text import percent
from tests.helpers.fine_tuned import CASES, case, fine_tuned
from tests.helpers.pages import (
    HARM,
    OTHERS,
    address,
    click,
    components,
    opened,
    parts,
    prose,
    values_in,
)
from ui.session import runs

OUTPUT = "pages/10_Output.py"
IDS = "3 5 7 2 9 4"


@pytest.fixture
def listed(monkeypatch):
    """listed(folder): the folder is in the app's list."""

    def add(folder) -> str:
        monkeypatch.setenv("GLASSFORMER_MODELS", str(folder))
        runs.ready_of.clear()
        return str(folder)

    yield add
    runs.ready_of.clear()


def trace_of(folder: str):
    return load(folder).trace(ids_L=[int(i) for i in IDS.split()])


def bars_of(app) -> dict:
    return next(iter(parts(app, "glass_guesses")))


@pytest.mark.parametrize("name", ("one", "any"))
def test_the_labels_of_a_text_are_bars_the_likeliest_first(name, listed, tmp_path):
    folder = listed(case(tmp_path, name))
    app, trace = opened(OUTPUT, model=folder, sentence=IDS), trace_of(folder)
    labels, probs_C = load(folder).config.task.labels, trace["task.probs"]
    order = np.argsort(-probs_C)
    bars = bars_of(app)
    assert bars["words"] == [[[labels[c] for c in order]]]
    assert np.array_equal(values_in(bars).ravel(), probs_C[order])
    assert f"{labels[order[0]]} leads with {percent(probs_C[order[0]])}" in prose(app).replace(
        "**", ""
    )
    assert ("add up to 1" in prose(app)) == (name == "one")
    click(app, "output:labels", cell=[0, 0, 1, 0])
    assert address(app)["cell"] == f"task.probs:{order[1]}"


def test_a_number_is_no_probability(listed, tmp_path):
    folder = listed(case(tmp_path, "number"))
    app, trace = opened(OUTPUT, model=folder, sentence=IDS), trace_of(folder)
    assert "no probability" in prose(app) and not parts(app, "glass_guesses")
    click(app, "output:numbers", cell=[0, 0])
    assert address(app)["cell"] == "task.logits:0"
    assert "task.probs" not in trace


def test_each_token_has_its_label_below_it(listed, tmp_path):
    folder = listed(case(tmp_path, "tokens"))
    app, trace = opened(OUTPUT, model=folder, sentence=IDS, token="2"), trace_of(folder)
    labels, probs_LC = load(folder).config.task.labels, trace["task.probs"]
    (data,) = parts(app, "glass_tagged")
    for tagged, probs_C in zip(data["tokens"], probs_LC, strict=True):
        (tag,) = tagged["tags"]
        c = int(probs_C.argmax())
        assert (tag["text"], tag["share"]) == (labels[c], float(probs_C[c]))
        assert tag["percent"] == percent(probs_C[c], 0) and tag["quiet"] == (labels[c] == "O")
    assert data["chosen"] == 2
    assert np.array_equal(values_in(bars_of(app)).ravel(), np.sort(probs_LC[2])[::-1])
    click(app, "output:tagged", tag=[4, 0])
    assert address(app)["cell"] == f"task.probs:4,{probs_LC[4].argmax()}"
    click(app, "output:tagged", token=[1])
    assert np.array_equal(values_in(bars_of(app)).ravel(), np.sort(probs_LC[1])[::-1])


def test_the_best_answer_is_underlined_and_its_numbers_open(listed, tmp_path):
    folder = listed(case(tmp_path, "span"))
    app, trace = opened(OUTPUT, model=folder, sentence=IDS), trace_of(folder)
    best, *others = best_answers(trace)
    (data,) = parts(app, "glass_tagged")
    inside = [i for i, token in enumerate(data["tokens"]) if token["inside"]]
    assert inside == list(range(best.start, best.end + 1))
    tags = {
        (i, tag["text"]): tag["share"] for i, t in enumerate(data["tokens"]) for tag in t["tags"]
    }
    assert tags == {
        (best.start, "starts"): float(trace["task.probs"][best.start, 0]),
        (best.end, "ends"): float(trace["task.probs"][best.end, 1]),
    }
    (table,) = parts(app, "glass_table")
    assert len(table["rows"]) == 1 + len(others) and table["columns"][-1] == "probability"
    click(app, "output:answers", cell=[1, 2])
    assert address(app)["cell"] == f"task.answers:{others[0].start},{others[0].end}"
    (data,) = parts(app, "glass_tagged")  # the opened answer is the underlined one
    inside = [i for i, token in enumerate(data["tokens"]) if token["inside"]]
    assert inside == list(range(others[0].start, others[0].end + 1))


@pytest.mark.one_in(2)
@pytest.mark.parametrize("name", CASES)
def test_the_overview_ends_with_what_the_head_says(name, listed, tmp_path):
    """And speaks of no next word."""
    folder = listed(case(tmp_path, name))
    app, trace = opened(model=folder, sentence=IDS), trace_of(folder)
    (picture,) = parts(app, "glass_overview")
    said = "".join(piece for piece, _ in picture["headline"])
    assert "word comes" not in said and "next word" not in str(picture["captions"])
    words = picture["output"]["words"]
    if name == "number":
        assert not words and said.startswith("Which number does this text get?")
        return
    for word in words:
        assert word["share"] == float(trace[word["step"]][tuple(word["cell"])])
    assert words[0]["share"] == max(word["share"] for word in words)
    assert words[0]["word"] in said
    click(app, "river", cell=[f"word/{words[1]['id']}", 0, 0])
    cell = ",".join(map(str, words[1]["cell"]))
    assert address(app)["cell"] == f"{words[1]['step']}:{cell}"


def test_what_was_before_a_change_stands_beside_it(listed, tmp_path):
    folder = listed(case(tmp_path, "one"))
    app = opened(model=folder, sentence=IDS, change="mlp:encoder.0")
    (picture,) = parts(app, "glass_overview")
    plain = trace_of(folder)["task.probs"]
    words = picture["output"]["words"]
    assert [word["before"] for word in words] == [float(plain[word["cell"][0]]) for word in words]
    assert any(abs(word["before"] - word["share"]) > 1e-6 for word in words)
    assert "(before: " in "".join(piece for piece, _ in picture["headline"])


@pytest.mark.one_in(20)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("page", OTHERS)
def test_every_page_copes_with_a_fine_tuned_model(page, name, listed, tmp_path):
    folder = listed(case(tmp_path, name))
    for depth in ("story", "numbers"):
        app = opened(page, model=folder, sentence=IDS, depth=depth)
        assert not app.exception, (page, app.exception[0].message)


def test_a_label_is_text_and_a_forged_click_changes_nothing(listed, tmp_path):
    evil = "<script>![x](http://evil)</script>"
    folder = fine_tuned(
        tmp_path, "BertForTokenClassification", id2label={"0": evil, "1": "a[b](c)"}
    )
    app = opened(OUTPUT, model=listed(folder), sentence=IDS, cards="output-label-vector")
    assert not app.exception
    texts = " ".join(e.value for e in (*app.markdown, *app.title, *app.caption))
    assert not any(harm in texts for harm in HARM)
    before = address(app)
    for forged in (
        {"tag": [99, 0]},
        {"tag": [0, 5]},
        {"tag": "x"},
        {"token": [-1]},
        {"token": [0.5]},
    ):
        click(app, "output:tagged", **forged)
        assert not app.exception and address(app) == before
    assert "output:labels" in components(app)
