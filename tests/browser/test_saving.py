"""Pictures as files: whole, with what they show and the numbers of the trace, under a telling
name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np
import pytest
from safetensors.numpy import load_file

from core import load, why
from core.decoding import beam_search
from core.learning import next_words
from core.ops import frequencies
from core.planes import principal_plane
from core.steps.heads import ROLES
from core.text import number, percent
from tests.helpers.array_files import numbers_in, read_csv, read_npz, same
from tests.helpers.browser import ROOT, modules
from tests.helpers.browser_pages import DESK, TELEPHONE, save
from tests.helpers.pages import HOSTILE
from tests.helpers.texts import LONG
from ui.stages.positions.clocks import turned_text

SVG = "{http://www.w3.org/2000/svg}"
SENTENCE = "The books that the student recommended"
HEADS = "glassformer-heads-attention-of-all-heads"


@pytest.fixture(scope="module")
def run(browser):
    with modules(browser) as run:
        yield run


def read(file):
    """The words of an SVG, and what its shapes say."""
    svg = ElementTree.parse(file).getroot()
    words = [" ".join(each.itertext()) for each in svg.iter(f"{SVG}text")]
    return svg, words, [each.text for each in svg.iter(f"{SVG}title")]


@pytest.mark.slow
def test_a_map_is_saved_as_text_and_rectangles_with_its_numbers(visit, minilm, tmp_path):
    page = visit("Heads", sentence=SENTENCE, layer=2, head=7, ask=0)
    file = save(page, ".st-key-heads", "SVG", tmp_path)
    # It shows all heads.
    assert file.name == f"{HEADS}-layer2-all-minilm-l6-v2-the-books-that.svg"
    svg, words, said = read(file)
    pattern_HLM = minilm.trace(SENTENCE)["encoder.2.attn.pattern"]
    assert [each.rpartition(": ")[2] for each in said] == [number(x) for x in pattern_HLM.flat]
    assert said[0].startswith("Head 0, [CLS] → [CLS]: ")
    largest = pattern_HLM.max()
    scale = [number(x, 3) for x in (0, largest / 2, largest)]
    for wanted in ("Head 7", "recommended", f"“{SENTENCE}”", *scale):
        assert wanted in words
    assert "all-MiniLM-L6-v2 · layer 2 · encoder.2.attn.pattern" in words
    assert len(list(svg.iter(f"{SVG}rect"))) > pattern_HLM.size
    assert len(list(svg.iter(f"{SVG}image"))) == 0
    assert not [each for each in svg.iter() if each.tag == f"{SVG}script"]


@pytest.mark.slow
def test_a_map_is_saved_whole_however_much_of_it_is_in_sight(visit, tmp_path):
    page = visit("Heads", sentence=LONG, layer=1, ask=0)
    seen = page.view.locator(".st-key-heads .scroll").evaluate("e => e.clientHeight")
    file = save(page, ".st-key-heads", "PNG", tmp_path)
    assert file.name == f"{HEADS}-layer1-all-minilm-l6-v2-the-river-bank.png"
    content = file.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(content[20:24], "big") > 2 * seen
    svg, words, said = read(save(page, ".st-key-heads", "SVG", tmp_path))
    assert not said and len(list(svg.iter(f"{SVG}image"))) > 0  # too many cells for rectangles
    assert float(svg.get("height")) > seen and words.count("Head 3") == 1


@pytest.mark.slow
def test_the_numbers_of_a_map_and_the_whole_run_are_those_of_the_trace(visit, tmp_path):
    choices = {"model": "study-decoder", "sentence": SENTENCE, "layer": 2, "head": 3, "ask": 0}
    page = visit("Every number", step="decoder.2.attn.pattern", **choices)
    trace, step = decoder(), "decoder.2.attn.pattern"
    file = save(page, "[data-testid=stMain]", "CSV", tmp_path)
    assert file.name.startswith("glassformer-every-number-decoder-2-attn-pattern")
    assert file.name.endswith("-study-decoder-the-books-that.csv")
    facts, tables = read_csv(file)
    assert (facts["model"], facts["sentence"]) == ("study-decoder", SENTENCE)
    wanted = {f"{step}[3]": trace[step][3]}
    assert {name: same(numbers_in(tables[name], each), each) for name, each in wanted.items()} == {
        f"{step}[3]": True
    }
    assert tables[f"{step}[3]"][0][1:3] == ["[START]", "the (1)"]
    arrays, _ = read_npz(save(page, "[data-testid=stMain]", "NPZ", tmp_path))
    assert list(arrays) == list(wanted) and same(arrays[f"{step}[3]"], trace[step][3])
    whole = load_run(pressed(page, "Save the whole step", tmp_path))
    assert list(whole) == [step] and same(whole[step], trace[step])
    page.view.get_by_text("⚙").first.click()
    run = load_run(pressed(page, "Save as .npz", tmp_path))
    tensors = load_file(pressed(page, "Save as .safetensors", tmp_path))
    assert run.keys() == tensors.keys() == set(trace.names)
    assert all(same(run[name], trace[name]) for name in trace.names)
    assert all(same(tensors[name], trace[name]) for name in trace.names)


def pressed(page, label: str, folder):
    """What a button of Streamlit's saves; returns the file."""
    with page.view.expect_download() as saved:
        page.view.get_by_role("button", name=label).first.click()
    saved.value.save_as(file := folder / saved.value.suggested_filename)
    assert file.name.startswith("glassformer-") and "study-decoder-the-books-that" in file.name
    return file


