"""The questions that the five steps of attention answer, and what they say: each claim is read off
the trace. A text has at most 45 words.
"""

from __future__ import annotations

import math

import numpy as np

from core.text import counted, number, percent, root
from ui.stages.attention.names import (
    best_fit,
    best_seen,
    looking,
    looks_across,
    normed_first,
    row_of,
    seen,
    turns,
)

OVERFLOWED = "In this run the numbers overflowed: they no longer fit into 32 bits."
FIRST_TAKES = 0.3  # from this share on, attention that the first token gets is spoken of
NEARLY_ALL = 0.95
SHORT = 0.5  # of the usual length of a value


def query_question(view) -> str:
    """What the query is for."""
    return f"What does {looking(view)} look for?"


def query_text(view) -> str:
    """What the query is and how it is made."""
    c = view.config
    normed = " and passes a norm" if normed_first(view) else ""
    rotated = " Rotation then adds its position." if turns(view) else ""
    rotated = f" A norm follows.{rotated}" if c.qk_norm else rotated
    return (
        f"{looking(view)} arrives as a vector x of {c.d_model} numbers{normed}. Head {view.head}"
        f" multiplies it by its own learned matrix W_Q. The result, {c.d_head} numbers, is the"
        f" **query**: what {looking(view)} looks for in the"
        f" {'source' if looks_across(view) else 'sentence'}.{rotated}"
    )


def keys_question(view) -> str:
    """What the keys are for."""
    return f"Which key fits the query of {looking(view)} best?"


def keys_text(view) -> str:
    """What the keys are, and which fits best."""
    whose = (
        "Each source token, as the encoder’s last layer leaves it,"
        if looks_across(view)
        else "Each token"
    )
    return (
        f"{whose} gets a **key** through a second matrix, W_K: what it can be found by. The query"
        " is multiplied with each key, number by number, and the products are added up. The best"
        f" match is {seen(view, best_fit(view))}.{shared_text(view)}"
    )


def shared_text(view) -> str:
    """How many heads share these keys."""
    shared = view.config.n_heads // view.config.n_kv_heads
    return f" {counted(shared, 'head')} share these keys." if shared > 1 else ""


def scores_question(view) -> str:
    """What the scores are for."""
    return f"Which word scores highest for {looking(view)}?"


def scores_text(view) -> str:
    """How the scores are made, which is the highest, and what the mask hides."""
    row_M, c = row_of(view, "scores"), view.config
    best = int(np.argmax(row_M))
    scaled = f", times {number(c.score_scale, 3)}" if c.score_scale != 1 else ""
    scaled = f", then divided by {root(c.d_head)}" if c.divides_by_root else scaled
    distance = ", plus a number for the distance" * (view.attention("scores.biased") in view.trace)
    cap = f", bent to stay below {number(c.score_cap, 3)}" if c.score_cap else ""
    return (
        f"Query times key, number by number, added up{scaled}{distance}{cap}: that is the"
        " **score**."
        f" {seen(view, best)} scores highest, {number(row_M[best], 3)}. {mask_text(view, row_M)}"
    )


def mask_text(view, row_M) -> str:
    """How many scores of the chosen token the mask hides."""
    hidden = int(np.isneginf(row_M).sum())
    if not hidden:
        return f"The mask hides nothing from {looking(view)}."
    of = f"{hidden} of {counted(len(row_M), 'token')}"
    return (
        f"The mask hides {of}: {'its score becomes' if hidden == 1 else 'their scores become'} −∞."
    )


def softmax_question(view) -> str:
    """What softmax answers."""
    return f"Which word does {looking(view)} look at most?"


def softmax_text(view) -> str:
    """What softmax does with the chosen token's scores, and which token gets most."""
    said = (
        "**Softmax** turns scores into shares: e^score, divided by the total. Taking off the"
        " largest first changes no share and keeps e^score small."
    )
    row_M, a_M = row_of(view, "scores"), row_of(view, "pattern")
    if not np.isfinite(a_M).all():
        return f"{said} {OVERFLOWED}"
    first, *others = np.argsort(-row_M, kind="stable")
    others = [m for m in others if np.isfinite(row_M[m])]
    if not others:
        return f"{said} Only {seen(view, int(first))} is not hidden, so it gets 100%."
    lead = float(row_M[first]) - float(row_M[others[0]])
    return (
        f"{said} {seen(view, int(first))} leads {seen(view, int(others[0]))} by"
        f" {number(lead, 3)}, which makes its share {times(lead)} as large:"
        f" {percent(a_M[first])} of this head’s attention."
    )


def times(lead: float) -> str:
    """How many times as large a share is that leads by so much in score."""
    factor = math.exp(min(lead, 30))
    return f"e^{number(lead, 3)} ≈ {number(factor, 2)} times" if lead < 9 else "many thousand times"


def values_question(view) -> str:
    """What the values are for."""
    whom = "source" if looks_across(view) else "sentence"
    return f"What does {looking(view)} take from the {whom}?"


def values_text(view) -> str:
    """How the values make the weighted sum, and which token makes most of it."""
    said = (
        "A third matrix, W_V, gives each token a **value**: what it hands over. Each value counts"
        " as much as its share; their sum is **z**."
    )
    share_M = row_of(view, "z.share")
    if not np.isfinite(share_M).all():
        return f"{said} {OVERFLOWED}"
    if sink := sink_text(view):
        return f"{said} {sink}"
    most = int(share_M.argmax())
    if min(share_M[most], row_of(view, "pattern")[most]) > NEARLY_ALL:
        return f"{said} Here z is nearly all {seen(view, most)}."
    return f"{said} {seen(view, most)} makes {percent(share_M[most], 0)} of it."


def sink_text(view) -> str:
    """That the first token gets much attention but has a short value; empty where it is not so."""
    a_M = row_of(view, "pattern")
    length_M = np.linalg.norm(view.trace[view.attention("v")][view.key_head], axis=1)
    usual = float(np.median(length_M[1:])) if len(length_M) > 1 else 0.0
    if best_seen(view) != 0 or a_M[0] < FIRST_TAKES or length_M[0] > SHORT * usual:
        return ""
    return (
        f"{seen(view, 0)} gets {percent(a_M[0], 0)}, but its value is short"
        f" ({number(length_M[0], 2)}; the median is {number(usual, 2)}), so it adds little."
    )
