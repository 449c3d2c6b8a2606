"""The documentation site in a browser: its figures are alive, follow the theme, and ask for
nothing.
"""

from __future__ import annotations

from functools import partial
from http.server import ThreadingHTTPServer
from threading import Thread

import pytest

from tests.helpers.browser import Files
from tests.helpers.site import ROOT, built

WITH_FIGURES = [
    path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if '```sh figure="' in path.read_text("utf-8")
] + ["index.html"]
ATTENTION = "concepts/attention.html"
TOGGLE = "label.md-header__button[for^=__palette]:not([hidden])"
DRAWN = "() => document.querySelectorAll('.card .component').length > 0"
THEME = "document.documentElement.dataset.theme"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site on the disk."""
    return built(tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="module")
def served(site):
    """The address of the site, served from this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(site)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def read(browser):
    """read(address): opens a page; nothing may go wrong, and no other host be asked."""
    contexts, problems = [], []

    def open_page(address: str, size=(1280, 900), theme: str = "light"):
        own = "/".join(address.split("/")[:3])
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: said.type == "error" and problems.append(said.text))
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.on(
            "request", lambda request: leaves(request.url, own) and problems.append(request.url)
        )
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def leaves(url: str, own: str) -> bool:
    return not url.startswith((own, "data:", "blob:", "about:"))


def figures_of(page) -> list:
    """The frames of a page's figures, each scrolled to, opened and drawn."""
    found = []
    for frame in page.locator(".run iframe").all():
        frame.scroll_into_view_if_needed()
        found.append(frame.element_handle().content_frame())
        found[-1].wait_for_function(DRAWN)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("path", WITH_FIGURES)
@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=lambda size: str(size[0]))
def test_every_figure_of_a_page_opens_and_fits(served, read, path, size):
    page = read(f"{served}/{path}", size)
    figures = figures_of(page)
    assert figures
    for figure in figures:
        assert figure.locator(".top h1").is_hidden() and figure.locator(".top .run").is_visible()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    assert [each.evaluate(wide) for each in figures] == [0] * len(figures)


@pytest.mark.slow
def test_figures_follow_the_theme_of_the_page(served, read):
    page = read(f"{served}/{ATTENTION}", theme="dark")
    figures = figures_of(page)
    assert [each.evaluate(THEME) for each in figures] == ["dark", "dark"]
    page.locator(TOGGLE).click()
    for figure in figures:
        figure.wait_for_function(f"{THEME} === 'light'")


@pytest.mark.slow
def test_a_number_opens_within_a_page(served, read):
    page = read(f"{served}/{ATTENTION}")
    figure = figures_of(page)[1]
    figure.locator("canvas.picture").first.click(position={"x": 250, "y": 100})
    panel = figure.locator("aside.panel")
    panel.wait_for()
    assert panel.locator("code.name").inner_text().startswith("decoder.3.attn.q:4,")


@pytest.mark.slow
def test_search_works_without_a_server(site, read):
    page = read((site / ATTENTION).as_uri())
    page.locator("input[name=query]").click()
    page.keyboard.type("softmax")
    page.locator(".md-search-result__item a").first.wait_for()
    assert "matching documents" in page.locator(".md-search-result__meta").inner_text()
    assert (
        page.frame_locator(".run iframe").first.locator(".top h1").is_visible()
    )  # the whole report
