"""From probabilities to a choice: temperature, top-k and top-p (Holtzman et al. 2020, sections 3
and 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.ops import log_softmax, softmax


def tempered(trace, at: str, row: int, percent: int):
    """Softmax of logits / T over the whole vocabulary, T = percent / 100, (V,)."""
    return softmax(trace[f"{at}.logits"][row].astype(np.float64) * (100 / percent))


def sampled(trace, at: str, row: int, percent: int, k: int, permille: int):
    """The probabilities that are drawn from: at a temperature, of the k likeliest (0: of all) the
    fewest that hold p = permille / 1000, shared out anew over what is kept, (V,).
    """
    tempered_V = trace[f"{at}.tempered.{row}.{percent}"]
    kept_V = kept(tempered_V, k, permille / 1000)
    return np.where(kept_V, tempered_V, 0) / tempered_V[kept_V].sum()


def without(trace, step: str, barred: set[int]):
    """What is drawn from, at a step of `sampled`, where some tokens are forbidden: they count as
    impossible before anything is cut away, (V,)."""
    at, _, row, percent, k, permille = step.split(".")
    logits_V = trace[f"{at}.logits"][int(row)].astype(np.float64) * (100 / int(percent))
    logits_V[sorted(i for i in barred if i < len(logits_V))] = -np.inf
    if not barred or not np.isfinite(logits_V.max()):
        return trace[step]
    tempered_V = softmax(logits_V)
    kept_V = kept(tempered_V, int(k), int(permille) / 1000)
    return np.where(kept_V, tempered_V, 0) / tempered_V[kept_V].sum()


def kept(probs_V, k: int, p: float) -> np.ndarray:
    """Which words stay in the draw, (V,): the k likeliest (0: all), of these the fewest that
    together hold p of theirs.
    """
    order = np.argsort(-probs_V, kind="stable")[: k or None]
    if p < 1:
        share = np.cumsum(probs_V[order]) / probs_V[order].sum()
        order = order[: int(np.searchsorted(share, p - 1e-12)) + 1]
    kept_V = np.zeros(len(probs_V), dtype=bool)
    kept_V[order] = True
    return kept_V


def next_ids(trace) -> np.ndarray:
    """Of what a translator's decoder read, the token that follows each position, (R,): behind the
    last the sign that ends the text, or the likeliest token where a model has no such sign.
    """
    ids_L, end = trace["decoder.embed.ids"], trace.config.end_id
    last = int(trace["head.logits"][-1].argmax()) if end is None else end
    return np.append(ids_L[1:], last)[trace.rows]


def written(trace, at: str):
    """The logarithm of the probability that each position gave to the token that follows it,
    (R,).
    """
    log_probs_RV = log_softmax(trace[f"{at}.logits"].astype(np.float64))
    return log_probs_RV[np.arange(len(log_probs_RV)), next_ids(trace)]


def written_sum(trace, at: str):
    """The same, added up from the first position on, (R,): the last of them belongs to the whole
    sentence.
    """
    return np.cumsum(trace[f"{at}.written"])


@dataclass(frozen=True)
class Draw:
    """A word that was drawn: the random number, and the stretch of the line from 0 to 1 that
    belongs to the word.
    """

    word: int
    point: float
    start: float
    end: float


def throw(probs_V, seed: int, turn: int) -> Draw:
    """All words lie side by side on a line from 0 to 1, the likeliest first, each as long as it is
    likely; a random number points at one. The same seed and turn always give the same number (a
    counter-based generator, Salmon et al. 2011).
    """
    point = float(np.random.Generator(np.random.Philox(key=[seed, turn])).random())
    order = np.argsort(-probs_V, kind="stable")
    ends = np.cumsum(probs_V[order], dtype=np.float64)
    last = int(np.count_nonzero(probs_V)) - 1  # rounding may leave the line a little short of 1
    at = min(int(np.searchsorted(ends, point, side="right")), last)
    return Draw(
        int(order[at]),
        point,
        float(ends[at - 1]) if at else 0.0,
        1.0 if at == last else float(ends[at]),
    )
