"""Questions of the chapter Attention: where a token looks, and the arithmetic that decides it."""

from __future__ import annotations

import math

import numpy as np

from core.text import number, percent, root
from ui.kit.quiz import Quiz, quiz_of_most
from ui.session.navigation import ATTENTION
from ui.stages.exercises.exercise import Draw, Exercise, Place, Typed, leads, of_each, two_largest

CLEAR = 0.05  # of an attention weight: by so much the most looked at leads
SCORE, SOFTMAX, SUM = 2, 3, 4  # steps of the walk on the page Attention
LEAST_WEIGHT = 0.03
LEAST_TERM = 0.1  # of a product of two numbers
APART = 0.12  # of the right share: by so much the others that are offered differ
SURE = 0.97  # where all goes to one token there is little to learn


def place(d: Draw, side: str, layer: int, head: int, t: int, stage: int) -> Place:
    """The page Attention at a step of one token's walk."""
    at = {"side": side, "layer": layer, "head": head, "token": t, "stage": stage}
    return Place(ATTENTION, at)


def where(layer: int, head: int) -> str:
    """A head as it is named in a question."""
    return f"head {head} of layer {layer}"


def looks_most(d: Draw) -> Exercise | None:
    """Which token another looks at most."""
    side = d.side()
    layer, head, t = d.layer(side), d.head(), d.word(side, 2)
    step = f"{side}.{layer}.attn.pattern"
    if t is None or not d.finite(step):
        return None
    weight_M = d.trace[step][head, t]
    seen_M = np.where(weight_M > 0, weight_M, -np.inf)
    answer = quiz_of_most(d.view, d.view.names_of(side), seen_M, CLEAR)
    if answer is None or not leads(weight_M, CLEAR) or weight_M.max() > SURE:
        return None
    best, next_m = two_largest(weight_M)
    offered = places_of(d, side, answer)
    score_M = d.trace[f"{side}.{layer}.attn.scores"][head, t]
    return Exercise(
        f"Which token does {d.named(side, t)} look at most, in {where(layer, head)}?",
        answer,
        "The weights are softmax of the scores, which keeps their order. The scores:"
        f" {of_each([d.named(side, m) for m in offered], score_M[offered])}.",
        f"{d.named(side, best)} gets {percent(weight_M[best], 0)},"
        f" {d.named(side, next_m)}, the next, {percent(weight_M[next_m], 0)}.",
        place(d, side, layer, head, t, SOFTMAX),
        (step, (head, t, best)),
    )


def places_of(d: Draw, side: str, answer: Quiz) -> list[int]:
    """Where the tokens stand that are offered."""
    names = d.view.names_of(side)
    return [names.index(option) for option in answer.options]


def scaled(d: Draw) -> Exercise | None:
    """The division of a score by √K."""
    side = d.side()
    layer, head, t = d.layer(side), d.head(), d.word(side, 1)
    path, K = f"{side}.{layer}.attn.scores", d.config.d_head
    if t is None or not d.config.divides_by_root or not d.finite(f"{path}.dot", f"{path}.scaled"):
        return None
    m = d.one("key", range(t + 1))
    dot = float(d.trace[f"{path}.dot"][head, t, m])
    value = float(d.trace[f"{path}.scaled"][head, t, m])
    if not 1 < abs(value) < 100 or K < 2:
        return None
    return Exercise(
        f"In {where(layer, head)} the query of {d.named(side, t)} times the key of"
        f" {d.named(side, m)} is {number(dot, 4)}; both have {K} numbers. What is the score?",
        Typed(value, 0.05 if abs(value) < 10 else 0.2),
        "The longer two vectors are, the larger their product gets by chance: so it is divided by"
        " the root of their length.",
        f"{number(dot, 4)} / √{K} = **{number(value, 3)}**, for {root(K)}.",
        place(d, side, layer, head, t, SCORE),
        (f"{path}.scaled", (head, t, m)),
    )


def last_weight(d: Draw) -> Exercise | None:
    """That the weights of a row add up to 100 %."""
    side = d.side()
    layer, head, t = d.layer(side), d.head(), d.word(side, 2)
    step = f"{side}.{layer}.attn.pattern"
    if t is None or not d.finite(step):
        return None
    weight_M = d.trace[step][head, t].astype(np.float64)
    best, m = two_largest(weight_M)
    others = 1 - weight_M[best] - weight_M[m]
    if (weight_M > 0).sum() < 3 or min(others, weight_M[m]) < LEAST_WEIGHT:
        return None
    one, rest = (round(100 * share, 1) for share in (weight_M[best], others))
    left = round(100 - one - rest, 1)  # by the digits that are shown
    return Exercise(
        f"In {where(layer, head)}, {d.named(side, t)} gives {d.named(side, best)} {one:.1f}% of its"
        f" attention, and all others but {d.named(side, m)} get {rest:.1f}% together. How much is"
        f" left for {d.named(side, m)}?",
        Typed(left, 0.5, "%"),
        "Softmax makes shares of one whole.",
        f"100% − {one:.1f}% − {rest:.1f}% = **{left:.1f}%**: the weights of a row always add up"
        " to 100%.",
        place(d, side, layer, head, t, SOFTMAX),
        (step, (head, t, m)),
    )


