"""Which attention head decides between two next words: each is silenced in turn, and what comes out
is compared.

    deciding_head(model, text, probs_V)   the one head without which another word is likeliest
    telling_head(trace, side, token, seen_M)  the head that shows most of what a token looks at
    aligning_head(trace, side)                the head that looks from each word across at its own
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.edits import ablate_head
from core.whatif import Text, run


@dataclass(frozen=True)
class Decision:
    """The only head without which the likeliest next word is another one. With it `first` is
    likelier than `second`, without it less likely; without any other head it stays likelier.
    """

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

    @property
    def nbytes(self) -> int:
        """The bytes of what comes out."""
        return self.without_V.nbytes


def deciding_head(model, text: Text, probs_V) -> Decision | None:
    """Silences each head of a decoder in turn. probs_V: what comes out with all of them, after the
    last token. None where no head, or more than one, decides.
    """
    config, first = model.config, int(np.argmax(probs_V))
    side, H = config.sides[-1], config.n_heads
    places = [(layer, head) for layer in range(config.layers(side)) for head in range(H)]
    trace = run(model, text, None, "trained", "", keep="layers", rows=-1)
    runs_HV = [probs_without(trace, side, *place) for place in places]
    turned = [i for i, without_V in enumerate(runs_HV) if np.argmax(without_V) != first]
    if len(turned) != 1:
        return None
    without_V = runs_HV.pop(turned[0])
    second = rises_most(probs_V, without_V)
    if not without_V[second] > without_V[first] or not probs_V[first] > probs_V[second]:
        return None
    if not all(others_V[first] > others_V[second] for others_V in runs_HV):
        return None
    return Decision(side, *places[turned[0]], first, second, len(places), without_V)


def probs_without(trace, side: str, layer: int, head: int) -> np.ndarray:
    """The probabilities after the last token with a head silent."""
    return trace.rerun(side, layer, ablate_head(side, layer, head), trace.rows)["head.probs"][-1]


def rises_most(before_V, after_V) -> int:
    """The word that gains most: by its share of the distance (Kullback and Leibler's) between two
    distributions.
    """
    before_V, after_V = (np.asarray(each_V, np.float64) for each_V in (before_V, after_V))
    least = np.finfo(np.float64).tiny
    gain_V = after_V * np.log(np.maximum(after_V, least) / np.maximum(before_V, least))
    return int(gain_V.argmax())


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
