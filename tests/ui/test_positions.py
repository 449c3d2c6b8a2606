"""The page Positions: every question for every family, and what reversing the words does to
attention.
"""

import json
import re
from itertools import product

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import load
from core.ops import frequencies
from core.steps.positions import largest_gap, pairs_by_distance, put_back
from core.text import number
from core.whatif import Text, order, run
from tests.helpers.pages import address, cards, click, opened, parts, values_in
from tests.helpers.sample import one_in
from tests.helpers.tiny import FAMILIES
from tests.helpers.words import MOST, question, words_below
from ui.session import runs
from ui.session.selection import DEPTHS

PAGE = "pages/2_Positions.py"


def titles(app: AppTest) -> list[str]:
    """The titles of the maps and tables."""
    maps, tables = parts(app, "glass_heatmap"), parts(app, "glass_table")
    return [text for part in maps for text in part["titles"]] + [part["title"] for part in tables]


def prose(app: AppTest) -> str:
    return " ".join(element.value for element in app.markdown)


def read(text: str) -> float:
    """A number as the pages write it."""
    return float(text.replace("−", "-"))


def press(app: AppTest, card: str) -> AppTest:
    """Opens one card, and closes the others."""
    app.session_state["cards"] = f"positions-{card}"
    return app.run()


# --- the readings ---------------------------------------------------------------------------------


def test_what_was_turned_round_goes_back_to_its_place():
    rng, words = np.random.default_rng(3), (None, 0, 1, 1, 2, None)
    typed_LM, places = rng.normal(size=(6, 6)), order(words)
    shuffled_LM = np.array([[typed_LM[places[l], places[m]] for m in range(6)] for l in range(6)])
    assert not np.array_equal(shuffled_LM, typed_LM)
    np.testing.assert_array_equal(put_back(shuffled_LM, places), typed_LM)
    cycle = np.array([2, 0, 1, 4, 5, 3])  # not its own inverse
    np.testing.assert_array_equal(put_back(typed_LM[np.ix_(cycle, cycle)], cycle), typed_LM)


def test_the_largest_gap_is_where_a_loop_finds_it():
    a_LM, b_LM = np.random.default_rng(4).normal(size=(2, 5, 5))
    assert largest_gap(a_LM, b_LM) == max(
        np.ndindex(5, 5), key=lambda cell: abs(a_LM[cell] - b_LM[cell])
    )


def test_every_distance_stands_once_and_its_cell_has_it():
    found = pairs_by_distance(5)
    assert [s for s, _, _ in found] == list(range(-4, 5))
    assert all(m - l == s and 0 <= l < 5 and 0 <= m < 5 for s, l, m in found)


@pytest.mark.parametrize("name", ("minilm", "smollm2"))
def test_without_positions_attention_only_shuffles_with_the_words(request, name):
    model = request.getfixturevalue(name)
    encoding = model.encode("The book that the student recommended is expensive.")
    text = Text(encoding.ids_L, encoding.words_L)
    mask = "trained" if model.config.encoder_layers else "encoder"
    (side,) = model.config.sides
    places, last = order(encoding.words_L), f"{side}.{model.config.layers(side) - 1}"
    traces = {
        change: run(model, text, None, mask, change)
        for change in ("positions", "positions+order", "", "order")
    }
    for plain, turned, same in (("positions", "positions+order", True), ("", "order", False)):
        a_HLM, b_HLM = (traces[change][f"{last}.attn.pattern"] for change in (plain, turned))
        gap = max(
            np.abs(a_LM - put_back(b_LM, places)).max()
            for a_LM, b_LM in zip(a_HLM, b_HLM, strict=True)
        )
        assert (gap < 1e-4) == same, (plain, gap)


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.one_in(7)
@pytest.mark.parametrize(
    "tiny_folder, depth", one_in(3, product(FAMILIES, DEPTHS)), indirect=["tiny_folder"]
)
def test_every_part_of_every_family_at_every_depth(tiny_folder, depth):
    config = load(tiny_folder).config
    for side in config.sides:
        app = opened(
            PAGE,
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            side=side,
            layer="1",
            head="1",
            depth=depth,
        )
        own = {
            "rotary": ["turned", "distance"],
            "relative": ["bias"],
            "learned": ["table", "sum"],
            "sinusoid": ["table", "sum"],
        }.get(config.positions, [])
        assert len(cards(app)) == len(own) + 2 - (
            depth == "numbers" and own[:1] in (["table"], ["bias"])
        )
        for card in (*own, "waves", "order"):
            press(app, card)
            assert not app.exception and not app.error and not app.warning, (card, side)
            charts = app.get("plotly_chart")
            assert len(charts) <= 2 and (titles(app) or charts), (card, side)
            if card == "order":
                assert read(parts(app, "glass_table")[-1]["numbers"][0][2]) < 1e-5
        app.session_state["cards"] = ".".join(f"positions-{card}" for card in (*own, "order"))
        app.run()
        assert not app.exception  # no two cards draw the same widget


