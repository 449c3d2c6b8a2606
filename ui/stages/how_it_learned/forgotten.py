"""What a lesson made the model forget: words of the held sentences that were likely before it and
are less so after it. Each probability opens, in the run of its own sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.course import written_course
from core.text import label, moves, percent
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.session.runs import trace_of
from ui.session.selection import chosen, select
from ui.session.view import View
from ui.stages.how_it_learned.lessons import Teaching, held_texts
from ui.stages.how_it_learned.place import lesson_of
from ui.text import bold, bold_quoted, labelled

LISTED = 5
LONGEST = 36  # letters of a sentence up to its word
LEAST = 0.005  # a loss of probability that is worth a line
RUNS = ("held", "held-taught")  # of learn_reads: before the lesson, and after it


@dataclass(frozen=True)
class Forgotten:
    """A word of a held sentence. row: the position before it; before, after: its probability."""

    text: int
    row: int
    id: int
    before: float
    after: float

    @property
    def lost(self) -> float:
        """How much less likely it is."""
        return self.before - self.after


def most_forgotten(view: View, found: Teaching) -> list[Forgotten]:
    """The words that lost most, one of each sentence at most; the largest loss first."""
    runs = zip(found.held["before"], found.held["after"], strict=True)
    lost_TR = [np.exp(-before_R) - np.exp(-after_R) for before_R, after_R in runs]
    texts = sorted(range(len(lost_TR)), key=lambda text: -lost_TR[text].max())
    each_T = [word_of(view, text, int(lost_TR[text].argmax())) for text in texts[:LISTED]]
    return [each for each in each_T if each.lost >= LEAST]


def word_of(view: View, text: int, row: int) -> Forgotten:
    """A word of a held sentence, with its probabilities as the two runs have them."""
    before, after = (held_run(view, text, taught).trace for taught in (False, True))
    word = int(before["decoder.embed.ids"][row + 1])
    shares = (float(run["head.probs"][row, word]) for run in (before, after))
    return Forgotten(text, row, word, *shares)


def words(view: View, lost: list[Forgotten]) -> str:
    """Where it forgot most."""
    if not lost:
        return "None of their words lost half a percentage point."
    first = lost[0]
    return (
        f"It lost most after {bold_quoted(read_before(view, first))}: there"
        f" {bold(view.word(first.id))}, which comes next,"
        f" {moves(percent(first.before), percent(first.after))}."
    )


def read_before(view: View, each: Forgotten) -> str:
    """The end of what was read before the word."""
    known = view.model.tokenizer
    ids = [int(i) for i in view.model.ids(held_texts()[each.text])[: each.row + 1]]
    read = known.decode([i for i in ids if not known.is_special(i)] or ids)
    text = " ".join(label(word) for word in read.split())
    cut = text[-LONGEST:].partition(" ")[2] if len(text) > LONGEST else ""
    return f"… {cut}" if cut else text


def forgotten_table(view: View, lost: list[Forgotten]) -> None:
    """The words before and after the lesson; each probability opens."""
    table(
        {"before": [each.before for each in lost], "after": [each.after for each in lost]},
        [f"{read_before(view, each)} → {labelled(view.word(each.id))}" for each in lost],
        key="learned:forgotten",
        on_cell=lambda row, column: open_of(lost[row], column),
        opened=opened_of(lost),
        title="The words of other sentences that it forgot most: their probability",
        corner="after … comes",
    )


def open_of(each: Forgotten, column: int) -> None:
    """Opens a probability of the table."""
    select(learn_reads=RUNS[column], learn_held=each.text)
    open_number("head.probs", (each.row, each.id))


def opened_of(lost: list[Forgotten]) -> tuple[int, int] | None:
    """Which number of the table is open."""
    if chosen("learn_reads") not in RUNS:
        return None
    cell, column = opened_in("head.probs"), RUNS.index(chosen("learn_reads"))
    for row, each in enumerate(lost):
        if chosen("learn_held") == each.text and cell == (each.row, each.id):
            return row, column
    return None


def run_of_held(view: View) -> View:
    """The run in which the opened number stands. Raises GlassError where the lesson left no model
    that can read.
    """
    text = min(chosen("learn_held") or 0, len(held_texts()) - 1)
    return held_run(view, text, chosen("learn_reads") == RUNS[1])


def held_run(view: View, text: int, taught: bool) -> View:
    """A held sentence read before the lesson, or after it. Raises GlassError as above."""
    change = written_course(lesson_of(view, chosen("learn_steps"))) if taught else ""
    request = view.request._replace(sentence=held_texts()[text], gradients="", change=change)
    last = len(trace_of(request)["decoder.embed.ids"]) - 1
    return replace(view, request=request, token=min(view.token, last))
