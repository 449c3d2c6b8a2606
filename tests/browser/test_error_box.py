"""The box of an error that nobody caught: it says nothing of the program, and leads nowhere."""

from __future__ import annotations

import shutil

from tests.helpers.browser import ROOT, started

BROKEN = "raise RuntimeError('told to nobody')\n"


def test_an_error_box_has_no_link_and_no_detail(browser, tmp_path):
    """The app's own settings, and a page that fails."""
    (tmp_path / "app.py").write_text(BROKEN)
    shutil.copytree(ROOT / ".streamlit", tmp_path / ".streamlit")
    with started(tmp_path) as (address, _):
        page = browser.new_page()
        page.goto(address)
        box = page.get_by_test_id("stException")
        box.wait_for(timeout=60_000)
        assert box.locator("a, button").count() == 0
        assert "told to nobody" not in box.inner_text() and "app.py" not in box.inner_text()
        page.close()
