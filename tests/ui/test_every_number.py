"""Every number: a step is found without knowing its name, in an outline of the run."""

from __future__ import annotations

import pytest

from core import load
from core.step_ref import parse
from core.steps import about, computed_after
from tests.helpers.pages import address, click, data_of, opened, parts, values_in

PAGE = "pages/12_Every_number.py"
BOOKS = "The books that the student recommended"
AT = {"model": "study-decoder", "sentence": BOOKS}


def outline(app) -> list[dict]:
    return data_of(app, "steps-outline", "outline")["stages"]


def all_names(trace) -> list[str]:
    found = []
    for name in trace.names:
        found += [name, *map(str, computed_after(trace.config, parse(name)))]
    return found


def test_the_outline_leads_through_the_whole_run_in_its_order():
    trace = load("study-decoder").trace(BOOKS)
    names, found = all_names(trace), []
    app = opened(PAGE, **AT)
    titles = [stage["title"] for stage in outline(app)]
    assert titles == [
        "Embedding",
        *(f"Layer {n}" for n in range(4)),
        "After the last layer",
        "Output",
    ]
    for at in range(len(titles)):
        click(app, "steps-outline", step=outline(app)[at]["at"])
        (stage,) = [stage for stage in outline(app) if "parts" in stage]
        assert stage["title"] == titles[at] and not app.exception
        found += [step for part in stage["parts"] for step in part["steps"]]
    assert sorted(step["at"] for step in found) == list(range(len(names)))
    for step in found:
        assert step["name"] == names[step["at"]]
        assert step["title"] == about(trace, step["name"]).title
        assert step["derived"] == (about(trace, step["name"]).compute is not None)


def test_a_click_in_the_outline_shows_that_step_and_another_layer_keeps_the_kind():
    app, trace = opened(PAGE, **AT), load("study-decoder").trace(BOOKS)
    at = all_names(trace).index("decoder.3.mlp.hidden")
    click(app, "steps-outline", step=at)
    assert address(app)["step"] == "decoder.3.mlp.hidden" and not app.exception
    layer_1 = next(stage for stage in outline(app) if stage["title"] == "Layer 1")
    click(app, "steps-outline", step=layer_1["at"])
    assert app.session_state["step"] == "decoder.1.mlp.hidden" and app.session_state["layer"] == 1
    shown = next(iter(parts(app, "heatmap")))
    assert (
        shown["fills"]
        and (values_in(shown)[0] == trace["decoder.1.mlp.hidden"][:, : shown["shape"][2]]).all()
    )


def test_of_an_encoder_and_a_decoder_each_part_says_whose_it_is():
    app = opened(PAGE, model="study-translator", sentence="The house is green.")
    titles = [stage["title"] for stage in outline(app)]
    assert titles[0] == "Embedding of the encoder" and "Layer 0 of the decoder" in titles
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("forged", (-1, 10_000, "3", True, None, [1]))
def test_a_forged_step_changes_nothing(forged):
    app = opened(PAGE, **AT)
    before = address(app)
    click(app, "steps-outline", step=forged)
    assert not app.exception and address(app) == before
