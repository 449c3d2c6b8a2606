"""A stage's question, guessed before it is answered; its cards: closed at first, drawn once they
are open, and kept in the address.
"""

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


def asking():
    import streamlit as st

    from ui.kit.stage import Quiz, heading
    from ui.session.runs import RunRequest
    from ui.session.view import View

    view = View(RunRequest("study-encoder", st.session_state["sentence"]), "encoder", 0, 0, 0)
    heading("Which word?", Quiz(view, ("book", "<b>student", "is"), st.session_state["right"]))
    st.text("the figure")


def question(**given) -> AppTest:
    app = AppTest.from_function(asking)
    for name, value in ({"sentence": "The book is old.", "right": 0} | given).items():
        app.session_state[name] = value
    return app.run()


def words(app) -> str:
    assert not app.exception and [title.value for title in app.title] == ["Which word?"]
    return " ".join(each.value for each in app.markdown)


def test_a_stage_asks_once_for_each_sentence_and_keeps_the_score():
    app = question()
    assert len(app.button) == 5 and app.button(key="quiz_1").label == r"\<b\>student"
    app.button(key="quiz_1").click().run()
    assert r"You guessed **\<b\>student**. It is **book**. 0 of 1 right so far." in words(app)
    assert not app.button
    app.session_state["right"] = 2  # another token: nothing was guessed of it, nothing is asked
    assert "guessed" not in words(app.run()) and not app.button
    app.session_state["sentence"] = "The door is old."
    app.run().button(key="quiz_2").click().run()
    assert "You guessed it: **is**. 1 of 2 right so far." in words(app)


def test_who_does_not_want_to_guess_is_shown_the_figure():
    app = question()
    app.button(key="quiz_show").click().run()
    assert not app.button and "guessed" not in words(app)
    app = question()
    app.button(key="quiz_off").click().run()
    assert not app.button and app.session_state["ask"] is False
    app.session_state["sentence"] = "The door is old."
    assert not app.run().button
