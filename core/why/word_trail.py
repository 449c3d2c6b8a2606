"""The trail of a word: from its logit back through the strongest parts to the words of the
sentence, as a small graph.

With attention weights, norms' scales and the gates of neurons held at their recorded values, all
that the model computes is linear, and a logit is an exact sum over the ways from the embeddings to
it. The trail keeps the ways whose every step is worth at least a share of the whole; the share that
ends at words or biases is explained, and what is left is the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import GlassError
from .head import gates, reading
from .logit_parts import parts
from .norms import back_through_norm, bias_of, norm_bias
from .places import config_of, reads_stream, sublayers

ROOT, REST = "head.logits", "the rest"


@dataclass(frozen=True)
class Node:
    """A source at a token: the part that it gives along the trail's edges, in logits. The first
    node is the word itself (head.logits), the last one the rest.
    """

    name: str
    token: int  # the position on the source's side
    part: float
    ends: bool  # whether the trail ends there: at an embedding or a bias


@dataclass(frozen=True)
class Edge:
    """What one node gives to another, and through it to the logit: indices of nodes."""

    giver: int
    taker: int
    part: float


@dataclass(frozen=True)
class Trail:
    """Where a word's logit, or how far it is above a rival's, came from."""

    word: int
    rival: int | None
    row: int
    threshold: float
    total: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def explained(self) -> float:
        """The share of the whole that the trail leads to words and biases."""
        return 1 - self.share(self.nodes[-1].part)

    def share(self, part: float) -> float:
        """A part as a share of the whole."""
        return part / self.total if self.total else 0.0

    def tokens(self) -> list[tuple[str, int, float]]:
        """The tokens at which the trail ends: side, position, and the part that all that is not a
        bias gives there; the largest in size first.
        """
        found: dict[tuple[str, int], float] = {}
        for node in self.nodes[:-1]:
            if node.ends and not node.name.endswith(".bias"):
                place = (node.name.split(".")[0], node.token)
                found[place] = found.get(place, 0.0) + node.part
        ordered = sorted(found.items(), key=lambda each: -abs(each[1]))
        return [(side, token, part) for (side, token), part in ordered]


@dataclass(frozen=True, eq=False)
class Want:
    """What a node reads in the stream at a token: direction_D, in logits."""

    taker: int
    token: int
    direction_D: np.ndarray


@dataclass
class Growing:
    """A trail under way: its nodes (name, token, whether it ends there) by index, and its edges."""

    least: float
    through: bool  # feed-forward networks
    nodes: dict[tuple[str, int, bool], int] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)

    def node(self, name: str, token: int, ends: bool = False) -> int:
        """The index of a node, which is made if it is new."""
        return self.nodes.setdefault((name, token, ends), len(self.nodes))

    def gives(self, name: str, want: Want, part: float, ends: bool = False) -> int | None:
        """An edge to what wants it, and the giver's index; None for what is worth too little."""
        if abs(part) < self.least:
            return None
        giver = self.node(name, want.token, ends)
        self.edges.append(Edge(giver, want.taker, float(part)))
        return giver


def trail(
    trace,
    word: int,
    rival: int | None = None,
    row: int = -1,
    threshold: float = 0.1,
    through: bool | None = None,
) -> Trail:
    """The strongest ways from the words of the sentence to a word's logit; with a rival, to how far
    it is above the rival's. threshold: the least share of the whole that a step must give; 0 keeps
    every way, and explains everything.

    through: whether the trail goes on through feed-forward networks, with their gates held; else it
    ends at them, at the token where they write. None: unless they are gated. A gated neuron is a
    product of two readings of the stream, of which one would be held and hidden.

    GlassError where a model has no words, or the threshold is below 0.
    """
    if not threshold >= 0:
        raise GlassError(f"The threshold is a share from 0 up, not {threshold}.")
    reads, total = reading(trace, word, rival, row), parts(trace, word, rival, row).total
    config = config_of(trace)
    graph = Growing(abs(total) * threshold, not config.gated if through is None else through)
    first = Want(graph.node(ROOT, reads.token), reads.token, reads.direction_D)
    for each in reads.biases:
        graph.gives(each.name, first, each.part, ends=True)
    wants = {side: [] for side in config.sides} | {reads.side: [first]}
    for side in reversed(config.sides):
        back_through_layers(trace, graph, side, wants)
        end_at_embedding(trace, graph, side, wants[side])
    return finished(Trail(word, rival, row, threshold, total, (), ()), graph)


