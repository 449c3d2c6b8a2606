"""A stage's question, guessed before its figure answers it: what is right stands in the trace, the
figure stays veiled until a guess is made, and who does not want to guess need not.
"""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.pages import click, components, data_of, opened, parts
from ui.kit.quiz import quiz_of_count, quiz_of_most, quiz_of_words
from ui.session import runs
from ui.session.navigation import (
    ADD_AND_NORM,
    ATTENTION,
    BEFORE_ATTENTION,
    CROSS_ATTENTION,
    ENCODER_AND_DECODER,
    FEED_FORWARD,
    HEADS,
    HOW_IT_LEARNED,
    LABORATORY,
    LAYERS,
    OUTPUT,
    PAGES,
    POSITIONS,
    TOKENS,
    WHY,
)
from ui.session.runs import RunRequest
from ui.session.view import View
from ui.text import told_apart

BOOKS = "The books that the student recommended"
DECODER = {"model": "study-decoder", "sentence": BOOKS, "layer": "3", "head": "4", "token": "6"}
LONG = "The cat sat on the mat. The dog ran home"
WORDS = ["[START]", "the", "books", "that", "the", "student", "recommended"]
ROAD = (
    *(TOKENS, POSITIONS, ATTENTION, HEADS, ADD_AND_NORM, FEED_FORWARD, LAYERS),
    *(ENCODER_AND_DECODER, CROSS_ATTENTION, OUTPUT, BEFORE_ATTENTION, WHY),
    HOW_IT_LEARNED,
)

ALONE = (OUTPUT, HOW_IT_LEARNED)  # these ask only about models that write the next word


def asking(page, **given) -> AppTest:
    return opened(page.path, **(DECODER | {"ask": "1"} | given))


def guessed(app) -> tuple[str, str]:
    """The question and the right answer, once one was guessed."""
    (offered,) = parts(app, "quiz")
    assert not offered["verdict"], "this one is answered already"
    assert 2 <= len(offered["options"]) == len(set(offered["options"])) <= 5
    click(app, "quiz", act=0)
    (shown,) = parts(app, "quiz")
    verdict = shown["verdict"]
    assert verdict["guess"] == 0 and verdict["answer"] == shown["options"][verdict["right"]]
    assert verdict["score"] == f"{int(verdict['right'] == 0)} of 1 guess right."
    return "".join(shown["asks"]), verdict["answer"]


def trace_of(app):
    return runs.trace_of(app.session_state["memory"].shown)


def veiled(app) -> bool:
    return any("the figure appears" in each.proto.body for each in app.get("html"))


# --- every stage asks -----------------------------------------------------------------------------


@pytest.mark.one_in(5)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
def test_every_stage_of_the_road_asks_one_question(page):
    app = asking(page)
    assert not app.exception and len(parts(app, "quiz")) == (page in ROAD) == veiled(app)
    if page in ROAD:
        click(app, "quiz", act="stop")
        assert not parts(app, "quiz") and not veiled(app) and app.session_state["ask"] is False


@pytest.mark.one_in(9)
@pytest.mark.parametrize("model", ("minilm", "study-encoder", "study-translator"))
@pytest.mark.parametrize("page", [p for p in ROAD if p not in ALONE], ids=lambda page: page.title)
def test_the_stages_of_other_models_ask_too(page, model):
    app = asking(page, model=model, layer="1", head="1", token="3")
    asks = page is not WHY or model != "minilm"  # which has no words to ask about
    assert not app.exception and len(parts(app, "quiz")) == asks == veiled(app)


@pytest.mark.one_in(4)
@pytest.mark.parametrize("page", ROAD, ids=lambda page: page.title)
def test_a_run_that_overflows_or_has_one_token_is_no_reason_to_fall(page):
    for given in ({"change": "norms"}, {"sentence": "books", "token": "0"}, {"sentence": ""}):
        assert not asking(page, **given).exception, given


# --- what is right is so in the trace -------------------------------------------------------------


