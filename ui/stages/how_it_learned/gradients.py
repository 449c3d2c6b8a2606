"""What a gradient is, tried: one number of the stream is made a little larger, what follows runs
again, and the loss changes as much as its gradient says.
"""

from __future__ import annotations

import streamlit as st

from core.step_ref import GRAD
from core.text import number
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, parse_cell
from ui.kit.terms import with_terms
from ui.kit.token_words import bold_apart
from ui.session.runs import trace_of
from ui.session.selection import opened_cell, select
from ui.session.view import View
from ui.stages.how_it_learned.one_step import loss_of
from ui.stages.how_it_learned.way_back import chosen_cell, largest, places, pulls

NUDGES = (0.01, 0.1, 1.0)  # by how much the number is made larger


def draw(view: View) -> None:
    """The card: a sentence, and a table of what was measured."""
    name, index = number_tried(view)
    step, gradient = name.removeprefix(GRAD), float(view.trace[name][index])
    value = float(view.trace[step][index])
    st.markdown(
        with_terms(
            "A **gradient** is a slope: by how much the loss grows for each unit that a number"
            f" grows by. At {bold_apart(view.labels, index[0])}, dimension {index[1]} of"
            f" `{step}` is {number(value, 3)}, and its gradient {number(gradient, 3)}. Made a"
            " little larger, with all that follows computed again:"
        )
    )
    changes = [loss_with(view, step, index, value + nudge) - loss_of(view) for nudge in NUDGES]
    table(
        {"gradient · nudge": [gradient * nudge for nudge in NUDGES], "loss, measured": changes},
        [f"+ {nudge:g}" for nudge in NUDGES],
        key="learned:nudges",
        on_cell=lambda row, column: open_gradient(name, index),
        title="Change of the loss in nats: foretold by the gradient, and measured",
        corner="nudge",
    )
    st.caption("A slope holds near the point: the larger the nudge, the further it may be off.")


def open_gradient(name: str, index: tuple[int, ...]) -> None:
    """Opens the gradient that foretells."""
    select(learn_reads="before")
    open_number(name, index)


def number_tried(view: View) -> tuple[str, tuple[int, ...]]:
    """The opened number, if it is a gradient of the stream; else the first of the page."""
    known = {GRAD + place.step for place in places(view)}
    if (cell := opened_cell()) and parse_cell(cell)[0] in known:
        return parse_cell(cell)
    row, token = chosen_cell(view, pulls(view))
    return largest(view, places(view)[row].step, token)


def loss_with(view: View, step: str, index: tuple[int, ...], value: float) -> float:
    """The loss with another number at a place."""
    written = f"{value:.9g}".replace("e+", "e")
    change = f"set:{step}[{','.join(map(str, index))}]={written}"
    request = view.request._replace(gradients="", change=change)
    trace_of(request)
    return loss_of(View(request, view.side, view.layer, view.head, view.token))
