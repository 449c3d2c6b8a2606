"""How far a reader has come with the thirty questions of a run, kept from page to page; what was
answered stands in the address too, so that it outlives a reload.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from hashlib import sha256

from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.session.actions import close_number
from ui.session.address import link_asks_for
from ui.session.memory import memory
from ui.session.selection import MOST, chosen, select, select_what_fits
from ui.session.view import View
from ui.stages.exercises.chapters import CHAPTERS, SLOTS, drawn, key_of
from ui.stages.exercises.exercise import Exercise, Typed

SUMMARY = len(SLOTS)  # after the last question
KEPT = 20  # sheets of a visit
RIGHT, WRONG, SKIPPED, NONE, OPEN = "right", "wrong", "skipped", "none", "open"


@dataclass
class Sheet:
    """One set of questions: those that were drawn so far, and what came of them."""

    view: View  # as it was when the set began; keys only
    seed: int
    at: int = 0  # the question that is looked at, or SUMMARY
    made: dict[int, Exercise | None] = field(default_factory=dict)
    given: dict[int, float] = field(default_factory=dict)  # options by their number, and numbers
    skipped: set[int] = field(default_factory=set)
    hinted: set[int] = field(default_factory=set)
    leaving: bool = False  # whether the reader is asked if these answers may go

    def exercise(self, number: int) -> Exercise | None:
        """A question; None where none fits. It is drawn once."""
        if number not in self.made:
            self.made[number] = drawn(self.view, self.seed, number)
        return self.made[number]

    def state(self, number: int) -> str:
        """What came of a question."""
        exercise = self.made.get(number)
        if exercise is not None and number in self.given:
            return RIGHT if exercise.holds(self.given[number]) else WRONG
        if number in self.made and exercise is None:
            return NONE
        return SKIPPED if number in self.skipped else OPEN

    def states(self, chapter: int | None = None) -> list[str]:
        """What came of the questions, of a chapter or of all."""
        among = [n for n, (at, _) in enumerate(SLOTS) if chapter in (None, at)]
        return [self.state(n) for n in among]

    def next(self) -> int:
        """The next question that is open, from here on, then from the start; else the summary."""
        later = [*range(self.at + 1, SUMMARY), *range(min(self.at, SUMMARY))]
        return next((n for n in later if self.state(n) == OPEN), SUMMARY)


def sheet_of(view: View) -> Sheet:
    """The questions of a run under the chosen number, as far as the reader has come."""
    sheets = memory().sheets
    key = view.request._replace(engine="numpy"), chosen("exercises")
    sheet = sheets.pop(key, None) or begun(view, chosen("exercises"))
    sheets[key] = sheet
    while len(sheets) > KEPT:
        del sheets[next(iter(sheets))]
    if link_asks_for("question"):
        sheet.at = chosen("question")
    return sheet


def begun(view: View, seed: int) -> Sheet:
    """New questions, with the answers that the address has to just these."""
    sheet = Sheet(view, seed)
    whose, *answers = chosen("answered").split("_")
    if whose == mark(sheet):
        for number, given in (each.split("~") for each in answers):
            take_back(sheet, int(number), float(given))
        sheet.at = sheet.at if sheet.state(sheet.at) == OPEN else sheet.next()
    return sheet


def take_back(sheet: Sheet, number: int, given: float) -> None:
    """An answer from the address, if there is such a question and it can be answered so."""
    exercise = sheet.exercise(number) if number < SUMMARY else None
    if exercise is None or not math.isfinite(given):
        return
    if isinstance(exercise.answer, Typed):
        sheet.given[number] = given
    elif given in range(len(exercise.answer.options)):
        sheet.given[number] = int(given)


def mark(sheet: Sheet) -> str:
    """Whose the answers are: eight letters for the run and the number of the set."""
    return sha256(key_of(sheet.view, sheet.seed).encode()).hexdigest()[:8]


def keep_answers(sheet: Sheet) -> None:
    """What was answered goes into the address, and the question that is looked at."""
    select(question=sheet.at or None)
    answers = "".join(f"_{n}~{given:.12g}" for n, given in sorted(sheet.given.items()))
    select_what_fits(answered=answers and mark(sheet) + answers)


def score(sheet: Sheet) -> str:
    """How many are right of those that were answered."""
    states = sheet.states()
    right = states.count(RIGHT)
    return f"{right} of {right + states.count(WRONG)} right"


# --- the number by which the questions are drawn --------------------------------------------------


def settle_seed(view: View) -> None:
    """Another number for each visit, until a link or the reader says which."""
    if chosen("exercises") is None:
        context = get_script_run_ctx()
        select(exercises=mixed(context.session_id if context else ""))


def mixed(what: object) -> int:
    """A number from 0 to MOST that depends on something, and tells nothing of it."""
    return int.from_bytes(sha256(f"exercises {what}".encode()).digest()[:6], "big") % (MOST + 1)


# --- what the reader does -------------------------------------------------------------------------


def ask_first(sheet: Sheet, leaving: bool) -> None:
    """Asks whether the answers may go, or no longer."""
    sheet.leaving = leaving


def begin_anew() -> None:
    """Other questions on the same run."""
    select(exercises=mixed(chosen("exercises")))
    close_number()


def go_to(sheet: Sheet, number: int) -> None:
    """Another question, or the summary."""
    sheet.at, sheet.leaving = number, False
    close_number()


def skip(sheet: Sheet) -> None:
    """Leaves a question for later."""
    sheet.skipped.add(sheet.at)
    go_to(sheet, sheet.next())


def answer(sheet: Sheet, number: int, given: float) -> None:
    """Takes an answer; the first one counts."""
    if sheet.made.get(number) is not None:
        sheet.given.setdefault(number, given)


def title_of(number: int) -> str:
    """Where a question stands: “Attention, question 2”."""
    chapter, at = SLOTS[number]
    return f"{CHAPTERS[chapter].title}, question {at + 1}"
