"""Whether words coloured by gradients can be trusted: what each token gives by five measures, side
by side with what happens without it; and whether integrated gradients add up.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core import whatif
from core.step_ref import GRAD
from core.text import counted, number
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.packed_arrays import base64_of
from ui.kit.section import render_depth
from ui.kit.terms import with_terms
from ui.kit.theme import coloured
from ui.session import sent
from ui.session.selection import depth
from ui.session.settling import settle
from ui.stages.why import beside, measures
from ui.stages.why.asked import Asked
from ui.stages.why.beside import Work
from ui.stages.why.measures import Measure, Measures, Way, adds_up
from ui.text import bold

KEY = "why-colours"
STEPS = (32, 128, 512)
TRUSTED = 0.7  # a rank correlation: so far two orders have to agree
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
    st.button("Run them", key="why_colours_begin", on_click=measures.settled, args=(asked, way))


def choices(asked: Asked) -> None:
    """The blank text, and the number of steps."""
    padding = whatif.own_padding_id(asked.view.model)
    names = {"mean": "the average token", "zero": "zeros"}
    names |= {} if padding is None else {"pad": asked.view.word(padding)}
    settle("why_blank", "mean", names)
    with st.container(key="why-colours-choices", horizontal=True, gap="medium"):
        st.segmented_control(
            "Blank text: in place of a token stands",
            list(names),
            key="why_blank",
            required=True,
            format_func=names.__getitem__,
            persist_state="session",
        )
        st.segmented_control(
            "Steps from there to this text",
            STEPS,
            key="why_steps",
            required=True,
            persist_state="session",
        )


def answer(asked: Asked, way: Way, work: Work) -> None:
    """The figure, the answer for this sentence, the check of the sum, and what each can tell."""
    found = measures.measures_of(asked, work)
    figure(asked, found, work)
    text = story(asked, found, work) if known_whole(work) else "The numbers come as they are run."
    first = found.first(found.input) or found.places[0]
    render_depth(measures.with_gradients(asked), text, opens(asked, found, found.input, first))
    if depth() == "formula":
        formulas()
    if known_whole(work):
        st.markdown(with_terms(completeness(asked, found, work, way)))
        st.markdown(with_terms(what_each_tells(asked, found)))


def known_whole(work: Work) -> bool:
    """Whether all that is measured is known."""
    return all(
        name in work.found and work.found[name].done == 1 for name in ("measured", "integrated")
    )


# --- the picture ----------------------------------------------------------------------------------


def figure(asked: Asked, found: Measures, work: Work) -> None:
    """A row for each token, a column for each measure; a click opens the gradient behind a
    number."""
    shown = found.all()
    cells = [[opens(asked, found, measure, place) for measure in shown] for place in found.places]

    def clicked() -> None:
        at = sent.place(sent.from_component(KEY, "cell"), (len(cells), len(shown)))
        if at and (cell := cells[at[0]][at[1]]):
            open_number(*cell)

    _draw(key=KEY, data=data_of(asked, found, work, cells), on_cell_change=clicked)


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
        "groups": groups(asked, found),
        "opens": [[cell is not None for cell in row] for row in cells],
        "opened": opened_at(cells),
        "foot": foot(found),
    }


def limit_of(found: Measures, work: Work) -> float:
    """Where the colours end, for all columns alike: a sum that does not come out does not count."""
    integrated = work.found.get("integrated")
    off = integrated is not None and not adds_up(integrated)
    counted_in = [m for m in found.all() if not (off and m is found.integrated)]
    size_MN = np.nan_to_num(np.abs([found.column(each) for each in counted_in]))
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
        {"title": "together", "numbers": list(map(written, [m.total() for m in found.all()]))},
        {"title": "order as measured", "numbers": list(map(written, orders))},
    ]


def written(value: float | None) -> str:
    """A number of the foot; nothing, where it is not known."""
    return "" if value is None or np.isnan(value) else number(value, 3)


def opens(asked: Asked, found: Measures, measure: Measure, place: tuple[str, int]):
    """The gradient that counts most in a number; None where many runs made it."""
    side, token = place
    trace = measures.with_gradients(asked).trace
    if measure is found.input:
        step = f"{side}.embed.token"
        products_D = trace[step][token] * trace[GRAD + step][token]
        return GRAD + step, (token, int(np.abs(products_D).argmax()))
    if measure is found.attention and side in measure.by_token:
        looks_L = measures.looks_of(asked, trace)[:, token]
        looks = int(np.abs(looks_L).argmax())
        return f"{GRAD}{asked.path}.pattern", (asked.view.head, looks, token)
    return None


def opened_at(cells: list) -> list[int] | None:
    """Which cell of the figure the opened number is."""
    for row, each in enumerate(cells):
        for column, cell in enumerate(each):
            if cell and opened_in(cell[0]) == cell[1]:
                return [row, column]
    return None


# --- in words -------------------------------------------------------------------------------------


def story(asked: Asked, found: Measures, work: Work) -> str:
    """Whether the colours of this sentence can be trusted, and which token each measure names."""
    first = found.first(found.measured)
    if first is None:
        return "With the blank in its place, no token changes the number."
    lost = -found.column(found.measured)[found.places.index(first)]
    return (
        f"{verdict(found, work)} Without {name_of(asked, first)} the number changes most, by"
        f" **{number(lost, 3)}**. {named(asked, found, first)}{orders(found)}"
    )


def verdict(found: Measures, work: Work) -> str:
    """The answer for this sentence."""
    right = trusted(found, work)
    if len(right) == 2:
        return "For this sentence, yes."
    return f"For this sentence, only {right[0].name}." if right else "Not for this sentence."


def trusted(found: Measures, work: Work) -> list[Measure]:
    """Of both gradients those that name the same token first as the runs without it and have nearly
    their order; of integrated gradients, if their sum comes out.
    """
    usable = [found.input, *([found.integrated] if adds_up(work.found["integrated"]) else [])]
    first = found.first(found.measured)
    return [m for m in usable if found.first(m) == first and not found.order(m) < TRUSTED]


def named(asked: Asked, found: Measures, first: tuple[str, int]) -> str:
    """Which of the others name that token first, and which ones the rest name."""
    others = [m for m in found.all() if m is not found.measured and found.first(m)]
    same = [m.name for m in others if found.first(m) == first]
    rest = [
        f"{m.name} ({name_of(asked, found.first(m))})" for m in others if found.first(m) != first
    ]
    if not rest:
        return "All others name it first, too."
    if not same:
        return f"It is named first by none of the others: {listed(rest, 'and')}."
    return f"It is named first by {listed(same, 'and')}, not by {listed(rest, 'or')}."


def listed(words: list[str], last: str) -> str:
    """Words with commas, and one before the last."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def orders(found: Measures) -> str:
    """How far the order of both gradients agrees with the measured one."""
    both = [written(found.order(m)) for m in (found.input, found.integrated)]
    if not all(both):
        return ""
    return f" Their orders agree by {both[0]} (gradient × input) and {both[1]} (integrated)."


