"""The widget of a notebook in Chromium: it draws in a frame of its own, as tall as what it shows,
and what is looked at goes to and fro.
"""

from __future__ import annotations

import json

import pytest

from core import load
from core.places import ASSETS
from core.text import number

SENTENCE = "The books that the student recommended"
PATTERN = "decoder.3.attn.pattern"
# A notebook as far as a widget knows it: `model` keeps the attributes and tells of changes.
PAGE = """<!doctype html><title>notebook</title><body><div id="cell"></div><script type="module">
import widget from "./widget.js"
const held = HELD, heard = {}
window.model = { get: (name) => held[name], save_changes: () => {}, off: () => {},
  set: (name, value) => { held[name] = value; heard[`change:${name}`]?.() },
  on: (name, hear) => { heard[name] = hear } }
window.end = widget.render({ model, el: document.getElementById("cell") })
</script>"""
ORIGIN = "http://notebook.test"


@pytest.fixture(scope="module")
def trace():
    return load("study-decoder").trace(SENTENCE)


@pytest.fixture
def cell(browser):
    """cell(widget): a page with the widget in it, and the frame in which it draws. Nothing may go
    wrong, and nothing but the page and the module may be asked for.
    """
    opened, problems = [], []

    def open_cell(widget, width: int = 1100):
        page = browser.new_page(viewport={"width": width, "height": 900})
        opened.append(page)
        page.on("pageerror", lambda error: problems.append(str(error)))
        names = ("document", "title", "side", "layer", "head", "token", "cell")
        held = json.dumps({name: getattr(widget, name) for name in names}).replace("<", r"\u003c")
        files = {
            "/": ("text/html", PAGE.replace("HELD", held)),
            "/widget.js": ("text/javascript", (ASSETS / "notebook/widget.js").read_text("utf-8")),
        }

        def answer(route):
            path = route.request.url.removeprefix(ORIGIN)
            if path not in files:
                problems.append(route.request.url)
                return route.abort()
            kind, text = files[path]
            return route.fulfill(content_type=f"{kind}; charset=utf-8", body=text)

        page.route("**/*", answer)
        page.goto(f"{ORIGIN}/")
        frame = page.frame_locator("iframe")
        frame.locator(".card, .panel:not([hidden])").first.wait_for()
        return page, frame

    yield open_cell
    for page in opened:
        page.close()
    assert [each for each in problems if "favicon" not in each] == []


def seen(page, name: str):
    """An attribute of the widget, as Python would have it."""
    return page.evaluate("name => model.get(name)", name)


@pytest.mark.slow
def test_a_figure_is_as_tall_as_what_it_shows(cell, trace):
    page, frame = cell(trace.heads(layer=3))
    page.wait_for_function("document.querySelector('iframe').clientHeight > 500")
    tall = frame.locator("html").evaluate("page => [page.scrollHeight, page.clientHeight]")
    assert tall[0] <= tall[1] + 1


def test_what_is_chosen_in_the_frame_reaches_python(cell, trace):
    page, frame = cell(trace.heads(layer=3, head=4))
    frame.locator(".stepper[aria-label=Head] .less").click()
    page.wait_for_function("model.get('head') === 3")
    frame.locator(".tokens button, .token").filter(has_text="student").first.click()
    page.wait_for_function("model.get('token') === 5")
    assert (seen(page, "layer"), seen(page, "side")) == (3, "decoder")


@pytest.mark.slow
def test_what_python_sets_is_shown_in_the_frame(cell, trace):
    page, frame = cell(trace.heads(layer=3, head=4))
    page.evaluate("cell => { model.set('head', 1); model.set('cell', cell) }", f"{PATTERN}:1,4,2")
    said = frame.locator(".panel:not([hidden])")
    said.get_by_text(number(trace[PATTERN][1, 4, 2]), exact=True).first.wait_for()
    assert (seen(page, "head"), seen(page, "cell")) == (1, f"{PATTERN}:1,4,2")
    page.evaluate("model.set('cell', '')")
    said.wait_for(state="hidden")


@pytest.mark.one_in(4)
@pytest.mark.parametrize("asked", [("head", 9), ("layer", -1), ("token", 1.5), ("cell", "<b>:0")])
def test_a_place_that_is_not_there_is_not_taken(cell, trace, asked):
    page, frame = cell(trace.heads(layer=3, head=4))
    name, before = asked[0], seen(page, asked[0])
    page.evaluate("([name, value]) => model.set(name, value)", list(asked))
    page.wait_for_function("([name, before]) => model.get(name) === before", arg=[name, before])
    assert frame.locator(".panel").is_hidden()


def test_a_number_is_open_and_its_operands_open(cell, trace):
    page, frame = cell(trace.explain(PATTERN, (4, 3, 2)))
    said = frame.locator(".panel")
    said.get_by_text(number(trace[PATTERN][4, 3, 2]), exact=True).first.wait_for()
    said.get_by_text(number(trace[f"{PATTERN}.total"][4, 3]), exact=True).first.click()
    page.wait_for_function(f"model.get('cell').startsWith('{PATTERN}.total')")


@pytest.mark.slow
def test_the_colours_follow_the_notebook(cell, trace):
    page, frame = cell(trace.heads())
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    frame.locator("html[data-theme=dark]").wait_for(state="attached")
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    frame.locator("html[data-theme=light]").wait_for(state="attached")


def test_the_frame_reaches_nothing_around_it(cell, trace):
    page, frame = cell(trace.heads())
    assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts allow-downloads"
    reached = frame.locator("html").evaluate(
        "() => { try { return String(parent.document.title) } catch (error) { return error.name } }"
    )
    assert reached == "SecurityError"
