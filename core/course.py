"""What a model was taught: so many steps on one text, written in a what-if, so that a link holds it
and whoever follows it has the same model, number for number.

    learn:adamw,20,0.001=TEXT       20 steps of AdamW at rate 0.001 on the next words of the text
    learn:sgd,1,0.01[3]=TEXT        one step of SGD on what follows position 3 alone

A plus in the text is written %2B, a percent sign %25.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .config import Config, weight_shapes
from .errors import GlassError
from .learning import METHODS, Learner, Lesson, Plan, learn, next_words

MOST_STEPS = 100
MOST_WEIGHTS = 5_000_000  # learned numbers: of more, a step takes longer than about a second
MOST_TOKENS = 64
NAMES = {"sgd": "SGD", "adamw": "AdamW"}
_COURSE = re.compile(
    rf"({'|'.join(METHODS)}),(\d{{1,3}}),(\d(?:\.\d{{1,6}})?)(?:\[(\d{{1,3}})\])?=(.+)", re.DOTALL
)


@dataclass(frozen=True)
class Course:
    """How a model is taught. position: of the only loss that counts, that of the word after it;
    None: all of them, averaged.
    """

    method: str
    steps: int
    rate: float
    text: str
    position: int | None = None

    @property
    def plan(self) -> Plan:
        """How far each step goes."""
        return Plan(self.method, self.rate)


def course_of(detail: str) -> Course | None:
    """ "adamw,20,0.001=The book" -> the course; None of other texts."""
    found = _COURSE.fullmatch(detail)
    if not found or not 1 <= int(found[2]) <= MOST_STEPS or not 0 < float(found[3]) <= 1:
        return None
    method, steps, rate, position, text = found.groups()
    text = text.replace("%2B", "+").replace("%25", "%")
    row = None if position is None else int(position)
    return Course(method, int(steps), float(rate), text, row)


def written_course(course: Course) -> str:
    """The same as a part of a what-if."""
    rate = f"{course.rate:.6f}".rstrip("0").rstrip(".")
    at = "" if course.position is None else f"[{course.position}]"
    text = course.text.replace("%", "%25").replace("+", "%2B")
    return f"learn:{course.method},{course.steps},{rate}{at}={text}"


def why_not_taught(model) -> str:
    """Why a model can't be taught here, a sentence; empty: it can."""
    config = model.config
    if not isinstance(config, Config) or config.sides != ("decoder",) or not config.head:
        return (
            "Here a model learns the next word, which only a decoder with an output head guesses."
        )
    if (count := learned_numbers(config, model.weights)) > MOST_WEIGHTS:
        return (
            f"A step would take long: it has {count:,} learned numbers, and a model that is taught"
            f" here at most {MOST_WEIGHTS:,}."
        )
    return ""


def learned_numbers(config: Config, weights: Mapping) -> int:
    """How many numbers a model has learned; a table that reads words and writes them is one."""
    shapes, tables = weight_shapes(config), ("head.logits.weight", "decoder.embed.token.weight")
    count = sum(math.prod(shape) for shape in shapes.values())
    if count > 2 * MOST_WEIGHTS or weights[tables[0]] is not weights[tables[1]]:
        return count  # of one that is far too large no table need be read for this
    return count - math.prod(shapes[tables[0]])


def targets_of(ids_L: Sequence[int], position: int | None = None) -> dict[int, int]:
    """The right id at each position that counts. Raises GlassError where none does."""
    found = next_words(ids_L)
    if len(ids_L) > MOST_TOKENS:
        raise GlassError(
            f"A model is taught texts of at most {MOST_TOKENS} tokens; this one has {len(ids_L)}."
        )
    if position is not None:
        found = {row: word for row, word in found.items() if row == position}
    if not found:
        raise GlassError("There is no word in this text that the model should say next.")
    return found


def lessons(model, course: Course) -> Iterator[Lesson]:
    """One step after the other, from the model as it is."""
    if why := why_not_taught(model):
        raise GlassError(f"{model.name} can’t be taught here. {why}")
    ids_L = model.ids(course.text).tolist()
    targets, learner = targets_of(ids_L, course.position), Learner(model.config, model.weights)
    for _ in range(course.steps):
        lesson = learn(learner, course.plan, ids_L, targets)
        learner = lesson.after
        yield lesson


def taught(model, course: Course) -> Learner:
    """The model after all steps."""
    *_, last = lessons(model, course)
    return last.after
