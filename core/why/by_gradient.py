"""Which tokens the outcome hangs on, by gradients: what a small change of a token's vector does.

    times_input(model, text, word, rival)    x · ∇x of each token (Simonyan et al. 2014; Shrikumar
                                             et al. 2017)
    integrated(model, text, word, rival)     (x − x′) · the mean of ∇x on the way from x′ to x
                                             (Sundararajan, Taly & Yan 2017): adds up to what the
                                             outcome gained on that way
    looks_by_gradient(grads, path)           a · ∇a of each attention weight

x is the token's own vector, `embed.token`: positions and segments stay. A gradient says what
happens nearby, not what happens without the token. The first therefore adds up to nothing that was
measured; the second does, but depends on the text that it starts from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import GlassError
from core.why.outcome import Outcome, outcome_of, trace_of

TOKEN = "embed.token"


@dataclass(frozen=True)
class Saliency:
    """What each token of each side gave, (L,), in logits. gained: what the outcome is above that of
    the blank text; None where nothing is said of one.
    """

    by_token: Mapping[str, np.ndarray]  # "encoder", "decoder"
    gained: float | None = None

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
    found = gradients_of(outcome, {})
    tokens = tokens_of(outcome.trace)
    return Saliency(by_side({step: tokens[step] * g_LD for step, g_LD in found.items()}))


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
    outcome = outcome_of(trace_of(model, text_or_trace), word, rival, row)
    tokens, blanks = tokens_of(outcome.trace), blank(outcome.trace, baseline)
    total = {step: np.zeros(x_LD.shape) for step, x_LD in tokens.items()}
    for share in way(steps):
        between = {step: b + share * (tokens[step] - b) for step, b in blanks.items()}
        for step, g_LD in gradients_of(outcome, between).items():
            total[step] += g_LD / steps
    moved = {step: (tokens[step] - blanks[step]) * g_LD for step, g_LD in total.items()}
    side = outcome.trace.config.sides[0]
    return Saliency(by_side(moved), outcome.before - outcome.after(side, None, blanks))


def way(steps: int) -> list[float]:
    """The places between 0 and 1 at which a gradient is taken: the middles of equal steps."""
    if not 1 <= steps <= 1000:
        raise GlassError(f"A way has 1 to 1,000 steps, not {steps}.")
    return [(step + 0.5) / steps for step in range(steps)]


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
