"""From probabilities to a choice: temperature, top-k and top-p (Holtzman et al. 2020, sections 3 and 4)."""
from __future__ import annotations

import numpy as np

from core.ops import softmax


def tempered(trace, at: str, row: int, percent: int):
    """Softmax of logits / T over the whole vocabulary, T = percent / 100, (V,)."""
    if not percent:
        raise IndexError("A temperature of 0 divides by 0.")
    return softmax(trace[f"{at}.logits"][row].astype(np.float64) * (100 / percent))


def sampled(trace, at: str, row: int, percent: int, k: int, permille: int):
    """The probabilities that are drawn from: at a temperature, of the k likeliest (0: of all) the fewest that hold p =
    permille / 1000, shared out anew over what is kept, (V,)."""
    if not 1 <= permille <= 1000:
        raise IndexError("p lies between 0.001 and 1.")
    tempered_V = trace[f"{at}.tempered.{row}.{percent}"]
    kept_V = kept(tempered_V, k, permille / 1000)
    return np.where(kept_V, tempered_V, 0) / tempered_V[kept_V].sum()


def kept(probs_V, k: int, p: float) -> np.ndarray:
    """Which words stay in the draw, (V,): the k likeliest (0: all), of these the fewest that together hold p of theirs."""
    order = np.argsort(-probs_V, kind="stable")[:k or None]
    share = np.cumsum(probs_V[order]) / probs_V[order].sum()
    order = order[:int(np.searchsorted(share, p - 1e-12)) + 1]
    kept_V = np.zeros(len(probs_V), dtype=bool)
    kept_V[order] = True
    return kept_V


def draw(probs_V, seed: int, turn: int) -> int:
    """One word, drawn with these probabilities; the same seed and turn always draw the same (a counter-based generator,
    Salmon et al. 2011)."""
    point = np.random.Generator(np.random.Philox(key=[seed, turn])).random()
    return int(min(np.searchsorted(np.cumsum(probs_V), point, side="right"), np.flatnonzero(probs_V)[-1]))
