"""Work that takes many runs of the model: of small models at once, of large ones beside the page,
with progress and a way to stop.

    wanted(key, begin)      the work of a key, which begins where there is none yet
    carry_out(work, …)      does it here; start(work, …) beside the page
    progress(job, find)     on the page: how far it is, Stop, and the way to resume
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.errors import GlassError
from core.models import catalogue
from ui.session.rationing import in_turns, visitor
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.text import plain

FEW = 24  # tokens: a study model reads so many in no time that a reader would notice
FORGOTTEN = 30  # seconds after which work that nobody asks for stops
Results = Iterator[tuple[str, Any, float]]  # a name, what was found, and the share that is done


@dataclass(eq=False)
class Work:
    """What has been found so far, by name; and how far the work is."""

    total: int = 0  # of what is looked for
    found: dict[str, Any] = field(default_factory=dict)
    done: float = 0.0  # share of the work
    over: bool = False
    stopped: bool = False
    error: str = ""
    wanted: float = field(default_factory=time.monotonic)  # when the page asked last
    left: Results | None = None  # what is still to come, where the reader has stopped it
    holds: int = 0  # the bytes of what that needs
    who: str = ""  # the visitor for whom it is done

    @property
    def nbytes(self) -> int:
        """About the bytes that it holds."""
        return 200 * len(self.found) + (self.holds if self.left else 0)

    @property
    def whole(self) -> bool:
        """Whether all has been found."""
        return self.over and not self.stopped and not self.error


@dataclass(frozen=True)
class Job:
    """What is said of some work, and what its buttons are called by."""

    name: str  # why: its buttons are why_stop and why_again
    told: Callable[[Work], str]  # what it is at
    halted: Callable[[Work], str]  # how far it came before it was stopped
    resume: str  # the button that begins it again
    failed: str  # “The runs without each part failed”


def is_small(view: View) -> bool:
    """Whether a run takes no time that a reader would notice."""
    entry = catalogue.CATALOGUE.get(view.request.model)
    tokens = sum(len(view.tokens(side)) for side in view.config.sides)
    return bool(entry and entry.embedded) and tokens <= FEW


def wanted(key: Hashable, begin: Callable[[], Work]) -> Work:
    """The work of a key, as far as it is; begins it."""
    found = SHELF.get(key, begin, stays=True)
    found.wanted = time.monotonic()
    return found


def start(work: Work, job: Job, results: Callable[[], Results]) -> None:
    """Does it beside the page. The thread has no session: what the work needs is fetched before."""
    work.over, work.stopped, work.who = False, False, visitor()
    thread = threading.Thread(
        target=carry_out, args=(work, job, results), daemon=True, name=job.name
    )
    thread.start()


def carry_out(work: Work, job: Job, results: Callable[[], Results]) -> None:
    """The work itself. Once it was stopped, it goes on from there. It also ends when nobody asks
    any longer, and begins anew when somebody does: what it needs is not kept for nobody.
    """
    coming, work.left = work.left or in_turns(results(), work.who), None
    try:
        for name, value, done in coming:
            work.found[name], work.done = value, done
            if time.monotonic() - work.wanted > FORGOTTEN:
                work.stopped = True
                break
            if work.stopped:
                work.left = coming
                break
    except GlassError as error:  # such as a part that took too long
        work.error = str(error)
    except Exception as error:  # the reader must hear of it, and not from a log
        work.error = f"{job.failed} ({type(error).__name__})."
    finally:
        work.over = True


# --- on the page ----------------------------------------------------------------------------------


def progress(job: Job, find: Callable[[], Work], again: Callable[[Work], None]) -> None:
    """How far the work is, and a button that stops it or resumes it. find: asks for the work."""
    found = find()
    if found.error:
        st.warning(plain(found.error))
    elif not found.over:
        watch(job, find, found.done)
    elif not found.whole:
        st.caption(job.halted(found))
        st.button(job.resume, key=f"{job.name}_again", on_click=again, args=(found,))


@st.fragment(run_every=0.7)
def watch(job: Job, find: Callable[[], Work], drawn: float) -> None:
    """The bar, which moves by itself; the page is drawn anew in the end, and when a tenth more is
    known than was drawn.
    """
    found = find()
    if found.over or found.done > drawn + 0.1:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key=f"{job.name}-progress"):
        st.progress(found.done, text=job.told(found))
        st.button("Stop", key=f"{job.name}_stop", on_click=stop, args=(find,))


def stop(find: Callable[[], Work]) -> None:
    """Stops the work; what is known stays."""
    find().stopped = True