def name_of(asked: Asked, place: tuple[str, int] | None) -> str:
    """A token in bold; of two sides, which one it is of."""
    if place is None:
        return "none"
    side, token = place
    of = f" of the {side}" if len(asked.view.config.sides) > 1 else ""
    return bold(asked.view.names_of(side)[token]) + of


def completeness(asked: Asked, found: Measures, work: Work, way: Way) -> str:
    """What integrated gradients add up to, what they should add up to, and the error."""
    integrated = work.found["integrated"]
    logits = [asked.view.trace["head.logits"][asked.row, i] for i in asked.words if i is not None]
    here = float(logits[0]) - float(sum(logits[1:]))
    gained = float(integrated.gained)
    close = "close enough to read them" if adds_up(integrated) else "too far off to read them"
    return (
        f"**Do integrated gradients add up?** All tokens together: {number(integrated.total, 4)}."
        f" From the blank text, {number(here - gained, 4)}, to this one, {number(here, 4)},"
        f" {asked.versus()} gained {number(gained, 4)}. The error is"
        f" **{number(integrated.error, 3)}** after {counted(way.steps, 'step')}: {close}. More"
        " steps bring it towards 0."
    )


def what_each_tells(asked: Asked, found: Measures) -> str:
    """What each measure can tell, and what not."""
    biases = "what networks write" if asked.view.config.gated else "the gates of neurons"
    return "\n".join(
        (
            "- **Gradient × input** says what a small change of the token’s vector would do, drawn"
            " out to its whole length. Where the model bends on the way, that is wrong; its sum,"
            f" {written(found.input.total())}, is nothing that was measured.",
            "- **Integrated gradients** share out exactly what was gained, up to the error above."
            " Another blank text, other colours: there is no neutral one.",
            f"- **Attention × gradient** is one head’s look alone: {asked.head_words}, not the"
            " model.",
            f"- **The exact parts** are a sum of this run, with attention and {biases} held: they"
            " say what was carried, not why the model looked there.",
            "- **Measured** is what happens with the blank in that one place. Tokens that do one"
            " work between them hide each other: together"
            f" {written(found.measured.total())}.",
        )
    )


def formulas() -> None:
    """The measures in letters."""
    for formula in (
        r"\text{gradient × input}_t = \sum_d x_{t,d}\, \nabla x_{t,d}",
        r"\text{integrated}_t = \sum_d (x_{t,d} - x'_{t,d}) \frac{1}{n} \sum_{k=1}^{n} \nabla"
        r" x_{t,d} \Big|_{x' + \frac{k - 1/2}{n} (x - x')}",
        r"\text{attention × gradient}_t = \sum_l a_{l,t}\, \nabla a_{l,t}",
        r"\text{measured}_t = f(x) - f(x_1, \dots, x'_t, \dots, x_L)",
    ):
        st.latex(coloured(formula))
    st.caption(
        "x: the tokens’ own vectors; x′: those of the blank text; f: the number asked about."
    )
