"""Readings of attention: softmax in parts, at another temperature, in words; what each head does
and adds; rollout.
"""

from __future__ import annotations

import numpy as np

from core.ops import softmax

ROLES = ("previous token", "next token", "itself", "first token", "same word", "separator", "broad")


# --- softmax --------------------------------------------------------------------------------------


def exponentials(trace, at: str):
    """exp(score − the row's largest), the numerators of softmax, (H, L, M)."""
    scores_HLM = trace[f"{at}.scores"]
    return np.exp(scores_HLM - scores_HLM.max(axis=-1, keepdims=True))


def totals(trace, at: str):
    """The sum of a row's exponentials, the denominator of softmax, (H, L)."""
    return trace[f"{at}.pattern.exp"].sum(axis=-1)


def heated(trace, at: str, percent: int):
    """Softmax at another temperature: of scores / T, T = percent / 100, (H, L, M) (Hinton et al.
    2015, section 2).
    """
    return softmax(trace[f"{at}.scores"] * (100 / percent))


def unscaled(trace, at: str):
    """Softmax of the scores as if they had not been divided by √K, (H, L, M)."""
    return softmax(trace[f"{at}.scores"] / trace.config.score_scale)


def others(trace, at: str):
    """The weights without a token's own, the rest shared out anew, (H, L, M); 0 where nothing else
    may be seen.
    """
    others_HLM = trace[f"{at}.pattern"] * ~np.eye(trace.shape(f"{at}.pattern")[1], dtype=bool)
    return others_HLM / np.maximum(
        others_HLM.sum(axis=-1, keepdims=True), np.finfo(others_HLM.dtype).tiny
    )


def mean(trace, at: str):
    """The weights of all heads, averaged, (L, M)."""
    return trace[f"{at}.pattern"].mean(axis=0)


def mean_across(trace, at: str):
    """The weights of cross-attention, averaged over all heads of all layers, (L, M)."""
    return np.mean(
        [trace[f"{at}.{layer}.cross.pattern.mean"] for layer in range(trace.config.layers(at))],
        axis=0,
    )


# --- in words -------------------------------------------------------------------------------------


def groups(trace, side: str, bare: int, merge: int) -> list[list[int]]:
    """The positions that stand together: pieces of a word if `merge`, and no signs such as [CLS] if
    `bare`.
    """
    found: dict = {}
    for i, word in enumerate(words_of(trace, side)):
        if word is not None or not bare:
            found.setdefault(
                ("word", word) if merge and word is not None else ("place", i), []
            ).append(i)
    return list(found.values()) or groups(
        trace, side, 0, merge
    )  # a text of nothing but signs keeps them


def words_of(trace, side: str) -> list[int | None]:
    """For each token the word it belongs to, None for signs such as [CLS]; where that is not known,
    each is a word.
    """
    known = side == trace.config.sides[0] and trace.words_L is not None
    return list(trace.words_L) if known else list(range(trace.shape(f"{side}.embed.ids")[0]))


def in_words(trace, at: str, bare: int, merge: int):
    """The weights between words: summed over the pieces that are looked at, averaged over those
    that look; where signs are left out, each row is shared out anew over what is left, (H, I, J).
    """
    pattern_HLM, parts = (
        trace[f"{at}.pattern"].astype(np.float64),
        groups(trace, at.split(".")[0], bare, merge),
    )
    member_IL = np.array(
        [[l in part for l in range(pattern_HLM.shape[1])] for part in parts], dtype=np.float64
    )
    words_HIJ = member_IL / member_IL.sum(axis=1, keepdims=True) @ pattern_HLM @ member_IL.T
    return (
        words_HIJ / np.maximum(words_HIJ.sum(axis=-1, keepdims=True), np.finfo(float).tiny)
        if bare
        else words_HIJ
    )


# --- what each head does --------------------------------------------------------------------------


