"""The page Layers: a row for each layer, paths through them, what each adds, rollout, and what a
token attends to.
"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from core import load
from core.text import number, percent
from tests.helpers.cards import CARDS
from tests.helpers.pages import address, click, components, data_of, opened, parts, prose, values_in
from tests.helpers.sample import one_in
from tests.helpers.tiny import FAMILIES
from ui.session import runs
from ui.session.navigation import WHY
from ui.session.runs import RunRequest
from ui.session.selection import DEPTHS, EXAMPLES
from ui.session.view import View
from ui.stages.layers import layer_maps, layer_steps, token_paths, token_sources, updates

PAGE = "pages/7_Layers.py"
OPEN = {"cards": CARDS[PAGE]}
SENTENCE = EXAMPLES[0]["text"]


@pytest.fixture
def view(minilm):
    asked = RunRequest("minilm", SENTENCE)
    return View(asked, "encoder", 2, 4, 7)


@pytest.mark.parametrize(
    "model, side, leads",
    [
        ("study-decoder", "decoder", True),
        ("study-encoder", "encoder", True),
        ("study-translator", "decoder", True),
        ("study-translator", "encoder", False),  # its vectors are not compared with words
    ],
)
def test_it_leads_to_the_guess_after_each_layer_where_there_is_one(monkeypatch, model, side, leads):
    went = []
    monkeypatch.setattr(layer_steps, "go", lambda page, **choices: went.append((page, choices)))
    app = opened(PAGE, model=model, side=side, cards="layers-added")
    buttons = [each for each in app.button if each.key == "layers_why"]
    assert bool(buttons) == leads and not app.exception
    if leads:
        buttons[0].click().run()
        assert went == [(WHY, {"cards": "layers-added.why-lens"})]
        assert layer_steps.ITS_CARD in CARDS[WHY.path]


def test_a_model_without_words_has_no_guess_to_lead_to(minilm):
    assert "layers_why" not in [each.key for each in opened(PAGE, model="minilm").button]


def test_the_length_of_an_update_is_measured_against_what_it_is_added_to(tiny_trace, family):
    trace = tiny_trace(family)
    for side in trace.config.sides:
        update_D = trace[f"{side}.1.mlp.out"][2]
        before_D = trace[f"{side}.1.mlp.sum"][2] - update_D
        expected = np.sqrt((update_D**2).sum() / (before_D**2).sum())
        assert trace[f"{side}.1.mlp.out.relative"][2] == pytest.approx(expected)


@pytest.mark.parametrize(
    "leaf, index, cell",
    [
        ("out.turned", (layer_maps.ALL,), (6,)),
        ("rollout", (7, layer_maps.ALL), (7, 6)),
        ("attn.pattern.mean", (7, layer_maps.ALL), (7, 6)),
        ("attn.pattern.roles", (layer_maps.ALL, 2), (6, 2)),
    ],
)
def test_every_cell_of_a_stacked_map_opens_the_number_of_its_own_layer(
    monkeypatch, view, leaf, index, cell
):
    drawn, opened_numbers = [], []
    monkeypatch.setattr(
        layer_maps, "clickable_map", lambda key, spec, on_cell: drawn.append((spec, on_cell))
    )
    monkeypatch.setattr(
        layer_maps, "open_number", lambda name, at: opened_numbers.append((name, tuple(at)))
    )
    monkeypatch.setattr(
        layer_maps, "opened_in", lambda name: cell if name == f"encoder.4.{leaf}" else None
    )
    layer_maps.stacked_map(view, leaf, *index, columns=view.labels, title="")
    [(spec, on_cell)] = drawn
    on_cell(3, 6)
    assert opened_numbers == [(f"encoder.3.{leaf}", cell)] and spec.opened == (4, 6)
    assert spec.values_RC[3, 6] == view.trace[f"encoder.3.{leaf}"][cell]


def test_a_bar_opens_the_update_it_stands_for(monkeypatch, view):
    opened_numbers, sublayers = [], ["attn", "mlp"]
    monkeypatch.setattr(updates, "open_number", lambda *cell: opened_numbers.append(cell))
    shares_PN = np.arange(12.0).reshape(2, 6)
    figure = updates.updates_figure(shares_PN, [updates.SUBLAYERS[part] for part in sublayers], "")
    for place in figure.data[-1].x:
        updates.open_bar(view, sublayers, int(place))
    assert opened_numbers == [
        (f"encoder.{n}.{part}.out.relative", (7,)) for part in sublayers for n in range(6)
    ]
    assert [x for bar in figure.data[:2] for x in bar.x] == list(figure.data[-1].x)
    opened_numbers.clear()
    updates.open_bar(view, sublayers, 2)  # the gap between two layers
    assert not opened_numbers


def test_a_bar_far_longer_than_the_others_is_cut_and_says_its_number():
    assert updates.bar_top(np.array([[1.0, 0.5]])) == pytest.approx(1.05)
    figure = updates.updates_figure(
        np.array([[12.5, 0.4], [1.0, 0.2]]), [("a", "q"), ("b", "k")], ""
    )
    assert (
        figure.layout.yaxis.range[1] == pytest.approx(1.3)
        and "12.5" in figure.layout.annotations[0].text
    )


def test_a_way_has_a_point_for_every_layer_and_the_chosen_one_lies_on_top():
    rng = np.random.default_rng(4)
    flat_TN2, plane, _ = token_paths.flattened(rng.normal(size=(3, 7, 12)))
    figure = token_paths.path_figure(flat_TN2, plane, ["a", "b", "c"], 1, "")
    assert (
        all(len(line.x) == 7 for line in figure.data)
        and figure.data[-1].line.width > figure.data[0].line.width
    )
    assert "<b>b</b>" in figure.data[-1].text and "0" in figure.data[-1].text
    assert np.mean([line.x for line in figure.data]) == pytest.approx(
        0, abs=1e-9
    )  # around the mean of all


@pytest.mark.parametrize(
    "row_M, words",
    [
        ([0, 0, 1.0], "0% of **the** would still be its own, and 100% would come from **book**"),
        ([0, 0.6, 0.4], "more than from any"),
        ([0, 1.0, 0], "nothing reaches it"),
        ([0, 0.999, 0.001], "and <1% would come"),
    ],
)
def test_what_rollout_leaves_of_a_token_is_said_as_it_is(view, row_M, words):
    view = replace(view, token=1)
    assert words in token_sources.rollout_text(view, row_M, 2)


def test_the_strongest_words_are_named_without_special_tokens_and_the_token_itself(view):
    said, mean_NM = token_sources.attended_text(view), token_sources.mean_weights(view)
    words = [m for m, label in enumerate(view.labels) if label.isalpha() and m != view.token]
    assert token_sources.other_words(view) == words
    assert (
        percent(max(mean_NM[n, m] for n in (0, 1) for m in words), 0) in said
        and "Layers 0–1: " in said
    )
    most = mean_NM[:, words].max()
    assert token_sources.largest_word(view) == (
        pytest.approx(most) if most < mean_NM.max() / 2 else None
    )


def test_the_words_of_the_example_are_offered_and_followed():
    app = opened(PAGE, **OPEN)
    app.button(key="layers_recommended").click().run()
    assert address(app)["token"] == "6" and app.button(key="layers_recommended").disabled
    assert "The attention of **recommended**, averaged" in prose(app)
    app = opened(PAGE, sentence="It is so.", **OPEN)
    assert not [button for button in app.button if button.key == "layers_is"]


def test_the_rows_of_rollout_are_those_of_the_trace_and_sum_to_one():
    app, trace = (
        opened(PAGE, layer="2", token="7", **OPEN),
        runs.trace_of(RunRequest("minilm", SENTENCE)),
    )
    shown = values_in(data_of(app, "Rollout of “is”", "heatmap"))[0]
    np.testing.assert_allclose(
        shown, [trace[f"encoder.{n}.rollout"][7] for n in range(6)], rtol=1e-6
    )
    np.testing.assert_allclose(shown.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(
        values_in(data_of(app, "Rollout after layer 2", "heatmap"))[0],
        trace["encoder.2.rollout"],
        rtol=1e-6,
    )
    assert "What rollout assumes" in prose(app)


def figure_of(app) -> dict:
    return next(iter(parts(app, "glass_layer_steps")))


def test_the_figure_marks_the_chosen_head_and_says_when_special_tokens_are_hidden():
    app = opened(PAGE, bare="1", layer="2", head="5")
    assert "special tokens hidden" in prose(app)
    assert figure_of(app)["chosen"] == 2 * 12 + 5


COLUMNS = {
    "attn.out.relative": "Attention adds",
    "mlp.out.relative": "Feed-forward adds",
    "out.length": "length after",
    "out.turned": "cosine with the layer before",
    "out.similarity": "cosine with the input",
}


def test_every_number_of_a_layer_is_that_of_the_trace_and_opens():
    app, trace = opened(PAGE, token="7"), runs.trace_of(RunRequest("minilm", SENTENCE))
    shown = figure_of(app)
    assert [column["title"] for column in shown["columns"]] == list(COLUMNS.values())
    values_RC = values_in(shown)
    for n, c in product(range(6), range(5)):
        assert values_RC[n + 1, c] == np.float32(trace[f"encoder.{n}.{list(COLUMNS)[c]}"][7])
    assert values_RC[0, 2] == np.float32(trace["encoder.0.attn.in.length"][7])
    assert np.isnan(np.delete(values_RC[0], 2)).all()
    key = next(key for key in components(app) if key.endswith("layers"))
    for place, name in (
        ([4, 1], "encoder.3.mlp.out.relative"),
        ([0, 2], "encoder.0.attn.in.length"),
    ):
        click(app, key, cell=place)
        assert not app.exception and app.session_state["cell"] == f"{name}:7"
        assert figure_of(app)["opened"] == place
    for wrong in ([0, 0], [7, 0], [1, 9], ["a", 0], 3):  # nothing stands there
        before = app.session_state["cell"]
        click(app, key, cell=wrong)
        assert not app.exception and app.session_state["cell"] == before


def test_a_click_on_a_head_chooses_it_and_its_layer():
    app = opened(PAGE)
    click(app, next(key for key in components(app) if key.endswith("layers")), head=[3, 7])
    assert (app.session_state["layer"], app.session_state["head"]) == (3, 7)
    click(app, next(key for key in components(app) if key.endswith("layers")), head=[6, 0])
    assert not app.exception and app.session_state["layer"] == 3


@pytest.mark.parametrize("token", ("1", "7"))
def test_the_story_says_where_the_longest_step_is_in_at_most_45_words(token):
    app, trace = opened(PAGE, token=token), runs.trace_of(RunRequest("minilm", SENTENCE))
    steps = {
        (part, n): trace[f"encoder.{n}.{part}.out.relative"][int(token)]
        for part, n in product(("attn", "mlp"), range(6))
    }
    (part, n), longest = max(steps.items(), key=lambda each: each[1])
    name = {"attn": "attention", "mlp": "feed-forward"}[part]
    story = next(each.value for each in app.markdown if "In each layer" in each.value)
    assert f"{name} in layer {n}: {number(longest, 2)} × its length" in story.replace("\\", "")
    assert number(trace["encoder.5.out.similarity"][int(token)], 2) in story
    assert len(story.split()) <= 45


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    "tiny_folder, depth", one_in(7, product(FAMILIES, DEPTHS)), indirect=["tiny_folder"]
)
def test_every_family_and_side_at_every_depth(tiny_folder, depth):
    for side in load(tiny_folder).config.sides:
        app = opened(
            PAGE,
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            side=side,
            layer="1",
            depth=depth,
            **OPEN,
        )
        assert not app.exception and not app.warning
        cell = f"{side}.1.rollout:2,1"
        app = opened(
            PAGE,
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            side=side,
            layer="1",
            depth=depth,
            cell=cell,
            **OPEN,
        )
        assert not app.exception and cell in [part.get("name") for part in parts(app)]


@pytest.mark.parametrize("sentence", ["a", "the the the"])
def test_short_and_repeated_words(sentence):
    assert not opened(PAGE, sentence=sentence, **OPEN).exception
    assert not opened(PAGE, sentence=sentence, token="0", **OPEN).exception


def test_ways_are_those_of_the_trace_brought_to_one_length_if_asked(minilm):
    asked = RunRequest("minilm", SENTENCE)
    trace = runs.trace_of(asked)
    flat_TN2, plane, longest = token_paths.flat_paths(asked, "encoder", (2, 7), True)
    x_TND = np.array(
        [[trace[f"encoder.{n}.out"][t] for n in ("embed", *range(6))] for t in (2, 7)], dtype=float
    )
    x_TND /= np.linalg.norm(x_TND, axis=-1, keepdims=True)
    np.testing.assert_allclose(flat_TN2, plane.flat(x_TND - x_TND.mean(axis=(0, 1))), atol=1e-12)
    assert (
        longest == pytest.approx(1)
        and token_paths.flat_paths(asked, "encoder", (2, 7), False)[2] > 1
    )
