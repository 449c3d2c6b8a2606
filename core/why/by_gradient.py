"""Which tokens the outcome hangs on, by gradients: what a small change of a token's vector does.

    times_input(model, text, word, rival)    x · ∇x of each token (Simonyan et al. 2014; Shrikumar
                                             et al. 2017)
    integrated(model, text, word, rival)     (x − x′) · the mean of ∇x on the way from x′ to x
                                             (Sundararajan, Taly & Yan 2017): adds up to what the
                                             outcome gained on that way
    looks_by_gradient(grads, path)           a · ∇a of each attention weight
    without_each(model, text, word, rival)   beside them what was measured: what the outcome loses
                                             when x′ stands in the place of one token's x

x is the token's own vector, `embed.token`: positions and segments stay. A gradient says what
happens nearby, not what happens without the token. The first therefore adds up to nothing that was
measured; the second does, but depends on the text that it starts from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import GlassError
from .outcome import Outcome, outcome_of, trace_of

TOKEN = "embed.token"


@dataclass(frozen=True)
class Saliency:
    """What each token of each side gave, (L,), in logits. gained: what the outcome is above that of
    the blank text; None where nothing is said of one. done: the share of all work that is behind.
    """

    by_token: Mapping[str, np.ndarray]  # "encoder", "decoder"
    gained: float | None = None
    done: float = 1.0

    @property
    def total(self) -> float:
        """What all tokens gave together."""
        return float(sum(given_L.sum() for given_L in self.by_token.values()))

    @property
    def error(self) -> float:
        """How far that is from what was gained: 0, were the way cut into infinitely many steps."""
        return np.nan if self.gained is None else self.total - self.gained


def tokens_of(trace) -> dict[str, np.ndarray]:
    """The vectors of each side's tokens, (L, D)."""
    return {f"{side}.{TOKEN}": trace[f"{side}.{TOKEN}"] for side in trace.config.sides}


