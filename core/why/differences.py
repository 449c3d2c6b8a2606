"""What a change changed first, and what most: two runs of one text, number by number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import GlassError
from ..influence import moved
from ..step_ref import ref_of


@dataclass(frozen=True)
class Changed:
    """A number that differs: its name and place, before and after."""

    name: str
    index: tuple[int, ...]
    before: float
    after: float


@dataclass(frozen=True)
class Moved:
    """A vector that moved, or a head that looks elsewhere: the step, and which token (and head) it
    is. share: ‖x′ − x‖ / ‖x‖ of a vector; of attention how much of it went elsewhere, 0 to 1.
    """

    name: str
    index: tuple[int, ...]
    share: float


@dataclass(frozen=True)
class Differences:
    """What changed first, and what most; None where nothing did."""

    first: Changed | None  # in the order of computation; in that step the number that moved most
    vector: Moved | None  # among what the layers hand on
    look: Moved | None  # among the tokens of all heads


def first_and_most(before, after) -> Differences:
    """Two traces of one model and of equal token counts, laid side by side. Raises GlassError where
    they can't be.
    """
    for side in before.config.sides:
        if before.sizes(side)["L"] != after.sizes(side)["L"]:
            raise GlassError("Texts of different lengths can’t be compared token by token.")
    steps = [(name, ref_of(name)) for name in before.names if name in after.names]
    outs = [(name, ref) for name, ref in steps if (ref.place, ref.leaf) == ("layer", "out")]
    others = {(ref.side, ref.layer) for name, ref in outs if differs_in(before, after, name)}
    looks = [
        name for name, ref in steps if ref.leaf == "pattern" and (ref.side, ref.layer) in others
    ]
    return Differences(
        first_changed(before, after, steps, others),
        largest({name: moved(before[name], after[name]) for name, _ in outs}),
        largest({name: looks_moved(before[name], after[name]) for name in looks}),
    )


def differs_in(before, after, name: str) -> bool:
    """Whether a step is another one in the second run."""
    if before.shape(name) != after.shape(name):
        return False
    return not np.array_equal(before[name], after[name], equal_nan=before[name].dtype.kind == "f")


def first_changed(before, after, places, layers: set) -> Changed | None:
    """The first step that differs. A layer that hands on what it handed on before is passed over:
    it need not be computed again.
    """
    for name, ref in places:
        passed_over = ref.inside_layer and (ref.side, ref.layer) not in layers
        if not passed_over and name in before and name in after and differs_in(before, after, name):
            one, two = (np.asarray(trace[name], dtype=np.float64) for trace in (before, after))
            with np.errstate(invalid="ignore"):  # −∞ less −∞, where both are blocked
                index = place_of_largest(np.where(one == two, 0, np.abs(two - one)))
            return Changed(name, index, float(one[index]), float(two[index]))
    return None


def looks_moved(before_HLM, after_HLM) -> np.ndarray:
    """How much of each token's attention went elsewhere in each head, (H, L)."""
    change_HLM = np.asarray(after_HLM, dtype=np.float64) - before_HLM
    return np.abs(change_HLM).sum(axis=-1) / 2


def largest(shares: dict[str, np.ndarray]) -> Moved | None:
    """The largest of these shares; None if all are 0."""
    found = [
        Moved(name, place_of_largest(each), float(np.nan_to_num(each).max()))
        for name, each in shares.items()
    ]
    most = max(found, key=lambda each: each.share, default=None)
    return most if most and most.share > 0 else None


def place_of_largest(values: np.ndarray) -> tuple[int, ...]:
    """Where the largest number stands; NaN counts as none."""
    flat = int(np.argmax(np.nan_to_num(values, nan=0.0)))
    return tuple(int(i) for i in np.unravel_index(flat, values.shape))
