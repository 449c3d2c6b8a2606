"""The pages in a real browser: nothing in the console, nothing leaves the server, and the clicks do
what they say.
"""

from __future__ import annotations

import re
import shutil
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest

from core import load
from core.models import catalogue
from core.text import number, percent
from tests.helpers.browser import serve, tab
from tests.helpers.browser_pages import (
    DESK,
    PATHS,
    TELEPHONE,
    check_number,
    choices,
    click_cell,
    opened_number,
    point_at,
)
from tests.helpers.sample import one_in
from ui.kit.theme import COLOURS
from ui.session.opening import decision_of
from ui.session.runs import RunRequest
from ui.session.selection import OPENING
from ui.shell.tour import STOPS


@pytest.mark.one_in(40)
@pytest.mark.parametrize("title", PATHS)
@pytest.mark.parametrize("size, theme", [(TELEPHONE, "dark"), (DESK, "light")])
def test_a_page_opens_by_its_own_address(visit, title, size, theme):
    page = visit(title, size, theme, layer=2, head=5)
    page.wait(lambda: page.view.title() == f"{title} · Glassformer")
    assert page.view.locator("h1").count() == 1  # the question that its figure answers
    assert page.view.locator("[data-testid=stException]").count() == 0
    assert page.view.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "the page is wider than the screen"
    )


def test_a_typed_sentence_is_read_and_stands_in_the_address(visit):
    page = visit()
    box = page.view.get_by_role("textbox", name="Sentence")
    box.fill("Rain falls on the quiet sea.")
    page.do(lambda: box.press("Enter"))
    assert choices(page) == {"sentence": "Rain falls on the quiet sea."}
    assert page.view.get_by_role("button", name="rain, choose this word").count() == 1


@pytest.mark.slow
def test_choices_travel_to_the_next_page_and_back_through_history(visit):
    page = visit()
    mask = page.view.get_by_role("radiogroup", name="Mask")

    def seen() -> list[str]:
        return mask.locator("[aria-checked=true]").all_inner_texts()

    assert seen() == ["Encoder"]
    page.do(lambda: mask.get_by_role("radio", name="Decoder", exact=True).click())
    page.do(lambda: page.view.get_by_role("link", name="Every number", exact=True).click())
    page.wait(lambda: page.view.url.split("?")[0].endswith("/Every_number"))
    assert choices(page)["mask"] == "decoder" and seen() == ["Decoder"]
    page.do(lambda: page.view.go_back())
    page.do(lambda: page.view.go_back())
    page.wait(lambda: choices(page) == {} and seen() == ["Encoder"])


BOOKS = {"model": "study-decoder", "layer": 3, "head": 4, "ask": 0}
BOOKS |= {"sentence": "The books that the student recommended"}


def weight_of_books(head: int = BOOKS["head"]) -> str:
    """How much “recommended” looks at “books” in a head, as the pipeline writes it."""
    trace = load("study-decoder").trace(BOOKS["sentence"])
    return percent(trace["decoder.3.attn.pattern"][head, 6, 2])


def step_shown(page) -> str:
    """The step of attention that is large."""
    return page.view.locator(".steps button[aria-pressed=true] .name").inner_text()


@pytest.mark.slow
def test_the_five_steps_by_button_and_by_key(visit):
    page = visit("Attention", ask=0)
    assert step_shown(page) == "1 Query"
    page.do(lambda: page.view.get_by_role("button", name="Next →", exact=True).click())
    assert step_shown(page) == "2 Keys" and choices(page)["stage"] == "1"
    page.view.locator(".steps button").nth(1).focus()
    page.do(lambda: page.view.keyboard.press("ArrowRight"))
    page.do(lambda: page.view.keyboard.press("ArrowRight"))
    assert step_shown(page) == "4 Softmax"
    page.do(lambda: page.view.keyboard.press("ArrowLeft"))
    assert step_shown(page) == "3 Scores" and choices(page)["stage"] == "2"
    page.do(lambda: page.view.locator(".steps button").nth(4).click())
    assert step_shown(page) == "5 Values" and choices(page)["stage"] == "4"


@pytest.mark.slow
def test_a_click_on_a_thumbnail_is_answered_before_the_page_follows(visit):
    page = visit("Attention", **BOOKS)
    answered = (
        page.view.locator(".steps button")
        .nth(3)
        .evaluate(
            """(button) => { button.click()
        const share = button.getRootNode().querySelector("[data-id=a2]")
        return [button.getAttribute("aria-pressed"), share.textContent] }"""
        )
    )
    assert answered == ["true", weight_of_books()]
    page.wait(lambda: choices(page).get("stage") == "3")


def written_in(page) -> dict[str, str]:
    """The numbers that the pipeline has written, by the cell that each opens."""
    page.wait(lambda: page.view.locator("[data-moving=false]").count() == 1)
    found = page.view.locator(".texts button[data-cell]").all()
    return {each.get_attribute("data-cell"): each.inner_text() for each in found}


@pytest.mark.slow
def test_what_stands_at_the_end_of_a_motion_is_the_trace(visit):
    trace = load("study-decoder").trace(BOOKS["sentence"])
    page, at = visit("Attention", **BOOKS, stage=2), "decoder.3.attn"
    for token in (6, 4):
        scores_M = trace[f"{at}.scores"][4, token]
        page.wait(lambda: len(written_in(page)) > 0)
        shown = written_in(page)
        assert [shown[f"scores,{m}"] for m in range(7)] == [
            "−∞, hidden by the mask" if not np.isfinite(x) else f"{x:.1f}".replace("-", "−")
            for x in scores_M
        ]
        page.do(lambda: page.view.locator(".steps button").nth(3).click())
        shown, pattern_M = written_in(page), trace[f"{at}.pattern"][4, token]
        assert [shown[f"pattern,{m}"] for m in range(7)] == [percent(a) for a in pattern_M]
        assert shown["total"] == f"{trace[f'{at}.pattern.total'][4, token]:.3f}"
        page.do(lambda: page.view.locator(".steps button").nth(2).click())
        if token == 6:
            page.do(lambda: page.view.get_by_role("button", name="the (4)").click())
    assert choices(page)["token"] == "4"


