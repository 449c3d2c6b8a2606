"""Pictures as files: whole, with what they show and the numbers of the trace, under a telling
name.
"""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from core.text import number
from tests.helpers.browser import modules
from tests.helpers.pages import HOSTILE
from tests.helpers.texts import LONG

SVG = "{http://www.w3.org/2000/svg}"
SENTENCE = "The books that the student recommended"


@pytest.fixture(scope="module")
def run(browser):
    with modules(browser) as run:
        yield run


def save(page, inside: str, kind: str, folder):
    """Saves the first picture of a part of the page; returns the file."""
    part = page.view.locator(inside)
    part.get_by_role("button", name="Save picture").first.click()
    with page.view.expect_download() as saved:
        part.get_by_role("button", name=kind, exact=True).first.click()
    saved.value.save_as(file := folder / saved.value.suggested_filename)
    return file


def read(file):
    """The words of an SVG, and what its shapes say."""
    svg = ElementTree.parse(file).getroot()
    words = [each.text for each in svg.iter(f"{SVG}text")]
    return svg, words, [each.text for each in svg.iter(f"{SVG}title")]


def test_a_map_is_saved_as_text_and_rectangles_with_its_numbers(visit, minilm, tmp_path):
    page = visit("Heads", sentence=SENTENCE, layer=2, head=7, ask=0)
    file = save(page, ".st-key-heads", "SVG", tmp_path)
    assert file.name == "glassformer-heads-layer2-the-books-that.svg"  # it shows all heads
    svg, words, said = read(file)
    pattern_HLM = minilm.trace(SENTENCE)["encoder.2.attn.pattern"]
    assert [each.rpartition(": ")[2] for each in said] == [number(x) for x in pattern_HLM.flat]
    assert said[0].startswith("Head 0, [CLS] → [CLS]: ")
    largest = pattern_HLM.max()
    scale = [number(x, 3) for x in (0, largest / 2, largest)]
    for wanted in ("Head 7", "recommended", f"“{SENTENCE}”", *scale):
        assert wanted in words
    assert any(each == "all-MiniLM-L6-v2 · layer 2" for each in words)
    assert len(list(svg.iter(f"{SVG}rect"))) > pattern_HLM.size
    assert len(list(svg.iter(f"{SVG}image"))) == 0
    assert not [each for each in svg.iter() if each.tag == f"{SVG}script"]


def test_a_map_is_saved_whole_however_much_of_it_is_in_sight(visit, tmp_path):
    page = visit("Heads", sentence=LONG, layer=1, ask=0)
    seen = page.view.locator(".st-key-heads .scroll").evaluate("e => e.clientHeight")
    file = save(page, ".st-key-heads", "PNG", tmp_path)
    assert file.name == "glassformer-heads-layer1-the-river-bank.png"
    content = file.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(content[20:24], "big") > 2 * seen
    svg, words, said = read(save(page, ".st-key-heads", "SVG", tmp_path))
    assert not said and len(list(svg.iter(f"{SVG}image"))) > 0  # too many cells for rectangles
    assert float(svg.get("height")) > seen and words.count("Head 3") == 1


def test_a_step_of_attention_is_saved_with_its_numbers(visit, minilm, tmp_path):
    page = visit("Attention", sentence=SENTENCE, layer=1, head=5, token=3, stage=0, ask=0)
    file = save(page, "[data-testid=stMain]", "SVG", tmp_path)
    assert file.name == "glassformer-attention-layer1-head5-the-books-that.svg"
    _, words, said = read(file)
    q_K = minilm.trace(SENTENCE)["encoder.1.attn.q"][5, 3]
    wanted = [f"dimension {k}, {number(x, 4)}" for k, x in enumerate(q_K)]
    assert [each.partition(", ")[2] for each in said if each.startswith("query")] == wanted
    assert any("layer 1 · head 5" in each for each in words) and f"“{SENTENCE}”" in words


def test_the_overview_is_saved_as_it_stands_at_the_end_of_its_motion(visit, tmp_path):
    page = visit(model="study-decoder", sentence=SENTENCE, ask=0)
    svg, words, _ = read(save(page, "[data-testid=stMain]", "SVG", tmp_path))
    headline = page.view.locator("h1").first.inner_text()
    assert " ".join(words).count(headline) == 1
    assert {"recommended", "are", "40%", "numbers of vectors", f"“{SENTENCE}”"} <= set(words)
    assert len(list(svg.iter(f"{SVG}rect"))) > 500


def test_what_a_mask_hides_is_hatched_in_a_saved_map_too(visit, tmp_path):
    page = visit("Heads", model="study-decoder", sentence=SENTENCE, ask=0)
    svg, _, said = read(save(page, ".st-key-heads", "SVG", tmp_path))
    (pattern,) = svg.iter(f"{SVG}pattern")
    colours = {shape.get("fill") for shape in pattern.iter(f"{SVG}path")} | {
        shape.get("stroke") for shape in pattern.iter(f"{SVG}path")
    }
    assert {"#edeef1", "#b8bcc6"} <= colours and not list(svg.iter(f"{SVG}image"))
    hatched = f"url(#{pattern.get('id')})"
    assert len([each for each in svg.iter(f"{SVG}rect") if each.get("fill") == hatched]) == 5
    blocked = [each for each in said if each.endswith("(blocked)")]
    assert len(said) == 5 * 49 and len(blocked) == 5 * 21  # seven tokens


