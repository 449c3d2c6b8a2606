"""More than ten thousand texts that nobody types, through each kind of tokenizer that ships: a text
is refused, or cut into tokens whose places are right, and what is said of it steers no screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from random import Random

import numpy as np
import pytest

from core import load, lstm
from core.errors import GlassError, harmless
from core.models.model import Model
from core.text import label, on_one_line
from tests.helpers.encodings import check_encoding
from tests.helpers.model_files import refusal
from tests.helpers.odd_texts import halved, odd_texts
from tests.helpers.watched import shards, tried, watched
from ui.text import plain

MODELS = ("study-encoder", "study-decoder", "study-translator", "minilm", "smollm2", "study-lstm")
SIGN = re.compile(r"[!-/:-@\[-`{-~]")  # of Markdown and HTML
ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]")
LONGEST_RUN = 24  # tokens of a text that is run as well


@cache
def model_of(name: str):
    """A model, read once."""
    return lstm.load() if name == "study-lstm" else load(name)


def cut(model, text: str) -> None:
    """Cuts a text, and goes back from its tokens to a text."""
    found = model.tokenizer.encode(text) if not isinstance(model, Model) else model.encode(text)
    check_encoding(found, text)
    assert isinstance(model.tokenizer.decode(found.ids_L), str)


def run(model: Model, text: str) -> None:
    """Runs a short text: its numbers are finite, and each token has its row."""
    ids_L = model.encode(text).ids_L
    if not 0 < len(ids_L) <= LONGEST_RUN:
        return
    target = {"target_ids_L": [model.config.start_id]} if model.config.crosses else {}
    trace = model.trace(ids_L=ids_L, **target)
    side = model.config.sides[0]
    assert len(trace[f"{side}.out"]) == len(ids_L) and np.isfinite(trace[f"{side}.out"]).all()


def shown(text: str) -> None:
    """What becomes of a text before it reaches a terminal, a message or a page."""
    for said in (label(text), on_one_line(text), harmless(text), str(GlassError(text))):
        assert harmless(said) == said and "\n" not in said and "\x1b" not in said
    assert on_one_line(on_one_line(text)) == on_one_line(text)
    assert not SIGN.search(ESCAPED.sub("", plain(text))), "a sign is not escaped"


def cases(model, rng: Random, count: int) -> Iterator:
    """Each text through all of these; every tenth short one through the model as well."""
    for number, text in enumerate(odd_texts(rng, count)):
        yield f"{text!r:.100} shown", partial(shown, text)
        yield f"{text!r:.100}", partial(cut, model, text)
        if number % 10 == 0 and len(text) < 60 and isinstance(model, Model):
            yield f"{text!r:.100} run", partial(run, model, text)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed, count", shards(2, 1_000, 60))
def test_odd_texts(name, seed, count, tmp_path):
    model = model_of(name)
    rng = Random(f"{name} {seed}")
    with watched(tmp_path):
        done, _ = tried(cases(model, rng, count))
    assert done > count


def test_half_of_a_pair_is_refused_by_every_model():
    for name in MODELS[:5]:
        assert "surrogate" in refusal(model_of(name).encode, halved(Random(1), 3))
