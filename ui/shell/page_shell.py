"""The frame around every page: title, navigation, choices, what went wrong; and the way on at the
foot.
"""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import whatif
from ui.kit.component_loader import library
from ui.kit.components import follow_theme, share_link
from ui.kit.explanation_panel import check_opened
from ui.kit.theme import css
from ui.session.actions import close_number
from ui.session.address import query_params, write_address
from ui.session.arrival import arrive, arrive_alone
from ui.session.memory import memory
from ui.session.navigation import OVERVIEW, PAGES, Page
from ui.session.selection import AROUND, CODECS, DEPTHS, chosen, depth, select, selection
from ui.session.shelf import keep_tidy
from ui.session.view import View
from ui.shell import controls, tour
from ui.shell.downloads import first_start
from ui.shell.model_notes import mask_banner
from ui.text import plain

LOOK = {
    "story": "What happens, in words.",
    "numbers": (
        "All numbers of each step, in pictures and tables. Click one to see how it was made."
    ),
    "formula": (
        "Each step as a formula: in letters, then with the numbers of one cell. Click another cell"
        " to see its own."
    ),
    "code": "The lines of core/ that ran, read from the source now, with the shapes of this run.",
}


def show_page(
    page: Page, draw, above=None, alone: bool = True, side: str = "", settle=None, owner=None
) -> None:
    """Draws a page: the frame, and in it draw(view). above(view): what chooses the token, drawn
    before it.
    alone: a click in the page runs the page alone; not where nearly every click changes what stands
    around it. side: the only side of a model with two that the page is about. settle(view): settles
    what the page finds out; owner(view): the view in which the opened number stands, where a page
    shows two models.
    """
    begin_page(page)
    reading = st.container()
    depth_controls(page)
    guide, notes = st.container(), st.container()
    with st.sidebar:
        view = side_bar(reading, side)
    if view:
        check_number(view, settle, owner)
    with notes:
        warnings()
        what_if_banner(view)
    if view is None:
        write_address()
        st.stop()
    with guide:
        tour.bar(view, page)
    if above:
        above(view)
    memory().around = chosen_around()
    (st.fragment(draw_inside) if alone else draw_inside)(view, page, draw, settle, owner)


def begin_page(page: Page) -> None:
    """What stands first on every page, and what has to be there before anything else."""
    st.set_page_config(page_title=f"{page.title} · Glassformer", page_icon="🔍", layout="wide")
    st.html(f"<style>{css()}</style>")
    library()
    keep_tidy()
    arrive(page)
    follow_theme(page.title, selection().tour)
    first_start()
    st.title(page.title)
    st.caption(page.about)


def check_number(view: View, settle, owner) -> None:
    """Closes an opened number that is not there."""
    if settle:
        settle(view)
    check_opened(owner(view) if owner else view)


def side_bar(reading, side: str) -> View | None:
    """The side bar: the tour, the way to all pages, and what is looked at."""
    st.markdown("#### Glassformer")
    begin, links = st.container(), st.container(gap="xsmall")
    view = controls.reading_controls(reading, side)
    share_link()
    if view:
        with begin:
            tour.start(view)
    with links:
        # What is chosen in a page is left out: it is kept beyond the page, and changes without this
        # list being drawn anew.
        inside_pages = {name: codec.default for name, codec in CODECS.items() if not codec.around}
        address = query_params(**inside_pages)
        for other in PAGES:
            st.page_link(other.path, label=other.title, query_params=address)
    return view


def chosen_around() -> tuple:
    """The choices that stand around a page."""
    return tuple(map(chosen, AROUND))


def draw_inside(view: View, page: Page, draw, settle, owner) -> None:
    """The page itself. Run alone, it takes half the time; if a choice around it has changed, all is
    drawn again.
    """
    alone = runs_alone()
    if alone:
        arrive_alone()
    if memory().around != chosen_around():
        st.rerun()
    if alone:
        check_number(view, settle, owner)
        warnings()
    write_address()
    draw(view)
    write_address()  # once more: the page may have settled a choice
    foot(page)


def runs_alone() -> bool:
    """Whether this run is one of the page alone, without what stands around it."""
    context = get_script_run_ctx()
    return context is not None and bool(context.fragment_ids_this_run)


def warnings() -> None:
    """What went wrong."""
    for message in memory().notes:
        st.warning(plain(message))


def depth_controls(page: Page) -> None:
    """The four depths, the same on every page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "How deep",
            list(DEPTHS),
            key="depth",
            format_func=DEPTHS.__getitem__,
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        opens = (
            " Every number in the pictures opens at a click."
            if depth() == "story" and page is not OVERVIEW
            else ""
        )
        st.caption(LOOK[depth()] + opens)


def what_if_banner(view: View | None) -> None:
    """Says that the run that is shown is not that of the trained model, and leads back to it; also
    where the one that was asked for can't be shown."""
    words, asked = what_if(view) if view else "", selection()
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
