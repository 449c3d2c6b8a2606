"""Addresses that the app never wrote, for every parameter: whatever one asks for, the reader of
addresses gives back what may be chosen, says the rest, and fetches nothing.
"""

from __future__ import annotations

import re
from random import Random
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import GlassError
from core.models import catalogue, own
from tests.helpers.odd_addresses import NAMES, odd_link, odd_value, query
from tests.helpers.odd_texts import odd_text
from tests.helpers.pages import HARM, ROOT
from tests.helpers.watched import shards, tried, watched
from ui.session.navigation import PAGES
from ui.session.owner import ready_of
from ui.session.selection import CODECS
from ui.session.versions import SIGN
from ui.shell.downloads import jobs

KEYS = {codec.key for codec in CODECS.values()} | {SIGN}  # of an address that the app writes


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """Nothing is there but what came with the program: whatever else is asked for would have to be
    fetched.
    """
    monkeypatch.setenv("GLASSFORMER_CACHE", str(tmp_path / "cache"))
    ready_of.clear()
    yield
    ready_of.clear()


def read_addresses() -> None:
    """Runs within Streamlit, which alone has a session."""
    from random import Random

    import streamlit as st

    from tests.helpers.reading_addresses import read_all

    read_all(Random(st.session_state["seed"]), st.session_state["count"])


@pytest.mark.parametrize("seed, count", shards(10, 2_000, 200))
def test_what_an_address_gives_back_can_be_chosen(seed, count, tmp_path):
    app = AppTest.from_function(read_addresses, default_timeout=600)
    app.session_state["seed"], app.session_state["count"] = seed, count
    with watched(tmp_path, pages=True):
        app.run()
    assert not app.exception and app.session_state["read"] == count
    assert app.session_state["kept"] > count and app.session_state["refused"] > count


@pytest.mark.parametrize("seed, count", shards(1, 30, 3))
def test_each_parameter_by_itself(seed, count):
    """No name is left out: each gets values of all kinds, alone."""
    app = AppTest.from_function(read_each, default_timeout=600)
    app.session_state["seed"], app.session_state["count"] = seed, count
    app.run()
    assert not app.exception and app.session_state["read"] == count * len(NAMES)


def read_each() -> None:
    """The same for one name after the other."""
    from random import Random

    import streamlit as st

    from tests.helpers.reading_addresses import read_each_name

    read_each_name(Random(st.session_state["seed"]), st.session_state["count"])


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("app.py"),
        *(pytest.param(page.path, marks=pytest.mark.slow) for page in PAGES[1:]),
    ],
)
def test_a_page_opens_with_whatever_it_is_asked_for(path, tmp_path):
    """The page is drawn, with all that it can follow, and keeps an address of its own."""
    rng = Random(path)
    for _ in range(6):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        if path != "app.py":
            app.switch_page(path)
        asked = {"model": "study-decoder"} | odd_link(rng)
        for key, values in parse_qs(query(rng, asked), keep_blank_values=True).items():
            app.query_params[key] = values[0] if len(values) == 1 else values
        with watched(tmp_path, pages=True):
            app.run()
        assert not app.exception and not jobs(), asked
        words = " ".join(each.value for each in (*app.warning, *app.markdown, *app.caption))
        assert not any(re.search(rf"(?<!\\){re.escape(harm)}", words) for harm in HARM), asked
        assert {*app.query_params} <= KEYS, asked


@pytest.mark.parametrize("seed, count", shards(2, 1_000, 100))
def test_names_of_models_open_nothing(seed, count, tmp_path):
    """What is typed or linked as a model's name is a name, or refused."""
    rng = Random(seed)

    def look(text: str) -> None:
        assert isinstance(own.is_name(text), bool)
        name = own.meant(text)
        assert len(name) <= own.LONGEST
        if not (catalogue.entry_of(name).embedded or catalogue.local(text.strip())):
            assert not catalogue.find(name)
            with pytest.raises(GlassError):
                catalogue.resolve(name)

    texts = (rng.choice((odd_value(rng, "model"), odd_text(rng))) for _ in range(count))
    with watched(tmp_path):
        done, refused = tried((f"{text!r:.100}", lambda text=text: look(text)) for text in texts)
    assert done + refused == count and refused
