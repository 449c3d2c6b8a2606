"""The stops of the slider over a training: the model as each snapshot has it, and as it is in the
end; each reads the reader's text.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.models.over_time import Measures, steps_of
from core.text import counted
from ui.session.runs import RunRequest, model_of, trace_of
from ui.session.selection import chosen
from ui.session.view import View
from ui.stages.how_it_learned.place import own_run

THEN = "then"  # of learn_reads: the opened number is of the model of the stop


@dataclass(frozen=True)
class Stop:
    """A stop of the slider. step: None of the model as it is in the end; the run of the reader's
    text by the model of then.
    """

    step: int | None
    request: RunRequest

    @property
    def part(self) -> str:
        """The what-if in which the model is read so; empty: the model as it is."""
        return "" if self.step is None else f"trained:{self.step}"


def stops(view: View) -> list[Stop]:
    """All snapshots of the model, and after them the model as it is."""
    base = own_run(view)
    steps = steps_of(model_of(base.model))
    return [
        *(Stop(step, base._replace(change=f"trained:{step}")) for step in steps),
        Stop(None, base),
    ]


def stop_shown(view: View, found: list[Stop]) -> int:
    """Which stop is shown: the reader's, else that of the what-if, else the model as it is."""
    asked = chosen("learn_stop")
    for n, stop in enumerate(found[:-1]):
        if stop.step == asked or asked is None and stop.part in view.request.change.split("+"):
            return n
    return len(found) - 1


def run_of_then(view: View) -> View:
    """The run that is shown, of the model of then. Raises GlassError where there is none."""
    found = stops(view)
    request = found[stop_shown(view, found)].request
    trace_of(request)
    return View(request, "decoder", view.layer, view.head, view.token)


def head_shown(view: View, known: Measures | None) -> tuple[int, int]:
    """Layer and head: the one that agreement needs most, where that was measured."""
    return (known.decides.layer, known.decides.head) if known else (view.layer, view.head)


def name_of(stop: Stop, known: Measures | None) -> str:
    """A stop in words."""
    if stop.step is None:
        return f"after {counted(known.steps_S[-1], 'step')}, trained" if known else "trained"
    return f"after {counted(stop.step, 'step')}" if stop.step else "before training, at random"
