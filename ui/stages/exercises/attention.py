"""Questions of the chapter Attention: where a token looks, and the arithmetic that decides it."""

from __future__ import annotations

import math

import numpy as np

from core.text import number, percent, root
from ui.kit.quiz import quiz_of_most
from ui.session.navigation import ATTENTION
from ui.stages.exercises.exercise import Draw, Exercise, Place, Typed, leads, two_largest

CLEAR = 0.05  # of an attention weight: by so much the most looked at leads
SCORE, SOFTMAX, SUM = 2, 3, 4  # steps of the walk on the page Attention
LEAST_WEIGHT = 0.03
LARGEST = 500  # times: what is more, nobody believes
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
    return Exercise(
        f"Which token does {d.named(side, t)} look at most, in {where(layer, head)}?",
        answer,
        "Some heads look at a word that belongs to this one, some at a fixed distance, some at the"
        " first token. The weights of this row show it.",
        f"{d.named(side, best)} gets {percent(weight_M[best], 0)},"
        f" {d.named(side, next_m)}, the next, {percent(weight_M[next_m], 0)}.",
        place(d, side, layer, head, t, SOFTMAX),
        (step, (head, t, best)),
    )


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


def what_is_left(d: Draw) -> Exercise | None:
    """That the weights of a row add up to 100 %."""
    side = d.side()
    layer, head, t = d.layer(side), d.head(), d.word(side, 2)
    step = f"{side}.{layer}.attn.pattern"
    if t is None or not d.finite(step):
        return None
    weight_M = d.trace[step][head, t].astype(np.float64)
    best, next_m = two_largest(weight_M)
    one, other = (round(100 * weight_M[each], 1) for each in (best, next_m))
    rest = 100 - one - other  # by the digits that are shown
    if (weight_M > 0).sum() < 3 or rest < 3 or weight_M[next_m] < LEAST_WEIGHT:
        return None
    return Exercise(
        f"In {where(layer, head)}, {d.named(side, t)} gives {d.named(side, best)} {one:.1f}% of its"
        f" attention and {d.named(side, next_m)} {other:.1f}%. How much is left for all others?",
        Typed(float(rest), 0.5, "%"),
        "Softmax makes shares of one whole.",
        f"100% − {one:.1f}% − {other:.1f}% = **{rest:.1f}%**: the weights of a row always add up"
        " to 100%.",
        place(d, side, layer, head, t, SOFTMAX),
        (step, (head, t, best)),
    )


def times_as_much(d: Draw) -> Exercise | None:
    """What a difference of scores does to weights."""
    side = d.side()
    layer, head, t = d.layer(side), d.head(), d.word(side, 2)
    path = f"{side}.{layer}.attn"
    if t is None or not d.finite(f"{path}.pattern"):
        return None
    score_M, weight_M = d.trace[f"{path}.scores"][head, t], d.trace[f"{path}.pattern"][head, t]
    pairs = [
        (int(a), int(b))
        for a in np.flatnonzero(weight_M >= LEAST_WEIGHT)
        for b in np.flatnonzero(weight_M >= LEAST_WEIGHT)
        if 0.7 < score_M[a] - score_M[b] < 2.5
    ]
    if not pairs:
        return None
    a, b = d.one("pair", pairs)
    more, less = float(score_M[a]), float(score_M[b])
    answer = times(d, more - less, [more / less] if less > 0.1 else [])
    return answer and Exercise(
        f"In {where(layer, head)}, {d.named(side, t)} has the score {number(more, 3)} for"
        f" {d.named(side, a)} and {number(less, 3)} for {d.named(side, b)}. How many times as much"
        f" attention does {d.named(side, a)} get?",
        answer,
        "Softmax raises e to the power of each score. What becomes of a difference?",
        f"Only the difference counts: it is {number(more - less, 3)}, and"
        f" e^{number(more - less, 3)} ≈ **{number(math.exp(more - less), 2)}**. The weights agree:"
        f" {percent(weight_M[a])} against {percent(weight_M[b])}.",
        place(d, side, layer, head, t, SOFTMAX),
        (f"{path}.pattern", (head, t, a)),
    )


def times(d: Draw, difference: float, more: list[float]):
    """A choice of factors: e to the power of a difference, and what one might take for it."""
    right = math.exp(difference)
    wrong = [difference, 10**difference, *more, 2**difference, right + difference]
    far = [x for x in wrong if abs(x - right) > 0.12 * right and x < LARGEST]
    chosen: list[float] = []
    for x in far:
        if all(abs(x - other) > 0.12 * other for other in chosen):
            chosen.append(x)
    factors = sorted([right, *chosen[:3]])
    words = [f"{number(x, 2)} times" for x in factors]
    return d.choice(words, factors.index(right)) if len(set(words)) == len(words) > 1 else None


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
        "A large weight helps, and a long value that points the way of the sum.",
        f"{d.named(side, best)} gives {percent(share_M[best], 0)} of the sum, with a weight of"
        f" {percent(weight_M[best], 0)}. {end}",
        place(d, side, layer, head, t, SUM),
        (f"{path}.z.share", (head, t, best)),
    )


def query_size(d: Draw) -> Exercise | None:
    """How many numbers a query has."""
    side, c = d.side(), d.config
    layer, head, t = d.layer(side), d.head(), d.word(side)
    sizes = [c.d_model, c.n_heads, c.d_mlp, len(d.view.tokens(side))]
    answer = d.numbers(c.d_head, d.shuffled("sizes", sizes))
    if t is None or answer is None:
        return None
    return Exercise(
        f"How many numbers does the query of {d.named(side, t)} have in {where(layer, head)}?",
        answer,
        "The heads of a layer work side by side, each with queries of its own. A strip on Attention"
        " shows one.",
        f"**{c.d_head}**: {c.n_heads} heads of {c.d_head} numbers make"
        f" {c.n_heads * c.d_head:,} side by side, from a vector of {c.d_model:,}.",
        place(d, side, layer, head, t, 0),
        (f"{side}.{layer}.attn.q", (head, t, 0)),
    )
