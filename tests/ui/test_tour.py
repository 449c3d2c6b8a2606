"""The guided tour: every stop of every family stands, names the reader's own words, and can be left
and found again.
"""

import pytest

from tests.helpers.pages import address, opened, said
from ui.session.navigation import CROSS_ATTENTION
from ui.session.selection import TOUR_STOPS
from ui.shell.tour import STOPS


@pytest.mark.parametrize("stop", range(len(STOPS)))
def test_each_stop_stands_on_its_page(minilm, stop):
    app = opened(STOPS[stop].page.path, tour=str(stop), layer="1", token="6")
    assert not app.exception and not app.warning
    text = next(each.value for each in app.markdown if each.value.startswith("**Tour"))
    assert text.startswith(f"**Tour, {stop + 1} of {len(STOPS)}.**") and "stepped aside" not in text
    reads_on = STOPS[stop].page != CROSS_ATTENTION  # MiniLM has none: only told there
    assert ("**recommended**" in text) == reads_on  # the token at position 6 of the first example


@pytest.mark.one_in(3)
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
    """That "Next stop" leads to the next page is tested in the browser: here a button can't change
    the page.
    """
    app = opened()
    app.button(key="tour_start").click().run()
    assert (
        address(app)["tour"] == "0"
        and "of its attention to" in app.markdown[1].value + app.markdown[0].value
    )
    app.switch_page("pages/4_Heads.py").run()
    assert any("stepped aside" in each.value for each in app.markdown) and app.button(
        key="tour_return"
    )
    app.button(key="tour_end").click().run()
    assert "tour" not in address(app) and not any(
        each.value.startswith("**Tour") for each in app.markdown
    )


def test_a_stop_that_is_not_there_is_explained(minilm):
    app = opened(tour="99")
    assert "tour “99”" in said(app) and "tour" not in address(app)


def test_there_are_as_many_stops_as_an_address_may_ask_for():
    assert len(STOPS) == TOUR_STOPS
