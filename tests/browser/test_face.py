"""The face: how soon a page's picture begins, and how little stands before it; and that everybody
can read it.
"""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from core import load
from tests.helpers.browser_pages import DESK, PATHS, TABLET, TELEPHONE
from ui.session.selection import OPENING

FOCUSABLE, WORDS = 12, 30  # before the picture, tokens and rail aside
ASKED = 10  # words more, where a question is asked, with its answers

SHOWN_IN_RAIL = """path => {
  const held = document.querySelector(".st-key-rail [data-testid=stBidiComponentIsolated]")
  const rail = held?.shadowRoot?.querySelector(".root")
  const links = [...rail?.querySelectorAll("a") ?? []]
  const here = links.filter(({ href }) => new URL(href).pathname === "/" + path).at(-1)
  if (!here) return false  // it is still to be drawn
  const room = rail.getBoundingClientRect(), link = here.getBoundingClientRect()
  return link.left >= room.left - 1 && link.right <= room.right + 1
}"""
BEFORE_THE_PICTURE = (Path(__file__).parent / "face.js").read_text("utf-8")


@pytest.mark.one_in(19)
@pytest.mark.parametrize("title", [title for title in PATHS if title != "Exercises"])
def test_the_picture_comes_first(visit, title):
    page, asks = visit(title, model="study-decoder", sentence=OPENING), title == "Overview"
    little_stands_before(page, 160 if asks else 200, WORDS + (ASKED if asks else 0))


@pytest.mark.parametrize("answer", (0, 1))
@pytest.mark.parametrize("title", ("Attention", "Add and norm", "Before attention"))
@pytest.mark.slow
def test_the_picture_comes_first_even_where_something_is_asked(visit, title, answer):
    """With the question, and once it is answered, rightly or not."""
    page = visit(title, model="study-decoder", ask="1", sentence=OPENING)
    little_stands_before(page, 210, WORDS + ASKED)
    page.do(lambda: page.view.locator(".st-key-quiz button").nth(answer).click())
    page.view.get_by_text("of 1 guess right").wait_for()
    little_stands_before(page, 210, WORDS + ASKED)


@pytest.mark.parametrize("question", range(0, 30, 5))
@pytest.mark.slow
def test_an_exercise_is_short_and_its_answers_come_first(visit, question):
    """The first question of each chapter; one and the same set."""
    asked = {"model": "study-decoder", "sentence": OPENING, "exercises": 7, "question": question}
    little_stands_before(visit("Exercises", **asked), 260, WORDS + ASKED)


def little_stands_before(page, lowest: int, most: int = WORDS) -> None:
    """Before the first picture, which begins so many pixels below the top at the latest."""
    page.wait(lambda: page.view.evaluate(BEFORE_THE_PICTURE)["top"] is not None)
    before = page.view.evaluate(BEFORE_THE_PICTURE)
    assert before["top"] <= lowest, before["top"]
    assert len(before["focusable"]) <= FOCUSABLE, before["focusable"]
    assert len(before["words"]) <= most, " ".join(before["words"])


@pytest.mark.slow
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
    right = int(answers.first.inner_text() == likeliest())
    page.do(lambda: page.view.keyboard.press("Enter"))
    page.view.get_by_text(f"{right} of 1 guess right").wait_for()
    assert not page.view.locator(".st-key-quiz button").count()


def likeliest() -> str:
    """The word that study-decoder holds likeliest after the text that the app opens with."""
    model = load("study-decoder")
    return model.tokenizer.piece(int(model.trace(OPENING)["head.probs"][-1].argmax()))


@pytest.mark.parametrize("size", (DESK, TELEPHONE))
@pytest.mark.parametrize("theme", ("light", "dark"))
@pytest.mark.slow
def test_everybody_can_read_what_was_guessed(visit, size, theme):
    page = visit("Heads", size, theme, model="study-decoder", ask="1", sentence=OPENING)
    page.do(lambda: page.view.locator(".st-key-quiz button").first.click())
    page.view.get_by_text("of 1 guess right").wait_for()
    assert not serious(page)
    wide = page.view.locator(".st-key-quiz").bounding_box()
    assert wide["x"] >= 0 and wide["x"] + wide["width"] <= size[0]


@pytest.mark.one_in(6)
@pytest.mark.parametrize("model", ("study-decoder", "study-translator"))
@pytest.mark.parametrize("size, room", ((DESK, 120), (TABLET, 145), (TELEPHONE, 145)))
def test_the_frame_takes_little_room(visit, size, room, model):
    page = visit("Attention", size, model=model)
    bar, line = (page.view.locator(f".st-key-{key}").bounding_box() for key in ("bar", "line"))
    two_rows = 36 if size == DESK and model == "study-translator" else 0  # of tokens
    assert bar["y"] == 0 and bar["height"] <= 56
    assert line["y"] + line["height"] <= room + two_rows


