"""Links of every version keep opening what they opened: the addresses below were written by the app
as it was then.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.helpers.links import followed
from tests.helpers.pages import said
from ui.session.navigation import PAGES, path_of
from ui.session.selection import CODECS, EXAMPLES, spell, unchosen
from ui.session.versions import FIRST_NAMES, VERSION, of_today

BEGINS = json.loads((Path(__file__).parent / "link_begins.json").read_text(encoding="utf-8"))
BOOK, CAT = EXAMPLES[0]["text"], "The small black cat sleeps on the green chair."
BOOKS, OPENING = "The books that the student recommended", unchosen().sentence
PATHS = {path_of(page): page.path for page in PAGES}

# The link, and what it shows
LINKS = {
    "2026-11-24": [
        (
            "Attention?layer=2&head=5&stage=3",
            {"model": "minilm", "sentence": BOOK, "layer": 2, "head": 5, "stage": 3},
        ),
        (
            "Heads?sentence=The+dog+sees+the+cat.&layer=1&head=7&token=4&depth=formula",
            {
                "model": "minilm",
                "sentence": "The dog sees the cat.",
                "layer": 1,
                "head": 7,
                "token": 4,
                "depth": "formula",
            },
        ),
        (
            "Every_number?layer=5&cell=encoder.5.attn.pattern%3A3%2C2%2C5&step=encoder.5.attn.pattern",
            {"model": "minilm", "cell": "encoder.5.attn.pattern:3,2,5", "layer": 5, "head": 0},
        ),
        (
            "./?model=minilm&change=norms%2Bhead%3Aencoder.0.3&tour=12",
            {"change": "norms+head:encoder.0.3", "sentence": BOOK, "tour": 8},
        ),
    ],
    "2026-11-25": [
        (
            "Attention?head=1&stage=3",
            {"model": "study-encoder", "sentence": BOOK, "layer": 0, "head": 1, "stage": 3},
        ),
        (
            "Cross_attention?sentence=The+small+black+cat+sleeps+on+the+green+chair."
            "&model=study-translator&side=decoder&layer=2&head=1",
            {"model": "study-translator", "sentence": CAT, "layer": 2, "head": 1},
        ),
        (
            "Encoder_and_decoder?model=study-decoder&mask=encoder&bare=1",
            {"mask": "encoder", "sentence": BOOK, "layer": 0, "head": 0},
        ),
        (
            "Encoder_and_decoder?mask=own&grid=e3-4%2Ce5-1",
            {"model": "study-encoder", "mask": "own", "mask_cells": "e3-4,e5-1"},
        ),
    ],
    "2026-11-26": [
        (
            "Output?sentence=The+dog+sees+the&model=study-decoder&output_heat=1.3&output_seed=7",
            {"output_heat": 1.3, "output_k": 20, "output_p": 0.95, "output_seed": 7, "layer": 0},
        ),
        (
            "Output?sentence=The+dog+sees+the&model=study-decoder",
            {"output_heat": 0.8, "output_k": 20, "output_p": 0.95},
        ),
        (
            "Positions?places_part=order&places_back=1",
            {"model": "study-encoder", "places_back": True, "cards": "positions-order"},
        ),
        (
            "Feed_forward?layer=1&token=3&ff_neuron=77&ff_shows=tokens",
            {"ff_neuron": 77, "layer": 1, "token": 3, "cards": "ff-neuron"},
        ),
        (
            "Attention?stage=3&softmax_of=heat&softmax_heat=0.4",
            {"softmax_of": "heat", "softmax_heat": 0.4, "cards": "attention-softmax"},
        ),
        (
            "Encoder_and_decoder?change=head%3Aencoder.0.3%2Bpad%3A2&padding_count=5"
            "&padding_way=open-pad",
            {"padding_count": 5, "padding_way": "open-pad", "cards": "masks-padding"},
        ),
        (
            "Tokens?tokens_map=near&tokens_3d=1&tokens_a=dog",
            {"tokens_3d": True, "tokens_a": "dog", "cards": "tokens-map.tokens-sums"},
        ),
        ("./?merge=1&tour=5", {"merge_pieces": 1, "tour": 4, "sentence": BOOK}),
    ],
    "2026-11-27": [  # the last without a version: all that the copying button made say `guess`
        ("Heads?layer=2&guess=shown", {"model": "study-decoder", "sentence": BOOKS, "layer": 2}),
        ("Heads?ask=0", {"model": "study-decoder", "sentence": BOOKS, "ask": False}),
        (
            "Output?cards=output-line&temperature=1.3&top_k=5",
            {"output_heat": 1.3, "output_k": 5, "output_p": 1.0, "cards": "output-line"},
        ),
        ("Output?output_heat=1.3&ask=0", {"output_heat": 1.3, "output_k": 20, "output_p": 0.95}),
    ],
    "v=2": [
        ("Heads?v=2&layer=2&guess=shown", {"model": "study-decoder", "layer": 2}),
        ("Attention?v=2&stage=3", {"model": "study-decoder", "sentence": OPENING, "stage": 3}),
    ],
}
ALL = [(link, shows) for links in LINKS.values() for link, shows in links]


def parts_of(link: str) -> tuple[str, dict[str, str]]:
    """The page of a link and what it says."""
    address = urlsplit(link)
    return PATHS[address.path], dict(parse_qsl(address.query, strict_parsing=True))


@pytest.mark.one_in(3)
@pytest.mark.parametrize("link, shows", ALL, ids=[link[:40] for link, _ in ALL])
def test_a_link_of_any_version_shows_what_it_showed(link, shows, minilm):
    app = followed(*parts_of(link))
    assert not app.exception and said(app) == ""
    assert {name: app.session_state[name] for name in shows} == shows


def test_a_link_of_the_first_days_shows_its_view_without_a_guess():
    app = followed(PATHS["Attention"], {"head": "1", "stage": "3"})
    assert not app.session_state["memory"].asking
    assert app.query_params["v"] in (str(VERSION), [str(VERSION)])


def test_a_page_that_no_link_asks_anything_of_opens_as_it_does_today():
    assert of_today({}, "Heads") == of_today({}, "Output") == {}
    assert of_today({"utm_source": "x"}, "Heads") == {"utm_source": "x"}


@pytest.mark.parametrize("stop, today", [("0", "0"), ("13", "9"), ("14", "14"), ("x", "x")])
def test_a_stop_of_the_longer_tour_is_one_of_today_or_said_to_be_none(stop, today):
    assert of_today({"tour": stop}, "Overview")["tour"] == today


def test_what_the_first_names_say_is_still_understood():
    gone = {"places_part", "ff_shows", "output_heat", "output_k", "output_p"}
    assert FIRST_NAMES - gone <= {codec.key for codec in CODECS.values()}


@pytest.mark.parametrize(
    "sign, why", [("3", "newer version"), ("x", "asks for v “x”"), ("0", "asks for v “0”")]
)
def test_a_version_that_there_is_not_is_said_and_the_rest_holds(sign, why):
    app = followed(PATHS["Heads"], {"v": sign, "layer": "2", "ask": "0"})
    assert not app.exception and why in said(app) and app.session_state["layer"] == 2


def test_a_choice_is_called_and_begins_as_links_of_this_version_have_it():
    """Where this fails: a new choice is added to link_begins.json; for another name or another
    beginning, ui/session/versions.py gets a version.
    """
    now = {
        codec.key: None if codec.default is None else spell(codec.default)
        for codec in CODECS.values()
    }
    assert now == BEGINS[str(VERSION)]


def test_no_page_that_links_lead_to_has_gone():
    assert set(BEGINS["pages"]) <= PATHS.keys()


@pytest.mark.parametrize("layer", ("²", "٣", "9" * 5_000, "-1", "", "1e3"))
def test_a_layer_that_is_no_number_says_nothing_of_the_model(layer):
    """Some signs count as digits that no number is made of, and some numbers have no end."""
    for asked in ({"layer": layer}, {"head": layer, "depth": "code"}):
        assert of_today(asked, "Heads")["model"] == "study-encoder"