def test_cards_that_the_next_model_does_not_have_are_left_out():
    app = press(opened(PAGE, model="smollm2"), "distance")
    assert not app.exception and len(app.get("plotly_chart")) == 2
    app.selectbox(key="model").set_value("minilm").run()
    assert not app.exception and not app.get("plotly_chart")
    assert "are **added**" in prose(app) and len(cards(app)) == 4


def test_the_turned_pair_is_the_one_that_was_chosen(smollm2):
    app = press(opened(PAGE, model="smollm2", layer="2", head="4", token="5"), "turned")
    app.slider(key="places_pair").set_value(3).run()
    app.selectbox(key="places_other").set_value(1).run()
    trace = runs.trace_of(app.session_state["memory"].shown)
    numbers = parts(app, "glass_table")[0]["numbers"]
    half, group = (
        smollm2.config.d_head // 2,
        4 * smollm2.config.n_kv_heads // smollm2.config.n_heads,
    )
    cells = (("q.unrotated", 4, 5), ("q", 4, 5), ("k.unrotated", group, 1), ("k", group, 1))
    assert numbers == [
        [number(trace[f"decoder.2.attn.{leaf}"][head, l, d]) for d in (3, 3 + half)]
        for leaf, head, l in cells
    ]
    arrows = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][-1]
    assert (
        len(arrows["text"]) == 4 and number(trace["decoder.2.attn.q"][4, 5, 3]) in arrows["text"][1]
    )


def test_the_curve_of_distances_passes_through_the_true_score(smollm2):
    app = press(opened(PAGE, model="smollm2", layer="2", head="4", token="6"), "distance")
    app.selectbox(key="places_other").set_value(2).run()
    trace = runs.trace_of(app.session_state["memory"].shown)
    falls_S, dot = (
        trace["decoder.2.attn.scores.falls.4.6.2"],
        trace["decoder.2.attn.scores.dot"][4, 6, 2],
    )
    np.testing.assert_allclose(falls_S[4], dot, rtol=1e-4)
    texts = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][-1]["text"]
    assert f"<b>{number(falls_S[4])}</b>" in texts[4] and number(dot) in prose(app)


def test_the_runs_without_positions_are_shown_with_their_difference_and_open():
    app = press(opened(PAGE, layer="1", head="5"), "order")
    left_out, kept = parts(app, "glass_table")[-1]["numbers"]
    assert read(left_out[0]) == pytest.approx(read(left_out[1]), abs=1e-5)
    assert read(left_out[2]) < 1e-5 < 0.01 < read(kept[2])
    assert titles(app)[:2] == [
        "Positions left out, words as typed",
        "Positions left out, words reversed",
    ]
    first, second = parts(app, "glass_heatmap")
    forth, back = (
        [re.sub(r" \(\d+\)$", "", row) for row in each["rows"]] for each in (first, second)
    )
    assert forth[1:-1] == back[-2:0:-1] and forth != back
    app.toggle(key="places_back").set_value(True).run()
    first, second = parts(app, "glass_heatmap")
    assert forth == [re.sub(r" \(\d+\)$", "", row) for row in second["rows"]]
    assert not app.exception


def test_the_whole_app_can_be_shown_without_positions():
    app = press(opened(PAGE), "order")
    app.button(key="places_without").click().run()
    assert address(app)["change"] == "positions" and not app.exception
    assert "places_without" not in [button.key for button in app.button]
    assert "does not know where a word is" in prose(press(app, "waves"))


BOOKS = "The books that the student recommended"


@pytest.mark.parametrize(
    "model, token", (("study-decoder", "6"), ("minilm", "6"), ("smollm2", "5"))
)
def test_the_page_asks_one_question_and_says_little(model, token):
    app = opened(PAGE, model=model, sentence=BOOKS, token=token)
    space = "␣" if model == "smollm2" else ""
    asked = f"What tells the model that **{space}recommended** is at position {token}?"
    assert question(app) == asked
    assert 0 < len(words_below(app)) <= MOST and not app.get("plotly_chart")


