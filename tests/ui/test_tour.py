"""The guided tour: every stop of every family stands, names the reader's own words, and can be left
and found again.
"""

import pytest

from tests.helpers.pages import address, click, opened, parts, prose, said
from ui.session.navigation import ATTENTION, CROSS_ATTENTION, OUTPUT, OVERVIEW
from ui.session.opening import decision_of
from ui.session.runs import RunRequest
from ui.session.selection import OPENING, TOUR_STOPS
from ui.shell.tour import GUESS, STOPS

SENTENCE = OPENING  # study-decoder looks from "because" at "queen" there, in the head that decides
DECIDES = decision_of(RunRequest("study-decoder", OPENING))


@pytest.mark.parametrize("stop", range(len(STOPS)))
def test_each_stop_stands_on_its_page_and_rings_a_part_of_it(stop):
    page, choices = STOPS[stop].page, {key: str(to) for key, to in STOPS[stop].choices.items()}
    given = {"model": "study-encoder", "tour": str(stop), "layer": "1", "token": "6"}
    app = opened(page.path, **(given | choices))
    assert not app.exception and not app.warning
    assert f"**{stop + 1} of {len(STOPS)} · {page.title}**" in [e.value for e in app.markdown]
    assert "You left the tour" not in prose(app)
    (ring,) = parts(app, "ring")
    assert ring == {"selector": STOPS[stop].points_at, "stop": 2 * stop}
    if page not in (CROSS_ATTENTION, OUTPUT):  # those speak of what is written
        assert "**recommended**" in prose(app)  # the token at position 6


ASKED = [stop for stop, each in enumerate(STOPS) if each.page is not OVERVIEW]


@pytest.mark.parametrize("stop", ASKED)
def test_a_stop_waits_for_the_guess_and_gives_nothing_away(stop):
    page, choices = STOPS[stop].page, {key: str(to) for key, to in STOPS[stop].choices.items()}
    given = {"model": "study-decoder", "sentence": SENTENCE, "tour": str(stop), "ask": "1"}
    app = opened(page.path, **(given | choices))
    first = stop == next(s for s, each in enumerate(STOPS) if each.page is page)
    assert GUESS in words_of_card(app, stop)
    (ring,), (quiz,) = parts(app, "ring"), parts(app, "quiz")
    assert ring == {"selector": ".st-key-quiz", "stop": 2 * stop + 1} and not quiz["verdict"]
    assert first or page is ATTENTION  # three stops: the first of them asks in the tour
    click(app, "quiz", act=0)
    assert GUESS not in words_of_card(app, stop)
    (ring,), (quiz,) = parts(app, "ring"), parts(app, "quiz")
    assert ring == {"selector": STOPS[stop].points_at, "stop": 2 * stop}
    assert quiz["verdict"]["guess"] == 0


def test_no_stop_gives_the_answer_to_a_later_question_away():
    """The question about attention comes after the stops before it were read."""
    for stop, each in enumerate(STOPS):
        if each.page is ATTENTION:
            break
        place = {"layer": str(DECIDES.layer), "head": str(DECIDES.head), "token": "6"}
        given = {"model": "study-decoder", "sentence": SENTENCE, "tour": str(stop)}
        app = opened(each.page.path, **given | place)
        assert "**queen**" not in words_of_card(app, stop)


def words_of_card(app, stop: int) -> str:
    words = [e.value for e in app.markdown]
    at = next(i for i, text in enumerate(words) if text.startswith(f"**{stop + 1} of"))
    return words[at + 1]


def test_a_stop_is_read_in_half_a_minute():
    for stop in range(len(STOPS)):
        app = opened(STOPS[stop].page.path, model="study-decoder", tour=str(stop))
        words = words_of_card(app, stop)
        assert 15 <= len(words.split()) <= 60, words


@pytest.mark.one_in(7)
def test_the_tour_of_every_family(tiny_folder):
    for stop, each in enumerate(STOPS):
        app = opened(
            each.page.path,
            model=tiny_folder,
            sentence="3 5 7 2 9",
            target="4 6 8",
            tour=str(stop),
            layer="1",
        )
        assert not app.exception and not app.warning, each.page.title


def test_the_tour_begins_can_be_left_and_ends(minilm):
    """That "Next" leads to the next page is tested in the browser: here a button can't change the
    page.
    """
    app = opened()
    app.button(key="tour_start").click().run()
    assert address(app)["tour"] == "0" and "Which word does it look at most" in prose(app)
    app.switch_page("pages/4_Heads.py").run()
    assert "You left the tour" in prose(app) and app.button(key="tour_return")
    assert not parts(app, "ring")
    app.button(key="tour_end").click().run()
    assert "tour" not in address(app) and "You left the tour" not in prose(app)


def test_the_tour_begins_at_the_head_that_decides_where_one_does():
    app = opened(model="study-decoder", sentence=SENTENCE)
    app.button(key="tour_start").click().run()
    at = {name: app.session_state[name] for name in ("layer", "head", "token")}
    assert at == {"layer": DECIDES.layer, "head": DECIDES.head, "token": 6}


def test_a_stop_that_is_not_there_is_explained(minilm):
    app = opened(tour="99")
    assert "tour “99”" in said(app) and "tour" not in address(app)


def test_there_are_as_many_stops_as_an_address_may_ask_for():
    assert len(STOPS) == TOUR_STOPS <= 10
