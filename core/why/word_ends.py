"""The words that a trail ends at, with every way counted: how much of a word's logit each token of
the sentence gives, over all ways from its embedding through heads and networks.

It is the sum that core/why/word_trail.py draws the strong part of, taken in one pass from the end
to the beginning. Two rules say which token gets what:

- A bias takes effect at a token only as far as something later reads that token, so it counts for
  that token: a network's own bias makes up a part of what its neurons say there. At the token that
  is asked, biases stand in every sentence alike, and count for none.
- A special token that can look at no word, such as the [START] of a decoder, holds nothing of the
  sentence. Attention weights sum to 1, and a head that finds nothing rests there (an attention
  sink; Xiao et al. 2023, "Efficient Streaming Language Models with Attention Sinks"). That it rests
  is its verdict on the words before it, so what it takes from there is shared among them, in
  proportion to the weights that it gives them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .head import Reading, reading
from .logit_parts import parts
from .norms import back_through_norm, bias_of, norm_bias
from .places import config_of, sublayers
from .word_trail import held_gates

ALL = slice(None)


@dataclass(frozen=True, eq=False)
class Ends:
    """What each token gives to a word's logit, or to how far it is above a rival's, by side."""

    word: int
    rival: int | None
    row: int
    total: float
    parts: dict[str, np.ndarray]  # side -> (L,)

    @property
    def frame(self) -> float:
        """What no token gives: biases at the token that is asked, and what an experiment put in."""
        return self.total - float(sum(each_L.sum() for each_L in self.parts.values()))

    def share(self, part: float) -> float:
        """A part as a share of the whole."""
        return part / self.total if self.total else 0.0

    def largest(self, count: int | None = None) -> list[tuple[str, int, float]]:
        """Side, position and part of the tokens that give most towards the whole."""
        found = [
            (side, token, float(part))
            for side, parts_L in self.parts.items()
            for token, part in enumerate(parts_L)
        ]
        return sorted(found, key=lambda each: -self.share(each[2]))[:count]


@dataclass(frozen=True, eq=False)
class Backward:
    """A pass under way, by side: what is read at each token of the stream, (L, D), and what each
    token has been given so far, (L,).
    """

    trace: Any
    asked: Reading
    through: bool  # networks
    empty: dict[str, np.ndarray]  # tokens that hold nothing of the sentence, (L,)
    reads: dict[str, np.ndarray]
    given: dict[str, np.ndarray]

    def bias(self, side: str, bias_D, reads_LD) -> None:
        """Counts a bias for the tokens at which it is added, but for the one that is asked."""
        if bias_D is None:
            return
        parts_L = reads_LD @ bias_D
        if side == self.asked.side:
            parts_L[self.asked.token] = 0
        self.given[side] += parts_L

    def norm(self, side: str, path: str, reads_LD):
        """The same reading before a norm."""
        self.bias(side, norm_bias(self.trace, path), reads_LD)
        return back_through_norm(self.trace, path, reads_LD, ALL)


def ends(
    trace, word: int, rival: int | None = None, row: int = -1, through: bool | None = None
) -> Ends:
    """How much each token gives to a word's logit; with a rival, to how far it is above the
    rival's. The tokens' parts and the biases at the asked token sum to the whole: 1e-9 in float64.

    Held at their recorded values are attention weights, the scales of norms and the gates of
    neurons. through: as in core.why.trail. GlassError where a model has no words.
    """
    asked, config = reading(trace, word, rival, row), config_of(trace)
    sizes = {side: (trace.sizes(side)["L"], config.d_model) for side in config.sides}
    reads = {side: np.zeros(size) for side, size in sizes.items()}
    reads[asked.side][asked.token] = asked.direction_D
    given = {side: np.zeros(size[0]) for side, size in sizes.items()}
    through = not config.gated if through is None else through
    empty = {side: empty_tokens(trace, side) for side in config.sides}
    back = Backward(trace, asked, through, empty, reads, given)
    for side in reversed(config.sides):
        back_through_sublayers(back, side)
        end_at_embedding(back, side)
    return Ends(word, rival, row, parts(trace, word, rival, row).total, given)


def back_through_sublayers(back: Backward, side: str) -> None:
    """Makes what is read after a side's layers what is read before them."""
    config, reads_LD = config_of(back.trace), back.reads[side]
    for path in reversed(sublayers(config, side)):
        if config.norm_at == "after":
            back.reads[side] = back.norm(side, f"{path}.norm", back.reads[side])
        if path.endswith(".mlp") or not config.parallel:  # parallel updates are read alike
            reads_LD = back.reads[side]
        back_through_update(back, side, path, reads_LD)


def back_through_update(back: Backward, side: str, path: str, reads_LD) -> None:
    """Adds what is read of a sublayer's update to what is read of its input."""
    made_LD = reads_LD
    if config_of(back.trace).norms_update and (back.through or not path.endswith(".mlp")):
        made_LD = back.norm(side, f"{path}.out.norm", reads_LD)
    if path.endswith(".mlp"):
        back_through_network(back, side, path, reads_LD, made_LD)
    else:
        back.bias(side, bias_of(back.trace, f"{path}.out"), made_LD)
        back_through_heads(back, side, path, made_LD)


def add_before(back: Backward, side: str, path: str, reads_LD) -> None:
    """Adds what a sublayer reads of its input, which a pre-norm has normed."""
    if config_of(back.trace).norm_first:
        reads_LD = back.norm(side, f"{path}.norm", reads_LD)
    back.reads[side] = back.reads[side] + reads_LD


