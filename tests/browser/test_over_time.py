"""When did it learn what, in Chromium: the slider answers in the browser alone, by pointer and by
key; a number of then opens; and the axis is spaced by logarithm.
"""

import numpy as np
import pytest

from core import load
from core.models.over_time import as_it_was, measures, steps_of
from core.text import number
from tests.helpers.array_files import read_csv, read_npz
from tests.helpers.browser import modules
from tests.helpers.browser_pages import DESK, TELEPHONE, choices, opened_number, save
from ui.stages.how_it_learned.over_time import KEY
from ui.text import labelled

BOOKS = "The books that the student recommended"
ASKED = {"model": "study-decoder", "sentence": BOOKS, "cards": "learned-training"}
FIGURE = ".root.figure[aria-label='During training']"
GEOMETRY = 'const g = await import("/over_time_geometry.js")\n'


@pytest.fixture(scope="module")
def model():
    found = load("study-decoder")
    if not steps_of(found) or not measures(found):
        pytest.skip("the snapshots of study-decoder are not made yet")
    return found


@pytest.fixture(scope="module")
def run(browser):
    with modules(browser) as run:
        yield run


@pytest.mark.slow
def test_the_numbers_of_all_stages_are_saved(visit, model, tmp_path):
    """Of the runs of then, and of the curves that were measured on other texts."""
    page = visit("How it learned", DESK, **ASKED)
    page.view.locator(FIGURE).wait_for()
    arrays, said = read_npz(save(page, f".st-key-{KEY}", "NPZ", tmp_path))
    _, tables = read_csv(save(page, f".st-key-{KEY}", "CSV", tmp_path))
    known, steps = measures(model), steps_of(model)
    head = known.decides
    runs = [as_it_was(model, step).trace(BOOKS) for step in steps] + [model.trace(BOOKS)]
    step = f"decoder.{head.layer}.attn.pattern"
    patterns_PLM = np.stack([run[step][head.head] for run in runs])
    assert np.array_equal(arrays[f"{step}[{head.head}]"], patterns_PLM)
    assert np.allclose(arrays["loss"], known.loss_S) and list(arrays) == list(tables)
    axes = said["arrays"]["loss"]["axes"]
    assert axes[0]["labels"] == [str(each) for each in known.steps_S]
    best_P = [run["head.probs"][-1].max() for run in runs]
    each = len(arrays["probabilities"]) // len(runs)
    assert np.allclose(arrays["probabilities"][::each], best_P)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("size", (TELEPHONE, DESK))
def test_the_slider_answers_at_once_and_the_page_follows(visit, model, size):
    page = visit("How it learned", size, **ASKED)
    slider = page.view.get_by_role("slider", name="Steps of training")
    slider.scroll_into_view_if_needed()
    root, steps = page.view.locator(FIGURE), steps_of(model)
    assert "trained" in root.locator(".name").inner_text()
    likeliest = model.tokenizer.piece(int(model.trace(BOOKS)["head.probs"][-1].argmax()))
    assert root.locator(".row .word.followed").all_inner_texts() == [likeliest]
    assert f"“{likeliest}” after your words" in root.locator(".keys").inner_text()
    seen = slider.evaluate("""(input) => {
        const root = input.parentElement, text = () => root.querySelector(".name").textContent
        input.value = 0
        input.dispatchEvent(new Event("input"))
        const first = [text(), root.querySelector(".row .word").textContent]
        input.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", cancelable: true }))
        return [first, text()]
    }""")
    best = as_it_was(model, 0).trace(BOOKS)["head.probs"][-1].argmax()
    assert seen[0] == ["before training, at random", labelled(model.tokenizer.piece(int(best)))]
    assert seen[1] == f"after {steps[1]:,} step{'s' * (steps[1] != 1)}"
    page.wait(lambda: choices(page).get("learn_stop") == str(steps[1]))
    page.view.get_by_role("button", name="Look at this model").wait_for()
    page.settle()
    assert root.locator(".name").inner_text() == seen[1] and not page.problems


def test_a_weight_of_then_opens_and_the_model_is_shown_on_all_pages(visit, model):
    step, head = steps_of(model)[4], measures(model).decides
    page = visit("How it learned", DESK, **ASKED, learn_stop=step)
    cells = page.view.locator(f"{FIGURE} .cell")
    cells.last.scroll_into_view_if_needed()
    assert cells.count() == 7 * 8 / 2, "a token looks at itself and back"
    name, index = f"decoder.{head.layer}.attn.pattern", (head.head, 6, 6)
    weight = number(as_it_was(model, step).trace(BOOKS)[name][index])
    page.do(lambda: cells.last.click())
    page.wait(lambda: opened_number(page) == (name, index, weight))
    page.do(lambda: page.view.get_by_role("button", name="Look at this model").click())
    page.wait(lambda: choices(page).get("change") == f"trained:{step}")
    page.view.get_by_text("What if").first.wait_for()
    assert not page.problems


def test_steps_stand_by_their_logarithm_and_the_nearest_stop_is_found(run):
    shares, ticks, near = run(
        GEOMETRY
        + """const steps = [0, 1, 10, 100, 1000, 7000]
        const at = steps.map((step) => g.shareOf(step, 7000))
        const found = at.map((share) => g.nearest(share + 0.02, at))
        return [at, g.ticks(7000, 600), found]"""
    )
    assert shares[0] == 0 and shares[-1] == 1 and shares == sorted(shares)
    assert near == [0, 1, 2, 3, 4, 5]
    assert ticks[0] == 0 and ticks[-1] == 7000 and set(ticks) <= {0, 1, 10, 100, 1000, 7000}
    apart = [b - a for a, b in zip(shares[2:5], shares[3:5], strict=False)]
    assert apart == pytest.approx([apart[0]] * 2, rel=0.05), "each power of ten is as far"


def test_a_curve_goes_through_its_values_and_keys_lead_along_the_stops(run):
    path, bounds, keys = run(
        GEOMETRY
        + """const size = { left: 10, wide: 100, top: 5, tall: 50, low: 0, high: 1 }
        const lead = (key, at) => g.stopAfter(key, at, 10) ?? null
        return [g.curve([0, 9], [1, 0.5], 9, size), [g.bounds([3.1, 8.7]), g.bounds([2, 2])],
          [lead("ArrowRight", 9), lead("ArrowLeft", 0), lead("Home", 5), lead("End", 5),
            lead("PageUp", 2), lead("Enter", 2)]]"""
    )
    assert path == "M10.0,5.0L110.0,30.0" and bounds == [[3, 9], [2, 3]]
    assert keys == [9, 0, 0, 9, 5, None]
