"""Numbers and words in sentences: one of a thing, two that read alike, and signs that need
quotes.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core import whatif
from core.text import all_of, counted, each_of, moves, percent, terms_left
from tests.helpers.pages import opened
from ui.stages.cross_attention import decoding
from ui.stages.output import next_token

UI = Path(__file__).resolve().parents[2] / "ui"


@pytest.mark.parametrize(
    "said, words",
    [
        (counted(1, "token"), "1 token"),
        (counted(0, "token"), "0 tokens"),
        (counted(2, "token"), "2 tokens"),
        (counted(12_345, "word"), "12,345 words"),
        (counted(1, "word or sign", "words and signs"), "1 word or sign"),
        (each_of(1, "token"), "The one token"),
        (each_of(3, "token"), "Each of the 3 tokens"),
        (all_of(1, "layer"), "the one layer"),
        (all_of(4, "layer"), "all 4 layers"),
        (terms_left(1), "term"),
        (terms_left(2), "2 terms"),
        (whatif.title("pad:1"), "1 padding token, hidden"),
        (whatif.title("open-pad:2"), "2 padding tokens, seen by all"),
        (moves("81.1%", "81.1%"), "stays at 81.1%"),
        (moves("2", "3"), "goes from 2 to 3"),
    ],
)
def test_one_and_many_and_what_has_not_moved(said, words):
    assert said == words


@pytest.mark.parametrize(
    "claimed, true, said",
    [
        (0.8113, 0.8109, ""),
        (0.99999, 0.9999, ""),
        (0.9, 0.8109, "90.0% for **it**; the truth is **81.1%**."),
        (0.5, 0.0002, "50.0% for **it**; the truth is **<0.1%**."),
    ],
)
def test_a_softmax_over_few_words_is_spoken_of_only_where_it_differs(
    monkeypatch, claimed, true, said
):
    step, heard = f"head.sampled.0.100.{next_token.PARTIAL}.1000", []
    monkeypatch.setattr(next_token.st, "markdown", heard.append)
    view = SimpleNamespace(
        config=SimpleNamespace(n_vocab=3000), trace={step: {7: claimed}}, word=lambda i: "it"
    )
    columns = next_token.partial_column(view, 0, 7, true)
    assert len(heard) == len(columns) == bool(said) and " ".join(heard).endswith(said)


@pytest.mark.parametrize(
    "logarithms, said",
    [
        (
            [-1e-7],
            (
                "Here 1 token adds up to −1e−7. The perplexity is 1: it was practically certain"
                " of every word."
            ),
        ),
        (
            [-1e-7, -2e-7],
            (
                "Here 2 tokens add up to −3e−7, −1.5e−7 for each. The perplexity is 1: it was"
                " practically certain of every word."
            ),
        ),
        (
            [-np.log(2.0), -np.log(8.0)],
            "Here 2 tokens add up to −2.77, −1.39 for each. The perplexity is 4.",
        ),
    ],
)
def test_words_that_are_nearly_certain_are_no_choice(logarithms, said):
    assert decoding.added_up(np.cumsum(logarithms)) == said


def test_a_sign_in_a_button_stands_within_quotes():
    masks = "pages/8_Encoder_and_decoder.py"
    app = opened(masks, sentence="The book is old.", token="5", cards="masks-draw")
    label = app.button(key="masking_column").label
    assert re.sub(r"\\(.)", r"\1", label) == "Block “.” for all"


def test_a_silent_head_is_silent_in_a_sentence():
    app = opened(
        "pages/4_Heads.py",
        sentence="The book is old.",
        change="head:encoder.0.2",
        cards="heads-silent",
    )
    assert any(
        one.value.startswith("Now **head 2 of layer 0** is **silent**.") for one in app.markdown
    )


def test_a_share_of_any_size_is_written():
    """A share of an update that is nearly 0 long can be huge."""
    assert percent(2.0**100) == f"{2**100 * 100}.0%"
    assert percent(-1e30, 0).startswith("−100000")
    assert [percent(x) for x in (1.7e308, -1.7e308)] == ["∞", "−∞"]


def test_what_is_cut_away_is_no_rest_below_zero():
    """At a low temperature the words in the draw can add up to a little more than 1."""
    whole_V = np.array([0.7, 0.2, 0.1 + 4e-16, 1e-20])
    draw_V = np.append(whole_V[:3], 0)
    assert draw_V.sum() > 1
    assert "the other <0.1% is dropped" in next_token.kept_text(whole_V, draw_V, 3)


def test_no_number_is_rounded_in_a_way_of_its_own():
    """Shares and numbers go through core.text; what is left are widths in style sheets."""
    own = re.compile(r":\.(\d%|[1-9][fg])\}(?!%;)|number\(round\(")
    found = [
        f"{path.name}: {line.strip()}"
        for path in UI.glob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if own.search(line)
    ]
    assert not found
