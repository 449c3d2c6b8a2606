"""The frame around the pages in a real browser: every button of the bar can be clicked wherever it
is seen, nothing lies over it, and what stands under the rail stays one strip.
"""

from __future__ import annotations

import pytest

from tests.helpers.browser_pages import TELEPHONE, choices
from ui.session.selection import EXAMPLES, OPENING

NARROW = (820, 1180)
TOPMOST = """([selector, share]) => {
    const box = document.querySelector(selector).getBoundingClientRect()
    const seen = document.elementFromPoint(box.left + share * box.width, box.top + box.height / 2)
    return Boolean(seen?.closest(selector)) }"""
SETTINGS = "[data-testid=stPopoverBody]:has(.st-key-share)"


@pytest.mark.one_in(2)
@pytest.mark.parametrize("size", [(1280, 900), NARROW])
def test_the_settings_open_wherever_their_button_is_clicked(visit, size):
    page = visit("Tokens", size)
    button = page.view.locator(".st-key-settings button").first
    for share in (0.06, 0.3, 0.6, 0.8, 0.94):
        box = button.bounding_box()
        page.view.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.view.locator(SETTINGS).wait_for()
        page.view.keyboard.press("Escape")
        page.view.locator(SETTINGS).wait_for(state="detached")


@pytest.mark.parametrize("size", [NARROW, (1280, 900)])
@pytest.mark.slow
def test_nothing_lies_over_the_bar_while_a_run_is_under_way(visit, size):
    page = visit("Tokens", size)
    page.view.evaluate(
        """() => { window.covered = []
        new MutationObserver(() => {
            if (document.querySelector("[data-test-script-state=running]")) window.covered.push(
                [...document.querySelectorAll("[data-testid=stStatusWidget]")]
                    .some((each) => each.getBoundingClientRect().width > 0))
        }).observe(document.querySelector("[data-testid=stApp]"),
            { attributes: true, childList: true, subtree: true }) }"""
    )
    page.do(lambda: page.view.get_by_role("radio", name="Decoder", exact=True).click())
    covered = page.view.evaluate("window.covered")
    assert covered and not any(covered)
    for part in (".st-key-tour_start button", ".st-key-settings button"):
        assert all(page.view.evaluate(TOPMOST, [part, share]) for share in (0.1, 0.5, 0.9)), part


@pytest.mark.slow
def test_an_example_is_read_whole_in_its_list(visit):
    page = visit(model="study-decoder")
    page.view.locator(".st-key-example input").first.click()
    options = page.view.get_by_role("option")
    options.first.wait_for()
    assert page.view.get_by_role("listbox").bounding_box()["width"] >= 360
    for at in (0, 1):
        line = options.nth(at).locator("div").first
        assert line.inner_text() == f"{EXAMPLES[at]['name']}\n{EXAMPLES[at]['text']}"
        assert line.evaluate("each => each.scrollWidth <= each.clientWidth")
    tops = [options.nth(at).bounding_box() for at in (0, 1)]
    assert tops[1]["y"] >= tops[0]["y"] + tops[0]["height"]
    page.do(lambda: options.nth(2).click())
    assert choices(page)["sentence"] == EXAMPLES[2]["text"]


def test_a_model_that_is_to_be_fetched_says_how_large_it_is(visit):
    page = visit()
    page.view.locator(".st-key-model input").first.click()
    line = page.view.get_by_role("option", name="to fetch").first.locator("div").first
    assert "MB" in line.inner_text()
    assert "writes on" in line.evaluate("each => getComputedStyle(each, '::after').content")
    assert line.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_on_a_telephone_the_sentence_is_read_whole_and_no_menu_floats(visit):
    page = visit("Heads", TELEPHONE, model="study-decoder", sentence=OPENING)
    box = page.view.get_by_role("textbox").first
    assert box.input_value() == OPENING
    assert box.evaluate("each => each.scrollWidth <= each.clientWidth")
    tour = page.view.locator(".st-key-tour_start").bounding_box()
    assert tour["x"] + tour["width"] <= TELEPHONE[0]
    assert not page.view.locator("[data-testid=stMainMenu]").is_visible()


@pytest.mark.slow
def test_a_text_box_does_not_count_over_its_last_word(visit):
    page = visit()
    box = page.view.get_by_role("textbox").first
    said = page.view.locator(".st-key-sentence [data-testid=InputInstructions]")
    box.focus()
    said.wait_for(state="attached")
    assert not said.is_visible()  # nothing is to be said yet
    box.fill("word " * 60)
    said.wait_for()
    assert said.inner_text() == "Press Enter to apply"
    field = page.view.locator(".st-key-sentence [data-testid=stTextInputRootElement]")
    below = field.bounding_box()
    assert said.bounding_box()["y"] >= below["y"] + below["height"] - 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "title, asked",
    [
        ("Overview", {"change": "head:decoder.3.4"}),
        ("Glossary", {"change": "norms"}),
        ("Heads", {"mask": "encoder"}),
        ("Attention", {"sentence": "My sister bought a red bicycle for her birthday"}),
        ("Attention", {"model": "study-translator", "sentence": "The zorblat is here"}),
    ],
)
def test_a_strip_under_the_rail_is_32_px_tall(visit, title, asked):
    page = visit(title, **{"model": "study-decoder", "sentence": OPENING} | asked)
    strip = page.view.locator(".st-key-what-if, .st-key-other-mask, .st-key-hints")
    rail = page.view.locator(".st-key-rail").bounding_box()
    box = strip.bounding_box()  # there is one
    assert box["height"] == pytest.approx(32, abs=1)
    assert 0 <= box["y"] - rail["y"] - rail["height"] < 12
    for button in strip.get_by_role("button").all():
        inside = button.bounding_box()
        assert inside["y"] >= box["y"] and inside["y"] + inside["height"] <= box["y"] + 32


