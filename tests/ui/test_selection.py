"""What is chosen: what stands in the address, what the session keeps, what the pages say of it."""

from __future__ import annotations

import copy
from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import pytest
import streamlit as st

from core.models import catalogue
from tests.helpers.pages import OTHERS, address, look, opened, parts, said
from tests.helpers.sample import one_in
from ui.kit.explanation_panel import opened_in
from ui.kit.word_grouping import grouped_weights, has_pieces
from ui.session.address import link_asks_for, query_params
from ui.session.selection import (
    CODECS,
    DEPTHS,
    EXAMPLES,
    MASKS,
    SIDES,
    Selection,
    chosen,
    depth,
    fits,
    opened_cell,
    select,
    select_what_fits,
    selection,
    spell,
    unchosen,
)
from ui.session.view import View
from ui.shell.model_notes import mask_differs_from_training
from ui.shell.page_shell import what_if
from ui.stages.before_attention import lstm

ROOT = Path(__file__).resolve().parents[2]

ATTENTION, OUTPUT, EVERY = "pages/3_Attention.py", "pages/10_Output.py", "pages/12_Every_number.py"

WIDGETS = (
    "slider",
    "selectbox",
    "segmented_control",
    "toggle",
    "number_input",
    "select_slider",
    "text_input",
)


# --- a what-if that can't be shown ----------------------------------------------------------------


IN_VAIN = (
    {"change": "pad:99"},
    {"change": "norms+head:encoder.99.0"},
    {"change": "set:encoder.0.attn.z[0,0,99999]=1"},
    {"change": "token:0=9999999+attn:decoder.0"},
    {"change": "freeze:cross.0.0+temp:encoder.0.0=0"},
    {"change": "patch:encoder.0.mlp[0]=a text of another length"},
    {"mask": "own", "grid": "e99-9"},
    {"change": "norms", "mask": "own", "grid": "d0-0"},
)


@pytest.mark.one_in(5)
@pytest.mark.parametrize("path, asked", one_in(11, product(["app.py", *OTHERS], IN_VAIN)))
def test_no_banner_speaks_of_a_run_that_is_not_shown(path, asked):
    app = opened(path, **asked)
    shown, words = app.session_state["memory"].shown, " ".join(each.value for each in app.markdown)
    assert (shown.change, shown.mask) == ("", "trained") and app.warning and not app.exception
    assert (
        "all pages show this run" not in words
        and "What if:" not in words
        and "This what-if cannot be shown" in words
    )
    app.button(key="as_it_is").click().run()
    assert (
        not app.warning
        and "cannot be shown" not in " ".join(each.value for each in app.markdown)
        and "change" not in address(app)
    )


def test_the_banner_speaks_of_the_run_that_stays_when_another_can_not_be_shown():
    app = opened(change="norms")
    app.session_state["change"] = "pad:99"
    app.run()
    words = " ".join(each.value for each in app.markdown)
    assert "99" in said(app) and app.session_state["memory"].shown.change == "norms"
    assert "**What if:** without norms — all pages show this run." in words


# --- the address is blamed for what stands in it --------------------------------------------------


@pytest.mark.one_in(10)
@pytest.mark.parametrize("path", ["app.py", *OTHERS])
def test_after_a_switch_to_a_smaller_model_nobody_is_blamed_and_nothing_stale_is_linked(
    path, smollm2
):
    app = opened(EVERY, model="smollm2", layer="14", head="8", step="decoder.14.mlp.hidden.gate")
    assert (
        app.session_state["step"] == "decoder.14.mlp.hidden.gate"
        and app.session_state["layer"] == 14
    )
    app.switch_page(path).run()
    app.selectbox(key="model").set_value("study-encoder").run()
    assert not app.warning and not app.exception
    for after in (EVERY, "app.py", path):
        app.switch_page(after).run()
        assert not app.warning and not app.exception
        assert "side" not in address(app) and "14" not in address(app).get("step", "")


def test_a_side_goes_with_the_model_that_has_it():
    app = opened(model="study-translator", side="decoder")
    app.selectbox(key="model").set_value("minilm").run()
    app.switch_page(ATTENTION).run()
    assert "side" not in address(app) and not app.warning and app.session_state["side"] == "encoder"


@pytest.mark.parametrize(
    "asked, why",
    [
        ({"side": "decoder"}, "side decoder"),
        ({"step": "decoder.14.attn.q"}, "decoder.14.attn.q"),
        ({"layer": "14"}, "layer 14"),
        ({"head": "12"}, "head 12"),
        ({"token": "99"}, "token 99"),
    ],
)
def test_what_an_address_asks_for_in_vain_is_said_once(asked, why):
    app = opened(**asked)
    assert why in said(app) and not app.exception
    look(app, depth="numbers")
    assert not app.warning and not asked.items() & address(app).items()


