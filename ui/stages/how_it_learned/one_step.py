"""One step of training: which learned numbers it changes most, each with its arithmetic, and what
becomes of the guesses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.course import Course, lessons
from core.errors import GlassError
from core.gradients.result import WEIGHTS as OF_WEIGHTS
from core.learning import Lesson, Update, names_of, update
from core.models.assembly import is_computed
from core.operands import WEIGHTS
from core.step_ref import GRAD_OF_WEIGHT
from core.steps import about
from core.text import moves, number, operand
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.terms import with_terms
from ui.session.runs import limited, model_of
from ui.session.selection import chosen, select
from ui.session.settling import settle
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.stages.how_it_learned.guesses import compared_guesses
from ui.stages.how_it_learned.place import lesson_of, taught_by
from ui.stages.how_it_learned.way_back import losses
from ui.text import bold, plain, quoted

LISTED = 5  # learned numbers
ANY = "any"  # of all matrices


@dataclass(frozen=True, eq=False)
class OneStep:
    """A step, and the numbers that it changed most: for each weight, the largest gradients."""

    lesson: Lesson
    largest: dict[str, list[tuple[int, ...]]]  # the names of weights, that of the largest first

    @property
    def nbytes(self) -> int:
        """The bytes of the new weights, their means, and the gradients."""
        return 5 * sum(w.nbytes for w in self.lesson.after.weights.values())


@dataclass(frozen=True)
class Number:
    """A learned number: its weight, and where it stands there."""

    weight: str
    index: tuple[int, ...]


# --- the step -------------------------------------------------------------------------------------


def step_of(model: str, course: Course) -> OneStep:
    """The first step of a course. Raises GlassError where it goes too far."""

    def take() -> OneStep:
        with limited(key):
            lesson = next(lessons(model_of(model), course))
            return OneStep(lesson, largest_of(lesson))

    key = "one step", model, course
    return SHELF.get(key, take, holds=("model", model))


def largest_of(lesson: Lesson) -> dict[str, list[tuple[int, ...]]]:
    """The places of the largest gradients of each weight; of a table that has two names, under the
    first of them, of both together."""
    found = {}
    for name in (each.removeprefix(OF_WEIGHTS) for each in lesson.gradients.weight_names):
        names = names_of(lesson, name)
        if name == names[0] and not is_computed(lesson.before.config, name):
            size = np.abs(sum(lesson.gradients[OF_WEIGHTS + each] for each in names))
            order = np.argsort(-size, axis=None, kind="stable")[:LISTED]
            places = zip(*np.unravel_index(order, size.shape), strict=True)
            cells = [tuple(int(i) for i in place) for place in places]
            found[name] = (float(size[cells[0]]), cells)
    ordered = sorted(found, key=lambda name: -found[name][0])
    return {name: found[name][1] for name in ordered}


def listed(step: OneStep) -> list[Number]:
    """The numbers of the chosen weight, or of all, with the largest gradients."""
    name, lesson = chosen("learn_weight"), step.lesson
    if name in step.largest:
        return [Number(name, index) for index in step.largest[name]]
    every = [Number(each, index) for each, found in step.largest.items() for index in found]
    every.sort(key=lambda each: -abs(update(lesson, each.weight, each.index).gradient))
    return every[:LISTED]


# --- the card -------------------------------------------------------------------------------------


def step_card(view: View) -> None:
    """The numbers that one step changes most, and the guesses before and after."""
    course = lesson_of(view, 1)
    try:
        step, after = step_of(view.request.model, course), taught_by(view, course)
    except GlassError as error:
        st.info(plain(error))
        return
    weight_box(view, step)
    numbers = listed(step)
    st.markdown(with_terms(words(view, step, after, numbers[0])))
    numbers_table(view, step, numbers)
    compared_guesses(view, after, "after one step", "after")


def weight_box(view: View, step: OneStep) -> None:
    """Of which weight the numbers are listed."""

    def words(name: str) -> str:
        return "all weights" if name == ANY else f"{name}: {what_is(view, name)}"

    settle("learn_weight", ANY, [ANY, *step.largest])
    st.selectbox(
        "Learned numbers of",
        [ANY, *step.largest],
        key="learn_weight",
        format_func=words,
        persist_state="session",
    )


def what_is(view: View, name: str) -> str:
    """What a learned number of a weight is: “a weight of the neurons”."""
    return about(view.trace, GRAD_OF_WEIGHT + name).title.removeprefix("Gradient of ")


def words(view: View, step: OneStep, after: View, first: Number) -> str:
    """The arithmetic of the first number, and what becomes of the loss."""
    before, now = step.lesson.loss, loss_of(after)
    return (
        "Every learned number goes a little way against its gradient."
        f" {arithmetic(view, step, first)}"
        f" The loss {moves(number(before, 4), number(now, 4))} nats."
    )


def loss_of(view: View) -> float:
    """The loss that is looked at, in another run of the same text."""
    losses_R, at = losses(view), chosen("learn_at")
    return float(losses_R.mean() if at < 0 else losses_R[at])


def arithmetic(view: View, step: OneStep, each: Number) -> str:
    """The arithmetic of a number whose change is among the largest."""
    found, plan = update(step.lesson, each.weight, each.index), step.lesson.plan
    of = f"`{each.weight}` [{plain(place_words(view, each))}] has the largest:"
    means = (
        ""
        if found.means is None
        else " In the first step m̂ is the gradient, v̂ its square, and ε next to nothing: so m̂ / √v̂"
        " is 1 or −1, and every number moves by η, however steep it is there."
    )
    return f"{of} {formula(found, plan.rate)}.{means}{both_words(view, step, each)}"


def formula(found: Update, rate: float) -> str:
    """w − η · gradient = new w, or AdamW's, in letters and then with its numbers."""
    w, now = f"{operand(found.before)} − {rate:g}", f"**{operand(found.after)}**"
    if found.means is None:
        return f"w − η · gradient = {w} · {signed(found.gradient)} = {now}"
    ratio = f"{signed(found.means.mean)} / √{operand(found.means.square)}"
    return f"w − η · m̂ / (√v̂ + ε) = {w} · {ratio} = {now}"


