"""The head that a model was fine-tuned with: a score for each label, and its probability, for the
whole text or for each token.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import Config
from ..operands import ALL, Cell, Result, exponentials_of, product, same, sum_of_products, total
from ..ops import HEAD_ACTIVATIONS
from ..step_ref import StepRef
from ..text import factor, operand
from .kind import TASK, StepKind
from .letters import PROBABILITY
from .output import softmax_of


def explain_in(cell: Cell) -> Result:
    """The vector that is read: the pooler's, or a token's last one."""
    config, index = cell.config, cell.index
    if config.task.reads == "pooled":
        return same(cell.get("sentence vector", "pooler.out", *index))
    last = f"{config.sides[-1]}.out"
    if config.task.reads != "each":
        place = 0 if config.task.reads == "first" else cell.trace.shape(last)[0] - 1
        index = (place, *index)
    return same(cell.get("last vector", last, *index))


def explain_pre(cell: Cell) -> Result:
    *token, d = cell.index
    return sum_of_products(
        cell.get("x", "task.in", *token, ALL),
        cell.weight("W", "pre.weight", ALL, d),
        cell.weight("bias", "pre.bias", d),
    )


def explain_hidden(cell: Cell) -> Result:
    x, name = cell.get("x", "task.pre", *cell.index), cell.config.task.hidden
    value = HEAD_ACTIVATIONS[name](x.values_N)[0]
    return Result(float(value), f"{name}({operand(x.values_N[0])})", (x,))


def explain_logit(cell: Cell) -> Result:
    *token, c = cell.index
    return sum_of_products(
        cell.get("x", "task.hidden" if cell.config.task.hidden else "task.in", *token, ALL),
        cell.weight("W", "logits.weight", ALL, c),
        cell.weight("bias", "logits.bias", c),
    )


def explain_chance(cell: Cell) -> Result:
    """Softmax over the labels."""
    return softmax_of(cell, "task.logits", cell.index[:-1])


def explain_sigmoid(cell: Cell) -> Result:
    """Each label by itself."""
    x = cell.get("logit", "task.logits", *cell.index)
    score = float(x.values_N[0])
    return Result(1 / (1 + math.exp(-score)), f"1 / (1 + exp(−{factor(score)}))", (x,))


def explain_end_of_span(cell: Cell) -> Result:
    """Softmax over the tokens."""
    l, c = cell.index
    column = cell.get("logits", "task.logits", ALL, c)
    largest, mine = column.values_N.max(), column.values_N[l]
    whole = np.exp(column.values_N - largest).sum()
    return Result(
        math.exp(mine - largest) / whole,
        f"exp({operand(mine)} − {factor(largest)}) / {operand(whole)}",
        (cell.get("logit", "task.logits", l, c), exponentials_of(column)),
    )


# --- answers --------------------------------------------------------------------------------------


def both_ends(trace, step: str):
    """A step's numbers of an answer's first token, down, and of its last one, across, (L, 1) and
    (1, L), in float64; and whether it ends before it starts, (L, L).
    """
    ends_LC = trace[step].astype(np.float64)
    return ends_LC[:, :1], ends_LC[:, 1:].T, np.tri(len(ends_LC), k=-1, dtype=bool)


def answers(trace, ref: StepRef):
    """The score of every answer: its first token's as a start and its last one's as an end, added;
    −∞ where it would end before it starts, (L, M).
    """
    start_L1, end_1M, backwards_LM = both_ends(trace, "task.logits")
    return np.where(backwards_LM, -np.inf, start_L1 + end_1M)


def explain_answer(cell: Cell) -> Result:
    l, m = cell.index
    start, end = (cell.get(role, "task.logits", *at) for role, at in ends_of(l, m))
    if m < l:
        return Result(-math.inf, "ends before it starts: −∞", (start, end))
    return total(start, end)


def answer_chances(trace, ref: StepRef):
    """The probability of every answer: that of its start times that of its end, (L, M)."""
    start_L1, end_1M, backwards_LM = both_ends(trace, "task.probs")
    return np.where(backwards_LM, 0.0, start_L1 * end_1M)


def explain_answer_chance(cell: Cell) -> Result:
    l, m = cell.index
    start, end = (cell.get(role, "task.probs", *at) for role, at in ends_of(l, m))
    if m < l:
        return Result(0.0, "ends before it starts: 0", (start, end))
    return product(start, end)


def ends_of(l: int, m: int) -> tuple[tuple[str, tuple[int, int]], ...]:
    """The cells of an answer from one token to another."""
    return ("start", (l, 0)), ("end", (m, 1))


def answers_questions(config) -> bool:
    """Whether a model marks an answer in the text."""
    return has_task(config, True) and config.task.gives == "span"


ENDS = {
    "l": "the answer’s first token",
    "m": "its last token",
    r"\mathrm{start}": "as a start",
    r"\mathrm{end}": "as an end",
}


# --- the kinds: those of a text, and those of each token ------------------------------------------


def gives(what: str, of_tokens: bool) -> Callable[[Any], bool]:
    """Which models have a probability of that sort, for the text or for each token."""

    def fits(config) -> bool:
        return has_task(config, of_tokens) and config.task.gives == what

    return fits


def has_task(config, of_tokens: bool) -> bool:
    """Whether a model has a fine-tuned head, for the text or for each token."""
    task = config.task if isinstance(config, Config) else None
    return task is not None and task.of_tokens == of_tokens


def of_text_or_tokens(axis: str, latex: str, **record: Any) -> tuple[StepKind, StepKind]:
    """Two variants of a kind. axis: its last one; latex: with «» for the place of a token."""
    record = {"place": TASK, "colour": "head", **record}
    return (
        StepKind(
            axes=axis,
            latex=latex.replace("«»", ""),
            when=lambda config: has_task(config, False),
            **record,
        ),
        StepKind(
            axes=f"L{axis}",
            latex=latex.replace("«»", "l,"),
            when=lambda config: has_task(config, True),
            **record,
        ),
    )


def probability(what: str, latex: str, **record: Any) -> tuple[StepKind, StepKind]:
    """The probabilities of one sort, of a text and of each token."""
    record = {"leaf": "probs", "place": TASK, "colour": "head", "scale": "weight", **record}
    record["letters"] = PROBABILITY
    return (
        StepKind(axes="C", latex=latex.replace("«»", ""), when=gives(what, False), **record),
        StepKind(axes="LC", latex=latex.replace("«»", "l,"), when=gives(what, True), **record),
    )


KINDS = (
    *of_text_or_tokens(
        "D",
        r"x_{«»d}",
        leaf="in",
        recipe=explain_in,
        title="Into the labels’ head",
        story="The vector from which the fine-tuned head makes a score for each label.",
    ),
    *of_text_or_tokens(
        "D",
        r"\sum_{d'} x_{«»d'} W_{d',d} + b_d",
        leaf="pre",
        recipe=explain_pre,
        title="Layer of the labels’ head",
        story="One more dense layer, trained with the labels.",
    ),
    *of_text_or_tokens(
        "D",
        r"\mathrm{act}(p_{«»d})",
        leaf="hidden",
        recipe=explain_hidden,
        title="Layer of the labels’ head, activated",
        story="The head’s own layer after its activation function.",
        letters={"p": "layer of the labels’ head"},
    ),
    *of_text_or_tokens(
        "C",
        r"\ell_{«»c} = \sum_d x_{«»d} W_{d,c} + b_c",
        leaf="logits",
        recipe=explain_logit,
        title="Score of a label",
        story="How well the vector matches what training linked with this label.",
        letters={"c": "label", r"\ell": "score of the label"},
    ),
    *probability(
        "one",
        r"p_{«»c} = \frac{e^{\ell_{«»c}}}{\sum_{c'} e^{\ell_{«»c'}}}",
        recipe=explain_chance,
        title="Probability of a label",
        story="Softmax of the labels’ scores: the labels compete, and all add up to 1.",
    ),
    *probability(
        "any",
        r"p_{«»c} = \frac{1}{1 + e^{-\ell_{«»c}}}",
        recipe=explain_sigmoid,
        title="Probability of a label by itself",
        story="The score, bent to between 0 and 1. Several labels may hold, or none.",
    ),
    StepKind(
        leaf="probs",
        axes="LC",
        place=TASK,
        recipe=explain_end_of_span,
        title="Probability of an end of the answer",
        story="Softmax over the tokens: how likely the answer starts, or ends, at this one.",
        latex=r"p_{l,c} = \frac{e^{\ell_{l,c}}}{\sum_{l'} e^{\ell_{l',c}}}",
        letters=PROBABILITY,
        colour="head",
        scale="weight",
        when=gives("span", True),
    ),
    StepKind(
        leaf="answers",
        axes="LM",
        place=TASK,
        recipe=explain_answer,
        title="Score of an answer",
        story=(
            "The score of its first token as a start, plus that of its last token as an end. What"
            " would end before it starts is no answer."
        ),
        latex=r"\ell_{l,\mathrm{start}} + \ell_{m,\mathrm{end}}",
        letters={r"\ell": "score", **ENDS},
        colour="head",
        compute=answers,
        after="logits",
        when=answers_questions,
    ),
    StepKind(
        leaf="answers.probs",
        axes="LM",
        place=TASK,
        recipe=explain_answer_chance,
        title="Probability of an answer",
        story="The probability that it starts here, times the probability that it ends there.",
        latex=r"p_{l,\mathrm{start}} \cdot p_{m,\mathrm{end}}",
        letters={**PROBABILITY, **ENDS},
        colour="head",
        scale="weight",
        compute=answer_chances,
        after="probs",
        when=answers_questions,
    ),
)
