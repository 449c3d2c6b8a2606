"""Attention between words: the weights to draw when special tokens are hidden or the pieces of a
word merged, and the labels along their axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.step_ref import ref_of
from core.steps.heads import ROLES, word_groups
from ui.session.selection import chosen
from ui.text import told_apart

__all__ = [
    "ROLES",
    "Weights",
    "grouped_weights",
    "has_pieces",
    "has_special_tokens",
    "offered",
    "unseen_words",
    "word_labels",
]


@dataclass(frozen=True)
class Weights:
    """The attention weights that are drawn: a step of the chosen layer, or, of all layers, the end
    of its name.
    """

    name: str
    leaf: str  # attn.pattern, cross.pattern or attn.pattern.words.…
    labels: list[str]  # what looks, and what is looked at
    places: list[list[int]]  # for each of them the positions of its tokens
    chosen: int | None  # where the chosen token lies; None: it is a special token, and hidden
    note: str  # for the titles of pictures: what differs from the model's own weights

    @property
    def names(self) -> list[str]:
        """The labels, equal ones told apart by the position of their first token."""
        return told_apart(self.labels, [part[0] for part in self.places])

    def first(self, row: int) -> int:
        """The first token of a word."""
        return self.places[row][0]


def offered(view) -> bool:
    """Whether this side's tokens are known to belong to words."""
    return view.trace.words_L is not None and view.side == view.config.sides[0]


def has_special_tokens(view) -> bool:
    """Whether there are special tokens to hide."""
    return (
        offered(view)
        and None in view.trace.words_L
        and any(word is not None for word in view.trace.words_L)
    )


def has_pieces(view) -> bool:
    """Whether a word stands there in several pieces."""
    words = [word for word in view.trace.words_L or () if word is not None]
    return offered(view) and len(set(words)) < len(words)


def grouped_weights(view) -> Weights:
    """What two choices in the settings make of the attention weights."""
    hide_special = int(bool(chosen("hide_special")) and has_special_tokens(view))
    merge_pieces = int(bool(chosen("merge_pieces")) and has_pieces(view))
    places = word_groups(view.trace, view.side, hide_special, merge_pieces)
    leaf = f"{view.block}.pattern" + (
        f".words.{hide_special}.{merge_pieces}" if hide_special or merge_pieces else ""
    )
    note = (
        " · special tokens hidden, each row rescaled to add up to 1" if hide_special else ""
    ) + (" · pieces merged into words" if merge_pieces else "")
    return Weights(
        view.at(leaf),
        leaf,
        joined(view, view.side, places, merge_pieces),
        places,
        next((i for i, part in enumerate(places) if view.token in part), None),
        note,
    )


def joined(view, side: str, places: list[list[int]], merge_pieces: int) -> list[str]:
    """The labels of what stands together: a word's pieces as one."""
    tokens = view.tokens(side)
    return [
        word_of_pieces([tokens[i] for i in part]) if merge_pieces else tokens[part[0]]
        for part in places
    ]


def word_of_pieces(pieces: list[str]) -> str:
    """A word from its pieces, without the marks that say how they were cut."""
    word = pieces[0] + "".join(piece.removeprefix("##") for piece in pieces[1:])
    return word.lstrip("␣") or word


def word_labels(view, name: str) -> list[str]:
    """What stands along the axes I and J, equal words told apart."""
    ref = ref_of(name)
    _, merge_pieces = ref.args
    groups = word_groups(view.trace, ref.side, *ref.args)
    return told_apart(joined(view, ref.side, groups, merge_pieces), [part[0] for part in groups])


def unseen_words(view, name: str):
    """Where no token of a word may see any of another, (I, J)."""
    ref = ref_of(name)
    mask_LM = view.trace[str(ref.with_leaf("mask"))]
    places = word_groups(view.trace, ref.side, *ref.args)
    return np.array(
        [[not mask_LM[np.ix_(looks, seen)].any() for seen in places] for looks in places]
    )
