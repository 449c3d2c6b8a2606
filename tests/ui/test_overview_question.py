"""The first screen: the question is the trace's, one click answers it, and what came out before
stays in sight.
"""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import load
from core.models import catalogue
from core.text import number
from tests.helpers.pages import ROOT, SIGNED, address, click, look, opened, parts
from tests.helpers.seen import Seen
from ui.session.opening import decision_of, is_telling, opening_place
from ui.session.runs import RunRequest, trace_of
from ui.session.selection import EXAMPLES, OPENING, unchosen
from ui.stages.overview.experiments import forms
from ui.stages.overview.headline import layers_caption, share_words

ONE = RunRequest("study-decoder", OPENING)
DECIDES = decision_of(ONE)  # one head: tests/core/test_deciding_head.py
PLACE = (DECIDES.layer, DECIDES.head)
MYSTERY = {
    "model": "study-decoder",
    "sentence": OPENING,
    "layer": str(DECIDES.layer),
    "head": str(DECIDES.head),
}


def piece(word: int) -> str:
    return load("study-decoder").tokenizer.piece(word)


PAIR = [piece(DECIDES.first), piece(DECIDES.second)]


def data_of(app) -> dict:
    assert not app.exception and not app.warning
    (data,) = parts(app, "glass_overview")
    return data


def question(data: dict) -> str:
    return "".join(words for words, _ in data["headline"])


def tried(app, name: str) -> dict:
    """The picture after a click on an experiment."""
    click(app, "river", act="")  # a browser's click is gone when the run has ended
    return data_of(click(app, "river", act=f"try/{name}"))


def shares(data: dict, which: str = "share") -> dict[str, float]:
    return {word["word"]: word[which] for word in data["output"]["words"]}


# --- it opens with a mystery ----------------------------------------------------------------------


def test_the_app_opens_with_a_question_that_one_click_answers():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    data = data_of(app)
    assert app.query_params == {}  # the view needs no words
    assert data["run"] == list(ONE) and OPENING == "The queen closed the book because"
    assert question(data) == (
        "Which word comes next: she or it? One of this model’s 20 attention heads decides."
    )
    assert [piece for piece in data["headline"] if piece[1]] == [["she", "guess"], ["it", "guess"]]
    assert (data["open"]["layer"], data["open"]["head"]) == PLACE
    assert data["tokens"]["decoder"]["labels"][data["tokens"]["decoder"]["chosen"]] == "because"
    assert "looks most at “queen”" in data["captions"]["attention"]
    assert data["experiments"][0]["words"] == "Silence this head"
    silenced = tried(app, "head")
    assert silenced["run"][4] == DECIDES.change
    it, she = (share_words(float(DECIDES.without_V[i])) for i in (DECIDES.second, DECIDES.first))
    assert question(silenced) == (
        f"Without head {DECIDES.head} of layer {DECIDES.layer}, “it” beats “she”: {it} to {she}."
    )
    assert DECIDES.without_V.argmax() == DECIDES.second


@pytest.mark.parametrize("text, says", [("The old man", True), (OPENING, False)])
def test_it_says_why_it_asks_about_a_word_that_is_not_the_next_likeliest(text, says):
    """The word that comes first without the head."""
    run = ONE._replace(sentence=text)
    found, probs_V = decision_of(run), trace_of(run)["head.probs"][-1]
    first, second = piece(found.first), piece(found.second)
    assert says == (found.second != np.argsort(-probs_V)[1])
    why = f": without head {found.head} of layer {found.layer}, {second} would win"
    one = f"20 attention heads decides{why}" if says else "this model’s 20 attention heads decides"
    said = f"{first} or {second}? One of {one}."
    assert question(data_of(opened(**MYSTERY | {"sentence": text}))).endswith(said)


