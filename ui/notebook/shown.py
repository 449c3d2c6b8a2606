"""What a run shows of itself in a notebook; `core.notebook` asks for it by these names.

river, heads, explained     widgets
html_of                     the run in short, as HTML
"""

from __future__ import annotations

from typing import Any

from core.errors import GlassError
from core.explanation import explain
from core.operands import WEIGHTS
from core.step_ref import parse
from core.trace import Trace
from ui.notebook.stills import head_maps, number_made, run_in_short
from ui.notebook.views import origin_of, view_of
from ui.notebook.widget import Shown
from ui.report.document import Framed, report
from ui.report.stages import STAGES, belongs
from ui.session.view import View

LIMIT = 2_400_000  # bytes: a notebook's server passes on about three million in three seconds
EDITED = "changed in Python"


def river(trace: Trace, **place: Any) -> Shown:
    """The picture of the whole model."""
    if origin_of(trace).changed:
        raise GlassError(
            "The picture of the whole model compares the run with the model as it was trained, so"
            " it can’t show one that edits, ids or a mask of one’s own have changed. Its heads and"
            " its numbers open even so: trace.heads(…), trace.explain(…)."
        )
    view = view_of(trace, **place)
    made = widget(view, ("river", "heads", "attention", "add_and_norm", "feed_forward"), ("river",))
    return made(f"The whole model on “{view.sentence}”", head_maps(view))


def heads(trace: Trace, **place: Any) -> Shown:
    """Where each head of a layer looks."""
    view = view_of(trace, **place)
    made = widget(view, ("heads", "attention", "weights"), ("heads",))
    return made(f"Where the heads of layer {view.layer} look", head_maps(view))


def explained(trace: Trace, name: str, index) -> Shown:
    """How one number was made."""
    number = explain(trace, name, index)
    view = view_of(trace, **place_of(trace, name, number.index))
    cell = f"{name}:{','.join(map(str, number.index))}"
    made = widget(view, (*stages_with(name), "weights"), (), cell)
    return made(f"{number.title}: {number.formula}", number_made(number))


def widget(view: View, holds: tuple[str, ...], shows: tuple[str, ...], cell: str = ""):
    """A function of a title and of what stands for the widget where none runs. holds: the stages
    whose numbers it has; shows: those whose figures are seen.
    """
    origin = origin_of(view.trace)
    framed = Framed(shows, LIMIT, EDITED if origin.changed else "", cell)
    asked = tuple(name for name in STAGES if name in holds)
    document = report(view, asked, framed=framed).text
    return lambda title, still: Shown(document, title, view, cell, still)


def place_of(trace: Trace, name: str, index: tuple[int, ...]) -> dict[str, Any]:
    """Where a number stands: its side, layer, head, and the token that looks."""
    ref = parse(name)
    if ref is None or ref.layer is None:
        return {}
    along = dict(zip(trace.axes(name), index, strict=True))
    place = {"side": ref.side, "layer": ref.layer, "head": along.get("H"), "token": along.get("L")}
    return {key: value for key, value in place.items() if value is not None}


def stages_with(name: str) -> tuple[str, ...]:
    """The stages that hold what a number is made of: all of its layer, but for the pictures; those
    of the end, where it stands in none.
    """
    ref = parse(name)
    inside = [stage for stage in STAGES if STAGES[stage].steps]
    if name.startswith(WEIGHTS) or ref is None or ref.layer is None:
        return ("layers", "output")
    end = name.split(".", 2)[2]
    own = [stage for stage in inside if belongs(stage, end)]
    return tuple(dict.fromkeys((*own, *inside)))


def html_of(trace: Trace) -> str | None:
    """The run in short; None for one of which it is not known what it read."""
    return run_in_short(view_of(trace)) if trace.origin else None
