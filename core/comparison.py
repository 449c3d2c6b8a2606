"""Two runs laid side by side: which tokens belong together, and how far their numbers lie apart.

A slot is a place in both texts: a token of each, or, where one has no partner, of one alone. Slots
stand in the order of reading, so that two maps of different texts have one grid.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher

import numpy as np

NONE = -1  # no token in that text


def aligned(
    before: Sequence[Hashable], after: Sequence[Hashable], *, replace: bool = True
) -> np.ndarray:
    """The slots of two texts: the position in each, or NONE, (S, 2). replace: tokens in the place
    of as many others are their partners; else only equal ones are.
    """
    slots: list[tuple[int, int]] = []
    for kind, a, a_end, b, b_end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if kind == "equal" or replace and a_end - a == b_end - b:
            slots += zip(range(a, a_end), range(b, b_end), strict=True)
        else:
            slots += [(i, NONE) for i in range(a, a_end)] + [(NONE, j) for j in range(b, b_end)]
    return np.array(slots, dtype=int).reshape(-1, 2)


def places_in_text(encoding) -> list[Hashable]:
    """For each token the characters that it stands for, spaces at its edges left out; a token that
    stands for none has a place of its own.
    """
    return [
        (encoding.in_second(i), trimmed(encoding.text_at(i), span))
        if span
        else (encoding.pieces[i], i)
        for i, span in enumerate(encoding.spans)
    ]


def trimmed(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """A stretch of a text without the spaces at its edges."""
    part = text[slice(*span)]
    start = span[0] + len(part) - len(part.lstrip())
    return start, start + len(part.strip())


def laid_out(values_LM, at_S) -> np.ndarray:
    """Weights between the tokens of one text on the grid of the slots, (S, S); NaN where the text
    has no token. at_S: the position at each slot, or NONE.
    """
    there, size = np.flatnonzero(np.asarray(at_S) >= 0), len(at_S)
    grid_SS = np.full((size, size), np.nan, dtype=np.asarray(values_LM).dtype)
    places = np.asarray(at_S)[there]
    grid_SS[np.ix_(there, there)] = np.asarray(values_LM)[np.ix_(places, places)]
    return grid_SS


def moved_shares(before_HLM, after_HLM, slots_S2) -> np.ndarray:
    """For each head and pair of partners how much of a token's attention goes elsewhere in the
    second run, ½ Σ |a′ − a|, (H, N). A token without a partner counts as one that gets nothing.
    """
    pairs = zip(before_HLM, after_HLM, strict=True)  # one head after the other: they are large
    return np.stack([moved_share(*pair, slots_S2) for pair in pairs])


def moved_share(before_LM, after_LM, slots_S2) -> np.ndarray:
    """The same of one head, (N,)."""
    rows_N2, grids = slots_S2[(slots_S2 >= 0).all(axis=1)], []
    for run, values_LM in enumerate((before_LM, after_LM)):
        there_S = slots_S2[:, run] >= 0
        grid_NS = np.zeros((len(rows_N2), len(slots_S2)))
        grid_NS[:, there_S] = np.asarray(values_LM)[np.ix_(rows_N2[:, run], slots_S2[there_S, run])]
        grids.append(grid_NS)
    return np.abs(grids[1] - grids[0]).sum(axis=-1) / 2


def most_changed(before_V, after_V, count: int) -> np.ndarray:
    """Of two guesses over one vocabulary the words whose probability changed most, the likeliest
    word of each among them: ids, the largest change first.
    """
    change_V = np.abs(np.asarray(after_V, dtype=np.float64) - before_V)
    best = np.argsort(-change_V, kind="stable")[:count].tolist()
    tops = [int(np.argmax(before_V)), int(np.argmax(after_V))]
    kept = [i for i in best if i not in tops][: max(0, count - len(set(tops)))]
    return np.array(sorted({*kept, *tops}, key=lambda i: (-change_V[i], i)), dtype=int)
