"""A stage's question; its cards: closed at first, drawn once open, and kept in the address."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.pages import opened, parts
from ui.session.navigation import EXERCISES, GLOSSARY, OVERVIEW, PAGES
from ui.session.selection import OPENING

QUOTED = re.compile(r"“(?!\*\*)")


@pytest.mark.one_in(5)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
@pytest.mark.parametrize("model", ("study-decoder", "minilm"))
def test_questions_name_tokens_in_bold_without_quotes(page, model):
    """But for a token of signs alone, which is bold within quotes (ui.text.bold)."""
    app = opened(page.path, model=model, sentence=OPENING, token="3")
    asked = [e.value for e in app.title] + [e.label for e in app.expander]
    assert not app.exception and (asked or page is OVERVIEW)
    assert not [question for question in asked if QUOTED.search(question)]


@pytest.mark.one_in(2)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
def test_the_line_over_a_page_stands_where_there_is_something_to_choose(page):
    assert len(parts(opened(page.path), "place")) == (page not in (EXERCISES, GLOSSARY))


def two_cards():
    import streamlit as st

    from ui.kit.stage import card, heading

    heading("Which word?")
    card("What if it were silent?", "test-silent", lambda: st.text("no update"))
    card("What do all look at?", "test-all", lambda: st.text("the map"))


def drawn(cards: str = "") -> list[str]:
    app = AppTest.from_function(two_cards, default_timeout=30)
    app.session_state["cards"] = cards
    app.run()
    assert not app.exception and len(app.expander) == 2
    return [text.value for text in app.text]


def test_a_card_draws_its_answer_only_while_it_is_open():
    assert drawn() == []
    assert drawn("test-all") == ["the map"]
    assert drawn("test-silent.test-all") == ["no update", "the map"]
    assert drawn("of-another-page") == []
