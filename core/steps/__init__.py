"""What there is to know of every kind of number: one file a part of the model, one record a kind.

To add a kind, write its record, and the function that computes it, in the file of its part.
"""

from __future__ import annotations

from functools import lru_cache

from ..operands import given, is_weight
from ..step_ref import StepRef, parse
from . import (
    attention,
    embedding,
    feed_forward,
    gradients,
    heads,
    layers,
    lstm,
    norm,
    output,
    positions,
    query_norm,
    sources,
    task,
)
from .kind import StepKind

# In this order: the values that belong to one step are listed as their kinds come.
PARTS = (
    embedding,
    positions,
    query_norm,
    attention,
    heads,
    feed_forward,
    layers,
    norm,
    output,
    task,
    sources,
    lstm,
    gradients,
)
# A weight has no axes and no place of its own; nothing but the model file gave it its value.
LEARNED = StepKind(
    leaf="",
    axes="",
    place=(),
    recipe=given,
    title="A learned number",
    story="Training found this number. It is stored in the model file, and no sentence changes it.",
    latex=r"\theta",
    letters={r"\theta": "a learned number"},
    colour="residual",
)


def kinds() -> tuple[StepKind, ...]:
    """Every kind of number, part after part."""
    return tuple(kind for part in PARTS for kind in part.KINDS)


def of_steps() -> tuple[StepKind, ...]:
    """Those of steps and of what is read out of them, without gradients."""
    return tuple(kind for part in PARTS if part is not gradients for kind in part.KINDS)


def kind_of(config, ref: StepRef | None) -> StepKind | None:
    """What a name stands for in a model of that config; None if it has no such number. Whether the
    numbers in the name lie on their axes, `StepKind.fits` says.
    """
    if ref is None:
        return None
    named = _by_name(gradients.KINDS if ref.before else of_steps())
    for place in (ref.place, f"{ref.side}.{ref.place}"):
        for kind in named.get((ref.before + place, ref.leaf), ()):
            if len(kind.args) == len(ref.args) and kind.stands(config, ref):
                return kind
    return None


@lru_cache(maxsize=4)
def _by_name(kinds: tuple[StepKind, ...]) -> dict[tuple[str, str], list[StepKind]]:
    """The kinds by place and leaf; those of one leaf are variants."""
    found: dict[tuple[str, str], list[StepKind]] = {}
    for kind in kinds:
        for place in kind.place:
            found.setdefault((place, kind.leaf), []).append(kind)
    return found


def computed_after(config, ref: StepRef | None) -> list[StepRef]:
    """The derived values that belong to a recorded step, without those whose names end in numbers:
    of these there are too many.
    """
    if ref is None:
        return []
    places = {ref.place, f"{ref.side}.{ref.place}"}
    return [
        ref.with_leaf(kind.leaf)
        for kind in of_steps()
        if kind.compute
        and not kind.args
        and kind.after == ref.leaf
        and places & set(kind.place)
        and kind.stands(config, ref)
    ]


def about(trace, name: str) -> StepKind:
    """The kind of a step, a derived value or a learned number ("weights/…") of a trace: its title,
    story, formula, colour and scale. Raises KeyError for a name that stands for none.
    """
    if is_weight(trace, name):
        return LEARNED
    if kind := kind_of(trace.config, parse(name)):
        return kind
    raise KeyError(f"This model has no step called “{name}”.")
