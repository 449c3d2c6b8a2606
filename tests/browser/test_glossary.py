"""The words of the field in a real browser: explained where they stand, and on a page of their
own.
"""

from urllib.parse import parse_qsl

import pytest

from tests.helpers.browser_pages import DESK, TELEPHONE, choices
from ui.kit.terms import TERMS

QUERY = TERMS["query"]
SYNONYMS = {
    "ε": "epsilon",
    "dimension": "dimension",
    "deviation": "deviation",
    "variance": "deviation",
    "broad": "entropy",
    "ablate": "silence",
}
LINK = 'a[href="#term-query"]'


def tip(page):
    return page.view.locator(".st-key-unseen .tip")


def box_of_page(page):
    return page.view.locator("[data-testid=stMain]").evaluate(
        "e => [e.scrollHeight, e.scrollWidth]"
    )


@pytest.mark.slow
def test_a_word_is_explained_by_hover_and_by_focus(visit):
    page = visit("Attention", model="study-decoder", ask=0)
    word, before = page.view.locator(LINK).first, box_of_page(page)
    word.hover()
    tip(page).wait_for()
    assert QUERY["short"] in tip(page).inner_text() and box_of_page(page) == before
    assert word.evaluate("e => e.ariaDescription") == QUERY["short"]
    page.view.mouse.move(5, 800)
    tip(page).wait_for(state="hidden")
    page.view.keyboard.press("Tab")  # from here on the focus is one of the keyboard
    word.focus()
    tip(page).wait_for()
    page.view.keyboard.press("Escape")
    tip(page).wait_for(state="hidden")
    page.view.keyboard.press("Enter")
    tip(page).get_by_text(QUERY["more"]).wait_for()
    page.view.keyboard.press("Escape")
    assert word.evaluate("e => e === document.activeElement")


@pytest.mark.slow
def test_a_click_keeps_the_explanation_and_leads_to_the_glossary(visit):
    page = visit("Attention", TELEPHONE, model="study-encoder", layer=2, ask=0)
    page.view.locator(LINK).first.click()
    tip(page).get_by_text(QUERY["more"]).wait_for()
    box = tip(page).bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= TELEPHONE[0]
    assert box["y"] >= 0 and box["y"] + box["height"] <= TELEPHONE[1]
    page.do(lambda: tip(page).get_by_role("button", name="In the glossary").click())
    page.wait(lambda: "/Glossary" in page.view.url)
    assert (
        choices(page).items() >= {"model": "study-encoder", "layer": "2", "term": "query"}.items()
    )
    term = page.view.locator("details#query[open]")
    term.wait_for()
    page.wait(lambda: 0 <= term.bounding_box()["y"] < TELEPHONE[1])
    assert page.view.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_the_title_of_an_opened_number_explains_itself(visit):
    page = visit("Attention", model="study-decoder", cell="decoder.0.attn.pattern:0,2,1")
    page.view.locator(".number h3 a").click()
    tip(page).get_by_text(TERMS["attention-weight"]["more"]).wait_for()
    page.view.mouse.click(5, 800)
    tip(page).wait_for(state="hidden")


@pytest.mark.slow
@pytest.mark.parametrize("size", (DESK, TELEPHONE))
def test_a_word_is_found_and_leads_to_where_it_is_seen(visit, size):
    page = visit("Glossary", size, model="study-encoder", layer=2)
    box, seen = page.view.get_by_role("searchbox"), page.view.locator("details.term:visible")
    box.wait_for()
    assert seen.count() == len(TERMS)
    box.fill("softm")
    assert seen.first.get_attribute("id") in ("softmax", "attention-weight")
    assert 0 < seen.count() < 12
    box.fill("xyzzyxyzzy")
    assert seen.count() == 0 and page.view.get_by_text("No such word here.").count() == 1
    box.fill("embeding")
    assert seen.first.get_attribute("id") == "embedding" and seen.count() <= 3
    page.view.get_by_text("No such word here. Did you mean embedding?").wait_for()
    for typed, found in SYNONYMS.items():
        box.fill(typed)
        assert seen.first.get_attribute("id") == found, typed
    box.fill("rope")
    assert seen.first.get_attribute("id") == "rotary-embedding"
    box.fill("softmax")
    fold = page.view.locator("details#softmax")
    page.do(lambda: fold.locator("summary").click())
    assert choices(page)["term"] == "softmax"
    link = fold.locator("a.seen")
    path, _, query = link.get_attribute("href").partition("?")
    wanted = {"model": "study-encoder", "layer": "2", "stage": "3"}
    assert path == "Attention" and dict(parse_qsl(query)).items() >= wanted.items()
    page.do(lambda: link.click())
    page.wait(lambda: "/Attention" in page.view.url)
    assert choices(page).items() >= wanted.items() and "term" not in choices(page)
