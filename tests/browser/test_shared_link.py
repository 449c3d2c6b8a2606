"""The link that the button copies, followed anew: the same view, scrolled, zoomed and folded."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.helpers.browser_pages import TELEPHONE, choices
from ui.session.selection import OPENING
from ui.session.short_link import unpacked

READ = {"model": "study-decoder", "sentence": OPENING, "layer": 3, "head": 4}
TOP = "key => document.querySelector(`.st-key-${key}`)?.getBoundingClientRect().top ?? NaN"
SCROLLED = """by =>
  document.querySelector("[data-testid=stMain]").scrollBy({ top: by, behavior: "instant" })"""
ANCHOR = "card_heads-every"


def copied(page) -> str:
    """The link to where one read last, made at the top of the page. Where the button may not copy,
    it shows the link.
    """
    page.view.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject() }")
    page.view.get_by_role("button", name="⚙").click()
    page.view.get_by_role("button", name="Copy a link to where you read last").click()
    said = page.view.locator("[data-testid=stPopoverBody] .said")
    page.wait(lambda: said.inner_text().startswith("http"))
    return said.inner_text()


def scroll_to(page, key: str, top: float) -> float:
    """Scrolls until a part of the page stands so many pixels below the top of the screen, as far as
    the page goes. Returns where it stands.
    """
    page.view.locator(f".st-key-{key}").scroll_into_view_if_needed()
    page.view.evaluate(SCROLLED, page.view.evaluate(TOP, key) - top)
    page.view.wait_for_timeout(600)  # it rests
    return page.view.evaluate(TOP, key)


def test_a_copied_link_opens_the_view_scrolled_zoomed_and_folded_as_it_is(visit):
    page = visit("Heads", cards="heads-every", **READ)
    stage = page.view.locator(".st-key-heads .stage").first
    page.view.locator(".st-key-heads").get_by_role("button", name="Zoom in").first.click()
    wide = stage.bounding_box()["width"]
    texts = page.view.locator(f".st-key-{ANCHOR} button.text")
    texts.nth(1).click()
    top = scroll_to(page, ANCHOR, 120)
    link, before = copied(page), choices(page)
    assert len(link) <= 200 or "z=1" in link
    page.do(lambda: page.view.goto(link))
    page.wait(lambda: abs(page.view.evaluate(TOP, ANCHOR) - top) < 4)
    assert stage.bounding_box()["width"] == pytest.approx(wide, abs=1)
    assert texts.nth(1).get_attribute("aria-pressed") == "true"
    assert choices(page) == before  # no word of it stays in the address


@pytest.mark.slow
def test_a_long_link_is_short_and_finds_its_place_on_a_telephone(visit):
    change = "head:decoder.0.3+temp:decoder.1.0=0.5+head:decoder.2.1+scale"
    cell, cards = "decoder.3.attn.pattern:4,5,1", "heads-every.heads-silent.heads-adds"
    page = visit("Heads", cards=cards, cell=cell, change=change, depth="numbers", **READ)
    scroll_to(page, ANCHOR, 100)
    link = copied(page)
    asked = unpacked(parse_qs(urlsplit(link).query)["z"][0])
    assert asked["cell"] == "decoder.3.attn.pattern:4,5,1" and asked["v"] == "2"
    key, share = asked["at"].split("~")
    page.view.set_viewport_size(dict(zip(("width", "height"), TELEPHONE, strict=True)))
    page.do(lambda: page.view.goto(link))
    place = """([key, share]) => {
      const { top, height } = document.querySelector(`.st-key-${key}`).getBoundingClientRect()
      return top + share / 1000 * height - innerHeight / 4 }"""
    page.wait(lambda: abs(page.view.evaluate(place, [key, int(share)])) < 4)


@pytest.mark.slow
def test_a_reader_who_scrolls_is_not_brought_back(visit):
    page = visit("Heads", cards="heads-every", at=f"{ANCHOR}~100", guess="shown", **READ)
    page.wait(lambda: page.view.evaluate(TOP, ANCHOR) < 400)
    page.view.mouse.move(300, 400)
    page.view.mouse.wheel(0, -2000)
    page.view.wait_for_timeout(1500)
    assert page.view.evaluate(TOP, ANCHOR) > 400
    assert "at" not in choices(page)