def end_at_embedding(back: Backward, side: str) -> None:
    """What is read of the first vectors: word, place and segment give it."""
    path, reads_LD = f"{side}.embed", back.reads[side]
    if config_of(back.trace).d_embed:
        back.bias(side, bias_of(back.trace, f"{path}.out"), reads_LD)
        reads_LD = reads_LD @ back.trace.weights[f"{path}.out.weight"].T.astype(np.float64)
    if config_of(back.trace).embed_norm:
        reads_LD = back.norm(side, f"{path}.norm", reads_LD)
    for step in (f"{path}.{leaf}" for leaf in ("token", "position", "segment")):
        if step in back.trace:
            back.given[side] += np.vecdot(back.trace[step].astype(np.float64), reads_LD)


# --- heads ----------------------------------------------------------------------------------------


def back_through_heads(back: Backward, side: str, path: str, made_LD) -> None:
    """What all heads read of the values; of empty tokens it is shared out. made_LD: what is read of
    what they make.
    """
    trace, config = back.trace, config_of(back.trace)
    memory = "encoder" if path.endswith(".cross") else side
    reads_HLK = at_heads(trace, path, made_LD)
    weights_HLM = trace[f"{path}.pattern"].astype(np.float64)
    groups_H = [config.group(head) for head in range(config.n_heads)]
    values_HMK = trace[f"{path}.v"].astype(np.float64)[groups_H]
    empty_M = back.empty[memory]
    rest_HL = np.vecdot(reads_HLK, weights_HLM[..., empty_M] @ values_HMK[:, empty_M])
    words_HLM = np.where(empty_M, 0, weights_HLM)
    back.given[memory] += shared(rest_HL, words_HLM, weights_HLM)
    wanted_GMK = np.zeros((config.n_kv_heads, *values_HMK.shape[1:]))
    np.add.at(wanted_GMK, groups_H, words_HLM.transpose(0, 2, 1) @ reads_HLK)
    into_values(back, memory, path, wanted_GMK.transpose(1, 0, 2).reshape(len(empty_M), -1))


def at_heads(trace, path: str, reads_LD):
    """What is read in each head's weighted sum, (H, L, K)."""
    weight_XD = trace.weights[f"{path}.out.weight"]
    reads_LX = (reads_LD.astype(weight_XD.dtype) @ weight_XD.T).astype(np.float64)
    return reads_LX.reshape(len(reads_LD), config_of(trace).n_heads, -1).transpose(1, 0, 2)


def shared(rest_HL, words_HLM, weights_HLM):
    """What the heads take from empty tokens, shared by the weights that they give to others, (M,);
    where they give none, it stays with the empty ones.
    """
    none_HL1 = words_HLM.sum(axis=-1, keepdims=True) == 0
    by_HLM = np.where(none_HL1, weights_HLM, words_HLM)
    return np.einsum("hl,hlm->m", rest_HL, by_HLM / by_HLM.sum(axis=-1, keepdims=True))


def into_values(back: Backward, memory: str, path: str, wanted_MX) -> None:
    """From what is read of the values to what is read of the vectors that they are made of."""
    back.bias(memory, bias_of(back.trace, f"{path}.v"), wanted_MX)
    weight_DX = back.trace.weights[f"{path}.v.weight"]
    reads_MD = (wanted_MX.astype(weight_DX.dtype) @ weight_DX.T).astype(np.float64)
    if not path.endswith(".cross"):
        add_before(back, memory, path, reads_MD)
        return
    if config_of(back.trace).final_norm:
        reads_MD = back.norm(memory, f"{memory}.norm", reads_MD)
    back.reads[memory] = back.reads[memory] + reads_MD


def empty_tokens(trace, side: str) -> np.ndarray:
    """Which tokens hold nothing of the sentence, (L,): special ones that look at no word."""
    config, empty_L = config_of(trace), np.zeros(trace.sizes(side)["L"], dtype=bool)
    if side != config.sides[0] or trace.words_L is None:
        return empty_L
    special_L = np.array([word is None for word in trace.words_L])
    looks_L = empty_L
    for layer in range(config.layers(side)):
        weights_HLM = trace[f"{side}.{layer}.attn.pattern"]
        looks_L = looks_L | weights_HLM[..., ~special_L].any(axis=(0, 2))
    return special_L & ~looks_L


# --- feed-forward networks ------------------------------------------------------------------------


def back_through_network(back: Backward, side: str, path: str, reads_LD, made_LD) -> None:
    """What a network reads of its own token, each neuron's gate held; or what it gives there.
    reads_LD: what is read of what it adds; made_LD: of what it makes.
    """
    trace = back.trace
    if not back.through:
        back.given[side] += np.vecdot(trace[f"{path}.out"].astype(np.float64), reads_LD)
        return
    back.bias(side, bias_of(trace, f"{path}.out"), made_LD)
    gated = config_of(trace).gated
    way, out_FD = "hidden.up" if gated else "pre", trace.weights[f"{path}.out.weight"]
    reads_LF = (made_LD.astype(out_FD.dtype) @ out_FD.T).astype(np.float64)
    reads_LF *= held_gates(trace, path, ALL, gated)
    back.bias(side, bias_of(trace, f"{path}.{way}"), reads_LF)
    weight_DF = trace.weights[f"{path}.{way}.weight"]
    wanted_LD = (reads_LF.astype(weight_DF.dtype) @ weight_DF.T).astype(np.float64)
    add_before(back, side, path, wanted_LD)
