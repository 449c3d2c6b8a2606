"""What a link holds beside sliders and lists: the walk to a number, the table of its operands, the
word that was replaced, the question; and what the browser alone knows.
"""

from __future__ import annotations

import pytest

from tests.helpers.links import followed
from tests.helpers.pages import address, click, components, opened, parts, said
from ui.kit.explanation_panel import spell_cell
from ui.session.memory import Memory
from ui.session.runs import RunRequest
from ui.session.selection import CODECS
from ui.session.shared import BESIDE
from ui.session.walk import BETWEEN
from ui.stages.overview.experiments import spell_replaced

ATTENTION = "pages/3_Attention.py"
CELL, PASSED = "encoder.0.attn.scores:3,2,5", "encoder.0.attn.pattern:3,2,5"
BEFORE = "encoder.0.attn.z:3,2,1"


def walk_of(app) -> list[str]:
    """The numbers of the walk that the panel shows."""
    (head,) = [part for part in parts(app) if part["part"] == "head"]
    return [step["cell"] for step in head["trail"]]


def test_the_walk_to_a_number_is_in_the_link():
    app = opened(ATTENTION, cell=CELL, walked=BETWEEN.join([BEFORE, PASSED]))
    assert walk_of(app) == [BEFORE, PASSED, CELL] and not app.warning
    assert address(app)["walked"] == f"{BEFORE}{BETWEEN}{PASSED}"
    app.button(key="close_number").click().run()
    assert not {"cell", "walked"} & address(app).keys()


def test_numbers_of_a_walk_that_are_not_there_are_left_out():
    walked = BETWEEN.join([BEFORE, "encoder.99.out:1,2", "x", PASSED])
    app = opened(ATTENTION, cell=CELL, walked=walked)
    assert walk_of(app) == [BEFORE, PASSED, CELL] and not app.exception


def test_a_walk_without_its_number_is_none():
    assert "walked" not in address(opened(ATTENTION, walked=BEFORE))


def test_the_table_of_all_operands_is_in_the_link():
    cell = spell_cell("encoder.0.attn.q", (3, 2, 5))
    plain = opened(ATTENTION, cell=cell)
    app = opened(ATTENTION, cell=cell, operands="encoder.0.attn.q")
    assert len(components(app)) == len(components(plain)) + 1
    assert address(app)["operands"] == "encoder.0.attn.q"
    click(app, "all-operands", cell=[7, 1])
    assert address(app)["cell"] == "weights/encoder.0.attn.q.weight:7,101"
    assert walk_of(app)[0] == cell


def test_the_question_that_is_looked_at_is_in_the_link():
    app = opened("pages/18_Exercises.py", exercises="7", question="4", model="study-decoder")
    (sheet,) = app.session_state["memory"].sheets.values()
    assert sheet.at == 4 and address(app)["question"] == "4"
    app.query_params.clear()  # as a link to another page, which names none
    app.switch_page("app.py").run()
    assert "question" not in address(app)


def test_a_replaced_word_and_its_comparison_are_in_the_link():
    app = opened(model="study-decoder", sentence="The dogs see", replaced="a4-8~cat")
    after, before = app.session_state["memory"].compared_run
    assert (after.sentence, before.sentence) == ("The dogs see", "The cat see")
    assert address(app)["replaced"] == "a4-8~cat"


@pytest.mark.parametrize("wrong", ["a4-99~cat", "a9-4~cat", "a4-8~dogs", "b0-0~"])
def test_a_word_that_can_not_have_been_replaced_is_compared_with_nothing(wrong):
    app = opened(model="study-decoder", sentence="The dogs see", replaced=wrong)
    assert not app.exception and "replaced" not in address(app)
    assert app.session_state["memory"].compared_run is None


def test_a_replaced_word_is_found_in_either_text():
    one = RunRequest("study-encoder", "The dog sees a dog.", second="It ran.")
    for box, text, spelled in (
        ("sentence", "The dog sees a cat.", "a15-18~dog"),
        ("sentence", "The dogs sees a dog.", "a7-8~"),
        ("second", "It sat.", "b3-4~r"),
    ):
        found = spell_replaced(one._replace(**{box: text}), one)
        assert found.startswith(spelled[0])
        place, _, old = found[1:].partition("~")
        start, end = map(int, place.split("-"))
        assert text[:start] + old + text[end:] == getattr(one, box)


def test_what_the_browser_alone_knows_reaches_it_once_and_stays_in_no_address():
    asked = {"v": "2", "ask": "0", "at": "card_heads-roles~250", "seen": "heads.map.2_0_0_1"}
    app = followed("pages/4_Heads.py", asked)
    (data,) = parts(app, "seen")
    assert data == {"at": asked["at"], "seen": asked["seen"]} and said(app) == ""
    assert not {"at", "seen"} & app.query_params.keys()
    app.switch_page("app.py").run()
    assert parts(app, "seen") == [{"at": "", "seen": ""}]


def test_what_stands_beside_the_choices_has_names_of_its_own():
    keys = {codec.key for codec in CODECS.values()}
    assert not keys & {*BESIDE, "v", "z", "guess"} and "seen" in Memory.__dataclass_fields__


@pytest.mark.parametrize(
    "wrong", ["<b>~1", "a", "a~1~2", "a~" + "9" * 9, "x" * 120 + "~1", "a~1\n", "٣~1"]
)
def test_a_place_that_is_written_otherwise_is_said_to_be_none(wrong):
    app = followed("pages/4_Heads.py", {"v": "2", "ask": "0", "at": wrong})
    assert "asks for at" in said(app) and parts(app, "seen") == [{"at": "", "seen": ""}]
