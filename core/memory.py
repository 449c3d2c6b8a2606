"""How much memory models and runs may take together, and how much arrays take."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from . import settings


def room() -> int:
    """How many bytes of models and runs may stay in memory."""
    return settings.whole("MEMORY") << 20


def bytes_of(arrays: Iterable[np.ndarray], but: Iterable[np.ndarray] = ()) -> int:
    """The bytes that arrays keep in memory; a view keeps all of what it looks into. but: these
    don't count."""
    owners = {id(owner): owner.nbytes for owner in map(owner_of, arrays)}
    return sum(owners[each] for each in owners.keys() - {id(owner_of(array)) for array in but})


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array whose memory a view looks into."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