def back_through_layers(trace, graph: Growing, side: str, wants: dict[str, list[Want]]) -> None:
    """Makes what is wanted of a side's last vectors what is wanted of its first ones; and of the
    vectors of another side that it reads.
    """
    found: list[tuple[str, Want]] = []
    for path in reversed(sublayers(config_of(trace), side)):
        found += back_through_sublayer(trace, graph, path, wants[side])
        if reads_stream(config_of(trace), path):  # a parallel network reads what attention does
            for at, want in found:
                wants[at].append(want)
            found = []


def finished(begun: Trail, graph: Growing) -> Trail:
    """The trail with its nodes, each with what it gives, and the rest."""
    given = np.zeros(len(graph.nodes) + 1)
    for edge in graph.edges:
        given[edge.giver] += edge.part
    names, given[0] = [*graph.nodes, (REST, graph_token(graph), True)], begun.total
    given[-1] = begun.total - sum(given[i] for (_, _, ends), i in graph.nodes.items() if ends)
    nodes = tuple(
        Node(name, token, float(part), ends)
        for (name, token, ends), part in zip(names, given, strict=True)
    )
    return replace(begun, nodes=nodes, edges=tuple(graph.edges))


def graph_token(graph: Growing) -> int:
    """The token of the word itself."""
    return next(iter(graph.nodes))[1]


def back_through_sublayer(
    trace, graph: Growing, path: str, wants: list[Want]
) -> Iterable[tuple[str, Want]]:
    """What the strong parts of a sublayer want in turn, and on which side. `wants`, which read the
    stream after it, are made to read the stream before it.
    """
    if config_of(trace).norm_at == "after":
        wants[:] = [back(trace, graph, f"{path}.norm", want) for want in wants]
    if not wants:
        return ()
    bias_D = bias_of(trace, f"{path}.out")
    if path.endswith(".mlp"):
        return from_feed_forward(trace, graph, path, wants, bias_D)
    wants = [back_into_made(trace, graph, path, want) for want in wants]
    for want in wants if bias_D is not None else ():
        graph.gives(f"{path}.bias", want, bias_D @ want.direction_D, ends=True)
    return from_heads(trace, graph, path, wants)


def back(trace, graph: Growing, norm: str, want: Want) -> Want:
    """The same want before a norm; what the norm's bias gives ends there."""
    bias_D = norm_bias(trace, norm)
    if bias_D is not None:
        graph.gives(f"{norm}.bias", want, bias_D @ want.direction_D, ends=True)
    return replace(want, direction_D=back_through_norm(trace, norm, want.direction_D, want.token))


def back_into_made(trace, graph: Growing, path: str, want: Want) -> Want:
    """What is wanted of a sublayer's update, before the norm that the update may have passed."""
    norm = f"{path}.out.norm"
    return back(trace, graph, norm, want) if config_of(trace).norms_update else want


# --- heads ----------------------------------------------------------------------------------------


def from_heads(trace, graph: Growing, path: str, wants: list[Want]):
    """Which heads give enough of what is wanted, and what these want of the tokens they read."""
    config, weight_XD = config_of(trace), trace.weights[f"{path}.out.weight"]
    directions_ND = np.stack([want.direction_D for want in wants]).astype(weight_XD.dtype)
    reads_NHK = (directions_ND @ weight_XD.T).reshape(len(wants), config.n_heads, -1)
    z_NHK = trace[f"{path}.z"][:, [want.token for want in wants]].transpose(1, 0, 2)
    parts_NH, found = np.vecdot(reads_NHK, z_NHK), {}
    for n, h in np.argwhere(np.abs(parts_NH) >= graph.least).tolist():
        giver = graph.gives(f"{path}.head.{h}", wants[n], parts_NH[n, h])
        if giver is not None:
            found.setdefault((giver, h, wants[n].token), []).append(reads_NHK[n, h])
    for (giver, h, token), reads in found.items():
        yield from through_values(trace, graph, path, giver, h, token, np.sum(reads, axis=0))


