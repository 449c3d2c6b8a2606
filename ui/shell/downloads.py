"""Bringing a model here while the reader looks on: the download runs beside the pages, a bar shows
how far it is.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.errors import GlassError
from core.models import catalogue, download
from core.models.download import StoppedError
from core.places import PROGRAM
from ui.session import runs
from ui.session.owner import is_public
from ui.text import plain

OFFLINE = (
    f"**Without a network:** on a machine that has one, run `{PROGRAM} models fetch {{name}}`"
    " in a copy of this app. It prints the model’s folder. Copy that folder to the same place"
    " here and reload this page."
)
_starting = threading.Lock()  # two who click at once begin one download
# Seconds after which a download that nobody asks for stops: a hidden tab asks once in a minute.
FORGOTTEN = 180


@dataclass
class Job:
    """A download under way: bytes done and in all, what is happening, and in the end whether it
    failed. It goes on as long as anyone wants it.
    """

    message: str
    total: int
    done: int = 0
    over: bool = False
    stopped: bool = False
    error: str = ""
    wanted: dict[str, float] = field(default_factory=dict)  # session -> when it asked last
    left: set[str] = field(default_factory=set)  # sessions that want it no longer

    def progress(self, done: int, total: int, message: str) -> None:
        """Takes in how far it is. Raises StoppedError where nobody wants it any longer."""
        self.done, self.total, self.message = done, total, message
        last = max(self.wanted.values(), default=None)
        if last is None or time.monotonic() - last > FORGOTTEN:
            raise StoppedError

    def want(self) -> None:
        """This session asks for it."""
        self.left.discard(session())
        self.wanted = self.wanted | {session(): time.monotonic()}

    def leave(self) -> None:
        """This session wants it no longer."""
        self.left.add(session())
        self.wanted = {who: when for who, when in self.wanted.items() if who != session()}


def session() -> str:
    """Who asks; empty outside of any session."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


@st.cache_resource
def jobs() -> dict[str, Job]:
    """The downloads by model name, for all visitors: two who ask for one model wait for one
    download. One that is over stays: nobody knows how many are still waiting for it."""
    return {}


def start_download(name: str, size: int = 0) -> None:
    """Starts a download unless it is under way, and wants it; a public server starts none. It goes
    on when the reader clicks elsewhere, for a while. size: bytes to fetch, where they are known.
    """
    if is_public():
        return
    with _starting:
        job = jobs().get(name)
        if job is None or job.over:
            entry = catalogue.entry_of(name)
            jobs()[name] = job = Job(f"Asking for {entry.title}", size or entry.size)
            job.want()
            threading.Thread(target=run_download, args=(name, job), daemon=True).start()
        job.want()


def cancel(name: str) -> None:
    """This reader wants a download no longer; it stops if nobody else does."""
    if job := jobs().get(name):
        job.leave()


def run_download(name: str, job: Job) -> None:
    """The download itself, away from any page."""
    try:
        download.fetch(name, job.progress)
    except StoppedError:
        job.stopped = True
    except GlassError as error:
        job.error = str(error)
    except BaseException as error:  # a reader must hear of it, and not from a log
        job.error = f"Could not fetch {name} ({type(error).__name__})."
    finally:
        runs.ready_of.clear()  # here, and not by who waits: all of them may have left
        job.over = True


def megabytes(size: int) -> str:
    """A number of bytes in words."""
    return f"{size / 1e6:.0f} MB"


def offer(name: str, meanwhile: str) -> None:
    """What stands under the chooser for a model that is not here: a button, the bar, or why the
    download failed.
    """
    entry, job = catalogue.entry_of(name), jobs().get(name)
    if is_public():
        not_here(entry.title, meanwhile)
        return
    if job and not job.over and session() not in job.left:
        watch(name)
        return
    if catalogue.find(name):  # it came since the list was made; another program can bring it
        show_arrived()
    size = f", {megabytes(entry.size)}" if entry.size else ""
    harm = catalogue.damaged(entry) if entry.fetchable else ""
    why = harm or f"{entry.title} is not on this machine yet."
    until = "it is fetched again" if harm else "then"
    st.caption(
        f"{plain(why)} Until {until}, the pages use"
        f" {plain(catalogue.entry_of(meanwhile).title)}.{' ' * bool(said := left_off(job))}{said}"
    )
    if job and job.error:
        st.error(plain(job.error))
        # Within code Markdown reads no escapes, and nothing but a backtick ends it.
        st.caption(OFFLINE.format(name=name.replace("`", "")))
    st.button(
        f"Fetch it{' again' * bool(harm)}{size}",
        key="fetch",
        on_click=start_download,
        args=(name,),
        type="primary",
        width="stretch",
    )


def not_here(title: str, meanwhile: str) -> None:
    """What stands there on a public server, whose models are those that it has."""
    instead = catalogue.entry_of(meanwhile).title
    st.caption(f"This server does not have {plain(title)}. The pages use {plain(instead)}.")


def left_off(job: Job | None) -> str:
    """What is said of a download that was cancelled, or that nobody asked for any longer."""
    if job is None or not (job.stopped or session() in job.left):
        return ""
    return f"The download was stopped after {megabytes(job.done)}; you can begin it again."


@st.fragment(run_every=0.4)
def watch(name: str, can_cancel: bool = True) -> None:
    """The bar, which moves by itself until the download is over; then the page is drawn anew."""
    job = jobs().get(name)
    if job is None or job.over or session() in job.left:
        show_arrived()
    job.want()
    share = min(1.0, job.done / job.total) if job.total else 0.0
    with st.container(horizontal=True, vertical_alignment="center", key="download-progress"):
        st.progress(share, text=f"{plain(job.message)}: {how_far(job, share)}")
        if can_cancel:
            st.button("Cancel", key="cancel", on_click=cancel, args=(name,))


def how_far(job: Job, share: float) -> str:
    """Megabytes done and in all, and percent; in all, only where that is known."""
    if not job.total:
        return megabytes(job.done)
    return f"{megabytes(job.done)} of {megabytes(job.total)} ({share:.0%})"


def show_arrived() -> NoReturn:
    """Draws the page anew, with the models that are here now."""
    runs.ready_of.clear()
    st.rerun()


def first_start() -> None:
    """Where no model is here, not even those that come with the program: says what is happening,
    fetches the smallest real one, stops the page until then.
    """
    if not runs.ready_models():
        if is_public():
            st.error("This server has no models. Whoever runs it must put some there.")
        else:
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
        watch(name, can_cancel=False)
        st.caption(
            "The download has started. The app checks its SHA-256 and keeps it for next time;"
            " then this page opens by itself. Nothing else is sent or fetched."
        )
    st.markdown(OFFLINE.format(name=name))
