"""Values that are not on the way to the output, computed from a trace when asked, under names of their own."""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.analysis.similarity import cosines

_ATTENTION = re.compile(r"(encoder|decoder)\.\d+\.(attn|cross)")
_LAYER = re.compile(r"(encoder|decoder)\.\d+")


@dataclass(frozen=True)
class Derived:
    axes: str
    place: re.Pattern       # where in the model there is such a value
    after: str              # the step there that it belongs to
    compute: Callable       # (trace, place) -> array


def exponentials(trace, at: str):
    """exp(score − the row's largest), the numerators of softmax, (H, L, M)."""
    scores_HLM = trace[f"{at}.scores"]
    return np.exp(scores_HLM - scores_HLM.max(axis=-1, keepdims=True))


def totals(trace, at: str):
    """The sum of a row's exponentials, the denominator of softmax, (H, L)."""
    return trace[f"{at}.pattern.exp"].sum(axis=-1)


def contributions(trace, at: str):
    """What each head alone writes into the stream: z_h · W_O[h], (H, L, D). Their sum, and the bias, is `out`
    (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits")."""
    z_HLK = trace[f"{at}.z"]
    out_HKD = trace.weights[f"{at}.out.weight"].reshape(*z_HLK.shape[::2], -1)
    return z_HLK @ out_HKD


def similarity(trace, at: str):
    """The cosine between each token's vector after this layer and the one it came in with, (L,)."""
    side = at.split(".")[0]
    return cosines(trace[f"{at}.out"], trace[f"{side}.embed.out"])


def step_length(trace, at: str):
    """How far this layer moved each token, as a share of its vector's length before, (L,)."""
    after_LD, before_LD = trace[f"{at}.out"].astype(np.float64), trace[f"{at}.attn.in"].astype(np.float64)
    return np.linalg.norm(after_LD - before_LD, axis=-1) / np.linalg.norm(before_LD, axis=-1)


DERIVED = {"pattern.exp": Derived("HLM", _ATTENTION, "pattern", exponentials),
           "pattern.total": Derived("HL", _ATTENTION, "pattern", totals),
           "heads": Derived("HLD", _ATTENTION, "z", contributions),
           "out.similarity": Derived("L", _LAYER, "out", similarity),
           "out.step": Derived("L", _LAYER, "out", step_length)}


def behind(step: str) -> list[str]:
    """The derived values that belong to a step."""
    place, _, last = step.rpartition(".")
    return [f"{place}.{leaf}" for leaf, derived in DERIVED.items()
            if derived.after == last and derived.place.fullmatch(place)]


def find(name: str) -> tuple[Derived, str] | None:
    """What a derived value's name stands for, and its place; None if it is no such name."""
    for leaf, derived in DERIVED.items():
        place = name.removesuffix(f".{leaf}")
        if place != name and derived.place.fullmatch(place):
            return derived, place
    return None
