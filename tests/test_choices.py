"""What is chosen: what stands in the address and what the session keeps, and what the pages say of it."""
from __future__ import annotations

import pytest
from test_pages import OTHERS, address, opened, said, smallest_model  # noqa: F401  (fixture)


# --- a what-if that can't be shown ----------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["app.py", *OTHERS])
@pytest.mark.parametrize("asked", [{"change": "pad:99"}, {"change": "norms+head:encoder.99.0"}, {"mask": "own", "grid": "e99-9"},
                                   {"change": "norms", "mask": "own", "grid": "d0-0"}], ids=str)
def test_no_banner_speaks_of_a_run_that_is_not_shown(path, asked):
    app = opened(path, **asked)
    shown, words = app.session_state["_good"], " ".join(each.value for each in app.markdown)
    assert (shown.change, shown.mask) == ("", "trained") and app.warning and not app.exception
    assert "All pages show this run" not in words and "What if:" not in words and "can’t be shown" in words
    app.button(key="as_it_is").click().run()
    assert not app.warning and "can’t be shown" not in " ".join(each.value for each in app.markdown) and "change" not in address(app)


def test_the_banner_speaks_of_the_run_that_stays_when_another_can_not_be_shown():
    app = opened(change="norms")
    app.session_state["change"] = "pad:99"
    app.run()
    words = " ".join(each.value for each in app.markdown)
    assert "99" in said(app) and app.session_state["_good"].change == "norms"
    assert "**What if:** without norms. All pages show this run." in words