@pytest.mark.slow
def test_a_choice_between_two_masks_says_that_it_is_one(visit):
    page = visit("Attention", model="study-translator", sentence="The red car is fast.")
    line = page.view.locator(".st-key-place")
    assert line.locator(".caption").all_inner_texts() == ["Look at", "Mask"]
    page.view.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert not line.locator(".caption").first.is_visible()
    assert page.view.get_by_role("radiogroup", name="Mask").count() == 1


def test_the_first_tab_stop_leads_to_the_figure(visit):
    page = visit("Attention", ask=0)
    page.view.keyboard.press("Tab")
    skip = page.view.locator("[data-testid=stSkipToContent]")
    assert skip.evaluate("each => each === document.activeElement")
    page.view.keyboard.press("Enter")
    line = page.view.locator(".st-key-line").bounding_box()
    place = page.view.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
    assert line["y"] + line["height"] <= place["top"] < 300 and place["height"] > 60
    page.view.keyboard.press("Tab")
    inside = page.view.evaluate("document.activeElement.shadowRoot !== null")
    assert inside  # the first thing in the figure that can be chosen


@pytest.mark.slow
def test_escape_ends_the_tour_but_not_while_a_list_is_open(visit):
    page = visit("Tokens", tour=1)
    page.view.locator(".st-key-example input").first.click()
    page.view.get_by_role("option").first.wait_for()
    page.view.keyboard.press("Escape")
    page.view.locator("[role=option]").first.wait_for(state="detached")
    assert choices(page)["tour"] == "1"
    page.view.mouse.click(640, 880)
    page.do(lambda: page.view.keyboard.press("Escape"))
    assert "tour" not in choices(page) and page.view.locator(".st-key-tour").count() == 0


@pytest.mark.slow
def test_the_card_of_the_tour_stands_over_its_ring(visit):
    page = visit("Attention", tour=5, ask=0)
    ring, card = (page.view.locator(name) for name in (".st-key-ring .root", ".st-key-tour"))
    ring.wait_for()
    assert card.locator(".st-key-ring").count() == 0
    order = "each => Number(getComputedStyle(each).zIndex)"
    assert ring.evaluate(order) < card.evaluate(order)


@pytest.mark.slow
def test_the_page_after_stands_at_the_right_edge(visit):
    for title in ("Overview", "Heads"):
        page = visit(title)
        link = page.view.locator(".st-key-foot a").last.bounding_box()
        foot = page.view.locator(".st-key-foot").bounding_box()
        assert link["x"] + link["width"] == pytest.approx(foot["x"] + foot["width"], abs=12)


@pytest.mark.slow
def test_a_copied_link_shows_its_view_and_asks_again_of_the_next_text(visit):
    veil = ".st-key-veil"
    assert visit("Tokens", ask=1).view.locator(veil).count() == 1
    page = visit("Tokens", ask=1, guess="shown")
    assert page.view.locator(veil).count() == 0
    assert "guess=" not in page.view.url and choices(page).get("ask") != "0"
    box = page.view.get_by_role("textbox").first
    box.fill("Rain falls on the quiet sea.")
    page.do(lambda: box.press("Enter"))
    page.view.locator(veil).wait_for(state="attached")


MOVED = """() => {
  window.moved = 0
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.moved += entry.value
  }).observe({ type: "layout-shift" })
}"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "title, asked, buttons",
    [
        ("Attention", {"stage": 3, "depth": "formula"}, [".depth button >> nth=1"]),
        ("Attention", {"stage": 2}, ["button.next", "button.step >> nth=2"]),
        (
            "Every number",
            {"cell": "encoder.0.attn.scores.dot:3,2,1"},
            [".st-key-number button.link", ".st-key-number button.back"],
        ),
    ],
)
def test_what_nobody_has_touched_stays_where_it_is(visit, title, asked, buttons):
    page = visit(title, **asked)
    page.view.wait_for_timeout(500)
    page.view.evaluate(MOVED)
    for button in buttons:
        page.view.evaluate("window.moved = 0")
        page.do(lambda button=button: page.view.locator(button).first.click())
        page.view.wait_for_timeout(300)
        assert page.view.evaluate("window.moved") <= 0.02, button


def test_a_button_is_framed_until_the_page_has_answered(visit):
    page = visit("Every number", step="encoder.0.attn.in")
    button = page.view.locator(".st-key-step_after button").first
    asked = button.evaluate("each => { each.click(); return 'asked' in each.dataset }")
    assert asked
    page.wait(lambda: not page.view.locator("[data-asked]").count())
