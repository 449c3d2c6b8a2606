"""Two texts in one input, and a sentence as a message of a chat: the controls in the bar, the
address, the token strip and the page Tokens; and which character a piece of bytes is making.
"""

from __future__ import annotations

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.helpers.pages import address, click, opened, parts, prose, said
from tests.helpers.tiny import golden
from tests.helpers.tokenizer_files import SPECIAL, bert
from tests.helpers.words import MOST, words_below
from ui.session import runs
from ui.session.selection import LONGEST_BOX

PAGE, OUTPUT = "pages/1_Tokens.py", "pages/10_Output.py"
A, B = "The cat sleeps on the mat.", "An animal rests."
NO_TWO = ("study-encoder", "study-decoder", "study-translator", "smollm2")


def trace_of(app: AppTest):
    return runs.trace_of(app.session_state["memory"].shown)


def tokens(app) -> list[dict]:
    return parts(app, "pieces")[0]["tokens"]


def strip(app) -> list[dict]:
    return parts(app, "place")[0]["tokens"][0]["tokens"]


def buttons(app) -> set[str]:
    return {each.key for each in app.button}


@pytest.fixture
def pair_model(tmp_path, monkeypatch):
    """The tiny BERT with next-sentence scores, with a vocabulary, in the list of models."""
    folder = golden("bert").write(tmp_path / "tiny-bert")
    library = bert()
    assert library.get_vocab_size() <= golden("bert").config["vocab_size"]
    library.save(str(folder / "tokenizer.json"))
    said = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    said |= {f"{sign[1:-1].lower()}_token": sign for sign in SPECIAL}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
    monkeypatch.setenv("GLASSFORMER_MODELS", str(folder))
    st.cache_data.clear()
    yield str(folder)
    st.cache_data.clear()


# --- two texts ------------------------------------------------------------------------------------


def test_a_second_text_is_read_shown_and_taken_away_again(minilm):
    app = opened(PAGE, sentence=A)
    assert "second" not in {each.key for each in app.text_input}
    app.button(key="second_open").click().run()
    app.text_input(key="second").set_value(B).run()
    found = minilm.encode(A, B)
    assert trace_of(app)["encoder.embed.ids"].tolist() == found.ids_L.tolist()
    assert trace_of(app)["encoder.embed.segment.ids"].tolist() == list(found.segments_L)
    assert address(app)["second"] == B
    assert [each["of"] for each in tokens(app)] == ["", *"AAAAAAA", "", *"BBBB", ""]
    assert [each["typed"] for each in tokens(app)][9:13] == ["An", "animal", "rests", "."]
    app.switch_page("pages/3_Attention.py").run()
    assert [each["of"] for each in strip(app)] == ["", *"AAAAAAA", "", *"BBBB", ""]
    assert [each["added"] for each in strip(app)] == [each["word"] is None for each in strip(app)]
    assert app.text_input(key="second").value == B and address(app)["second"] == B
    app.button(key="second_close").click().run()
    assert trace_of(app)["encoder.embed.ids"].tolist() == minilm.ids(A).tolist()
    assert "second" not in address(app) and {each["of"] for each in strip(app)} == {""}
    assert "second_open" in buttons(app) and not app.exception


@pytest.mark.one_in(2)
@pytest.mark.parametrize("model", NO_TWO)
def test_models_that_read_one_text_offer_no_second(model):
    app = opened(PAGE, model=model, sentence=A, second=B)
    assert not {"second_open", "second_close"} & buttons(app) and not said(app)
    assert app.session_state["memory"].shown.second == ""
    app.session_state["model"] = "minilm"
    app.run()
    assert app.session_state["memory"].shown.second == B  # it waits for a model that can read it


def test_a_second_text_from_an_address_is_checked():
    app = opened(PAGE, sentence=A, second="b" * (LONGEST_BOX + 1))
    assert "asks for second" in said(app) and app.session_state["memory"].shown.second == ""
    app = opened(PAGE, sentence=A, second="b " * 3_500)
    assert "7,000 characters; the limit is 6,000" in said(app)
    app = opened(PAGE, sentence="a " * 300, second="b " * 300)
    assert "603 tokens" in said(app) and not app.exception
    app = opened(PAGE, sentence=A, second="<script>alert(1)</script>![x](y)")
    assert not app.exception and "".join(each["typed"] for each in tokens(app)).count("script") == 2


