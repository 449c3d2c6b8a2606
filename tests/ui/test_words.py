"""What stumbles does not come back: every text in the source, and every text on every page at every
depth, with all cards open.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from itertools import product

import pytest

import ui
from tests.helpers.pages import opened
from tests.helpers.pairwise import pairwise
from tests.helpers.stumbling import sentences_in_code, stumbles, texts_in
from ui.kit import stage
from ui.session.navigation import PAGES
from ui.session.selection import DEPTHS

PATHS = [page.path for page in PAGES]
MODELS = ("study-decoder", "study-encoder", "study-translator")
# One word, words that come twice, and a word that the models have never seen
SENTENCES = ("", "books", "the dog and the dog and the zorb")
SOME = pairwise(PATHS, DEPTHS, MODELS, SENTENCES)
OTHERS = [each for each in product(PATHS, DEPTHS, MODELS, SENTENCES) if each not in SOME]
WIDGETS = ("radio", "selectbox", "toggle", "slider", "text_input", "text_area", "number_input")


class Every(list):
    """All cards: whichever is asked for is open."""

    def __contains__(self, name: object) -> bool:
        return True


@pytest.fixture(scope="module", autouse=True)
def all_imported():
    """A module that is imported while `opened_cards` is replaced would keep the other one."""
    for module in pkgutil.walk_packages(ui.__path__, "ui."):
        importlib.import_module(module.name)


def texts_on(app) -> Iterator[str]:
    """All that is written on a page: prose, labels, options, tips, and in the components."""
    for kind in ("title", "subheader", "markdown", "caption", "warning", "error", "info"):
        yield from (element.value for element in getattr(app, kind))
    for widget in (*app.button, *(each for kind in WIDGETS for each in getattr(app, kind))):
        yield from (widget.label, getattr(widget, "help", None) or "")
        yield from map(str, getattr(widget, "options", None) or ())
    for element in app.get("bidi_component"):
        if element.proto.component_name != "glass_styles":
            yield from texts_in(json.loads(element.proto.json))


def test_no_text_in_the_source_stumbles():
    found = {where: stumbles(text) for where, text in sentences_in_code() if stumbles(text)}
    assert not found


@pytest.mark.one_in(17)
@pytest.mark.parametrize("path, depth, model, sentence", SOME)
def test_no_text_on_a_page_stumbles(monkeypatch, path, depth, model, sentence):
    check_page(monkeypatch, path, depth, model, sentence)


@pytest.mark.slow
@pytest.mark.parametrize("path, depth, model, sentence", OTHERS)
def test_none_does_whatever_is_chosen(monkeypatch, path, depth, model, sentence):
    check_page(monkeypatch, path, depth, model, sentence)


def check_page(monkeypatch, path: str, depth: str, model: str, sentence: str) -> None:
    """Every text of the page with all its cards open."""
    monkeypatch.setattr(stage, "opened_cards", lambda: Every([""]))
    typed = {"sentence": sentence} if sentence else {}
    app = opened(path, model=model, depth=depth, **typed)
    assert not app.exception
    texts = list(dict.fromkeys(texts_on(app)))
    assert sum(map(len, texts)) > 500, "hardly anything was read"
    assert [found for text in texts for found in stumbles(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Every number opens at a click.",
        "behind the last layer",
        "Attention often rests on [START].",
        "Of this sentence this token is the one that it answers to most.",
        "Many a word stands in one piece",
        "1 tokens",
        "Here the the model reads",
        "a grid that is no mask drawn by hand",
    ],
)
def test_what_stumbles_is_found(text):
    assert stumbles(text)


def test_what_does_not_stumble_is_not_found():
    assert not stumbles("After the last layer, attention often goes to [START]: 1 token of 9.")
