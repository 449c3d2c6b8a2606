"""What was measured about an embedded model over many sentences: which of its heads link which
words.

The numbers come from `python -m training.evaluate`, which compares each head with the links that
the grammar of the study models knows; they lie beside the weights.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from . import catalogue


@dataclass(frozen=True)
class Link:
    """A relation between two words, such as a pronoun and what it stands for.

    hits_NH: for each layer and head the share of cases in which, at the first word, its largest
    weight on another word lies on the second. by_distance: the share that the most common distance
    alone would hit.
    """

    name: str
    count: int
    hits_NH: np.ndarray
    by_distance: float

    @property
    def best(self) -> tuple[int, int]:
        """The layer and head that hit most often."""
        layer, head = np.unravel_index(int(self.hits_NH.argmax()), self.hits_NH.shape)
        return int(layer), int(head)


def links(name: str) -> dict[str, Link]:
    """The relations that were measured for a model, by name; none for models that do not come with
    this program.
    """
    if not catalogue.entry_of(name).embedded or not (folder := catalogue.find(name)):
        return {}
    return read_links(file) if (file := folder / "links.json").exists() else {}


@cache
def read_links(file: Path) -> dict[str, Link]:
    """The relations in a file; it comes with the program, and is read once."""
    found = json.loads(file.read_text(encoding="utf-8"))
    return {
        relation: Link(relation, one["count"], np.array(one["hits"]), one["by distance"])
        for relation, one in found.items()
    }