@pytest.mark.slow
def test_the_line_over_the_figure_changes_it_before_the_page_follows(visit):
    page = visit("Attention", **BOOKS, stage=3)
    assert written_in(page)["pattern,2"] == weight_of_books()
    page.view.get_by_role("button", name="Previous head").click()
    assert written_in(page)["pattern,2"] == weight_of_books(head=3) != weight_of_books()
    page.settle()
    assert choices(page)["head"] == "3"


@pytest.mark.slow  # cells and arrows: test_pipeline_geometry.py
def test_a_cell_of_the_pipeline_opens_by_mouse_and_by_key(visit):
    trace = load("study-decoder").trace(BOOKS["sentence"])
    page = visit("Attention", **BOOKS, stage=1)
    written_in(page)
    canvas = page.view.locator("canvas.cells")
    box = canvas.bounding_box()
    page.do(lambda: page.view.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 150))
    name, index, _ = opened_number(page)
    assert name == "decoder.3.attn.k" and index[:2] == (4, 2)
    check_number(page, trace, name)
    canvas.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.view.keyboard.press(key)
    page.do(lambda: page.view.keyboard.press("Enter"))
    assert check_number(page, trace, "decoder.3.attn.k") == (4, 0, 1)


@pytest.mark.slow
def test_play_walks_on_by_itself_and_stops(visit):
    page = visit("Attention", ask=0, stage=3)
    page.view.get_by_role("button", name="Play").click()
    page.view.get_by_role("button", name="Stop").wait_for()
    page.wait(lambda: choices(page).get("stage") == "4", seconds=20)
    page.view.get_by_role("button", name="Play").wait_for()
    page.wait(lambda: page.view.get_by_text("What does expensive take").count() > 0)


@pytest.mark.slow  # all heads: the same click, in a quick test below
def test_a_click_on_a_map_opens_the_number_of_the_trace(visit, traced):
    page = visit("Attention", ask=0, stage=2, layer=1, head=5, token=7, depth="numbers")
    click_cell(page, 0, 6, 2, columns=11)
    assert check_number(page, traced(), "encoder.1.attn.scores") == (5, 6, 2)


def test_what_the_mask_blocks_is_hatched_and_says_so(visit, traced):
    page, pattern_LM = (
        visit("Attention", ask=0, stage=3, layer=1, head=5, mask="decoder", depth="numbers"),
        traced("decoder")["encoder.1.attn.pattern"][5],
    )
    tip = page.view.locator("[class*=st-key-map-] .tip")
    point_at(page, 0, 3, 7, columns=11)
    page.wait(lambda: tip.inner_text().split("\n") == ["that → is", "0 (blocked)"])
    point_at(page, 0, 7, 3, columns=11)
    page.wait(lambda: tip.inner_text().split("\n") == ["is → that", number(pattern_LM[7, 3])])
    shades = """(canvas, [row, column]) => {
      const brush = canvas.getContext("2d"), wide = (canvas.width - 3) / 11, found = []
      const { data } = brush.getImageData((column + 0.2) * wide, (row + 0.5) * 25 - 6, 12, 12)
      for (let i = 0; i < data.length; i += 4) found.push(data[i] + data[i + 1] + data[i + 2])
      return [Math.min(...found), Math.max(...found)]
    }"""
    blocked, largest, small = (
        page.view.locator("canvas.picture").first.evaluate(shades, list(cell))
        for cell in ((3, 7), (0, 0), (9, 1))
    )
    assert blocked[1] - blocked[0] > 60  # two tones: lines on a ground
    assert largest[0] == largest[1] < small[0] == small[1]  # on the light page more is darker


@pytest.mark.slow
def test_a_folded_vector_says_which_dimension_it_is(visit, traced):
    page, x_LD = visit("Attention", token=7, depth="numbers"), traced()["encoder.0.attn.in"]
    canvas = page.view.locator("canvas.picture").first
    canvas.wait_for()
    canvas.hover(position={"x": 5.5 * (canvas.bounding_box()["width"] - 3) / 32, "y": 2.5 * 15})
    tip = page.view.locator(".tip").filter(has_text="dimension")
    assert tip.inner_text().split("\n") == ["dimension 69", number(x_LD[7, 69])]


@pytest.mark.slow
def test_every_number_of_the_softmax_table_is_of_the_trace_and_opens(visit, traced):
    page, trace = (
        visit(
            "Attention", ask=0, stage=3, layer=1, head=5, token=7, mask="decoder", depth="numbers"
        ),
        traced("decoder"),
    )
    steps = ("scores", "pattern.power", "pattern.exp", "pattern")
    page.view.locator("tfoot button.number").first.wait_for()
    shown = [
        [cell.inner_text() for cell in row.locator("button.number").all()]
        for row in page.view.locator("tbody tr").all()
        if row.locator("button.number").count()
    ]
    assert shown == [
        [number(trace[f"encoder.1.attn.{step}"][5, 7, m]) for step in steps] for m in range(11)
    ]
    assert shown[8][0] == "−∞" and shown[8][3] == "0"
    totals = page.view.locator("tfoot button.number")
    page.do(lambda: totals.first.click())
    assert check_number(page, trace, "encoder.1.attn.pattern.power.total") == (5, 7)
    page.do(lambda: totals.last.click())
    assert check_number(page, trace, "encoder.1.attn.pattern.total") == (5, 7)


