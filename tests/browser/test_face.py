"""The face: how soon a page's picture begins, and how little stands before it; and that everybody
can read it.
"""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.helpers.browser_pages import DESK, PATHS, TELEPHONE
from ui.session.selection import OPENING

FOCUSABLE, WORDS = 12, 30  # before the picture, tokens and rail aside

BEFORE_THE_PICTURE = (Path(__file__).parent / "face.js").read_text("utf-8")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("title", PATHS)
def test_the_picture_comes_first(visit, title):
    page = visit(title, model="study-decoder")
    page.wait(lambda: page.view.evaluate(BEFORE_THE_PICTURE)["top"] is not None)
    before = page.view.evaluate(BEFORE_THE_PICTURE)
    assert before["top"] is not None
    assert before["top"] <= (200 if title != "Overview" else 160), before["top"]
    assert len(before["focusable"]) <= FOCUSABLE, before["focusable"]
    assert len(before["words"]) <= WORDS, before["words"]


def test_the_frame_takes_little_room(visit):
    page = visit("Attention", model="study-decoder")
    bar, line = (page.view.locator(f".st-key-{key}").bounding_box() for key in ("bar", "line"))
    assert bar["y"] == 0 and bar["height"] <= 56
    assert line["y"] + line["height"] <= 120


@pytest.mark.one_in(16)
@pytest.mark.parametrize("title", PATHS)
@pytest.mark.parametrize("size", (DESK, TELEPHONE))
@pytest.mark.parametrize("theme", ("light", "dark"))
def test_everybody_can_read_a_page(visit, title, size, theme):
    page = visit(title, size, theme, model="study-decoder")
    found = Axe().run(page.view).response["violations"]
    serious = [
        (each["id"], node["html"][:120], [any_["message"] for any_ in node["any"]][:2])
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
    assert not serious, serious[:8]


def test_what_may_still_be_guessed_is_veiled(visit):
    page = visit("Output", model="study-decoder", ask="1", sentence=OPENING)
    filters = """element => { const found = []
      for (; element; element = element.parentElement) found.push(getComputedStyle(element).filter)
      return found }"""
    for part in ("[class*=st-key-output]", ".st-key-number-beside"):
        assert "blur(9px)" in page.view.locator(part).first.evaluate(filters), part
    page.do(lambda: page.view.get_by_role("button", name="are", exact=True).click())
    page.view.get_by_text("1 of 1 right so far").wait_for()
    assert not page.view.locator(".st-key-veil").count()