def load_run(file) -> dict:
    """The arrays of a saved run."""
    with np.load(file, allow_pickle=False) as found:
        return {name: found[name] for name in found.files if name != "trace.json"}


@pytest.mark.slow
def test_a_step_of_attention_is_saved_with_its_numbers(visit, minilm, tmp_path):
    page = visit("Attention", sentence=SENTENCE, layer=1, head=5, token=3, stage=0, ask=0)
    file = save(page, "[data-testid=stMain]", "SVG", tmp_path)
    assert file.name.startswith("glassformer-attention-attention-step-1-query-")
    assert file.name.endswith("-layer1-head5-all-minilm-l6-v2-the-books-that.svg")
    _, words, said = read(file)
    q_K = minilm.trace(SENTENCE)["encoder.1.attn.q"][5, 3]
    wanted = [f"dimension {k}, {number(x, 4)}" for k, x in enumerate(q_K)]
    assert [each.partition(", ")[2] for each in said if each.startswith("query")] == wanted
    assert any("layer 1 · head 5" in each for each in words) and f"“{SENTENCE}”" in words


@pytest.mark.slow
def test_the_overview_is_saved_as_it_stands_at_the_end_of_its_motion(visit, tmp_path):
    page = visit(model="study-decoder", sentence=SENTENCE, ask=0)
    svg, words, _ = read(save(page, "[data-testid=stMain]", "SVG", tmp_path))
    headline = page.view.locator("h1").first.inner_text()
    assert " ".join(words).count(headline) == 1
    probs_V = decoder()["head.probs"][-1]
    likeliest = load("study-decoder").tokenizer.piece(int(probs_V.argmax()))
    guess = {likeliest, percent(probs_V.max(), 0)}
    assert {"recommended", *guess, "numbers of vectors", f"“{SENTENCE}”"} <= set(words)
    assert len(list(svg.iter(f"{SVG}rect"))) > 500


@pytest.mark.slow
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
    assert file.name.startswith(f"{HEADS}-layer1") and not set(file.name) & set("<>/\\:\x00")
    assert any(each.startswith("“") for each in words)
    assert not list(svg.iter(f"{SVG}script")) and not list(svg.iter(f"{SVG}foreignObject"))