@pytest.mark.parametrize(
    "title, stage, size",
    one_in(
        2,
        [
            ("Heads", 0, DESK),
            ("Heads", 0, TELEPHONE),
            ("Attention", 4, DESK),
            ("Every number", 0, DESK),
            ("Attention", 4, TELEPHONE),
            ("Every number", 0, TELEPHONE),
        ],
    ),
)
@pytest.mark.slow
def test_an_opened_number_is_in_sight_where_one_clicked_and_can_be_closed(
    visit, title, stage, size
):
    page = visit(title, size, stage=stage)
    picture = page.view.locator("canvas.cells" if title == "Attention" else "canvas.picture").first
    picture.wait_for()
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    wide, tall = min(box["width"], size[0] - box["x"]), min(box["height"], 300)
    across, down = (
        (0.7 * wide, box["height"] - 25) if title == "Attention" else (0.43 * wide, 0.4 * tall)
    )
    at = (box["x"] + across, box["y"] + down)  # of attention: z, below the values
    page.view.mouse.move(*at)
    page.view.wait_for_timeout(150)
    page.do(lambda: page.view.mouse.click(*at))
    title_box = page.view.locator(".number h3").first.bounding_box()
    assert 0 <= title_box["y"] < size[1] - 20 and title_box["x"] < size[0]
    close = page.view.get_by_role("button", name="Close")
    end_of_words = title_box["x"] + title_box["width"] - 64  # the room that the title leaves free
    assert close.bounding_box()["x"] >= end_of_words
    page.do(close.click)
    page.wait(lambda: "cell" not in choices(page))


@pytest.mark.slow
def test_a_page_that_is_opened_in_a_tab_of_its_own_shows_the_same_place(visit):
    page = visit("Attention", layer=2, head=5)
    page.do(lambda: page.view.locator(".st-key-place .chip").nth(2).click())
    link = page.view.locator(".st-key-rail a", has_text="Heads")
    with page.view.context.expect_page() as opened:
        link.click(button="middle")
    opened.value.wait_for_url("**/Heads?**")
    asked = parse_qs(urlsplit(opened.value.url).query)
    assert asked["token"] == ["2"] and asked["head"] == ["5"] and "cell" not in asked
    assert "/Attention" in page.view.url  # the page that was there stays


def test_on_a_telephone_the_rail_leads_on_and_the_tour_begins(visit):
    page = visit(size=TELEPHONE)
    page.do(lambda: page.view.get_by_role("link", name="Heads", exact=True).click())
    page.wait(lambda: "/Heads" in page.view.url)
    page.do(lambda: page.view.get_by_role("button", name="Tour").click())
    page.view.get_by_role("button", name="Next", exact=True).wait_for()
    assert page.view.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_all_heads_hover_click_and_keys(visit, traced):
    page, trace = visit("Heads", layer=2), traced()
    canvas = page.view.locator(".st-key-heads canvas.picture")
    canvas.scroll_into_view_if_needed()
    page.view.wait_for_timeout(500)  # until the pictures above have taken their room
    box = canvas.bounding_box()
    page.view.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.15 * box["height"])
    tip = page.view.locator(".st-key-heads .tip").inner_text().split("\n")
    page.do(
        lambda: page.view.mouse.click(
            box["x"] + 0.75 * box["width"], box["y"] + 0.15 * box["height"]
        )
    )
    head, row, column = check_number(page, trace, "encoder.2.attn.pattern")
    tokens = [
        "[CLS]",
        "the (1)",
        "book",
        "that",
        "the (4)",
        "student",
        "recommended",
        "is",
        "expensive",
        ".",
        "[SEP]",
    ]
    assert tip == [
        f"Head {head}",
        f"{tokens[row]} → {tokens[column]}",
        number(trace["encoder.2.attn.pattern"][head, row, column]),
    ]
    assert choices(page)["head"] == str(head) and choices(page)["token"] == str(row)
    canvas.focus()
    for key in ("ArrowRight", "ArrowDown"):
        canvas.press(key)
    page.do(lambda: canvas.press("Enter"))
    assert check_number(page, trace, "encoder.2.attn.pattern")[0] == head


def test_a_click_on_a_head_is_seen_at_once(visit):
    """Before the page has been drawn again: in the same task of the browser as the click."""
    page = visit("Heads", layer=2)
    canvas = page.view.locator(".st-key-heads canvas.picture")
    changed = """canvas => {
      const box = canvas.getBoundingClientRect(), before = canvas.toDataURL()
      const [clientX, clientY] = [box.x + 0.627 * box.width, box.y + 0.6 * box.height]
      canvas.dispatchEvent(new MouseEvent("click", { clientX, clientY, bubbles: true }))
      return canvas.toDataURL() !== before
    }"""
    page.do(lambda: canvas.evaluate(f"canvas => {{ globalThis.seen = ({changed})(canvas) }}"))
    assert page.view.evaluate("seen")
    page.wait(lambda: choices(page).get("head") == "9")


@pytest.mark.slow
def test_the_table_of_all_roles_switches_its_text_and_leads_to_a_head(visit, traced):
    page = visit("Heads", cards="heads-every")
    table = page.view.locator(".st-key-heads_every")
    runs, names = page.runs, table.locator(".head .name")
    here = names.all_inner_texts()
    table.get_by_role("button", name="On random tokens, twice").click()
    assert names.all_inner_texts() != here and page.runs == runs  # no run of the page was needed
    roles_HO = traced()["encoder.0.attn.pattern.roles"]
    assert here[2] == "previous" and roles_HO[2, :-1].argmax() == 0
    head = table.locator(".head")
    assert head.count() == 72 and table.locator(".head[tabindex='0']").count() == 1
    head.first.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.view.keyboard.press(key)
    page.do(lambda: page.view.keyboard.press("Enter"))
    assert (choices(page)["layer"], choices(page)["head"]) == ("1", "2")
    assert table.locator("[aria-pressed=true]").inner_text() == "On random tokens, twice"


