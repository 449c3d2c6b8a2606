"""A stage's cards: closed at first, drawn once they are open, and kept in the address."""

from streamlit.testing.v1 import AppTest


def two_cards():
    import streamlit as st

    from ui.kit.stage import card, heading

    heading("Which word?")
    card("What if it were silent?", "test-silent", lambda: st.text("no update"))
    card("What do all look at?", "test-all", lambda: st.text("the map"))


def drawn(cards: str = "") -> list[str]:
    app = AppTest.from_function(two_cards)
    app.session_state["cards"] = cards
    app.run()
    assert not app.exception and len(app.expander) == 2
    return [text.value for text in app.text]


def test_a_card_draws_its_answer_only_while_it_is_open():
    assert drawn() == []
    assert drawn("test-all") == ["the map"]
    assert drawn("test-silent.test-all") == ["no update", "the map"]
    assert drawn("of-another-page") == []
