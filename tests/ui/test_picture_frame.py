"""What is said below a picture that is saved, and how its file is called."""

import pytest

from tests.helpers.pages import HOSTILE, data_of, opened
from ui.kit.picture_frame import in_a_name

SENTENCE = "The books that the student recommended"


def frame(path: str, **address) -> dict:
    """What the page tells the browser of its pictures."""
    return data_of(opened(path, sentence=SENTENCE, **address), "place", "place")["frame"][0]


def test_a_page_says_what_its_pictures_depend_on():
    wanted = {"page": "attention", "layer": 2, "head": 5, "words": "the-books-that"}
    found = frame("pages/3_Attention.py", layer="2", head="5")
    assert found.items() >= (wanted | {"sentence": SENTENCE, "change": ""}).items()
    assert found["model"] == "all-MiniLM-L6-v2"
    assert "layer" not in frame("pages/1_Tokens.py") and "head" not in frame("pages/10_Output.py")
    assert "head" not in frame("pages/6_Feed_forward.py", layer="1")


def test_a_run_that_is_not_the_trained_one_is_said():
    silent = frame("pages/4_Heads.py", change="head:encoder.0.3")["change"]
    assert "head 3" in silent.lower() and "0" in silent
    assert frame("pages/4_Heads.py", mask="decoder")["change"] == "Decoder: sees only the past"
    # this page shows the masks side by side: each picture says its own
    assert frame("pages/8_Encoder_and_decoder.py", mask="decoder")["change"] == ""


def test_where_a_page_shows_several_runs_it_names_none():
    found = frame("pages/11_Before_attention.py")
    assert "model" not in found and "sentence" not in found and found["page"]


def test_where_a_page_shows_another_run_it_names_that_one():
    assert frame("pages/9_Cross_attention.py")["model"] == "study-translator"
    learned = frame("pages/17_How_it_learned.py", model="study-decoder")
    assert (learned["model"], learned["sentence"]) == ("study-decoder", SENTENCE)


def test_a_long_sentence_is_cut_in_a_caption():
    long = "word " * 120
    found = data_of(opened("pages/4_Heads.py", sentence=long), "place", "place")["frame"][0]
    assert len(found["sentence"]) == 401 and found["sentence"].endswith("…")


@pytest.mark.parametrize("text", [*HOSTILE.values(), "", "../../etc/passwd", "con.txt\n", 99 * "é"])
def test_a_name_of_a_file_holds_letters_digits_and_hyphens_alone(text):
    name = in_a_name(text)
    assert len(name) <= 40 and all(letter.isalnum() or letter == "-" for letter in name)
    assert not name.startswith("-") and not name.endswith("-")
