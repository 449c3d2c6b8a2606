"""The frame around every page: a bar with what is read, a rail with all pages, a line with what is
looked at; the opened number beside the page, and the way on at its foot.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import whatif
from ui.kit.component_loader import library
from ui.kit.components import follow_theme
from ui.kit.explanation_panel import check_opened, number_beside, number_over
from ui.kit.picture_frame import picture_frame
from ui.kit.terms import explained
from ui.kit.theme import css
from ui.kit.unknown_words import unknown_line
from ui.session.actions import close_number
from ui.session.address import query_params, write_address
from ui.session.arrival import arrive, arrive_alone
from ui.session.memory import memory
from ui.session.navigation import OVERVIEW, PAGES, Page
from ui.session.opening import settle_place
from ui.session.selection import AROUND, CODECS, chosen, select, selection
from ui.session.shelf import keep_tidy
from ui.session.view import View
from ui.shell import tour
from ui.shell.controls import missing_model, read_run
from ui.shell.downloads import first_start
from ui.shell.model_notes import mask_banner
from ui.shell.place_line import place_line
from ui.shell.settings import settings
from ui.text import plain


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
    begin_page(page)
    view = frame(tokens, line, side, settle, owner, own)
    if view is None:
        what_if_banner(view)
        write_address()
        st.stop()
    if beside:
        what_if_banner(view)
    inside = st.fragment(draw_inside) if alone else draw_inside
    toured(view, page, lambda: inside(view, page, draw, settle, owner, beside))
    if not beside:  # there the picture itself has the way back, and should not move
        what_if_banner(view)


def toured(view: View, page: Page, draw) -> None:
    """The page, and before it the tour's card, which waits for what the page asks."""
    card = tour.place()
    memory().around = chosen_around()
    draw()
    tour.card(card, view, page)


def frame(tokens: bool, line: bool, side: str, settle, owner, own) -> View | None:
    """What stands over every page; returns what the page shows, None where nothing can be shown."""
    bar = st.container(key="bar", horizontal=True, vertical_alignment="center", gap="small")
    with bar:
        st.page_link(OVERVIEW.path, label="**Glassformer**", query_params=query_params(cell=None))
    roads, over, notes = (st.container(key=key) for key in ("rail", "line", "notes"))
    settle_place()
    view = read_run(bar, side)
    if view:
        check_number(view, settle, owner)
        with bar:
            tour.start(view)
            settings(view)
        if line:
            guest = own is not None and not own(view)
            pictures = picture_frame(view, memory().page, others=guest or bool(owner and not own))
            with over:
                place_line(view, pictures, tokens, side, alone=guest)
    with roads:
        rail()
    with notes:
        what_to_know(view)
    return view


def begin_page(page: Page) -> None:
    """What stands first on every page, and what has to be there before anything else."""
    st.set_page_config(page_title=f"{page.title} · Glassformer", page_icon="🔍", layout="wide")
    with st.container(key="unseen"):
        st.html(f"<style>{css(st.get_option)}</style>")
        library()
        keep_tidy()
        arrive(page)
        follow_theme()
        explained()
    first_start()


def check_number(view: View, settle, owner) -> None:
    """Closes an opened number that is not there."""
    if settle:
        settle(view)
    check_opened(owner(view) if owner else view)


def rail() -> None:
    """The way to all pages. What is chosen in a page is left out of its links: it is kept beyond
    the page, and changes without the rail being drawn anew.
    """
    inside_pages = {name: codec.default for name, codec in CODECS.items() if not codec.around}
    address = query_params(**inside_pages)
    with st.container(key="rail-links", horizontal=True, wrap=False, gap=None):
        for page in PAGES:
            st.page_link(page.path, label=page.short or page.title, query_params=address)


def what_to_know(view: View | None) -> None:
    """What stands over the page only when there is something to say."""
    missing_model()
    warnings()
    if view:
        unknown_line(view)


def chosen_around() -> tuple:
    """The choices that stand around a page; for a tour, which waits for them, the guesses, too."""
    return *map(chosen, AROUND), chosen("tour") is not None and len(memory().quizzes)


def draw_inside(view: View, page: Page, draw, settle, owner, beside: bool) -> None:
    """The page itself. Run alone, it takes half the time; if a choice around it has changed, all is
    drawn again.
    """
    alone, memory().asking = runs_alone(), False
    if alone:
        arrive_alone()
    if memory().around != chosen_around():
        st.rerun()
    if alone:
        check_number(view, settle, owner)
        warnings()
    write_address()
    lay_out(view, draw, owner(view) if owner else view, beside)
    write_address()  # once more: the page may have settled a choice
    foot(page)


def lay_out(view: View, draw, numbers: View, beside: bool) -> None:
    """The page, and the opened number beside or over it. numbers: the view in which it stands."""
    if not beside:
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


def warnings() -> None:
    """What went wrong."""
    for message in memory().notes:
        st.warning(plain(message))


def what_if_banner(view: View | None) -> None:
    """Says that the run that is shown is not that of the trained model, and leads back to it; also
    where the one that was asked for can't be shown."""
    words, asked = what_if(view) if view else "", selection()
    with st.container(key="banner"):  # always: what follows would else be drawn anew, from its top
        if words or asked.change or asked.mask == "own":
            with st.container(horizontal=True, vertical_alignment="center", key="what-if"):
                st.markdown(
                    f":orange[●] **What if:** {plain(words)}. All pages show this run."
                    if words
                    else ":orange[●] The what-if that is asked for can’t be shown."
                )
                st.button("Back to the model as it is", key="as_it_is", on_click=end_what_if)
        if view and view.mask != "own":
            mask_banner(view)


def what_if(view: View) -> str:
    """How the run that is shown differs from that of the trained model, in words; empty: it
    does not."""
    own = "a mask drawn by hand" if view.mask == "own" else ""
    return ", ".join(filter(None, (whatif.title(view.request.change, view.config.crosses), own)))


def end_what_if() -> None:
    """Shows the model as it was trained again; a mask that was not drawn by hand stays."""
    select(change="")
    if selection().mask == "own":
        select(mask="trained")
    close_number()


def foot(page: Page) -> None:
    """The pages before and after this one."""
    at = PAGES.index(page)
    st.divider()
    before, after = st.columns(2)
    with before:
        if at > 0:
            link_to(PAGES[at - 1], "← {}")
    with after:
        if at + 1 < len(PAGES):
            link_to(PAGES[at + 1], "{} →")


def link_to(page: Page, label: str) -> None:
    """A link to a page next to this one."""
    there = query_params(cell=None, swap="")
    st.page_link(page.path, label=label.format(page.title), help=page.about, query_params=there)
