"""Why a token looked there: the score of one pair as the sum over a source of the query times a
source of the key (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits": the QK
circuit).

A query is linear in the stream once the norms' scales are held, a rotation by the position is
linear, and so is a key: the score is a sum of products, one for each pair of sources. The
projections' biases are sources, and so is T5's bias for the distance, which no product makes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import GlassError
from ..turning import turned
from .head import held_share
from .norms import bias_of, norm_bias, through_norm
from .places import config_of, sublayers
from .stream_sources import Written, bias, rows_of, sources


@dataclass(frozen=True, eq=False)
class Look:
    """The score of a query and a key, or how far it is above that of a rival key: parts_ST is what
    source S of the query and source T of the key give together.
    """

    path: str
    head: int
    query: int
    key: int
    rival: int | None
    query_names: tuple[str, ...]
    key_names: tuple[str, ...]
    parts_ST: np.ndarray

    @property
    def total(self) -> float:
        """The score before the mask, or the difference of two."""
        return float(self.parts_ST.sum())

    def by_query(self) -> np.ndarray:
        """What each source of the query gives, with all of the key, (S,)."""
        return self.parts_ST.sum(axis=1)

    def by_key(self) -> np.ndarray:
        """What each source of the key gives, with all of the query, (T,)."""
        return self.parts_ST.sum(axis=0)

    def largest(self, count: int) -> list[tuple[str, str, float]]:
        """The pairs of sources that give most, the largest in size first."""
        order = np.argsort(-np.abs(self.parts_ST), axis=None, kind="stable")[:count]
        pairs = [divmod(int(i), len(self.key_names)) for i in order]
        return [
            (self.query_names[s], self.key_names[t], float(self.parts_ST[s, t])) for s, t in pairs
        ]


@dataclass(frozen=True)
class Pair:
    """Who looks at whom, counted from the front: one query, and a key or two."""

    path: str
    side: str
    memory: str  # the side whose vectors are the keys'
    head: int
    row: int
    rows_M: np.ndarray


def look(trace, path: str, head: int, query: int, key: int, rival: int | None = None) -> Look:
    """Splits the score of head `head` of an attention ("decoder.17.attn", "decoder.3.cross"), the
    token `query` looking at the token `key`, into sources of the query × sources of the key. With a
    rival: the score less that of the query and that other key, which is what softmax compares.

    The sum is the score after scaling (a bias for the distance, a cap), before the mask. Held at
    their recorded values are the scales of norms, and how far a cap lets the score through.
    GlassError where there is no such attention, head or token.
    """
    pair = checked(trace, path, head, query, [key] if rival is None else [key, rival])
    queries, keys = projected_sources(trace, pair)
    q_SK, k_MTK = queries.joined()[:, 0], keys.joined().transpose(1, 0, 2)
    left_M = let_through(trace, pair)
    parts_ST = q_SK @ against_rival(k_MTK * left_M[:, None, None]).T * config_of(trace).score_scale
    names_S, names_T = queries.names, keys.names
    if f"{path}.scores.biased" in trace:
        bias = config_of(trace).relative_step(path)
        bias_M = trace[bias][head, pair.row, pair.rows_M].astype(np.float64) * left_M
        parts_ST = np.pad(parts_ST, (0, 1))
        parts_ST[-1, -1] = against_rival(bias_M)
        names_S, names_T = (each + (bias,) for each in (names_S, names_T))
    key, *others = pair.rows_M.tolist()
    return Look(
        path, head, pair.row, key, others[0] if others else None, names_S, names_T, parts_ST
    )


def let_through(trace, pair: Pair) -> np.ndarray:
    """How much of the score of each key a cap has left, (M,); 1 where there is no cap."""
    after = f"{pair.path}.scores.capped"
    if after not in trace:
        return np.ones(len(pair.rows_M))
    biased = f"{pair.path}.scores.biased"
    before = biased if biased in trace else f"{pair.path}.scores.scaled"
    return held_share(
        *(
            trace[step][pair.head, pair.row, pair.rows_M].astype(np.float64)
            for step in (before, after)
        )
    )


def read_most(trace, name: str, token: int) -> tuple[str, int, float]:
    """Of a head's source at a token: the side and the position of the token that it read most, and
    how much. So a look that a head prepared can be told: what had it written there, and from where?
    """
    path, _, head = name.rpartition(".head.")
    if not path or f"{path}.pattern" not in trace or not head.isdecimal():
        raise GlassError(f"“{name}” is no head of this model.")
    weights_M = trace[f"{path}.pattern"][int(head), token]
    side = "encoder" if path.endswith(".cross") else path.split(".")[0]
    return side, int(weights_M.argmax()), float(weights_M.max())


def against_rival(of_keys_M):
    """The first key's, less the rival's if there is one."""
    return of_keys_M[0] if len(of_keys_M) == 1 else of_keys_M[0] - of_keys_M[1]


def checked(trace, path: str, head: int, query: int, keys) -> Pair:
    """A GlassError where there is no such attention, head or token, or where an experiment has put
    the score itself there.
    """
    config, (side, _, kind) = (
        config_of(trace),
        path.split(".") if path.count(".") == 2 else [""] * 3,
    )
    if kind not in ("attn", "cross") or path not in sublayers(config, side):
        raise GlassError(f"This model has no attention “{path}”.")
    if not 0 <= head < config.n_heads:
        raise GlassError(f"This model has {config.n_heads} heads, and so no head {head}.")
    edited = ("dot", "scaled", "biased", "capped")
    if any(f"{path}.scores.{leaf}" in trace.edits for leaf in edited):
        raise GlassError("An experiment has put this score there: it has no sources.")
    memory = "encoder" if kind == "cross" else side
    row = int(rows_of(trace, side, [query])[0])
    return Pair(path, side, memory, head, row, rows_of(trace, memory, keys))


def projected_sources(trace, pair: Pair) -> tuple[Written, Written]:
    """The sources of the query, (S, 1, K), and those of the keys, (T, M, K)."""
    rows_L, group = np.array([pair.row]), config_of(trace).group(pair.head)
    if pair.memory != pair.side:
        queries = sources_of(trace, pair.path, "q", pair.head, rows_L)
        return queries, sources_of(trace, pair.path, "k", group, pair.rows_M)
    found = sources(trace, pair.path, np.append(rows_L, pair.rows_M))  # one walk for both
    x_SLD = found.vectors_SLD
    q_SLD, k_TMD = Written(found.names, (x_SLD[:, :1],)), Written(found.names, (x_SLD[:, 1:],))
    return (
        projected(trace, pair.path, "q", pair.head, q_SLD, rows_L),
        projected(trace, pair.path, "k", group, k_TMD, pair.rows_M),
    )


def sources_of(trace, path: str, which: str, head: int, rows) -> Written:
    """The sources of queries ("q") or keys ("k") of a head at some tokens: projected, and rotated
    by their positions, (S, L, K). The keys of cross-attention come from the encoder.
    """
    across, rows_L = path.endswith(".cross") and which == "k", np.asarray(rows)
    found = sources(trace, "encoder.out" if across else path, rows_L)
    stream = Written(found.names, (found.vectors_SLD,))
    return projected(trace, path, which, head, stream, rows_L, across)


def projected(trace, path: str, which: str, head: int, found: Written, rows_L, across=False):
    """Sources of the stream as sources of a head's queries or keys, (S, L, K). across: they come
    from the encoder's last vectors, which this sublayer's norm does not see.
    """
    config, name = config_of(trace), f"{path}.{which}"
    columns = config.columns(head)
    if config.norm_first and not across:
        x_SLD = through_norm(trace, f"{path}.norm", found.joined(), rows_L)
        shift = bias(f"{path}.norm", norm_bias(trace, f"{path}.norm"), len(rows_L))
        found = Written(found.names, (x_SLD,)) + shift
    weight_DK, bias_X = trace.weights[f"{name}.weight"][:, columns], bias_of(trace, name)
    x_SLD = found.joined()
    made_XK = x_SLD.reshape(-1, config.d_model) @ weight_DK.astype(np.float64)  # one product
    made = Written(found.names, (made_XK.reshape(*x_SLD.shape[:2], -1),))
    made += bias(name, None if bias_X is None else bias_X[columns], len(rows_L))
    compared_SLK = compared(trace, path, which, head, made.joined(), rows_L)
    return put_in(trace, path, which, head, Written(made.names, (compared_SLK,)), rows_L)


def compared(trace, path: str, which: str, head: int, x_SLK, rows_L):
    """Projected sources as they are compared: through the norm of queries or keys, where there is
    one, its scale held; and turned by their positions. Both are linear.
    """
    config = config_of(trace)
    if config.qk_norm:
        gain_K = trace.weights[f"{path}.{which}.norm.weight"]
        scale_L = np.asarray(trace[f"{path}.{which}.scale"], np.float64)
        if config.qk_norm == "all":
            gain_K = gain_K.reshape(-1, config.d_head)[head]
        else:
            scale_L = scale_L[head]
        x_SLK = x_SLK * (gain_K / scale_L[rows_L][:, None])
    return turned(trace, path, which, x_SLK, rows_L)


def put_in(trace, path: str, which: str, head: int, made: Written, rows_L) -> Written:
    """And what an experiment put there in place of the query or key that was projected."""
    watched = (f"{path}.{which}", f"{path}.{which}.unrotated", f"{path}.norm.")
    if not any(edit.startswith(watched) for edit in trace.edits):
        return made
    missing_LK = trace[f"{path}.{which}"][head, rows_L] - made.joined().sum(axis=0)
    return made + Written((f"{path}.{which}.edit",), (missing_LK[None],))
