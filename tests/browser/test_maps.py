"""The maps in a real browser: long ones scroll and zoom, their numbers can be read as a table, and
a mask is drawn with them.
"""

import pytest

from core.text import number
from tests.helpers.browser_pages import DESK, TELEPHONE, check_number, choices
from tests.helpers.sample import one_in
from tests.helpers.texts import LONG


def tip(map_) -> list[str]:
    return map_.locator(".tip").inner_text().split("\n")


@pytest.mark.slow
def test_a_cell_is_blocked_by_a_click_and_allowed_by_a_key(visit):
    page = visit("Encoder and decoder", token=3, cards="masks-draw")
    map_ = page.view.locator("[class*=st-key-map-own]").first
    canvas = map_.locator("canvas.picture")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    at = box["x"] + 4.5 * (box["width"] - 3) / 11, box["y"] + 3.5 * 25
    page.view.mouse.move(*at)
    assert tip(map_) == ["that → the (4)", "1 (may look)"]
    page.do(lambda: page.view.mouse.click(*at))
    page.wait(lambda: "grid" in choices(page))  # a run that began before the click may end first
    assert choices(page)["grid"] == "e3-4" and choices(page)["mask"] == "own"
    assert tip(map_) == [
        "that → the (4)",
        "0 (blocked)",
    ]  # the cell stays where it is, and says what it is now
    canvas.focus()
    canvas.press("ArrowRight")
    page.do(lambda: canvas.press("Enter"))
    page.wait(lambda: choices(page)["grid"] == "e3-4,e3-5")
    page.do(lambda: canvas.press("Enter"))
    page.wait(lambda: choices(page)["grid"] == "e3-4")


@pytest.mark.slow
@pytest.mark.parametrize("size", (DESK, TELEPHONE))
def test_many_heads_of_a_long_sentence_scroll_in_their_box_and_zoom(visit, minilm, size):
    page, pattern = (
        visit("Heads", size, sentence=LONG, layer=1, head=7),
        minilm.trace(LONG)["encoder.1.attn.pattern"],
    )
    map_ = page.view.locator(".st-key-heads")
    canvas, scroll = map_.locator("canvas.picture"), map_.locator(".scroll")
    sizes = "e => [e.clientWidth, e.clientHeight, e.scrollWidth, e.scrollHeight, e.scrollTop]"
    wide, tall, whole_wide, whole_tall, top = scroll.evaluate(sizes)
    assert (
        tall <= 720 and whole_tall > 2 * tall and whole_tall > 12 // 3 * 6 * len(pattern[0])
    )  # cells of 6 pixels at least
    assert top > 0  # head 7 was scrolled to
    canvas.focus()
    canvas.press("ArrowRight")
    assert tip(map_)[0] == "Head 7"
    for _ in range(2):
        canvas.press("+")
    bigger = scroll.evaluate(sizes)
    assert bigger[2] > 1.5 * whole_wide and bigger[:2] == pytest.approx([wide, tall], abs=20)
    canvas.press("ArrowDown")
    head, place, shown = tip(map_)
    assert (head, shown) == ("Head 7", number(pattern[7, 1, 1]))
    page.do(lambda: canvas.press("Enter"))
    assert check_number(page, minilm.trace(LONG), "encoder.1.attn.pattern") == (7, 1, 1)
    map_.get_by_role("button", name="Zoom out").evaluate("button => button.click()")
    assert scroll.evaluate(sizes)[2] < bigger[2]
    assert page.view.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_the_numbers_of_a_map_as_a_table(visit, traced):
    page, pattern_LM = (
        visit("Encoder and decoder", layer=1, head=3),
        traced("decoder")["encoder.1.attn.pattern"][3],
    )
    page.view.get_by_role("button", name="As a table").nth(1).click()
    table = page.view.locator(".numbers table").first
    shown = [
        [cell.inner_text() for cell in row.locator("td").all()]
        for row in table.locator("tbody tr").all()
    ]
    assert shown == [
        [number(value) + (" (blocked)" if m > l else "") for m, value in enumerate(row_M)]
        for l, row_M in enumerate(pattern_LM)
    ]
    assert (
        table.locator("thead th[scope=col]").count() == 12
        and table.locator("th[scope=row]").nth(2).inner_text() == "book"
    )
    page.view.get_by_role("button", name="As a table").nth(1).click()
    assert page.view.locator(".numbers").count() == 0


WORDS = "the students recommended expensive newspapers because the teachers".split()
MAPS = """() => {
  const found = [], walk = (root) => root.querySelectorAll("*").forEach((part) => {
    if (part.shadowRoot) walk(part.shadowRoot)
    if (part.matches(".scroll") && part.querySelector("canvas.picture")) found.push(part)
  })
  walk(document)
  return found.map((box) => {
    const root = box.closest(".root"), right = (part) => part.getBoundingClientRect().right
    return {wide: box.scrollWidth, room: box.clientWidth, tall: box.scrollHeight - box.clientHeight,
      beyond: Math.max(right(box.querySelector("canvas")) - right(box), right(box) - right(root)),
      said: root.querySelector(".axes").textContent}
  })
}"""


LENGTHS = (
    ("Attention", 16),
    ("Attention", 20),
    ("Attention", 40),
    ("Heads", 8),
    ("Heads", 16),
    ("Heads", 40),
    ("Encoder and decoder", 16),
)


@pytest.mark.parametrize(
    "title, tokens, size",
    one_in(14, [(*text, size) for text in LENGTHS for size in (DESK, TELEPHONE)], first=1),
)
@pytest.mark.slow
def test_no_column_of_a_map_is_cut_off_unsaid(visit, size, title, tokens):
    sentence = " ".join((WORDS * 5)[: tokens - 2])
    page = visit(
        title, size, model="study-encoder", stage=3, sentence=sentence, cards="attention-map"
    )
    page.view.locator("canvas.picture").first.wait_for()
    page.view.wait_for_timeout(500)
    maps = page.view.evaluate(MAPS)
    assert maps and all(one["beyond"] < 0.5 for one in maps)
    for one in maps:
        hint = one["said"].partition("scroll")[2]
        assert ("→" in hint, "↓" in hint) == (one["wide"] > one["room"], one["tall"] > 0), one
    if tokens <= 20 and title == "Attention":
        assert maps[-1]["wide"] <= maps[-1]["room"]  # up to so many tokens fit
