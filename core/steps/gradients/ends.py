"""Gradients of the neurons, and of what stands on the last vectors: the output head, BERT's
sentence vector, and a head for labels.
"""

from __future__ import annotations

from ...gradients.slopes import SLOPES
from ...gradients.weights import update_of
from ...operands import ALL, Cell, Result, constant
from ...text import operand
from ..kind import FEED_FORWARD, HEAD, POOLER, TASK
from .chain import (
    READ,
    capped_by,
    chain,
    compared,
    gradient,
    passed,
    started,
    step_of,
    through,
    through_norm,
)


def explain_neuron(cell: Cell) -> Result:
    l, f = cell.index
    update = passed(cell, "the update", update_of(cell.config, cell.path), l, ALL)
    return chain((update, cell.weight("W of out", "out.weight", f, ALL)))


def gated_with(cell: Cell, other: str) -> Result:
    """What is multiplied by the other projection."""
    g = passed(cell, "the neuron", f"{cell.path}.hidden", *cell.index)
    return chain((g, cell.get(other, f"{cell.path}.hidden.{other}", *cell.index)))


def explain_gate(cell: Cell) -> Result:
    return gated_with(cell, "up")


def explain_up(cell: Cell) -> Result:
    return gated_with(cell, "gate")


def bent(cell: Cell, after: str, activation: str) -> Result:
    """Times how steep the activation is there."""
    x = cell.get("before activation", step_of(cell), *cell.index)
    slope = float(SLOPES[activation](x.values_N)[0])
    g = passed(cell, "what the activation makes", after, *cell.index)
    return chain((g, constant(f"slope of {activation}", slope)), also=(x,))


def explain_neuron_input(cell: Cell) -> Result:
    after = "hidden.gate" if cell.config.gated else "hidden"
    return bent(cell, f"{cell.path}.{after}", cell.config.activation)


# --- what comes out -------------------------------------------------------------------------------


def explain_head_in(cell: Cell) -> Result:
    if cell.config.head == "transform" or cell.config.d_embed:
        return chain(through(cell, "head", "pre", *cell.index))
    return compared(cell)


def explain_head_pre(cell: Cell) -> Result:
    if cell.config.head == "transform":
        return bent(cell, "head.hidden", cell.config.head_bends)
    return compared(cell)


def explain_head_hidden(cell: Cell) -> Result:
    return through_norm(cell, "head.norm", cell.index)


def explain_uncapped_logit(cell: Cell) -> Result:
    return capped_by(cell, "head.logits", cell.config.logit_cap)


def explain_logit(cell: Cell) -> Result:
    """Where the way back begins: at the loss, at a logit, or at what was given."""
    start, index = cell.trace.gradients.start, cell.index
    if start.asked != "targets":
        return chain(*started(cell))
    row = index[0] if len(index) > 1 else 0
    if row not in start.targets:
        return Result(0.0, "0, because nothing is asked of this position", ())
    p = cell.get("probability", step_of(cell).replace("logits", "probs"), *index)
    right, count = int(start.targets[row] == tuple(index)[-1]), len(start.targets)
    return Result(
        (float(p.values_N[0]) - right) / count,
        f"({operand(p.values_N[0])} − {right}) / {count}",
        (p, constant("1 for the right one", right), constant("positions", count)),
    )


def explain_pooled(cell: Cell) -> Result:
    (d,), parts = cell.index, started(cell)
    if "grad.pooler.logits" in cell.trace:
        parts.append(through(cell, "pooler", "logits", 0, d))
    if "grad.task.in" in cell.trace and cell.config.task.reads == "pooled":
        parts.append(passed(cell, "what the head reads", "task.in", d))
    return chain(*parts)


def explain_pooler_pre(cell: Cell) -> Result:
    y = cell.get("sentence vector", "pooler.out", *cell.index)
    slope = constant("1 − y²", 1 - float(y.values_N[0]) ** 2)
    return chain((passed(cell, "the sentence vector", "pooler.out", *cell.index), slope), also=(y,))


def explain_pooler_logit(cell: Cell) -> Result:
    return chain(*started(cell))


def of_token(cell: Cell) -> tuple[int, int]:
    """The position, 0 where a text is labelled as a whole, and the dimension."""
    *token, d = cell.index
    return token[0] if token else 0, d


def explain_task_in(cell: Cell) -> Result:
    return chain(
        through(cell, "task", "pre" if cell.config.task.hidden else "logits", *of_token(cell))
    )


def explain_task_hidden(cell: Cell) -> Result:
    return chain(through(cell, "task", "logits", *of_token(cell)))


def explain_task_pre(cell: Cell) -> Result:
    return bent(cell, "task.hidden", cell.config.task.hidden)


# --- the kinds ------------------------------------------------------------------------------------


