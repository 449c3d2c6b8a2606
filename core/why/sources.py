"""The residual stream as the exact sum of what was written into it.

Every sublayer adds its update to the stream, so a token's vector is the sum of its sources: the
embeddings, each earlier head, each feed-forward network, the biases (Elhage et al. 2021, "A
Mathematical Framework for Transformer Circuits"). After a post-norm each source has been centred,
divided by the recorded scale and weighted, and the norm's bias is one more source.

A source is named after what wrote it: decoder.embed.token, decoder.3.attn.head.4,
decoder.3.attn.bias, decoder.3.mlp, decoder.3.mlp.norm.bias. What an experiment put into the stream
itself is a source, too: decoder.3.attn.edit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import GlassError
from core.step_ref import parse
from core.why.norms import bias_of, norm_bias, through_norm
from core.why.places import config_of, place_of, sublayers

# Edits of these steps change the stream, but not what was written into it.
_FROM_OUTSIDE = ("in", "sum", "out", "norm.mean", "norm.centred", "norm.unit", "norm.out")


@dataclass(frozen=True, eq=False)
class Sources:
    """The sources of the stream at a step: their sum over S is the recorded value there."""

    step: str
    rows_L: np.ndarray  # the tokens, as positions on that side
    names: tuple[str, ...]
    vectors_SLD: np.ndarray  # float64

    def __len__(self) -> int:
        return len(self.names)

    def of(self, name: str) -> np.ndarray:
        """The vectors of one source, (L, D)."""
        return self.vectors_SLD[self.names.index(name)]


@dataclass(frozen=True, eq=False)
class Written:
    """Sources that are still being gathered: names, and arrays (S, L, D) that hold as many."""

    names: tuple[str, ...]
    blocks: tuple[np.ndarray, ...]

    def __add__(self, other: Written) -> Written:
        return Written(self.names + other.names, self.blocks + other.blocks)

    def joined(self) -> np.ndarray:
        """All of them in one array, (S, L, D)."""
        return self.blocks[0] if len(self.blocks) == 1 else np.concatenate(self.blocks)


NOTHING = Written((), ())


def sources(trace, place: str, rows=None) -> Sources:
    """The stream at a place, such as "decoder.2.attn" (what it reads), "decoder.3.out" or
    "decoder.out" (after the last norm), as the sum of its sources. rows: the tokens that are
    wanted, as positions; all, if None.

    The scales of norms that the stream has passed are held at their recorded values. The sum is
    exact to 1e-9 in float64; in float32 to the rounding of the forward pass. GlassError where there
    is no such place or token.
    """
    at = place_of(trace, place)
    rows_L, config = rows_of(trace, at.side, rows), config_of(trace)
    found = embedded(trace, at.side, rows_L)
    for path in sublayers(config, at.side)[: at.written]:
        found = after_sublayer(trace, path, found, rows_L)
    if at.after_last_norm:
        found = after_norm(trace, f"{at.side}.norm", found, rows_L) if config.final_norm else found
        found += put_by_hand(trace, f"{at.side}.", at.step, found, rows_L)
    return Sources(at.step, rows_L, found.names, found.joined())


def rows_of(trace, side: str, rows) -> np.ndarray:
    """Positions of tokens, counted from the front, (L,). A GlassError outside the text."""
    count = trace.shape(f"{side}.embed.ids")[0]
    try:
        return np.atleast_1d(np.arange(count)[slice(None) if rows is None else rows])
    except IndexError as error:
        raise GlassError(f"The text has {count} tokens; {rows} is none of them.") from error


def one(trace, name: str, rows_L, step: str) -> Written:
    """A source that a recorded step is, as it is."""
    return Written((name,), (np.asarray(trace[step][rows_L], np.float64)[None],))


def bias(name: str, bias_D, n_rows: int) -> Written:
    """A learned bias: the same for every token. Nothing, where it is None."""
    if bias_D is None:
        return NOTHING
    return Written((f"{name}.bias",), (np.broadcast_to(bias_D, (1, n_rows, len(bias_D))),))


def embedded(trace, side: str, rows_L) -> Written:
    """What the embedding puts into the stream: word, place and segment."""
    config, path, found = config_of(trace), f"{side}.embed", NOTHING
    for step in (f"{path}.{leaf}" for leaf in ("token", "position", "segment")):
        if step in trace:
            found += one(trace, step, rows_L, step)
    if config.embed_norm:
        found = after_norm(trace, f"{path}.norm", found, rows_L)
    return found + put_by_hand(trace, f"{path}.", f"{path}.out", found, rows_L)


def after_sublayer(trace, path: str, before: Written, rows_L) -> Written:
    """The stream's sources once a sublayer has written, and its post-norm has been passed."""
    found = before + written_by(trace, path, rows_L)
    if not config_of(trace).norm_first:
        found = after_norm(trace, f"{path}.norm", found, rows_L)
    if not trace.edits:
        return found
    side, layer, kind = path.split(".")
    paths = sublayers(config_of(trace), side)
    step = f"{side}.{layer}.out" if kind == "mlp" else f"{paths[paths.index(path) + 1]}.in"
    return found + put_by_hand(trace, f"{path}.", step, found, rows_L)


def written_by(trace, path: str, rows_L) -> Written:
    """What a sublayer adds to the stream: each head and their bias, or a feed-forward network."""
    if path.endswith(".mlp"):
        return one(trace, path, rows_L, f"{path}.out")
    z_HLK = trace[f"{path}.z"][:, rows_L]
    H, _, K = z_HLK.shape
    # In the trace's own type: a copy of each matrix in float64 would take ten times as long.
    heads_HLD = z_HLK @ trace.weights[f"{path}.out.weight"].reshape(H, K, -1)
    names = tuple(f"{path}.head.{h}" for h in range(H))
    written = Written(names, (heads_HLD.astype(np.float64),))
    return written + bias(path, bias_of(trace, f"{path}.out"), len(rows_L))


def after_norm(trace, path: str, before: Written, rows_L) -> Written:
    """Sources behind a norm whose scale is held, and its bias."""
    passed_SLD = through_norm(trace, path, before.joined(), rows_L)
    return Written(before.names, (passed_SLD,)) + bias(path, norm_bias(trace, path), len(rows_L))


def put_by_hand(trace, below: str, step: str, found: Written, rows_L) -> Written:
    """What an experiment put into the stream on the way to a step, in place of what was written."""
    edits = [parse(name) for name in trace.edits if name == step or name.startswith(below)]
    if not any(ref and (str(ref) == step or outside(trace, ref)) for ref in edits):
        return NOTHING
    missing_LD = trace[step][rows_L] - found.joined().sum(axis=0)
    return Written((f"{below}edit",), (missing_LD[None],))


def outside(trace, ref) -> bool:
    """Whether an edit of that step bypasses what its sublayer computed."""
    inside = ref.leaf.startswith("norm.") and config_of(trace).norm_first and ref.inside_layer
    return ref.leaf in _FROM_OUTSIDE and not inside
