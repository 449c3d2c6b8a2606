"""The cards of Output on writing: how sure it was, several beginnings, and what is reused."""

import math

import numpy as np
import pytest

from core import load
from core.decoding import beam_search, read, read_on
from core.text import number, percent
from tests.helpers.pages import address, click, opened, parts, prose
from ui.session import runs
from ui.session.selection import OPENING

PAGE = "pages/10_Output.py"
STUDY = {"model": "study-decoder", "sentence": OPENING}
CAR = {"model": "study-translator", "sentence": "The red car is fast.", "side": "decoder"}


@pytest.fixture(scope="module")
def decoder():
    return load("study-decoder")


def tree_of(decoder, beams: int, ahead: int = 8, **options):
    ids_L = decoder.ids(OPENING)
    return beam_search(
        decoder.config, decoder.weights, ids_L, len(ids_L) + ahead, beams=beams, **options
    )


def drawn(app) -> dict:
    """The tree that is drawn."""
    (data,) = parts(app, "glass_beams")
    return data


# --- how sure -------------------------------------------------------------------------------------


def test_each_token_of_the_text_has_the_probability_that_it_had_before_it_was_read(decoder):
    app = opened(PAGE, **STUDY, cards="output-sure")
    trace = runs.trace_of(runs.RunRequest("study-decoder", OPENING))
    ids_L = trace["decoder.embed.ids"]
    probs = [float(trace["head.probs"][at, ids_L[at + 1]]) for at in range(len(ids_L) - 1)]
    (found,) = [data for data in parts(app, "glass_table") if "sum so far" in data["columns"]]
    assert found["shares"] == pytest.approx(probs, rel=1e-5)
    assert found["rows"] == ["the (1)", "queen", "closed", "the (4)", "book", "because"]
    assert float(found["numbers"][-1][2].replace("−", "-")) == pytest.approx(
        sum(map(math.log, probs)), rel=1e-4
    )
    said, (best, *_, worst) = prose(app), sorted(range(len(probs)), key=lambda i: -probs[i])
    plain = said.replace("**", "")
    assert f"expected {found['rows'][best]} most ({percent(max(probs))})" in plain
    assert f"{found['rows'][worst]} least ({percent(min(probs))})" in plain
    assert f"add up to {number(sum(map(math.log, probs)), 3)}" in said


def test_a_text_of_which_every_token_was_expected_is_called_that():
    app = opened(PAGE, **CAR, cards="output-sure")
    trace = runs.trace_of(runs.RunRequest("study-translator", CAR["sentence"]))
    probs_R = np.exp(trace["head.written"])[:-1]
    assert probs_R.min() > 0.99
    assert "almost certain of each; least of" in prose(app)
    assert f"({percent(probs_R.min(), 3)})" in prose(app)


def test_a_single_token_was_not_guessed(tiny_folder):
    config = load(tiny_folder).config
    if config.crosses or not config.decoder_layers:
        pytest.skip("only where the text alone is read")
    app = opened(PAGE, cards="output-sure.output-reused", model=tiny_folder, sentence="3")
    said = [element.value for element in app.info]
    assert not app.exception and "has a single token" in said[0] and "first token" in said[1]


# --- several beginnings ---------------------------------------------------------------------------


def test_the_tree_is_that_of_the_search_and_the_text_says_what_it_gains(decoder):
    app, tree = opened(PAGE, **STUDY, cards="output-beams"), tree_of(decoder, 3)
    found = drawn(app)["branches"]
    assert [each["parent"] for each in found] == [each.parent for each in tree.branches]
    assert [each["total"] for each in found] == [each.total for each in tree.branches]
    assert [each["fate"] for each in found] == [each.fate for each in tree.branches]
    shares = [math.exp(each.log_prob) for each in tree.branches]
    assert [each["share"] for each in found] == pytest.approx(shares)
    assert drawn(app)["chosen"] == tree.ended[0]
    greedy = tree_of(decoder, 1)
    gain = [one.branches[one.ended[0]].worth(1) for one in (tree, greedy)]
    assert gain[0] > gain[1]
    said = prose(app).replace("**", "")
    assert all(f"{number(worth, 3)} a token" in said for worth in gain)
    texts = [
        decoder.tokenizer.decode(
            [token for token in found.tokens(found.ended[0]) if token != decoder.config.end_id]
        ).strip()
        for found in (tree, greedy)
    ]
    assert f"It finds {texts[0]}" in said and f"likeliest token: {texts[1]}" in said