@pytest.mark.slow
def test_the_menu_opens_and_closes_by_key(visit):
    page = visit("Heads", sentence=SENTENCE, ask=0)
    button = page.view.locator(".st-key-heads").get_by_role("button", name="Save", exact=True)
    png = page.view.locator(".st-key-heads").get_by_role("button", name="PNG", exact=True)
    assert not png.is_visible() and button.get_attribute("aria-expanded") == "false"
    button.focus()
    page.view.keyboard.press("Enter")
    assert png.is_visible() and button.get_attribute("aria-expanded") == "true"
    page.view.keyboard.press("Tab")
    page.view.keyboard.press("Escape")
    assert not png.is_visible() and button.evaluate("e => e.matches(':focus')")


@pytest.mark.parametrize("size", (DESK, TELEPHONE))
@pytest.mark.parametrize("title, key", (("Attention", "pipeline-attn"), ("Heads", "heads")))
@pytest.mark.slow
def test_the_menu_is_in_sight_on_whichever_side_its_button_stands(visit, title, key, size):
    page = visit(title, size, sentence=SENTENCE, ask=0)
    figure = page.view.locator(f".st-key-{key}")
    figure.get_by_role("button", name="Save", exact=True).first.click()
    for kind in ("PNG", "SVG", "CSV", "NPZ"):
        box = figure.get_by_role("button", name=kind, exact=True).first.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0], kind


# --- every figure ---------------------------------------------------------------------------------

BOOKS = {"model": "study-decoder", "sentence": SENTENCE, "layer": 3, "head": 4, "token": 6}
PLACE = "study-decoder · layer 3"


def decoder(sentence: str = SENTENCE):
    return load("study-decoder").trace(sentence)


@dataclass(frozen=True)
class Figure:
    """One figure: where it is, what stands below it, what its file is called, and what it must
    say, from the trace.
    """

    page: str
    key: str
    title: str
    place: str
    name: str
    said: object  # () -> texts that stand in it, or the ends of what its shapes say
    choices: dict = field(default_factory=lambda: BOOKS)
    cards: str = ""


def dimensions(values_D) -> list[str]:
    return [f"dimension {d}: {number(x)}" for d, x in enumerate(values_D)]


def of_steps(*steps: str) -> list[str]:
    return [line for step in steps for line in dimensions(decoder()[step][6])]


def neuron_values() -> list[str]:
    trace = decoder()
    reach_F = trace["decoder.3.mlp.hidden.reach"][6]
    return [number(x) for x in trace["decoder.3.mlp.hidden"][:, reach_F.argmax()]]


def turns() -> list[str]:
    c = load("smollm2").config
    return [turned_text(x) for x in np.arange(9) * frequencies(c.rope(0), c.d_head, 9)[2]]


def compared() -> list[str]:
    a_LM, b_LM = (
        decoder(text)["decoder.3.attn.pattern"][4]
        for text in (SENTENCE, SENTENCE.replace("books", "book"))
    )
    change_LM = (b_LM.astype(np.float64) - a_LM).astype(np.float32)
    seen = np.tril(np.ones_like(a_LM, bool))
    return [number(x) for part_LM in (a_LM, b_LM, change_LM) for x in part_LM[seen]]


def both_guesses() -> list[str]:
    a_V, b_V = (
        decoder(text)["head.probs"][-1] for text in (SENTENCE, SENTENCE.replace("books", "book"))
    )
    most = np.argsort(-np.abs(b_V - a_V), kind="stable")[:3]
    return [number(x) for probs_V in (a_V, b_V) for x in probs_V[most]]


def of_the_translator() -> list[str]:
    trace = load("study-translator").trace("The red car is fast.")
    leaves = ("pattern", "z.share")
    return [number(x) for leaf in leaves for x in trace[f"decoder.3.cross.{leaf}"][1, 1]]