@pytest.mark.slow
def test_the_bars_of_what_heads_add_are_as_long_as_their_shares(visit, traced):
    page, trace = visit("Heads", layer=0, token=8, cards="heads-adds"), traced()
    lines = page.view.locator(".st-key-heads_add .line")
    page.wait(lambda: lines.count() == 14)
    places = lines.evaluate_all(
        """lines => lines.map((line) => {
          const box = line.getBoundingClientRect(), bar = line.firstChild.getBoundingClientRect()
          return [(bar.left - box.left) / box.width, bar.width / box.width]
        })"""
    )
    at = "encoder.0.attn.heads.share"
    shares = [*trace[at][:, 8].tolist(), float(trace[f"{at}.bias"][8]), 1.0]
    low = min(shares)
    assert low < 0 and len(places) == 14
    for (start, wide), share in zip(places, shares, strict=True):
        assert start == pytest.approx((min(share, 0) - low) / (1 - low), abs=0.01)
        assert wide == pytest.approx(abs(share) / (1 - low), abs=0.01)


@pytest.mark.slow
def test_a_thumbnail_chooses_layer_and_head_and_a_line_a_token(visit):
    page = visit("Layers")
    thumbnail = page.view.get_by_role("button", name="Layer 5, head 7", exact=True)
    thumbnail.scroll_into_view_if_needed()
    page.do(thumbnail.click)
    assert thumbnail.get_attribute("aria-pressed") == "true"
    page.wait(lambda: {"layer": "5", "head": "7"}.items() <= choices(page).items())
    thumbnail.focus()
    page.view.keyboard.press("ArrowUp")
    page.do(lambda: page.view.keyboard.press("Enter"))
    page.wait(lambda: {"layer": "4", "head": "7"}.items() <= choices(page).items())
    page.do(lambda: page.view.get_by_role("link", name="Heads", exact=True).click())
    page.do(lambda: page.view.get_by_text(re.compile("Which tokens does head")).click())
    page.do(lambda: page.view.locator(".left button").nth(2).click())
    assert choices(page)["token"] == "2"
    assert page.view.get_by_role("button", name="Token 2:").get_attribute("aria-pressed") == "true"


@pytest.mark.slow
def test_the_lines_show_the_weights_of_the_token_one_rests_on(visit, traced):
    page = visit("Heads", layer=1, head=4, cards="heads-lines")
    pattern_LM = traced()["encoder.1.attn.pattern"][4]
    page.view.locator(".left button").nth(6).hover()
    weights = pytest.approx(pattern_LM[6].tolist(), rel=1e-3)

    def shown():
        texts = page.view.locator(".right .value").all_inner_texts()
        return [float(text.replace("−", "-")) for text in texts]

    page.wait(lambda: shown() == weights)  # a late drawing is redone under the resting mouse


@pytest.mark.slow
def test_a_weight_under_the_other_mask_opens_with_that_mask(visit, traced):
    page = visit("Encoder and decoder", layer=1, head=3)
    click_cell(page, 1, 6, 4, columns=11)
    page.wait(lambda: choices(page).get("mask") == "decoder")
    assert check_number(page, traced("decoder"), "encoder.1.attn.pattern") == (3, 6, 4)
    click_cell(page, 0, 6, 9, columns=11)
    page.wait(lambda: "mask" not in choices(page))
    assert check_number(page, traced(), "encoder.1.attn.pattern") == (3, 6, 9)


MAIN = {
    "Tokens": ("[class*=st-key-pieces] .chosen .strip", r"encoder\.embed\.token", {}),
    "Positions": ("[class*=st-key-places-added] .strip", r"encoder\.embed\.token", {}),
    "Attention": (
        ".texts button.figure",
        r"encoder\.1\.attn\.scores\.scaled",
        {"stage": 3, "ask": 0},
    ),
    "Heads": (".st-key-heads canvas.picture", r"encoder\.1\.attn\.pattern", {}),
    "Add and norm": ("[class*=st-key-addnorm-way] .strip", r"encoder\.1\.attn\.in", {}),
    "Feed-forward": ("[class*=st-key-ff] button.neuron", r"encoder\.1\.mlp\.hidden", {}),
    "Layers": (
        ".st-key-layers button.number >> nth=2",
        r"encoder\.0\.(attn|mlp)\.out\.relative",
        {},
    ),
    "Encoder and decoder": ("canvas.picture", r"encoder\.1\.attn\.pattern", {}),
    "Before attention": (
        ".st-key-before-terms canvas.picture",
        r"encoder\.0\.mlp\.pre\.terms\.\d+\.\d+",
        {"cards": "before-neuron"},
    ),
    "Every number": ("canvas.picture", r"encoder\.1\.attn\.z", {"step": "encoder.1.attn.z"}),
}


@pytest.mark.one_in(10)
@pytest.mark.parametrize("title", MAIN)
def test_the_main_click_of_each_page_opens_a_number_of_the_trace(visit, traced, title):
    selector, step, asked = MAIN[title]
    page = visit(title, layer=1, head=4, **asked)
    target = page.view.locator(selector).first
    target.wait_for()
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    inside = {"x": min(box["width"], 300) * 0.45, "y": min(box["height"], 100) * 0.45}
    for _ in range(2):  # charts arrive late and push what is below them: where it is now, it stays
        target.hover(position=inside)
        page.view.wait_for_timeout(400)
    target.hover(position=inside)
    page.do(lambda: (page.view.mouse.down(), page.view.mouse.up()))
    name, _, _ = opened_number(page)
    assert re.fullmatch(step, name)
    check_number(page, traced(), name)


