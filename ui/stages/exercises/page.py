"""The page: how far the reader has come, one question, and in the end how it went."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.text import counted, number
from ui.kit.component_loader import component
from ui.kit.explanation_panel import is_number, spell_cell
from ui.kit.guessed_place import ask_why
from ui.kit.quiz import Quiz
from ui.kit.stage import heading
from ui.kit.terms import with_terms
from ui.session import sent
from ui.session.actions import start_typed_text, switch_model
from ui.session.looking import begin_look
from ui.session.memory import guess_at, memory, place_across
from ui.session.navigation import CROSS_ATTENTION, PAGES, Page, go
from ui.session.opening import turn_to
from ui.session.runs import ready_models
from ui.session.selection import EXAMPLES, chosen, select
from ui.session.view import View
from ui.stages.exercises.chapters import CHAPTERS, SLOTS
from ui.stages.exercises.exercise import Cell, Exercise, Typed
from ui.stages.exercises.sheet import (
    RIGHT,
    SUMMARY,
    WRONG,
    Sheet,
    answer,
    ask_first,
    begin_anew,
    go_to,
    keep_answers,
    score,
    sheet_of,
    skip,
    title_of,
)
from ui.text import plain, short

LONGEST = 40  # letters of an option
_strip = component("exercise_strip", 'class="root" role="navigation" aria-label="All questions"')
_draw = component("exercise", 'class="root" role="group" aria-label="Answers"')


def exercises(view: View) -> Cell | None:
    """Draws the page. Returns the number that answers the question, once it is answered."""
    sheet = sheet_of(view)
    exercise = None if sheet.at == SUMMARY else sheet.exercise(sheet.at)
    keep_answers(sheet)
    strip(sheet)
    if sheet.at == SUMMARY:
        return summary(view, sheet)
    if exercise is None:
        return not_asked(view, sheet)
    return question(view, sheet, exercise)


def owner(view: View) -> View:
    """The run in which the number stands that answers the question: another one, where a question
    is about a change."""
    sheet = sheet_of(view)
    exercise = sheet.made.get(sheet.at) if sheet.at in sheet.given else None
    return exercise.seen_in(view) if exercise else view


def strip(sheet: Sheet) -> None:
    """All questions as a row of dots for each chapter, and the score."""
    key = f"exercise-strip-{sheet.seed}"
    chapters = [
        {"title": chapter.title, "states": sheet.states(n)} for n, chapter in enumerate(CHAPTERS)
    ]
    done = any(state in (RIGHT, WRONG) for state in sheet.states())

    def follow() -> None:
        to = sent.from_component(key, "go")
        if sent.whole(to, SUMMARY + 1):
            go_to(sheet, to)

    _strip(
        key=key,
        data={"chapters": chapters, "at": sheet.at, "score": score(sheet) if done else ""},
        on_go_change=follow,
    )


# --- one question ---------------------------------------------------------------------------------


def question(view: View, sheet: Sheet, exercise: Exercise) -> Cell | None:
    """A question; once it is answered, what is right, why, and where to look."""
    at, answered = sheet.at, sheet.at in sheet.given
    heading(exercise.asks, name=f"exercise-{at}")
    answers(sheet, exercise, at)
    if answered:
        st.markdown(with_terms(verdict(sheet, exercise)))
    elif at in sheet.hinted:
        hint(view, exercise)
    with st.container(horizontal=True, key="exercise-ways", vertical_alignment="center"):
        ways(view, sheet, exercise, answered)
    about_the_run(view)
    return exercise.cell if answered else None


def answers(sheet: Sheet, exercise: Exercise, at: int) -> None:
    """What can be answered, and nothing that tells what is right until it was."""
    key, asked = f"exercise-{sheet.seed}-{at}", exercise.answer
    typed = [typed_data(asked)] if isinstance(asked, Typed) else []
    options = [short(each, LONGEST) for each in asked.options] if isinstance(asked, Quiz) else []
    shown = {}
    if at in sheet.given:
        given = sheet.given[at]
        right = number(asked.value, 4) if isinstance(asked, Typed) else asked.right
        shown = {"given": given, "right": right, "holds": exercise.holds(given)}
    _draw(
        key=key,
        data={"options": options, "typed": typed, "verdict": shown},
        on_answer_change=lambda: take(sheet, exercise, key, at),
    )


def typed_data(asked: Typed) -> dict:
    """A field for a number, as it travels to the browser."""
    near = number(asked.within, 2)
    return {"unit": asked.unit, "within": f"± {near}{asked.unit and ' points'} counts as right."}


def take(sheet: Sheet, exercise: Exercise, key: str, at: int) -> None:
    """What the browser sent: the number of an option, or a number that was typed."""
    given, asked = sent.from_component(key, "answer"), exercise.answer
    if isinstance(asked, Typed):
        if is_number(given):
            answer(sheet, at, float(given))
    elif sent.whole(given, len(asked.options)):
        answer(sheet, at, given)


def verdict(sheet: Sheet, exercise: Exercise) -> str:
    """Whether the answer is right, and why."""
    said = "Right." if exercise.holds(sheet.given[sheet.at]) else "Not quite."
    return f"{said} {exercise.why}"


def hint(view: View, exercise: Exercise) -> None:
    """What to think of, and the way to where it can be seen."""
    with st.container(key="exercise-hint", horizontal=True, vertical_alignment="center"):
        st.markdown(with_terms(exercise.hint), width="content")
        st.button(
            f"See it on {exercise.place.page.title}",
            key="exercise_see",
            type="tertiary",
            on_click=look,
            args=(view, exercise, False),
        )


def ways(view: View, sheet: Sheet, exercise: Exercise, answered: bool) -> None:
    """The way on from a question."""
    if answered:
        on = "How did it go?" if sheet.next() == SUMMARY else "Next question"
        to = sheet.next()
        st.button(on, key="exercise_next", type="primary", on_click=go_to, args=(sheet, to))
        title = f"Look: {exercise.place.page.title}"
        st.button(title, key="exercise_look", on_click=look, args=(view, exercise, True))
    else:
        if sheet.at not in sheet.hinted:
            st.button("Hint", key="exercise_hint", on_click=sheet.hinted.add, args=(sheet.at,))
        st.button("Skip", key="exercise_skip", type="tertiary", on_click=skip, args=(sheet,))
    new_questions(sheet)


def new_questions(sheet: Sheet, style: str = "tertiary") -> None:
    """Another set; the reader is asked first where that ends answers."""
    if sheet.leaving and sheet.given:
        words = f"This ends your {counted(len(sheet.given), 'answer')}."
        st.markdown(f":orange[●] {words}", width="content")
        st.button("Begin anew", key="exercise_anew", on_click=begin_anew)
        keep = {"key": "exercise_keep", "type": "tertiary", "on_click": ask_first}
        st.button("Keep them", args=(sheet, False), **keep)
        return
    st.button(
        "New questions",
        key="exercise_new",
        type=style,
        on_click=partial(ask_first, sheet, True) if sheet.given else begin_anew,
        help="Thirty others on the same text. The address holds the set and your answers; a link"
        " that you copy with the button holds the set alone.",
    )


def about_the_run(view: View) -> None:
    """That the questions follow a what-if."""
    if view.request.change or view.mask != "trained":
        st.caption("These questions are about the run that all pages show now, with its change.")


def look(view: View, exercise: Exercise, answered: bool) -> None:
    """Opens the page where it can be seen; not asked again is what was answered here, and the
    number opens once the answer is known.
    """
    place = exercise.place
    begin_look(place.page)
    memory().quizzes.setdefault(guess_at(place.page, view.request.model, view.texts), False)
    cell = {"cell": spell_cell(*exercise.cell)} if answered and exercise.cell else {}
    choices = place.choices if answered else without(place.choices, *exercise.run)
    if place.guess:
        select(**choices)
        row, word = place.guess
        return ask_why(view, word, row, **cell)
    if place.page is CROSS_ATTENTION:
        memory().cross_place = place_across(view.request)
    side = place.choices.get("side", chosen("side"))
    if view.config.crosses and side != chosen("side"):
        turn_to(view.request, side)
    return go(place.page, **({"cards": ""} | choices | cell))


def without(choices: dict, *names: str) -> dict:
    """Choices but for some: a hint does not yet show the run that answers."""
    return {name: value for name, value in choices.items() if name not in names}


# --- where nothing can be asked -------------------------------------------------------------------


def not_asked(view: View, sheet: Sheet) -> None:
    """Why a question is not asked here, and the way to where it is."""
    chapter, at = SLOTS[sheet.at]
    slot = CHAPTERS[chapter].slots[at]
    lacks = slot.lacks(view)
    heading(f"{title_of(sheet.at)}: not asked here", name=f"exercise-{sheet.at}")
    if lacks:
        st.markdown(f"Not asked of {plain(view.title)}: {lacks}.")
    else:
        st.markdown(
            "Not asked of this text: it is too short, or its numbers lie too near to each other for"
            " one clear answer."
        )
    with st.container(horizontal=True, key="exercise-ways", vertical_alignment="center"):
        other_way(view, slot.by if lacks else "")
        st.button("Next question", key="exercise_next", on_click=go_to, args=(sheet, sheet.next()))
        new_questions(sheet)


def other_way(view: View, model: str) -> None:
    """Another model that has what is asked, or another text."""
    if model and model != view.request.model and model in ready_models():
        st.button(
            f"Read with {model}",
            key="exercise_model",
            type="primary",
            on_click=switch_model,
            args=(model,),
        )
    elif not model:
        st.button("Read a longer text", key="exercise_text", type="primary", on_click=read_longer)


def read_longer() -> None:
    """Reads an example."""
    select(sentence=EXAMPLES[0]["text"])
    start_typed_text()


# --- the summary ----------------------------------------------------------------------------------


def summary(view: View, sheet: Sheet) -> None:
    """How it went, chapter by chapter, and the pages to look at again."""
    states = sheet.states()
    left = SUMMARY - sum(state in (RIGHT, WRONG, "none") for state in states)
    heading(f"How did it go? {score(sheet)}", name="exercise-summary")
    for n in range(len(CHAPTERS)):
        chapter_line(sheet, n)
    with st.container(horizontal=True, key="exercise-ways", vertical_alignment="center"):
        if left:
            first = next(i for i, s in enumerate(states) if s in ("open", "skipped"))
            label = f"Answer the {counted(left, 'question')} left"
            st.button(
                label, key="exercise_next", type="primary", on_click=go_to, args=(sheet, first)
            )
        new_questions(sheet, "secondary" if left else "primary")
    about_the_run(view)


def chapter_line(sheet: Sheet, chapter: int) -> None:
    """A chapter: how many are right, and where to look again."""
    states, title = sheet.states(chapter), CHAPTERS[chapter].title
    right, wrong = states.count(RIGHT), states.count(WRONG)
    pages = pages_of_wrong(sheet, chapter)
    words = f"**{title}**: " + (f"{right} of {right + wrong} right." if right + wrong else "open.")
    with st.container(
        horizontal=True, key=f"exercise-chapter-{chapter}", vertical_alignment="center"
    ):
        st.markdown(words + (" Look again:" if pages else ""), width="content")
        for page in pages:
            key = f"exercise_again_{chapter}_{PAGES.index(page)}"
            st.button(page.title, key=key, type="tertiary", on_click=partial(go, page))


def pages_of_wrong(sheet: Sheet, chapter: int) -> list[Page]:
    """The pages where what went wrong in a chapter can be seen."""
    numbers = [n for n, (at, _) in enumerate(SLOTS) if at == chapter and sheet.state(n) == WRONG]
    wrong = [sheet.made[n] for n in numbers]
    return sorted({each.place.page for each in wrong if each}, key=PAGES.index)
