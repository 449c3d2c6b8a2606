"""What really happens when a part falls silent: computed when it is asked for."""

from __future__ import annotations

from functools import partial

from core import why
from core.text import number
from core.why.silencing import Unit, units
from ui.session.shelf import SHELF
from ui.stages.why import beside
from ui.stages.why.asked import Asked
from ui.stages.why.beside import Job, Results, Work
from ui.stages.why.layout import words_of
from ui.text import bold

SILENCING = Job(
    "why",
    lambda work: f"Silencing {len(work.found)} of {work.total} parts, one by one",
    lambda work: f"Stopped after {len(work.found)} of {work.total} parts.",
    "Go on",
    "The runs without each part failed",
)


def key_of(asked: Asked) -> tuple:
    """What the effects depend on."""
    return "why", asked.view.request, asked.position, asked.words


def settled(asked: Asked) -> Work:
    """The effects as far as they are known, by the name of the source that fell silent; begins to
    compute them.
    """
    return beside.wanted(key_of(asked), lambda: begun(asked))


def known(asked: Asked) -> Work | None:
    """The effects where finding them out takes no time, or has been done; None elsewhere."""
    return settled(asked) if at_once(asked) else SHELF.find(key_of(asked))


def begun(asked: Asked) -> Work:
    """The effects of a study model, or work that has begun."""
    found = Work(len(units(asked.view.config)), holds=asked.view.trace.nbytes)
    (compute if at_once(asked) else start)(asked, found)
    return found


def at_once(asked: Asked) -> bool:
    """Whether it takes no time that a reader would notice."""
    return beside.is_small(asked.view)


def start(asked: Asked, found: Work) -> None:
    """Computes beside the page."""
    beside.start(found, SILENCING, work_of(asked))


def compute(asked: Asked, found: Work) -> None:
    """Silences each part in turn."""
    beside.carry_out(found, SILENCING, work_of(asked))


def work_of(asked: Asked) -> partial[Results]:
    """What silences each part in turn, with all that it needs."""
    return partial(changes, asked.view.model, asked.view.trace, asked.words, asked.position)


def changes(model, trace, words: tuple, position: int) -> Results:
    """What the silence of each part changes."""
    for effect in why.each_effect(model, trace, *words, row=position):
        yield name_of(effect.unit), effect.change, effect.done


def name_of(unit: Unit) -> str:
    """What a part that can fall silent is called as a source: decoder.3.attn.head.4."""
    leaf = "" if unit.head is None else f".head.{unit.head}"
    return f"{unit.side}.{unit.layer}.{unit.sublayer}{leaf}"


def progress(asked: Asked) -> None:
    """How far the work is, and a button that stops it or resumes it."""
    beside.progress(SILENCING, partial(settled, asked), partial(start, asked))


# --- in words -------------------------------------------------------------------------------------


def story(asked: Asked, silent: Work) -> str:
    """What the silence of the most important parts changes."""
    versus = asked.versus()
    if not silent.found:
        return f"Each part falls silent in turn, and the model runs on: how does {versus} change?"
    most = sorted(silent.found.items(), key=lambda each: -abs(each[1]))[:3]
    many = len(asked.view.config.sides) > 1
    named = ", ".join(f"{bold(words_of(name, many))} {number(change, 3)}" for name, change in most)
    return (
        f"The run without a part, less the run with it. Largest: {named}. Below 0: the part was"
        f" needed for {bold(asked.view.word(asked.word))}. Later layers react, so it is not the"
        " part with its sign turned."
    )