# --- a link is this view --------------------------------------------------------------------------

# page -> the choices that are made in it, and what makes their widgets appear
INSIDE = {
    "pages/1_Tokens.py": (
        {"cards": "tokens-map.tokens-sums"},
        {
            "tokens_map": "near",
            "tokens_3d": "1",
            "tokens_turn": "85",
            "tokens_a": "house",
            "tokens_c": "cat",
        },
    ),
    "pages/2_Positions.py": (
        {"cards": "positions-order"},
        {"places_kept": "kept", "places_back": "1"},
    ),
    ATTENTION: (
        {"stage": "3", "cards": "attention-softmax"},
        {"softmax_of": "heat", "softmax_heat": "0.4"},
    ),
    "pages/5_Add_and_norm.py": ({}, {"addnorm_sublayer": "mlp"}),
    "pages/6_Feed_forward.py": ({"cards": "ff-neuron"}, {"ff_neuron": "77"}),
    "pages/7_Layers.py": (
        {"depth": "numbers", "cards": "layers-path.layers-roles"},
        {"layers_role": "2", "layers_length": "one", "layers_drawn": "all"},
    ),
    "pages/8_Encoder_and_decoder.py": (
        {"cards": "masks-padding"},
        {
            "padding_count": "5",
            "padding_way": "open-pad",
            "masks_click": "draw",
            "masks_compared": "encoder",
        },
    ),
    "pages/9_Cross_attention.py": (
        {"model": "study-translator", "cards": "cross-heads"},
        {"cross_weights": "head", "cross_rows": "reads", "cross_words": "0"},
    ),
    OUTPUT: (
        {"model": "study-decoder", "cards": "output-line"},
        {"temperature": "1.3", "top_k": "5", "top_p": "0.6", "output_seed": "77"},
    ),
    "pages/11_Before_attention.py": (
        {"cards": "before-lstm.before-reach"},
        {
            "before_word": "2",
            "before_other": "door",
            "before_reads": "other",
            "before_at": "3",
            "before_measure": "guess",
            "before_place": "1",
            "before_network": "attention",
        },
    ),
    "pages/16_Laboratory.py": (
        {"model": "study-decoder", "cards": "lab-patch"},
        {
            "lab_kind": "temp",
            "lab_heat": "0.5",
            "lab_patch": "mlp",
            "lab_text": "The new book is good.",
        },
    ),
    "pages/17_How_it_learned.py": (
        {"model": "study-decoder", "cards": "learned-teach"},
        {
            "learn_at": "2",
            "learn_method": "adamw",
            "learn_rate": "0.003",
            "learn_steps": "7",
            "learn_word": "1",
        },
    ),
    "pages/15_Why_this_word.py": (
        {"model": "study-decoder", "cards": "why-trail"},
        {"why_share": "0.2"},
    ),
    "pages/13_Compare.py": (
        {},
        {"compare_sentence": "The old book that the student recommended is expensive."},
    ),
}


BY_KEY = {codec.key: codec for codec in CODECS.values()}
NAME_OF = {codec.key: name for name, codec in CODECS.items()}


@pytest.mark.one_in(5)
@pytest.mark.parametrize("path", INSIDE)
def test_what_is_chosen_in_a_page_travels_in_its_link_and_outlives_a_switch_of_pages(path):
    there, chosen = INSIDE[path]
    app = opened(path, **there, **chosen)
    for _ in range(2):
        assert not app.warning and not app.exception
        assert {key: address(app).get(key) for key in chosen} == chosen
        values = {NAME_OF[key]: BY_KEY[key].parse(text) for key, text in chosen.items()}
        assert {name: app.session_state[name] for name in values} == values
        shown = {each.key: each.value for kind in WIDGETS for each in app.get(kind)}
        for part in parts(app, "choice"):
            shown["addnorm_sublayer"] = ("attn", "mlp")[part["chosen"]]
        both = values.keys() & shown.keys()  # a click in a figure is no widget
        assert both and {key: shown[key] for key in both} == {key: values[key] for key in both}
        app.switch_page("app.py").run()
        app.switch_page(path).run()
    again = opened(path, **there)
    assert not set(chosen) & set(address(again))  # what nobody chose is in no link


