"""The window in which whoever started the app opens a model of their own, in a browser on this
machine; and behind a proxy, where it is not to be had.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.helpers.visitor import Visitor


def open_window(page):
    """Chooses the last line of the list of models; returns the window."""
    page.view.locator(".st-key-model input").first.click()
    line = page.view.get_by_role("option").last
    assert "Your own model" in line.inner_text()
    page.do(line.click)
    return page.view.get_by_role("dialog")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ("light", "dark"))
def test_the_window_says_what_is_wrong_beside_the_name_and_can_be_read(visit, theme):
    page = visit(model="study-decoder", theme=theme)
    window = open_window(page)
    box = window.get_by_role("textbox", name="Model")
    box.fill("/no/such/folder")
    page.do(lambda: box.press("Enter"))
    assert "There is no folder" in window.get_by_role("alert").inner_text()
    assert box.input_value() == "/no/such/folder"
    found = Axe().run(page.view, {"include": [["[role=dialog]"]]}).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    page.do(lambda: page.view.keyboard.press("Escape"))
    window.wait_for(state="detached")
    assert page.view.locator(".st-key-model input").first.input_value() == "study-decoder"


def test_behind_a_proxy_there_is_no_such_window(address):
    """The same server on the loopback address: what a proxy adds closes it."""
    for headers, open_ in (({}, True), ({"X-Forwarded-For": "203.0.113.5"}, False)):
        with Visitor(address, headers=headers) as visitor:
            visitor.open(model="study-decoder", ask=0)
            options = visitor.widgets["model"].element.options
            assert ("Your own model …" in options) == open_ and not visitor.problems
