"""The figures of Tokens, Positions, Add and norm, and Feed-forward in a real browser: a strip reads
and opens the number under the pointer, a click is answered at once, and what moves ends at the
numbers of the trace.
"""

from __future__ import annotations

import numpy as np
import pytest

from core.ops import frequencies
from core.text import number
from tests.helpers.browser import CHROMIUM, ROOT, modules
from tests.helpers.browser_pages import check_number, choices, opened_number

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.browser,
]


@pytest.fixture(scope="module")
def run(browser):
    with modules(browser) as run:
        yield run


@pytest.mark.parametrize("count", (1, 7, 100, 576))
@pytest.mark.parametrize("wide", (90, 333, 460))
def test_the_cell_that_is_drawn_at_a_place_is_found_there(run, count, wide):
    found, ends, marks = run(
        """const { cellAt, placeOf } = await import("/strip_geometry.js"), [wide, count] = given
        const cells = [...Array(count).keys()]
        return [cells.map((cell) => cellAt((cell + 0.5) * wide / count, wide, count)),
                [cellAt(-5, wide, count), cellAt(wide + 5, wide, count)],
                cells.map((cell) => placeOf(cell, count))]""",
        [wide, count],
    )
    assert found == list(range(count)) and ends == [0, count - 1]
    for cell, mark in enumerate(marks):
        assert 0 <= mark["left"] <= 100 - mark["wide"] + 1e-9 and mark["wide"] >= 0.8
        middle = 100 * (cell + 0.5) / count
        assert mark["left"] - 1e-9 <= middle <= mark["left"] + mark["wide"] + 1e-9


def test_keys_lead_from_cell_to_cell_and_not_beyond_the_ends(run):
    keys = ["ArrowLeft", "ArrowRight", "Home", "End", "PageDown", "PageUp", "a", "Enter"]
    ask = """const { cellAfter } = await import("/strip_geometry.js"), [keys, cell, count] = given
        return keys.map((key) => cellAfter(key, cell, count))"""
    assert run(ask, [keys, 5, 100]) == [4, 6, 0, 99, 21, 0, None, None]
    assert run(ask, [keys, 0, 3]) == [0, 1, 0, 2, 2, 0, None, None]


def test_colours_end_at_the_number_furthest_from_zero(run):
    ask = 'return (await import("/strip_geometry.js")).furthest(given[0])'
    assert run(ask, [[0.5, -3, 2]]) == 3 and run(ask, [[0, 0]]) == 1 and run(ask, [[]]) == 1


@pytest.mark.parametrize("name", ("strip_geometry",))
def test_strip_geometry_touches_no_element(name):
    text = (ROOT / f"assets/components/{name}.js").read_text(encoding="utf-8")
    assert not any(word in text for word in ("document", "window", "dom.js", "colours.js"))


@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    "title, step", (("Positions", "encoder.embed.position"), ("Add and norm", "encoder.1.attn.out"))
)
def test_a_strip_reads_and_opens_the_number_under_the_pointer(visit, traced, title, step):
    page, trace = visit(title, layer=1, head=4, token=6), traced()
    strip = page.view.locator(
        "[class*=st-key-places-added] .strip, [class*=st-key-addnorm-way] .strip"
    ).nth(1)
    strip.wait_for()
    box = strip.bounding_box()
    at = {"x": (69 + 0.5) * (box["width"] - 4) / 384, "y": 12}
    strip.hover(position=at)
    text, shown = page.view.locator(".figure .tip:not([hidden])").inner_text().split("\n")
    d = int(text.rsplit(" ", 1)[1])
    assert abs(d - 69) <= 1 and shown == number(trace[step][6, d])
    page.do(lambda: strip.click(position=at))
    page.wait(lambda: opened_number(page)[:2] == (step, (6, d)))
    assert check_number(page, trace, step) == (6, d)
    page.view.keyboard.press("ArrowRight")
    page.do(lambda: page.view.keyboard.press("Enter"))
    page.wait(lambda: opened_number(page)[:2] == (step, (6, d + 1)))