@pytest.mark.parametrize(
    "text, kind", [(EXAMPLES[0]["text"], 0), ("The girl lost her keys because", 2)]
)
def test_where_no_head_decides_or_several_do_it_says_how_many(text, kind):
    run = ONE._replace(sentence=text)
    first, turned = trace_of(run)["head.probs"][-1].argmax(), 0
    for layer, head in np.ndindex(4, 5):
        now = run._replace(change=f"head:decoder.{layer}.{head}")
        turned += trace_of(now)["head.probs"][-1].argmax() != first
    assert min(turned, 2) == kind and decision_of(run) is None
    more = "Silencing any one of the 20 heads leaves it first."
    if turned:
        more = f"For {turned} of the 20 heads, silencing that one puts another word first."
    assert question(data_of(opened(**MYSTERY | {"sentence": text}))).endswith(f". {more}")


def test_the_notes_sentence_is_the_first_example():
    assert EXAMPLES[0]["text"] == "The book that the student recommended is expensive."
    assert unchosen().model == catalogue.default() == "study-decoder"


@pytest.mark.parametrize("change", [DECIDES.change, "head:decoder.0.2", "head:decoder.2.0"])
def test_what_the_headline_says_of_a_silent_head_is_what_the_run_has(change):
    data = data_of(opened(**MYSTERY | {"change": change}))
    now, turns = shares(data), change == DECIDES.change
    probs_V = trace_of(ONE._replace(change=change))["head.probs"][-1]
    ahead, other = reversed(PAIR) if turns else PAIR
    assert now[ahead] == probs_V.max() > now[other]
    verb, two = "beats" if turns else "still beats", (now[ahead], now[other])
    _, layer, head = change.removeprefix("head:").split(".")
    said = f"Without head {head} of layer {layer}, “{ahead}” {verb} “{other}”"
    assert question(data) == f"{said}: {' to '.join(map(share_words, two))}."


# --- the ghost ------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [DECIDES.change, "order"])
def test_what_came_out_before_is_drawn_beside_what_comes_out_now(change):
    plain, data = data_of(opened(**MYSTERY)), data_of(opened(**MYSTERY | {"change": change}))
    before_V, now_V = (
        trace_of(run)["head.probs"][-1] for run in (ONE, ONE._replace(change=change))
    )
    for word in data["output"]["words"]:
        assert word["before"] == before_V[word["id"]] and word["share"] == now_V[word["id"]]
    assert all(word["before"] is None for word in plain["output"]["words"])


@pytest.mark.parametrize("change", ["", DECIDES.change, "order"])
def test_the_words_of_the_question_stand_above_the_others_in_their_order_now(change):
    data = data_of(opened(**MYSTERY | ({"change": change} if change else {})))
    words, rest = list(shares(data)), list(shares(data).values())[2:]
    assert words[:2] == PAIR and rest == sorted(rest, reverse=True)
    assert [word["hot"] for word in data["output"]["words"]] == [True] * 2 + [False] * len(rest)
    assert max(shares(data).values()) == data_probs(data).max()


def data_probs(data: dict):
    """What comes out after the last token, of all words, in the run that is shown."""
    return trace_of(RunRequest(*data["run"]))["head.probs"][-1]


def test_the_same_words_are_drawn_whether_the_head_is_silent_or_not():
    plain, silent = (data_of(opened(**MYSTERY | more)) for more in ({}, {"change": DECIDES.change}))
    assert set(shares(plain)) == set(shares(silent))


def test_a_word_of_the_text_and_one_that_may_come_out_are_told_apart():
    data = data_of(opened(**MYSTERY | {"change": "order"}))
    kinds = {kind: words for words, kind in data["headline"] if kind}
    best = max(shares(data), key=shares(data).__getitem__)
    last = data["tokens"]["decoder"]["labels"][-1]
    assert kinds == {"word": last, "guess": best} and question(data).startswith("Which word comes")


def test_a_full_stop_that_comes_next_is_named():
    data = data_of(opened(model="study-decoder", ask="0", sentence="The cat sleeps on the chair"))
    best = max(shares(data), key=shares(data).__getitem__)
    assert best == "."
    assert f"? A full stop, {share_words(shares(data)[best])}." in question(data)


