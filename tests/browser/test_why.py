"""Why this word in a real browser: a part opens by click and by key, another rival is one click
away, Output leads here, and silence in a large model can be stopped.
"""

from __future__ import annotations

import pytest

from core import load, why
from core.text import number
from tests.helpers.browser_pages import DESK, TELEPHONE, choices, opened_number

BOOKS = "The books that the student recommended"
TITLE = "Why this word?"
ASKED = {"model": "study-decoder", "sentence": BOOKS, "layer": 3, "head": 4}
ROW = 6


def ids() -> tuple[int, ...]:
    return tuple(load("study-decoder").tokenizer.id_of(word) for word in ("are", "is", "were"))


def parts(*words: int):
    return why.parts(load("study-decoder").trace(BOOKS), *words)


def part(page, words: str):
    """A part of the map by what it is."""
    return page.view.locator(f".st-key-why-map button.part[title^='{words}:']")


@pytest.mark.one_in(2)
@pytest.mark.parametrize("size", (TELEPHONE, DESK))
def test_a_part_opens_by_click_and_the_next_by_key(visit, size):
    page, (are, is_, _) = visit(TITLE, size, **ASKED), ids()
    found = parts(are, is_)
    page.do(lambda: part(page, "head 3.4").click())
    name, index, shown = opened_number(page)
    at = found.names.index("decoder.3.attn.head.4")
    assert (name, index) == (f"head.logits.against.{ROW}.{are}.{is_}", (at,))
    assert shown == number(found.parts_S[at])
    part(page, "head 3.4").focus()
    page.view.keyboard.press("ArrowRight")
    page.do(lambda: page.view.keyboard.press("Enter"))
    assert opened_number(page)[2] == number(found.of("decoder.3.mlp"))
    stops = page.view.locator(".st-key-why-map button.part[tabindex='0']")
    assert stops.count() == 1


def test_another_rival_is_one_click_and_one_tab_stop_away(visit):
    page, (are, _, were) = visit(TITLE, **ASKED), ids()
    rivals = page.view.locator(".st-key-why-map .words").nth(1).locator("button")
    tabs = rivals.evaluate_all("all => all.filter((each) => each.tabIndex === 0).length")
    assert tabs == 1
    page.do(lambda: rivals.filter(has_text="were").click())
    assert page.view.locator("h1").first.inner_text() == "Why are and not were?"
    assert choices(page)["why_rival"] == str(were)
    shown = part(page, "feed-forward 3").get_attribute("title")
    assert shown == f"feed-forward 3: {number(parts(are, were).of('decoder.3.mlp'))}"


def test_output_leads_to_why_with_the_word_that_was_clicked(visit):
    page = visit("Output", **ASKED)
    row = page.view.locator("[class*=st-key-output-next] .row", has_text="were").first
    page.do(lambda: row.locator("button.value").first.click())
    page.do(lambda: page.view.get_by_role("button", name="Why were?").click())
    assert page.view.locator("h1").first.inner_text().startswith("Why were and not are")
    assert "Why_this_word" in page.view.url


def test_a_bar_of_what_was_read_opens_a_look(visit):
    page, (are, is_, _) = visit(TITLE, **ASKED, cards="why-reads.why-look"), ids()
    bars = page.view.locator("[class*=st-key-why-reads]")
    bars.locator(".barlayer .point").nth(4).wait_for()
    look = page.view.locator("[class*=st-key-why-look]")
    look.get_by_text("Query of recommended × key of books").first.wait_for()
    page.do(lambda: bars.locator(".scatterlayer .point").nth(2).click(force=True))
    step = f"decoder.3.attn.pattern.against.4.{ROW}.{are}.{is_}"
    assert opened_number(page)[:2] == (step, (2,)) and choices(page)["why_key"] == "2"


def test_silence_in_a_large_model_runs_beside_the_page_and_can_be_stopped(visit, smollm2):
    page = visit(TITLE, model="smollm2", sentence="The cat sat on the mat. The cat", ask="0")
    page.do(lambda: page.view.get_by_role("radio", name="effect of silence").click())
    stop = page.view.get_by_role("button", name="Stop", exact=True)
    stop.wait_for()
    page.do(lambda: stop.click())
    page.view.get_by_text("Stopped after").wait_for()
    page.do(lambda: page.view.get_by_role("radio", name="direct part").click())
    assert "add up to" in page.view.locator("[data-testid=stMain]").inner_text()