def parts_of_are() -> list[str]:
    """The parts of “are” over “is”, as each cell of the map says it."""
    found = why.parts(decoder(), *ARE_IS)
    return [
        f"{why.in_words(name)}: {number(part)}"
        for name, part in zip(found.names, found.parts_S, strict=True)
    ]


def after_each_layer() -> list[str]:
    found = why.guesses(decoder(), -1, ARE_IS[0], 3)
    return [percent(x, 0 if x >= 0.1 else 1) for x in (*found.probs_NT.ravel(), *found.prob_N)]


def value_plane() -> list[str]:
    plane = principal_plane(decoder()["decoder.3.attn.v"][4])
    first, second = (percent(share, 0) for share in plane.held)
    return ["z", "books", f"1st direction ({first} of the squared length)", f"2nd ({second})"]


def trail_of_are() -> list[str]:
    return [number(node.part, 3) for node in why.trail(decoder(), *ARE_IS).nodes]


def given_by_gradient() -> list[str]:
    """What each token gives: by gradients, and as it was measured."""
    found = [why.times_input(None, decoder(), *ARE_IS), why.without_each(None, decoder(), *ARE_IS)]
    return [number(x, 2) for each in found for x in each.by_token["decoder"] if abs(x) > 0.1]


def searched() -> list[str]:
    """The sums of the branches of the tree."""
    model, ids_L = load("study-decoder"), load("study-decoder").ids(SENTENCE)
    tree = beam_search(model.config, model.weights, ids_L, len(ids_L) + 8, beams=3)
    return [f"sum {number(each.total, 3)}" for each in tree.branches]


ARE_IS = tuple(load("study-decoder").tokenizer.id_of(word) for word in ("are", "is"))
WHY = BOOKS | dict(zip(("why_word", "why_rival"), ARE_IS, strict=True))
CAR = {"model": "study-translator", "sentence": "The red car is fast.", "layer": 3, "head": 1}


def pulls() -> list[str]:
    """How long the gradient is where each vector enters the output and the last network."""
    trace = decoder()
    grads = trace.backward(next_words(trace["decoder.embed.ids"].tolist()))
    steps = ("head.in", "decoder.3.mlp.in")
    return [number(x, 3) for step in steps for x in np.linalg.norm(grads[step], axis=-1)[:-1]]


