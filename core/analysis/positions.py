"""What positions do: the sine waves, and how rotation makes a score depend on distance."""

from __future__ import annotations

import numpy as np

from core.ops import angles, rotate, sinusoids

FURTHEST = 64  # the distances that are tried out


def sinusoid(trace, at: str):
    """The sines and cosines of "Attention Is All You Need" (section 3.5) for these places, (L, D),
    whatever the model has.
    """
    return sinusoids(*trace.shape(f"{at}.sum"))


def unrotated(trace, at: str, head: int, looks: int, looked_at: int):
    """The query and the key of one pair before they are turned, (K,) each, in float64."""
    group = trace.config.group(head)
    return (
        trace[f"{at}.q.unrotated"][head, looks].astype(np.float64),
        trace[f"{at}.k.unrotated"][group, looked_at].astype(np.float64),
    )


def apart(trace, k_K, distances_S):
    """A key turned back by so many places, (S, K): what a query that stands so far behind it
    meets.
    """
    angle_SK = np.tile(
        -np.asarray(distances_S)[:, None] * angles(2, len(k_K), trace.config.rope_theta)[1], 2
    )
    return rotate(np.broadcast_to(k_K, angle_SK.shape), np.cos(angle_SK), np.sin(angle_SK))


def falls(trace, at: str, head: int, looks: int, looked_at: int):
    """q·k of one pair if the token that looks stood s places behind the other, (S,) (Su et al.
    2021, section 3.4.3).
    """
    q_K, k_K = unrotated(trace, at, head, looks, looked_at)
    return apart(trace, k_K, np.arange(FURTHEST)) @ q_K


def pairs(trace, at: str, head: int, looks: int, looked_at: int):
    """q·k of one pair split into the parts that its turning pairs of numbers give, the fastest
    first, (P,).
    """
    group = trace.config.group(head)
    terms_K = trace[f"{at}.q"][head, looks].astype(np.float64) * trace[f"{at}.k"][group, looked_at]
    return terms_K.reshape(2, -1).sum(axis=0)


def put_back(shuffled_LM, places):
    """An attention matrix of a text turned round, its rows and columns back where the words stood,
    (L, M). places: where each token stood before (core.whatif.order).
    """
    back = np.argsort(places)
    return shuffled_LM[back][:, back]


def largest_gap(a_LM, b_LM) -> tuple[int, int]:
    """The cell in which two matrices differ most."""
    row, column = np.unravel_index(np.abs(a_LM - b_LM).argmax(), a_LM.shape)
    return int(row), int(column)


def by_distance(n: int) -> list[tuple[int, int, int]]:
    """For each distance m − l that n tokens have, from far behind to far ahead: the distance, and
    one l and m that have it.
    """
    return [(s, max(-s, 0), max(s, 0)) for s in range(1 - n, n)]
