"""Which attention head decides on the next word: each is silenced in turn, and what comes out is
compared.

    silence_each(model, text, probs_V)    without which heads another word comes first
    telling_head(trace, side, token, seen_M)  the head that shows most of what a token looks at
    aligning_head(trace, side)                the head that looks from each word across at its own
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .edits import ablate_head
from .whatif import Text, run


@dataclass(frozen=True)
class Decision:
    """The only head without which another word comes first: `second` in place of `first`."""

    side: str
    layer: int
    head: int
    first: int  # ids of two words
    second: int
    heads: int  # so many were silenced
    without_V: np.ndarray  # what comes out without it

    @property
    def change(self) -> str:
        """The what-if that silences it."""
        return f"head:{self.side}.{self.layer}.{self.head}"


@dataclass(frozen=True)
class Silenced:
    """What came of silencing each head in turn."""

    heads: int  # so many were silenced
    turned: tuple[tuple[int, int], ...]  # layer and head of those without which another word leads
    decision: Decision | None  # where it is one head

    @property
    def nbytes(self) -> int:
        """The bytes of what comes out without the head that decides."""
        return self.decision.without_V.nbytes if self.decision else 0


def silence_each(model, text: Text, probs_V) -> Silenced:
    """Silences each head of a decoder in turn. probs_V: what comes out with all of them, after the
    last token.
    """
    config, first = model.config, int(np.argmax(probs_V))
    side, H = config.sides[-1], config.n_heads
    places = [(layer, head) for layer in range(config.layers(side)) for head in range(H)]
    trace = run(model, text, None, "trained", "", keep="layers", rows=-1)
    runs = {place: probs_without(trace, side, *place) for place in places}
    turned = tuple(place for place, without_V in runs.items() if np.argmax(without_V) != first)
    if len(turned) != 1:
        return Silenced(len(places), turned, None)
    without_V = runs[turned[0]]
    second = int(np.argmax(without_V))
    decision = Decision(side, *turned[0], first, second, len(places), without_V)
    return Silenced(len(places), turned, decision)


def probs_without(trace, side: str, layer: int, head: int) -> np.ndarray:
    """The probabilities after the last token with a head silent."""
    return trace.rerun(side, layer, ablate_head(side, layer, head), trace.rows)["head.probs"][-1]


def telling_head(trace, side: str, token: int, seen_M) -> tuple[int, int] | None:
    """The layer and the head in which a token looks most at one of the tokens in seen_M (true or
    false for each), and more than the other tokens look at it. A head in which all look alike would
    tell nothing. None where no head looks at one of them most.
    """
    best, found = 0.0, None
    others_L = np.arange(len(seen_M)) != token
    for layer in range(trace.config.layers(side)):
        pattern_HLM = trace[f"{side}.{layer}.attn.pattern"]
        row_HM = pattern_HLM[:, token]
        usual_HM = pattern_HLM[:, others_L].sum(axis=1) / max(others_L.sum(), 1)
        most_HM = seen_M & (row_HM == row_HM.max(axis=1, keepdims=True))
        score_HM = row_HM * (row_HM - usual_HM) * most_HM
        if score_HM.max() > best:
            best, found = float(score_HM.max()), (layer, int(score_HM.max(axis=1).argmax()))
    return found


def aligning_head(trace, side: str) -> tuple[int, int]:
    """The layer and the head of cross-attention that aligns two texts best: each token looks at one
    token of the other text, and each at another one.
    """
    scores = {}
    for layer in range(trace.config.layers(side)):
        for head, pattern_LM in enumerate(trace[f"{side}.{layer}.cross.pattern"]):
            different = len(set(pattern_LM.argmax(axis=1).tolist())) / len(pattern_LM)
            scores[layer, head] = float(pattern_LM.max(axis=1).mean()) * different
    return max(scores, key=scores.__getitem__)
