"""Lessons that go on bit by bit: step after step, then the loss on sentences that the model never
saw, before and after. Each visitor has lessons of their own; the model as it was trained stays.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from functools import cache, partial
from time import monotonic
from typing import Any

import numpy as np
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.course import Course, lessons, targets_of, written_course
from core.errors import GlassError
from core.learning import Learner, Lesson, losses_on
from core.places import ASSETS
from ui.session.rationing import at_its_turn, count_taught
from ui.session.runs import keep_taught, model_of
from ui.session.shelf import SHELF

FILE = ASSETS / "held_sentences.json"  # made by training/held_sentences.py
TOGETHER = 5  # held sentences that are read between two looks at the clock


@dataclass(eq=False)
class Teaching:
    """A lesson, as far as it went. losses: before the first step, and after each."""

    model: str
    course: Course
    losses: list[float] = field(default_factory=list)
    last: Lesson | None = None  # the last step
    steps: Any = None  # the steps that are still to come
    held: dict[str, list[np.ndarray]] = field(
        default_factory=lambda: {"before": [], "after": []}
    )  # of each held sentence that is read, the losses of its next words
    wrong: str = ""
    # A run of the page may begin while the one before has not noticed yet that it is over.
    busy: threading.Lock = field(default_factory=threading.Lock)

    @property
    def nbytes(self) -> int:
        """The bytes of the weights and of their two means."""
        return 3 * model_of(self.model).nbytes

    @property
    def learner(self) -> Learner | None:
        """The model after the steps that are done; None before the first."""
        return self.last.after if self.last else None

    @property
    def done(self) -> int:
        """The steps that are done."""
        return self.learner.steps if self.learner else 0

    @property
    def is_taught(self) -> bool:
        """Whether all steps are done."""
        return self.done == self.course.steps

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be computed."""
        measured = all(len(each) == len(held_texts()) for each in self.held.values())
        return bool(self.wrong) or self.is_taught and measured

    def held_loss(self, when: str) -> float:
        """The mean loss on the held sentences, "before" or "after", in nats a token."""
        return float(np.concatenate(self.held[when]).mean())


@cache
def held_texts() -> tuple[str, ...]:
    """The sentences that no study model was trained on."""
    return tuple(json.loads(FILE.read_text(encoding="utf-8")))


def lesson(model: str, course: Course) -> Teaching:
    """A lesson of this visitor, as far as it went; it begins empty."""
    context = get_script_run_ctx(suppress_warning=True)
    visitor = context.session_id if context else ""
    return SHELF.get(("lesson", visitor, model, course), lambda: Teaching(model, course))


def work(found: Teaching, seconds: float | None) -> None:
    """Goes on for so long; None: to the end."""
    if found.busy.acquire(blocking=False):
        try:
            at_its_turn(partial(go_on, found, seconds))
        finally:
            found.busy.release()


def go_on(found: Teaching, seconds: float | None) -> None:
    """The work itself."""
    until = monotonic() + (seconds or 0)
    try:
        for part in parts_left(found):
            part()
            if seconds is not None and monotonic() > until:
                return
    except GlassError as error:
        found.wrong = str(error.args[0])


def parts_left(found: Teaching):
    """What is left to be done, part by part."""
    while not found.is_taught:
        yield lambda: step(found)
    for when, weights in (("before", model_of(found.model).weights), ("after", None)):
        while len(found.held[when]) < len(held_texts()):
            yield lambda when=when, weights=weights: read_held(found, when, weights)


def step(found: Teaching) -> None:
    """One step more; after the last one, the loss that it led to. Raises GlassError where a visitor
    may teach no further model.
    """
    if not found.steps:
        count_taught(quota_key(found))
    found.steps = found.steps or lessons(model_of(found.model), found.course)
    found.last = next(found.steps)
    found.losses.append(found.last.loss)
    if found.is_taught:
        found.losses.append(loss_after(found))


def quota_key(found: Teaching) -> tuple:
    """What a lesson counts as in a visitor's quota, whether the page or a link begins it."""
    return "taught", found.model, written_course(found.course)


def loss_after(found: Teaching) -> float:
    """The loss of the taught model on what it was taught."""
    model, course = model_of(found.model), found.course
    taught = replace(model, weights=found.learner.weights) if found.learner else model
    targets = targets_of(model.ids(course.text).tolist(), course.position)
    return taught.trace(course.text, keep="layers").backward(targets).loss


def read_held(found: Teaching, when: str, weights) -> None:
    """Reads a few more of the held sentences."""
    model, at = model_of(found.model), len(found.held[when])
    weights = weights if found.learner is None or weights is not None else found.learner.weights
    for text in held_texts()[at : at + TOGETHER]:
        found.held[when].append(losses_on(model.config, weights, model.ids(text)))


def put_on_shelf(found: Teaching, change: str) -> None:
    """The taught model, ready for all pages under the what-if that names its lesson."""
    model = model_of(found.model)
    weights = found.learner.weights if found.learner else model.weights
    keep_taught(found.model, change, replace(model, weights=weights))
