"""Bringing a model here while the reader looks on: the download runs beside the pages, a bar shows
how far it is.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import NoReturn

import streamlit as st

from core.errors import GlassError
from core.models import catalogue, download
from ui.session import runs
from ui.text import plain

OFFLINE = (
    "**Without a network:** on a machine that has one, run `python -m core.models fetch {name}`"
    " in a copy of this app. It prints the model’s folder. Copy that folder to the same place"
    " here and reload this page."
)
_starting = threading.Lock()  # two who click at once begin one download


@dataclass
class Job:
    """A download under way: bytes done and in all, what is happening, and in the end whether it
    failed.
    """

    message: str
    total: int
    done: int = 0
    over: bool = False
    error: str = ""

    def progress(self, done: int, total: int, message: str) -> None:
        """Takes in how far it is."""
        self.done, self.total, self.message = done, total, message


@st.cache_resource
def jobs() -> dict[str, Job]:
    """The downloads by model name, for all visitors: two who ask for one model wait for one
    download. One that is over stays: nobody knows how many are still waiting for it."""
    return {}


def start_download(name: str) -> None:
    """Starts a download unless it is under way. It goes on when the reader clicks elsewhere."""
    with _starting:
        job = jobs().get(name)
        if job is None or job.over:
            entry = catalogue.entry_of(name)
            jobs()[name] = job = Job(f"Asking for {entry.title}", entry.size)
            threading.Thread(target=run_download, args=(name, job), daemon=True).start()


def run_download(name: str, job: Job) -> None:
    """The download itself, away from any page."""
    try:
        download.fetch(name, job.progress)
    except GlassError as error:
        job.error = str(error)
    except BaseException as error:  # a reader must hear of it, and not from a log
        job.error = f"Could not fetch {name} ({type(error).__name__})."
    finally:
        runs.ready_models.clear()  # here, and not by who waits: all of them may have left
        job.over = True


def megabytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 1e6:.0f} MB"


def offer(name: str, meanwhile: str) -> None:
    """What stands under the chooser for a model that is not here: a button, the bar, or why the
    download failed.
    """
    entry, job = catalogue.entry_of(name), jobs().get(name)
    if job and not job.over:
        watch(name)
        return
    if catalogue.find(name):  # it came since the list was made; another program can bring it
        show_arrived()
    size = f", {megabytes(entry.size)}" if entry.size else ""
    st.caption(
        f"{plain(entry.title)} is not on this machine yet. Until then, the pages use"
        f" {plain(catalogue.entry_of(meanwhile).title)}."
    )
    if job and job.error:
        st.error(plain(job.error))
        # Within code Markdown reads no escapes, and nothing but a backtick ends it.
        st.caption(OFFLINE.format(name=name.replace("`", "")))
    st.button(
        f"Fetch it{size}",
        key="fetch",
        on_click=start_download,
        args=(name,),
        type="primary",
        width="stretch",
    )


@st.fragment(run_every=0.4)
def watch(name: str) -> None:
    """The bar, which moves by itself until the download is over; then the page is drawn anew."""
    job = jobs().get(name)
    if job is None or job.over:
        show_arrived()
    share = min(1.0, job.done / job.total) if job.total else 0.0
    st.progress(
        share, text=f"{plain(job.message)}: {megabytes(job.done)} of {megabytes(job.total)}"
    )


def show_arrived() -> NoReturn:
    """Draws the page anew, with the models that are here now."""
    runs.ready_models.clear()
    st.rerun()


def first_start() -> None:
    """Where no model is here, not even those that come with the program: says what is happening,
    fetches the smallest real one, stops the page until then.
    """
    if not runs.ready_models():
        welcome(catalogue.default())
        st.stop()


def welcome(name: str) -> None:
    """The first page of a copy without models, while the model of that name comes."""
    entry, job = catalogue.entry_of(name), jobs().get(name)
    st.title("Welcome to Glassformer")
    st.markdown(
        "Here you will see every number that a transformer computes for your own sentence. This"
        " copy lacks the small models that come with the program (assets/models), so it fetches"
        f" another one, once. The smallest, **{plain(entry.title)}**, is {megabytes(entry.size)}."
        f" {plain(entry.about)}"
    )
    if job and job.error:
        st.error(plain(job.error))
        st.button("Try again", on_click=start_download, args=(name,), type="primary")
    else:
        start_download(name)
        watch(name)
        st.caption(
            "The download has started. The app checks its SHA-256 and keeps it for next time;"
            " then this page opens by itself. Nothing else is sent or fetched."
        )
    st.markdown(OFFLINE.format(name=name))
