"""Of which run the opened number of the page is: the reader's text before a step or after it, the
model of a moment of its training, a sentence that the model was not taught.
"""

from __future__ import annotations

from contextlib import suppress

from core.errors import GlassError
from ui.session.selection import chosen, opened_cell
from ui.session.view import View
from ui.stages.how_it_learned.forgotten import run_of_held
from ui.stages.how_it_learned.place import lesson_of, shown, taught_by, why_not
from ui.stages.how_it_learned.stops import run_of_then

RUNS = {  # by what is chosen as learn_reads; "before": the run that the page shows
    "after": lambda view: after_steps(view, 1),
    "taught": lambda view: after_steps(view, chosen("learn_steps")),
    "then": run_of_then,
    "held": lambda view: run_of_held(shown(view)),
    "held-taught": lambda view: run_of_held(shown(view)),
}


def owner(view: View) -> View:
    """The view in which the opened number stands."""
    if why_not(view):
        return view
    run = RUNS.get(chosen("learn_reads"))
    if run and opened_cell():
        with suppress(GlassError):  # a step that went too far left nothing to open
            return run(view)
    return shown(view)


def after_steps(view: View, steps: int) -> View:
    """The run of the text after so many steps. Raises GlassError where they went too far."""
    found = shown(view)
    return taught_by(found, lesson_of(found, steps))