@pytest.mark.one_in(4)
@pytest.mark.parametrize("kind", ("script", "control", "rtl", "emoji"))
def test_a_hostile_sentence_makes_a_harmless_file(visit, tmp_path, kind):
    page = visit("Heads", sentence=HOSTILE[kind], layer=1, ask=0)
    file = save(page, ".st-key-heads", "SVG", tmp_path)
    svg, words, _ = read(file)
    assert file.name.startswith("glassformer-heads-layer1") and not set(file.name) & set(
        "<>/\\:\x00"
    )
    assert any(each.startswith("“") for each in words)
    assert not list(svg.iter(f"{SVG}script")) and not list(svg.iter(f"{SVG}foreignObject"))


def test_the_menu_opens_and_closes_by_key(visit):
    page = visit("Heads", sentence=SENTENCE, ask=0)
    button = page.view.locator(".st-key-heads").get_by_role("button", name="Save picture")
    png = page.view.locator(".st-key-heads").get_by_role("button", name="PNG", exact=True)
    assert not png.is_visible() and button.get_attribute("aria-expanded") == "false"
    button.focus()
    page.view.keyboard.press("Enter")
    assert png.is_visible() and button.get_attribute("aria-expanded") == "true"
    page.view.keyboard.press("Tab")
    page.view.keyboard.press("Escape")
    assert not png.is_visible() and button.evaluate("e => e.matches(':focus')")


# --- the parts of it ------------------------------------------------------------------------------


def test_a_caption_is_broken_into_lines_that_fit(run):
    ask = """const { inLines } = await import("/saving.js"), [text, most, count] = given
        return inLines(text, most, (words) => words.length, count)"""
    assert run(ask, ["one two three four", 9, 3]) == ["one two", "three", "four"]
    assert run(ask, ["one two three four", 9, 2]) == ["one two", "three …"]
    assert run(ask, ["a " + 25 * "b", 10, 9]) == ["a", 10 * "b", 10 * "b", 5 * "b"]
    assert run(ask, ["", 10, 2]) == [""]


def test_a_caption_says_only_what_holds_for_the_picture(run):
    ask = """const { captionOf, nameOf, remember } = await import("/saving.js")
        remember(given.frame)
        return [captionOf(given.picture).map(([text]) => text), nameOf(given.picture.without)]"""
    frame = {"page": "heads", "model": "M", "layer": 3, "head": 4, "sentence": "A b", "words": "a"}
    picture = {"title": "T", "step": "decoder.3.attn.pattern"}
    said, name = run(ask, {"frame": frame, "picture": picture})
    assert said == ["T", "M · layer 3 · head 4 · decoder.3.attn.pattern", "“A b”"]
    assert name == "glassformer-heads-layer3-head4-a"
    said, name = run(ask, {"frame": frame, "picture": {"title": "T", "without": ["head"]}})
    assert said == ["T", "M · layer 3", "“A b”"] and name == "glassformer-heads-layer3-a"
    assert run(ask, {"frame": {"page": "x"}, "picture": {"title": "T"}}) == [["T"], "glassformer-x"]


def test_the_brush_writes_what_a_canvas_would_draw(run):
    text = run(
        """const { svgBrush } = await import("/svg_brush.js"), brush = svgBrush(100, 80)
        brush.save()
        brush.translate(10, 20)
        const look = { fillStyle: "rgba(255, 0, 0, 0.5)", textAlign: "right", globalAlpha: 0.5 }
        Object.assign(brush, look)
        brush.fillText("<b> & \\u0007", 5, 6)
        brush.fillRect(1, 2, 3, 4)
        brush.restore()
        brush.strokeStyle = "color-mix(in srgb, #000 50%, #fff)"
        brush.beginPath()
        brush.moveTo(0, 0)
        brush.lineTo(7, 8)
        brush.stroke()
        const small = document.createElement("canvas")
        Object.assign(small, { width: 2, height: 1 })
        Object.assign(small.getContext("2d"), { fillStyle: "#0000ff" }).fillRect(0, 0, 1, 1)
        brush.tell = (row, column) => `cell ${row} ${column}`
        brush.drawImage(small, 40, 50, 20, 10)
        return brush.text()"""
    )
    svg = ElementTree.fromstring(text)
    (word,) = svg.iter(f"{SVG}text")
    assert word.text == "<b> & \ufffd" and word.get("text-anchor") == "end"
    first, cell = svg.iter(f"{SVG}rect")
    assert (first.get("fill"), first.get("fill-opacity")) == ("#ff0000", "0.25")
    groups = [each for each in svg.iter(f"{SVG}g") if first in list(each)]
    assert groups[0].get("transform") == "translate(10,20)"
    (path,) = svg.iter(f"{SVG}path")
    assert path.get("d") == "M0,0L7,8" and path.get("fill") == "none"
    assert path.get("stroke") in ("#7f7f7f", "#808080") and path.get("stroke-opacity") is None
    # the transparent point of the picture is no cell
    assert [cell.get(name) for name in ("x", "y", "width", "height", "fill")] == [
        "40",
        "50",
        "10",
        "10",
        "#0000ff",
    ]
    assert cell.find(f"{SVG}title").text == "cell 0 0"
