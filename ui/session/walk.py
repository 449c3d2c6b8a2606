"""The walk from number to number: the opened one is the last of it.

trail()             the numbers of the walk as it is chosen; empty: none is open
open_after(before, cell)    opens a number at the end of a walk
walked_to(cell)     the walk up to a number on it, as it stands in an address
"""

from __future__ import annotations

from ui.session.selection import LONGEST_WALK, chosen, fits, select

BETWEEN = "~"  # no name of a step has it


def trail() -> list[str]:
    """The numbers from which one walked, and the one that is open."""
    cell = chosen("cell")
    return [*filter(None, chosen("walked").split(BETWEEN)), cell] if cell else []


def open_after(before: list[str], cell: str) -> None:
    """Opens a number at the end of a walk."""
    walk = spelled_walk(before)
    select(cell=cell, walked=walk if fits("walked", walk) else "")


def spelled_walk(cells: list[str]) -> str:
    """The numbers as one text; of a long walk the last ones."""
    while len(walk := BETWEEN.join(cells)) > LONGEST_WALK:
        cells = cells[1:]
    return walk


def walked_to(cell: str | None) -> str:
    """The walk up to a number that lies on it; empty where it lies on none."""
    passed = trail()
    return spelled_walk(passed[: passed.index(cell)]) if cell in passed else ""
