"""One server and one Chromium for all tests of the pages in a browser."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.helpers.browser import CHROMIUM, chromium, serve, tab
from tests.helpers.browser_pages import PATHS
from tests.helpers.pages import UNSAID
from ui.session.selection import EXAMPLES


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items):
    """What drives the browser is marked so."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def address(minilm, tmp_path_factory):
    """A running app that has the smallest model; in the end its log must hold no traceback."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serve(log=log) as address:
        yield address
    assert "Traceback" not in log.read_text(errors="replace")


@pytest.fixture(scope="package")
def browser():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (apt install chromium)")
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, address):
    """visit("Attention", head=3): that page in a new session, with MiniLM unless another model is
    asked for; after the test it must have had no problem.
    """
    opened = []

    def open_tab(title: str = "Overview", size=(1280, 900), theme: str = "light", **choices):
        query = "&".join(f"{key}={quote(str(value))}" for key, value in (UNSAID | choices).items())
        context = tab(browser, f"{address}/{PATHS[title]}?{query}", *size, theme)
        opened.append((context, page := context.__enter__()))
        return page

    yield open_tab
    problems = [problem for _, page in opened for problem in page.problems]
    for context, _ in opened:
        context.__exit__(None, None, None)
    assert not problems


@pytest.fixture(scope="package")
def traced(minilm):
    """traced("decoder"): the trace of the sentence that the app opens with."""
    return lambda mask=None: minilm.trace(EXAMPLES[0]["text"], mask=mask)