@pytest.mark.slow
def test_a_word_of_the_output_opens_and_the_drawn_word_is_appended(visit, smollm2):
    text = "The capital of France is Paris. The capital of Italy is"
    page, trace = visit("Output", model="smollm2", sentence=text), smollm2.trace(text)
    page.do(page.view.locator(".st-key-output-next button.value").first.click)
    name, index, _ = opened_number(page)
    assert name == "head.probs" and check_number(page, trace, name) == (
        11,
        int(trace["head.probs"][11].argmax()),
    )
    page.do(lambda: page.view.get_by_role("button", name="Append the likeliest").click())
    page.wait(lambda: choices(page)["sentence"] == text + " Rome")
    page.do(lambda: page.view.get_by_role("button", name="Undo").click())
    page.wait(lambda: choices(page)["sentence"] == text)


@pytest.mark.slow
def test_what_a_button_far_below_did_comes_into_sight_with_its_undo(visit):
    given = {"model": "study-decoder", "sentence": OPENING, "output_branch": "0", "ask": "0"}
    page = visit("Output", cards="output-beams", **given)
    page.do(lambda: page.view.get_by_role("button", name="Read this text").click())
    report = page.view.get_by_text("It was appended").first
    undo = page.view.get_by_role("button", name="Undo", exact=True)
    height = page.view.evaluate("innerHeight")
    page.wait(lambda: all(0 < each.bounding_box()["y"] < height - 40 for each in (report, undo)))


@pytest.mark.slow  # that choices are kept: tests/ui/test_selection.py
def test_the_depth_is_kept_from_page_to_page(visit):
    page = visit("Attention", ask=0, stage=3)
    page.do(lambda: page.view.get_by_role("radio", name="Code", exact=True).click())
    assert choices(page)["depth"] == "code"
    page.view.get_by_text(
        'pattern_HLM = at.put("pattern_HLM", softmax(scores_HLM))'
    ).first.wait_for()
    page.view.get_by_text("H 12 × L 11 × M 11").first.wait_for()
    page.do(lambda: page.view.get_by_role("link", name="Heads →").click())
    page.wait(lambda: "/Heads" in page.view.url)
    assert choices(page)["depth"] == "code"
    page.do(lambda: page.view.get_by_role("radio", name="Formula", exact=True).click())
    page.view.locator(".katex").first.wait_for()


@pytest.mark.slow
def test_the_tour_waits_for_a_guess_and_rings_first_the_question_then_the_picture(visit):
    page = visit("Attention", **MYSTERY, tour=3, stage=2, ask="1")
    words, ring = page.view.locator(".st-key-tour"), page.view.locator(".st-key-ring .root")

    def rung(selector: str) -> bool:
        where, around = page.view.locator(selector).bounding_box(), ring.bounding_box()
        return around and around["y"] == pytest.approx(where["y"] - 11, abs=3)

    page.wait(lambda: rung(".st-key-quiz"))
    assert "First, a guess" in words.inner_text() and "fits best" not in words.inner_text()
    answers = page.view.locator(".st-key-quiz button")
    page.do(lambda: answers.get_by_text("queen", exact=True).click())
    page.wait(lambda: "fits best" in words.inner_text())
    page.wait(lambda: rung(".st-key-pipeline-attn"))


@pytest.mark.slow
def test_the_tour_walks_from_page_to_page_and_rings_what_it_speaks_of(visit):
    page = visit(model="study-encoder")
    page.do(lambda: page.view.get_by_role("button", name="Tour").click())
    for stop in STOPS[1:]:
        page.do(lambda: page.view.get_by_role("button", name="Next", exact=True).click())
        page.wait(lambda stop=stop: stop.page.title in page.view.title())
        page.settle()
        part, ring = (
            page.view.locator(stop.points_at).first,
            page.view.locator(".st-key-ring .root"),
        )
        page.wait(lambda ring=ring: ring.is_visible())

        def rung(part=part, ring=ring) -> bool:
            where, around = part.bounding_box(), ring.bounding_box()
            return (
                around["y"] == pytest.approx(where["y"] - 11, abs=2)  # 8 px away, and 3 px wide
                and around["width"] == pytest.approx(where["width"] + 22, abs=2)
                and (around["y"] >= 0 or around["height"] > 900)  # it was brought into sight
                and (around["y"] + around["height"] <= 900 or around["y"] < 40)
            )

        page.wait(rung, seconds=5)
    assert choices(page).get("model", catalogue.default()) == "study-decoder"
    page.do(lambda: page.view.get_by_role("button", name="Back", exact=True).click())
    page.wait(lambda: "Cross" in page.view.title())
    assert choices(page)["model"] == "study-encoder"  # the reader's own again
    page.do(lambda: page.view.get_by_role("button", name="End tour").click())
    assert "tour" not in choices(page)


def test_a_click_on_a_token_chooses_it(visit):
    page = visit("Heads")
    page.do(lambda: page.view.get_by_role("button", name="Token 3:").click())
    assert choices(page)["token"] == "3"
    assert page.view.get_by_role("button", name="Token 3:").get_attribute("aria-pressed") == "true"


def test_walking_from_a_weight_in_a_pattern_to_its_operands_and_back(visit):
    page = visit("Every number", cell="encoder.0.attn.pattern:3,2,5")
    page.do(lambda: page.view.locator("button.link").first.click())
    assert choices(page)["cell"] == "encoder.0.attn.pattern.exp:3,2,5"
    assert page.view.locator(".number h3").first.inner_text() == "Exponential of the score"
    page.do(lambda: page.view.get_by_role("button", name="Back", exact=True).press("Enter"))
    assert choices(page)["cell"] == "encoder.0.attn.pattern:3,2,5"