def test_a_model_that_guesses_nothing_shows_what_is_left_of_each_word_now_and_before():
    app = opened(mask="decoder")
    output, trace = data_of(app)["output"], trace_of(RunRequest("minilm", EXAMPLES[0]["text"]))
    name = output["name"]
    assert output["kept_before"] == trace[name].tolist() and output["kept"] != output["kept_before"]
    least = number(min(output["kept"][1:-1]), 2)
    assert f"a cosine of {least} with its first" in question(data_of(app))


# --- experiments ----------------------------------------------------------------------------------


def test_a_silent_head_is_restored_by_the_same_button():
    app = opened(**MYSTERY)
    data = tried(app, "head")
    assert data["silent"] and data["experiments"][0] == {
        "act": "try/head",
        "words": "Restore this head",
        "on": True,
    }
    assert not tried(app, "head")["silent"] and address(app).get("change") is None


def test_queen_becomes_queens_with_the_run_before_as_its_ghost_and_back():
    app = opened(**MYSTERY)
    chip = next(each for each in data_of(app)["experiments"] if each["act"] == "try/number")
    assert chip["words"] == "queen → queens"
    data = tried(app, "number")
    assert data["run"][1] == "The queens closed the book because"
    before_V = trace_of(ONE)["head.probs"][-1]
    assert all(word["before"] == before_V[word["id"]] for word in data["output"]["words"])
    queens = opening_place(ONE._replace(sentence="The queens closed the book because"), "decoder")
    assert (data["open"]["layer"], data["open"]["head"]) == PLACE != queens
    chip = next(each for each in data["experiments"] if each["act"] == "try/number")
    assert chip["words"] == "queens → queen" and tried(app, "number")["run"][1] == OPENING


def test_a_word_is_changed_while_a_head_is_silent_and_the_head_stays_so():
    data = tried(app := opened(**MYSTERY), "head")
    assert "queen → queens" in [each["words"] for each in data["experiments"]]
    data = tried(app, "number")
    assert data["run"][1] == "The queens closed the book because"
    assert data["run"][4] == DECIDES.change and data["experiments"][0]["on"]
    before_V = trace_of(ONE._replace(change=DECIDES.change))["head.probs"][-1]
    assert all(word["before"] == before_V[word["id"]] for word in data["output"]["words"])


@pytest.mark.parametrize("change", ["order", "pad:2", "swap:2=5"])
def test_no_word_is_changed_under_a_what_if_that_changes_the_tokens(change):
    acts = [each["act"] for each in data_of(opened(**MYSTERY, change=change))["experiments"]]
    assert "try/number" not in acts


def test_order_and_mask_are_changed_and_given_back():
    app = opened(**MYSTERY)
    assert tried(app, "order")["run"][4] == "order"
    assert tried(app, "order")["run"][4] == ""
    assert tried(app, "mask")["run"][2] == "encoder"
    assert tried(app, "mask")["run"][2] == "trained"


@pytest.mark.parametrize(
    "model, other", [("study-decoder", "encoder"), ("study-encoder", "decoder")]
)
def test_a_mask_that_is_that_of_the_training_again_is_no_what_if(model, other):
    """However it was chosen: by its own name, by a link, or by the experiment."""
    own = model.removeprefix("study-")
    app = opened(**MYSTERY | {"model": model, "sentence": EXAMPLES[2]["text"]})
    plain = data_of(app)
    changed = data_of(look(app, mask=other))
    assert changed["run"][2] == other and "before:" in question(changed)
    again = data_of(look(app, mask=own))
    assert again == plain and "mask" not in address(app)
    assert data_of(opened(**MYSTERY | {"model": model, "mask": own}))["run"][2] == "trained"
    words = [chip["words"] for chip in again["experiments"] if chip["act"] == "try/mask"]
    assert words != ["Back to the trained mask"]
    assert not any("before" in question(data) for data in (plain, again))


