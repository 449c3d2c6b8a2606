"""Who may look at whom, as data: boolean matrices (L, M), True where position l (looks) may see
position m.
"""

from __future__ import annotations

import numpy as np

from .errors import GlassError


def full(n_looks: int, n_looked_at: int):
    """Encoder: every token sees every token."""
    return np.ones((n_looks, n_looked_at), dtype=bool)


def causal(n_looks: int, n_looked_at: int):
    """Decoder: a token sees itself and the past, m ≤ l."""
    return np.tri(n_looks, n_looked_at, dtype=bool)


def all_but_itself(n_looks: int, n_looked_at: int):
    """Every token but itself, m ≠ l."""
    return ~np.eye(n_looks, n_looked_at, dtype=bool)


def near(n_looks: int, n_looked_at: int, window: int, earlier: int = 0):
    """A window: a token sees those that stand at most so far away. earlier: how many stand before
    the first that looks.
    """
    looks_L = np.arange(earlier, earlier + n_looks)
    return abs(looks_L[:, None] - np.arange(n_looked_at)) <= window


NAMED = {"encoder": full, "decoder": causal, "others": all_but_itself}


def build_mask(mask, n_looks: int, n_looked_at: int):
    """The boolean matrix (L, M) for a mask given by name ("encoder", "decoder", "others") or as a
    matrix.
    """
    if isinstance(mask, str):
        if mask not in NAMED:
            raise GlassError(
                f"There is no mask called “{mask[:40]}”. Choose one of {', '.join(NAMED)}."
            )
        return check(NAMED[mask](n_looks, n_looked_at))
    mask_LM = np.asarray(mask)
    if mask_LM.shape != (n_looks, n_looked_at):
        raise GlassError(
            f"The mask has the shape {mask_LM.shape} but must be ({n_looks}, {n_looked_at}): a"
            " row for each token that looks, a column for each token that is looked at."
        )
    if mask_LM.dtype != bool and not np.isin(mask_LM, (0, 1)).all():
        raise GlassError("A mask may hold only True (may look) and False (may not).")
    return check(mask_LM.astype(bool))


def check(mask_LM):
    """The mask itself, if every row has something left to attend to: softmax over nothing would be
    0 / 0.
    """
    empty = np.flatnonzero(~mask_LM.any(axis=1))
    if len(empty):
        raise GlassError(
            f"The mask hides every token from the token at position {empty[0]}, so softmax has no"
            f" scores to share out. Allow at least one column in row {empty[0]}."
        )
    return mask_LM


def masked(scores_HLM, mask_LM):
    """The scores, −∞ where a token may not look, so that its weight becomes 0."""
    if mask_LM.all():
        return scores_HLM
    # The smaller of a score and ±∞ is as good as np.where, at two thirds of its cost.
    ceiling_LM = np.where(mask_LM, np.inf, -np.inf).astype(scores_HLM.dtype)
    return np.minimum(scores_HLM, ceiling_LM)
