"""The page Tokens: pieces under the characters typed, nearest words, the map, and arithmetic with
words.
"""

import json
import re
from itertools import product

import numpy as np
import pytest

from core import load
from core.models.tokenizer import Tokenizer
from core.planes import around_their_mean, principal_plane
from core.steps.embedding import nearest, neighbours
from core.text import number
from tests.helpers.pages import HOSTILE, address, cards, click, opened, parts, said, values_in
from tests.helpers.sample import one_in
from tests.helpers.tiny import FAMILIES
from tests.helpers.words import MOST, question, words_below
from ui.session import runs
from ui.session.selection import DEPTHS
from ui.text import bold, labelled, quoted

PAGE = "pages/1_Tokens.py"
CARDS = "tokens-alike.tokens-map.tokens-sums.tokens-rows"
BOOKS = "The books that the student recommended"


def prose(app) -> str:
    return re.sub(
        r"\\([!-/:-@\[-`{-~])", r"\1", " ".join(element.value for element in app.markdown)
    )


def pieces(app) -> list[dict]:
    return parts(app, "pieces")[0]["tokens"]


# --- the readings ---------------------------------------------------------------------------------


def test_neighbours_are_those_that_a_loop_finds():
    table_VD = np.random.default_rng(2).normal(size=(60, 7))

    def cosine(i, v):
        return (
            table_VD[i]
            @ table_VD[v]
            / np.sqrt((table_VD[i] @ table_VD[i]) * (table_VD[v] @ table_VD[v]))
        )

    ids = [*range(0, 40, 2), 3]  # more than are compared at a time
    expected = [
        sorted((v for v in range(60) if v != i), key=lambda v: -cosine(i, v))[:4] for i in ids
    ]
    assert neighbours(table_VD, ids, 4).tolist() == expected


def test_three_directions_hold_what_they_say():
    rng = np.random.default_rng(5)
    vectors_NK = (
        rng.normal(size=(9, 6))
        * [9, 5, 2, 0.3, 0.2, 0.1]
        @ np.linalg.qr(rng.normal(size=(6, 6)))[0]
    )
    space, plane = principal_plane(vectors_NK, 3), principal_plane(vectors_NK)
    np.testing.assert_allclose(
        (space.flat(vectors_NK) ** 2).sum(axis=0) / (vectors_NK**2).sum(), space.held
    )
    np.testing.assert_allclose(space.axes_2K[:2], plane.axes_2K)
    assert principal_plane([[3.0, -4.0]], 3).held == (1, 0, 0)


def test_many_vectors_have_the_plane_that_the_slow_way_finds():
    rng = np.random.default_rng(8)
    vectors_NK = rng.normal(size=(30, 50)) * np.linspace(5, 1, 50)
    _, sizes, directions = np.linalg.svd(vectors_NK)
    plane = principal_plane(vectors_NK, 3)
    np.testing.assert_allclose(np.abs((plane.axes_2K * directions[:3]).sum(axis=1)), 1)
    np.testing.assert_allclose(plane.held, sizes[:3] ** 2 / (sizes**2).sum())
    same = principal_plane(
        np.tile(vectors_NK[:1], (30, 1))
    )  # all on one line: the second direction is empty
    np.testing.assert_allclose(same.held, (1, 0), atol=1e-12)


