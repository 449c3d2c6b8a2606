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
from ui.session import state
from ui.session.navigation import PAGES, go
from ui.session.shelf import keep_tidy
from ui.session.state import DEPTHS, View
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
    title: str, page, above=None, alone: bool = True, side: str = "", owner=lambda view: view
) -> None:
    """Draws the page with that title: the frame, and in it page(view). above(view): what chooses
    the token, drawn before it.
    alone: a click in the page runs the page alone; not where nearly every click changes what stands
    around it. side: the only side of a model with two that the page is about. owner(view): the view
    in which the opened number stands, where a page shows two models.
    """
    about = next(page.about for page in PAGES if page.title == title)
    st.set_page_config(page_title=f"{title} · Glassformer", page_icon="🔍", layout="wide")
    st.html(f"<style>{css()}</style>")
    library()
    keep_tidy()
    state.arrive(title)
    follow_theme(title, st.session_state["tour"])
    first_start()
    st.title(title)
    st.caption(about)
    reading = st.container()
    choose_depth(title)
    guide, notes = st.container(), st.container()
    with st.sidebar:
        view = choices(reading, side)
    if view:
        check_opened(owner(view))
    with notes:
        warnings()
        what_if_banner(view)
    if view is None:
        state.write_address()
        st.stop()
    with guide:
        tour.bar(view, title, go)
    if above:
        above(view)
    st.session_state["_around"] = around()
    (st.fragment(inside) if alone else inside)(view, title, page, owner)


def choices(reading, side: str) -> View | None:
    """The side bar: the tour, the way to all pages, and what is looked at."""
    st.markdown("#### Glassformer")
    begin, links = st.container(), st.container(gap="xsmall")
    view = controls.choose(reading, side)
    share_link()
    if view:
        with begin:
            tour.start(view, go)
    with links:
        # What is chosen in a page is left out: it is kept beyond the page, and changes without this
        # list being drawn anew.
        address = state.address(**{key: state.DEFAULTS[key] for key in state.INSIDE})
        for other in PAGES:
            st.page_link(other.path, label=other.title, query_params=address)
    return view


def around() -> tuple:
    """The choices that stand around a page."""
    return tuple(st.session_state.get(key) for key in state.AROUND)


def inside(view: View, title: str, page, owner) -> None:
    """The page itself. Run alone, it takes half the time; if a choice around it has changed, all is
    drawn again.
    """
    if get_script_run_ctx().fragment_ids_this_run:
        state.arrive_alone()
    if st.session_state["_around"] != around():
        st.rerun()
    if get_script_run_ctx().fragment_ids_this_run:
        check_opened(owner(view))
        warnings()
    state.write_address()
    page(view)
    state.write_address()  # once more: the page may have settled a choice
    foot(title)


def warnings() -> None:
    """What went wrong."""
    for message in st.session_state["_notes"]:
        st.warning(plain(message))


def choose_depth(title: str) -> None:
    """The four depths, the same on every page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "How deep",
            list(DEPTHS),
            key="depth",
            format_func=DEPTHS.get,
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
        opens = (
            " Every number in the pictures opens at a click."
            if state.depth() == "story" and title != "Overview"
            else ""
        )
        st.caption(LOOK[state.depth()] + opens)


def what_if_banner(view: View | None) -> None:
    """Says that the run that is shown is not that of the trained model, and leads back to it; also
    where the one that was asked for can't be shown."""
    told = what_if(view) if view else ""
    if told or st.session_state["change"] or st.session_state["mask"] == "own":
        with st.container(horizontal=True, vertical_alignment="center", key="what-if"):
            st.markdown(
                f":orange[●] **What if:** {plain(told)}. All pages show this run."
                if told
                else ":orange[●] The what-if that is asked for can’t be shown."
            )
            st.button("Back to the model as it is", key="as_it_is", on_click=as_it_is)
    if view and view.mask != "own":
        mask_banner(view)


def what_if(view: View) -> str:
    """How the run that is shown differs from that of the trained model, in words; empty: it
    does not."""
    own = "a mask drawn by hand" if view.mask == "own" else ""
    return ", ".join(filter(None, (whatif.title(view.asked.change, view.config.crosses), own)))


def as_it_is() -> None:
    """Ends the what-if."""
    here = st.session_state
    here["change"], here["mask"] = "", "trained" if here["mask"] == "own" else here["mask"]
    state.close_number()


def foot(title: str) -> None:
    """The pages before and after this one."""
    at = [page.title for page in PAGES].index(title)
    st.divider()
    for column, step, arrow in zip(st.columns(2), (-1, 1), ("← {}", "{} →")):
        if 0 <= at + step < len(PAGES):
            other = PAGES[at + step]
            column.page_link(
                other.path,
                label=arrow.format(other.title),
                help=other.about,
                query_params=state.address(cell=None, swap=""),
            )
