"""The two runs of the page: the model as it was trained, and the same text with all changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core import whatif
from core.errors import GlassError
from core.models.over_time import steps_of
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.runs import beside
from ui.session.opening import plain_run
from ui.session.runs import RunRequest, model_of
from ui.session.selection import LAB_KINDS, chosen, opened_cell, select
from ui.session.settling import settle
from ui.session.view import View
from ui.stages.laboratory.patches import other_request

ACROSS = ("cross-head", "cross")  # what only a decoder that looks at an encoder has
SIDES = ("before", "after", "other", "repeat")


@dataclass(frozen=True)
class Runs:
    """Both runs, looked at in the same place."""

    before: View
    after: View

    @property
    def views(self) -> tuple[View, View]:
        """Both views."""
        return self.before, self.after

    @property
    def changed(self) -> bool:
        """Whether anything is changed."""
        return self.before.request != self.after.request

    @property
    def same_text(self) -> bool:
        """Whether each token of one run stands at the same place in the other."""
        return not whatif.kinds(self.after.request.change) & set(whatif.MOVES_TOKENS)


def runs_of(view: View) -> Runs:
    """The run that is shown, and before it the model as it was trained on this text."""
    request = plain_run(view.request)._replace(target=view.request.target)
    before = beside(view, request)
    return Runs(replace(before, token=min(view.token, len(before.labels) - 1)), view)


def owner(view: View) -> View:
    """The view in which the opened number stands."""
    reads = chosen("lab_reads") if opened_cell() else "after"
    if reads == "after":
        return view
    before = runs_of(view).before
    try:
        return beside(before, request_read(before, reads) or before.request)
    except GlassError:
        return before


def request_read(before: View, reads: str) -> RunRequest | None:
    """The run whose number is opened; None where there is none."""
    if reads == "other":
        return other_request(before.request, chosen("lab_text") or before.sentence)
    across = before.config.crosses
    return before.request._replace(change="repeat") if reads == "repeat" and not across else None


def open_of(side: int, name: str, index) -> None:
    """Opens a number of the run before (0), after (1), of the second text (2), or of the
    random tokens (3).
    """
    select(lab_reads=SIDES[side])
    open_number(name, index)


def opened_of(side: int, name: str) -> tuple[int, ...] | None:
    """The place of the opened number, if it is one of that step and of that run."""
    return opened_in(name) if chosen("lab_reads") == SIDES[side] else None


def guess_row(view: View) -> int | None:
    """The row of guesses that is shown: the chosen token's, else the last; None where the model
    guesses nothing.
    """
    if not view.config.head:
        return None
    rows, side = view.trace.rows, view.config.sides[-1]
    own = np.flatnonzero(rows == view.token) if view.side == side else []
    return int(own[0]) if len(own) else len(rows) - 1


def kinds_of(view: View) -> list[str]:
    """The changes that this model and text can have."""
    config = runs_of(view).before.config  # of the model as it is, whatever this run leaves out
    across = config.crosses and view.side == "decoder"
    absent = {
        *(() if across else ACROSS),
        *(() if config.positions != "none" else ("positions",)),
        *(() if config.norm != "none" else ("norms",)),
        *(() if config.divides_by_root else ("scale",)),
        *(() if kept_steps(view) else ("trained",)),
    }
    return [kind for kind in LAB_KINDS if kind not in absent]


def kept_steps(view: View) -> tuple[int, ...]:
    """The steps of its training after which the model was kept."""
    return steps_of(model_of(view.request.model))


def settle_parameters(view: View) -> None:
    """What is offered to be added first: this head, this token and its neighbour, this layer's
    first neuron.
    """
    settle("lab_kind", "head", kinds_of(view))
    settle("lab_neuron", 0, range(view.config.d_mlp))
    others = [place for place in range(len(view.labels)) if place != view.token]
    settle("lab_other", neighbour(view), others or [0])
    steps = kept_steps(view)
    settle("lab_step", steps[len(steps) // 2] if steps else None, steps or [None])


def neighbour(view: View) -> int:
    """The token before the chosen one, or after the first."""
    return view.token - 1 if view.token else min(1, len(view.labels) - 1)
