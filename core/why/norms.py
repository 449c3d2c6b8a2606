"""A norm whose scale is held at its recorded value is linear: what it does to one part of a vector,
and, the other way round, what a reading after it reads before it.
"""

from __future__ import annotations

import numpy as np

from core.why.places import config_of


def through_norm(trace, path: str, x_SLD, rows_L):
    """Parts of the vectors at those tokens after the norm of that path, (S, L, D): centred (layer
    norm), divided by the recorded scale, times the gain. The norm's bias is not in it.
    """
    norm = config_of(trace).norm
    if norm == "none":
        return x_SLD
    if norm == "layer":
        x_SLD = x_SLD - x_SLD.mean(axis=-1, keepdims=True)
    scale_L = np.asarray(trace[f"{path}.scale"], np.float64)[rows_L]
    return x_SLD * (trace.weights[f"{path}.weight"] / scale_L[:, None])


def back_through_norm(trace, path: str, reads_D, row):
    """The direction before a norm that reads what `reads_D` reads after it, (D,): its transpose.
    row: the token; with a slice of tokens, one direction for each of them, (L, D).
    """
    norm = config_of(trace).norm
    if norm == "none":
        return reads_D
    scale = np.asarray(trace[f"{path}.scale"], np.float64)[row]
    reads_D = reads_D * trace.weights[f"{path}.weight"] / scale[..., None]
    return reads_D - reads_D.mean(axis=-1, keepdims=True) if norm == "layer" else reads_D


def bias_of(trace, name: str):
    """A learned bias in float64; None where the family has none. name: without ".bias"."""
    bias_D = trace.weights.get(f"{name}.bias")
    if bias_D is None or bias_D.strides == (0,):  # one zero, in the place of what is not there
        return None
    return bias_D.astype(np.float64)


def norm_bias(trace, path: str):
    """What a layer norm adds at its end, (D,); None where there is nothing."""
    return bias_of(trace, path) if config_of(trace).norm == "layer" else None
