"""Where a part and the effect of its silence differ, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core import whatif
from core.step_ref import ref_of
from core.steps.sources import source_names
from core.text import number
from core.why.silencing import Unit, units
from ui.kit.components import table
from ui.kit.explanation_panel import open_number
from ui.session.actions import close_number, show_run
from ui.session.runs import RunRequest, trace_of
from ui.session.selection import chosen, select
from ui.stages.why import effects
from ui.stages.why.asked import Asked
from ui.stages.why.layout import words_of
from ui.text import bold

ROWS = 8  # of the table
REACTING = 3  # later parts that are named
QUICK = 64  # tokens: up to so many one more run of the model takes no time that a reader minds
NEAR = 0.25  # of the larger of the two: so near to each other, part and effect agree


def draw(asked: Asked) -> None:
    """Both numbers of the most important parts, where they differ most; what reacts to the silence
    of the chosen head; and a run without it.
    """
    all_parts(asked)
    if len(asked.view.tokens(asked.side)) <= QUICK and (reacted := reactions_text(asked)):
        st.markdown(reacted)
    silence_button(asked)


def all_parts(asked: Asked) -> None:
    """Part and effect of each, once the effects are known."""
    if not effects.at_once(asked) and chosen("why_shows") != "effect":
        st.markdown(
            "Each part falls silent in turn, and the model runs again without it. With this model"
            " and text that takes a while; the page stays usable meanwhile."
        )
        st.button("Silence each part", key="why_begin", on_click=begin)
        return
    silent = effects.settled(asked)
    if not silent.over:
        st.markdown("Each part falls silent in turn: see the bar above.")
        return
    parts = asked.parts
    both = {
        name: (parts.of(name), change)
        for name, change in silent.found.items()
        if name in parts.names
    }
    if both:
        st.markdown(text(asked, both))
        both_table(asked, parts.names, both)


def begin() -> None:
    """Shows the effects in the map, which begins to compute them."""
    select(why_shows="effect")


def worth(both: dict[str, tuple[float, float]]) -> list[str]:
    """The parts by how much they count by either measure, the largest first."""
    return sorted(both, key=lambda name: -max(map(abs, both[name])))


def both_table(asked: Asked, names: tuple[str, ...], both: dict) -> None:
    """Part and effect side by side."""
    most, step = worth(both)[:ROWS], asked.step
    places = [names.index(name) for name in most]
    table(
        {"part": np.array([both[name][0] for name in most]), "silent": [both[n][1] for n in most]},
        [words_of(name) for name in most],
        key="why:silent",
        corner="part of the model",
        on_cell=lambda row, _: open_number(step, (places[row],)),
        title=f"What each gave to {asked.plain_versus()}, and what its silence changes",
    )


def text(asked: Asked, both: dict) -> str:
    """Where the two differ most, and how that comes about."""
    name = max(both, key=lambda each: abs(both[each][0] + both[each][1]))
    part, change = both[name]
    said = bold(words_of(name))
    if abs(part + change) <= NEAR * max(abs(part), abs(change)):
        return (
            "If nothing reacted, silence would change the number by minus the part. Here it nearly"
            " does for every part: little reacts."
        )
    return (
        "If nothing reacted, silence would change the number by minus the part. It differs most for"
        f" {said}: part {number(part, 3)}, change {number(change, 3)}."
        f" {only_rescaled() if is_last(asked, name) else why_so(part, change)}"
    )


def is_last(asked: Asked, name: str) -> bool:
    """Whether nothing of the model but norms and the output head comes after a part."""
    return name == f"{asked.side}.{asked.view.config.layers(asked.side) - 1}.mlp"


def only_rescaled() -> str:
    """What makes the difference where nothing but a norm reads a part."""
    return "Only the norm after it reads it: without it, the norm scales all other parts anew."


def why_so(part: float, change: float) -> str:
    """What the comparison of a part and its silence says of what comes after it."""
    if part * change > 0:
        return "Later parts that read it did the opposite of what it gave itself."
    if abs(change) > abs(part):
        return (
            "Later parts read what it wrote and made more of it than it gave itself; norms rescale"
            " the rest."
        )
    return "Without it, later parts and norms make up for a share of it."


# --- what reacts to the silence of the chosen head ------------------------------------------------


@dataclass(frozen=True)
class Reactions:
    """How much more each source gives without the chosen head: the head itself, what was written
    before and beside it, whose part norms alone change, and by name what comes later.
    """

    own: float
    rescaled: float
    later: dict[str, float]

    @property
    def total(self) -> float:
        """What its silence changes in all."""
        return self.own + self.rescaled + sum(self.later.values())


def reactions_of(asked: Asked, head: str = "") -> Reactions | None:
    """The parts of a run without the chosen head, or another, less those of this run; None where
    the sources of the two are not the same, or the head is silent already.
    """
    head = head or asked.head
    unit, names = unit_of(asked, head), asked.parts.names
    if unit is None or unit.part in asked.view.request.change.split("+"):
        return None
    quiet = trace_of(without_part(asked, unit.part))
    if source_names(quiet, ref_of(asked.step))["X"] != names:
        return None
    change_S = quiet[asked.step] - asked.parts.parts_S
    at, path = names.index(head), head.rpartition(".head.")[0]
    later = [x for x in range(at, len(names)) if not names[x].startswith(f"{path}.")]
    return Reactions(
        own=float(change_S[at]),
        rescaled=float(np.delete(change_S, [at, *later]).sum()),
        later={names[x]: float(change_S[x]) for x in later},
    )


def reactions_text(asked: Asked) -> str:
    """Why the chosen head's part and the effect of its silence differ, by what each later part then
    gives.
    """
    found = reactions_of(asked)
    if found is None:
        return ""
    most = sorted(found.later.items(), key=lambda each: -abs(each[1]))
    named = [more_or_less(*each) for each in most[:REACTING] if each[1]]
    rest = sum(change for _, change in most[REACTING:])
    named += [f"all others after it together {number(rest, 3)}"] if rest else []
    reads = f" What comes after it reacts: {', '.join(named)}." if named else ""
    scaled = f" Norms scale what stood beside it anew: {number(found.rescaled, 3)}."
    norms = scaled if found.rescaled else ""
    return (
        f"**Why they differ for {asked.head_words}.** Its part goes: {number(found.own, 3)}."
        f"{reads}{norms} Together that is the effect of its silence,"
        f" **{number(found.total, 3)}**."
    )


def more_or_less(name: str, change: float) -> str:
    """What a later part gives more, or less."""
    said = "more" if change > 0 else "less"
    return f"{bold(words_of(name))} gives {number(abs(change), 3)} {said}"


# --- a run without it -----------------------------------------------------------------------------


def silence_button(asked: Asked) -> None:
    """Makes the run without the chosen head the one that all pages show."""
    unit = unit_of(asked, asked.head)
    if unit and unit.part not in asked.view.request.change.split("+"):
        st.button(
            f"Silence {asked.head_words} on all pages",
            key="why_silence",
            on_click=without,
            args=(asked, unit.part),
        )


def unit_of(asked: Asked, head: str) -> Unit | None:
    """A head as a part that can fall silent."""
    found = (u for u in units(asked.view.config) if effects.name_of(u) == head)
    return next(found, None)


def without(asked: Asked, part: str) -> None:
    """Shows the run with one part more silent."""
    show_run(without_part(asked, part))
    close_number()


def without_part(asked: Asked, part: str) -> RunRequest:
    """The run with one part more silent."""
    request = asked.view.request
    return request._replace(change=whatif.also(request.change, part))
