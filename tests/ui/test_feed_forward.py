"""The page Feed-forward: the neurons of every family, the choice of one, the words it pushes, and
each token alone.
"""

import json
from itertools import product

import numpy as np
import pytest

from core import load
from core.ops import ACTIVATIONS
from core.steps.feed_forward import reaches_words
from core.text import number
from tests.helpers.pages import opened, parts, said
from tests.helpers.sample import one_in
from tests.helpers.tiny import FAMILIES
from ui.session import runs
from ui.session.selection import DEPTHS, EXAMPLES
from ui.stages.feed_forward import curve, difference

PAGE = "pages/6_Feed_forward.py"


def words(app) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.subheader))


@pytest.mark.parametrize(
    "tiny_folder, depth, change",
    one_in(5, product(FAMILIES, DEPTHS, ("", "norms"))),
    indirect=["tiny_folder"],
)
def test_every_family_and_depth(tiny_folder, depth, change):
    config = load(tiny_folder).config
    for side in config.sides:
        app = opened(
            PAGE,
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            side=side,
            layer="1",
            depth=depth,
            change=change,
        )
        assert not app.exception and not app.error
        pushes = side == "decoder" and reaches_words(
            app.session_state["memory"].shown and load(tiny_folder).config
        )
        assert change or ("ff_shows" in [each.key for each in app.segmented_control]) == pushes
        assert ("question to a decoder" in words(app)) == (side == "encoder")
        assert ("Gate × up" in words(app)) == config.gated


def test_the_table_holds_the_neurons_that_reach_furthest():
    app = opened(PAGE, depth="numbers", token="5", layer="2")
    trace = runs.trace_of(runs.RunRequest("minilm", EXAMPLES[0]["text"]))
    reach_F = trace["encoder.2.mlp.hidden.reach"][5]
    table = next(
        data for data in parts(app, "table") if data["columns"] == ["before", "after", "reach"]
    )
    shown = [int(row) for row in table["rows"]]
    assert sorted(reach_F)[-8:] == sorted(reach_F[shown]) and reach_F[shown[0]] == reach_F.max()
    assert table["numbers"] == [
        [number(trace[f"encoder.2.mlp.{leaf}"][5, f]) for leaf in ("pre", "hidden", "hidden.reach")]
        for f in shown
    ]
    assert app.session_state["ff_neuron"] == shown[0] and table["chosen"] == 0


def test_a_neuron_can_be_chosen_and_another_token_begins_with_its_own():
    app = opened(PAGE, depth="numbers", token="5")
    app.number_input(key="ff_neuron").set_value(700).run()
    assert not app.exception and "4. Neuron 700" in words(app)
    app.session_state["token"] = 6
    app.run()
    trace = runs.trace_of(runs.RunRequest("minilm", EXAMPLES[0]["text"]))
    assert app.session_state["ff_neuron"] == trace["encoder.0.mlp.hidden.reach"][6].argmax()


def test_the_words_of_a_neuron_are_those_that_it_raises_and_lowers_most():
    app = opened(PAGE, model="smollm2", layer="28", token="4")
    trace = runs.trace_of(runs.RunRequest("smollm2", EXAMPLES[0]["text"]))
    neuron = app.session_state["ff_neuron"]
    adds_V = trace[f"decoder.28.mlp.promotes.4.{neuron}"]
    assert len(app.get("plotly_chart")) == 2
    bars = json.loads(app.get("plotly_chart")[1].proto.spec)["data"][0]
    assert bars["text"] == [
        number(adds) for adds in [*sorted(adds_V)[:-9:-1], *sorted(adds_V)[7::-1]]
    ]
    app.session_state["ff_shows"] = "tokens"
    app.run()
    bars = json.loads(app.get("plotly_chart")[1].proto.spec)["data"][0]
    assert bars["text"] == [number(value) for value in trace["decoder.28.mlp.hidden"][:, neuron]]


def test_the_dots_are_the_neurons_and_lie_on_the_curve():
    pre_N = np.array([-2.0, 0.5, 3.0], dtype=np.float32)
    after_N = ACTIVATIONS["silu"](pre_N.copy())
    line, names, ring, dots = curve(ACTIVATIONS["silu"], pre_N, after_N, [7, 1, 4], 1, "title").data
    assert list(dots.customdata) == [7, 1, 4] and list(ring.x) == [0.5]
    assert [text.strip() for text in names.text] == ["1", "7", "4"]  # the chosen one first
    np.testing.assert_allclose(np.interp(dots.x, line.x, line.y), dots.y, atol=0.01)


def test_each_token_alone_is_said_with_its_largest_difference():
    out_LD = np.array([[1.0, -4.0], [2.0, 3.0]], dtype=np.float32)
    assert "same to the last digit" in difference(out_LD, out_LD)
    assert "0.00001, where the numbers go up to 4: rounding" in difference(
        out_LD.astype(float) + [[0, 1e-5], [0, 0]], out_LD
    )
    assert "rounding" not in difference(out_LD + 1, out_LD)
    assert "overflowed" in difference(out_LD * np.inf, out_LD)
    text = words(opened(PAGE))
    assert "none differs by more than" in text or "last digit" in text


def test_a_run_whose_numbers_overflow_is_shown_and_said(smollm2):
    app = opened(PAGE, model="smollm2", change="norms", layer="6", depth="numbers")
    assert not app.exception and "no numbers any more" in said(app) and "overflowed" in words(app)