def through_values(trace, graph: Growing, path: str, giver: int, head: int, token: int, reads_K):
    """What a head wants of each token that it read: its weight × what W_V carries over."""
    config, side = config_of(trace), path.split(".")[0]
    group = config.group(head)
    columns = config.columns(group)
    direction_D = (trace.weights[f"{path}.v.weight"][:, columns] @ reads_K).astype(np.float64)
    bias_X = bias_of(trace, f"{path}.v")
    from_bias = 0.0 if bias_X is None else float(bias_X[columns] @ reads_K)
    weights_M = trace[f"{path}.pattern"][head, token].astype(np.float64)
    parts_M = weights_M * (trace[f"{path}.v"][group] @ reads_K)
    for m in np.flatnonzero(np.abs(parts_M) >= graph.least).tolist():
        want = Want(giver, m, weights_M[m] * direction_D)
        graph.gives(f"{path}.v.bias", want, weights_M[m] * from_bias, ends=True)
        if path.endswith(".cross"):
            last = config.final_norm
            yield "encoder", back(trace, graph, "encoder.norm", want) if last else want
        else:
            yield side, back_into(trace, graph, path, want)


def back_into(trace, graph: Growing, path: str, want: Want) -> Want:
    """What is wanted of a sublayer's input, before the norm that stands there in a pre-norm."""
    return back(trace, graph, f"{path}.norm", want) if config_of(trace).norm_first else want


# --- feed-forward networks ------------------------------------------------------------------------


def from_feed_forward(trace, graph: Growing, path: str, wants: list[Want], bias_D):
    """Whether the network gives enough of what is wanted, and what it wants of its own token: each
    neuron's gate is held.
    """
    out_LD, found = trace[f"{path}.out"], {}
    for want in wants:
        part = out_LD[want.token] @ want.direction_D
        giver = graph.gives(path, want, part, ends=not graph.through)
        if giver is not None and graph.through:
            found.setdefault((giver, want.token), []).append(want.direction_D)
    side = path.split(".")[0]
    for (giver, token), directions in found.items():
        want = Want(giver, token, np.sum(directions, axis=0))
        want = back_into_made(trace, graph, path, want)
        if bias_D is not None:
            graph.gives(f"{path}.bias", want, bias_D @ want.direction_D, ends=True)
        yield side, back_into(trace, graph, path, through_neurons(trace, graph, path, want))


def through_neurons(trace, graph: Growing, path: str, want: Want) -> Want:
    """What is wanted of a network's update, as what is wanted of its input."""
    gated = config_of(trace).gated
    way = "hidden.up" if gated else "pre"
    out_FD = trace.weights[f"{path}.out.weight"]
    reads_F = (out_FD @ want.direction_D.astype(out_FD.dtype)).astype(np.float64)
    reads_F *= held_gates(trace, path, want.token, gated)
    bias_F, weight_DF = bias_of(trace, f"{path}.{way}"), trace.weights[f"{path}.{way}.weight"]
    if bias_F is not None:
        graph.gives(f"{path}.{way}.bias", want, bias_F @ reads_F, ends=True)
    return replace(want, direction_D=(weight_DF @ reads_F.astype(weight_DF.dtype)).astype(float))


def held_gates(trace, path: str, token: int | slice, gated: bool):
    """How far each neuron let its input through at a token, (F,); at a slice of them, (L, F)."""
    if gated:
        return trace[f"{path}.hidden.gate"][token].astype(np.float64)
    pre_F, hidden_F = (
        trace[f"{path}.{leaf}"][token].astype(np.float64) for leaf in ("pre", "hidden")
    )
    return gates(pre_F, hidden_F)


# --- the embedding --------------------------------------------------------------------------------


def end_at_embedding(trace, graph: Growing, side: str, wants: list[Want]) -> None:
    """What is wanted of the first vectors: word, place and segment give it, and the trail ends."""
    path = f"{side}.embed"
    if config_of(trace).d_embed:
        wants = [back_through_projection(trace, graph, f"{path}.out", want) for want in wants]
    if config_of(trace).embed_norm:
        wants = [back(trace, graph, f"{path}.norm", want) for want in wants]
    for step in (f"{path}.{leaf}" for leaf in ("token", "position", "segment")):
        for want in wants if step in trace else ():
            part = trace[step][want.token] @ want.direction_D
            graph.gives(step, want, part, ends=True)


def back_through_projection(trace, graph: Growing, path: str, want: Want) -> Want:
    """The same want in the width of the tables; what the projection's bias gives ends there."""
    bias_D, weight_ED = bias_of(trace, path), trace.weights[f"{path}.weight"]
    if bias_D is not None:
        graph.gives(f"{path}.bias", want, bias_D @ want.direction_D, ends=True)
    return replace(want, direction_D=weight_ED.astype(np.float64) @ want.direction_D)
