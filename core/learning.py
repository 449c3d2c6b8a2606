"""How a model learns: step after step down the gradient of its loss, in NumPy.

Nothing that has run changes: a step leaves new arrays, and a trace of the model before it stays
what it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .config import Config, weight_shapes
from .errors import GlassError
from .forward_pass import forward
from .gradients.result import WEIGHTS, Gradients
from .models.assembly import fused_names, is_computed, with_arrays
from .ops import log_softmax

METHODS = ("sgd", "adamw")


@dataclass(frozen=True)
class Plan:
    """How far a step goes.

    method: "sgd", w − η·g, g being the gradient and η the rate (Robbins & Monro 1951); or "adamw",
    w − η·(m̂ / (√v̂ + ε) + λ·w), where m and v are running means of g and g², divided by the weight
    that has come together in them (Kingma & Ba 2015, algorithm 1), and λ is the decay (Loshchilov &
    Hutter 2019, algorithm 2).
    """

    method: str = "adamw"
    rate: float = 1e-3
    first: float = 0.9  # how much of m stays from one step to the next
    second: float = 0.999  # how much of v
    epsilon: float = 1e-8
    decay: float = 0.0

    def __post_init__(self):
        if self.method not in METHODS:
            raise GlassError(f"A model learns by {' or '.join(METHODS)}, not “{self.method[:40]}”.")
        if not 0 < self.rate <= 1:
            raise GlassError("The learning rate must be above 0 and at most 1.")
        if not (0 <= self.first < 1 and 0 <= self.second < 1):
            raise GlassError("A running mean keeps a share of itself from 0 to below 1.")
        if self.decay and self.method == "sgd":
            raise GlassError("Weights decay in AdamW only.")


@dataclass(frozen=True, eq=False)
class Learner:
    """A model after some steps. means, squares: AdamW's m and v, by the name of an array."""

    config: Config
    weights: Mapping[str, Any]
    steps: int = 0
    means: Mapping[str, np.ndarray] = field(default_factory=dict)
    squares: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Lesson:
    """One step: the model before it, the gradients of its loss, and the model after it."""

    plan: Plan
    before: Learner
    gradients: Gradients
    after: Learner

    @property
    def loss(self) -> float:
        """The loss before the step, in nats."""
        return self.gradients.loss


def learn(
    learner: Learner, plan: Plan, ids_L: Sequence[int], targets: Mapping[int, int], **inputs: Any
) -> Lesson:
    """One step: a forward pass, the way back, and every learned number a little changed.

    targets: position -> the id that is right there. inputs: as for `forward`. GlassError where
    there is nothing to learn from, and where the loss or a weight is no longer a number.
    """
    trace = forward(learner.config, learner.weights, ids_L, **inputs)
    gradients = trace.backward(targets)
    count = learner.steps + 1
    new, means, squares = {}, {}, {}
    for name, g in gradients.learned():
        if is_computed(learner.config, name):
            continue  # a table of sinusoids is not learned
        w, moments = learner.weights[name], (learner.means.get(name), learner.squares.get(name))
        new[name], means[name], squares[name] = stepped(plan, count, w, g, *moments)
    if not (math.isfinite(gradients.loss) and all(np.isfinite(w).all() for w in new.values())):
        raise GlassError("The loss is no longer a number: the steps are too large.")
    weights = with_arrays(learner.config, learner.weights, new)
    after = Learner(learner.config, weights, count, means, squares)
    return Lesson(plan, learner, gradients, after)


def stepped(plan: Plan, count: int, w, g, m, v) -> tuple[np.ndarray, Any, Any]:
    """An array of weights after step number `count`, and its means; SGD has none."""
    if plan.method == "sgd":
        return w - plan.rate * g, None, None
    m = (1 - plan.first) * g if m is None else plan.first * m + (1 - plan.first) * g
    v = (1 - plan.second) * g * g if v is None else plan.second * v + (1 - plan.second) * g * g
    ratio = m / (1 - plan.first**count)
    ratio /= np.sqrt(v / (1 - plan.second**count)) + plan.epsilon
    return w - plan.rate * (ratio + plan.decay * w), m, v


class Means(NamedTuple):
    """AdamW's two means of one number. m, v: as the step before left them, 0 at first; mean,
    square: m̂ and v̂, of this step.
    """

    m: float
    v: float
    mean: float
    square: float


class Update(NamedTuple):
    """What a step did to one number: the operands of `Plan`'s formula, and its result. means: None
    for SGD.
    """

    before: float
    gradient: float
    means: Means | None
    after: float


def update(lesson: Lesson, name: str, index: tuple[int, ...]) -> Update:
    """What the step did to one number of a weight."""
    before, after = (each.weights[name][index] for each in (lesson.before, lesson.after))
    gradient = sum(lesson.gradients[WEIGHTS + each][index] for each in names_of(lesson, name))
    means = None if lesson.plan.method == "sgd" else means_of(lesson, name, index)
    return Update(float(before), float(gradient), means, float(after))


def means_of(lesson: Lesson, name: str, index: tuple[int, ...]) -> Means:
    """AdamW's means of one number of a weight."""
    whole, place = array_of(lesson, name, index)
    before, after, plan = lesson.before, lesson.after, lesson.plan
    m, v = (each[whole][place] if each else 0.0 for each in (before.means, before.squares))
    mean = after.means[whole][place] / (1 - plan.first**after.steps)
    square = after.squares[whole][place] / (1 - plan.second**after.steps)
    return Means(float(m), float(v), float(mean), float(square))


def names_of(lesson: Lesson, name: str) -> list[str]:
    """All names of a weight: a table that reads words and writes them has two, and a gradient of
    each, which add up.
    """
    weights = lesson.before.weights
    tied = [each for each in weight_shapes(lesson.before.config) if weights[each] is weights[name]]
    return [each for each in tied if WEIGHTS + each in lesson.gradients]


def array_of(lesson: Lesson, name: str, index: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """The array that a weight's number is learned in, and its place there: several weights may lie
    side by side, and tables may be tied.
    """
    learned, weights = lesson.after.means, lesson.before.weights
    shapes = weight_shapes(lesson.before.config)
    for whole, members in fused_names(lesson.before.config).items():
        if whole in learned and name in members:
            start = sum(shapes[each][-1] for each in members[: members.index(name)])
            return whole, (*index[:-1], start + index[-1])
    return next(each for each in learned if weights[each] is weights[name]), index


def next_words(ids_L: Sequence[int]) -> dict[int, int]:
    """What a decoder should say at each position of a text: the token after it."""
    return {row: int(token) for row, token in enumerate(ids_L[1:])}


def losses_on(config: Config, weights: Mapping, ids_L: Sequence[int]) -> np.ndarray:
    """The loss of each next word of a text in nats, (L−1,)."""
    logits_RV = forward(config, weights, ids_L, keep="output")["head.logits"][:-1]
    return -log_softmax(logits_RV)[np.arange(len(logits_RV)), list(ids_L[1:])]
