"""The window that makes a report of the run: which stages, how far it is, and the file.

offer()         the button that opens it
window(view)    draws it, if it stands
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.errors import GlassError
from core.time_limit import check_time
from ui.kit.picture_frame import in_a_name
from ui.report.contents import LIMIT, Progress, nothing_to_say
from ui.report.document import Report, report
from ui.report.stages import STAGES
from ui.session.memory import memory
from ui.session.rationing import at_turn_of, page_turn, visitor
from ui.session.runs import limited
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.shell.controls import place_view
from ui.text import plain

ABOUT = (
    "One HTML file with the pictures and the numbers of this run. It opens by a double click,"
    " without a server or a network: point at numbers, open them, choose tokens, layers and heads,"
    f" print it. It takes at most {LIMIT / 1e6:g} MB; what does not fit is left out,"
    " and the file says what."
)


def offer() -> None:
    """The button that opens the window."""
    words = "One file that opens without a server"
    st.button("Save a report", key="report", help=words, on_click=begin)


def begin() -> None:
    """The window stands from the next run on."""
    memory().saves_report = True


def end() -> None:
    """The window is closed."""
    memory().saves_report = False


def window(view: View) -> None:
    """The window, if it stands."""
    if memory().saves_report:
        st.dialog("A report of this run", on_dismiss=end)(draw)(view)


def draw(view: View) -> None:
    """What goes in, the button that makes it, and the file once it is there."""
    view = place_view(view, "")
    st.caption(ABOUT)
    asked = st.pills(
        "What goes in",
        list(STAGES),
        selection_mode="multi",
        default=list(STAGES),
        format_func=lambda name: STAGES[name].title,
        key="report_stages",
    )
    stages = tuple(name for name in STAGES if name in asked)
    if st.button("Make it", key="make_report", type="primary", disabled=not stages):
        make(view, stages)
    if stages and (made := SHELF.find(key_of(view, stages))):
        file(view, stages, made)


def key_of(view: View, stages: tuple[str, ...]) -> tuple:
    """What a report is kept under: the run, the place that is looked at, its stages."""
    return "report", view.request, (view.side, view.layer, view.head, view.token), stages


def make(view: View, stages: tuple[str, ...]) -> None:
    """Makes the report at this visitor's turn, while a bar shows how far it is."""
    with page_turn("turn-report"):
        bar = st.progress(0.0, text="Gathering the numbers")

        def show(done: int, total: int) -> None:
            bar.progress(done / total, text=f"Gathering the numbers: part {done + 1} of {total}")

        try:
            made_of(view, stages, show)
        except (GlassError, KeyError) as error:
            st.error(plain(error.args[0]))
        finally:
            bar.empty()


def made_of(view: View, stages: tuple[str, ...], progress: Progress = nothing_to_say) -> Report:
    """The report, made where it is not on the shelf. Raises GlassError where it takes too long."""
    key = key_of(view, stages)

    def show(done: int, total: int) -> None:
        check_time()
        progress(done, total)

    def make_it() -> Report:
        with limited(key):
            return report(view, stages, show)

    return SHELF.get(key, make_it)


def file(view: View, stages: tuple[str, ...], made: Report) -> None:
    """The file, and what there was no room for."""
    for line in made.left_out:
        st.caption(f"No room for: {plain(line)}")
    words = in_a_name(" ".join(view.sentence.split()[:4]))
    st.download_button(
        f"Save the file, {made.nbytes / 1e6:.1f} MB",
        data=partial(text_of, view, stages, visitor()),
        file_name="-".join(filter(None, ("glassformer", "report", words))) + ".html",
        mime="text/html",
        key="save_report",
        on_click="ignore",
        type="primary",
    )


def text_of(view: View, stages: tuple[str, ...], who: str) -> str:
    """The file when a visitor asks for it; made anew where it has left the shelf meanwhile."""
    if found := SHELF.find(key_of(view, stages)):
        return found.text
    return at_turn_of(who, lambda: made_of(view, stages)).text