def test_a_map_of_cosines_does_not_depend_on_lengths():
    vectors_NK = np.random.default_rng(6).normal(size=(5, 4))
    around_NK = around_their_mean(vectors_NK)
    np.testing.assert_allclose(around_NK.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(around_their_mean(vectors_NK * np.arange(1, 6)[:, None]), around_NK)


def test_a_sentence_is_cut_into_pieces_once(monkeypatch):
    """The run, its words and the page share the one encoding."""
    sentence, real, cut = "A rare sentence about encodings.", Tokenizer.encode, []

    def encode(self, text, special=True, second=None):
        cut.append(text)
        return real(self, text, special, second)

    monkeypatch.setattr(Tokenizer, "encode", encode)
    app = opened(PAGE, model="study-encoder", sentence=sentence)
    assert not app.exception and "".join(cut).count(sentence) == 1


# --- the page -------------------------------------------------------------------------------------


def test_pieces_stand_under_the_letters_they_were_cut_from():
    text = "The Glassformers unfold  Zürich’s map"
    for model in ("minilm", "smollm2"):
        found = pieces(opened(PAGE, model=model, sentence=text))
        typed = "".join(token["typed"] for token in found).replace("␣", "")
        assert typed == text.replace(" ", "") and len(found) > 7
        words = {token["word"] for token in found if token["typed"]}
        assert None not in words and len(words) < len(found)
    assert (
        found[0]["text"] == "The" and pieces(opened(PAGE, sentence=text))[1]["text"] == "the"
    )  # MiniLM lower-cases


@pytest.mark.one_in(7)
@pytest.mark.parametrize("sentence", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("model", ("minilm", "smollm2"))
def test_hostile_sentences_are_cut_and_shown(model, sentence):
    app = opened(PAGE, model=model, sentence=sentence)
    trace = runs.trace_of(app.session_state["memory"].shown)
    assert (
        not app.exception
        and [token["id"] for token in pieces(app)]
        == trace[f"{trace.config.sides[0]}.embed.ids"].tolist()
    )


def test_what_was_typed_is_not_shown_above_other_words():
    turned = parts(opened(PAGE, change="order"), "pieces")[0]
    assert not turned["typed"] and [token["text"] for token in turned["tokens"]][1] == "."


def test_the_nearest_words_are_those_of_the_trace():
    app = opened(PAGE, token="2", cards="tokens-alike")
    trace = runs.trace_of(app.session_state["memory"].shown)
    cosine_V = trace["encoder.embed.near.2338"]
    best = np.argsort(-cosine_V)[1:11]
    listed = parts(app, "glass_table")[0]
    assert listed["rows"][0] == "books" and [row[0] for row in listed["numbers"]] == [
        number(cosine_V[i]) for i in best
    ]
    assert "**books**" in prose(app)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("model, word", (("minilm", "queen"), ("smollm2", "␣queen")))
def test_king_minus_man_plus_woman(model, word):
    app = opened(PAGE, model=model, cards="tokens-alike.tokens-sums")
    assert [app.text_input(key=f"tokens_{letter}").value for letter in "abc"] == [
        "king",
        "man",
        "woman",
    ]
    listed = parts(app, "glass_table")[1]
    table_VD = load(model).weights[f"{load(model).config.sides[0]}.embed.token.weight"]
    ids = [
        load(model).tokenizer.encode(f" {text}", special=False).ids_L[0]
        for text in ("king", "man", "woman")
    ]
    x_D = table_VD[ids[0]] - table_VD[ids[1]] + table_VD[ids[2]]
    cosine_V = table_VD @ x_D / np.linalg.norm(table_VD, axis=1) / np.linalg.norm(x_D)
    assert listed["rows"][0] == word and listed["numbers"][0] == [
        number(cosine_V[nearest(cosine_V, 1, ids)[0]])
    ]
    assert not {"king", "man", "woman", "␣king", "␣man", "␣woman"} & set(
        listed["rows"]
    ) and "leaves the three words themselves out" in prose(app)


def test_a_word_of_several_pieces_says_which_and_the_others_stay():
    app = opened(PAGE, cards="tokens-alike.tokens-sums")
    app.text_input(key="tokens_b").set_value("glassformer").run()
    assert (
        "“glass” + “##form” + “##er”" in said(app)
        and app.text_input(key="tokens_a").value == "king"
    )
    assert len(parts(app, "glass_table")) == 1 and not app.exception
    for text in ("", "   ", *HOSTILE.values()):
        app.text_input(key="tokens_b").set_value(text[:60]).run()
        assert not app.exception
    app.text_input(key="tokens_b").set_value("queen").run()
    assert len(parts(app, "glass_table")) == 2 and not app.warning


def test_the_map_in_three_directions_is_drawn_only_when_asked():
    app = opened(PAGE, depth="numbers", cards="tokens-map")
    (flat,) = app.get("plotly_chart")
    assert {trace["type"] for trace in json.loads(flat.proto.spec)["data"]} == {"scatter"}
    app.toggle(key="tokens_3d").set_value(True).run()
    (space,) = app.get("plotly_chart")
    assert {trace["type"] for trace in json.loads(space.proto.spec)["data"]} == {
        "scatter3d"
    } and not app.exception
    app.session_state["tokens_map"] = "near"
    app.run()
    shown = json.loads(app.get("plotly_chart")[0].proto.spec)["data"]
    assert not app.exception and any("costly" in text for text in shown[2]["text"])


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    "tiny_folder, depth", one_in(7, product(FAMILIES, DEPTHS)), indirect=["tiny_folder"]
)
def test_every_family_at_every_depth(tiny_folder, depth):
    config = load(tiny_folder).config
    for side in config.sides:
        app = opened(
            PAGE,
            model=tiny_folder,
            sentence="3 5 7 5 9",
            target="4 6 8",
            side=side,
            depth=depth,
            cards=CARDS,
        )
        assert not app.exception and not app.error and not app.warning
        assert (
            len(parts(app, "pieces")) == len(config.sides) and len(parts(app, "glass_table")) == 2
        )
        app.text_input(key="tokens_a_id").set_value("99999999").run()
        assert "0 to" in said(app) and not app.exception
        app.toggle(key="tokens_3d").set_value(True).run()
        assert not app.exception


def test_an_opened_cosine_of_the_map_explains_itself():
    app = opened(PAGE, token="2", cell="encoder.embed.near.2338:2808")
    head = next(part for part in parts(app) if "name" in part)
    check = next(part["check"] for part in parts(app) if "check" in part)
    assert head["name"] == "encoder.embed.near.2338:2808"
    assert "agree" in str(check) or "rounding" in str(check) or "✓" in str(check)
    assert address(app)["cell"] == "encoder.embed.near.2338:2808"


@pytest.mark.parametrize(
    "token, label, text",
    [("bed", "bed", "**bed**"), (".", "“.”", "“**\\.**”"), ("[CLS]", "[CLS]", "**\\[CLS\\]**")],
)
def test_a_token_is_never_read_as_a_word_of_the_sentence_it_stands_in(token, label, text):
    assert (labelled(token), bold(token), quoted(token)) == (label, text, f"“{token}”")


@pytest.mark.parametrize(
    "model, asked", (("study-decoder", "3,000 words"), ("minilm", "30,522 pieces"))
)
def test_the_page_asks_one_question_and_says_little(model, asked):
    app = opened(PAGE, model=model, sentence=BOOKS, token="6")
    assert question(app) == f"Which of {asked} is most like **recommended** to this model?"
    assert 0 < len(words_below(app)) <= MOST and not app.get("plotly_chart")
    assert len(cards(app)) == 4 and not any(each.proto.expanded for each in cards(app))


def test_each_token_has_its_row_and_its_nearest_words():
    app = opened(PAGE, model="study-decoder", sentence=BOOKS, token="6")
    trace = runs.trace_of(app.session_state["memory"].shown)
    (shown,) = parts(app, "pieces")
    assert values_in(shown).tobytes() == trace["decoder.embed.token"].astype("<f4").tobytes()
    assert shown["at"] == list(range(7)) and shown["chosen"] == 6
    table_VD = trace.weights["decoder.embed.token.weight"]
    for token, i in zip(shown["tokens"], trace["decoder.embed.ids"], strict=True):
        cosine_V = table_VD @ table_VD[i] / np.linalg.norm(table_VD, axis=1)
        best = [v for v in np.argsort(-cosine_V, kind="stable") if v != i][:5]
        assert token["near"] == [load("study-decoder").tokenizer.piece(int(v)) for v in best]
        assert bool(token["cosines"]) == (token is shown["tokens"][6])
    near_V = trace[f"decoder.embed.near.{trace['decoder.embed.ids'][6]}"]
    assert [each["text"] for each in shown["tokens"][6]["cosines"]] == [
        number(cosine, 2) for cosine in sorted(near_V)[-2:-7:-1]
    ]


@pytest.mark.parametrize(
    "model, said", (("study-decoder", "(multiplied by √100 = 10)"), ("minilm", "numbers, the"))
)
def test_the_row_that_is_taken_is_the_one_with_the_token_s_id(model, said):
    app = opened(PAGE, model=model, sentence=BOOKS, token="6")
    trace = runs.trace_of(app.session_state["memory"].shown)
    side = trace.config.sides[0]
    i, scale = int(trace[f"{side}.embed.ids"][6]), trace.config.embed_scale
    assert f"has the id {i}, so the model takes row {i} of its table" in prose(
        app
    ) and said in prose(app)
    np.testing.assert_allclose(
        trace[f"{side}.embed.token"][6],
        scale * trace.weights[f"{side}.embed.token.weight"][i],
        rtol=1e-6,
    )


def test_clicks_in_the_figure_choose_a_token_and_open_numbers():
    app = click(opened(PAGE, token="2"), "pieces-encoder", chosen=4)
    assert app.session_state["token"] == 4
    click(app, "pieces-encoder", cell=[5, 7])
    assert address(app)["cell"] == "encoder.embed.token:5,7" and app.session_state["token"] == 5
    click(app, "pieces-encoder", near=[1])
    trace = runs.trace_of(app.session_state["memory"].shown)
    i = int(trace["encoder.embed.ids"][5])
    second = int(np.argsort(-trace[f"encoder.embed.near.{i}"], kind="stable")[2])
    assert address(app)["cell"] == f"encoder.embed.near.{i}:{second}"


@pytest.mark.one_in(4)
@pytest.mark.parametrize("name", ("chosen", "cell", "near"))
@pytest.mark.parametrize(
    "value", (999, -1, "2", [0, 99999], [0], None, {"a": 1}, [True, 0], [1.0, 2])
)
def test_what_a_browser_may_not_send_changes_nothing(name, value):
    app = opened(PAGE, token="2")
    before = address(app)
    click(app, "pieces-encoder", **{name: value})
    expected = before if (name, value) != ("near", [0]) else address(app)
    assert not app.exception and address(app) == expected and app.session_state["token"] == 2


def test_words_that_are_cut_are_named_with_their_pieces():
    app = opened(PAGE, sentence="Unbelievably, the hippopotamus smiled.", token="9")
    assert len(words_below(app)) <= MOST
    app.session_state["cards"] = "tokens-rows"
    assert (
        "Split into pieces: **un** + **##bel** + **##ie** + **##va** + **##bly**;"
        " **hip** + **##pop** + **##ota** + **##mus**." in prose(app.run())
    )
