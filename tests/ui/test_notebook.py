"""A run in a notebook: what its widgets hold, where they are opened, and what is refused."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from core import explain, load
from core.edits import ablate_head
from core.errors import GlassError
from core.text import number
from tests.helpers.reports import array, held
from ui.kit.theme import COLOURS
from ui.notebook.shown import LIMIT

SENTENCE = "The books that the student recommended"
PATTERN, CELL = "decoder.3.attn.pattern", (4, 3, 2)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def model():
    return load("study-decoder")


@pytest.fixture(scope="module")
def trace(model):
    return model.trace(SENTENCE)


def facts(widget) -> dict:
    """What the document of a widget says of its run."""
    return held(widget.document, "facts")


def test_heads_hold_the_weights_of_the_run(trace):
    shown = trace.heads(layer=1, head=2)
    assert np.array_equal(array(held(shown.document, "contents")["steps"], PATTERN), trace[PATTERN])
    assert (shown.side, shown.layer, shown.head, shown.token) == ("decoder", 1, 2, 6)
    assert [stage["name"] for stage in facts(shown)["stages"]] == ["heads"]
    assert len(shown.document.encode()) <= LIMIT


def test_the_picture_of_the_whole_model_has_all_layers(trace):
    shown = trace.river()
    assert list(held(shown.document, "contents")["opens"]) == [f"decoder.{n}" for n in (3, 2, 1, 0)]
    assert [stage["name"] for stage in facts(shown)["stages"]] == ["river"]


def test_an_explained_number_is_open_with_what_it_is_made_of(trace):
    shown, made = trace.explain(PATTERN, CELL), explain(trace, PATTERN, CELL)
    steps = held(shown.document, "contents")["steps"]
    assert (shown.layer, shown.head, shown.token) == (3, 4, 3)
    assert shown.cell == facts(shown)["cell"] == f"{PATTERN}:4,3,2"
    assert all(operand.name in steps for operand in made.operands)
    assert made.formula in shown.title


@pytest.mark.parametrize("name", ["decoder.0.mlp.hidden", "decoder.2.out", "decoder.1.attn.q"])
def test_any_step_of_a_layer_can_be_explained(trace, name):
    cell = (0,) * len(trace.shape(name))
    steps = held(trace.explain(name, cell).document, "contents")["steps"]
    assert {operand.name for operand in explain(trace, name, cell).operands} - {None} <= set(steps)


def test_weights_and_what_comes_out_can_be_explained(trace):
    for name in ("weights/decoder.3.attn.q.weight", "head.logits", "decoder.embed.token"):
        shown = trace.explain(name, (0, 0))
        assert shown.cell == f"{name}:0,0" and number(explain(trace, name, (0, 0)).value)


def test_a_place_that_is_not_there_is_refused(trace):
    for place in ({"layer": 4}, {"head": -1}, {"token": 7}, {"side": "encoder"}, {"head": True}):
        with pytest.raises(GlassError, match="There is no|has no"):
            trace.heads(**place)
    with pytest.raises(TypeError, match="colour"):
        trace.heads(colour="red")
    with pytest.raises(KeyError, match="no step"):
        trace.explain("decoder.9.attn.pattern", CELL)


def test_a_run_that_was_changed_says_so_and_shows_its_own_numbers(model):
    changed = model.trace(SENTENCE, edits=ablate_head("decoder", 3, 4))
    shown = changed.heads(layer=3)
    steps = held(shown.document, "contents")["steps"]
    assert facts(shown)["change"] == "changed in Python"
    assert np.array_equal(array(steps, "decoder.3.attn.z"), changed["decoder.3.attn.z"])
    with pytest.raises(GlassError, match="compares the run"):
        changed.river()
    drawn = np.tril(np.ones((7, 7), bool))
    assert facts(model.trace(SENTENCE, mask=drawn).heads())["change"] == "changed in Python"
    assert facts(model.trace(SENTENCE, mask="encoder").heads())["change"] != "changed in Python"
    assert model.trace(SENTENCE).again({}).origin.changed


def test_two_runs_of_one_text_are_told_apart(model, trace):
    """The second is of another mask, under the same sentence; neither shows the other's numbers."""
    other = model.trace(SENTENCE, mask="encoder")
    for run in (trace, other, trace):
        steps = held(run.heads().document, "contents")["steps"]
        assert np.array_equal(array(steps, PATTERN), run[PATTERN])


def test_a_run_of_ids_shows_nothing_of_itself(model):
    run = model.trace(ids_L=[2, 5, 7])
    assert run._repr_html_() is None
    with pytest.raises(GlassError, match="token ids"):
        run.heads()


@pytest.mark.parametrize("name", ["study-encoder", "study-translator"])
def test_other_kinds_of_models_show_themselves(name):
    run = load(name).trace("the books are old")
    shown = run.heads(side="encoder", layer=0)
    assert shown.side == "encoder" and "encoder" in run._repr_html_()
    assert run.river().document


def test_a_still_picture_stands_for_the_widget(trace):
    """Each weight that can be seen is a square as dark as the weight is large."""
    still = trace.heads(layer=3)._still["image/svg+xml"]
    drawn = [
        float(rect.get("fill-opacity"))
        for rect in ElementTree.fromstring(still).iter(f"{SVG}rect")
        if rect.get("fill") == COLOURS["weight"]
    ]
    weights = [float(weight) for weight in trace[PATTERN].ravel() if weight > 0.004]
    assert drawn == pytest.approx(weights, abs=5e-4)
    made = trace.explain(PATTERN, CELL)._still["text/html"]
    assert explain(trace, PATTERN, CELL).formula in made


def test_a_run_shows_itself_in_short(trace):
    told = trace._repr_html_()
    assert "4 decoder layers, 5 heads, 100 dimensions" in told
    assert all(f">{token}</span>" in told for token in ("books", "recommended"))
    assert re.search(r"After “recommended”: <b>are</b> \d", told)
    assert PATTERN in told and "5 × 7 × 7" in told


def test_nothing_of_a_text_is_markup(model):
    run = model.trace("<script>alert(1)</script> <b>&amp; the books")
    stills = [run._repr_html_(), *run.heads()._still.values()]
    stills += run.explain(PATTERN, (0, 0, 0))._still.values()
    assert all("<script" not in still and "<b>&" not in still for still in stills)
    assert run.heads().document.count("<script") == 3  # its own


def test_a_mime_bundle_has_the_widget_and_its_still_picture(trace):
    data, _ = trace.heads()._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/svg+xml", "text/plain"} <= set(data)
