"""How far the layers move each token's vector."""
from __future__ import annotations

import numpy as np


def layer_names(trace, side: str) -> list[str]:
    """The steps along which a token's vector passes: into the first layer, then out of each."""
    return [f"{side}.embed.out", *(f"{side}.{layer}.out" for layer in range(trace.config.layers(side)))]


def cosines(a_LD, b_LD) -> np.ndarray:
    """The cosine between each row of one array and the same row of the other, (L,)."""
    a_LD, b_LD = (np.asarray(each, dtype=np.float64) for each in (a_LD, b_LD))
    return np.vecdot(a_LD, b_LD) / (np.linalg.norm(a_LD, axis=-1) * np.linalg.norm(b_LD, axis=-1))


def similarity_to_start(trace, side: str) -> np.ndarray:
    """The cosine between each token's vector after every layer and the one it came in with, (layers + 1, L)."""
    first, *_ = names = layer_names(trace, side)
    return np.stack([cosines(trace[name], trace[first]) for name in names])


def relative_step(trace, side: str) -> np.ndarray:
    """How far each layer moves each token, as a share of the vector's length before it, (layers, L)."""
    x_NLD = np.stack([trace[name] for name in layer_names(trace, side)]).astype(np.float64)
    return np.linalg.norm(np.diff(x_NLD, axis=0), axis=-1) / np.linalg.norm(x_NLD[:-1], axis=-1)
