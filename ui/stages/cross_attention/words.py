"""The words of both texts as the page Cross-attention names them: a position reads one word of the
target and writes the next. Equal words are told apart.
"""

from __future__ import annotations

import numpy as np

from core.steps.output import next_ids
from ui.session.view import View
from ui.text import bold, told_apart


def written_ids(view: View) -> list[int]:
    """The word that each position of the target writes: the one that follows, and after the last
    the likeliest.
    """
    ids_L = view.trace["decoder.embed.ids"]
    return [*map(int, ids_L[1:]), int(next_ids(view.trace)[-1])]


def written_words(view: View) -> list[str]:
    """The same as they are shown."""
    return told_apart([view.word(i) for i in written_ids(view)])


def read_words(view: View) -> list[str]:
    """The words of the target that the positions read."""
    return view.names_of("decoder")


def source_words(view: View) -> list[str]:
    """The words of the source."""
    return view.names_of("encoder")


def written(view: View) -> str:
    """The word that the chosen position writes, in bold."""
    return bold(written_words(view)[view.token])


def source(view: View, position: int) -> str:
    """A word of the source, in bold."""
    return bold(source_words(view)[position])


def probability(view: View) -> float | None:
    """What the model gave to the word that the chosen position writes; None where that was not
    kept, or where it has no output head.
    """
    rows = np.flatnonzero(view.trace.rows == view.token) if view.config.head else []
    if not len(rows):
        return None
    return float(view.trace["head.probs"][int(rows[0]), written_ids(view)[view.token]])
