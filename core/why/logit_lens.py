"""The logit lens: what the model would say after each layer, if its last norm and its output head
read that layer's stream (nostalgebraist 2020).

Early layers do not yet speak the language of the head, and a post-norm makes each layer's vectors
of one size: there the first guesses say little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..ops import softmax
from ..recorder import KEEP, Run, input_of
from ..transformer import head, normalise
from .head import check_row, check_word, with_head


@dataclass(frozen=True, eq=False)
class Guesses:
    """The likeliest words after the embedding and after each layer (N of them), and how likely one
    chosen word is there.
    """

    steps: tuple[str, ...]  # whose stream is read
    ids_NT: np.ndarray  # the likeliest first
    probs_NT: np.ndarray
    word: int | None
    prob_N: np.ndarray | None  # of the chosen word
    rank_N: np.ndarray | None  # so many words are likelier; 0: it is the likeliest


def lens(trace, row: int = -1) -> np.ndarray:
    """The logits after the embedding and after each layer, (layers + 1, V), through the last norm
    and the head. The last row is the output's; an experiment that edits the last norm or the head
    itself is left out. GlassError for a model without an output head.
    """
    config, row = with_head(trace), check_row(trace, row)
    token = int(trace.rows[row])
    return read_by_head(trace, np.stack([trace[step][token] for step in lens_steps(config)]))


def read_by_head(trace, stream_ND) -> np.ndarray:
    """The logits of vectors of the stream, (N, V), through the last norm and the head, which are
    run as the forward pass runs them.
    """
    config, side = with_head(trace), trace.config.sides[-1]
    count = {"L": len(stream_ND), "R": len(stream_ND)}
    sizes = {each: trace.sizes(each) | count for each in (side, "head", "head.in")}
    run = Run(config, trace.weights, sizes, {}, KEEP["all"])
    if config.final_norm:
        stream_ND = normalise(run.at(side).below("norm"), stream_ND)
    head(run.at("head"), stream_ND)
    return run.values["head.logits"]


def lens_steps(config) -> tuple[str, ...]:
    """The steps that the lens reads: the embedding, then each layer."""
    side = config.sides[-1]
    return tuple(input_of(side, layer) for layer in range(config.layers(side) + 1))


def guesses(trace, row: int = -1, word: int | None = None, count: int = 5) -> Guesses:
    """The likeliest words after each layer, and the probability and the rank of a chosen one."""
    logits_NV, config = lens(trace, row), with_head(trace)
    probs_NV = softmax(logits_NV.astype(np.float64))
    top_NT = np.argpartition(-probs_NV, min(count, config.n_vocab - 1), axis=1)[:, :count]
    order_NT = np.argsort(-np.take_along_axis(probs_NV, top_NT, 1), axis=1, kind="stable")
    ids_NT = np.take_along_axis(top_NT, order_NT, 1)
    prob_N = rank_N = None
    if word is not None:
        prob_N = probs_NV[:, check_word(config, word)]
        rank_N = (logits_NV > logits_NV[:, [word]]).sum(axis=1)
    probs_NT = np.take_along_axis(probs_NV, ids_NT, 1)
    return Guesses(lens_steps(config), ids_NT, probs_NT, word, prob_N, rank_N)
