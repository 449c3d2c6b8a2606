"""The learned numbers that a lesson has moved furthest, and the last step of the first of them."""

from __future__ import annotations

import numpy as np

from core.config import weight_shapes
from core.learning import Lesson, Update, update
from core.operands import WEIGHTS
from core.text import counted, operand
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.session.selection import chosen, select
from ui.session.view import View
from ui.stages.how_it_learned.one_step import Number, formula, number_words, signed
from ui.text import plain

LISTED = 5


def moved_furthest(before, after) -> list[Number]:
    """The numbers that differ most between two sets of weights, each array under its first name."""
    found, seen = [], set()
    for name in before:
        if before[name] is after[name] or id(before[name]) in seen:
            continue
        seen.add(id(before[name]))
        change = np.abs(after[name] - before[name])
        order = np.argsort(-change, axis=None, kind="stable")[:LISTED]
        for place in zip(*np.unravel_index(order, change.shape), strict=True):
            index = tuple(int(i) for i in place)
            found.append((float(change[index]), Number(name, index)))
    found.sort(key=lambda each: -each[0])
    return [each for _, each in found[:LISTED]]


def numbers_of(view: View, lesson: Lesson) -> list[Number]:
    """Those of a lesson. Matrices that lie side by side in one array count by their own names."""
    names, now = weight_shapes(view.config), lesson.after.weights
    own = {name: view.model.weights[name] for name in names}
    return moved_furthest(own, {name: now[name] for name in names})


def words(view: View, lesson: Lesson, first: Number) -> str:
    """The last step of the number that moved furthest, with the two means that AdamW keeps."""
    found = update(lesson, first.weight, first.index)
    name = f"**{plain(number_words(view, first))}**"
    made = f"{name} moved furthest. Its last step: {formula(found, lesson.plan.rate)}."
    return made if found.means is None else f"{made}\n{means_words(lesson, found)}"


def means_words(lesson: Lesson, found: Update) -> str:
    """How AdamW's means came about, in letters and then with their numbers."""
    plan, step = lesson.plan, lesson.after.steps
    g, (m, v, mean, square) = signed(found.gradient), found.means
    kept, new = f"{plan.first:g} · {signed(m)}", f"{1 - plan.first:g} · {g}"
    kept_2, new_2 = f"{plan.second:g} · {operand(v)}", f"{1 - plan.second:g} · {g}²"
    return (
        f"\n- m̂ is the running mean of its gradient g, after {counted(step, 'step')}:"
        f" (β₁ · m + (1 − β₁) · g) / (1 − β₁^{step}) ="
        f" ({kept} + {new}) / (1 − {plan.first:g}^{step}) = **{operand(mean)}**."
        f"\n- v̂ is that of its square:"
        f" ({kept_2} + {new_2}) / (1 − {plan.second:g}^{step}) = **{operand(square)}**."
    )


def numbers_table(view: View, lesson: Lesson, numbers: list[Number]) -> None:
    """These numbers at first and now; each opens."""
    runs = ("before", "taught")
    values = [view.model.weights, lesson.after.weights]

    def open_of(row: int, column: int) -> None:
        select(learn_reads=runs[column])
        open_number(WEIGHTS + numbers[row].weight, numbers[row].index)

    opened = [
        (row, column)
        for row, each in enumerate(numbers)
        for column, reads in enumerate(runs)
        if chosen("learn_reads") == reads and opened_in(WEIGHTS + each.weight) == each.index
    ]
    table(
        {
            title: [float(weights[each.weight][each.index]) for each in numbers]
            for title, weights in zip(("at first", "now"), values, strict=True)
        },
        [number_words(view, each) for each in numbers],
        key="learned:moved",
        on_cell=open_of,
        opened=opened[0] if opened else None,
        title="The learned numbers that moved furthest",
        corner="learned number",
    )
