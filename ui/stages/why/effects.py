"""What really happens when a part falls silent: computed when it is asked for, of small models at
once, of large ones beside the page, with progress and a way to stop.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import streamlit as st

from core import why
from core.models import catalogue
from core.text import number
from core.why.silencing import Unit, units
from ui.session.shelf import SHELF
from ui.stages.why.asked import Asked
from ui.stages.why.layout import words_of
from ui.text import bold

FEW = 24  # tokens: of a study model every part falls silent at once
FORGOTTEN = 30  # seconds after which work that nobody asks for stops


@dataclass(eq=False)
class Silent:
    """The changes found so far, by the name of the source that fell silent; and how far the work
    is.
    """

    changes: dict[str, float] = field(default_factory=dict)
    total: int = 0  # parts in all
    done: float = 0.0  # share of the work
    over: bool = False
    stopped: bool = False
    error: str = ""
    wanted: float = field(default_factory=time.monotonic)  # when the page asked last

    @property
    def nbytes(self) -> int:
        """About the bytes that it holds."""
        return 200 * len(self.changes)

    @property
    def whole(self) -> bool:
        """Whether every part has been silenced."""
        return self.over and not self.stopped and not self.error


def key_of(asked: Asked) -> tuple:
    """What the effects depend on."""
    return "why", asked.view.request, asked.position, asked.words


def settled(asked: Asked) -> Silent:
    """The effects as far as they are known; begins to compute them."""
    found = SHELF.get(key_of(asked), lambda: begun(asked), stays=True)
    found.wanted = time.monotonic()
    return found


def known(asked: Asked) -> Silent | None:
    """The effects where finding them out takes no time, or has been done; None elsewhere."""
    return settled(asked) if at_once(asked) else SHELF.find(key_of(asked))


def begun(asked: Asked) -> Silent:
    """The effects of a study model, or work that has begun."""
    found = Silent(total=len(units(asked.view.config)))
    if at_once(asked):
        compute(asked, found)
    else:
        start(asked, found)
    return found


def at_once(asked: Asked) -> bool:
    """Whether it takes no time that a reader would notice."""
    entry = catalogue.CATALOGUE.get(asked.view.request.model)
    tokens = sum(len(asked.view.tokens(side)) for side in asked.view.config.sides)
    return bool(entry and entry.embedded) and tokens <= FEW


def start(asked: Asked, found: Silent) -> None:
    """Computes beside the page."""
    found.over = found.stopped = False
    # What the work needs is fetched here: the thread has no session.
    model, trace = asked.view.model, asked.view.trace
    work = threading.Thread(
        target=silence_all, args=(model, trace, asked, found), daemon=True, name="silence"
    )
    work.start()


def compute(asked: Asked, found: Silent) -> None:
    """Silences each part in turn."""
    silence_all(asked.view.model, asked.view.trace, asked, found)


def silence_all(model, trace, asked: Asked, found: Silent) -> None:
    """The work itself. It ends early when it is stopped, or when nobody has asked for long."""
    try:
        for effect in why.each_effect(model, trace, *asked.words, row=asked.position):
            found.changes[name_of(effect.unit)] = effect.change
            found.done = effect.done
            if time.monotonic() - found.wanted > FORGOTTEN:
                found.stopped = True
            if found.stopped:
                break
    except Exception as error:  # the reader must hear of it, and not from a log
        found.error = f"The runs without each part failed ({type(error).__name__})."
    finally:
        found.over = True


def name_of(unit: Unit) -> str:
    """What a part that can fall silent is called as a source: decoder.3.attn.head.4."""
    leaf = "" if unit.head is None else f".head.{unit.head}"
    return f"{unit.side}.{unit.layer}.{unit.sublayer}{leaf}"


# --- on the page ----------------------------------------------------------------------------------


def progress(asked: Asked) -> None:
    """How far the work is, and a button that stops it or resumes it."""
    found = settled(asked)
    if found.error:
        st.warning(found.error)
    elif not found.over:
        watch(asked, found.done)
    elif not found.whole:
        st.caption(f"Stopped after {len(found.changes)} of {found.total} parts.")
        st.button("Silence all again", key="why_again", on_click=start, args=(asked, found))


@st.fragment(run_every=0.7)
def watch(asked: Asked, drawn: float) -> None:
    """The bar, which moves by itself; the page is drawn anew in the end, and when a tenth more is
    known than was drawn.
    """
    found = settled(asked)
    if found.over or found.done > drawn + 0.1:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="why-progress"):
        st.progress(
            found.done, text=f"Silencing {len(found.changes)} of {found.total} parts, one by one"
        )
        st.button("Stop", key="why_stop", on_click=stop, args=(key_of(asked),))


def stop(key: tuple) -> None:
    """Stops the work; what is known stays."""
    found = SHELF.get(key, Silent)
    found.stopped = True


# --- in words -------------------------------------------------------------------------------------


def story(asked: Asked, silent: Silent) -> str:
    """What the silence of the most important parts changes."""
    versus = asked.versus()
    if not silent.changes:
        return f"Each part falls silent in turn, and the model runs on: how does {versus} change?"
    most = sorted(silent.changes.items(), key=lambda each: -abs(each[1]))[:3]
    many = len(asked.view.config.sides) > 1
    named = ", ".join(f"{bold(words_of(name, many))} {number(change, 3)}" for name, change in most)
    return (
        f"The run without a part, less the run with it. The largest changes: {named}. Below 0: the"
        f" part was needed for {bold(asked.view.word(asked.word))}. Later layers react, so this is"
        " not simply the part with its sign turned."
    )
