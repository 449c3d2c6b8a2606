"""The place whose output is looked at, on Output and on Why this word; and the way from one to the
other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ui.session.memory import memory
from ui.session.navigation import WHY, go
from ui.session.view import View

WORDS = ("why_word", "why_rival")


def guessed_position(view: View) -> tuple[int, int]:
    """The token whose next one is guessed, and its row among the rows that were kept: the chosen
    token's, else the last.
    """
    rows, side = view.trace.rows, view.config.sides[-1]
    position = view.token if view.side == side and view.token in rows else int(rows[-1])
    return position, int(np.flatnonzero(rows == position)[0])


def place_of_guess(view: View, position: int | None = None) -> tuple:
    """What a question about a word belongs to: the model, its texts, and the position; None: the
    one that is looked at.
    """
    request = view.request
    position = guessed_position(view)[0] if position is None else position
    return request.model, request.texts, request.target, position


def ask_why(view: View, word: int, row: int | None = None, **opened) -> None:
    """Opens the page that says why this word came out: here, or at another row of the output;
    opened: the number that is open there.
    """
    position = guessed_position(view)[0] if row is None else int(view.trace.rows[row])
    for name in WORDS:
        memory().firsts.pop(name, None)
    memory().why_from = place_of_guess(view, position)
    there = {} if row is None else {"side": view.config.sides[-1], "token": position}
    anew = {"why_rival": None, "why_key": None, "why_other": -1, "why_mlp": None}
    go(WHY, **there, why_word=word, **anew, **opened)


def ask_why_looked(view: View, pair: tuple[int, int, int], cards: str) -> None:
    """Opens the same page to say why a head looks from one token at another: pair: head, the token
    that looks, and the token that is looked at. cards: those that are open there.
    """
    head, looks, seen = pair
    here = place_of_guess(replace(view, token=looks))
    anew = memory().why_from != here
    for name in ("why_key", *(WORDS if anew else ())):
        memory().firsts.pop(name, None)
    memory().why_from = here
    choices = {"head": head, "token": looks, "why_key": seen, "why_other": -1, "cards": cards}
    choices |= dict.fromkeys((*WORDS, "why_mlp")) if anew else {}
    block = {"why_block": view.block} if view.config.crosses else {}
    go(WHY, **choices, **block)