@pytest.mark.parametrize(
    "title, size, theme",
    one_in(
        2,
        [
            ("Attention", DESK, "light"),
            ("Heads", DESK, "dark"),
            ("Heads", TELEPHONE, "light"),
            ("Attention", TELEPHONE, "dark"),
        ],
    ),
)
@pytest.mark.slow
def test_the_way_to_all_operands_is_in_sight_wherever_the_panel_is(visit, title, size, theme):
    size = (size[0], min(size[1], 640))  # so low that the panel has to be scrolled
    page = visit(title, size, theme, stage=2, cell="encoder.0.attn.scores.dot:3,2,5")
    button = page.view.get_by_role("button", name="All 32 as a table")
    button.wait_for()
    panel = page.view.locator("[class*=st-key-number-beside-opened], .st-key-number-over").first
    page.view.wait_for_timeout(800)
    panel.evaluate("""panel => {
        const page = document.querySelector("[data-testid=stMain]")
        page.scrollBy(0, panel.getBoundingClientRect().top - 80)
    }""")
    page.view.wait_for_timeout(300)
    inside = button.evaluate("""button => {
        let box = button.getRootNode().host
        while (getComputedStyle(box).overflowY !== "auto") box = box.parentElement
        const edge = box.getBoundingClientRect(), own = button.getBoundingClientRect()
        const x = own.x + own.width / 2, y = own.y + own.height / 2
        let top = document.elementFromPoint(x, y)
        while (top?.shadowRoot) top = top.shadowRoot.elementFromPoint(x, y)
        return [box.scrollHeight > box.clientHeight, own.top >= edge.top,
                own.bottom <= Math.min(edge.bottom, innerHeight), top === button]
    }""")
    assert inside == [True, True, True, True]  # more than fits, and still in reach
    page.do(button.click)
    page.view.get_by_role("button", name="Hide the table").wait_for()


@pytest.mark.slow
def test_all_operands_can_be_listed(visit):
    page = visit("Every number", cell="encoder.0.attn.q:3,2,5")
    page.do(lambda: page.view.get_by_role("button", name="All 384 as a table").click())
    page.view.locator("tbody button.number").first.wait_for()
    assert page.view.locator("tbody button.number").count() == 384 * 3
    page.do(lambda: page.view.locator("tbody tr").nth(7).locator("button.number").nth(1).click())
    assert choices(page)["cell"] == "weights/encoder.0.attn.q.weight:7,101"


NOWHERE = dict.fromkeys(
    ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"
)


def test_the_first_start_needs_no_network_and_no_cache(browser, tmp_path):
    """A real sentence, real attention, real guesses, from what lies in the repository."""
    with (
        serve(GLASSFORMER_CACHE=str(tmp_path), HF_HOME=str(tmp_path), **NOWHERE) as empty,
        tab(browser, empty) as page,
    ):
        page.view.locator(".st-key-river canvas").first.wait_for()
        page.view.get_by_role("heading", name="Which word comes next: she or it?").wait_for()
        assert not page.problems and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_pretrained_model_is_fetched_from_the_side_bar(browser, tmp_path):
    """On a machine without any of them; the download is a real one."""
    with (
        serve(GLASSFORMER_CACHE=str(tmp_path), HF_HOME=str(tmp_path)) as empty,
        tab(browser, f"{empty}/?model=minilm") as page,
    ):
        page.view.get_by_role("button", name="Fetch it, 84 MB").click()
        page.view.get_by_role("progressbar").first.wait_for()
        read = page.view.get_by_role("heading", name="Which word does its context change most?")
        read.or_(
            page.view.locator("[data-testid=stAlert]").filter(has_text="fetched")
        ).first.wait_for(timeout=240_000)
        if page.view.locator("[data-testid=stAlert]").filter(has_text="fetched").count():
            pytest.skip("this machine has no network")
        assert read.count() == 1 and not page.problems


@pytest.mark.slow
def test_a_model_that_has_arrived_stays_chosen_at_the_next_clicks(browser, tmp_path, minilm):
    here = catalogue.find("minilm")
    with serve(GLASSFORMER_CACHE=str(tmp_path), HF_HOME=str(tmp_path)) as empty:
        with tab(browser, f"{empty}/?model=minilm") as page:
            page.view.get_by_role("button", name="Fetch it, 84 MB").wait_for()
            shutil.copytree(here, tmp_path / "minilm")
            for token in (1, 3, 2):
                page.do(part(page, f"token/encoder/{token}").click)
                page.view.get_by_role("heading", name="Which word does its context").wait_for()
                assert choices(page)["token"] == str(token)
            assert not page.problems


@pytest.mark.slow
def test_a_written_word_shows_what_it_came_from_at_once_and_its_weights_open(visit):
    trace = load("study-translator").trace("The red car is fast.")
    page = visit(
        "Cross-attention", model="study-translator", sentence="The red car is fast.", ask=0
    )
    word = page.view.locator(".written button[aria-pressed=true]")
    assert word.inner_text() == "rouge"
    page.view.get_by_text("Head 1 of layer 3 gave").wait_for()
    answered = page.view.locator(".written button", has_text="voiture").evaluate(
        """(button) => { button.click()
        const row = button.getRootNode().querySelectorAll(".source")[2]
        return [row.className, row.querySelector(".number").textContent] }"""
    )
    assert answered == ["source most", percent(trace["decoder.3.cross.pattern"][1, 1, 2])]
    page.settle()
    page.view.get_by_text("Which source word does voiture come from?").wait_for()
    page.do(lambda: page.view.locator(".source.most button[data-name=share]").click())
    assert check_number(page, trace, "decoder.3.cross.z.share") == (1, 1, 2)


