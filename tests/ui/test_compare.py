"""Compare: both maps are those of the two traces, the difference is theirs to the bit, and each
number opens in its own run.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from functools import cache

import numpy as np
import pytest

from core import load
from core.comparison import NONE
from core.text import number, percent
from core.vectors import cosines
from tests.helpers.pages import (
    HARM,
    HOSTILE,
    address,
    click,
    components,
    data_of,
    opened,
    parts,
    prose,
    said,
    values_in,
)
from ui.stages.compare.maps import ABSENT, BLOCKED, MOST
from ui.stages.compare.words import points

PAGE = "pages/13_Compare.py"
BOOKS, BOOK = "The books that the student recommended", "The book that the student recommended"
OLD = "The very old books that the student recommended"
AT = {"model": "study-decoder", "sentence": BOOKS, "layer": "3", "head": "4"}


@cache
def trace(sentence: str, model: str = "study-decoder"):
    return load(model).trace(sentence)


def pattern(sentence: str, layer: int = 3, head: int = 4) -> np.ndarray:
    return trace(sentence)[f"decoder.{layer}.attn.pattern"][head]


def maps(app) -> dict:
    return data_of(app, "compare-maps", "compare")


def swaps(app) -> list[dict]:
    return data_of(app, "compare-swaps", "swaps")["groups"]


def difference(app) -> np.ndarray:
    data = maps(app)
    return np.frombuffer(b64decode(data["difference"]), "<f4").reshape(data["shape"][1:])


def states(app) -> np.ndarray:
    data = maps(app)
    return np.frombuffer(b64decode(data["states"]), np.uint8).reshape(data["shape"])


def linked(app):
    """The page as the link of this view opens it; a link leaves out what the app opens with: this
    model, this sentence, this layer and head.
    """
    return opened(PAGE, **AT | address(app))


# --- the maps -------------------------------------------------------------------------------------


def test_both_maps_and_their_difference_are_the_two_traces_to_the_bit():
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    one_LM, other_LM = pattern(BOOKS), pattern(BOOK)
    assert not app.exception and not app.warning
    assert np.array_equal(values_in(maps(app)), np.stack([one_LM, other_LM]))
    assert difference(app).tobytes() == (other_LM - one_LM).astype("<f4").tobytes()
    assert np.array_equal(states(app)[0] == BLOCKED, ~np.tri(7, dtype=bool))
    assert maps(app)["limit"] == 1  # ±100 points: a small difference looks small
    changed = [(name["one"], name["other"]) for name in maps(app)["rows"] if name["changed"]]
    assert changed == [("books", "book")]


def test_texts_of_other_lengths_are_compared_where_both_have_the_token():
    app = opened(PAGE, **AT, compare_sentence=OLD)
    one_LM, other_LM = pattern(BOOKS), pattern(OLD)
    names = maps(app)["rows"]
    assert [name["other"] for name in names if not name["one"]] == ["very", "old"]
    at_one = [0, 1, NONE, NONE, 2, 3, 4, 5, 6]
    for row, one_row in enumerate(at_one):
        for column, one_column in enumerate(at_one):
            there = min(one_row, one_column) >= 0
            shown = values_in(maps(app))[:, row, column]
            assert shown[1] == other_LM[row, column]
            assert (states(app)[0, row, column] == ABSENT) == (not there)
            if there:
                assert shown[0] == one_LM[one_row, one_column]
                assert difference(app)[row, column] == shown[1] - shown[0]
            else:
                assert np.isnan(shown[0]) and np.isnan(difference(app)[row, column])
    assert "Cells without a partner stay blank." in prose(app)


@pytest.mark.parametrize("what, at", [("head", (3, 1)), ("layer", (1, 4))])
def test_another_head_or_layer_of_the_same_run(what, at):
    app = opened(PAGE, **AT, compare_what=what, **{f"compare_{what}": "1"})
    other_LM = pattern(BOOKS, *at)
    assert np.array_equal(values_in(maps(app)), np.stack([pattern(BOOKS), other_LM]))
    assert np.array_equal(difference(app), other_LM - pattern(BOOKS))
    table = data_of(app, "compare:cosines", "table")
    pieces = [trace(BOOKS)[f"decoder.{layer}.attn.heads"][head] for layer, head in ((3, 4), at)]
    assert [row[0] for row in table["numbers"]] == [number(x) for x in cosines(*pieces)]
    assert "compare-words" not in components(app)  # one run has one guess


def test_another_model_is_compared_where_both_cut_the_sentence_alike(smollm2):
    app = opened(PAGE, **AT, compare_what="model", compare_model="smollm2", compare_head="2")
    other_LM = smollm2.trace(BOOKS)["decoder.3.attn.pattern"][2]
    names = maps(app)["rows"]
    assert names[0]["one"] == "[START]" and not names[0]["other"] and names[0]["changed"]
    assert not any(name["changed"] for name in names[1:])
    assert np.array_equal(values_in(maps(app))[1, 1:, 1:], other_LM)
    assert np.array_equal(difference(app)[1:, 1:], other_LM - pattern(BOOKS)[1:, 1:])
    words = data_of(app, "compare-words", "slope")
    mine = smollm2.trace(BOOKS)["head.probs"][-1]
    at = words["words"].index("are")
    assert words["texts"][1][at] == percent(mine[smollm2.encode(" are").ids_L[-1]])


def test_a_model_that_can_not_be_compared_says_why():
    app = opened(PAGE, model="study-translator", side="decoder", compare_what="model")
    assert not app.exception and "The decoder reads a text of its own" in app.info[0].value


def test_of_a_long_text_a_part_is_sent_and_the_rest_can_be_reached():
    text = "the cat saw a dog and " * 40
    app = opened(PAGE, sentence=text)
    assert maps(app)["shape"] == [2, MOST, MOST] and maps(app)["part"]
    sizes = [len(element.proto.json) for element in app.get("bidi_component")]
    assert sum(sizes) < 200_000
    first = app.session_state["memory"].first_token
    click(app, "compare-maps", part=-1)
    start = app.session_state["compare_part"]
    whole = load("minilm").trace(text)["encoder.0.attn.pattern"][0]
    rows = slice(whole.shape[0] - MOST, None)
    assert first >= rows.start and start == whole.shape[0] - 2 * MOST
    assert np.array_equal(values_in(maps(app))[0], whole[rows, start : start + MOST])


# --- clicks ---------------------------------------------------------------------------------------


def shown_number(app) -> tuple[str, str]:
    head = next(part for part in parts(app) if part.get("part") == "head")
    return head["name"], head["value"]


@pytest.mark.parametrize("run, sentence", [(0, BOOKS), (1, BOOK)])
def test_a_weight_opens_in_its_own_run_and_a_link_shows_the_same(run, sentence):
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    click(app, "compare-maps", cell=[run, 3, 2])
    cell = "decoder.3.attn.pattern:4,3,2", number(pattern(sentence)[3, 2])
    assert shown_number(app) == cell and maps(app)["opened"] == [run, 3, 2]
    assert maps(app)["at"] == [3, 2] and app.session_state["token"] == 3
    again = linked(app)
    assert shown_number(again) == cell and maps(again)["opened"] == [run, 3, 2]
    assert app.session_state["sentence"] == BOOKS  # the reader's own sentence stays


def test_numbers_of_both_runs_open_in_turn():
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    for run, sentence in ((1, BOOK), (0, BOOKS), (1, BOOK)):
        click(app, "compare-maps", cell=[run, 3, 3])
        assert shown_number(app)[1] == number(pattern(sentence)[3, 3])
    click(
        app, "place", token=["decoder", 2]
    )  # another token closes it: A's number is explained again
    assert app.session_state["cell"] is None
    assert shown_number(app)[1] in map(number, pattern(BOOKS)[2])


def test_a_difference_is_read_out_with_both_operands_and_stands_in_the_link():
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    click(app, "compare-maps", cell=[2, 4, 3])
    assert app.session_state["cell"] is None and address(app)["compare_cell"] == "4-3"
    assert maps(app)["at"] == [4, 3] and maps(app)["opened"] is None
    assert maps(linked(app))["at"] == [4, 3]


def test_at_first_the_largest_change_of_the_chosen_token_is_read_out():
    app = opened(PAGE, **AT, compare_sentence=BOOK, token="3")
    row = np.abs(pattern(BOOK)[3] - pattern(BOOKS)[3])
    assert maps(app)["at"] == [3, int(row.argmax())]


def test_a_number_of_the_second_run_closes_where_that_run_is_not_there():
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    click(app, "compare-maps", cell=[1, 3, 2])
    app.session_state["compare_sentence"] = "  "
    app.run()
    assert not app.exception and app.session_state["cell"] is None
    assert "nothing to read" in app.info[0].value and "compare-maps" not in components(app)


def test_a_word_to_put_in_makes_the_second_sentence():
    app = opened(PAGE, **AT, token="5")
    first, second = swaps(app)
    assert (first["instead"], first["words"][first["chosen"]]) == ("books", "book")
    assert (second["instead"], second["words"][0]) == ("student", "students")
    assert second["chosen"] is None
    click(app, "compare-swaps", swap=[1, 0])
    assert app.session_state["compare_sentence"] == "The books that the students recommended"
    (group,) = swaps(app)  # the word that differs is the chosen one
    assert (group["instead"], group["chosen"]) == ("student", 0)
    assert linked(app).session_state["compare_sentence"].endswith("recommended")


def test_where_several_words_differ_only_the_chosen_one_is_replaced():
    app = opened(PAGE, **AT, compare_sentence="The book that the students recommended")
    assert [group["instead"] for group in swaps(app)] == ["recommended"]


def test_the_name_of_a_row_chooses_its_token():
    app = opened(PAGE, **AT, compare_sentence=OLD)
    click(app, "compare-maps", token=4)
    assert app.session_state["token"] == 2
    click(app, "compare-maps", token=2)  # a token of the second sentence alone
    assert app.session_state["token"] == 2


def test_another_sentence_begins_anew_with_one_word_replaced():
    app = opened(PAGE, **AT, compare_sentence=OLD)
    assert app.session_state["compare_sentence"] == OLD
    app.text_input(key="sentence").set_value("The keys that the boy found").run()
    assert app.session_state["compare_sentence"] == "The key that the boy found"
    assert "compare_sentence" not in address(app)


# --- what comes out -------------------------------------------------------------------------------


def test_the_lines_join_both_guesses_and_the_largest_changes_are_marked():
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    data, model = data_of(app, "compare-words", "slope"), load("study-decoder")
    before_V, after_V = (trace(text)["head.probs"][6] for text in (BOOKS, BOOK))
    ids = [model.tokenizer.id_of(word) for word in data["words"]]
    assert np.array_equal(values_in(data), np.stack([before_V[ids], after_V[ids]]))
    change_V = np.abs(after_V.astype(np.float64) - before_V)
    assert list(change_V[ids]) == sorted(change_V[ids], reverse=True)
    assert change_V[ids][0] == change_V.max() and {before_V.argmax(), after_V.argmax()} <= {*ids}
    assert data["texts"] == [list(map(percent, before_V[ids])), list(map(percent, after_V[ids]))]
    changes = [float(b - a) for a, b in zip(before_V[ids], after_V[ids], strict=True)]
    assert data["points"] == list(map(points, changes))
    assert data["strong"] == 2 and set(data["words"][:2]) == {"are", "is"}
    assert data["ends"] == ["A · books", "B · book"]
    click(app, "compare-words", cell=[1, 0])
    assert shown_number(app) == (f"head.probs:6,{ids[0]}", number(after_V[ids[0]]))


def test_points_have_a_sign_unless_they_are_next_to_nothing():
    shown = [points(x) for x in (0.1234, -0.004, 0.0001, -0.0001, 0.0, float("nan"))]
    assert shown == ["+12.3", "−0.4", "<0.1", "<0.1", "0", "–"]


def test_the_answer_stands_first_and_without_one_the_heads_do():
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    order = ["compare-words", "compare-swaps", "compare:heads", "compare-maps"]
    assert [key for key in components(app) if key in order] == order
    encoder = opened(PAGE, sentence="The book is old.", compare_sentence="The books is old.")
    assert [key for key in components(encoder) if key in order] == order[1:]


def test_without_a_guess_the_vectors_are_compared(minilm):
    text, other = "The book is old.", "The books is old."
    app = opened(PAGE, sentence=text, compare_sentence=other)
    runs = [minilm.trace(each)["encoder.out"] for each in (text, other)]
    table = data_of(app, "compare:cosines", "table")
    assert [row[0] for row in table["numbers"]] == [number(x) for x in cosines(*runs)]
    assert table["rows"][2] == "book → books"


def test_the_map_of_all_heads_shows_how_much_moves_and_a_click_chooses_one():
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    moved_NH = np.array(
        [
            [
                np.mean(
                    [
                        sum(abs(float(b) - float(a)) for a, b in zip(*rows, strict=True)) / 2
                        for rows in zip(pattern(BOOKS, n, h), pattern(BOOK, n, h), strict=True)
                    ]
                )
                for h in range(5)
            ]
            for n in range(4)
        ]
    )
    shown = data_of(app, "compare:heads", "heatmap")
    assert values_in(shown)[0] == pytest.approx(100 * moved_NH) and shown["limit"] == 100
    layer, head = np.unravel_index(moved_NH.argmax(), moved_NH.shape)
    assert f"Head {head} of layer {layer} changes most" in prose(app)
    assert f"**{percent(moved_NH.max())}**" in prose(app)
    click(app, "compare:heads", cell=[0, 1, 2])
    assert (app.session_state["layer"], app.session_state["head"]) == (1, 2)
    assert np.array_equal(values_in(maps(app))[0], pattern(BOOKS, 1, 2))


# --- in words -------------------------------------------------------------------------------------


def test_the_story_states_what_the_traces_hold():
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    moved = np.abs(pattern(BOOK)[6].astype(np.float64) - pattern(BOOKS)[6]).sum() / 2
    guesses = [trace(text)["head.probs"][6] for text in (BOOKS, BOOK)]
    (before, p), (after, q) = (
        (load("study-decoder").tokenizer.piece(int(g.argmax())), percent(g.max())) for g in guesses
    )
    assert (before, after) == ("are", "is")
    assert (
        "**book** replaces **books**. The likeliest next word goes from **are**"
        f" ({p} in A) to **is** ({q} in B)." in prose(app)
    )
    assert (
        f"In head 4 of layer 3, **recommended** moves **{percent(moved)}** of its attention to"
        " other tokens. What differs is the value that it fetches there: that of **book** instead"
        " of **books**." in prose(app)
    )
    values = [trace(text)["decoder.3.attn.v"][4, 2] for text in (BOOKS, BOOK)]
    assert moved < 0.05 and not np.array_equal(*values)
    assert pattern(BOOKS)[6].argmax() == pattern(BOOK)[6].argmax() == 2


def test_a_head_that_is_silent_in_both_fetches_nothing():
    app = opened(PAGE, **AT, compare_sentence=BOOK, change="head:decoder.3.4")
    assert "fetches there" not in prose(app)
    assert "The head is silent in both, so nothing that it fetches counts." in prose(app)


def test_before_the_replaced_word_nothing_is_said_to_have_changed():
    app = opened(PAGE, **AT, compare_sentence=BOOK, token="1")
    assert "spreads its attention alike in A and in B" in prose(app)
    assert "What differs" not in prose(app) and "whose value" not in prose(app)


STORIES = (
    AT | {"compare_sentence": BOOK},
    AT | {"compare_sentence": OLD},
    AT | {"compare_what": "head"},
    AT | {"compare_what": "layer"},
    AT | {"compare_what": "model", "compare_model": "smollm2"},
    {"model": "smollm2"},
    {"model": "study-encoder"},
)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("asked", STORIES)
def test_the_story_has_at_most_45_words(asked):
    app = opened(PAGE, **asked)
    told = [
        text.value
        for text in app.markdown
        if re.search(r"attention|no partner|likeliest|replaces|differ", text.value)
    ]
    assert told
    for text in told:
        assert len(re.findall(r"[\w’]+[^\s]*", text)) <= 45, text


def test_two_equal_sentences_are_said_to_be_equal():
    app = opened(PAGE, **AT, compare_sentence=BOOKS)
    assert "Both sentences are the same" in prose(app) and not difference(app).any()


@pytest.mark.parametrize("depth", ("numbers", "formula", "code"))
def test_deeper_the_row_stands_in_a_table_whose_numbers_open(depth):
    app = opened(PAGE, **AT, compare_sentence=BOOK, depth=depth)
    table = data_of(app, "compare:difference", "table")
    one, other = pattern(BOOKS)[6], pattern(BOOK)[6]
    assert table["numbers"] == [
        [number(a), number(b), number(b - a)] for a, b in zip(one, other, strict=True)
    ]
    click(app, "compare:difference", cell=[2, 1])
    assert shown_number(app) == ("decoder.3.attn.pattern:4,6,2", number(other[2]))
    if depth == "formula":
        moved = np.abs(other.astype(np.float64) - one).sum() / 2
        assert f"= **{number(moved)}**" in prose(app)


# --- what is hostile ------------------------------------------------------------------------------


@pytest.mark.one_in(4)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_second_sentence_does_no_harm(kind):
    app = opened(PAGE, sentence="A good sentence.", compare_sentence=HOSTILE[kind])
    assert not app.exception
    for element in (*app.markdown, *app.caption, *app.info, *app.warning, *app.title):
        assert not any(harm in element.proto.body for harm in HARM)


@pytest.mark.parametrize(
    "text, why", [("x " * 4000, "characters"), ("one " * 600, "the limit is 512")]
)
def test_a_second_sentence_that_is_too_long_says_so(text, why):
    app = opened(PAGE, compare_sentence=text)
    assert not app.exception and why in re.sub(r"\\", "", app.info[0].value)


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    "forged",
    [
        {"cell": [3, 0, 0]},
        {"cell": [0, 99, 0]},
        {"cell": "x"},
        {"cell": [0, -1, 0]},
        {"token": 99},
        {"token": True},
        {"part": 7},
        {"part": "1"},
    ],
    ids=json.dumps,
)
def test_a_forged_click_changes_nothing(forged):
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    before = address(app)
    click(app, "compare-maps", **forged)
    assert not app.exception and address(app) == before and not said(app)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("forged", [99, "a", [0, 99], [9, 0], [0], [0, True]], ids=json.dumps)
def test_a_forged_word_is_not_put_in(forged):
    app = opened(PAGE, **AT, compare_sentence=BOOK)
    before = address(app)
    click(app, "compare-swaps", swap=forged)
    assert not app.exception and address(app) == before and not said(app)