def gradients_of(outcome: Outcome, edits: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The gradients of the tokens' vectors, in a run with such vectors."""
    of = (outcome.row, outcome.word, *([] if outcome.rival is None else [outcome.rival]))
    grads = outcome.trace.again(edits, [outcome.row]).backward(of=of)
    return {step: grads[step].astype(np.float64) for step in tokens_of(outcome.trace)}


def by_side(products: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Σ over the dimensions, for each side."""
    return {step.partition(".")[0]: each_LD.sum(axis=-1) for step, each_LD in products.items()}


def times_input(
    model, text_or_trace, word: int, rival: int | None = None, row: int = -1
) -> Saliency:
    """Each token's vector times its gradient: what the outcome would lose if it were nothing, if
    the model were linear. The outcome is the logit of `word` at the position `row`, less that of
    `rival`.
    """
    outcome = outcome_of(trace_of(model, text_or_trace), word, rival, row)
    return times_gradient(outcome.trace, gradients_of(outcome, {}))


def times_gradient(trace, gradients: Mapping[str, np.ndarray]) -> Saliency:
    """Each token's vector times its gradient, which is known: such as `trace.backward(of=…)`."""
    tokens = tokens_of(trace)
    products = {step: x_LD.astype(np.float64) * gradients[step] for step, x_LD in tokens.items()}
    return Saliency(by_side(products))


def integrated(
    model,
    text_or_trace,
    word: int,
    rival: int | None = None,
    row: int = -1,
    baseline: str | int = "mean",
    steps: int = 128,
) -> Saliency:
    """Integrated gradients, over so many runs on the straight way from a blank text to this one.

    baseline: what stands in the place of every token at first: "mean" (the mean row of the table),
    "zero", or a token's id, such as that of padding. A gradient is taken in the middle of each
    step. How far their sum still is from what was gained, `Saliency.error` says; where ReLUs and
    softmax bend the way sharply, it takes a hundred steps or more.
    """
    *_, found = each_integrated(model, text_or_trace, word, rival, row, baseline, steps)
    return found


def each_integrated(
    model,
    text_or_trace,
    word: int,
    rival: int | None = None,
    row: int = -1,
    baseline: str | int = "mean",
    steps: int = 128,
) -> Iterator[Saliency]:
    """The same step by step: what was given on the way so far. Who stops asking stops the work."""
    outcome = outcome_of(trace_of(model, text_or_trace), word, rival, row)
    places, blanks = way(steps), blank(outcome.trace, baseline)
    gained = outcome.before - outcome.after(outcome.trace.config.sides[0], None, blanks)
    return along(outcome, blanks, places, gained)


def along(outcome: Outcome, blanks, places: list[float], gained: float) -> Iterator[Saliency]:
    """The gradients at each place of the way from the blank text, summed as they come."""
    tokens = tokens_of(outcome.trace)
    moves = {step: tokens[step] - b_LD for step, b_LD in blanks.items()}
    total = {step: np.zeros(x_LD.shape) for step, x_LD in tokens.items()}
    for number, share in enumerate(places, 1):
        between = {step: b_LD + share * moves[step] for step, b_LD in blanks.items()}
        for step, g_LD in gradients_of(outcome, between).items():
            total[step] += g_LD / len(places)
        given = by_side({step: moves[step] * g_LD for step, g_LD in total.items()})
        yield Saliency(given, gained, number / len(places))


def way(steps: int) -> list[float]:
    """The places between 0 and 1 at which a gradient is taken: the middles of equal steps."""
    if not 1 <= steps <= 1000:
        raise GlassError(f"A way has 1 to 1,000 steps, not {steps}.")
    return [(step + 0.5) / steps for step in range(steps)]


def without_each(
    model,
    text_or_trace,
    word: int,
    rival: int | None = None,
    row: int = -1,
    baseline: str | int = "mean",
) -> Saliency:
    """What the outcome loses when the vector of one token is that of the blank text, all others
    staying: measured, by one run for each token. Above 0: the token was needed. Tokens that do one
    work between them hide each other, so these numbers add up to nothing. baseline: as in
    `integrated`.
    """
    *_, found = each_without(model, text_or_trace, word, rival, row, baseline)
    return found


def each_without(
    model,
    text_or_trace,
    word: int,
    rival: int | None = None,
    row: int = -1,
    baseline: str | int = "mean",
) -> Iterator[Saliency]:
    """The same token by token; NaN for those that are not measured yet. Who stops asking stops the
    work.
    """
    outcome = outcome_of(trace_of(model, text_or_trace), word, rival, row)
    return losses(outcome, blank(outcome.trace, baseline))


def losses(outcome: Outcome, blanks) -> Iterator[Saliency]:
    """What each token's absence takes, as it is measured."""
    tokens = tokens_of(outcome.trace)
    lost = {step.partition(".")[0]: np.full(len(x_LD), np.nan) for step, x_LD in tokens.items()}
    places = [(step, token) for step, x_LD in tokens.items() for token in range(len(x_LD))]
    for number, (step, token) in enumerate(places, 1):
        side, x_LD = step.partition(".")[0], tokens[step].copy()
        x_LD[token] = blanks[step][token]
        lost[side][token] = outcome.before - outcome.after(side, None, {step: x_LD})
        yield Saliency(
            {each: found.copy() for each, found in lost.items()}, None, number / len(places)
        )


def blank(trace, baseline: str | int) -> dict[str, np.ndarray]:
    """The vectors of each side's tokens in a text that says nothing, (L, D)."""
    return {
        step: np.broadcast_to(blank_row(trace, step, baseline), x_LD.shape).astype(x_LD.dtype)
        for step, x_LD in tokens_of(trace).items()
    }


def blank_row(trace, step: str, baseline: str | int):
    """The vector that stands in the place of every token, (D,)."""
    table_VD, scale = trace.weights[f"{step}.weight"], trace.config.embed_scale
    if baseline == "zero":
        return np.zeros(table_VD.shape[1])
    if baseline == "mean":
        return np.asarray(table_VD).mean(axis=0, dtype=np.float64) * scale
    if isinstance(baseline, str) or not 0 <= baseline < len(table_VD):
        raise GlassError(f"A blank text is “mean”, “zero” or a token's id, not {baseline}.")
    return table_VD[baseline] * scale


def looks_by_gradient(grads, path: str) -> np.ndarray:
    """Each attention weight times its gradient, (H, L, M): what a small change of the look would
    do, in shares of the look. A row sums to its weighted sum times the gradient of that. path: an
    attention, such as decoder.3.attn.
    """
    step = f"{path}.pattern"
    return grads.trace[step].astype(np.float64) * grads[step]
