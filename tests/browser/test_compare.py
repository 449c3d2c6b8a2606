"""Compare in a real browser: a cell that is pointed at is read out at once, a weight opens in its
own run, and a difference shows both operands.
"""

from __future__ import annotations

import pytest

from core import load
from core.text import number, percent
from tests.helpers.browser_pages import DESK, TELEPHONE, choices, opened_number
from ui.stages.compare.words import points

BOOKS, BOOK = "The books that the student recommended", "The book that the student recommended"
ASKED = {
    "model": "study-decoder",
    "sentence": BOOKS,
    "compare_sentence": BOOK,
    "layer": 3,
    "head": 4,
}
GEOMETRY = """async (canvas, [map, row, column]) => {
  const href = canvas.getRootNode().querySelector("link[rel=modulepreload]").href
  const { layOut } = await import(new URL("compare_geometry.js", href))
  const names = ["[START]", "the (1)", "books → book", "that", "the (4)", "student", "recommended"]
  const g = layOut(canvas.clientWidth, 7, 7, names), { left, top } = g.maps[map]
  return { x: left + (column + 0.5) * g.cell, y: top + (row + 0.5) * g.cell }
}"""


def pattern(sentence: str):
    return load("study-decoder").trace(sentence)["decoder.3.attn.pattern"][4]


def place(page, *cell: int) -> dict:
    """Where a cell of one of the three maps is drawn, on its canvas."""
    canvas = page.view.locator(".st-key-compare-maps canvas.picture")
    canvas.wait_for()
    return canvas.evaluate(GEOMETRY, list(cell))


def read_out(page) -> str:
    return " ".join(page.view.locator(".st-key-compare-maps .reading").inner_text().split())


@pytest.mark.one_in(2)
@pytest.mark.parametrize("size", (TELEPHONE, DESK))
@pytest.mark.slow  # which cell it is: test_geometry.py
def test_a_cell_that_is_pointed_at_is_read_out_from_both_maps(visit, size):
    page = visit("Compare", size, **ASKED)
    a, b = pattern(BOOKS)[3, 2], pattern(BOOK)[3, 2]
    for map_ in range(3):
        canvas = page.view.locator(".st-key-compare-maps canvas.picture")
        canvas.hover(position=place(page, map_, 3, 2))
        assert read_out(page) == (
            f"that looks at books → book: A {percent(a)} B {percent(b)}"
            f" B − A = {points(float(b - a))} points"
        )


@pytest.mark.parametrize("run, sentence", ((1, BOOK), (0, BOOKS)))
@pytest.mark.slow
def test_a_click_opens_the_weight_of_its_own_run(visit, run, sentence):
    page = visit("Compare", **ASKED)
    canvas = page.view.locator(".st-key-compare-maps canvas.picture")
    page.do(lambda: canvas.click(position=place(page, run, 3, 2)))
    name, index, shown = opened_number(page)
    assert (name, index) == ("decoder.3.attn.pattern", (4, 3, 2))
    assert shown == number(pattern(sentence)[3, 2]) and choices(page)["token"] == "3"


@pytest.mark.slow
def test_a_difference_leads_to_both_operands_also_by_keys(visit):
    page = visit("Compare", **ASKED)
    canvas = page.view.locator(".st-key-compare-maps canvas.picture")
    page.do(lambda: canvas.click(position=place(page, 2, 3, 3)))
    assert choices(page)["compare_cell"] == "3-3" and "cell" not in choices(page)
    operand = page.view.locator(".st-key-compare-maps button.operand")
    for run, sentence in ((1, BOOK), (0, BOOKS)):
        page.do(lambda run=run: operand.nth(run).click())
        assert opened_number(page)[2] == number(pattern(sentence)[3, 3])
    canvas.focus()
    page.view.keyboard.press("ArrowRight")
    page.do(lambda: page.view.keyboard.press("Enter"))
    assert opened_number(page)[1] == (4, 3, 4)


@pytest.mark.slow
def test_a_word_to_put_in_and_a_share_of_the_guess_are_one_click_away(visit):
    page = visit("Compare", **ASKED | {"token": 5})
    page.do(lambda: page.view.get_by_role("button", name="students", exact=True).click())
    other = "The books that the students recommended"
    assert choices(page)["compare_sentence"] == other
    assert not page.view.locator(".st-key-compare-maps button.swap").count()
    share = page.view.locator(".st-key-compare-words button.share[data-run='1']").first
    page.do(lambda: share.click())
    name, index, shown = opened_number(page)
    assert name == "head.probs" and index[0] == 5
    assert shown == number(load("study-decoder").trace(other)["head.probs"][index])


@pytest.mark.slow
def test_the_three_maps_are_saved_as_one_picture(visit, tmp_path):
    page = visit("Compare", **ASKED)
    place(page, 0, 0, 0)
    maps = page.view.locator(".st-key-compare-maps")
    maps.get_by_role("button", name="Save", exact=True).click()
    with page.view.expect_download() as saved:
        maps.get_by_role("button", name="PNG", exact=True).click()
    saved.value.save_as(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "picture.png").stat().st_size > 10_000
