"""Every page in Streamlit's own test runner: all models and masks, hostile sentences and addresses,
the first start.
"""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import load, whatif
from core.errors import GlassError
from core.models import catalogue
from core.step_ref import ref_of
from tests.helpers.pages import (
    HARM,
    HOSTILE,
    OTHERS,
    READY,
    ROOT,
    address,
    look,
    opened,
    page_title,
    parts,
    said,
)
from tests.helpers.pairwise import pairwise
from tests.helpers.sample import one_in
from tests.helpers.tiny import EVERY, FAMILIES
from ui.session import runs
from ui.session.navigation import PAGES
from ui.session.selection import DEPTHS, MASKS
from ui.shell import downloads
from ui.shell.controls import named_once

HOSTILE_ADDRESS = {
    "layer": ("999", "abc", "-1", "9" * 5000),
    "head": ("-1", "1.5"),
    "stage": ("5", "-1", "two"),
    "token": ("1e9", "999999", "٣"),
    "model": ("../../etc/passwd", "minilm\x00", "https://evil.example/m"),
    "mask": ("<script>", ""),
    "sentence": ("x" * 30_000,),
    "depth": ("deep", "<b>"),
    "tour": ("14", "-1"),
    "bare": ("2",),
    "swap": ("x", "1-<b> c"),
    "grid": ("e3", "<script>", "e3-4," * 9000),
    "change": ("nonsense", "<script>", "x" * 500),
    "cell": (
        "garbage",
        "encoder.0.attn.pattern:9,9,999",
        "weights/../x:1,2",
        "encoder.0.attn.pattern:-1,0,0",
        "x" * 500,
        "head.logits:0,0",
    ),
}


IDS = {"sentence": "3 5 7 2 9", "target": "4 6 8"}
PATHS = ["app.py", *OTHERS]


def view_of(model: str, mask: str, depth: str) -> dict[str, str]:
    """The address of a view of a real model under a mask."""
    cells = "e3-2,e4-1" if load(model).config.encoder_layers else "d3-2,d1-4"
    grid = {"grid": cells} if mask == "own" else {}
    return {"model": model, "mask": mask, "depth": depth, "layer": "1", "head": "2"} | grid


def check_page(app: AppTest, path: str, **choices: str) -> None:
    """The page is drawn whole, under its own title, and shows what was chosen."""
    assert not app.exception and not app.error and not app.warning, path
    assert page_title(app) == next(page.title for page in PAGES if page.path == path)
    shown = app.session_state["memory"].shown
    asked = named_once(shown._replace(mask=choices["mask"]), runs.model_of(shown.model).config)
    assert shown.model == choices["model"] and shown.mask.startswith(asked.mask)
    assert app.session_state["depth"] == choices["depth"]


@pytest.mark.one_in(45)
@pytest.mark.parametrize("model, mask, depth, path", pairwise(READY, MASKS, DEPTHS, PATHS))
def test_a_page_opens_with_a_model_a_mask_and_a_depth(model, mask, depth, path):
    view = view_of(model, mask, depth)
    check_page(opened(path, **view), path, **view)


@pytest.mark.slow
@pytest.mark.parametrize("model", READY)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_every_page_opens_with_every_model_mask_and_depth(model, mask, depth):
    view = view_of(model, mask, depth)
    app = opened(**view)
    for path in PATHS:
        check_page(app.switch_page(path).run(), path, **view)


MASKS_OF_IDS = ("trained", "decoder")


@pytest.mark.one_in(17)
@pytest.mark.parametrize(
    "tiny_folder, mask, depth, path",
    pairwise(FAMILIES, MASKS_OF_IDS, DEPTHS, PATHS),
    indirect=["tiny_folder"],
)
def test_a_page_opens_with_a_family_a_mask_and_a_depth(tiny_folder, mask, depth, path):
    view = {"model": tiny_folder, "mask": mask, "depth": depth, "layer": "1", "head": "1"}
    check_page(opened(path, **IDS, **view), path, **view)


