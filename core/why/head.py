"""From the stream to the logit of a word: the direction that the last norm and the output head read
in the stream, with all that is not linear in them held at its recorded value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..config import Config
from ..errors import GlassError
from .norms import back_through_norm, bias_of, norm_bias
from .places import config_of


@dataclass(frozen=True, eq=False)
class ReadBias:
    """A bias after the stream, and what it gives: Σ of the bias times what is read in it."""

    name: str
    reads_X: np.ndarray
    part: float


@dataclass(frozen=True, eq=False)
class Reading:
    """What a word's logit reads at one token: its direction in the stream before the last norm, and
    the biases behind it. stream · direction_D + Σ biases is the logit.
    """

    side: str
    token: int  # the position on that side
    direction_D: np.ndarray
    biases: tuple[ReadBias, ...]
    held: tuple[str, ...]  # the recorded values that are held fixed, by name


def with_head(trace) -> Config:
    """The config of a model that compares its vectors with words; a GlassError for others."""
    config = config_of(trace)
    if not config.head:
        raise GlassError(
            "This model has no output head: it makes vectors of a text, and no word has a logit."
        )
    return config


def reading(trace, word: int, rival: int | None = None, row: int = -1) -> Reading:
    """What the logit of a word reads in the stream; with a rival, the difference of two logits.
    row: of the rows whose output the trace has.

    Held are the last norm's scale and, in a head with a layer of its own (masked-word heads), the
    scale of its norm and how far each of its neurons lets its input through, act(x) / x; of a
    capped logit, how far the cap lets it through.
    """
    config, row = with_head(trace), check_row(trace, row)
    side, token = config.sides[-1], int(trace.rows[row])
    words_V = one_word(config, word) - (0 if rival is None else one_word(config, rival))
    held = ("head.logits.uncapped",) if config.logit_cap else ()
    words_V = words_V * let_through(trace, np.flatnonzero(words_V), row)
    reads_D = words_read(trace, words_V)
    biases = bias_read("head.logits", bias_of(trace, "head.logits"), words_V)
    if config.head == "transform":
        reads_D, more = back_through_transform(trace, reads_D, row)
        biases, held = more + biases, ("head.hidden", "head.norm.scale", *held)
    elif config.d_embed:
        biases = bias_read("head.pre", bias_of(trace, "head.pre"), reads_D) + biases
        reads_D = trace.weights["head.pre.weight"] @ reads_D
    reads_D = reads_D * config.head_scale
    if config.final_norm:
        norm = f"{side}.norm"
        biases = bias_read(norm, norm_bias(trace, norm), reads_D) + biases
        held = (f"{norm}.scale", *held)
        reads_D = back_through_norm(trace, norm, reads_D, token)
    return Reading(side, token, reads_D, tuple(biases), held)


def let_through(trace, ids_N, row: int):
    """How much of these words' logits is left by the cap, for all words (V,); 1 without a cap, and
    where nothing is asked.
    """
    shares_V = np.ones(config_of(trace).n_vocab)
    if config_of(trace).logit_cap:
        before_N, after_N = (
            trace[f"head.{leaf}"][row, ids_N].astype(np.float64)
            for leaf in ("logits.uncapped", "logits")
        )
        shares_V[ids_N] = held_share(before_N, after_N)
    return shares_V


def held_share(before_X, after_X):
    """What of each number a bend has left, after / before; 1 where the number is 0."""
    return np.divide(after_X, before_X, out=np.ones_like(before_X), where=before_X != 0)


def one_word(config: Config, word: int):
    """1 for a word of the vocabulary and 0 for all others, (V,); a GlassError for what is none."""
    words_V = np.zeros(config.n_vocab)
    words_V[check_word(config, word)] = 1
    return words_V


def words_read(trace, words_V):
    """What words read in the vector that is compared with them, (D,): their rows, added up."""
    ids_N = np.flatnonzero(words_V)
    return words_V[ids_N] @ trace.weights["head.logits.weight"][ids_N]


def back_through_transform(trace, reads_D, row: int):
    """The direction before the layer that a masked-word head has of its own, and what its biases
    give: (direction (D,), biases).
    """
    biases = bias_read("head.norm", norm_bias(trace, "head.norm"), reads_D)
    reads_D = back_through_norm(trace, "head.norm", reads_D, row)
    pre_D, hidden_D = (trace[f"head.{leaf}"][row].astype(np.float64) for leaf in ("pre", "hidden"))
    reads_D = reads_D * gates(pre_D, hidden_D)
    biases = bias_read("head.pre", bias_of(trace, "head.pre"), reads_D) + biases
    return trace.weights["head.pre.weight"] @ reads_D, biases


def gates(pre_F, hidden_F):
    """How far each neuron lets its input through: act(x) / x, and 0 where x is 0. All activations
    here are x times such a gate; held at its recorded value, it makes the layer linear.
    """
    return np.divide(hidden_F, pre_F, out=np.zeros_like(pre_F), where=pre_F != 0)


def bias_read(name: str, bias_X, reads_X) -> list[ReadBias]:
    """What a bias gives to a reading; nothing, where there is none."""
    return [] if bias_X is None else [ReadBias(f"{name}.bias", reads_X, float(bias_X @ reads_X))]


def check_row(trace, row: int) -> int:
    """A row of the output, counted from the front. GlassError where the trace has no such row."""
    if not -len(trace.rows) <= row < len(trace.rows):
        raise GlassError(
            f"This trace has the output of {len(trace.rows)} tokens; row {row} is none of them."
        )
    return row % len(trace.rows)


def check_word(config: Config, word: int) -> int:
    """The id of a word of the vocabulary; a GlassError for others."""
    if not 0 <= word < config.n_vocab:
        raise GlassError(f"Token ids go from 0 to {config.n_vocab - 1}; {word} is outside.")
    return word
