"""The views of a run that was made in Python: what the pages draw, of a trace that is there."""

from __future__ import annotations

from typing import Any

from core.errors import GlassError
from core.notebook import Origin
from core.trace import Trace
from ui.session.opening import first_token
from ui.session.runs import FinishedRun, RunRequest
from ui.session.shelf import SHELF
from ui.session.view import View

MADE = "made in Python "  # as the engine of a run: no page asks for one by that name
PLACE = ("layer", "head", "token")


def origin_of(trace: Trace) -> Origin:
    """What a run came from. Raises GlassError where that is not known."""
    if trace.origin is None:
        raise GlassError(
            "This run shows nothing of itself: it was made of token ids. A run that a model made of"
            " a text does: load(…).trace(“…”)."
        )
    return trace.origin


def view_of(trace: Trace, **place: Any) -> View:
    """A run as it is looked at from a place: side, layer, head and token, each None where the app
    would choose. Raises GlassError for a place that is not there.
    """
    request, config = request_of(trace), trace.config
    side = place.pop("side", None) or config.sides[-1]
    if side not in config.sides:
        raise GlassError(f"This model has no {side}: it has {' and '.join(config.sides)}.")
    first = View(request, side, 0, 0, 0)
    sizes = (config.layers(side), config.n_heads, len(first.tokens(side)))
    usual = (sizes[0] - 1, 0, first_token(config, first.tokens(side)))
    chosen = {
        name: checked(name, place.pop(name, None), size, default)
        for name, size, default in zip(PLACE, sizes, usual, strict=True)
    }
    if place:
        raise TypeError(f"A place has side, layer, head and token, not {', '.join(place)}.")
    return View(request, side, **chosen)


def checked(name: str, place: int | None, size: int, default: int) -> int:
    """A place along an axis."""
    if place is None:
        return default
    if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place < size:
        raise GlassError(f"There is no {name} {place}: they go from 0 to {size - 1}.")
    return place


def request_of(trace: Trace) -> RunRequest:
    """The name of a run on the shelf, where it lies from here on together with its model."""
    origin = origin_of(trace)
    model = origin.model
    request = RunRequest(
        model=model.name,
        sentence=origin.sentence,
        mask=origin.mask,
        target=origin.target,
        second=origin.second,
        chat=origin.chat,
        engine=f"{MADE}{id(trace)}",
    )
    encoding = model.encode(origin.sentence, origin.second or None, chat=origin.chat)
    SHELF.put(("model", model.name), model)
    SHELF.put(request, FinishedRun(model, encoding, trace))
    return request
