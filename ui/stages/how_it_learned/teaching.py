"""The card in which the model is taught the reader's sentence: the curve of the loss, the guesses
before and after, and what was forgotten meanwhile.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from core import whatif
from core.course import MOST_STEPS, written_course
from core.models.saving import can_be_saved, zipped
from core.text import counted, moves, number
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.terms import with_terms
from ui.kit.theme import COLOURS
from ui.session.actions import change_run, close_number, show_alone
from ui.session.memory import memory
from ui.session.rationing import why_not_teach
from ui.session.runs import RunRequest, model_in
from ui.session.selection import chosen
from ui.session.view import View
from ui.stages.how_it_learned import forgotten, moved
from ui.stages.how_it_learned.guesses import compared_guesses
from ui.stages.how_it_learned.lessons import (
    Teaching,
    held_texts,
    lesson,
    put_on_shelf,
    quota_key,
    work,
)
from ui.stages.how_it_learned.place import lesson_of, taught_by
from ui.text import bold_quoted, plain, short

USE = "Look at the taught model on all pages"
LONGEST = 80  # letters of the sentence that are repeated
SLICE, PAUSE = 0.25, 0.3  # seconds of work at a time, and between two of them


def draw(view: View, read: View) -> None:
    """The card. read: the run that all pages show."""
    st.markdown(
        with_terms(
            f"The model reads {bold_quoted(short(view.sentence, LONGEST))}, the text at the top of"
            " the page, again and again, and each step makes its words a little likelier. Only your"
            " own copy is taught."
        )
    )
    st.number_input(
        f"Steps (1 to {MOST_STEPS})",
        1,
        MOST_STEPS,
        key="learn_steps",
        on_change=close_number,
        persist_state="session",
        width=150,
    )
    found = lesson(view.request.model, lesson_of(view, chosen("learn_steps")))
    if is_running(found):
        st.fragment(shown, run_every=PAUSE)(view, read, found.course, drawn_with())
    else:
        shown(view, read, found.course)


def is_running(found: Teaching) -> bool:
    """Whether this visitor lets the lesson go on."""
    return not found.is_over and memory().computing == running(found)


def running(found: Teaching) -> tuple:
    """What is remembered while it goes on."""
    return "lesson", found.model, found.course


def drawn_with() -> tuple:
    """What the page around a lesson that goes on is drawn with."""
    return memory().computing, chosen("cell"), chosen("change"), chosen("learn_at")


def shown(view: View, read: View, course, around: tuple | None = None) -> None:
    """The lesson, which goes on while it is looked at; the page can be used meanwhile. around: what
    the page was drawn with, where the lesson is drawn alone."""
    found = lesson(view.request.model, course)
    if around not in (None, drawn_with()):
        st.rerun()
    if is_running(found):
        work(found, SLICE)
        if found.is_over:
            memory().computing = None
            st.rerun()
    buttons(found, read)
    if found.losses:
        curve(found)
    if found.wrong:
        st.info(plain(f"{found.wrong} Choose a smaller learning rate."))
    elif found.is_over:
        result(view, read, found)


# --- while it goes on -----------------------------------------------------------------------------


def buttons(found: Teaching, read: View) -> None:
    """Begins, stops, goes on; and how far it is."""
    refused = "" if found.done else why_not_teach(quota_key(found))
    if refused:
        st.info(refused)
    elif not found.is_over:
        now, count = is_running(found), found.course.steps
        label = "Stop" if now else "Go on" if found.done else f"Teach it: {counted(count, 'step')}"
        st.button(
            label,
            key="learn_run",
            type="secondary" if now else "primary",
            on_click=go_on,
            args=(None if now else running(found),),
        )
        if now or found.done:
            progress(found)


def progress(found: Teaching) -> None:
    """How far the lesson is, and then how many held sentences are read."""
    if not found.is_taught:
        share, text = found.done / found.course.steps, f"step {found.done} of {found.course.steps}"
    else:
        read = sum(map(len, found.held.values())) / 2
        share = read / len(held_texts())
        text = f"taught; now reading {len(held_texts())} other sentences, before and after"
    st.progress(share, text=text)


def go_on(what: tuple | None) -> None:
    """Goes on, or stops."""
    memory().computing = what


def curve(found: Teaching) -> None:
    """The loss before the first step, and after each."""
    title, steps = "The loss on your sentence, step after step", list(range(len(found.losses)))
    line = {
        "type": "scatter",
        "x": steps,
        "y": found.losses,
        "mode": "lines+markers",
        "marker": {"size": 5},
        "line": {"color": COLOURS["head"], "width": 2.5},
        "hovertemplate": "%{text}<extra></extra>",
        "text": [
            f"after {counted(n, 'step')}<br><b>{number(loss, 3)} nats</b>"
            for n, loss in enumerate(found.losses)
        ],
    }
    axis = plotly_figures.value_axis("steps") | {"range": [-0.3, found.course.steps + 0.3]}
    figure = plotly_figures.figure(
        [line],
        title,
        height=170,
        top=8,
        bottom=42,
        left=50,
        xaxis=axis,
        yaxis=plotly_figures.value_axis("nats") | {"rangemode": "tozero"},
    )
    show("learned:curve", figure, alt=title)


# --- what came of it ------------------------------------------------------------------------------


def result(view: View, read: View, found: Teaching) -> None:
    """What was learned and forgotten, the guesses before and after, and the way to all pages."""
    put_on_shelf(found, written_course(found.course))
    lost = forgotten.most_forgotten(view, found)
    st.markdown(with_terms(f"{result_words(found)} {forgotten.words(view, lost)}"))
    use_buttons(read, written_course(found.course))
    steps = f"after {counted(found.course.steps, 'step')}"
    compared_guesses(view, taught_by(view, found.course), steps, "taught")
    if lost:
        forgotten.forgotten_table(view, lost)
    if found.last:
        numbers = moved.numbers_of(view, found.last)
        st.markdown(with_terms(moved.words(view, found.last, numbers[0])))
        moved.numbers_table(view, found.last, numbers)


def result_words(found: Teaching) -> str:
    """The losses before and after."""
    first, last = found.losses[0], found.losses[-1]
    before, after = found.held_loss("before"), found.held_loss("after")
    forgot = "It forgot" if after > before else "On the whole it forgot nothing"
    return (
        f"The loss on your sentence {moves(number(first, 3), number(last, 3))} nats. {forgot}: on"
        f" {len(held_texts())} sentences that it never saw, the loss"
        f" {moves(number(before, 4), number(after, 4))} nats a token."
    )


def use_buttons(read: View, part: str) -> None:
    """Shows the taught model on all pages, or the trained one again; and saves it."""
    used = part in read.request.change.split("+")
    if used:
        st.caption("All pages show the model that learned this.")
    with st.container(key="learn-use", horizontal=True, gap="small"):
        st.button(
            "Undo: the model as it was trained" if used else USE,
            key="learn_undo" if used else "learn_use",
            type="secondary" if used else "primary",
            on_click=undo if used else use,
            args=(read,) if used else (read, part),
            help="A what-if of this visit. A link to it holds the lesson, and teaches it again.",
        )
        if can_be_saved(read.model):
            st.download_button(
                "Save it as safetensors",
                partial(saved, read.request.model, part),
                f"{read.request.model}-taught.zip",
                "application/zip",
                key="learn_save",
                on_click="ignore",
                help="A folder with config and tokenizer, which Glassformer opens as any other.",
            )


def saved(model: str, part: str) -> bytes:
    """The taught model as a zip file; it is made once the reader asks for it."""
    return zipped(model_in(RunRequest(model, "", change=part)), f"{model}-taught")


def use(read: View, part: str) -> None:
    """All pages show the taught model."""
    change = whatif.also(whatif.without(read.request.change, *whatif.OTHER_WEIGHTS), part)
    change_run(read.request, read.request._replace(change=change))


def undo(read: View) -> None:
    """All pages show the model as it was trained."""
    show_alone(read.request._replace(change=whatif.without(read.request.change, "learn")))
