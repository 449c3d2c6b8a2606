"""Few rows in place of a full product: what goes wrong mostly takes two values that meet."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations, product

Place = tuple[int, Hashable]  # the number of a parameter, and one of its values


def pairwise(*parameters: Sequence[Hashable]) -> list[tuple]:
    """Rows of one value of each parameter, in which every two values of any two parameters meet.

    The same rows for the same parameters, so that all workers of a run have the same tests.
    """
    places = [[(i, value) for value in values] for i, values in enumerate(parameters)]
    missing = dict.fromkeys(
        frozenset(pair) for one, other in combinations(places, 2) for pair in product(one, other)
    )
    rows = []
    while missing:
        row = filled(places, missing)
        for pair in pairs_of(row):
            missing.pop(pair, None)
        rows.append(tuple(value for _, value in row))
    return rows


def filled(places: list[list[Place]], missing: dict[frozenset, None]) -> list[Place]:
    """A row with the first pair that is missing, and with as many others as can be had."""
    chosen = dict(next(iter(missing)))
    for i, choices in enumerate(places):
        if i not in chosen:
            row = list(chosen.items())
            gains = [sum(frozenset((each, here)) in missing for here in row) for each in choices]
            chosen[i] = choices[gains.index(max(gains))][1]
    return sorted(chosen.items(), key=lambda place: place[0])


def pairs_of(row: Sequence[Place]) -> Iterator[frozenset]:
    """Every two of its values."""
    return map(frozenset, combinations(row, 2))
