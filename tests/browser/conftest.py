"""One server and one Chromium for all tests of the pages in a browser."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.helpers.browser import CHROMIUM, chromium, close_tab, leave, new_tab, serve, show
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


@pytest.fixture(scope="package")
def idle(browser):
    """Tabs that no test has now. They stay open from test to test, as a browser reads the scripts
    of the pages once for each tab."""
    yield (tabs := [])
    for tab in tabs:
        close_tab(tab)


@pytest.fixture
def visit(browser, address, idle):
    """visit("Attention", head=3): that page in a new session, with MiniLM unless another model is
    asked for; after the test it must have had no problem.
    """
    opened = []

    def open_page(title: str = "Overview", size=(1280, 900), theme: str = "light", **choices):
        query = "&".join(f"{key}={quote(str(value))}" for key, value in (UNSAID | choices).items())
        opened.append(page := idle.pop() if idle else new_tab(browser, address))
        show(page, f"{address}/{PATHS[title]}?{query}", size, theme)
        return page

    yield open_page
    problems = [problem for page in opened for problem in page.problems]
    for page in opened:
        leave(page)
    idle.extend(opened)
    assert not problems


@pytest.fixture(scope="package")
def traced(minilm):
    """traced("decoder"): the trace of the sentence that the app opens with."""
    return lambda mask=None: minilm.trace(EXAMPLES[0]["text"], mask=mask)
