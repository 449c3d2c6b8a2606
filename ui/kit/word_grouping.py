"""Attention between words: which step is drawn when signs are hidden or pieces merged, and what
stands along its axes.

weights(view)               the step of attention weights to draw now, with its labels and the
                            chosen token's place in it
offered(view)               whether it is known which tokens are signs, and which belong to one word
has_signs(view), has_pieces(view)       whether there is anything to hide, or to merge
word_labels(view, name)     the words along the axes I and J of a step
                            ….attn.pattern.words.BARE.MERGE
unseen(view, name)          the cells of such a step in which the mask hides every pair of pieces
ROLES                       the names along the axis O
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.analysis.heads import ROLES, groups

__all__ = [
    "ROLES",
    "Weights",
    "has_pieces",
    "has_signs",
    "offered",
    "unseen",
    "weights",
    "word_labels",
]
_WORDS = re.compile(
    r"(?P<at>(?P<side>encoder|decoder)\.\d+\.attn)\.pattern\.words\.(?P<bare>\d+)\.(?P<merge>\d+)"
)


@dataclass(frozen=True)
class Weights:
    """The attention weights that are drawn: a step of the chosen layer, or, of all layers, the end
    of its name.
    """

    name: str
    leaf: str  # attn.pattern, cross.pattern or attn.pattern.words.…
    labels: list[str]  # what looks, and what is looked at
    places: list[list[int]]  # for each of them the positions of its tokens
    chosen: int | None  # where the chosen token lies; None: it is a sign, and hidden
    note: str  # for the titles of pictures: what differs from the model's own weights

    def first(self, row: int) -> int:
        """The first token of a word."""
        return self.places[row][0]


def offered(view) -> bool:
    """Whether this side's tokens are known to belong to words."""
    return view.trace.words_L is not None and view.side == view.config.sides[0]


def has_signs(view) -> bool:
    """Whether there are signs of the model's own to hide."""
    return (
        offered(view)
        and None in view.trace.words_L
        and any(word is not None for word in view.trace.words_L)
    )


def has_pieces(view) -> bool:
    """Whether a word stands there in several pieces."""
    words = [word for word in view.trace.words_L or () if word is not None]
    return offered(view) and len(set(words)) < len(words)


def weights(view) -> Weights:
    """What the two choices at the left make of the attention weights."""
    bare = int(bool(st.session_state["bare"]) and has_signs(view))
    merge = int(bool(st.session_state["merge"]) and has_pieces(view))
    places = groups(view.trace, view.side, bare, merge)
    leaf = f"{view.block}.pattern" + (f".words.{bare}.{merge}" if bare or merge else "")
    note = (" · signs hidden, each row shared out anew" if bare else "") + (
        " · pieces merged into words" if merge else ""
    )
    return Weights(
        view.at(leaf),
        leaf,
        joined(view, view.side, places, merge),
        places,
        next((i for i, part in enumerate(places) if view.token in part), None),
        note,
    )


def joined(view, side: str, places: list[list[int]], merge: int) -> list[str]:
    """The labels of what stands together: a word's pieces as one."""
    tokens = view.tokens(side)
    return [whole([tokens[i] for i in part]) if merge else tokens[part[0]] for part in places]


def whole(pieces: list[str]) -> str:
    """A word from its pieces, without the marks that say how they were cut."""
    word = pieces[0] + "".join(piece.removeprefix("##") for piece in pieces[1:])
    return word.lstrip("␣") or word


def asked(view, name: str) -> tuple[str, str, list[list[int]], int]:
    """The place and the side of a step in words, what stands together in it, and whether pieces are
    merged.
    """
    if (found := _WORDS.fullmatch(name)) is None:
        raise KeyError(name)
    bare, merge = int(found["bare"]), int(found["merge"])
    return found["at"], found["side"], groups(view.trace, found["side"], bare, merge), merge


def word_labels(view, name: str) -> list[str]:
    """What stands along the axes I and J."""
    _, side, places, merge = asked(view, name)
    return joined(view, side, places, merge)


def unseen(view, name: str):
    """Where no token of a word may see any of another, (I, J)."""
    at, _, places, _ = asked(view, name)
    mask_LM = view.trace[f"{at}.mask"]
    return np.array(
        [[not mask_LM[np.ix_(looks, seen)].any() for seen in places] for looks in places]
    )