def test_a_comparison_ends_with_its_text_and_with_its_model():
    app = opened(**MYSTERY)
    book = tried(app, "number")["run"][1]
    for way in ("text", "model"):
        app.session_state["memory"].compared_run = (ONE._replace(sentence=book), ONE)
        assert shares(data_of(app.run()), "before") is not None
        if way == "text":
            app.text_input(key="sentence").set_value("The keys that the boy found").run()
            app.text_input(key="sentence").set_value(book).run()
        else:
            app.selectbox(key="model").set_value("study-encoder").run()
            app.selectbox(key="model").set_value("study-decoder").run()
        assert app.session_state["memory"].compared_run is None
        assert all(word["before"] is None for word in data_of(app)["output"]["words"]), way


def test_a_link_to_another_text_ends_a_comparison():
    app = opened(**MYSTERY)
    tried(app, "number")
    assert app.session_state["memory"].compared_run
    app.session_state["sentence"] = "The keys that the boy found"
    app.run()
    assert app.session_state["memory"].compared_run is None


def test_an_encoder_hides_the_word_that_it_sees():
    app = opened(model="study-encoder", token="8")
    assert question(data_of(app)).startswith("Can the model guess “expensive”? It still sees the")
    data = tried(app, "hide")
    assert data["run"][1] == "The book that the student recommended is [MASK]."
    assert question(data).startswith("Which word is hidden? “")


@pytest.mark.parametrize("act", ["try/number", "try/hide", "try/everything", "head/2", "try/"])
def test_what_is_not_offered_can_not_be_tried(act):
    app = opened(**MYSTERY | {"sentence": "it was"})
    before = data_of(app)["run"]
    assert data_of(click(app, "river", act=act))["run"] == before


def test_the_other_number_of_a_word():
    assert (
        forms("books") == ["book"]
        and forms("stories") == ["story"]
        and forms("child") == ["children"]
    )
    assert forms("dish") == ["dishs", "dishes"] and forms("boxes") == ["boxe", "box"]
    assert forms("glass") == [] and forms("city") == ["cities"]


# --- where a reader begins ------------------------------------------------------------------------


def test_a_link_without_a_place_opens_where_there_is_something_to_see():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    text = "The boy closed the box because"
    for key, value in (SIGNED | {"sentence": text}).items():
        app.query_params[key] = value
    data, decision = data_of(app.run()), decision_of(ONE._replace(sentence=text))
    assert (data["open"]["layer"], data["open"]["head"]) == (decision.layer, decision.head)


@pytest.mark.parametrize("layer, head", [("0", "0"), ("1", "4"), ("3", "2")])
def test_a_place_that_a_link_names_is_kept_and_stands_in_the_address(layer, head):
    app = opened(**MYSTERY | {"layer": layer, "head": head})
    data = data_of(app)
    assert (data["open"]["layer"], data["open"]["head"]) == (int(layer), int(head))
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in app.query_params.items():
        again.query_params[key] = value[0] if isinstance(value, list) else value
    data = data_of(again.run())
    assert (data["open"]["layer"], data["open"]["head"]) == (int(layer), int(head))


def test_the_place_follows_the_text_until_the_reader_chooses_one():
    text = "The keys that the boy found"  # several heads decide
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.session_state["head"] = 2
    app.run()
    app.text_input(key="sentence").set_value(text).run()
    data = data_of(app)
    assert (data["open"]["layer"], data["open"]["head"]) == (DECIDES.layer, 2)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    app.text_input(key="sentence").set_value(text).run()
    data = data_of(app)
    place = data["open"]["layer"], data["open"]["head"]
    trace = trace_of(RunRequest("study-decoder", text))
    row_M = trace[f"decoder.{place[0]}.attn.pattern"][place[1], -1]
    looks_at = data["tokens"]["decoder"]["labels"][int(row_M.argmax())]
    assert place == opening_place(ONE._replace(sentence=text), "decoder") != PLACE
    assert decision_of(ONE._replace(sentence=text)) is None and is_telling(looks_at)


