"""What is looked at in attention, and how it is named in words: tokens of one side, or across."""

from __future__ import annotations

import numpy as np

from core.text import number
from ui.text import bold, quoted


def input_step(view) -> str:
    """What the query of this attention is made of: the token's vector, or the norm of it."""
    return view.attention("norm.out") if view.config.norm_first else view.attention("in")


def looks_across(view) -> bool:
    """Whether the tokens that are looked at are those of the other text."""
    return view.block == "cross"


def projected(view, letter: str) -> str:
    """How q, k or v is made, as a title: with the bias and the turn by position where the model has
    them.
    """
    bias = view.trace.weights[view.attention(f"{letter}.bias")]
    product = f"x · W_{letter.upper()}" + (" + b" if bias.any() else "")
    done = ["normed"] * (view.config.qk_norm is not None) + ["rotated by position"] * turns(view)
    return f"{', '.join(done)}: {product}" if done and letter != "v" else product


def turns(view) -> bool:
    """Whether positions rotate the queries and keys of this attention."""
    return view.attention("q.unrotated") in view.trace


def scaled_by(view) -> str:
    """What the dot products are scaled by, as a sign and a number; nothing where they are not."""
    c = view.config
    if c.score_scale == 1:
        return ""
    return f"÷ √{c.d_head}" if c.divides_by_root else f"× {number(c.score_scale, 3)}"


def normed_first(view) -> bool:
    """Whether the vector has passed a norm before it comes here."""
    there = view.config.norm_of(view.attention("norm")) != "none"
    return view.config.norm_first and there


def looks_words(view) -> list[str]:
    """The tokens that look, equal ones told apart."""
    return view.names


def seen_words(view) -> list[str]:
    """The tokens that are looked at, equal ones told apart."""
    return view.names_of(view.side_of(view.attention("pattern"), "M"))


def looking(view) -> str:
    """The token that looks, in bold."""
    return bold(looks_words(view)[view.token])


def seen(view, position: int) -> str:
    """A token that is looked at, in bold."""
    return bold(seen_words(view)[position])


def looking_title(view) -> str:
    """The token that looks, as it stands in a title."""
    return quoted(looks_words(view)[view.token])


# --- the row of the token that looks --------------------------------------------------------------


def row_of(view, leaf: str) -> np.ndarray:
    """The row of a step for the token that looks, in the head that is looked at."""
    return view.trace[view.attention(leaf)][view.head, view.token]


def best_seen(view) -> int:
    """The token that the chosen one looks at most."""
    return int(row_of(view, "pattern").argmax())


def best_fit(view) -> int:
    """The token whose key fits the query best, among those that may be looked at."""
    hidden_M = np.isneginf(row_of(view, "scores"))
    return int(np.where(hidden_M, -np.inf, row_of(view, "scores.dot")).argmax())


def runner_up(view) -> int | None:
    """The word with the next best score after the best, itself and special tokens left out; None
    where there is none.
    """
    row_M, best = row_of(view, "scores"), best_seen(view)
    own = None if looks_across(view) else view.token
    words = [
        m
        for m in np.argsort(-row_M, kind="stable")
        if m not in (best, own) and is_named(view.seen[m]) and np.isfinite(row_M[m])
    ]
    return int(words[0]) if words else None


def is_named(token: str) -> bool:
    """Whether a token has letters and is none of the model's own."""
    return any(letter.isalnum() for letter in token) and token[0] not in "[<"