def test_positions_asks_which_vector_is_longer():
    app = asking(POSITIONS)
    path = "decoder.embed"
    word, place = (np.linalg.norm(trace_of(app)[f"{path}.{x}"][6]) for x in ("token", "position"))
    right = "the word’s" if word > place else "the position’s"
    assert guessed(app) == ("Which vector is longer?", right)


def test_positions_asks_which_clock_points_the_same_way(smollm2):
    app = asking(POSITIONS, model="smollm2", sentence=LONG, layer="0", head="0", token="8")
    (clocks,) = parts(app, "clocks")
    degrees = dict(
        zip([t["position"] for t in clocks["tokens"]], clocks["pairs"][0]["degrees"], strict=True)
    )
    own = degrees.pop(clocks["chosen"])
    gaps = {at: abs((to - own + 180) % 360 - 180) for at, to in degrees.items()}
    nearest = min(gaps, key=gaps.__getitem__)
    texts = {each["position"]: each["text"] for each in clocks["tokens"]}
    asks, right = guessed(app)
    assert asks == "Which token’s fastest hand points most the same way?"
    assert right.split(" (")[0] == texts[nearest] and nearest == clocks["chosen"] - 6


@pytest.mark.parametrize(
    "stage, asks, leaf",
    (
        (0, "Which word will it look at most?", "pattern"),
        (1, "", "scores.dot"),
        (2, "", "scores"),
        (3, "", "pattern"),
        (4, "Which word gives most of it?", "z.share"),
    ),
)
def test_attention_asks_at_each_step_for_what_it_finds(stage, asks, leaf):
    for token in (2, 6):  # what the mask hides of books is no answer
        app = asking(ATTENTION, stage=str(stage), token=str(token))
        row_M = trace_of(app)[f"decoder.3.attn.{leaf}"][4, token, : token + 1]
        assert guessed(app) == (asks, told_apart(WORDS)[int(row_M.argmax())])


def test_how_it_learned_asks_for_the_word_with_the_largest_loss():
    app = asking(HOW_IT_LEARNED)
    trace = trace_of(app)
    right_R = trace["head.probs"][range(6), trace["decoder.embed.ids"][1:]]
    word = told_apart(WORDS)[int(right_R.argmin()) + 1]
    assert guessed(app) == ("Which word surprises the model most?", word)


def test_heads_asks_for_the_head_that_finds_what_the_others_do_not():
    app = asking(HEADS)
    row_HM = trace_of(app)["decoder.3.attn.pattern"][:, 6]
    lead_M = [sorted(column)[-1] - sorted(column)[-2] for column in row_HM.T]
    at = int(np.argmax(lead_M))
    assert guessed(app) == (
        f"Which looks most at {told_apart(WORDS)[at]}?",
        f"head {row_HM[:, at].argmax()}",
    )


@pytest.mark.parametrize("part", ("attn", "mlp"))
def test_add_and_norm_asks_what_is_longer(part):
    app = asking(ADD_AND_NORM, addnorm_sublayer=part)
    before, update = (
        np.linalg.norm(trace_of(app)[f"decoder.3.{part}.{leaf}"][6]) for leaf in ("in", "out")
    )
    right = "the token’s vector" if before > update else "the update"
    assert guessed(app) == ("Which is longer?", right)


def test_feed_forward_asks_how_many_neurons_are_on():
    app = asking(FEED_FORWARD)
    on = int((trace_of(app)["decoder.3.mlp.hidden"][6] != 0).sum())
    asks, right = guessed(app)
    low, high = map(int, right.split(" to "))
    assert asks == "How many of the 400?" and low <= on <= high


def test_feed_forward_asks_how_many_neurons_gelu_gets_from_below_zero():
    app = asking(FEED_FORWARD, model="minilm", layer="2", token="3")
    below = int((trace_of(app)["encoder.2.mlp.pre"][3] < 0).sum())
    asks, right = guessed(app)
    low, high = (int(end.replace(",", "")) for end in right.split(" to "))
    assert asks == "How many of the 1,536 are below zero?" and low <= below <= high


