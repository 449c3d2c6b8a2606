"""The face: how soon a page's picture begins, and how little stands before it; and that everybody
can read it.
"""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.helpers.browser_pages import DESK, PATHS, TELEPHONE
from ui.session.selection import OPENING

FOCUSABLE, WORDS = 12, 30  # before the picture, tokens and rail aside
ASKED = 10  # words more, where a question is asked, with its answers

BEFORE_THE_PICTURE = (Path(__file__).parent / "face.js").read_text("utf-8")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("title", PATHS)
def test_the_picture_comes_first(visit, title):
    little_stands_before(visit(title, model="study-decoder"), 200 if title != "Overview" else 160)


@pytest.mark.parametrize("title", ("Attention", "Add and norm", "Before attention"))
def test_the_picture_comes_first_even_where_something_is_asked(visit, title):
    """With the question, and once it is answered."""
    page = visit(title, model="study-decoder", ask="1", sentence=OPENING)
    little_stands_before(page, 210, WORDS + ASKED)
    page.do(lambda: page.view.locator(".st-key-quiz button").first.click())
    page.view.get_by_text("of 1 right.").wait_for()
    little_stands_before(page, 210, WORDS + ASKED)


def little_stands_before(page, lowest: int, most: int = WORDS) -> None:
    """Before the first picture, which begins so many pixels below the top at the latest."""
    page.wait(lambda: page.view.evaluate(BEFORE_THE_PICTURE)["top"] is not None)
    before = page.view.evaluate(BEFORE_THE_PICTURE)
    assert before["top"] <= lowest, before["top"]
    assert len(before["focusable"]) <= FOCUSABLE, before["focusable"]
    assert len(before["words"]) <= most, before["words"]


def test_the_answers_are_one_tab_stop(visit):
    """Arrows, Home and End move along them, and Enter guesses."""
    page = visit("Output", model="study-decoder", ask="1", sentence=OPENING)
    answers = page.view.locator(".st-key-quiz button")
    assert [answers.nth(i).evaluate("each => each.tabIndex") for i in range(6)] == [0, *5 * [-1]]
    answers.first.focus()
    focused = "() => document.activeElement.shadowRoot.activeElement.textContent"
    for key, at in (("ArrowRight", 1), ("End", 5), ("ArrowRight", 5), ("Home", 0), ("ArrowUp", 0)):
        page.view.keyboard.press(key)
        assert page.view.evaluate(focused) == answers.nth(at).inner_text(), key
    page.do(lambda: page.view.keyboard.press("Enter"))
    page.view.get_by_text("1 of 1 right.").wait_for()
    assert not page.view.locator(".st-key-quiz button").count()


@pytest.mark.parametrize("size", (DESK, TELEPHONE))
@pytest.mark.parametrize("theme", ("light", "dark"))
def test_everybody_can_read_what_was_guessed(visit, size, theme):
    page = visit("Heads", size, theme, model="study-decoder", ask="1", sentence=OPENING)
    page.do(lambda: page.view.locator(".st-key-quiz button").first.click())
    page.view.get_by_text("of 1 right.").wait_for()
    assert not serious(page)
    wide = page.view.locator(".st-key-quiz").bounding_box()
    assert wide["x"] >= 0 and wide["x"] + wide["width"] <= size[0]


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
    assert not serious(visit(title, size, theme, model="study-decoder"))


def serious(page) -> list:
    """What axe finds that keeps somebody from reading a page."""
    found = Axe().run(page.view).response["violations"]
    return [
        (each["id"], node["html"][:120], [any_["message"] for any_ in node["any"]][:2])
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ][:8]


def test_what_may_still_be_guessed_is_veiled(visit):
    page = visit("Output", model="study-decoder", ask="1", sentence=OPENING)
    filters = """element => { const found = []
      for (; element; element = element.parentElement) found.push(getComputedStyle(element).filter)
      return found }"""
    veil = "blur(18px) grayscale(1) opacity(0.45)"
    for part in ("[class*=st-key-output]", ".st-key-number-beside"):
        assert veil in page.view.locator(part).first.evaluate(filters), part
    page.do(lambda: page.view.get_by_role("button", name="are", exact=True).click())
    page.view.get_by_text("1 of 1 right.").wait_for()
    assert not page.view.locator(".st-key-veil").count()