def both_words(view: View, step: OneStep, each: Number) -> str:
    """Of which two gradients that of a table with two names is the sum."""
    parts = parts_of(step, each)
    if len(parts) == 1:
        return ""
    read, written = (number(value, 3) for value in parts.values())
    return (
        f" Its row is the word {bold(view.word(each.index[0]))}. This table turns words into"
        f" vectors and, at the end, vectors into words: its gradient is the sum of {read} from the"
        f" first use and {written} from the second."
    )


def parts_of(step: OneStep, each: Number) -> dict[str, float]:
    """The gradient of a number by each name of its weight."""
    gradients = step.lesson.gradients
    names = names_of(step.lesson, each.weight)
    return {name: float(gradients[OF_WEIGHTS + name][each.index]) for name in names}


def signed(x: float) -> str:
    """A factor, in brackets where it is below 0."""
    return f"({operand(x)})" if x < 0 else operand(x)


def numbers_table(view: View, step: OneStep, numbers: list[Number]) -> None:
    """The numbers before and after the step, with the gradient; each opens."""
    updates = [update(step.lesson, each.weight, each.index) for each in numbers]
    names = [number_words(view, each) for each in numbers]
    table(
        columns_of(updates),
        names,
        key="learned:numbers",
        on_cell=lambda row, column: open_of(step, numbers[row], column),
        opened=opened_of(step, numbers),
        title="What one step changes most",
        corner="learned number",
    )


def number_words(view: View, each: Number) -> str:
    """A learned number by its weight and place."""
    return f"{each.weight} [{place_words(view, each)}]"


def place_words(view: View, each: Number) -> str:
    """Where a learned number stands in its weight: row and column; of a table of words, the word of
    the row.
    """
    place: list[object] = list(each.index)
    if each.weight.endswith(("embed.token.weight", "head.logits.weight")):
        place[0] = quoted(view.word(each.index[0]))
    return ", ".join(map(str, place))


def columns_of(updates: list[Update]) -> dict[str, list[float]]:
    """The columns of the table; on a telephone the last is out of sight."""
    return {
        "w": [each.before for each in updates],
        "gradient": [each.gradient for each in updates],
        "new w": [each.after for each in updates],
        "step": [each.after - each.before for each in updates],
    }


def cell_of(step: OneStep, each: Number, column: int) -> tuple[str, str]:
    """What a column of the table opens: of which model, and the name of it. Of a gradient that is a
    sum of two, the larger one opens."""
    if column in (1, 3):
        parts = parts_of(step, each)
        return "before", GRAD_OF_WEIGHT + max(parts, key=lambda name: abs(parts[name]))
    return ("after" if column == 2 else "before"), WEIGHTS + each.weight


def open_of(step: OneStep, each: Number, column: int) -> None:
    """Opens a number of the table."""
    reads, name = cell_of(step, each, column)
    select(learn_reads=reads)
    open_number(name, each.index)


def opened_of(step: OneStep, numbers: list[Number]) -> tuple[int, int] | None:
    """Which number of the table is open."""
    for row, each in enumerate(numbers):
        for column in (0, 1, 2):
            reads, name = cell_of(step, each, column)
            if chosen("learn_reads") == reads and opened_in(name) == each.index:
                return row, column
    return None