def targets(trace, at: str, role: int) -> np.ndarray:
    """The cells that would be looked at by a head that does nothing but one of ROLES, (L, M)."""
    side = at.split(".")[0]
    ids_L, place_L = trace[f"{side}.embed.ids"], np.arange(len(trace[f"{side}.embed.ids"]))
    away_LM, sign_L = (
        place_L - place_L[:, None],
        np.array([word is None for word in words_of(trace, side)]),
    )
    found_LM = (
        away_LM == -1,
        away_LM == 1,
        away_LM == 0,
        place_L == 0,
        (ids_L == ids_L[:, None]) & (away_LM != 0) & ~sign_L,
        sign_L & (place_L > 0),
    )[role]
    return found_LM & trace[f"{at}.mask"]


def roles(trace, at: str):
    """How much of its attention each head gives, on average, to each of ROLES; the average is over
    the tokens that have such a target. The last is how evenly it looks at all it may see: its
    entropy, as a share of the largest. (H, O) (Clark et al. 2019, "What Does BERT Look At?",
    section 3)
    """
    pattern_HLM = trace[f"{at}.pattern"].astype(np.float64)
    columns = []
    for role in range(len(ROLES) - 1):
        found_LM = targets(trace, at, role)
        rows = found_LM.any(axis=1).sum()
        columns.append((pattern_HLM * found_LM).sum(axis=(1, 2)) / max(rows, 1))
    return np.stack([*columns, trace[f"{at}.pattern.entropy"].mean(axis=1)], axis=1)


def entropy(trace, at: str):
    """How evenly a token looks at all it may see: −Σ a ln a / ln n, from 0 (one token) to 1 (all
    the same), (H, L).
    """
    pattern_HLM, seen_L = trace[f"{at}.pattern"].astype(np.float64), trace[f"{at}.mask"].sum(axis=1)
    logs_HLM = np.log(pattern_HLM, out=np.zeros_like(pattern_HLM), where=pattern_HLM > 0)
    return -(pattern_HLM * logs_HLM).sum(axis=-1) / np.maximum(np.log(seen_L), np.log(2))


# --- what each head adds --------------------------------------------------------------------------


def terms(trace, at: str, head: int, looks: int, looked_at: int):
    """q ∘ k, the products whose sum is the score of one pair, (K,)."""
    return trace[f"{at}.q"][head, looks] * trace[f"{at}.k"][trace.config.group(head), looked_at]


def contributions(trace, at: str):
    """What each head alone writes into the stream: z_h · W_O[h], (H, L, D). Their sum, and the
    bias, is `out` (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits").
    """
    z_HLK = trace[f"{at}.z"]
    out_HKD = trace.weights[f"{at}.out.weight"].reshape(*z_HLK.shape[::2], -1)
    return z_HLK @ out_HKD


def sum_again(trace, at: str):
    """The heads' contributions and the bias, added up: what `out` has to be, (L, D)."""
    return trace[f"{at}.heads"].sum(axis=0) + trace.weights[f"{at}.out.bias"]


def shares(trace, at: str):
    """How much of a token's update each head makes: its own, along the whole, in lengths of the
    whole, (H, L). Below 0 it works against the others; with the bias's share they add up to 1.
    """
    heads_HLD, out_LD = (
        trace[f"{at}.heads"].astype(np.float64),
        trace[f"{at}.out"].astype(np.float64),
    )
    return np.vecdot(heads_HLD, out_LD) / np.maximum(
        np.vecdot(out_LD, out_LD), np.finfo(float).tiny
    )


def rollout(trace, at: str):
    """How much of each first vector has reached each token after this layer, if attention mixes
    vectors and half of each stays: rollout = (A + I) / 2 · rollout before, (L, M) (Abnar & Zuidema
    2020, section 3).
    """
    side, layer = at.split(".")
    mixed_LM = (
        trace[f"{at}.attn.pattern.mean"].astype(np.float64) + np.eye(trace.shape(f"{at}.out")[0])
    ) / 2
    return mixed_LM @ trace[f"{side}.{int(layer) - 1}.rollout"] if int(layer) else mixed_LM