@pytest.mark.parametrize("model, leaves", (("study-decoder", 3), ("minilm", 4)))
def test_the_vectors_that_are_added_are_those_of_the_trace(model, leaves):
    app = opened(PAGE, model=model, sentence=BOOKS, token="6")
    trace = runs.trace_of(app.session_state["memory"].shown)
    (shown,) = parts(app, "vectors")
    path = f"{trace.config.sides[0]}.embed"
    names = [name for name in ("token", "position", "segment", "sum") if f"{path}.{name}" in trace]
    assert len(names) == len(shown["rows"]) == leaves
    vectors_RD = values_in(shown)
    np.testing.assert_array_equal(vectors_RD, [trace[f"{path}.{name}"][6] for name in names])
    np.testing.assert_allclose(vectors_RD[:-1].sum(axis=0), vectors_RD[-1], atol=1e-5)
    lengths_R = values_in({"values": shown["lengths"], "shape": [leaves]})
    np.testing.assert_allclose(lengths_R, np.linalg.norm(vectors_RD, axis=1), rtol=1e-5)
    assert [row["sign"] for row in shown["rows"]] == ["", *["+"] * (leaves - 2), "="]


def test_the_hands_of_the_clocks_are_turned_by_position_times_angle(smollm2):
    app = opened(PAGE, model="smollm2", sentence=BOOKS, token="5", layer="2")
    (shown,), c = parts(app, "clocks"), smollm2.config
    radians_LP = np.arange(20)[:, None] * frequencies(c.rope(2), c.d_head, 6)
    assert [token["position"] for token in shown["tokens"]] == list(range(6))
    for row in shown["pairs"]:
        expected = [
            np.rad2deg(radians_LP[token["position"], row["pair"]]) for token in shown["tokens"]
        ]
        np.testing.assert_allclose(row["degrees"], expected)
    assert shown["pairs"][0]["pair"] == 0 and "pair 0 by 57° per position" in prose(app)
    click(app, "places-clocks", pair=8)
    assert app.session_state["places_pair"] == 8
    click(app, "places-clocks", token=2)
    assert app.session_state["token"] == 2
    for wrong in (32, -1, "3", None, [1], 1.0):
        click(app, "places-clocks", pair=wrong)
        click(app, "places-clocks", token=wrong)
        assert not app.exception
        assert app.session_state["places_pair"] == 8 and app.session_state["token"] == 2


def test_a_number_of_the_added_vectors_opens():
    app = click(opened(PAGE, token="6"), "places-added", cell=[1, 17])
    assert address(app)["cell"] == "encoder.embed.position:6,17"
    for wrong in ([4, 0], [0, 384], [-1, 0], [0], "x", None):
        click(app, "places-added", cell=wrong)
        assert not app.exception and address(app)["cell"] == "encoder.embed.position:6,17"


def test_a_word_that_occurs_twice_is_named_with_its_position():
    app = opened(PAGE, model="study-decoder", sentence=BOOKS, token="4")
    assert parts(app, "vectors")[0]["rows"][0]["title"] == "the (4)"
    app = press(app, "table")
    assert "**the** (4)" in prose(app)


# --- layers that turn only a part, or nothing -----------------------------------------------------

IDS = "3 5 7 2 9 4 8 6"


@pytest.mark.parametrize("tiny_folder", ["smollm3"], indirect=True)
def test_a_layer_that_turns_nothing_says_so(tiny_folder):
    """Its cards are those that every model has, and its queries are drawn as they were made."""
    here = {"model": tiny_folder, "sentence": IDS, "token": "4"}
    still = opened(PAGE, **here, layer="1")
    assert "Nothing, in layer 1" in prose(still) and "layer 0 is one" in prose(still)
    assert not parts(still, "clocks") and titles(still) == ["Queries of head 0, as made"]
    turning = opened(PAGE, **here, layer="0")
    assert parts(turning, "clocks") and "Nothing, in" not in prose(turning)


@pytest.mark.parametrize("tiny_folder", ["phi3"], indirect=True)
def test_a_part_of_each_head_that_is_turned_is_counted(tiny_folder):
    here = {"model": tiny_folder, "sentence": IDS, "token": "4", "cards": "positions-distance"}
    app = opened(PAGE, **here, layer="1")
    config = load(tiny_folder).config
    assert f"{config.rope(1).width} of {config.d_head} numbers" in prose(app)
    assert "and that of the numbers that do not turn" in prose(app)
