"""The whole run, or one step of it, as a file to take away. How much it holds is said before it is
asked for; nothing is written before.

    run_files(view)             two buttons, for NumPy and for safetensors; of a large run its file
                                is written first, with a bar
    step_file(view, name)       a button for all of one step

core/run_file.py writes the files, docs/exports.md says what they hold.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

import streamlit as st

from core.errors import GlassError
from core.places import PROGRAM
from core.run_file import ASKED, Progress, facts_of, nbytes_of, nothing_to_say, write_to
from core.text import counted
from core.time_limit import check_time
from ui.kit.picture_frame import in_a_name
from ui.session.rationing import at_turn_of, page_turn, visitor
from ui.session.runs import RunRequest, limited, run_of
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.text import plain

AT_ONCE = 32 << 20  # bytes of numbers that a click writes; more are written with a bar
MOST = 256 << 20  # bytes of numbers that the app writes: the file lies in memory until it is sent
KINDS = {".npz": "NumPy", ".safetensors": "safetensors"}
WORDS, LETTERS = 3, 60  # words of the sentence in a file's name; letters of each part of it
_one_at_a_time = Lock()  # so that many readers take the memory of one file while it is written


@dataclass(frozen=True, eq=False)
class Written:
    """A file that lies ready."""

    data: bytes

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return len(self.data)


@st.fragment  # to write a file draws nothing else of the page anew
def run_files(view: View) -> None:
    """What the run holds, and the buttons that save it, or why they are not there."""
    names, size = view.trace.names, nbytes_of(view.trace, view.trace.names)
    holds = f"{counted(len(names), 'array')}, about {in_bytes(size)} of numbers"
    st.caption(f"The whole run as a file, with names, axes and tokens: {holds}.")
    if size > MOST:
        st.caption(
            f"That is more than the {in_bytes(MOST)} that this page writes. On the command line,"
            f" `{PROGRAM} trace` writes a run of any size, or a part of it."
        )
        return
    with st.container(horizontal=True, key="run-files"):
        for ending in KINDS:
            (at_once if size <= AT_ONCE else with_a_bar)(view, ending)


def at_once(view: View, ending: str) -> None:
    """A button that writes the file and saves it."""
    make = partial(bytes_for, visitor(), view.request, ending)
    save_button(view, ending, f"Save as {ending}", make)


def with_a_bar(view: View, ending: str) -> None:
    """A button that writes the file while a bar moves; then one that saves it. The file is dropped
    once nobody looks.
    """
    request = view.request
    if SHELF.find(("run file", request, ending)) is None:
        if not st.button(plain(f"Write as {ending}"), key=f"write{ending}"):
            return
    slot = st.empty()
    try:
        with page_turn(f"turn{ending}"):
            ready = written(request, ending, shown_on(slot))
    except GlassError as error:
        slot.error(plain(error))
        return
    slot.empty()
    label = f"Save as {ending}, {in_bytes(ready.nbytes)}"
    save_button(view, ending, label, partial(ready_bytes, visitor(), request, ending))


def shown_on(bar) -> Progress:
    """Tells a bar how far the writing has come."""
    return lambda done, total: bar.progress(done / total, f"Writing {done:,} of {total:,} arrays")


def written(request: RunRequest, ending: str, progress: Progress = nothing_to_say) -> Written:
    """The file, written where it does not lie ready. Raises GlassError if that takes too long."""
    key = ("run file", request, ending)

    def write() -> Written:
        with limited(key):
            return Written(run_bytes(request, ending, None, progress))

    return SHELF.get(key, write)


def ready_bytes(who: str, request: RunRequest, ending: str) -> bytes:
    """The file that lies ready for a visitor; written once more where it does not any longer."""
    if found := SHELF.find(("run file", request, ending)):
        return found.data
    return at_turn_of(who, lambda: written(request, ending)).data


def bytes_for(who: str, *asked: Any) -> bytes:
    """A file that is written when a visitor asks for it. asked: as in `run_bytes`."""
    return at_turn_of(who, lambda: run_bytes(*asked))


def step_file(view: View, name: str) -> None:
    """A button that saves all of a step, or why there is none."""
    size = nbytes_of(view.trace, [name])
    if size > MOST:
        st.caption(f"All of this step are {in_bytes(size)}, too many for a file from this page.")
        return
    make = partial(bytes_for, visitor(), view.request, ".npz", (name,))
    save_button(view, ".npz", f"Save the whole step, {in_bytes(size)}", make, name)


def save_button(
    view: View, ending: str, label: str, make: Callable[[], bytes], name: str = ""
) -> None:
    """A button; make: gives the file, once it is clicked."""
    st.download_button(
        plain(label),
        make,
        file_name(view, ending, name),
        "application/zip" if ending == ".npz" else "application/octet-stream",
        key=f"save{ending}{name and '-step'}",
        on_click="ignore",
        help=f"{ending}, which {KINDS[ending]} reads without Glassformer.",
    )


# --- the file -------------------------------------------------------------------------------------


def file_name(view: View, ending: str, name: str = "") -> str:
    """A short name that any disk takes: the step, the model, the first words of the sentence."""
    words = in_a_name(" ".join(view.sentence.split()[:WORDS]))
    parts = ("glassformer", name or "run", in_a_name(view.model.name), words)
    return "-".join(cut(part) for part in parts if part) + ending


def cut(part: str) -> str:
    """A part of a name, of so many bytes."""
    return part.encode()[:LETTERS].decode(errors="ignore").rstrip("-")


def run_bytes(
    request: RunRequest,
    ending: str,
    names: Sequence[str] | None = None,
    progress: Progress = nothing_to_say,
) -> bytes:
    """A run as the content of a file. names: its steps; None: all that were recorded. Raises
    GlassError where the time is up.
    """

    def show(done: int, total: int) -> None:
        check_time()
        progress(done, total)

    run, file = run_of(request), io.BytesIO()
    asked = {name: getattr(request, name) for name in ASKED}
    facts = facts_of(run.model, run.trace, request.sentence, request.mask, **asked)
    with _one_at_a_time:
        write_to(file, ending, run.trace, facts, names or run.trace.names, show)
    return file.getvalue()


def in_bytes(size: int) -> str:
    """Bytes in words, two or three digits of them."""
    if size < 1e6:
        return f"{max(1, round(size / 1e3))} KB"
    return f"{size / 1e6:.{1 if size < 1e7 else 0}f} MB"
