"""Why this word in a real browser: a part opens by click and by key, another rival is one click
away, Output leads here, and silence in a large model can be stopped.
"""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe

from core import load, why
from core.text import number
from tests.helpers.browser import tab
from tests.helpers.browser_pages import DESK, TELEPHONE, choices, opened_number

BOOKS = "The books that the student recommended"
TITLE = "Why this word?"
ASKED = {"model": "study-decoder", "sentence": BOOKS, "layer": 3, "head": 4}
ROW = 6


def ids() -> tuple[int, ...]:
    return tuple(load("study-decoder").tokenizer.id_of(word) for word in ("are", "is", "were"))


def asked() -> dict:
    """Why are and not is? Which rival the page asks about by itself, the model decides."""
    are, is_, _ = ids()
    return ASKED | {"why_word": are, "why_rival": is_}


def parts(*words: int):
    return why.parts(load("study-decoder").trace(BOOKS), *words)


def part(page, words: str):
    """A part of the map by what it is."""
    return page.view.locator(f".st-key-why-map button.part[title^='{words}:']")


@pytest.mark.one_in(2)
@pytest.mark.parametrize("size", (TELEPHONE, DESK))
@pytest.mark.slow  # clicks: tests/ui/test_why.py; keys: test_geometry.py
def test_a_part_opens_by_click_and_the_next_by_key(visit, size):
    page, (are, is_, _) = visit(TITLE, size, **asked()), ids()
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


@pytest.mark.slow
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


@pytest.mark.slow  # the way there: tests/ui/test_why.py
def test_output_leads_to_why_with_the_word_that_was_clicked(visit):
    page = visit("Output", **ASKED)
    row = page.view.locator("[class*=st-key-output-next] .row", has_text="were").first
    page.do(lambda: row.locator("button.value").first.click())
    page.do(lambda: page.view.get_by_role("button", name="Why were?").click())
    assert page.view.locator("h1").first.inner_text().startswith("Why were and not are")
    assert "Why_this_word" in page.view.url


@pytest.mark.slow
def test_a_bar_of_what_was_read_opens_a_look(visit):
    page, (are, is_, _) = visit(TITLE, **asked(), cards="why-reads.why-look"), ids()
    bars = page.view.locator("[class*=st-key-why-reads]")
    bars.locator(".barlayer .point").nth(4).wait_for()
    look = page.view.locator("[class*=st-key-why-look]")
    look.get_by_text("Query of recommended × key of books").first.wait_for()
    page.do(lambda: bars.locator(".scatterlayer .point").nth(5).click(force=True))
    step = f"decoder.3.attn.pattern.against.4.{ROW}.{are}.{is_}"
    assert opened_number(page)[:2] == (step, (5,)) and choices(page)["why_key"] == "5"
    look.get_by_text("Query of recommended × key of student").first.wait_for()


@pytest.mark.slow
def test_silence_in_a_large_model_runs_beside_the_page_and_can_be_stopped(visit, smollm2):
    page = visit(TITLE, model="smollm2", sentence="The cat sat on the mat. The cat", ask="0")
    page.do(lambda: page.view.get_by_role("radio", name="effect of silence").click())
    stop = page.view.get_by_role("button", name="Stop", exact=True)
    stop.wait_for()
    page.do(lambda: stop.click())
    page.view.get_by_text("Stopped after").wait_for()
    page.do(lambda: page.view.get_by_role("radio", name="direct part").click())
    assert "add up to" in page.view.locator("[data-testid=stMain]").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("size", (TELEPHONE, DESK))
@pytest.mark.parametrize("theme", ("light", "dark"))
def test_a_coloured_number_opens_by_key_and_everybody_can_read_the_colours(visit, size, theme):
    page = visit(TITLE, size, theme, **ASKED, cards="why-gradients")
    figure = page.view.locator(".st-key-why-colours")
    stops = figure.locator("button.number[tabindex='0']")
    stops.wait_for()
    assert stops.count() == 1 and not figure.locator("td:nth-child(3) button").count()
    first = figure.locator("button.number[title^='books, gradient × input:']")
    first.focus()
    page.view.keyboard.press("ArrowRight")  # over what many runs made, which opens nothing
    page.do(lambda: page.view.keyboard.press("Enter"))
    assert opened_number(page)[:2] == ("grad.decoder.3.attn.pattern", (4, ROW, 2))
    found = Axe().run(page.view, {"include": [[".st-key-card_why-gradients"]]}).response
    assert [each["id"] for each in found["violations"]] == []
    box = figure.locator(".scroll")
    assert box.evaluate("element => element.scrollWidth <= element.clientWidth")