def test_the_story_says_which_text_a_token_is_of():
    app = opened(PAGE, sentence=A, second=B, token="10")
    trace = trace_of(app)
    assert trace["encoder.embed.segment.ids"][10] == 1
    assert "**animal** (text B, segment 1) has the id" in prose(app)
    assert len(words_below(app)) <= MOST
    assert "ends each of the two" in " ".join(each.value for each in app.caption)


def test_the_answer_of_a_pair_is_that_of_the_trace(pair_model):
    asked = {"model": pair_model, "cards": "output-pair"}
    app = opened(OUTPUT, sentence="ab he", second="hello", **asked)
    trace = trace_of(app)
    best = int(trace["pooler.logits"].argmax())
    assert f"**{('B follows A', 'B does not follow A')[best]}** wins" in prose(app)
    (listed,) = [each for each in parts(app, "glass_table") if "stood after" in each["title"]]
    assert listed["rows"] == ["B follows A", "B does not follow A"]
    assert listed["shares"] == pytest.approx(trace["pooler.probs"].tolist())
    assert trace["pooler.probs"].sum() == pytest.approx(1)
    app = opened(OUTPUT, sentence="ab he", **asked)
    assert "You gave one text" in prose(app) and "wins" not in prose(app)
    assert not opened(OUTPUT, sentence=A, second=B).exception


def test_a_word_of_the_second_text_is_hidden_there(pair_model):
    app = opened(OUTPUT, model=pair_model, sentence="ab cafe", second="Hello ab", token="5")
    app.button(key="output_hide").click().run()
    shown = app.session_state["memory"].shown
    assert (shown.sentence, shown.second) == ("ab cafe", "Hello [MASK]") and not app.exception
    app.button(key="output_show").click().run()
    assert app.session_state["memory"].shown.second == "Hello ab"
    app = opened(model=pair_model, sentence="ab cafe", second="hello ab", token="4")
    click(app, "river", act="try/hide")
    assert app.session_state["second"] == "[MASK] ab" and app.session_state["sentence"] == "ab cafe"


# --- chat -----------------------------------------------------------------------------------------


def test_a_sentence_is_read_as_a_message_and_alone_again(smollm2):
    app = opened(PAGE, model="smollm2", sentence="What is a cat?")
    app.toggle(key="chat").set_value(True).run()
    found = smollm2.encode("What is a cat?", chat=True)
    assert trace_of(app)["decoder.embed.ids"].tolist() == found.ids_L.tolist()
    assert address(app)["chat"] == "1"
    typed = [each["typed"] for each in tokens(app)]
    assert [bool(text) for text in typed] == [span is not None for span in found.spans]
    assert "".join(typed).replace("␣", " ") == "What is a cat?"
    assert "(added by the chat template)" in prose(app) and len(words_below(app)) <= MOST
    app.switch_page("pages/3_Attention.py").run()
    assert [each["added"] for each in strip(app)] == [span is None for span in found.spans]
    app.switch_page(OUTPUT).run()
    assert app.button(key="output_likeliest").disabled
    assert "the answer to your message begins" in " ".join(each.value for each in app.caption)
    app.toggle(key="chat").set_value(False).run()
    assert len(strip(app)) == 5 and "chat" not in address(app) and not app.exception


@pytest.mark.one_in(3)
@pytest.mark.parametrize("model", ("study-decoder", "minilm", "study-translator"))
def test_models_without_a_template_offer_no_chat(model):
    app = opened(PAGE, model=model, sentence=A, chat="1")
    assert "chat" not in {each.key for each in app.toggle} and not said(app)
    assert not app.session_state["memory"].shown.chat and not app.exception


# --- bytes ----------------------------------------------------------------------------------------


def test_pieces_of_a_character_say_which_they_make():
    app = opened(PAGE, model="smollm2", sentence="a 漢é😀")
    cut = [each["cut"] for each in tokens(app)]
    assert cut[1:4] == [f"byte {n} of 3 of 漢" for n in (1, 2, 3)]
    assert cut[0] == cut[4] == "" and cut[5] == "bytes 1 and 2 of 4 of 😀"
    app.switch_page("pages/3_Attention.py").run()
    assert [each["cut"] for each in strip(app)] == cut
