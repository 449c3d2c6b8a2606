"""A report opened from the disk, without a network: its numbers, its clicks, its keys, on paper."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from core.explanation import explain
from core.text import number
from tests.helpers.reports import ALL, SENTENCE, looked_at
from ui.kit.explanation_panel import spell_cell
from ui.report.document import report

HOSTILE = "</script><img src=x onerror=alert(1)> the [MASK] book"
PANEL = "aside.panel"
# A sheet of A4 within its margins, in the pixels in which a printed report is laid out.
SHEET = (297 - 22) / 25.4 * 96 / 0.66
BOXES = """() => [...document.querySelectorAll(".figures > .component")].map((host) => {
  const scroll = host.shadowRoot.querySelector(".scroll") ?? host
  const { scrollWidth, clientWidth, scrollHeight, clientHeight } = scroll
  const zoom = Number(getComputedStyle(host).zoom) || 1
  const over = Math.max(scrollWidth - clientWidth, scrollHeight - clientHeight)
  return { tall: host.offsetHeight * zoom, wide: host.offsetWidth * zoom, over } })
"""  # how large each figure is, and how much of it lies beyond its edge


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """file(name, view, stages): a report on the disk, as the address of a file."""
    folder, known = tmp_path_factory.mktemp("reports"), {}

    def written(name: str, view, stages=ALL) -> str:
        if name not in known:
            path = folder / f"{name}.html"
            path.write_text(report(view, stages).text, encoding="utf-8")
            known[name] = path.as_uri()
        return known[name]

    return written


@pytest.fixture
def read(browser):
    """read(address): opens a report without a network; nothing may go wrong or be asked for."""
    contexts, problems = [], []

    def open_file(address: str, theme: str = "light", size=(1280, 900)):
        context = browser.new_context(
            offline=True,
            color_scheme=theme,
            reduced_motion="reduce",
            viewport={"width": size[0], "height": size[1]},
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text))
        page.on("dialog", lambda dialog: (problems.append("a dialog"), dialog.dismiss()))
        own = ("file:", "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(own) else problems.append(r.url))
        page.goto(address)
        page.wait_for_selector("#report .card", state="attached")
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def decoder(file, read):
    """The study model's report, and the view that it was made of."""
    view = looked_at("study-decoder", layer=3, head=4)
    return read(file("decoder", view)), view


def shown(page, cell: str) -> dict:
    """What the panel would show of a cell, with every operand."""
    return page.evaluate(
        "(cell) => modules['opening.js'].explanation(cell, [cell], true).parts[1]", cell
    )


@pytest.mark.slow
def test_every_number_opens_as_it_does_in_the_app(decoder):
    """Random cells of every step in the file: the formula with its numbers, and the operands."""
    page, view = decoder
    rng, opened = np.random.default_rng(2), 0
    for name in view.trace.names:
        index = [int(rng.integers(size)) for size in view.trace.shape(name)]
        made, found = (
            explain(view.trace, name, index),
            shown(page, f"{name}:{','.join(map(str, index))}"),
        )
        if not found["formula"] or made.formula.startswith("given"):
            continue
        opened += 1
        assert found["formula"] == made.formula, name
        items = [i for g in found["groups"] for row in g["rows"] for i in row["items"] if i["cell"]]
        sent = {item["cell"]: item["text"] for item in items}
        own = {spell_cell(o.name, o.index): number(o.value) for o in made.operands if o.name}
        assert sent.items() <= own.items() and len(sent) >= min(len(own), 1000), name
    assert opened > 100


def test_a_number_opens_at_a_click_and_leads_on_to_its_operands(decoder):
    page, view = decoder
    canvas = page.locator("#heads canvas.picture").first
    canvas.scroll_into_view_if_needed()
    canvas.focus()
    page.keyboard.press("Enter")
    panel, pattern = page.locator(PANEL), view.trace["decoder.3.attn.pattern"]
    name = panel.locator("code.name").inner_text()
    index = tuple(map(int, name.rpartition(":")[2].split(",")))
    assert name.startswith("decoder.3.attn.pattern:")
    assert panel.locator("output.value").inner_text() == number(float(pattern[index]))
    panel.locator(".link").first.click()
    assert panel.locator("code.name").inner_text().startswith("decoder.3.attn.pattern.exp:")
    panel.get_by_role("button", name="Back").click()
    assert panel.locator("code.name").inner_text() == name


