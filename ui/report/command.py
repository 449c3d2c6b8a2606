"""What `python -m core report` asks for: a report from a shell, where no page and no server is."""

from __future__ import annotations

from typing import Any

from core.errors import GlassError
from ui.report.contents import Progress
from ui.report.document import Report, report
from ui.report.stages import STAGES, stages_named
from ui.session.opening import first_token, opening_place
from ui.session.runs import RunRequest, run_of
from ui.session.view import View


def made(
    asked: dict[str, Any], stages: str | None, place: dict[str, Any], progress: Progress
) -> Report:
    """The report of a run. asked: the fields of a RunRequest; stages: their names, parted by
    commas, or None for all; place: side, layer, head and token, each None where the app would
    choose. Raises GlassError where there is no such run, place or report.
    """
    names = stages_named(stages) if stages is not None else tuple(STAGES)
    request = RunRequest(**asked)
    run_of(request)
    return report(looked_at(request, place), names, progress)


def looked_at(request: RunRequest, place: dict[str, Any]) -> View:
    """The run at a place; what is None is as the app would open it."""
    config = run_of(request).trace.config
    side = place["side"] or config.sides[-1]
    if side not in config.sides:
        raise GlassError(f"{request.model} has no {side}.")
    layer, head = opening_place(request, side)
    first = View(request, side, layer, head, 0)
    sizes = {
        "layer": (layer, config.layers(side)),
        "head": (head, config.n_heads),
        "token": (first_token(config, first.tokens(side)), len(first.tokens(side))),
    }
    for name, (_, size) in sizes.items():
        if place[name] is not None and place[name] >= size:
            raise GlassError(f"There is no {name} {place[name]}: the last one is {size - 1}.")
    chosen = {
        name: usual if place[name] is None else place[name] for name, (usual, _) in sizes.items()
    }
    return View(request, side, **chosen)