@pytest.mark.slow
def test_another_mask_leads_to_the_model_that_was_trained_under_it(visit):
    page = visit(model="study-encoder", mask="decoder")
    page.do(lambda: page.view.get_by_role("button", name="Switch to study-decoder").first.click())
    page.wait(lambda: choices(page).get("model", catalogue.default()) == "study-decoder")
    page.wait(lambda: "mask" not in choices(page))
    assert page.view.get_by_text("Another mask:").count() == 0


@pytest.mark.one_in(5)
@pytest.mark.parametrize("title", one_in(8, PATHS))
def test_a_hostile_link_runs_nothing_and_asks_nobody(visit, title):
    harm = (
        "<img src=https://evil.example/x.png onerror=alert(1)> ![x](https://evil.example/y.png) "
        "<script>alert(1)</script>"
    )
    page = visit(
        title,
        sentence=harm,
        model="../../etc/passwd",
        layer="999",
        cell="<b>x</b>:1",
        mask="<script>",
    )
    assert (
        page.view.locator("[data-testid=stAlert]").count() >= 1
    )  # it says what was wrong; problems: see visit
    assert page.view.locator("img[src*=evil]").count() == 0


def part(page, act: str, kind: str = ""):
    """A part of the map on the overview."""
    return page.view.locator(f'.st-key-river button{kind}[data-act="{act}"]').first


@pytest.mark.slow
def test_a_click_on_the_map_opens_its_number_and_every_title_leads_on(visit, traced):
    page, trace = visit(layer=1, head=4), traced()
    strip = part(page, "encoder.1.attn.q", ".strip")
    box = strip.bounding_box()
    at = {"x": 0.4 * box["width"], "y": 3.5 / 11 * box["height"]}
    strip.hover(position=at)
    shown, where, dimension = page.view.locator(".st-key-river .tip").inner_text().split("\n")
    assert where == "Query · “that” · head 4"
    place = int(re.match(r"dimension (\d+), middle-sized of", dimension)[1])
    assert shown == number(trace["encoder.1.attn.q"][4, 3, place], 4)
    page.do(lambda: strip.click(position=at))
    assert check_number(page, trace, "encoder.1.attn.q") == (4, 3, place)
    page.do(lambda: page.view.get_by_role("button", name="Close").click())
    page.do(lambda: part(page, "token/encoder/2").click())
    page.do(lambda: part(page, "layer/encoder/3").click())
    assert choices(page)["token"] == "2" and choices(page)["layer"] == "3"
    part(page, "encoder.3.attn.k", ".title").focus()
    page.do(lambda: page.view.keyboard.press("Enter"))
    page.wait(lambda: "/Attention" in page.view.url)
    assert {"layer": "3", "head": "4", "token": "2", "stage": "1"}.items() <= choices(page).items()


DECIDES = decision_of(RunRequest("study-decoder", OPENING))
MYSTERY = {
    "model": "study-decoder",
    "sentence": OPENING,
    "layer": DECIDES.layer,
    "head": DECIDES.head,
}
RIVER = ".st-key-river"


def canvas_of(page) -> str:
    return page.view.locator(f"{RIVER} canvas").first.evaluate("canvas => canvas.toDataURL()")


def skipped(page) -> None:
    """The picture at the end of its motion, now."""
    page.view.keyboard.press("Escape")
    ended(page)


def ended(page) -> None:
    """Until nothing moves any more."""
    page.wait(lambda: page.view.locator(f"{RIVER} .play").get_attribute("aria-label") == "Play")


def test_one_click_answers_the_question_of_the_first_screen(visit):
    page = visit(**MYSTERY)
    question = page.view.locator(f"{RIVER} h1")
    assert question.inner_text() == (
        "Which word comes next: she or it? One of this model’s 20 attention heads decides."
    )
    page.do(lambda: part(page, "try/head").click())
    assert choices(page)["change"] == DECIDES.change
    said = f"Without head {DECIDES.head} of layer {DECIDES.layer}, “it” beats “she”: "
    assert question.inner_text().startswith(said)
    assert page.view.locator(f"{RIVER} .tries .main").all_inner_texts() == ["Restore this head"]
    assert part(page, "word/1").count() == 0  # bars are of words of this run alone
    page.do(lambda: part(page, "try/head").click())
    assert "change" not in choices(page) and question.inner_text().startswith("Which word comes")


@pytest.mark.parametrize("skip", one_in(2, ("Escape", "wait", "click", "Skip")))
@pytest.mark.slow
def test_the_motion_ends_with_the_picture_as_it_is_without_motion(visit, skip):
    page = visit(**MYSTERY)
    ended(page)
    still = canvas_of(page)
    page.view.locator(f"{RIVER} .play").click()
    page.view.wait_for_timeout(700)
    assert canvas_of(page) != still
    if skip == "Escape":
        page.view.keyboard.press("Escape")
    elif skip == "click":
        page.view.locator(f"{RIVER} h1").click()
    elif skip == "Skip":
        page.view.locator(f"{RIVER} .skip").click()
    page.wait(lambda: canvas_of(page) == still, seconds=2 if skip != "wait" else 20)
    ended(page)


@pytest.mark.slow
def test_where_motion_is_not_wanted_the_end_stands_there_at_once(browser, address):
    query = "&".join(f"{key}={quote(str(value))}" for key, value in MYSTERY.items())
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    view = context.new_page()
    view.goto(f"{address}/?v=2&{query}")
    view.locator(f"{RIVER} .play[aria-label=Play]").wait_for()
    first = view.locator(f"{RIVER} canvas").first.evaluate("canvas => canvas.toDataURL()")
    view.wait_for_timeout(600)
    later = view.locator(f"{RIVER} canvas").first.evaluate("canvas => canvas.toDataURL()")
    context.close()
    assert first == later