def test_more_beginnings_and_a_chosen_branch_stand_in_the_link(decoder):
    app, many = opened(PAGE, **STUDY, cards="output-beams"), len(tree_of(decoder, 2).branches)
    app.slider(key="output_beams").set_value(2).run()
    assert address(app)["output_beams"] == "2" and len(drawn(app)["branches"]) == many
    click(app, "output-beams", branch=3)
    assert drawn(app)["chosen"] == 3 and address(app)["output_branch"] == "3"
    for forged in (-1, many, "0", None, True):
        click(app, "output-beams", branch=forged)
        assert drawn(app)["chosen"] == 3 and not app.exception


def test_the_text_that_was_found_is_read_by_every_page_and_taken_back(decoder):
    app, tree = opened(PAGE, **STUDY, cards="output-beams"), tree_of(decoder, 3)
    *tokens, end = tree.tokens(tree.ended[0])
    assert end == decoder.config.end_id
    app.button(key="output_branch_read").click().run()
    assert not app.exception
    text = app.session_state["sentence"]
    assert decoder.ids(text).tolist() == [*decoder.ids(OPENING).tolist(), *tokens]
    app.button(key="output_undo").click().run()
    assert app.session_state["sentence"] == OPENING


def test_a_translator_is_searched_from_its_source(decoder):
    app = opened(PAGE, **CAR, cards="output-beams")
    model = load("study-translator")
    tree = beam_search(
        model.config,
        model.weights,
        [model.config.start_id],
        9,
        beams=3,
        rules=model.decoding,
        source_ids_L=model.ids(CAR["sentence"]),
    )
    assert [each["total"] for each in drawn(app)["branches"]] == pytest.approx(
        [each.total for each in tree.branches]
    )
    assert not app.exception


def test_a_what_if_says_that_the_search_runs_without_it():
    app = opened(PAGE, **STUDY, cards="output-beams", change="head:decoder.3.4")
    assert not app.exception and "without your what-if" in prose(app)


# --- what is reused -------------------------------------------------------------------------------


def test_what_is_reused_is_counted_and_the_logits_agree(decoder):
    app = opened(PAGE, **STUDY, cards="output-reused")
    ids_L, config = decoder.ids(OPENING), decoder.config
    before = read(config, decoder.weights, ids_L[:-1])
    reused = 2 * config.decoder_layers * config.n_kv_heads * config.d_head * (len(ids_L) - 1)
    assert sum(value.size for value in before.cache.values()) == reused
    alone = read_on(config, decoder.weights, before, ids_L[-1:], keep="all")
    whole = read(config, decoder.weights, ids_L, keep="all")
    made = [sum(value.size for value in run.values.values()) for run in (alone, whole)]
    said = prose(app).replace("**", "")
    assert f"{reused:,} numbers are reused" in said
    assert f"computes {made[0] - reused:,} numbers instead of {made[1]:,}" in said
    apart = float(np.abs(whole.logits - alone.logits).max())
    bound = float(said.split("differ by less than ")[1].split(",")[0])
    assert apart < bound < 1e-4 and bound <= 10.1 * apart


def test_the_maps_are_the_keys_and_values_of_the_chosen_head():
    app = opened(PAGE, **STUDY, cards="output-reused", layer="2", head="1")
    titles = [title for data in parts(app, "glass_heatmap") for title in data["titles"]]
    assert any("keys of head 1, layer 2: rows 0 to 5 stand ready" in title for title in titles)
    assert any("values of head 1, layer 2" in title and "row 6 is new" in title for title in titles)