def test_layers_asks_which_layer_turns_the_vector_most():
    app = asking(LAYERS)
    alike = [float(trace_of(app)[f"decoder.{n}.out.turned"][6]) for n in range(4)]
    assert guessed(app) == ("Which turns it most?", f"layer {int(np.argmin(alike))}")


def test_encoder_and_decoder_asks_how_many_weights_the_mask_hides():
    app = asking(ENCODER_AND_DECODER)
    hidden = int((trace_of(app)["decoder.3.attn.pattern"][0] == 0).sum())
    assert guessed(app) == ("How many of the 49 weights become 0?", str(hidden)) and hidden == 21


def test_before_attention_asks_whose_guess_changes_more():
    app = asking(BEFORE_ATTENTION)
    shift_G = data_of(app, "before:guesses", "guesses")["shifts"][-1]
    asks, right = guessed(app)
    assert asks == "Whose guess after recommended changes more?"
    assert right == ("the LSTM’s", "attention’s")[int(np.argmax(shift_G))]


def test_output_asks_for_the_word_once_it_is_hidden():
    given = {"model": "study-encoder", "layer": "1", "head": "1", "token": "6"}
    app = asking(OUTPUT, **given)
    asks, right = guessed(app)
    hidden = runs.trace_of(
        app.session_state["memory"].shown._replace(sentence="The books that the student [MASK]")
    )
    best = int(hidden["head.probs"][6].argmax())
    assert asks == "Which comes first once it is hidden?"
    assert right == View(RunRequest("study-encoder", BOOKS), "encoder", 0, 0, 0).word(best)


# --- what may be offered --------------------------------------------------------------------------

VIEW = View(RunRequest("study-encoder", "The book is old."), "encoder", 0, 0, 0)


def test_what_a_picture_would_not_tell_apart_is_not_offered_together():
    words = list("abcdef")
    quiz = quiz_of_most(VIEW, words, [5, 9.9, 10, 3, -np.inf, 4])
    assert quiz and quiz.options == ("a", "c", "d", "f") and quiz.options[quiz.right] == "c"
    quiz = quiz_of_most(VIEW, words, [5, 9.9, 10, 3, -np.inf, 4], near=6)
    assert quiz and quiz.options == ("c", "d") and quiz.right == 0
    for values in ([1] * 6, [1, 2, 3, 4, 5, np.nan], [-np.inf] * 6, []):
        assert quiz_of_most(VIEW, words, values) is None


