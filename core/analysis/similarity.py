"""How alike the vectors of the same tokens are in two runs."""
from __future__ import annotations

import numpy as np


def cosines(a_LD, b_LD) -> np.ndarray:
    """The cosine between each row of one array and the same row of the other, (L,)."""
    a_LD, b_LD = (np.asarray(each, dtype=np.float64) for each in (a_LD, b_LD))
    return np.vecdot(a_LD, b_LD) / (np.linalg.norm(a_LD, axis=-1) * np.linalg.norm(b_LD, axis=-1))
