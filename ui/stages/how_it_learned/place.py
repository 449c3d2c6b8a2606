"""What the page How it learned looks at: the run of a model that can be taught, with the gradients
of its loss; and how a step goes.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.course import MOST_TOKENS, Course, why_not_taught, written_course
from core.errors import GlassError
from ui.kit.stage import heading
from ui.session.actions import close_number, switch_model
from ui.session.opening import plain_run
from ui.session.runs import RunRequest, model_of, ready_models, trace_of
from ui.session.selection import RATES, chosen, select
from ui.session.settling import clamp, settle
from ui.session.view import View
from ui.text import plain

STUDY = "study-decoder"
ALL = -1  # of learn_at: the losses of all positions, averaged
FIRST_RATES = {"sgd": "0.01", "adamw": "0.001"}


# --- whether there is something to show -----------------------------------------------------------


def why_not(view: View) -> str:
    """Why this model can't be taught on this text, sentences; empty: it can."""
    model = model_of(view.request.model)
    if why := why_not_taught(model):
        return why
    if not model.tokenizer:
        return "Glassformer cannot read its words, only their ids."
    count = len(trace_of(own_run(view))["decoder.embed.ids"])
    if not 2 <= count <= MOST_TOKENS:
        return (
            f"A text of 2 to {MOST_TOKENS} tokens is needed, so that there is a next word and a"
            f" step is fast; this one has {count}."
        )
    return ""


def offer(view: View, why: str) -> None:
    """Says what the page needs, and offers the model of our own that has it."""
    heading("How did it learn?")
    st.info(f"{plain(view.title)} can’t be taught here. {plain(why)}")
    if view.request.model != STUDY and STUDY in ready_models():
        st.button(
            f"Read with {STUDY}",
            key="learn_switch",
            type="primary",
            on_click=switch_model,
            args=(STUDY,),
        )


# --- the runs -------------------------------------------------------------------------------------


def own_run(view: View) -> RunRequest:
    """The text alone, read by the model as it was trained."""
    return plain_run(view.request)._replace(second="", chat=False, engine="numpy")


def shown(view: View) -> View:
    """The run that the page shows, with the gradients of the chosen loss."""
    at = chosen("learn_at")
    request = own_run(view)._replace(gradients="all" if at == ALL else str(at))
    trace_of(request)  # raises where there is no such run
    return View(request, "decoder", view.layer, view.head, view.token)


def lesson_of(view: View, steps: int) -> Course:
    """So many steps of the chosen kind on the loss that is shown."""
    at = chosen("learn_at")
    position = None if at == ALL else at
    return Course(chosen("learn_method"), steps, rate(), view.sentence, position)


def rate() -> float:
    """The chosen learning rate."""
    return float(chosen("learn_rate") or FIRST_RATES[chosen("learn_method")])


def taught_by(view: View, course: Course) -> View:
    """The same text read by the model after a course. Raises GlassError where it learned nothing
    that can be shown."""
    request = view.request._replace(gradients="", change=written_course(course))
    trace_of(request)
    return replace(view, request=request)


def after(view: View, steps: int) -> View | None:
    """The same after so many steps; None where they went too far."""
    try:
        return taught_by(view, lesson_of(view, steps))
    except GlassError:
        return None


def settle_step(view: View) -> None:
    """Settles which loss counts, and how far a step goes."""
    if why_not(view):
        return
    settle("learn_rate", FIRST_RATES[chosen("learn_method")], RATES)
    last = len(trace_of(own_run(view))["decoder.embed.ids"]) - 2
    if chosen("learn_at") > ALL:
        clamp("learn_at", last + 1)


def is_own(view: View) -> bool:
    """Whether the page shows the run that is looked at elsewhere: it has its own, with
    gradients."""
    return bool(why_not(view))


def untouched(view: View) -> None:
    """Says that the page shows the model as it was trained, where other pages show another run."""
    if view.request.change or view.mask != "trained":
        st.caption(
            "This page shows the model as it was trained: what-ifs, masks and lessons begin from"
            " there."
        )


# --- choices --------------------------------------------------------------------------------------


def choose_loss(at: int) -> None:
    """Asks for the loss of one position, or of all."""
    select(learn_at=at, learn_cell="")
    close_number()


def step_controls() -> None:
    """How a step goes: the method and the learning rate."""
    with st.container(key="learn-step", horizontal=True, vertical_alignment="top", gap="small"):
        method_and_rate()


def method_and_rate() -> None:
    """The two choices."""
    st.segmented_control(
        "Method",
        ["sgd", "adamw"],
        key="learn_method",
        required=True,
        format_func={"sgd": "SGD", "adamw": "AdamW"}.__getitem__,
        on_change=forget_rate,
        persist_state="session",
    )
    st.selectbox(
        "Learning rate η",
        RATES,
        key="learn_rate",
        on_change=close_number,
        persist_state="session",
        width=130,
    )


def forget_rate() -> None:
    """Each method begins with a rate that suits it."""
    select(learn_rate=None)
    close_number()
