"""How it learned in Chromium: a gradient opens at a click and at a key, and a lesson goes on
by itself until the taught model can be shown on all pages.
"""

import pytest

from core import load
from core.course import Course, taught
from core.text import percent
from tests.helpers.browser_pages import DESK, TELEPHONE, choices, opened_number

BOOKS = "The books that the student recommended"
ASKED = {"model": "study-decoder", "sentence": BOOKS}


def test_the_figure_is_seen_whole_and_opens_gradients(visit):
    page = visit("How it learned", DESK, **ASKED)
    cells = page.view.locator(".st-key-way-back .cell, [class*=way-back] .cell")
    cells = cells if cells.count() else page.view.locator("button.cell")
    assert cells.count() == 9 * 7
    last = cells.last.bounding_box()
    assert last["y"] + last["height"] < DESK[1], "no scrolling"
    page.do(lambda: cells.nth(3 * 7 + 2).click())
    name, index, _ = opened_number(page)
    assert name == "grad.decoder.2.mlp.in" and index[0] == 2
    assert choices(page)["learn_cell"] == "3-2"
    cells.nth(3 * 7 + 2).press("ArrowDown")
    page.do(lambda: cells.nth(4 * 7 + 2).press("Enter"))
    assert opened_number(page)[0] == "grad.decoder.2.attn.in" and not page.problems


@pytest.mark.slow
@pytest.mark.parametrize("size", (TELEPHONE, DESK))
def test_a_lesson_goes_on_by_itself_and_is_undone(visit, size):
    page = visit("How it learned", size, **ASKED, cards="learned-teach", learn_steps=12)
    page.do(lambda: page.view.get_by_role("button", name="Teach it: 12 steps").click())
    use = page.view.get_by_role("button", name="Look at the taught model")
    use.wait_for(timeout=60_000)
    page.do(use.click)
    assert choices(page)["change"] == f"learn:sgd,12,0.01={BOOKS}"
    model = load("study-decoder")
    weights = taught(model, Course("sgd", 12, 0.01, BOOKS)).weights
    after = type(model)(model.name, model.config, weights, model.tokenizer).trace(BOOKS)
    page = visit("Output", size, **ASKED, change=choices(page)["change"])
    most = percent(after["head.probs"][-1].max())
    page.wait(lambda: most in page.view.locator("body").inner_text())
    page.do(lambda: page.view.get_by_role("button", name="Undo").first.click())
    assert "change" not in choices(page) and not page.problems