FIGURES = {
    "neurons": Figure(
        "Feed-forward",
        "ff-neurons",
        "The strongest neurons",
        f"{PLACE} · token recommended",
        "feed-forward-the-strongest-neurons-layer3",
        lambda: of_steps("decoder.3.mlp.out"),
    ),
    "vectors": Figure(
        "Add and norm",
        "addnorm-way",
        "Vectors and their lengths",
        f"{PLACE} · token recommended",
        "add-and-norm-vectors-and-their-lengths-layer3",
        lambda: of_steps("decoder.3.attn.in", "decoder.3.attn.out", "decoder.3.attn.sum"),
    ),
    "firing": Figure(
        "Feed-forward",
        "ff-own",
        f"Words on which neuron {'{neuron}'} of layer 3 fires",
        PLACE,
        "feed-forward-words-on-which-neuron-{neuron}-layer3",
        neuron_values,
        cards="ff-neuron",
    ),
    "layer_steps": Figure(
        "Layers",
        "layers",
        "What each layer’s heads look at, and how it moves the vector",
        "study-decoder · token recommended",
        "layers-what-each-layer-s-heads",
        lambda: [
            f"layer {n}: cosine with the input {number(each[6])}"
            for n in range(4)
            for each in [decoder()[f"decoder.{n}.out.similarity"]]
        ],
    ),
    "head_roles": Figure(
        "Heads",
        "heads_every",
        "Roles of all heads: On this sentence",
        "study-decoder",
        "heads-roles-of-all-heads-on",
        lambda: [
            f"{name}: {percent(x, 0)}"
            for n in range(4)
            for roles_O in decoder()[f"decoder.{n}.attn.pattern.roles"]
            for name, x in zip(ROLES, roles_O, strict=True)
        ],
        cards="heads-every",
    ),
    "head_shares": Figure(
        "Heads",
        "heads_add",
        "What each head adds to “recommended”",
        PLACE,
        "heads-what-each-head-adds-to-layer3",
        lambda: [
            number(x)
            for leaf in ("length", "share")
            for x in decoder()[f"decoder.3.attn.heads.{leaf}"][:, 6]
        ],
        cards="heads-adds",
    ),
    "lines": Figure(
        "Heads",
        "lines",
        "Attention weights",
        f"{PLACE} · head 4",
        "heads-attention-weights-layer3-head4",
        lambda: [number(x, 4) for x in decoder()["decoder.3.attn.pattern"][4].flat if x > 0.01],
        cards="heads-lines",
    ),
    "stretches": Figure(
        "Heads",
        "heads_ribbon",
        "Numbers 0 to 19 belong to head 0, 20 to 39 to head 1, and so on: 5 colours, 5 heads.",
        f"{PLACE} · head 4",
        "heads-numbers-0-to-19-belong-layer3-head4",
        lambda: [f"Head {h}: numbers {20 * h} to {20 * h + 19}" for h in range(5)],
        cards="heads-split",
    ),
    "guesses": Figure(
        "Output",
        "output-next",
        "The likeliest words after “recommended”",
        "study-decoder",
        "output-the-likeliest-words-after-recommended",
        lambda: [number(x) for x in sorted(decoder()["head.probs"][-1])[-5:]],
    ),
    "slope": Figure(
        "Compare",
        "compare-words",
        "The next word after “recommended”: what changes most",
        f"A: study-decoder, layer 3, head 4, “{SENTENCE}”",
        "compare-the-next-word-after-recommended",
        both_guesses,
        BOOKS | {"compare_sentence": SENTENCE.replace("books", "book")},
    ),
    "compare": Figure(
        "Compare",
        "compare-maps",
        "Attention weights in A and in B, and B − A",
        f"A: study-decoder, layer 3, head 4, “{SENTENCE}”",
        "compare-attention-weights-in-a-and",
        compared,
        BOOKS | {"compare_sentence": SENTENCE.replace("books", "book")},
    ),
    "alignment": Figure(
        "Cross-attention",
        "cross-alignment",
        "What was written, and what it came from",
        "study-translator · layer 3 · head 1",
        "cross-attention-what-was-written-and-what-layer3-head1",
        of_the_translator,
        CAR | {"token": 1, "side": "decoder"},
    ),
    "clocks": Figure(
        "Positions",
        "places-clocks",
        "Positions as clocks",
        "SmolLM2-135M",
        "positions-positions-as-clocks",
        turns,
        {"model": "smollm2", "sentence": "The cat sat on the mat. The cat"},
    ),
    "pieces": Figure(
        "Tokens",
        "pieces-decoder",
        "Words, pieces and ids",
        "study-decoder",
        "tokens-words-pieces-and-ids",
        lambda: [line for row_D in decoder()["decoder.embed.token"] for line in dimensions(row_D)],
    ),
    "table": Figure(
        "Add and norm",
        "table-addnorm-decoder-3-attn-norm",
        "",
        PLACE,
        "add-and-norm",
        lambda: [number(x) for x in decoder()["decoder.3.attn.norm.mean"]],
        cards="addnorm-norm",
    ),
    "norm_order": Figure(
        "Add and norm",
        "addnorm_ways",
        "Where the norm stands",
        PLACE,
        "add-and-norm-where-the-norm-stands-layer3",
        lambda: ["norm", "attention", "+"],
        cards="addnorm-order",
    ),
    "pipeline": Figure(
        "Attention",
        "pipeline-attn",
        "Attention, step 1: Query · recommended",
        f"{PLACE} · head 4",
        "attention-attention-step-1-query-recommended-layer3-head4",
        lambda: [
            f"dimension {k}, {number(x, 4)}"
            for k, x in enumerate(decoder()["decoder.3.attn.q"][4, 6])
        ],
        BOOKS | {"stage": 0},
    ),
    "chart_saving": Figure(  # a chart of Plotly's
        "Attention",
        "plane-attn-saving",
        "The values in their plane.",
        f"{PLACE} · head 4",
        "attention-the-values-of-all-tokens-layer3-head4",
        value_plane,
        BOOKS | {"stage": 4},
        cards="attention-plane",
    ),
    "why_map": Figure(
        "Why this word?",
        "why-map",
        "Parts of “are” − “is”",
        "study-decoder",
        "why-this-word-parts-of-are-is",
        parts_of_are,
        WHY,
    ),
    "why_lens": Figure(
        "Why this word?",
        "why-lens",
        "If this were the last layer",
        "study-decoder",
        "why-this-word-if-this-were-the-last",
        after_each_layer,
        cards="why-lens",
    ),
    "why_trail": Figure(
        "Why this word?",
        "why-trail",
        "The trail of “are” − “is”",
        "study-decoder",
        "why-this-word-the-trail-of-are-is",
        trail_of_are,
        WHY,
        cards="why-trail",
    ),
    "saliency": Figure(
        "Why this word?",
        "why-colours",
        "What each token gives to “are” − “is”",
        "study-decoder",
        "why-this-word-what-each-token-gives",
        given_by_gradient,
        WHY,
        cards="why-gradients",
    ),
    "beams": Figure(
        "Output",
        "output-beams",
        "3 beginnings at a time after “recommended”",
        "study-decoder",
        "output-3-beginnings-at-a-time",
        searched,
        cards="output-beams",
    ),
    "way_back": Figure(
        "How it learned",
        "way-back",
        "How strongly the loss pulls",
        "study-decoder",
        "how-it-learned-how-strongly-the-loss-pulls",
        pulls,
    ),
}
# Those of the tests above; what only a fine-tuned model has (tests/ui/test_task_labels.py); and
# what was measured over a training (test_over_time.py)
ELSEWHERE = {"heatmap", "over_time", "overview", "tagged"}
NO_NUMBERS = {"norm_order", "stretches"}  # shapes that stand for no array
NO_FIGURE = {  # controls, words, and the number that is explained, which has a page of its own
    *("choice", "exercise", "exercise_strip", "explanation", "glossary", "outline", "page_links"),
    *("place", "quiz", "ring", "saving", "share", "strip", "swaps", "terms"),
}