@pytest.mark.slow
def test_each_of_the_six_marks_stops_at_its_part_and_says_what_it_shows(visit):
    page = visit(**MYSTERY)
    skipped(page)
    marks, seen = page.view.locator(f"{RIVER} .mark"), []
    for i in range(marks.count()):
        marks.nth(i).click()
        seen.append((page.view.locator(f"{RIVER} .caption").inner_text(), canvas_of(page)))
        assert marks.nth(i).get_attribute("aria-current") == "step"
    assert len(seen) == 6 and len({words for words, _ in seen}) == 6
    assert len({canvas for _, canvas in seen}) == 6
    assert marks.all_inner_texts() == MARKS
    assert seen[2][0].startswith("Layers 0–2 come first")
    assert "“because” looks most at “queen”" in seen[3][0]


MARKS = ["tokens", "positions", "layers 0–2", "attention", "feed-forward", "guess"]


@pytest.mark.slow
def test_dot_label_and_stop_of_the_scrubber_stand_in_one_place(visit):
    page = visit(**MYSTERY)
    skipped(page)
    middles = """(player) => {
      const middle = (element) => { const { left, width } = element.getBoundingClientRect()
        return left + width / 2 }
      const mark = player.querySelector(".mark[aria-current]"), text = document.createRange()
      text.selectNodeContents(mark)
      const { right } = player.querySelector(".play").getBoundingClientRect()
      return [...[mark, text, player.querySelector(".head")].map(middle), mark.textContent, right,
        text.getBoundingClientRect().left]
    }"""
    for mark in page.view.locator(f"{RIVER} .mark").all():
        mark.click()
        page.view.wait_for_timeout(300)  # the dot slides
        stop, label, dot, name, play, left = page.view.locator(f"{RIVER} .player").evaluate(middles)
        assert name == mark.inner_text() and left > play
        assert stop == pytest.approx(label, abs=1) == pytest.approx(dot, abs=1)


@pytest.mark.slow
def test_no_sentence_changes_while_all_of_it_plays(visit):
    page = visit(**MYSTERY)
    skipped(page)
    caption = page.view.locator(f"{RIVER} .caption")
    assert caption.is_visible()
    page.view.locator(f"{RIVER} .play").click()
    assert not caption.is_visible()
    page.view.locator(f"{RIVER} .play").click()  # pauses
    assert caption.is_visible() and caption.inner_text()


def strokes(page) -> list[list]:
    """The lines that light up over the picture: colour, width, dash."""
    return page.view.evaluate("window.strokes.splice(0)")


LISTEN = """() => {
  window.strokes = []
  const { stroke } = CanvasRenderingContext2D.prototype
  CanvasRenderingContext2D.prototype.stroke = function (...given) {
    if (this.canvas.className === "glow")
      window.strokes.push([this.strokeStyle, this.lineWidth, this.getLineDash()])
    return stroke.apply(this, given)
  }
}"""


@pytest.mark.slow
def test_a_weight_that_is_pointed_at_is_drawn_as_wide_as_it_is(visit):
    page = visit(**MYSTERY)
    skipped(page)
    page.view.evaluate(LISTEN)
    grid = page.view.locator(f"{RIVER} button.map")
    pattern_LM = load("study-decoder").trace(OPENING)[f"decoder.{DECIDES.layer}.attn.pattern"][
        DECIDES.head
    ]
    for row, column in ((4, 2), (4, 3), (6, 2)):
        box, weight = grid.bounding_box(), float(pattern_LM[row, column])
        strokes(page)
        page.view.mouse.move(
            box["x"] + (column + 0.5) * box["width"] / 7, box["y"] + (row + 0.5) * box["height"] / 7
        )
        tip = page.view.locator(f"{RIVER} .tip").bounding_box()
        drawn = strokes(page)
        assert len(drawn) == 2 and [each[0] for each in drawn] == [COLOURS["weight"], COLOURS["v"]]
        wide = weight * min(14, box["height"] / 7 * 0.7)
        for _, width, dash in drawn:
            assert width == pytest.approx(max(1, wide), abs=0.05) and bool(dash) == (wide < 1)
        assert tip["y"] >= 0 and tip["y"] + tip["height"] <= box["y"] - 12
    page.view.mouse.move(box["x"] + 5.5 * box["width"] / 7, box["y"] + 10)
    assert strokes(page) == []  # what the mask hides is no link


@pytest.mark.one_in(2)
@pytest.mark.parametrize("size", (TELEPHONE, DESK))
@pytest.mark.slow  # widths and tips: test_geometry.py
def test_the_picture_is_no_wider_than_the_screen_and_a_tip_stays_in_it(visit, size):
    page = visit(size=size, **MYSTERY)
    skipped(page)
    assert page.view.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for kind in ("strip", "map", "bar"):
        for which in ("first", "last"):
            target = getattr(page.view.locator(f"{RIVER} button.{kind}"), which)
            target.scroll_into_view_if_needed()
            target.hover()
            tip = page.view.locator(f"{RIVER} .tip")
            box = tip.bounding_box()
            assert 0 <= box["x"] and box["x"] + box["width"] <= size[0] + 1
            assert 0 <= box["y"] and box["y"] + box["height"] <= size[1] + 1
            assert len(tip.inner_text().split("\n")) <= 3


@pytest.mark.slow
def test_a_word_of_the_river_is_chosen_at_once(visit):
    """The picture answers before the server does: here the server is not heard at all."""
    page = visit(**MYSTERY)
    skipped(page)
    before = canvas_of(page)
    word = part(page, "token/decoder/5")
    changed = word.evaluate(
        """(button) => {
          const root = button.getRootNode(), canvas = root.querySelector("canvas")
          const before = canvas.toDataURL(), begun = performance.now()
          button.click()
          return [canvas.toDataURL() !== before, performance.now() - begun]
        }"""
    )
    assert changed[0] and before