def test_a_count_lies_in_the_quarter_that_is_right():
    for of in (4, 5, 7, 256, 1536, 11008):
        for count in {0, 1, of // 4, of // 4 + 1, of // 2, of - 1, of}:
            quiz = quiz_of_count(VIEW, count, of)
            ends = [[int(n.replace(",", "")) for n in each.split(" to ")] for each in quiz.options]
            assert [place for place, (a, b) in enumerate(ends) if a <= count <= b] == [quiz.right]
            assert ends[0][0] == 0 and ends[-1][1] == of
    assert quiz_of_count(VIEW, 1, 3) is None


def test_the_first_word_is_right_wherever_it_stands():
    quiz = quiz_of_words(VIEW, ["were", "are", "is", "will", "burn"])
    assert quiz and quiz.options == ("are", "burn", "is", "were") and quiz.right == 3
    assert quiz_of_words(VIEW, ["is", "is"]) is None and quiz_of_words(VIEW, []) is None


# --- guesses --------------------------------------------------------------------------------------


def one_stage():
    import streamlit as st

    from ui.kit.quiz import Quiz
    from ui.kit.stage import heading
    from ui.session.runs import RunRequest
    from ui.session.view import View

    state = st.session_state
    view = View(RunRequest("study-encoder", state["sentence"]), "encoder", 0, 0, 0)
    quiz = Quiz(view, ("book", "<b>student", "is"), state["right"], state["asks"])
    heading(state["title"], quiz)
    st.text("the figure")


def stage(**given) -> AppTest:
    app = AppTest.from_function(one_stage, default_timeout=30)
    first = {"sentence": "The book is old.", "right": 0, "title": "Which word?", "asks": ""}
    for name, value in (first | given).items():
        app.session_state[name] = value
    return app.run()


def test_a_stage_asks_once_for_each_sentence_and_keeps_the_score():
    app = stage()
    assert veiled(app) and parts(app, "quiz")[0]["options"] == ["book", "<b>student", "is"]
    click(app, "quiz", act=1)
    verdict = {"guess": 1, "right": 0, "answer": "book", "score": "0 of 1 guess right."}
    assert parts(app, "quiz")[0]["verdict"] == verdict and not veiled(app)
    app.session_state["sentence"] = "The door is old."
    app.session_state["right"] = 2
    click(app.run(), "quiz", act=2)
    assert parts(app, "quiz")[0]["verdict"]["score"] == "1 of 2 guesses right, on all pages."


@pytest.mark.parametrize("other", ({"right": 2}, {"asks": "And now?"}, {"title": "Which key?"}))
def test_a_guess_is_no_answer_to_another_question(other):
    app = stage()
    click(app, "quiz", act=0)
    assert parts(app, "quiz")
    for name, value in other.items():
        app.session_state[name] = value
    app.run()
    assert not parts(app, "quiz") and not veiled(app)


def test_who_does_not_want_to_guess_is_shown_the_figure():
    app = stage()
    click(app, "quiz", act="show")
    assert not parts(app, "quiz") and not veiled(app)
    app = stage()
    click(app, "quiz", act="stop")
    assert not parts(app, "quiz") and app.session_state["ask"] is False
    app.session_state["sentence"] = "The door is old."
    assert not parts(app.run(), "quiz")


@pytest.mark.parametrize("forged", (3, -1, 0.0, True, "1", None, [0], {"a": 1}))
def test_what_is_no_answer_is_none(forged):
    app = stage()
    click(app, "quiz", act=forged)
    assert not app.exception and veiled(app) and "quiz" in components(app)
    assert not parts(app, "quiz")[0]["verdict"]


def test_long_words_are_cut_before_they_reach_the_browser():
    app = asking(HEADS, sentence=f"The {'book' * 12} fell", token="2")
    (quiz,) = parts(app, "quiz")
    assert len(quiz["asks"][1]) <= 24 and max(map(len, quiz["options"])) <= 18


# --- whoever has just acted -----------------------------------------------------------------------


def test_nobody_is_asked_after_a_button_of_the_page_made_a_text_but_after_typing_one():
    app = asking(OUTPUT, layer="0", head="0")
    click(app, "quiz", act="show")
    app.button(key="output_append").click().run()
    assert app.session_state["sentence"] != BOOKS and not veiled(app)
    assert any("was appended" in each.value for each in app.success)
    app.button(key="output_undo").click().run()
    assert app.session_state["sentence"] == BOOKS and not veiled(app)
    app.text_input(key="sentence").set_value("The door is").run()
    assert veiled(app), "a sentence that was typed is asked about"


@pytest.mark.parametrize(
    "given, button",
    [
        ({"cards": "output-beams", "output_branch": "0"}, "output_branch_read"),
        ({"model": "study-encoder", "cards": "output-context"}, "output_read_b"),
    ],
)
def test_a_text_of_the_page_that_a_button_reads_asks_nothing(given, button):
    app = asking(OUTPUT, **given)
    click(app, "quiz", act="show")
    app.button(key=button).click().run()
    assert app.session_state["sentence"] != BOOKS and not veiled(app)


def test_a_change_of_the_laboratory_is_shown_and_not_asked_about():
    app = asking(LABORATORY)
    app.button(key="lab_add").click().run()
    assert app.session_state["change"] and not veiled(app) and not parts(app, "quiz")
    app.button(key="lab_undo").click().run()
    assert not app.session_state["change"] and not veiled(app)
    assert veiled(asking(LABORATORY, change="head:decoder.3.4")), "who comes with one is asked"