def test_a_link_to_another_neuron_or_sum_shows_what_it_says(minilm):
    app = opened("pages/6_Feed_forward.py", ff_neuron="77", token="3", layer="2")
    assert any("neuron 77 do here" in each.label for each in app.expander)
    look(app, token=4)
    assert "ff_neuron" not in address(app)  # another token has a strongest neuron of its own
    table = minilm.trace(EXAMPLES[0]["text"])["encoder.2.mlp.hidden.reach"]
    assert app.session_state["ff_neuron"] == table[4].argmax()


@pytest.mark.one_in(5)
@pytest.mark.parametrize(
    "key, text",
    [
        ("softmax_heat", "9"),
        ("softmax_heat", "nan"),
        ("softmax_heat", "0.25"),
        ("softmax_heat", "1e1"),
        ("softmax_of", "cold"),
        ("temperature", "0"),
        ("top_k", "4"),
        ("top_k", "1.0"),
        ("top_p", "2"),
        ("top_p", "-1"),
        ("output_seed", "-1"),
        ("output_seed", "1000000"),
        ("tokens_turn", "42"),
        ("tokens_3d", "2"),
        ("cross_words", "yes"),
        ("padding_count", "17"),
        ("layers_role", "7"),
        ("output_pair", "1"),
        ("places_kept", "x"),
        ("ff_neuron", "٣"),
        ("tokens_a", "x" * 61),
        ("part_rows", "-64"),
        ("compare_what", "mask"),
        ("compare_head", "-1"),
        ("compare_model", "no-such-model"),
        ("compare_reads", "both"),
        ("compare_cell", "3"),
        ("lab_kind", "nonsense"),
        ("lab_heat", "0"),
        ("lab_neuron", "-1"),
        ("lab_other", "x"),
        ("lab_word", "x" * 61),
        ("lab_reads", "all"),
        ("lab_patch", "out"),
        ("lab_cell", "3"),
        ("why_rival", "-2"),
        ("why_shows", "both"),
        ("why_share", "0.03"),
    ],
)
def test_a_choice_that_there_is_not_is_named_with_what_there_is(key, text):
    app = opened(**{key: text})
    assert (
        not app.exception
        and f"asks for {key} “{text[:40]}" in said(app)
        and BY_KEY[key].message in said(app)
    )
    assert key not in address(app)


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "path, asked",
    [
        ("pages/6_Feed_forward.py", {"ff_neuron": "99999"}),
        ("pages/5_Add_and_norm.py", {"addnorm_sublayer": "cross"}),
        (
            "pages/8_Encoder_and_decoder.py",
            {"padding_count": "16", "sentence": "so " * 250, "cards": "masks-padding"},
        ),
        ("pages/16_Laboratory.py", {"lab_kind": "cross"}),
        ("pages/16_Laboratory.py", {"lab_neuron": "9999"}),
        ("pages/16_Laboratory.py", {"lab_other": "999"}),
        ("pages/13_Compare.py", {"compare_head": "99", "compare_what": "head"}),
        ("pages/13_Compare.py", {"compare_layer": "0", "compare_what": "layer"}),
    ],
)
def test_a_choice_that_this_model_or_text_does_not_have_is_said(path, asked):
    app = opened(path, **asked)
    key = next(iter(asked))
    assert not app.exception and f"asks for {key} “{asked[key]}”" in said(app)
    look(app, depth="numbers")
    assert not app.warning and key not in address(app)


# What is chosen elsewhere, or is no choice: it stands in another form in the address.
NO_CHOICES = {"example", "toggle_hide_special", "toggle_merge_pieces"}


@pytest.mark.one_in(7)
@pytest.mark.parametrize("path", ["app.py", *OTHERS])
@pytest.mark.parametrize("model", ["minilm", "study-decoder", "study-translator"])
def test_every_widget_is_a_choice_of_the_table(path, model):
    found = set()
    for deep, stage in (("story", "0"), ("numbers", "3")):
        app = opened(
            path,
            model=model,
            depth=deep,
            stage=stage,
            softmax_of="heat",
            tokens_3d=str(int(deep != "story")),
        )
        for kind in (*WIDGETS, "text_area", "radio", "checkbox", "multiselect"):
            found |= {each.key for each in app.get(kind)}
    found = {key for key in found if not key.startswith("card_")}
    assert found - NO_CHOICES <= set(CODECS)


def test_every_choice_begins_as_one_and_no_other_thing_is_one():
    for name, codec in CODECS.items():
        assert fits(name, codec.default), name
        assert getattr(unchosen(), name) == codec.default, name
        for wrong in (float("nan"), [], {}, b"x", object()):
            assert not fits(name, wrong), name


