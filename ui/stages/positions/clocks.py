"""Rotary positions as clocks: for each token and for some pairs of numbers, the hand that is turned
by position × angle.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from core.text import number
from core.turning import turn_rates
from ui.kit.component_loader import component
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.step_charts import rows_around
from ui.kit.token_words import token_label
from ui.session import sent
from ui.session.actions import close_number, select_token
from ui.session.selection import chosen, select
from ui.session.settling import settle
from ui.session.view import View

KEY = "places-clocks"
COLUMNS = 10  # tokens that have clocks
# Which pairs have clocks, as shares of the way from the fastest to the slowest
PAIRS = (0, 0.125, 0.25, 0.5)
_draw = component("clocks", 'class="root figure" role="group" aria-label="Positions as clocks"')


def clocks(view: View) -> None:
    """The clocks; a click chooses a token, or a pair."""
    half, count = count_pairs(view), len(view.labels)
    settle("places_pair", min(half - 1, 2), range(half))
    shown = shown_positions(view)
    _draw(
        key=KEY,
        on_token_change=partial(_choose_token, count),
        on_pair_change=partial(_choose_pair, half),
        data={
            "corner": "position",
            "chosen": view.token,
            "pair": chosen("places_pair"),
            "tokens": [{"text": view.labels[l], "position": l} for l in shown],
            "pairs": [clock_row(view, pair, shown) for pair in clock_pairs(half)],
        },
    )


def shown_positions(view: View) -> range:
    """The positions that have clocks, around the chosen one."""
    count = len(view.labels)
    return range(count)[rows_around(view.token, count, COLUMNS)]


def nearest_hand(view: View) -> Quiz | None:
    """Which token's fastest hand points most like that of the chosen one."""
    shown_N = np.array(shown_positions(view))
    turned_N = turn_rate(view, 0) * (shown_N - view.token)
    alike_N = np.where(shown_N == view.token, -np.inf, np.cos(turned_N))
    words = [token_label(view, int(l)) for l in shown_N]
    quiz = quiz_of_most(view, words, alike_N)
    return quiz and quiz.asks("Which token’s fastest hand points most the same way?")


def clock_pairs(half: int) -> list[int]:
    """The pairs that have clocks, fast to slow, the chosen one among them."""
    return sorted({*(int(share * half) for share in PAIRS), chosen("places_pair")})


def clock_row(view: View, pair: int, shown: range) -> dict:
    """How far one pair is turned at each position: in degrees, and in words."""
    rate = turn_rate(view, pair)
    radians_L = np.array(shown) * rate
    return {
        "pair": pair,
        "title": f"pair {pair}",
        "note": f"{number(np.rad2deg(rate), 2)}° each",
        "degrees": np.rad2deg(radians_L).tolist(),
        "turns": [turned_text(radians) for radians in radians_L],
    }


def count_pairs(view: View) -> int:
    """How many pairs of a head's numbers are turned in this layer."""
    return len(turn_rates(view.trace, view.at("attn")))


def turn_rate(view: View, pair: int) -> float:
    """By how much a pair is turned from one position to the next, in radians."""
    return float(turn_rates(view.trace, view.at("attn"))[pair])


def turned_text(radians: float) -> str:
    """An angle in degrees; beyond a full circle in turns."""
    degrees = float(np.rad2deg(radians))
    return f"{number(degrees, 3)}°" if degrees < 360 else f"{number(degrees / 360, 2)} turns"


def _choose_token(count: int) -> None:
    position = sent.from_component(KEY, "token")
    if sent.whole(position, count):
        select_token(position)


def _choose_pair(half: int) -> None:
    pair = sent.from_component(KEY, "pair")
    if sent.whole(pair, half):
        select(places_pair=pair)
        close_number()