@pytest.mark.slow
@pytest.mark.parametrize("mask", MASKS_OF_IDS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_every_page_opens_with_every_family(tiny_folder, mask, depth):
    view = {"model": tiny_folder, "mask": mask, "depth": depth, "layer": "1", "head": "1"}
    app = opened(**IDS, **view)
    for path in PATHS:
        check_page(app.switch_page(path).run(), path, **view)


@pytest.mark.one_in(3)
@pytest.mark.parametrize("mask", MASKS_OF_IDS)
def test_each_side_of_every_family_opens_with_few_tokens(tiny_folder, mask):
    for side in load(tiny_folder).config.sides:
        app = opened(model=tiny_folder, sentence="3 5 7", target="4 6", side=side, mask=mask)
        assert not app.exception and not app.error


# Those that any model can have: other weights come of a lesson or of snapshots, and have their own
# tests (test_how_it_learned.py, test_over_time.py).
KINDS = [kind for kind in whatif.TITLES if kind not in whatif.OTHER_WEIGHTS]


def what_if(folder: str, change: str) -> str:
    """A change of that kind, as it stands in an address, where it has something to change."""
    config = load(folder).config
    side = config.sides[0]
    change = "attn" if change == "cross" and not config.crosses else change
    given = {
        **dict.fromkeys(("head", "neuron", "freeze"), f":{side}.1.0"),
        **dict.fromkeys(("attn", "mlp"), f":{side}.1"),
        **dict.fromkeys(("pad", "open-pad"), ":2"),
        "cross": ":decoder.1",
        "temp": f":{side}.1.0=2",
        "set": f":{side}.0.attn.z[0,0,0]=0.5",
        "swap": ":0=1",
        "token": ":0=7",
        "patch": f":{side}.1.stream[2]=4 6 8 2 7",
    }
    return change + given.get(change, "")


def check_what_if(app: AppTest, path: str, change: str) -> None:
    """The page shows the run with that change, and only warns of numbers past all bounds."""
    assert not app.exception and not app.error, path
    assert not app.warning or change == "norms" and "overflow" in said(app), path
    assert app.session_state["memory"].shown.change == change
    assert any("What if" in each.value for each in app.markdown)


def lead_back(app: AppTest) -> None:
    """The button of the banner shows the model as it was trained again."""
    app.button(key="as_it_is").click().run()
    assert not app.exception and app.session_state["memory"].shown.change == ""
    assert "change" not in address(app)


@pytest.mark.one_in(31)
@pytest.mark.parametrize(
    "tiny_folder, change, path", pairwise(FAMILIES, KINDS, PATHS), indirect=["tiny_folder"]
)
def test_a_page_shows_a_what_if_of_a_family(tiny_folder, change, path):
    change = what_if(tiny_folder, change)
    app = opened(path, model=tiny_folder, **IDS, change=change, layer="1")
    check_what_if(app, path, change)


@pytest.mark.one_in(13)
@pytest.mark.parametrize(
    "tiny_folder, change", one_in(4, product(FAMILIES, KINDS)), indirect=["tiny_folder"]
)
def test_a_what_if_of_a_family_leads_back(tiny_folder, change):
    change = what_if(tiny_folder, change)
    lead_back(opened(PATHS[-1], model=tiny_folder, **IDS, change=change, layer="1"))


@pytest.mark.slow
@pytest.mark.parametrize("change", KINDS)
def test_every_page_shows_a_what_if_of_every_family_and_leads_back(tiny_folder, change):
    change = what_if(tiny_folder, change)
    app = opened(model=tiny_folder, **IDS, change=change, layer="1")
    for path in PATHS:
        check_what_if(app.switch_page(path).run(), path, change)
    lead_back(app)


@pytest.mark.one_in(3)
def test_words_for_a_model_that_takes_ids_are_explained(tiny_folder):
    fresh = opened(model=tiny_folder)
    assert not fresh.exception and "type token ids" in said(fresh)
    assert opened(model=tiny_folder, sentence="1 999999 2").warning


@pytest.mark.one_in(11)
@pytest.mark.parametrize("path", OTHERS)
def test_choices_stay_when_the_page_is_switched(path):
    app = opened()
    app.text_input(key="sentence").set_value("Birds sing when the sun comes up.").run()
    app.radio(key="mask").set_value("decoder").run()
    look(app.switch_page("pages/4_Heads.py").run(), layer=3, head=7, token=4)
    before = address(app)
    app.switch_page(path).run()
    chosen = {
        "sentence": "Birds sing when the sun comes up.",
        "mask": "decoder",
        "layer": 3,
        "head": 7,
        "token": 4,
    }
    kept = {key: app.session_state[key] for key in chosen}
    assert kept == chosen
    assert before == {key: str(value) for key, value in kept.items()}
    assert before.items() <= address(app).items()


def test_an_address_is_the_view():
    there = {
        "sentence": "Two tokens.",
        "mask": "others",
        "layer": "5",
        "head": "11",
        "token": "1",
        "cell": "encoder.5.attn.pattern:11,1,2",
    }
    app = opened(**there)
    assert address(app) == there and not app.warning
    assert parts(app)[0]["name"] == there["cell"]


def test_choices_are_brought_inside_a_smaller_sentence():
    app = opened(token="9", layer="5")
    app.text_input(key="sentence").set_value("Hi.").run()
    assert not app.exception and app.session_state["token"] < 4 and app.session_state["layer"] == 5


@pytest.mark.one_in(5)
@pytest.mark.parametrize("path, kind", one_in(11, product(PATHS, HOSTILE)))
def test_hostile_sentences_do_no_harm(path, kind):
    app = opened(path, sentence=HOSTILE[kind], cell="encoder.embed.ids:0")
    assert not app.exception
    shown = (
        app.markdown,
        app.caption,
        app.warning,
        app.info,
        app.error,
        app.title,
        app.subheader,
        app.get("html"),
    )
    for element in (each for kind in shown for each in kind):
        assert not any(harm in element.proto.body for harm in HARM)


REFUSED = {
    "long": ("word " * 2000, "10,000 characters"),
    "blank": ("   ", "nothing to read"),
    "empty": ("", "nothing to read"),
    "too many tokens": ("one two three " * 180, "the limit is 512"),
}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("path, kind", one_in(7, product(PATHS, REFUSED)))
def test_what_cannot_be_shown_is_said_and_the_last_view_stays(path, kind):
    text, why = REFUSED[kind]
    app = opened(path, sentence="A good sentence.")
    before = app.session_state["memory"].shown
    app.text_input(key="sentence").set_value(text).run()
    assert not app.exception and why in said(app) and "A good sentence." in said(app)
    assert app.session_state["memory"].shown == before
    assert app.text_input(key="sentence").value == text  # nothing that was typed is lost


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    "key, value",
    [(key, value) for key, values in HOSTILE_ADDRESS.items() for value in values],
    ids=lambda text: text[:30],
)
def test_hostile_addresses_do_no_harm_and_are_explained(key, value):
    app = opened(**{key: value})
    assert not app.exception and not app.error
    assert key in said(app) or "number" in said(app)
    assert address(app).get(key) != value
    state_now = app.session_state
    assert (
        state_now["memory"].shown.model in READY
        and 0 <= state_now["layer"] < 6
        and 0 <= state_now["head"] < 12
    )


