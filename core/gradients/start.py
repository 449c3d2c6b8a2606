"""What a gradient is asked of: a loss, a logit, a difference of logits; and where the way back
begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from ..errors import GlassError
from ..ops import log_softmax, softmax

Rows = tuple[np.ndarray, int]  # of which positions there are scores, and for how many words


@dataclass(frozen=True)
class Start:
    """What is asked for, its value, and its gradient at each step that it is made of."""

    asked: str  # "targets", "of" or "given"
    value: float
    gradients: Mapping[str, np.ndarray]
    targets: Mapping[int, int]  # row of the scores -> the id that is right there


def start_of(trace, targets=None, of=None, given=None) -> Start:
    """The start of a way back, checked. The arguments are those of `Trace.backward`."""
    if sum(each is not None for each in (targets, of, given)) != 1:
        raise GlassError("Ask for the gradient of one thing: of targets, of a logit, or given.")
    check_run(trace)
    if given is not None:
        return given_start(trace, given)
    return of_logits(trace, of) if targets is None else of_loss(trace, targets)


def check_run(trace) -> None:
    """A GlassError, where a run can't be gone back through."""
    if not hasattr(trace.config, "norm_at"):
        raise GlassError("Gradients are computed for transformers; this model is none.")
    if f"{trace.config.sides[0]}.embed.out" not in trace:
        raise GlassError("This run kept only its output: run it with keep=“layers” or “all”.")
    for name, edit in trace.edits.items():
        if callable(edit):
            raise GlassError(
                f"The edit of {name} is a function, and how steep it is, nobody knows: give the"
                f" numbers that it made (trace[“{name}”]) as the edit, then nothing before them"
                " gets a gradient through them."
            )


# --- scores ---------------------------------------------------------------------------------------


def scores_step(config) -> str:
    """The step with the scores of words, or of a fine-tuned model's labels."""
    if config.head:
        return "head.logits"
    if config.task:
        return "task.logits"
    raise GlassError(
        "This model has no output head: there is no logit, and no loss. Say of which numbers the"
        " gradient is wanted: given={“encoder.out”: …}."
    )


def rows_of(trace, step: str) -> Rows:
    """The positions that have scores, and how many scores each has. A text that has labels as a
    whole is one row, 0.
    """
    shape = trace.shape(step)
    rows_R = trace.rows if step == "head.logits" else np.arange(shape[0] if len(shape) > 1 else 1)
    return rows_R, shape[-1]


def place_of(trace, step: str, row, id_) -> tuple[int, int]:
    """Where a position's score for an id stands, (R, V); GlassError where there is none."""
    rows_R, n_ids = rows_of(trace, step)
    for each in (row, id_):
        if not isinstance(each, Integral) or isinstance(each, bool):
            raise GlassError(f"A row and an id are whole numbers, not {str(each)[:40]}.")
    if row not in rows_R:
        raise GlassError(
            f"Position {row} is none of the {len(rows_R)} whose output this run gives"
            f" ({rows_R.min()} to {rows_R.max()})."
        )
    if not 0 <= id_ < n_ids:
        raise GlassError(f"Ids go from 0 to {n_ids - 1} here; {id_} is outside.")
    return int(np.flatnonzero(rows_R == row)[0]), int(id_)


def cell_of(trace, step: str, r: int, v: int) -> tuple[int, ...]:
    """The index of a score. The labels of a whole text have no axis of rows."""
    return (r, v) if len(trace.shape(step)) > 1 else (v,)


def of_logits(trace, of) -> Start:
    """One logit, (row, id), or how far it is above another's, (row, id, rival)."""
    if not isinstance(of, (tuple, list)) or len(of) not in (2, 3):
        raise GlassError("of= takes (row, id) or (row, id, rival).")
    step = scores_step(trace.config)
    logits, g = trace[step], np.zeros_like(trace[step])
    value = 0.0
    for id_, sign in zip(of[1:], (1, -1), strict=False):
        cell = cell_of(trace, step, *place_of(trace, step, of[0], id_))
        value += sign * float(logits[cell])
        g[cell] += sign
    return Start("of", value, {step: g}, {})


def of_loss(trace, targets) -> Start:
    """Cross-entropy, −ln p of the right id, averaged over the positions asked for, in nats."""
    if not isinstance(targets, Mapping) or not targets:
        raise GlassError("targets= takes the right id for each of at least one position.")
    step = scores_step(trace.config)
    if step == "task.logits" and trace.config.task.gives != "one":
        raise GlassError(
            "Cross-entropy asks for one right label of several; this model’s head gives something"
            " else. Ask for a score: of=(row, label)."
        )
    places = dict(place_of(trace, step, row, id_) for row, id_ in targets.items())
    rows_N, ids_N = np.array(list(places)), np.array(list(places.values()))
    logits_RV = np.atleast_2d(trace[step])
    logs_NV = log_softmax(logits_RV[rows_N].astype(np.float64))
    loss = -logs_NV[np.arange(len(ids_N)), ids_N].mean()
    g_NV = softmax(logits_RV[rows_N])
    g_NV[np.arange(len(ids_N)), ids_N] -= 1
    g_RV = np.zeros_like(logits_RV)
    g_RV[rows_N] = g_NV / len(ids_N)
    return Start("targets", float(loss), {step: g_RV.reshape(trace.shape(step))}, places)


# --- anything else --------------------------------------------------------------------------------


def given_steps(config) -> list[str]:
    """The steps at which a way back may begin: all that leave the model."""
    found = [f"{config.sides[-1]}.out", "head.logits", "pooler.out", "pooler.logits", "task.logits"]
    wanted = (True, config.head, config.pooler, config.pooler == "next", config.task)
    return [step for step, there in zip(found, wanted, strict=True) if there]


def given_start(trace, given) -> Start:
    """What the caller makes of the run's outputs: the gradient of that, at each of them. Its value
    is not known here; as far as it is a sum of products with the gradient, it is that sum.
    """
    steps, found = given_steps(trace.config), {}
    for step, g in given.items():
        if step not in steps:
            raise GlassError(f"A way back begins at {', '.join(steps)}, not at {str(step)[:40]}.")
        found[step] = np.array(g, dtype=trace[step].dtype)
        if found[step].shape != trace.shape(step):
            raise GlassError(f"{step} has the shape {trace.shape(step)}; {np.shape(g)} was given.")
    if not found:
        raise GlassError("given= takes the gradient of at least one step.")
    value = sum(float((g.astype(np.float64) * trace[step]).sum()) for step, g in found.items())
    return Start("given", value, found, {})