@pytest.mark.slow
def test_a_token_unfolds_its_nearest_words_before_the_page_has_followed(visit):
    page = visit("Tokens", token=2)
    page.view.locator(".pieces .unfolded").wait_for()
    unfolded = page.view.locator(".pieces").evaluate("""root => {
        root.querySelectorAll(".piece")[5].click()
        const words = root.querySelectorAll(".unfolded .word")
        return [root.querySelector(".chosen .piece").textContent, words.length]
    }""")
    assert unfolded == ["student", 5]
    page.wait(lambda: choices(page).get("token") == "5")
    page.wait(lambda: page.view.locator(".pieces .unfolded .word b").count() == 5)


@pytest.mark.slow
def test_the_hands_end_where_position_times_angle_turns_them(visit, smollm2):
    page = visit("Positions", model="smollm2", token=5, sentence="The cat sat on the mat")
    page.view.locator(".hand").first.wait_for()
    page.view.wait_for_timeout(1300)
    turned = page.view.locator(".root .hand").evaluate_all("""hands => hands.map((hand) => {
        const { a, b } = new DOMMatrix(getComputedStyle(hand).transform)
        return Math.atan2(b, a)
    })""")
    pairs = [int(text.split()[1]) for text in page.view.locator(".pair").all_inner_texts()]
    c = smollm2.config
    radians_LP = np.arange(6)[:, None] * frequencies(c.rope(0), c.d_head, 6)
    expected = [radians_LP[l, pair] for pair in pairs for l in range(6)]
    assert len(turned) == len(expected) >= 18
    np.testing.assert_allclose(np.cos(np.subtract(turned, expected)), 1, atol=1e-4)


@pytest.mark.slow
def test_a_neuron_is_chosen_at_once_and_opens_what_it_does(visit, traced):
    page, trace = visit("Feed-forward", layer=1, token=6), traced()
    page.view.locator("button.neuron").first.wait_for()
    page.do(lambda: page.view.locator("button.neuron").nth(2).click())
    best = int(np.argsort(-trace["encoder.1.mlp.hidden.reach"][6], kind="stable")[2])
    page.wait(lambda: opened_number(page)[1] == (6, best))
    assert check_number(page, trace, "encoder.1.mlp.hidden") == (6, best)
    assert page.view.locator("button.neuron[aria-pressed=true] .name").inner_text() == str(best)
    assert choices(page)["cards"] == "ff-neuron"
    page.view.get_by_text(f"What does neuron {best} do here?").wait_for()
    shown = page.view.locator(
        "[class*=st-key-ff-own] .word small, [class*=st-key-ff\\:own] .word small"
    )
    page.wait(lambda: shown.count() == 11)


# --- whose a token is -----------------------------------------------------------------------------


@pytest.mark.slow
def test_the_strip_parts_two_texts_and_marks_what_was_added(visit):
    page = visit("Attention", sentence="a cat.", second="A dog.")
    (row,) = page.view.evaluate(
        """() => [...document.querySelectorAll(".st-key-place *")].map((each) => each.shadowRoot)
        .filter(Boolean).flatMap((root) => [...root.querySelectorAll(".tokens")])
        .map((row) => [...row.querySelectorAll(".text, .chip")].map((each) =>
            [each.textContent, each.classList.contains("added"), each.title]))"""
    )
    assert [text for text, *_ in row] == (
        ["[CLS]", "A", "a", "cat", ".", "[SEP]", "B", "a", "dog", ".", "[SEP]"]
    )
    assert [text for text, added, _ in row if added] == ["[CLS]", "[SEP]", "[SEP]"]
    assert [title.split(" · ")[-1] for *_, title in row if title][-2:] == [
        "text B",
        "added, not typed",
    ]