def test_what_is_wrong_around_the_page_and_in_it_is_both_said():
    app = opened(model="../../etc/passwd", layer="999")
    assert not app.exception and "asks for model" in said(app) and "asks for layer" in said(app)


def test_a_hostile_step_is_shown_letter_by_letter():
    app = opened(step=HOSTILE["image"])
    assert not app.exception and "no step" in said(app)
    assert not any("![x](" in element.value for element in app.warning)


CELLS = (
    "encoder.embed.out:2,5",
    "encoder.1.attn.q:3,2,5",
    "encoder.1.attn.scores.dot:3,2,1",
    "encoder.1.attn.scores:3,2,1",
    "encoder.1.attn.pattern:3,2,1",
    "encoder.1.attn.z:3,2,7",
    "encoder.1.attn.heads:3,2,9",
    "encoder.1.attn.out:2,9",
    "encoder.1.mlp.hidden:2,100",
    "encoder.1.mlp.out:2,9",
    "encoder.1.mlp.norm.scale:2",
    "encoder.1.mlp.norm.out:2,9",
    "weights/encoder.0.attn.q.weight:5,6",
    "encoder.embed.ids:2",
)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("cell", CELLS)
def test_a_number_opens_and_each_of_its_operands_opens_too(cell):
    head, body, lines = parts(opened("pages/12_Every_number.py", cell=cell))
    assert bool(lines["sources"]) != cell.startswith("weights/")
    assert head["name"] == cell and head["title"] and head["where"]
    links = [
        item["cell"]
        for group in body["groups"]
        for row in group["rows"]
        for item in row["items"]
        if item["cell"]
    ]
    assert bool(links) != cell.startswith(("weights/", "encoder.embed.ids"))
    for link in links[:2] + links[-1:]:
        onward = opened("pages/12_Every_number.py", cell=link)
        assert not onward.exception and not onward.warning and parts(onward)[0]["name"] == link