def test_each_component_that_draws_a_figure_can_be_saved():
    sheets = {path.stem for path in (ROOT / "assets/components").glob("*.css")}
    assert sheets - NO_FIGURE == FIGURES.keys() | ELSEWHERE


@pytest.mark.slow
@pytest.mark.parametrize("component", FIGURES)
def test_a_figure_is_saved_with_what_it_is_and_its_numbers(visit, tmp_path, component):
    figure = FIGURES[component]
    more = {"cards": figure.cards} if figure.cards else {}
    page = visit(figure.page, ask=0, **figure.choices, **more)
    inside = f".st-key-{figure.key}"
    page.view.locator(inside).first.wait_for()
    neuron = int(decoder()["decoder.3.mlp.hidden.reach"][6].argmax())
    file = save(page, inside, "SVG", tmp_path)
    _, words, said = read(file)
    caption = " ".join(words)
    assert figure.title.format(neuron=neuron) in caption
    assert figure.place in caption and figure.choices["sentence"] in caption
    assert file.name.startswith(f"glassformer-{figure.name.format(neuron=neuron)}")
    there = {*words, *said, *(part for each in said for part in re.split(r"[,:] ", each))}
    there |= {each.partition(", ")[2] for each in said}
    there |= {part for each in said for part in each.split(", ")}
    missing = [each for each in figure.said() if each not in there]
    assert figure.said() and not missing
    content = save(page, inside, "PNG", tmp_path).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) > 3000
    check_numbers(page, inside, tmp_path, component)


