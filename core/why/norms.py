"""A norm whose scale is held at its recorded value is linear: what it does to one part of a vector,
and, the other way round, what a reading after it reads before it.
"""

from __future__ import annotations

import numpy as np

from .places import config_of


def through_norm(trace, path: str, x_SLD, rows_L):
    """Parts of the vectors at those tokens after the norm of that path, (S, L, D): centred (layer
    norm), divided by the recorded scale, times the gain. The norm's bias is not in it.
    """
    norm = config_of(trace).norm_of(path)
    if norm == "none":
        return x_SLD
    if norm == "layer":
        x_SLD = x_SLD - x_SLD.mean(axis=-1, keepdims=True)
    scale_L = np.asarray(trace[f"{path}.scale"], np.float64)[rows_L]
    return x_SLD * (trace.weights[f"{path}.weight"] / scale_L[:, None])


def through_update_norm(trace, path: str, made_SLD, rows_L):
    """Parts of what a sublayer makes at those tokens as they are added to the stream, (S, L, D):
    its update may have passed a norm, whose scale is held. path: the sublayer's.
    """
    if not config_of(trace).norms_update:
        return made_SLD
    return through_norm(trace, f"{path}.out.norm", np.asarray(made_SLD, np.float64), rows_L)


def bias_as_added(trace, path: str):
    """What a sublayer's bias, and that of its update's norm, add at each token, (L, D)."""
    bias_D, count = trace.weights[f"{path}.out.bias"], trace.shape(f"{path}.out")[0]
    rows_LD = np.broadcast_to(bias_D, (count, len(bias_D)))
    added_LD = through_update_norm(trace, path, rows_LD[None], slice(None))[0]
    shift_D = norm_bias(trace, f"{path}.out.norm") if config_of(trace).norms_update else None
    return added_LD if shift_D is None else added_LD + shift_D


def back_through_norm(trace, path: str, reads_D, row):
    """The direction before a norm that reads what `reads_D` reads after it, (D,): its transpose.
    row: the token; with a slice of tokens, one direction for each of them, (L, D).
    """
    norm = config_of(trace).norm_of(path)
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
    return bias_of(trace, path) if config_of(trace).norm_of(path) == "layer" else None
