"""The frame around every page: title, navigation, choices, what went wrong; and the way on at the foot."""
from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ui import sidebar, state
from ui.components import follow_theme
from ui.fetching import first_start
from ui.numbers import check_opened
from ui.state import View
from ui.theme import css, plain


@dataclass(frozen=True)
class Page:
    path: str
    title: str
    about: str


PAGES = (Page("app.py", "Overview", "What happens to your sentence, stage by stage"),
         Page("pages/1_Attention.py", "Attention", "One head, one token, five steps"),
         Page("pages/2_Heads.py", "Heads", "All heads of a layer, and all layers"),
         Page("pages/3_Encoder_and_decoder.py", "Encoder and decoder", "One sentence under both masks"),
         Page("pages/4_Every_number.py", "Every number", "Each step of the forward pass by its name"))


def open_page(title: str) -> View:
    """Draws the frame of the page with that title, and returns what is to be shown on it."""
    page = next(page for page in PAGES if page.title == title)
    st.set_page_config(page_title=f"{title} · Glassformer", page_icon="🔍", layout="wide")
    st.html(f"<style>{css()}</style>")
    follow_theme(title)
    state.arrive(title)
    first_start()
    st.title(title)
    st.caption(page.about)
    notes = st.container()
    with st.sidebar:
        st.markdown("#### Glassformer")
        links = st.container(gap="xsmall")
        view = sidebar.choose()
    if view:
        check_opened(view)
    state.write_address()
    with links:
        for other in PAGES:
            st.page_link(other.path, label=other.title, query_params=state.address(cell=None))
    with notes:
        for message in st.session_state["_notes"]:
            st.warning(plain(message))
    if view is None:
        st.stop()
    return view


def foot(title: str) -> None:
    """The pages before and after this one."""
    at = [page.title for page in PAGES].index(title)
    st.divider()
    for column, step, arrow in zip(st.columns(2), (-1, 1), ("← {}", "{} →")):
        if 0 <= at + step < len(PAGES):
            other = PAGES[at + step]
            column.page_link(other.path, label=arrow.format(other.title), help=other.about,
                             query_params=state.address(cell=None))


def go(path: str, **changes) -> None:
    """Opens another page with these choices changed."""
    changes = {"cell": None} | changes
    state.keep(**changes)
    st.switch_page(path, query_params=state.address(**changes))
