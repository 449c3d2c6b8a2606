"""Direct logit attribution: the logit of a word, or the difference of two, as the sum of what each
source of the stream gave to it (Elhage et al. 2021; Wang et al. 2022, "Interpretability in the
Wild"); a head's part split by the tokens that it read, a feed-forward network's by neuron.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import GlassError
from .head import Reading, reading
from .norms import back_through_norm, bias_of, norm_bias
from .places import before_last_norm, config_of, sublayers
from .stream_sources import sources


@dataclass(frozen=True, eq=False)
class Parts:
    """What each source gave to the logit of a word, or to how far it is above a rival's."""

    word: int
    rival: int | None
    row: int  # of the output
    token: int  # the position at which the word is read
    names: tuple[str, ...]
    parts_S: np.ndarray
    held: tuple[str, ...]  # the recorded values that were held fixed, by name

    @property
    def total(self) -> float:
        """Their sum: the logit, or the difference of the two."""
        return float(self.parts_S.sum())

    def of(self, name: str) -> float:
        """The part of one source."""
        return float(self.parts_S[self.names.index(name)])

    def largest(self, count: int | None = None) -> list[tuple[str, float]]:
        """Names and parts, the largest in size first."""
        order = np.argsort(-np.abs(self.parts_S), kind="stable")[:count]
        return [(self.names[i], float(self.parts_S[i])) for i in order]


@dataclass(frozen=True, eq=False)
class Split:
    """One source's part, split further: parts_N + rest is the part. N: the tokens that a head
    read, or the neurons of a feed-forward network; rest: what the network's bias gave.
    """

    name: str
    parts_N: np.ndarray
    rest: float = 0.0

    @property
    def total(self) -> float:
        """The source's part."""
        return float(self.parts_N.sum() + self.rest)


def parts(trace, word: int, rival: int | None = None, row: int = -1) -> Parts:
    """What each source gave to a word's logit; with a rival, to the word's logit minus the rival's.

    The sum is exact: 1e-9 in float64. Held at their recorded values are the scales of the norms,
    and what `Parts.held` names of the end of the model. GlassError where a model has no words.
    """
    reads = reading(trace, word, rival, row)
    found = sources(trace, before_last_norm(config_of(trace), reads.side), reads.token)
    numbers_S = found.vectors_SLD[:, 0] @ reads.direction_D
    more = [*((each.name, each.part) for each in reads.biases)]
    more += put_by_hand(trace, reads, numbers_S, word, rival, row)
    names = (*found.names, *(name for name, _ in more))
    parts_S = np.concatenate([numbers_S, [number for _, number in more]])
    return Parts(word, rival, row, reads.token, names, parts_S, reads.held)


def put_by_hand(trace, reads: Reading, numbers_S, word: int, rival, row: int):
    """What an experiment with the last norm or the head itself put into the logit."""
    after = (f"{reads.side}.norm.", f"{reads.side}.out", "head.")
    if not any(name.startswith(after) for name in trace.edits):
        return []
    logits_V = trace["head.logits"][row].astype(np.float64)
    recorded = logits_V[word] - (0.0 if rival is None else logits_V[rival])
    explained = numbers_S.sum() + sum(each.part for each in reads.biases)
    return [("head.logits.edit", float(recorded - explained))]


def by_token(trace, name: str, word: int, rival: int | None = None, row: int = -1) -> Split:
    """A head's part, split by the tokens that it read: weight · value · W_O (M of them). name: such
    as "decoder.3.attn.head.4"; the tokens of a head of cross-attention are the encoder's.
    """
    path, _, head = name.rpartition(".head.")
    config, reads = config_of(trace), reading(trace, word, rival, row)
    if path not in sublayers(config, reads.side) or not head.isdecimal():
        raise GlassError(f"“{name}” is no head that writes into the stream of this word.")
    if int(head) >= config.n_heads:
        raise GlassError(f"This model has {config.n_heads} heads, and so no head {head}.")
    read_D = direction_of_update(trace, path, reads.direction_D, reads.token)
    values_M = head_values(trace, path, int(head)) @ head_reads(trace, path, int(head), read_D)
    return Split(name, trace[f"{path}.pattern"][int(head), reads.token] * values_M)


def by_neuron(trace, name: str, word: int, rival: int | None = None, row: int = -1) -> Split:
    """A feed-forward network's part, split by its neurons, (F,); the rest is its bias's. name: such
    as "decoder.3.mlp".
    """
    reads = reading(trace, word, rival, row)
    if name not in sublayers(config_of(trace), reads.side) or not name.endswith(".mlp"):
        raise GlassError(f"“{name}” is no feed-forward network that writes into this stream.")
    read_D = direction_of_update(trace, name, reads.direction_D, reads.token)
    added_D = direction_added(trace, name, reads.direction_D, reads.token)
    rest = float(biases_read(trace, name, read_D, added_D))
    parts_F = trace[f"{name}.hidden"][reads.token] * neuron_reads(trace, name, reads)
    return Split(name, parts_F, rest)


def neuron_reads(trace, path: str, reads: Reading):
    """What is read in what each neuron writes when its activation is 1, (F,)."""
    read_D = direction_of_update(trace, path, reads.direction_D, reads.token)
    return trace.weights[f"{path}.out.weight"] @ read_D


def direction_of_update(trace, path: str, direction_D, token: int):
    """What is read in what a sublayer makes, where `direction_D` is read at the end of the stream:
    the norms between them, taken back.
    """
    direction_D = direction_added(trace, path, direction_D, token)
    if not config_of(trace).norms_update:
        return direction_D
    return back_through_norm(trace, f"{path}.out.norm", direction_D, token)


def direction_added(trace, path: str, direction_D, token: int):
    """What is read in what a sublayer adds to the stream: the norms of the stream, taken back."""
    config, side = config_of(trace), path.split(".")[0]
    if config.norm_at != "after":
        return direction_D
    paths = sublayers(config, side)
    for passed in reversed(paths[paths.index(path) :]):
        direction_D = back_through_norm(trace, f"{passed}.norm", direction_D, token)
    return direction_D


def biases_read(trace, path: str, made_D, added_D):
    """What is read in a network's biases: its own, and that of its update's norm. made_D: what is
    read in what it makes; added_D: in what it adds.
    """
    own_D, config = bias_of(trace, f"{path}.out"), config_of(trace)
    norm_D = norm_bias(trace, f"{path}.out.norm") if config.norms_update else None
    both = ((own_D, made_D), (norm_D, added_D))
    return sum(bias_D @ read_D for bias_D, read_D in both if bias_D is not None)


def head_values(trace, path: str, head: int):
    """The values that a head reads, (M, K), in float64."""
    return trace[f"{path}.v"][config_of(trace).group(head)].astype(np.float64)


def head_reads(trace, path: str, head: int, read_D):
    """What of a head's values is read, where read_D is read in its update: W_O · read, (K,)."""
    K = config_of(trace).d_head
    return trace.weights[f"{path}.out.weight"][head * K : (head + 1) * K] @ read_D
