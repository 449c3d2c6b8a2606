"""Whether words coloured by gradients can be trusted: what each token gives by five measures, side
by side with what happens without it; and whether integrated gradients add up.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core import whatif
from core.step_ref import GRAD
from core.why.by_gradient import TOKEN
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.packed_arrays import base64_of
from ui.kit.section import render_depth
from ui.kit.terms import with_terms
from ui.session import sent
from ui.session.selection import WAY_STEPS, depth
from ui.session.settling import settle
from ui.stages.why import beside, measures
from ui.stages.why.asked import Asked
from ui.stages.why.beside import Work
from ui.stages.why.gradient_words import (
    coloured_in,
    completeness,
    formulas,
    rule,
    story,
    what_each_tells,
    written,
)
from ui.stages.why.measures import Measures, Way

KEY = "why-colours"
_draw = component("saliency", 'class="root figure" role="group" aria-label="What each token gives"')


def draw(asked: Asked) -> None:
    """The choices, the figure, and what it says; or why there are no gradients."""
    if why_not := measures.refusal(asked.view):
        st.markdown(why_not)
        return
    choices(asked)
    way = measures.chosen_way(asked.view)
    work = measures.known(asked, way)
    if work is None:
        offer(asked, way)
        return
    beside.progress(
        measures.RUNNING, partial(measures.settled, asked, way), partial(measures.start, asked, way)
    )
    if "gradients" in work.found:
        answer(asked, way, work)


def offer(asked: Asked, way: Way) -> None:
    """Says what it takes, and begins it when the reader wants it."""
    st.markdown(
        f"This takes {measures.total_of(asked, way):,} runs of the model, most of them with all"
        " gradients. The page stays usable meanwhile."
    )
    st.button("Run them", key="why_colours_begin", on_click=begin, args=(asked, way))


def begin(asked: Asked, way: Way) -> None:
    """Begins the runs."""
    measures.settled(asked, way)


def choices(asked: Asked) -> None:
    """What stands in for a token, and the number of steps."""
    padding = whatif.own_padding_id(asked.view.model)
    names = {"mean": "the average token", "zero": "zeros"}
    names |= {} if padding is None else {"pad": asked.view.word(padding)}
    settle("why_blank", "mean", names)
    with st.container(key="why-colours-choices", horizontal=True, gap="medium"):
        st.segmented_control(
            "Stand-in: what takes the place of a token",
            list(names),
            key="why_blank",
            required=True,
            format_func=names.__getitem__,
            persist_state="session",
        )
        st.segmented_control(
            "Steps from the blank text, all stand-ins, to this one",
            WAY_STEPS,
            key="why_steps",
            required=True,
            persist_state="session",
        )


def answer(asked: Asked, way: Way, work: Work) -> None:
    """When colours can be trusted, the figure, the answer for this sentence, the check of the sum,
    and what each can tell."""
    found = measures.measures_of(asked, work)
    st.markdown(with_terms(rule(asked)))
    figure(asked, found, work)
    whole = measures.all_known(work)
    text = story(asked, found, work) if whole else "What has not been run yet has no number."
    at = found.places.index(found.first(found.input) or found.places[0])
    render_depth(measures.with_gradients(asked), text, vector_cells(asked, found)[at])
    if depth() == "formula":
        formulas()
    if whole:
        st.markdown(with_terms(completeness(asked, work, way)))
        st.markdown(with_terms(what_each_tells(asked, found, way.steps)))


# --- the picture ----------------------------------------------------------------------------------


def figure(asked: Asked, found: Measures, work: Work) -> None:
    """A row for each token, a column for each measure; a click opens the gradient behind a
    number."""
    cells = cells_of(asked, found)
    shape = len(cells), len(found.all())

    def clicked() -> None:
        at = sent.place(sent.from_component(KEY, "cell"), shape)
        if at and (cell := cells[at[0]][at[1]]):
            open_number(*cell)

    _draw(key=KEY, data=data_of(asked, found, work, cells), on_cell_change=clicked)


def cells_of(asked: Asked, found: Measures) -> list[tuple]:
    """What each number opens, row by row; None where many runs made it."""
    opening = {found.input: vector_cells, found.attention: look_cells}
    nothing = [None] * len(found.places)
    columns = [opening[m](asked, found) if m in opening else nothing for m in found.all()]
    return list(zip(*columns, strict=True))


def data_of(asked: Asked, found: Measures, work: Work, cells: list) -> dict:
    """The figure as it travels to the browser."""
    shown = found.all()
    values_NM = np.stack([found.column(each) for each in shown], axis=1)
    return {
        "values": base64_of(values_NM.astype("<f4")),
        "shape": list(values_NM.shape),
        "limit": limit_of(found, work),
        "title": f"What each token gives to {asked.plain_versus()}",
        "columns": [each.title for each in shown],
        "rows": [asked.view.names_of(side)[token] for side, token in found.places],
        "faint": [m not in coloured_in(found, work) for m in shown],
        "groups": groups(asked, found),
        "opens": [[cell is not None for cell in row] for row in cells],
        "opened": opened_at(cells),
        "foot": foot(found),
    }


def limit_of(found: Measures, work: Work) -> float:
    """Where the colours end, for all columns alike: a sum that does not come out does not count."""
    size_MN = np.nan_to_num(np.abs([found.column(each) for each in coloured_in(found, work)]))
    return float(size_MN.max(initial=0)) or 1.0


def groups(asked: Asked, found: Measures) -> list[dict]:
    """Where the tokens of two sides stand, and how many; of one side nothing."""
    sides = asked.view.config.sides
    count = {side: sum(each == side for each, _ in found.places) for side in sides}
    titles = {"encoder": "read by the encoder", "decoder": "written so far"}
    return [{"title": titles[s], "count": count[s]} for s in sides if len(sides) > 1]


def foot(found: Measures) -> list[dict]:
    """Below the tokens: what each measure adds up to, and how far it agrees with what was
    measured."""
    orders = [None if m is found.measured else found.order(m) for m in found.all()]
    return [
        {"title": "together", "numbers": [written(m.total()) for m in found.all()]},
        {"title": "order as measured", "numbers": [written(each, 2) for each in orders]},
    ]


def vector_cells(asked: Asked, found: Measures) -> list[tuple]:
    """For each token the largest product of its vector and the gradient of that, as a cell."""
    trace, cells = measures.with_gradients(asked).trace, []
    for side, token in found.places:
        step = f"{side}.{TOKEN}"
        products_D = trace[step][token] * trace[GRAD + step][token]
        cells.append((GRAD + step, (token, int(np.abs(products_D).argmax()))))
    return cells


def look_cells(asked: Asked, found: Measures) -> list[tuple | None]:
    """For each token who looks at it most, by weight times gradient; None on another side."""
    looks_LM = measures.looks_of(asked, measures.with_gradients(asked).trace)
    step, looks_M = f"{GRAD}{asked.path}.pattern", np.abs(looks_LM).argmax(axis=0)
    return [
        (step, (asked.view.head, int(looks_M[token]), token)) if side == asked.seen_side else None
        for side, token in found.places
    ]


def opened_at(cells: list[tuple]) -> list[int] | None:
    """Which cell of the figure the opened number is."""
    for row, each in enumerate(cells):
        for column, cell in enumerate(each):
            if cell and opened_in(cell[0]) == cell[1]:
                return [row, column]
    return None