# --- the questions that this page is for, from the app's first screen -----------------------------


class Clicks:
    """Counts what a reader clicks."""

    def __init__(self, page):
        self.page, self.count = page, 0

    def on(self, target) -> None:
        self.count += 1
        self.page.do(lambda: target.click(), 60)

    def why(self) -> None:
        """The way to the page, and a guess."""
        self.on(self.page.view.locator(".st-key-rail").get_by_text(TITLE))
        self.on(self.page.view.locator(".st-key-quiz button").first)

    def card(self, question: str) -> None:
        self.on(self.page.view.get_by_text(question))

    def read(self) -> str:
        return self.page.view.locator("[data-testid=stMain]").inner_text()


@pytest.fixture
def clicks(browser, address):
    """The app as a reader finds it, with that model and sentence."""
    with ExitStack() as opened:

        def first_screen(model: str, sentence: str) -> Clicks:
            url = f"{address}/?v=2&model={model}&sentence={quote(sentence)}"
            return Clicks(opened.enter_context(tab(browser, url)))

        yield first_screen


@pytest.mark.slow
def test_why_are_is_answered_in_four_clicks(clicks):
    reader = clicks("study-decoder", BOOKS)
    reader.why()
    assert "Why are and not will?" in reader.read()
    reader.card("What did head 3.1 read?")
    assert "of it from books" in reader.read() and reader.count <= 4


@pytest.mark.slow
def test_which_english_word_made_verte_is_answered_in_four_clicks(clicks):
    reader = clicks("study-translator", "The house is green.")
    reader.why()
    assert "Why verte" in reader.read()
    reader.card("What did cross-head 3.4 read in the sentence?")
    assert "of it from green of the encoder" in reader.read() and reader.count <= 4


@pytest.mark.slow
def test_where_paris_appears_and_what_raised_it_is_answered_in_four_clicks(clicks, smollm2):
    reader = clicks("smollm2", "The capital of France is")
    reader.why()
    raised = why.parts(smollm2.trace("The capital of France is"), *paris_and_the(smollm2))
    found = [f"{why.in_words(name)} {number(part, 3)}" for name, part in raised.largest(3)]
    assert all(each in reader.read() for each in found)
    reader.card("After which layer does the model know?")
    assert "After layer 29, the last one, ␣Paris is the likeliest word." in reader.read()
    assert "among the first 3 after layer 28" in reader.read() and reader.count <= 4


def paris_and_the(model) -> tuple[int, int]:
    return tuple(int(model.tokenizer.encode(word).ids_L[0]) for word in (" Paris", " the"))


@pytest.mark.slow
def test_why_17_4_looked_at_sat_is_answered_in_four_clicks(clicks, smollm2):
    reader = clicks("smollm2", "The cat sat on the mat. The cat")
    reader.why()
    reader.on(part(reader.page, "head 17.4"))
    reader.card("Why did head 17.4 look there?")
    assert "␣sat was found because head 16.0 had written" in reader.read()
    assert "it had looked at ␣cat (1): 94%" in reader.read() and reader.count <= 4


@pytest.mark.slow
def test_a_neuron_leads_to_feed_forward(visit):
    page, (are, is_, _) = visit(TITLE, **asked(), cards="why-neurons"), ids()
    split = why.by_neuron(load("study-decoder").trace(BOOKS), "decoder.3.mlp", are, is_)
    best = int(abs(split.parts_N).argmax())
    page.do(lambda: page.view.get_by_role("button", name=f"See what neuron {best} does").click())
    page.view.get_by_text(f"What does neuron {best} do here?").wait_for()
    assert choices(page)["ff_neuron"] == str(best) and "Feed_forward" in page.view.url
