"""The pages in a real browser: nothing in the console, nothing leaves the server, and the clicks do what they say."""
from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from browser import CHROMIUM, chromium, serve, tab

from ui.frame import PAGES

pytest.importorskip("playwright", reason="playwright is in requirements-dev.txt")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine (apt install chromium)")
PATHS = {page.title: "" if page.path == "app.py" else Path(page.path).stem.split("_", 1)[1] for page in PAGES}


@pytest.fixture(scope="module")
def address(minilm, tmp_path_factory):
    """A running app that has the smallest model; in the end its log must hold no traceback."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serve(log=log) as address:
        yield address
    assert "Traceback" not in log.read_text(errors="replace")


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, address):
    """visit("Attention", head=3): that page in a new session; after the test it must have had no problem."""
    opened = []

    def open_tab(title: str = "Overview", size=(1280, 900), theme: str = "light", **choices):
        query = "&".join(f"{key}={quote(str(value))}" for key, value in choices.items())
        context = tab(browser, f"{address}/{PATHS[title]}?{query}", *size, theme)
        opened.append((context, page := context.__enter__()))
        return page

    yield open_tab
    problems = [problem for _, page in opened for problem in page.problems]
    for context, _ in opened:
        context.__exit__(None, None, None)
    assert not problems


def choices(page) -> dict[str, str]:
    """What stands in the address bar."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.view.url).query).items()}


@pytest.mark.parametrize("title", PATHS)
@pytest.mark.parametrize("size, theme", [((1280, 900), "light"), ((390, 844), "dark")])
def test_a_page_opens_by_its_own_address(visit, title, size, theme):
    page = visit(title, size, theme, layer=2, head=5)
    assert page.view.locator("h1").inner_text() == title
    assert page.view.locator("[data-testid=stException]").count() == 0
    assert page.view.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"


def test_a_typed_sentence_is_read_and_stands_in_the_address(visit):
    page = visit()
    box = page.view.get_by_role("textbox", name="Sentence")
    box.fill("Rain falls on the quiet sea.")
    page.do(lambda: box.press("Enter"))
    assert choices(page) == {"sentence": "Rain falls on the quiet sea."}
    assert page.view.get_by_role("button", name="Token 1: rain").count() == 1


def test_choices_travel_to_the_next_page_and_back_through_history(visit):
    page = visit()
    page.do(lambda: page.view.get_by_text("Decoder: sees only the past").click())
    page.do(lambda: page.view.get_by_role("link", name="Every number", exact=True).click())
    page.wait(lambda: page.view.url.split("?")[0].endswith("/Every_number"))
    assert choices(page)["mask"] == "decoder"
    assert page.view.get_by_role("radio", name="Decoder: sees only the past").is_checked()
    page.do(lambda: page.view.go_back())
    page.do(lambda: page.view.go_back())
    assert choices(page) == {} and page.view.get_by_role("radio", name="As the model was trained").is_checked()


def test_a_click_on_a_token_chooses_it(visit):
    page = visit()
    page.do(lambda: page.view.get_by_role("button", name="Token 3:").click())
    assert choices(page)["token"] == "3"
    assert page.view.get_by_role("button", name="Token 3:").get_attribute("aria-pressed") == "true"


def test_walking_from_a_weight_in_a_pattern_to_its_operands_and_back(visit):
    page = visit("Every number", cell="encoder.0.attn.pattern:3,2,5")
    page.do(lambda: page.view.locator("button.link").first.click())
    assert choices(page)["cell"] == "encoder.0.attn.pattern.exp:3,2,5"
    assert page.view.locator(".number h3").first.inner_text() == "Exponential of the score"
    page.do(lambda: page.view.get_by_role("button", name="Back", exact=True).press("Enter"))
    assert choices(page)["cell"] == "encoder.0.attn.pattern:3,2,5"


def test_all_operands_can_be_listed(visit):
    page = visit("Every number", cell="encoder.0.attn.q:3,2,5")
    page.do(lambda: page.view.get_by_role("button", name="Show all 384").click())
    page.view.get_by_test_id("stDataFrame").wait_for()


def test_a_box_of_the_drawing_leads_to_its_step(visit):
    page = visit(layer=2)
    page.do(lambda: page.view.get_by_role("button", name="Feed-forward").first.click())
    page.wait(lambda: "/Every_number" in page.view.url)
    page.settle()
    assert choices(page)["step"].startswith("encoder.2.mlp") and choices(page)["layer"] == "2"


@pytest.mark.parametrize("title", PATHS)
def test_a_hostile_link_runs_nothing_and_asks_nobody(visit, title):
    harm = ("<img src=https://evil.example/x.png onerror=alert(1)> ![x](https://evil.example/y.png) "
            "<script>alert(1)</script>")
    page = visit(title, sentence=harm, model="../../etc/passwd", layer="999", cell="<b>x</b>:1", mask="<script>")
    assert page.view.locator("[data-testid=stAlert]").count() >= 1      # it says what was wrong; problems: see visit
    assert page.view.locator("img[src*=evil]").count() == 0