@pytest.mark.one_in(50)
@pytest.mark.parametrize("every", (5, pytest.param(1, marks=pytest.mark.slow)))
def test_every_kind_of_step_is_drawn_and_explained(tiny_folder, every):
    first = EVERY.index(Path(tiny_folder).name) % every  # other kinds of the next family
    app = opened(
        "pages/12_Every_number.py", model=tiny_folder, sentence="3 5 7 2 9", target="4 6 8"
    )
    names = [option.split(" · ")[0] for option in app.selectbox(key="step").options]
    kinds = {(ref.side, ref.place, ref.leaf): str(ref) for ref in map(ref_of, names)}
    assert len(kinds) > 25
    for name in list(kinds.values())[first::every]:
        app.session_state["step"] = name
        app.run()
        assert not app.exception and not app.warning, name
        assert parts(app)[0]["name"].startswith(f"{name}:")


def nothing_here(monkeypatch, fetch) -> AppTest:
    """The app on a machine without any weights, where fetching does what the function given
    does.
    """
    monkeypatch.setattr(catalogue, "find", lambda name: None)
    monkeypatch.setattr("core.models.download.fetch", fetch)
    for cache in (runs.ready_of, downloads.jobs):
        cache.clear()
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def test_the_first_start_fetches_the_smallest_model_and_says_so(monkeypatch, afterwards):
    asked = []

    def fetch(name, progress):
        asked.append(name)
        progress(20_000_000, 80_000_000, "Fetching it")
        time.sleep(2)

    app = nothing_here(monkeypatch, fetch)
    words = " ".join(element.value for element in (*app.markdown, *app.caption))
    assert not app.exception and asked == ["minilm"]
    assert "84 MB" in words and "Without a network" in words and "models fetch minilm" in words
    assert app.get("progress")


def test_a_failed_first_start_says_why_and_offers_another_try(monkeypatch, afterwards):
    def fetch(name, progress):
        raise GlassError("The network is down.")

    app = nothing_here(monkeypatch, fetch)
    time.sleep(0.2)
    app.run()
    assert "network is down" in app.error[0].value and "Try again" in [
        button.label for button in app.button
    ]
    assert not app.exception


def test_a_model_that_is_not_here_is_offered_and_the_one_before_stays(monkeypatch, afterwards):
    absent = next((name for name in catalogue.CATALOGUE if name not in READY), None)
    if absent is None:
        pytest.skip("every model of the catalogue is on this machine")

    def fetch(name, progress):
        raise GlassError("The Hub can’t be reached.")

    monkeypatch.setattr("core.models.download.fetch", fetch)
    downloads.jobs.clear()
    app = opened()
    app.selectbox(key="model").set_value(absent).run()
    assert not app.exception and app.session_state["memory"].shown[0] == "minilm"
    app.button(key="fetch").click().run()
    time.sleep(0.3)
    app.run()
    assert (
        "be reached" in app.error[0].value
        and not app.exception
        and app.session_state["memory"].shown[0] == "minilm"
    )
