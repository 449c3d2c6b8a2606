"""The frame around every page: a bar with what is read, a rail with all pages, a line with what is
looked at; the opened number beside the page, and the way on at its foot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import time_limit
from core.errors import GlassError
from core.places import ASSETS
from ui.kit.component_loader import library
from ui.kit.components import follow_connection, follow_theme, show_seen
from ui.kit.explanation_panel import check_opened, number_beside, number_over
from ui.kit.picture_frame import picture_frame
from ui.kit.terms import explained
from ui.kit.theme import css
from ui.kit.what_if_words import change_words
from ui.session.actions import close_number
from ui.session.address import spelled, write_address
from ui.session.arrival import arrive, arrive_alone
from ui.session.figures import serve_figures
from ui.session.memory import memory
from ui.session.navigation import HOW_IT_LEARNED, OVERVIEW, Page
from ui.session.opening import settle_place
from ui.session.rationing import page_turn
from ui.session.runs import seconds_of_a_run
from ui.session.selection import (
    AROUND,
    LONGEST_BOX,
    OF_ONE_PAGE,
    Selection,
    chosen,
    select,
    selection,
)
from ui.session.shelf import keep_tidy
from ui.session.view import View
from ui.shell import own_model, report, tour
from ui.shell.controls import missing_model, place_view, read_run
from ui.shell.downloads import first_start
from ui.shell.hints import dropped_what_if, engine_hint, hints, way_back
from ui.shell.model_notes import mask_banner, undo
from ui.shell.page_links import foot, rail
from ui.shell.place_line import place_line
from ui.shell.settings import settings
from ui.text import plain

WHAT_IT_IS = "See through a transformer: every number is real and opens."
RUNS_OF_A_PAGE = 3  # a page may compute as long as so many runs may take
FULL = 0.9  # of what a text box takes: from there on it counts


@dataclass(frozen=True)
class Layout:
    """How a page stands in its frame; see show_page."""

    tokens: bool
    beside: bool
    line: bool
    side: str
    settle: Callable[[View], object] | None
    owner: Callable[[View], View] | None
    own: Callable[[View], bool] | None


def show_page(
    page: Page,
    draw,
    *,
    tokens: bool = True,
    alone: bool = True,
    beside: bool = True,
    line: bool = True,
    side: str = "",
    settle=None,
    owner=None,
    own=None,
) -> None:
    """Draws a page: the frame, and in it draw(view), which returns the number that is explained
    first.
    tokens: whether the line over the page shows them. alone: a click in the page runs the page
    alone; not where nearly every click changes what stands around it. beside: the number stands in
    a column of its own; else over the page. line: whether there is that line at all. side: the only
    side of a model with two that the page is about. settle(view): settles what the page finds out;
    owner(view): the view in which the opened number stands, where a page shows two models.
    own(view): whether the page shows the reader's own run; if not, the line over the page has the
    depth alone.
    """
    with page_turn("turn"):
        begin_page(page)
        view = frame()
        if view is None:
            over_page(page, None, place_address(selection()))
            write_address()
            st.stop()
        memory().around = chosen_around()
        layout = Layout(tokens, beside, line, side, settle, owner, own)
        inside = st.fragment(draw_in_turn) if alone else draw_in_turn
        inside(view, page, draw, layout)


def draw_in_turn(view: View, page: Page, draw, layout: Layout) -> None:
    """The page, once it is this visitor's turn."""
    with page_turn("turn-alone"):
        draw_inside(view, page, draw, layout)


def frame() -> View | None:
    """The bar around every page. Returns what is read, None where nothing can be shown."""
    bar = st.container(key="bar", horizontal=True, vertical_alignment="center", gap="small")
    with bar:
        st.page_link(OVERVIEW.path, label="**Glassformer**", query_params=around_address())
    view = read_run(bar)
    if view:
        with bar:
            tour.start(view)
            settings(view)
    own_model.window()
    if view:
        report.window(view)
    memory().standing, memory().notes = memory().notes, []
    return view


def over_page(page: Page, view: View | None, address: dict[str, str]) -> None:
    """The way to all pages, and what there is to know of what is read. These run with the page: the
    links hold what is looked at.
    """
    rail(page, address)
    with st.container(key="notes"):
        what_to_know(view)


def begin_page(page: Page) -> None:
    """What stands first on every page, and what has to be there before anything else."""
    st.set_page_config(
        page_title=f"{page.title} · Glassformer", page_icon=str(ASSETS / "icon.svg"), layout="wide"
    )
    with st.container(key="unseen"):
        st.html(f"<style>{css(st.get_option)}</style>")
        library()
        keep_tidy()
        serve_figures()
        arrive(page)
        show_seen(memory().seen)
        follow_theme()
        follow_connection()
        explained()
        if len(chosen("sentence")) >= FULL * LONGEST_BOX:
            with st.container(key="nearly-full"):
                st.html("<i hidden></i>")
    first_start()


