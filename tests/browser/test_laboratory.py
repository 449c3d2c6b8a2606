"""Laboratory in Chromium: a change is added and removed, and a number becomes another one."""

import pytest

from core import load
from core.edits import ablate_head, replace
from core.text import number, percent
from tests.helpers.browser_pages import DESK, TELEPHONE, choices, click_cell, opened_number

BOOKS = "The books that the student recommended"
ASKED = {"model": "study-decoder", "sentence": BOOKS, "layer": 3, "head": 4}


def shown(page, side: int, word: str) -> list[str]:
    """The two numbers of a word on one side: before and after."""
    group = page.view.locator(".st-key-lab-guesses .group").nth(side)
    row = group.locator(".row", has=page.view.locator(".word", has_text=word)).first
    return row.locator("button.value").all_inner_texts()


@pytest.mark.one_in(2)
@pytest.mark.parametrize("size", (TELEPHONE, DESK))
@pytest.mark.slow  # what it does: tests/ui/test_laboratory.py
def test_a_head_falls_silent_and_speaks_again(visit, size):
    page, model = visit("Laboratory", size, **ASKED), load("study-decoder")
    are = model.tokenizer.id_of("are")
    runs = [model.trace(BOOKS, edits=edits) for edits in ({}, ablate_head("decoder", 3, 4))]
    wanted = [percent(run["head.probs"][-1, are]) for run in runs]
    page.do(lambda: page.view.get_by_role("button", name="Add: head 4 of layer 3 silent").click())
    assert choices(page)["change"] == "head:decoder.3.4"
    page.wait(lambda: shown(page, 0, "are") == wanted)
    assert shown(page, 1, "are") == wanted and wanted[0] != wanted[1]
    wide = page.view.locator(".st-key-lab-changes").bounding_box()
    assert wide["x"] >= 0 and wide["x"] + wide["width"] <= size[0]
    page.do(lambda: page.view.get_by_role("button", name="head 4 of layer 3 silent ✕").click())
    assert "change" not in choices(page) and not page.problems


@pytest.mark.slow
def test_a_number_that_is_typed_takes_the_place_of_the_opened_one(visit):
    cell = "decoder.1.mlp.hidden:6,3"
    page = visit("Feed-forward", **ASKED | {"cell": cell})
    box = page.view.locator(".number .what-if input")
    box.fill("1.5")
    page.do(lambda: page.view.locator(".number .try").click())
    assert choices(page)["change"] == "set:decoder.1.mlp.hidden[6,3]=1.5"
    assert opened_number(page) == ("decoder.1.mlp.hidden", (6, 3), "1.5")
    assert page.view.locator(".number summary", has_text="Edited").count() == 1
    edited = load("study-decoder").trace(BOOKS, edits=replace("decoder.1.mlp.hidden", (6, 3), 1.5))
    page = visit("Output", **ASKED | {"change": choices(page)["change"], "cell": "head.probs:6,66"})
    assert opened_number(page)[2] == number(edited["head.probs"][6, 66])


@pytest.mark.slow
def test_a_cell_of_the_map_of_patches_is_kept(visit):
    """What head 3.4 gathers at the last word, from the sentence with “book”: “is” comes first."""
    page = visit("Laboratory", **ASKED, cards="lab-patch", lab_patch="head")
    click_cell(page, 0, 3, 6, 7)
    page.do(lambda: page.view.get_by_role("button", name="Keep this patch").click())
    book = BOOKS.replace("books", "book")
    assert choices(page)["change"] == f"patch:decoder.3.attn.4[6]={book}"
    wanted = load("study-decoder").trace(BOOKS)["decoder.3.attn.z"][4, 6]
    given = load("study-decoder").trace(book)["decoder.3.attn.z"][4, 6]
    assert (wanted != given).all() and "patched in from" in page.view.locator(
        ".st-key-lab-changes"
    ).inner_text()
    page.view.get_by_text("This patch is one of your changes").wait_for()
