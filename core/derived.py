"""Values that are not on the way to the output, computed from a trace when asked, under names of their own."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Derived:
    axes: str
    compute: Callable       # (trace, path of the sublayer) -> array


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


DERIVED = {"pattern.exp": Derived("HLM", exponentials), "pattern.total": Derived("HL", totals),
           "heads": Derived("HLD", contributions)}


def derived_axes(name: str) -> str:
    """The axes of a derived value, from its name."""
    return next(derived.axes for leaf, derived in DERIVED.items() if name.endswith("." + leaf))