# --- captions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["study-decoder", "study-encoder", "minilm", "smollm2"])
def test_the_captions_say_what_the_trace_has(model, request):
    if model in ("minilm", "smollm2"):
        request.getfixturevalue(model)
    app = opened(model=model, layer="1", head="2", token="5")
    data, trace = data_of(app), trace_of(RunRequest(model, EXAMPLES[0]["text"]))
    side = trace.config.sides[-1]
    tokens, attention, neurons = (
        data["captions"][part] for part in ("tokens", "attention", "neurons")
    )
    assert tokens.startswith(f"{len(data['tokens'][side]['labels'])} tokens")
    row_M = trace[f"{side}.1.attn.pattern"][2, 5]
    assert f"({share_words(float(row_M.max()))})" in attention
    silent = int((trace[f"{side}.1.mlp.hidden"][5] == 0).sum())
    assert not silent or f"{silent:,} of {trace.config.d_mlp:,} neurons stay silent" in neurons
    if data["output"]["words"]:
        best = float(trace["head.probs"][data["output"]["place"]].max())
        assert share_words(best) in data["captions"]["guess"]


@pytest.mark.parametrize(
    "model, side, layer, begins",
    [
        ("study-decoder", "decoder", 3, "Layers 0–2 come first: "),
        ("study-decoder", "decoder", 1, "Layer 0 comes first: "),
        ("study-decoder", "decoder", 0, "Layers 1–3 follow: "),
        ("study-translator", "decoder", 2, "The encoder and layers 0–1 come first: "),
        ("study-translator", "decoder", 0, "The encoder comes first: "),
        ("study-translator", "encoder", 0, "Layers 1–3 and the decoder follow: "),
    ],
)
def test_the_caption_of_the_layers_names_those_beside_the_opened_one(model, side, layer, begins):
    view = Seen(trace_of(RunRequest(model, OPENING)), side, layer=layer)
    assert view.config.layers(side) == 4
    assert layers_caption(view).startswith(begins)


# --- two stacks -----------------------------------------------------------------------------------

TRANSLATED = {
    "model": "study-translator",
    "sentence": "The small black cat sleeps on the green chair.",
}


def test_of_a_translator_the_first_screen_shows_what_it_writes():
    data = data_of(opened(**TRANSLATED))
    words = data["tokens"]["decoder"]["labels"][1:]
    assert question(data) == f"What does the decoder write? “{' '.join(words)}”"
    given = data_of(opened(**TRANSLATED, target="le chat"))
    assert question(given) == "What does the decoder read? “le chat”"


def test_a_mask_is_offered_where_it_would_change_something():
    """The encoder of a translator sees everything anyway."""
    app = opened(**TRANSLATED)
    offered = {}
    for side in ("encoder", "decoder"):
        data = data_of(look(app, side=side))
        offered[side] = "try/mask" in [each["act"] for each in data["experiments"]]
    assert offered == {"encoder": False, "decoder": True}


def test_a_decoder_that_looks_across_says_at_which_word():
    data = data_of(opened(**TRANSLATED, side="decoder", layer="3", head="1", token="9"))
    trace = trace_of(RunRequest(TRANSLATED["model"], TRANSLATED["sentence"]))
    row_M = trace["decoder.3.cross.pattern"][1, 9]
    seen = data["tokens"]["encoder"]["labels"][int(row_M.argmax())]
    assert f"looks most at “{seen}”" in data["captions"]["attention"]
    assert f"({share_words(float(row_M.max()))})" in data["captions"]["attention"]
    assert [each["words"] for each in data["experiments"]][
        0
    ] == "Silence head 1 of its own attention"


def test_a_translation_opens_at_the_head_that_aligns_it():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in (SIGNED | TRANSLATED | {"side": "decoder"}).items():
        app.query_params[key] = value
    data = data_of(app.run())
    assert (data["open"]["layer"], data["open"]["head"]) == (3, 1)