def place_address(now: Selection) -> dict[str, str]:
    """What is read and looked at, as an address; the opened number belongs to this page."""
    return spelled(vars(replace(now, **OF_ONE_PAGE)))


def around_address() -> dict[str, str]:
    """What is read, as an address. What is looked at is left out: it is kept beyond a page, and
    changes without the bar being drawn anew.
    """
    return spelled({name: chosen(name) for name in AROUND})


def what_to_know(view: View | None) -> None:
    """What stands over the page only when there is something to say."""
    way_back()
    missing_model()
    warnings("warnings-around", memory().standing)
    what_if_banner(view)
    if view:
        engine_hint(view)
        hints(view)


def chosen_around() -> tuple:
    """The choices that stand around a page."""
    return tuple(map(chosen, AROUND))


def draw_inside(view: View, page: Page, draw, layout: Layout) -> None:
    """The rail, the line of what is looked at, and the page itself. Run alone, they take about half
    the time; if a choice around them has changed, all is drawn again.
    """
    if runs_alone():
        arrive_alone()
    memory().asking = False
    if memory().around != chosen_around():
        st.rerun()
    settle_place()
    view = look_at(place_view(view, layout.side), layout)
    over_page(page, view, place_address(selection()))
    if layout.line:
        with st.container(key="line"):
            if page == OVERVIEW:
                with st.container(key="what-it-is"):
                    st.caption(WHAT_IT_IS)
            line(view, page, layout)
    with st.container(key="said"):
        warnings("warnings-here", memory().notes)
        memory().notes = []
    card = tour.place()  # before the page, and written after it has said whether it asks
    write_address()
    with in_time():
        lay_out(view, draw, layout)
    tour.card(card, view, page)
    foot(page, place_address(write_address()))  # once more: the page may have settled a choice


@contextmanager
def in_time() -> Iterator[None]:
    """What a page computes beside runs, reports and files, which have limits of their own: all of
    it has as long as a few runs. Where that is over, the page says so and ends there.
    """
    with time_limit.within(RUNS_OF_A_PAGE * seconds_of_a_run()):
        try:
            yield
        except GlassError as error:
            if str(error) != time_limit.SAID:
                raise
            st.warning(plain(error))


def look_at(view: View, layout: Layout) -> View:
    """The view, once the page has settled what it finds out; an opened number that is not there is
    closed.
    """
    if layout.settle:
        layout.settle(view)
    check_opened(layout.owner(view) if layout.owner else view)
    return view


def line(view: View, page: Page, layout: Layout) -> None:
    """Tokens, layer, head, mask, depth."""
    guest = layout.own is not None and not layout.own(view)
    others = bool(layout.owner and not layout.own)
    shown = layout.owner(view) if guest and layout.owner else view
    place_line(
        view, picture_frame(shown, page, others=others), layout.tokens, layout.side, alone=guest
    )


def lay_out(view: View, draw, layout: Layout) -> None:
    """The page, and the opened number beside or over it."""
    numbers = layout.owner(view) if layout.owner else view
    if not layout.beside:
        draw(view)
        number_over(numbers)
        return
    figure, panel = st.columns((2, 1), gap="medium")
    with figure:
        first = draw(view)
    with panel:
        number_beside(numbers, first)


def runs_alone() -> bool:
    """Whether this run is one of the page alone, without what stands around it."""
    context = get_script_run_ctx()
    return context is not None and bool(context.fragment_ids_this_run)


def warnings(key: str, messages: list[str]) -> None:
    """What went wrong, in one strip."""
    if messages:
        with st.container(key=key):
            st.warning(plain(" ".join(messages)))


def what_if_banner(view: View | None) -> None:
    """A strip that says that the run that is shown is not that of the trained model, and leads back
    to it; also where the one that was asked for can't be shown."""
    words = what_if(view) if view else ""
    with st.container(key="banner"):  # always: what follows would else be drawn anew
        if words or chosen("change") or chosen("mask") == "own":
            with st.container(horizontal=True, vertical_alignment="center", key="what-if"):
                st.markdown(
                    f":orange[●] **What if:** {plain(words)} — {who_shows_it()} show this run."
                    if words
                    else ":orange[●] This what-if cannot be shown."
                )
                undo("as_it_is", end_what_if, "Back to the model as it was trained")
        elif view:
            dropped_what_if(view)
        if view and view.mask != "own":
            mask_banner(view)


def who_shows_it() -> str:
    """Which pages show the what-if: one begins from the trained model, and says so."""
    return "all other pages" if memory().page == HOW_IT_LEARNED else "all pages"


def what_if(view: View) -> str:
    """How the run that is shown differs from that of the trained model, in words; empty: it
    does not."""
    own = "a custom mask" if view.mask == "own" else ""
    return ", ".join(filter(None, (change_words(view), own)))


def end_what_if() -> None:
    """Shows the model as it was trained again; a mask that was not drawn by hand stays."""
    select(change="")
    if chosen("mask") == "own":
        select(mask="trained")
    close_number()
