"""What a head that a model was fine-tuned with says of the text: the labels of all of it, or the
number that it gives.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.steps import about
from core.text import counted, number, percent
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.guesses import Guesses, guesses
from ui.kit.quiz import quiz_of_words
from ui.kit.section import detailed, render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, cell_bars, cell_map, largest
from ui.kit.task_labels import Outcome, outcomes, read_at
from ui.session.view import View
from ui.stages.output.sentence_vectors import vector_strip
from ui.text import bold, short

BARS = 10  # labels in a figure
MOST = 60  # and in a table


def text_labels(view: View) -> tuple[str, tuple[int, ...]]:
    """The labels of the whole text as bars. Returns the cell that is explained first."""
    found = outcomes(view, BARS)
    quiz = quiz_of_words(view, [each.words for each in found[:4]])
    alone = view.config.task.gives == "one"
    heading(f"Which label{'' if alone else 's'} does this text get?", quiz if alone else None)
    label_bars(view, found, f"{counted(len(view.config.task.labels), 'label')} of the text")
    best = found[0]
    render_depth(view, text_story(view, best), ("task.logits", best.cell), (best.step, best.cell))
    all_labels(view)
    return best.step, best.cell


def label_bars(view: View, found: list[Outcome], title: str) -> None:
    """Outcomes as bars; each number opens."""
    opened = [n for n, each in enumerate(found) if opened_in(each.step) == each.cell]
    guesses(
        Guesses(
            words=[[[short(each.words, 40) for each in found]]],
            values_PGWB=np.array([each.share for each in found])[None, None, :, None],
            titles=[title],
            bars=("probability",),
            about=title,
            opened=(0, 0, opened[0], 0) if opened else None,
        ),
        key="output:labels",
        on_cell=lambda p, g, w, b: open_number(found[w].step, found[w].cell),
    )


def text_story(view: View, best: Outcome) -> str:
    """What was read, and how scores became probabilities; at most 45 words."""
    begin = f"{what_is_read(view)} gets a score for each label."
    leads = f"{bold(best.words)} leads with {percent(best.share)}."
    if view.config.task.gives == "one":
        return (
            f"{begin} **Softmax** turns the scores into probabilities, which add up to 1: {leads}"
        )
    return (
        f"{begin} Each score is bent to a probability of its own, so that several labels may hold,"
        f" or none: {leads}"
    )


def what_is_read(view: View) -> str:
    """The vector that the head reads."""
    if view.config.task.reads == "pooled":
        return "The **sentence vector** (the first token’s, after one more layer)"
    word = bold(short(view.tokens(view.config.sides[-1])[read_at(view)], 20))
    place = "first" if view.config.task.reads == "first" else "last"
    return f"The last vector of the {place} token, {word},"


# --- a number -------------------------------------------------------------------------------------


def text_number(view: View) -> tuple[str, tuple[int, ...]]:
    """The numbers that the head gives the text. Returns the cell that is explained first."""
    labels, logits_C = view.config.task.labels, view.trace["task.logits"]
    several = len(labels) > 1
    heading("Which numbers does this text get?" if several else "Which number does this text get?")
    cell = opened_in("task.logits")
    table(
        {"number": logits_C},
        labels,
        key="output:numbers",
        corner="label",
        on_cell=lambda row, _: open_number("task.logits", (row,)) if row < len(labels) else None,
        opened=(cell[0], 0) if cell else None,
    )
    first = largest(view, "task.logits", ALL)
    render_depth(view, number_story(view), first)
    return first


def number_story(view: View) -> str:
    """What was read, and that the result is no probability; at most 45 words."""
    value = number(view.trace["task.logits"][0], 3)
    made = "is weighed and added up" if len(view.config.task.labels) > 1 else f"gives {value}"
    return (
        f"{what_is_read(view)} {made}. This is no probability: training fitted it to numbers, such"
        " as a rating, or to how well a text fits as one of several choices."
    )


# --- more -----------------------------------------------------------------------------------------


def all_labels(view: View) -> None:
    """At the depths below the story, the score and the probability of all labels."""
    if not detailed():
        return
    found = outcomes(view, MOST)
    columns = ("task.logits", "task.probs")
    opened = [
        (row, column)
        for row, each in enumerate(found)
        for column, step in enumerate(columns)
        if opened_in(step) == each.cell
    ]
    table(
        {
            "score": [view.trace["task.logits"][each.cell] for each in found],
            "probability": [each.share for each in found],
        },
        [each.words for each in found],
        key="output:all-labels",
        bar="probability",
        corner="label",
        title="The labels, the likeliest first",
        opened=opened[0] if opened else None,
        on_cell=lambda row, column: (
            row < len(found) and open_number(columns[column], found[row].cell)
        ),
    )


def vector_to_labels(view: View) -> None:
    """What the head reads, its own layer where it has one, and the scores."""
    steps = [name for name in view.trace if name.startswith("task.")]
    for name in steps:
        title = f"{TITLES[name]}: {name}"
        if view.config.task.of_tokens:
            cell_map(view, name, ALL, ALL, title=title, chosen=view.token)
        elif view.trace.axes(name) == "C":
            cell_bars(view, name, ALL, title=title, kind=about(view.trace, name).scale)
        else:
            vector_strip(view, name, title)
    st.caption("Click a number to see the products that it adds up.")


TITLES = {
    "task.in": "What the head reads",
    "task.pre": "Its own layer, before the activation",
    "task.hidden": "Its own layer",
    "task.logits": "The scores",
    "task.probs": "The probabilities",
}


def overflowed_labels() -> None:
    """Says so of a run whose numbers outgrew what can be written."""
    heading("Why are there no labels?")
    st.warning(
        "In this run the numbers overflowed: they no longer fit into 32 bits. Without scores there"
        " are no labels. The page Add and norm shows where it begins."
    )
