"""No page draws a value that is not in the trace: every number of a run is marked, and the marks
are found in what is sent.

The mark stands in the last ten bits of a float32, so that one number in a thousand would carry it
by chance. What a page works out by itself (a sum, a difference, a random stand-in) loses it. What
is worked out from two runs, which no single trace can hold, is listed below with the reason.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.helpers.cards import CARDS
from tests.helpers.marked import drawn, not_of_the_trace
from tests.helpers.pages import opened
from ui.kit import components, packed_arrays
from ui.session.navigation import PAGES
from ui.session.selection import OPENING, STAGES
from ui.stages.overview import picture

MODELS, DEPTHS, PATHS = ("minilm", "smollm2"), ("story", "numbers"), [page.path for page in PAGES]
# Every page once, with one of the models at one of the depths
SOME = [(path, MODELS[n % 2], DEPTHS[n // 2 % 2]) for n, path in enumerate(PATHS)]
OTHERS = [each for each in product(PATHS, MODELS, DEPTHS) if each not in SOME]


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "path, model, depth", [*SOME, *(pytest.param(*each, marks=pytest.mark.slow) for each in OTHERS)]
)
def test_every_number_that_is_drawn_has_the_mark_of_the_trace(
    request, handed_out, model, depth, path
):
    request.getfixturevalue(model)
    app = opened(path, model=model, depth=depth, layer="1", head="2", cards=CARDS.get(path, ""))
    assert not app.exception and not app.warning
    # the pipeline alone has the whole layer's numbers
    assert path != "pages/3_Attention.py" or sum(len(each) for _, each in drawn(app)) > 10_000
    assert not_of_the_trace(app, handed_out()) == {}


@pytest.mark.parametrize("stage", range(STAGES))
@pytest.mark.parametrize("mask", ("trained", "decoder"))
def test_so_have_those_of_the_five_steps(minilm, handed_out, stage, mask):
    app = opened(
        "pages/3_Attention.py", stage=str(stage), mask=mask, depth="numbers", layer="1", head="2"
    )
    assert not_of_the_trace(app, handed_out()) == {} and len(list(drawn(app))) >= 1


@pytest.mark.parametrize("depth", DEPTHS)
def test_so_have_those_of_the_translator_and_its_cards(handed_out, depth):
    cards = ".".join(f"cross-{name}" for name in ("swap", "step", "find", "heads", "likely"))
    app = opened(
        "pages/9_Cross_attention.py",
        model="study-translator",
        sentence="The house is green.",
        depth=depth,
        cards=cards,
        stage="3",
    )
    assert not app.exception and len(list(drawn(app))) >= 6
    assert not_of_the_trace(app, handed_out()) == {}


@pytest.mark.one_in(13)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("model", ("study-decoder", "study-encoder", "study-translator"))
def test_so_have_those_of_why_and_its_cards(handed_out, model, depth):
    """The trail’s numbers, which travel apart, are computed again in tests/ui/test_why.py."""
    path = "pages/15_Why_this_word.py"
    at = {"layer": "3", "head": "1", "why_other": "1"}
    app = opened(path, model=model, depth=depth, cards=CARDS[path], **at)
    assert not app.exception and len(list(drawn(app))) >= 4
    assert not_of_the_trace(app, handed_out()) == {}


@pytest.mark.parametrize(
    "asked", ({}, {"change": "head:decoder.3.4"}, {"mask": "encoder"}, {"model": "study-encoder"})
)
def test_so_has_all_that_moves_on_the_overview(handed_out, asked):
    """What stands there at the end of the motion, and the ghost of what came out before."""
    app = opened(
        **{"model": "study-decoder", "sentence": OPENING, "layer": "3", "head": "4"} | asked
    )
    assert not app.exception and not app.warning
    assert len(list(drawn(app))) > 12 and not_of_the_trace(app, handed_out()) == {}


@pytest.mark.parametrize("model", ("study-decoder", "smollm2"))
@pytest.mark.parametrize("change", ("head:decoder.1.2", "mlp:decoder.1+order"))
def test_so_have_those_before_and_after_a_change(smollm2, handed_out, model, change):
    app = opened("pages/16_Laboratory.py", model=model, change=change, layer="1", head="2")
    assert not app.exception and not app.warning
    assert not_of_the_trace(app, handed_out()) == {} and len(list(drawn(app))) >= 1


def test_a_bar_of_the_overview_s_own_would_be_found(handed_out, monkeypatch):
    plain = picture.shown_words

    def longer(*given):
        return [word | {"share": word["share"] * 1.01} for word in plain(*given)]

    monkeypatch.setattr(picture, "shown_words", longer)
    app = opened(model="study-decoder", sentence=OPENING)
    assert not app.exception and not_of_the_trace(app, handed_out()) != {}


CARDS_OF_PARTS = {
    "pages/1_Tokens.py": "tokens-alike.tokens-map.tokens-sums.tokens-rows",
    "pages/2_Positions.py": "positions-turned.positions-table.positions-sum.positions-waves",
    "pages/5_Add_and_norm.py": "addnorm-norm.addnorm-tokens.addnorm-plane.addnorm-none",
    "pages/6_Feed_forward.py": "ff-neuron.ff-examples.ff-silenced.ff-activation.ff-strongest",
}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("path", CARDS_OF_PARTS)
@pytest.mark.parametrize("model", ("minilm", "study-decoder", "smollm2"))
def test_so_have_those_of_the_cards(smollm2, handed_out, path, model):
    depth, cards = "numbers", CARDS_OF_PARTS[path]
    if model == "smollm2":  # to mark all numbers of all examples of so large a model takes minutes
        depth, cards = "story", cards.replace(".ff-examples", "")
    app = opened(path, model=model, cards=cards, layer="1", head="2", depth=depth)
    assert not app.exception and not app.warning
    assert not_of_the_trace(app, handed_out()) == {} and len(list(drawn(app))) >= 2


@pytest.mark.parametrize("place, function", ((packed_arrays, "packed"), (components, "exactly")))
def test_a_number_of_the_page_s_own_would_be_found(
    minilm, handed_out, monkeypatch, place, function
):
    """The proof can fail: a page that adds a hair to what it draws is caught."""
    plain = getattr(place, function)
    monkeypatch.setattr(
        place, function, lambda value: plain(np.asarray(value, dtype=np.float64) * 1.001 + 1e-3)
    )
    app = opened("pages/3_Attention.py", stage="3", depth="numbers")
    assert not app.exception and max(not_of_the_trace(app, handed_out()).values()) > 0.5


def test_a_number_of_the_pipeline_s_own_would_be_found(minilm, handed_out, monkeypatch):
    plain = packed_arrays.packed
    monkeypatch.setattr(packed_arrays, "packed", lambda values: plain(np.asarray(values) * 1.001))
    wrong = not_of_the_trace(opened("pages/3_Attention.py", stage="3"), handed_out())
    assert [share > 0.5 for key, share in wrong.items() if "pipeline" in key] == [True]