@pytest.mark.parametrize("size", (TABLET, TELEPHONE))
@pytest.mark.parametrize("title", ("Attention", "Add and norm", "Output", "Glossary"))
@pytest.mark.slow
def test_in_little_room_the_rail_shows_where_one_is(visit, title, size):
    page = visit(title, size, model="study-decoder")
    page.wait(lambda: page.view.evaluate(SHOWN_IN_RAIL, PATHS[title]))


@pytest.mark.one_in(3)
@pytest.mark.parametrize("title", ("Attention", "Add and norm", "Output"))
def test_on_a_telephone_the_picture_comes_first(visit, title):
    page = visit(title, TELEPHONE, model="study-decoder")
    page.wait(lambda: page.view.evaluate(BEFORE_THE_PICTURE)["top"] is not None)
    assert page.view.evaluate(BEFORE_THE_PICTURE)["top"] <= 300


@pytest.mark.one_in(2)
@pytest.mark.parametrize("size", (TABLET, TELEPHONE))
def test_the_opened_number_does_not_cover_what_was_clicked(visit, size):
    page = visit("Output", size, model="study-decoder")
    number = page.view.locator("[class*=st-key-output] button.value").last
    number.evaluate("element => element.scrollIntoView({ block: 'end' })")
    page.do(number.click)
    sheet = page.view.locator(".st-key-number-beside-opened")
    page.wait(lambda: end_of(number) < sheet.bounding_box()["y"])


def end_of(element) -> float:
    """How far down the screen an element reaches."""
    box = element.bounding_box()
    return box["y"] + box["height"]


@pytest.mark.one_in(80)
@pytest.mark.parametrize("title", PATHS)
@pytest.mark.parametrize("size", (DESK, TELEPHONE))
@pytest.mark.parametrize("theme", ("light", "dark"))
def test_everybody_can_read_a_page(visit, title, size, theme):
    assert not serious(visit(title, size, theme, model="study-decoder"))


@pytest.mark.parametrize("theme", ("dark", pytest.param("light", marks=pytest.mark.slow)))
def test_everybody_can_read_the_settings(visit, theme):
    """They stand outside of the app, where its own colours are not known."""
    page = visit("Attention", DESK, theme, model="study-decoder")
    page.view.locator(".st-key-settings button").first.click()
    said = page.view.get_by_text("The whole run as a file")
    said.wait_for()
    said.hover()  # and no longer the button, whose tip is hidden then
    page.settle()
    assert not serious(page)


def serious(page) -> list:
    """What axe finds that keeps somebody from reading a page."""
    found = Axe().run(page.view).response["violations"]
    return [
        (each["id"], node["html"][:120], [any_["message"] for any_ in node["any"]][:2])
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ][:8]


@pytest.mark.slow  # that it is out of reach: the test below
def test_what_may_still_be_guessed_is_veiled(visit):
    page = visit("Output", model="study-decoder", ask="1", sentence=OPENING)
    styles = """(element, name) => { const found = []
      for (; element; element = element.parentElement) found.push(getComputedStyle(element)[name])
      return found }"""
    figure, number = (
        page.view.locator(part).first
        for part in ("[class*=st-key-output]", ".st-key-number-beside")
    )
    assert "blur(18px) grayscale(1) opacity(0.5)" in figure.evaluate(styles, "filter")
    assert "0" in number.evaluate(styles, "opacity")
    page.do(lambda: page.view.get_by_role("button", name=likeliest(), exact=True).click())
    page.view.get_by_text("1 of 1 guess right").wait_for()
    assert not page.view.locator(".st-key-veil").count()


# Where the focus is: whether behind the veil, and whether in the foot of the page
FOCUSED = """() => {
  let at = document.activeElement
  const inside = (selector) => Boolean(at.closest(selector))
  const veiled = '[data-testid="stLayoutWrapper"]:has(> .st-key-veil) ~ *'
  const panel = '[data-testid="stColumn"]:has(.st-key-veil) + [data-testid="stColumn"]'
  return { veiled: inside(veiled) || inside(panel), foot: inside(".st-key-foot") }
}"""


@pytest.mark.slow
def test_nothing_behind_the_veil_is_in_reach_of_keys_and_of_those_who_listen(visit):
    page = visit("Heads", model="study-decoder", ask="1", sentence=OPENING)
    hidden = page.view.locator(".st-key-heads[inert], [inert] .st-key-number-beside")
    page.wait(lambda: hidden.count() == 2)
    page.view.locator(".st-key-quiz button").first.focus()
    for _ in range(4):
        page.view.keyboard.press("Tab")
        now = page.view.evaluate(FOCUSED)
        assert not now["veiled"]
        if now["foot"]:
            break
    assert now["foot"] and not serious(page)
    told = page.view.locator("[data-testid=stMain]").aria_snapshot()
    assert 'button "Save"' not in told and "Which" in told
    page.do(lambda: page.view.get_by_role("button", name="Show me").click())
    page.wait(lambda: not hidden.count())
    assert 'button "Save"' in page.view.locator("[data-testid=stMain]").aria_snapshot()
