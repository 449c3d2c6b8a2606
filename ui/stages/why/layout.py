"""Where each part of the model stands in the map: a row for each layer, a column for each head, the
feed-forward network and the biases; what belongs to no layer stands in a row of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core import why
from core.why.silencing import units

OWN = -1  # the row of what belongs to no layer
_LAYER = re.compile(r"(encoder|decoder)\.(\d+)\.(.+)")
_BIASES = {
    "attn.bias": "attn",
    "attn.norm.bias": "1st norm",
    "cross.bias": "cross",
    "cross.norm.bias": "2nd norm",
    "mlp.norm.bias": "last norm",
}


@dataclass(frozen=True)
class Cell:
    """A part of the model in the map: the name of its source, its row, and its column's key."""

    name: str
    row: int
    column: str  # what a source's name ends in, such as attn.head.3 or mlp


@dataclass(frozen=True)
class Layout:
    """The map without its numbers: rows, and columns by their keys, each in a group."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[Cell, ...]

    def groups(self) -> list[dict]:
        """What stands over the columns: a title for neighbours of one kind, and how many."""
        found: list[dict] = []
        for key in self.columns:
            title = group_of(key)
            if found and found[-1]["title"] == title:
                found[-1]["count"] += 1
            else:
                found.append({"title": title, "count": 1})
        return found

    def titles(self) -> list[str]:
        """The title of each column, below that of its group."""
        return [title_of(key) for key in self.columns]


def of_sources(config, names: tuple[str, ...]) -> Layout:
    """The map of direct parts: every source that has written into the stream of the last side."""
    cells, keys = [], {}
    for name in names:
        found = _LAYER.fullmatch(name)
        row, key = (int(found[2]), found[3]) if found else (OWN, name)
        cells.append(Cell(name, row, key))
        if found:
            keys.setdefault(key)
    rows = tuple(f"layer {n}" for n in range(config.layers(config.sides[-1])))
    return Layout(rows, tuple(sorted(keys, key=order_of)), tuple(cells))


def of_units(config) -> Layout:
    """The map of what can fall silent: heads and feed-forward networks, of both sides."""
    cells = []
    for unit in units(config):
        leaf = unit.sublayer if unit.head is None else f"{unit.sublayer}.head.{unit.head}"
        cells.append(Cell(f"{unit.side}.{unit.layer}.{leaf}", unit.row, leaf))
    many = len(config.sides) > 1
    rows = [
        f"{side} {n}" if many else f"layer {n}"
        for side in config.sides
        for n in range(config.layers(side))
    ]
    keys = dict.fromkeys(cell.column for cell in cells)
    return Layout(tuple(rows), tuple(sorted(keys, key=order_of)), tuple(cells))


def order_of(key: str) -> tuple:
    """Heads first, then those of cross-attention, the network, biases, and what was put there."""
    kind, _, leaf = key.partition(".")
    place = {"attn": 0, "cross": 1, "mlp": 2}.get(kind, 3)
    if leaf.startswith("head."):
        return 0, place, int(leaf.removeprefix("head."))
    return (1, 0, 0) if key == "mlp" else (2 + (not key.endswith("bias")), place, len(leaf))


def group_of(key: str) -> str:
    """The kind of a column."""
    if ".head." in key:
        return "heads of cross-attention" if key.startswith("cross") else "heads"
    return "feed-forward" if key == "mlp" else "biases" if key.endswith("bias") else "put there"


def title_of(key: str) -> str:
    """A column's title within its group."""
    if ".head." in key:
        return key.rpartition(".")[2]
    return "" if key == "mlp" else _BIASES.get(key, key.removesuffix(".edit"))


def words_of(name: str, many: bool = False) -> str:
    """A part in words; many: of a model with two sides."""
    return why.in_words(name, side=many and name.startswith("encoder"))