def check_numbers(page, inside: str, folder, component: str) -> None:
    """Both files of a figure's numbers hold the same, and each number its names."""
    if component in NO_NUMBERS:
        page.view.locator(inside).get_by_role("button", name="Save", exact=True).first.click()
        assert not page.view.locator(inside).get_by_role("button", name="CSV").first.is_visible()
        return
    arrays, said = read_npz(save(page, inside, "NPZ", folder))
    facts, tables = read_csv(save(page, inside, "CSV", folder))
    assert list(arrays) == list(tables) and sum(array.size for array in arrays.values()) > 2
    for name, array in arrays.items():
        axes = said["arrays"][name]["axes"]
        assert tuple(len(axis["labels"]) for axis in axes) == array.shape
        assert all(axis["title"] and "undefined" not in axis["labels"] for axis in axes)
        assert same(numbers_in(tables[name], array), array)
    assert facts["title"] == said["title"] and facts["page"] and facts["sentence"]


@pytest.mark.slow
def test_the_overview_says_the_number_of_each_cell(visit, tmp_path):
    page, trace = visit(**BOOKS, ask=0), decoder()
    _, _, said = read(save(page, "[data-testid=stMain]", "SVG", tmp_path))
    steps = {
        "Into the first layer": "decoder.0.attn.in",
        "Update by attention": "decoder.3.attn.out",
        "Out of the stack": "decoder.out",
    }
    for words, step in steps.items():
        cells = [each for each in said if each.startswith(words)]
        assert len(cells) == 7 * 12
        for n, cell in enumerate(cells):
            dimension, shown = re.search(r"dimension (\d+).*: (\S+)$", cell).groups()
            assert shown == number(trace[step][n // 12, int(dimension)], 4)
    weights = [each.rpartition(": ")[2] for each in said if " looks at " in each]
    pattern_LM = trace["decoder.3.attn.pattern"][4]
    seen = np.tril(np.ones_like(pattern_LM, bool))
    expected = [
        number(x) if may else "blocked by the mask"
        for x, may in zip(pattern_LM.flat, seen.flat, strict=True)
    ]
    assert weights == expected


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
        return [captionOf(given.picture).map(([text]) => text), nameOf(given.picture)]"""
    frame = {"page": "heads", "model": "M", "layer": 3, "head": 4, "sentence": "A b", "words": "a"}
    picture = {"title": "T", "step": "decoder.3.attn.pattern"}
    said, name = run(ask, {"frame": frame, "picture": picture})
    assert said == ["T", "M · layer 3 · head 4 · decoder.3.attn.pattern", "“A b”"]
    assert name == "glassformer-heads-t-layer3-head4-m-a"
    said, name = run(ask, {"frame": frame, "picture": {"title": "T", "without": ["head"]}})
    assert said == ["T", "M · layer 3", "“A b”"] and name == "glassformer-heads-t-layer3-m-a"
    assert run(ask, {"frame": {"page": "x"}, "picture": {"title": "T"}}) == [
        ["T"],
        "glassformer-x-t",
    ]
    frame = frame | {"model": "漢" * 99, "page": "é" * 99, "words": "𝒜" * 99}
    _, name = run(ask, {"frame": frame, "picture": {"title": "字 " * 99}})
    assert len(name.encode()) < 200 and "\ufffd" not in name and "layer3-head4-漢" in name
    picture = {"title": "T", "token": True, "said": ["A: M", "B: N"]}
    said, _ = run(ask, {"frame": {"token": "the (4)", "sentence": "A b"}, "picture": picture})
    assert said == ["T", "token the (4)", "A: M", "B: N", "“A b”"]


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