def other_weight(d: Draw) -> Exercise | None:
    """What a difference of scores does to weights."""
    side = d.side()
    layer, head, t = d.layer(side), d.head(), d.word(side, 2)
    path = f"{side}.{layer}.attn"
    if t is None or not d.finite(f"{path}.pattern"):
        return None
    score_M, weight_M = d.trace[f"{path}.scores"][head, t], d.trace[f"{path}.pattern"][head, t]
    fit = np.flatnonzero(weight_M >= LEAST_WEIGHT).tolist()
    pairs = [(a, b) for a in fit for b in fit if 0.7 < score_M[a] - score_M[b] < 2.5]
    if not pairs:
        return None
    a, b = d.one("pair", pairs)
    scores, weights = (tuple(float(x[i]) for i in (a, b)) for x in (score_M, weight_M))
    answer = share_of_other(d, scores, weights)
    one, other = d.named(side, a), d.named(side, b)
    return answer and Exercise(
        f"In {where(layer, head)}, {d.named(side, t)} has the score {number(scores[0], 4)} for"
        f" {one} and {number(scores[1], 4)} for {other}, which gets"
        f" {number(100 * weights[1], 3)}% of its attention. How much does {one} get?",
        answer,
        "Softmax raises e to the power of each score. What becomes of a difference?",
        by_difference(scores, weights),
        place(d, side, layer, head, t, SOFTMAX),
        (f"{path}.pattern", (head, t, a)),
    )


def share_of_other(d: Draw, scores, shares) -> Quiz | None:
    """A choice of shares: e to the power of the difference of two scores times the share that is
    known, and what one might take for it. scores, shares: what is asked, and what is known.
    """
    (more, less), (right, known) = scores, shares
    apart = more - less
    wrong = [known * apart, known * 2**apart, known * 10**apart, known + right / 2]
    wrong += [known * more / less] if less > 0.1 else []
    chosen: list[float] = []
    for share in wrong:
        if 0 < share < 1 and all(abs(share - x) > APART * x for x in (right, *chosen)):
            chosen.append(share)
    offered = sorted([right, *chosen[:3]])
    words = [f"{number(100 * share, 3)}%" for share in offered]
    return d.choice(words, offered.index(right)) if len(set(words)) == len(words) > 1 else None


def by_difference(scores, shares) -> str:
    """The arithmetic of a share that follows from another one."""
    apart = scores[0] - scores[1]
    return (
        f"Only the difference counts: it is {number(apart, 3)}, and e^{number(apart, 3)} ≈"
        f" {number(math.exp(apart), 3)}. Times {number(100 * shares[1], 3)}% this is"
        f" **{number(100 * shares[0], 3)}%**."
    )


def gives_most(d: Draw) -> Exercise | None:
    """Whose value gives most to what a token collects."""
    side = d.side()
    layer, head, t = d.layer(side), d.head(), d.word(side, 2)
    path = f"{side}.{layer}.attn"
    if t is None or not d.finite(f"{path}.z.share"):
        return None
    share_M, weight_M = d.trace[f"{path}.z.share"][head, t], d.trace[f"{path}.pattern"][head, t]
    offered_M = np.where(weight_M > 0, share_M, -np.inf)
    answer = quiz_of_most(d.view, d.view.names_of(side), offered_M, CLEAR)
    if answer is None or not leads(offered_M, CLEAR) or weight_M.max() > SURE:
        return None
    best, most = int(offered_M.argmax()), int(weight_M.argmax())
    offered = places_of(d, side, answer)
    long_M = d.trace[f"{path}.v.length"][d.config.group(head)]
    if int((weight_M * long_M)[offered].argmax()) != offered.index(best):
        return None  # the hint would mislead
    end = (
        "It has the largest weight, too."
        if best == most
        else f"{d.named(side, most)} has the larger weight, {percent(weight_M[most], 0)}, but its"
        " value points elsewhere or is short."
    )
    return Exercise(
        f"{d.named(side, t)} collects values in {where(layer, head)}. Which token’s value, times"
        " its weight, gives most to the sum?",
        answer,
        "A large weight helps, and a long value that points the way of the sum. Weight and length:"
        f" {of_each([d.named(side, m) for m in offered], weight_M[offered], long_M[offered])}.",
        f"{d.named(side, best)} gives {percent(share_M[best], 0)} of the sum, with a weight of"
        f" {percent(weight_M[best], 0)}. {end}",
        place(d, side, layer, head, t, SUM),
        (f"{path}.z.share", (head, t, best)),
    )


def score_term(d: Draw) -> Exercise | None:
    """What one dimension adds to the product of a query and a key."""
    side = d.side()
    layer, head, t = d.layer(side), d.head(), d.word(side, 1)
    path = f"{side}.{layer}.attn"
    if t is None or not d.finite(f"{path}.q", f"{path}.k"):
        return None
    m = d.one("key", range(t + 1))
    q_K = d.trace[f"{path}.q"][head, t]
    k_K = d.trace[f"{path}.k"][d.config.group(head), m]
    clear = np.flatnonzero((np.abs(q_K * k_K) > LEAST_TERM) & (np.abs(q_K * k_K) < 30))
    if not len(clear):
        return None
    i = d.one("dimension", clear.tolist())
    q, k, value = float(q_K[i]), float(k_K[i]), float(q_K[i] * k_K[i])
    times = f"({number(k, 4)})" if k < 0 else number(k, 4)
    return Exercise(
        f"In {where(layer, head)}, dimension {i} of the query of {d.named(side, t)} is"
        f" {number(q, 4)}, and that of the key of {d.named(side, m)} {number(k, 4)}. What does this"
        " dimension add to their product?",
        Typed(value, float(f"{0.05 * abs(value):.0e}")),
        "A query times a key is a sum: one product for each dimension.",
        f"{number(q, 4)} · {times} = **{number(value, 3)}**. The {len(q_K)} dimensions together are"
        f" the product of the two, {number(float(q_K @ k_K), 3)}.",
        place(d, side, layer, head, t, SCORE),
        (f"{path}.scores.terms.{head}.{t}.{m}", (i,)),
    )
