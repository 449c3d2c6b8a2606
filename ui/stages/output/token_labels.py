"""What a head that a model was fine-tuned with says of each token: its label, or whether an answer
begins or ends there.
"""

from __future__ import annotations

import streamlit as st

from core.text import counted, number, percent
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.quiz import quiz_of_words
from ui.kit.section import detailed, render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, cell_map
from ui.kit.tagged_words import Tag, tagged_words
from ui.kit.task_labels import Outcome, answers, outcomes, token_at
from ui.kit.token_words import bold_apart
from ui.session.view import View
from ui.stages.output.labels import BARS, all_labels, label_bars
from ui.text import bold, quoted, short

ANSWERS = 5
OUTSIDE = "O"  # the label of a token that belongs to nothing


def token_labels(view: View) -> tuple[str, tuple[int, ...]]:
    """The text with the label of each token, and those of the chosen one as bars. Returns the cell
    that is explained first.
    """
    found, side = outcomes(view, BARS), view.config.sides[-1]
    token, best = bold_apart(view.tokens(side), token_at(view)), found[0]
    quiz = quiz_of_words(view, [each.words for each in found[:4]])
    several = len(view.config.task.labels) > 1
    question = f"Which label does {token} get?" if several else f"What is said of {token}?"
    heading(question, quiz)
    words_and_labels(view)
    name = view.names_of(side)[token_at(view)]
    label_bars(view, found, f"{counted(len(view.config.task.labels), 'label')} of {quoted(name)}")
    render_depth(
        view, tokens_story(view, token, best), ("task.logits", best.cell), (best.step, best.cell)
    )
    all_labels(view)
    return best.step, best.cell


def words_and_labels(view: View) -> None:
    """The text; below each token its likeliest label."""
    labels, probs_LC = view.config.task.labels, view.trace["task.probs"]
    best_L = [int(c) for c in probs_LC.argmax(axis=-1)]
    cell = opened_in("task.probs")
    tags = [
        [Tag(labels[c], float(probs_LC[l, c]), cell == (l, c), labels[c] == OUTSIDE)]
        for l, c in enumerate(best_L)
    ]
    tagged_words(
        view,
        tags,
        key="output:tagged",
        title="The likeliest label of each token",
        on_tag=lambda l, _: open_number("task.probs", (l, best_L[l])),
    )


def tokens_story(view: View, token: str, best: Outcome) -> str:
    """What is read, and what comes of it; at most 45 words."""
    begin = "The head reads each token’s last vector by itself"
    if view.config.task.gives == "one":
        return (
            f"{begin} and scores every label. **Softmax** turns the scores into probabilities:"
            f" {token} is {bold(best.words)} with {percent(best.share)}. Click another word, or a"
            " share."
        )
    return (
        f"{begin}. Its score is bent to a probability: that {token} is {bold(best.words)} has"
        f" {percent(best.share)}. Click another word, or a share."
    )


# --- answers --------------------------------------------------------------------------------------


def answer_in_text(view: View) -> tuple[str, tuple[int, ...]]:
    """The text with the best answer, or the opened one, and the best ones in a table. Returns the
    cell that is explained first.
    """
    found = answers(view, ANSWERS)
    heading("Which words are the answer?")
    if not found:
        st.info("The text holds no words that could be an answer.")
        return "task.logits", (0, 0)
    start, end = shown_answer(view, found)
    answer_figure(view, start, end)
    answers_table(view, found)
    render_depth(
        view,
        answer_story(view, found[0]),
        ("task.answers", found[0].cell),
        (found[0].step, found[0].cell),
    )
    if detailed():
        title = "The score of every answer: its first token down, its last one across"
        cell_map(view, "task.answers", ALL, ALL, title=title, chosen=start)
    return found[0].step, found[0].cell


def shown_answer(view: View, found: list[Outcome]) -> tuple[int, int]:
    """The first and the last token of the answer that is opened, or of the best one."""
    cells = map(opened_in, ("task.answers.probs", "task.answers"))
    opened = next((cell for cell in cells if cell and cell[0] <= cell[1]), None)
    start, end = opened or found[0].cell
    return start, end


def answer_figure(view: View, start: int, end: int) -> None:
    """The text with an answer underlined, and how likely it starts and ends there."""
    probs_LC, cell = view.trace["task.probs"], opened_in("task.probs")
    tags: list[list[Tag]] = [[] for _ in range(len(probs_LC))]
    ends = {(start, 0): "starts", (end, 1): "ends"}
    for (l, c), words in ends.items():
        tags[l].append(Tag(words, float(probs_LC[l, c]), cell == (l, c)))
    cells = list(ends)

    def open_end(l: int, n: int) -> None:
        open_number("task.probs", [at for at in cells if at[0] == l][n])

    tagged_words(
        view,
        tags,
        key="output:answer",
        title="The text, with the answer underlined",
        on_tag=open_end,
        inside=range(start, end + 1),
    )


def answers_table(view: View, found: list[Outcome]) -> None:
    """The best answers: both scores, their sum, and the probability."""

    def steps_of(each: Outcome) -> list[tuple[str, tuple[int, int]]]:
        start, end = each.cell
        ends = [("task.logits", (start, 0)), ("task.logits", (end, 1))]
        return [*ends, ("task.answers", each.cell), (each.step, each.cell)]

    titles = ("starts", "ends", "score", "probability")
    rows = [steps_of(each) for each in found]
    opened = [
        (r, c)
        for r, steps in enumerate(rows)
        for c, (step, cell) in enumerate(steps)
        if opened_in(step) == cell
    ]
    table(
        {
            title: [view.trace[steps[c][0]][steps[c][1]] for steps in rows]
            for c, title in enumerate(titles)
        },
        [short(each.words, 60) for each in found],
        key="output:answers",
        bar="probability",
        corner="answer",
        title="The best answers",
        opened=opened[0] if opened else None,
        on_cell=lambda row, column: row < len(rows) and open_number(*rows[row][column]),
    )


def answer_story(view: View, best: Outcome) -> str:
    """How an answer gets its score; at most 45 words."""
    score = number(view.trace["task.answers"][best.cell], 3)
    return (
        "Each token gets two scores: as the first word of an answer, and as the last. An answer’s"
        f" score is their sum. {bold(short(best.words, 60))} has the highest, {score}, and a"
        f" probability of {percent(best.share)}."
    )