def test_keys_alone_open_a_number_and_close_it(decoder):
    page, _ = decoder
    page.locator("#heads canvas.picture").first.focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    focused = "document.activeElement.shadowRoot?.activeElement?.tagName"
    assert page.locator(PANEL).is_visible() and page.evaluate(focused) == "H3"
    page.keyboard.press("Escape")
    assert not page.locator(PANEL).is_visible() and page.evaluate(focused) == "CANVAS"


def test_a_layer_a_head_and_a_token_can_be_chosen(decoder):
    page, view = decoder
    page.get_by_label("Previous layer").click()
    page.get_by_label("Previous head").click()
    page.locator("#line").get_by_text("books", exact=True).click()
    row = view.trace["decoder.2.attn.pattern"][3, 2]
    page.locator("#heads").get_by_label("is looked at").locator("button").first.wait_for()
    said = page.locator("#heads").get_by_label("is looked at").locator(".value").first.inner_text()
    assert float(re.sub("[<>%]", "", said)) == pytest.approx(100 * row[0], abs=0.11)
    assert "“books”" in page.locator("#river h1").inner_text()


def test_pointing_at_a_cell_reads_its_number(decoder):
    page, view = decoder
    canvas = page.locator("#attention canvas.picture").first
    canvas.scroll_into_view_if_needed()
    canvas.hover(position={"x": 200, "y": 40})
    said = page.locator("#attention .tip b").first.inner_text()
    q_LK = view.trace["decoder.3.attn.q"][4]
    assert said in {number(float(x)) for x in q_LK.ravel()}


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_has_the_theme_of_the_reader_and_changes_it(file, read, theme):
    view = looked_at("study-decoder", layer=3, head=4)
    page = read(file("decoder", view), theme)
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(255, 255, 255)", "rgb(18, 22, 29)"
    assert page.evaluate(ground) == {"light": light, "dark": dark}[theme]
    page.get_by_role("button", name="Dark" if theme == "light" else "Light").click()
    assert page.evaluate(ground) == {"light": dark, "dark": light}[theme]


def test_a_hostile_sentence_stays_text(file, read):
    page = read(file("hostile", looked_at("study-encoder", HOSTILE), ("river", "heads", "output")))
    assert page.locator("h1").first.inner_text() == HOSTILE
    assert page.locator("img").count() == 0


@pytest.mark.parametrize(
    "model", ["study-encoder", pytest.param("study-translator", marks=pytest.mark.slow)]
)
def test_other_models_have_their_figures(file, read, model):
    view = looked_at(model, "The old books are good .")
    page = read(file(model, view))
    assert page.locator(".lacks").count() == 0
    canvases = page.locator("#heads canvas.picture").count()
    assert canvases == (4 if view.config.crosses else 2)  # all heads, and one; here also across


def test_nothing_is_cut_off_on_paper(decoder, tmp_path):
    """Every map is whole, no figure is taller than a sheet, and afterwards all is as before."""
    page, _ = decoder
    before = page.locator("#report").inner_text()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    boxes = page.evaluate(BOXES)
    assert len(boxes) > 10 and all(box["over"] <= 1 for box in boxes), boxes
    assert max(box["tall"] for box in boxes) < SHEET and max(box["wide"] for box in boxes) <= 1041
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#report").inner_text() == before


@pytest.mark.slow
def test_it_is_printed_on_a_few_sheets(decoder, tmp_path):
    page, _ = decoder
    page.pdf(path=str(tmp_path / "r.pdf"), prefer_css_page_size=True, print_background=True)
    sheets = re.findall(rb"/Type\s*/Page\b", (tmp_path / "r.pdf").read_bytes())
    assert 4 <= len(sheets) <= 9


def test_on_a_telephone_nothing_is_wider_than_the_screen(file, read):
    view = looked_at("study-decoder", layer=3, head=4)
    page = read(file("decoder", view), "dark", (390, 844))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_it_says_what_it_does_not_hold(file, read):
    view = looked_at("study-decoder", SENTENCE)
    page = read(file("small", view, ("heads",)))
    found = page.evaluate(
        "(cell) => modules['opening.js'].explanation(cell, [cell], false).parts",
        "decoder.0.attn.pattern:0,1,0",
    )
    said = json.dumps(found)
    assert (
        "not in this file" in said and "python -m core explain decoder.0.attn.pattern 0 1 0" in said
    )
    assert found[1]["formula"] == ""