NEURONS = (
    gradient(
        "hidden",
        "LF",
        FEED_FORWARD,
        explain_neuron,
        "the neuron",
        "What the neuron writes, along what the update should gain.",
        r"\nabla n_{l,f} = \sum_d W^2_{f,d}\, \nabla u_{l,d}",
        "mlp",
    ),
    gradient(
        "hidden.gate",
        "LF",
        FEED_FORWARD,
        explain_gate,
        "the gate",
        "The gradient of the neuron, times what the gate lets through.",
        r"\nabla g_{l,f} = w_{l,f}\, \nabla n_{l,f}",
        "mlp",
    ),
    gradient(
        "hidden.up",
        "LF",
        FEED_FORWARD,
        explain_up,
        "the gated projection",
        "The gradient of the neuron, times how far the gate is open.",
        r"\nabla w_{l,f} = g_{l,f}\, \nabla n_{l,f}",
        "mlp",
    ),
    gradient(
        "pre",
        "LF",
        FEED_FORWARD,
        explain_neuron_input,
        "the neuron before activation",
        "The gradient after the activation, times how steep the activation is there.",
        r"\nabla p_{l,f} = \mathrm{slope}(p_{l,f})\, \nabla n_{l,f}",
        "mlp",
        letters={r"\mathrm{slope}": "slope of the activation function", "n": "what it makes"},
    ),
)
LOGIT = r"\nabla \ell_{r,v} = \frac{p_{r,v} - y_{r,v}}{n}"
OF_LOSS = {
    "p": "probability",
    "y": "1 for the right one, else 0",
    "n": "how many positions are asked",
}
OUTPUT = (
    gradient(
        "in",
        "RD",
        HEAD,
        explain_head_in,
        "what the output head reads",
        READ,
        r"\nabla x_{r,d} = \sum_v W_{d,v}\, \nabla s_{r,v}",
        "head",
        letters={"s": "what the head makes", "v": "each number that it makes"},
    ),
    gradient(
        "pre",
        "RD",
        HEAD,
        explain_head_pre,
        "the head’s own layer",
        READ,
        r"\nabla p_{r,d}",
        "head",
        letters={"p": "what that layer makes"},
    ),
    gradient(
        "hidden",
        "RD",
        HEAD,
        explain_head_hidden,
        "the head’s layer after activation",
        "By way of the number itself, and of the norm’s mean and scale.",
        r"\nabla n_{r,d}",
        "head",
        letters={"n": "activation"},
    ),
    gradient(
        "logits.uncapped",
        "RV",
        HEAD,
        explain_uncapped_logit,
        "the logit before the cap",
        "The gradient of the logit, times how steep the cap is there.",
        r"\nabla s_{r,v} = \Bigl(1 - \Bigl(\frac{\ell_{r,v}}{n}\Bigr)^2\Bigr) \nabla \ell_{r,v}",
        "head",
        letters={"s": "logit before the cap", "n": "the cap"},
    ),
    gradient(
        "logits",
        "RV",
        HEAD,
        explain_logit,
        "the logit",
        "For the loss, the probability, less 1 for the right word; for a logit, 1 at its place.",
        LOGIT,
        "head",
        letters=OF_LOSS,
    ),
    gradient(
        "pre",
        "D",
        POOLER,
        explain_pooler_pre,
        "the sentence vector before tanh",
        "The gradient after tanh, times how steep tanh is there.",
        r"\nabla p_d = (1 - y_d^2)\, \nabla y_d",
        "head",
        letters={"p": "sentence vector before tanh"},
    ),
    gradient(
        "out", "D", POOLER, explain_pooled, "the sentence vector", READ, r"\nabla y_d", "head"
    ),
    gradient(
        "logits",
        "C",
        POOLER,
        explain_pooler_logit,
        "the next-sentence score",
        "Where the way back begins.",
        r"\nabla \ell_c",
        "head",
        letters={r"\ell": "next-sentence score"},
    ),
)


def labels_tokens(config) -> bool:
    """Whether a fine-tuned head labels each token."""
    return bool(config.task and config.task.of_tokens)


def labels_text(config) -> bool:
    """Whether a fine-tuned head labels a text as a whole."""
    return bool(config.task and not config.task.of_tokens)


def labelled(leaf: str, last: str, recipe, of: str, story: str, latex: str, **more) -> tuple:
    """The gradient of a number of a fine-tuned head, for a text and for each token."""
    tokens = latex.replace("_{d", "_{l,d").replace("_{c", "_{l,c")
    return tuple(
        gradient(leaf, axes, TASK, recipe, of, story, written, "head", when=when, **more)
        for axes, written, when in ((last, latex, labels_text), (f"L{last}", tokens, labels_tokens))
    )


LABELS = (
    *labelled("in", "D", explain_task_in, "what the fine-tuned head reads", READ, r"\nabla x_{d}"),
    *labelled(
        "pre",
        "D",
        explain_task_pre,
        "the head’s own layer",
        "The gradient after the activation, times how steep the activation is there.",
        r"\nabla p_{d}",
        letters={"p": "what that layer makes"},
    ),
    *labelled(
        "hidden",
        "D",
        explain_task_hidden,
        "the head’s layer after activation",
        READ,
        r"\nabla n_{d}",
        letters={"n": "activation"},
    ),
    *labelled(
        "logits",
        "C",
        explain_logit,
        "the label’s score",
        "For the loss, the probability, less 1 for the right label; for a score, 1 at its place.",
        r"\nabla \ell_{c} = \frac{p_{c} - y_{c}}{n}",
        letters=OF_LOSS | {r"\ell": "the label’s score"},
    ),
)


KINDS = (*NEURONS, *OUTPUT, *LABELS)