# Among these every choice finds some that fit.
SAMPLES = (
    *(False, True, *range(-3, 41), 50, 100, 128, 355, 500, 512, 999_999),
    *(step / 20 for step in range(101)),
    *("", "e3-4,e5-1", "decoder,d1-0", "norms", "pad:3+order", "1-house", "0-1", "12-7"),
    "0a1b2c3d_0~2_6~-5.03",
    *("LSTM", "a4-9~house"),
    *("house", "Two words.", "encoder.0.attn.q:0,1,2", " spaces ", "a&b=c#d", "ünïcode 你"),
    *(name for table in (MASKS, DEPTHS, SIDES) for name in table),
    *(
        option
        for codec in CODECS.values()
        for option in codec.message.removeprefix("one of ").split(", ")
    ),
    *(entry.name for entry in catalogue.listed()),
)


@pytest.mark.parametrize("name", CODECS)
def test_a_choice_is_spelled_as_it_is_read(name):
    values = [value for value in SAMPLES if fits(name, value)]
    assert len(values) >= 2
    for value in values:
        parsed = CODECS[name].parse(spell(value))
        assert parsed == value and fits(name, parsed), value


def test_the_names_in_an_address_are_those_of_old_links_and_each_stands_for_one_choice():
    keys = [codec.key for codec in CODECS.values()]
    assert len(set(keys)) == len(keys) == len(fields(Selection))
    other = {name: codec.key for name, codec in CODECS.items() if name != codec.key}
    assert other == {
        "mask_cells": "grid",
        "hide_special": "bare",
        "merge_pieces": "merge",
        "output_heat": "temperature",
        "output_k": "top_k",
        "output_p": "top_p",
    }


# --- choosing and reading -------------------------------------------------------------------------


class Session(dict):
    """A session as Streamlit has it."""

    def to_dict(self) -> dict:
        return dict(self)


@pytest.fixture
def session(monkeypatch):
    """A session outside a page."""
    session = Session()
    monkeypatch.setattr(st, "session_state", session)
    return session


def test_a_name_that_is_no_choice_and_a_value_that_does_not_fit_are_refused(session):
    select(layer=2)
    for wrong in ({"leyer": 1}, {"grid": ""}, {"layer": "2"}, {"layer": None}, {"stage": 99}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            select(head=3, **wrong)
        assert session == {"layer": 2}  # all or nothing
    select_what_fits(head=3, change="norms+" + "head:decoder.0.0+" * 130)
    assert session == {"layer": 2, "head": 3} and selection() == replace(
        unchosen(), layer=2, head=3
    )
    with pytest.raises(TypeError):
        query_params(leyer=1)


class ReadOnly(Session):
    """A session that nobody may write to."""

    def refuse(self, *given, **changes):
        raise AssertionError("a function that reads has written to the session")

    __setitem__ = __delitem__ = update = setdefault = pop = popitem = clear = __ior__ = refuse


def read_all(view: View) -> None:
    """All that pages ask of the session while they draw."""
    selection(), depth(), opened_cell(), query_params()
    for name in CODECS:
        chosen(name), link_asks_for(name)
    for name in list(view.trace.names)[:5]:
        opened_in(name)
    grouped_weights(view), has_pieces(view), what_if(view), mask_differs_from_training(view)
    lstm.owner(view), lstm.why_unread(view), lstm.other_text(view.sentence)


@pytest.mark.one_in(7)
@pytest.mark.parametrize("path", ["app.py", *OTHERS])
@pytest.mark.parametrize("model", ["study-encoder", "study-decoder", "study-translator"])
def test_reading_changes_nothing(path, model, monkeypatch):
    link = {"cell": "lstm.in:2,1"} if "Before" in path else {}
    app = opened(path, model=model, depth="numbers", token="2", **link)
    now = {name: app.session_state[name] for name in (*CODECS, "memory")}
    before, held = copy.deepcopy(now), selection_in(app)
    side = app.session_state["side"] if model == "study-translator" else model.split("-")[1]
    monkeypatch.setattr(st, "session_state", ReadOnly(now))
    read_all(View(before["memory"].shown, side, held.layer, held.head, held.token))
    assert now == before


def selection_in(app) -> Selection:
    """What is chosen in an app."""
    return Selection(**{name: app.session_state[name] for name in CODECS})


def test_only_the_room_of_the_session_knows_its_keys():
    files = [file for part in ("ui", "pages") for file in (ROOT / part).rglob("*.py")]
    found = {
        file.relative_to(ROOT).as_posix()
        for file in files
        if "session_state" in file.read_text(encoding="utf-8")
    }
    # The list of examples, two switches and the cards are widgets that are no choices themselves.
    assert {name for name in found if not name.startswith("ui/session/")} == {
        "ui/shell/controls.py",
        "ui/shell/settings.py",
        "ui/kit/stage.py",
    }
