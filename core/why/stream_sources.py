"""The residual stream as the exact sum of what was written into it.

Every sublayer adds its update to the stream, so a token's vector is the sum of its sources: the
embeddings, each earlier head, each feed-forward network, the biases (Elhage et al. 2021, "A
Mathematical Framework for Transformer Circuits"). After a post-norm each source has been centred,
divided by the recorded scale and weighted, and the norm's bias is one more source.

A source is named after what wrote it: decoder.embed.token, decoder.3.attn.head.4,
decoder.3.attn.bias, decoder.3.mlp, decoder.3.mlp.norm.bias. What an experiment put into the stream
itself is a source, too, named after the step where it is met: decoder.3.attn.sum.edit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import GlassError
from .norms import bias_of, norm_bias, through_norm
from .places import config_of, place_of, reads_stream, sublayers


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
    paths = sublayers(config, at.side)
    found = embedded(trace, at.side, rows_L)
    for path in paths[: at.written]:
        if reads_stream(config, path):
            found = entering(trace, path, found, rows_L)
        found = after_sublayer(trace, path, found, rows_L)
    if at.step.endswith(".in"):
        reader = at.step.removesuffix(".in")
        for path in dict.fromkeys((paths[at.written], reader)):
            found = entering(trace, path, found, rows_L)
    if at.after_last_norm:
        found = after_last_norm(trace, at.side, found, rows_L)
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
    if config.d_embed:
        found = projected(trace, f"{path}.out", found, len(rows_L))
    edited = (f"{path}.sum", f"{path}.out", *edits_of_norm(f"{path}.norm"))
    return found + put_by_hand(trace, edited, f"{path}.out", found, rows_L)


def projected(trace, path: str, before: Written, n_rows: int) -> Written:
    """Sources of another width, brought to that of the layers, and the bias of what does so."""
    made_SLD = before.joined() @ trace.weights[f"{path}.weight"].astype(np.float64)
    return Written(before.names, (made_SLD,)) + bias(path, bias_of(trace, path), n_rows)


def entering(trace, path: str, before: Written, rows_L) -> Written:
    """The stream's sources as a sublayer reads them: an experiment may have changed its input."""
    return before + put_by_hand(trace, (f"{path}.in",), f"{path}.in", before, rows_L)


def after_sublayer(trace, path: str, before: Written, rows_L) -> Written:
    """The stream's sources once a sublayer has written, and its post-norm has been passed."""
    found, config = before + written_by(trace, path, rows_L), config_of(trace)
    layer, _, kind = path.rpartition(".")
    # A network's update is a source as it is recorded; attention's is taken apart before it.
    made = (f"{path}.out.unnormed", *edits_of_norm(f"{path}.out.norm"), f"{path}.out")
    edited = (f"{path}.sum",) if kind == "mlp" else (*made, f"{path}.sum")
    step = f"{path}.sum"
    if config.norm_at == "after":
        found = after_norm(trace, f"{path}.norm", found, rows_L)
        edited, step = (*edited, *edits_of_norm(f"{path}.norm")), f"{path}.norm.out"
    found += put_by_hand(trace, edited, step, found, rows_L)
    if kind == "mlp":
        found += put_by_hand(trace, (f"{layer}.out",), f"{layer}.out", found, rows_L)
    return found


def written_by(trace, path: str, rows_L) -> Written:
    """What a sublayer adds to the stream: each head and their bias, or a feed-forward network. A
    norm that the update has passed is taken apart, too, its scale held.
    """
    if path.endswith(".mlp"):
        return one(trace, path, rows_L, f"{path}.out")
    z_HLK = trace[f"{path}.z"][:, rows_L]
    H, _, K = z_HLK.shape
    # In the trace's own type: a copy of each matrix in float64 would take ten times as long.
    heads_HLD = z_HLK @ trace.weights[f"{path}.out.weight"].reshape(H, K, -1)
    names = tuple(f"{path}.head.{h}" for h in range(H))
    written = Written(names, (heads_HLD.astype(np.float64),))
    written += bias(path, bias_of(trace, f"{path}.out"), len(rows_L))
    if config_of(trace).norms_update:
        written = after_norm(trace, f"{path}.out.norm", written, rows_L)
    return written


def after_norm(trace, path: str, before: Written, rows_L) -> Written:
    """Sources behind a norm whose scale is held, and its bias."""
    passed_SLD = through_norm(trace, path, before.joined(), rows_L)
    return Written(before.names, (passed_SLD,)) + bias(path, norm_bias(trace, path), len(rows_L))


def after_last_norm(trace, side: str, before: Written, rows_L) -> Written:
    """The sources of the last vectors, after the norm at the end of a stack where there is one."""
    found, path = before, f"{side}.norm"
    if config_of(trace).final_norm:
        found = after_norm(trace, path, found, rows_L)
    edited = (f"{side}.out", *edits_of_norm(path))
    return found + put_by_hand(trace, edited, f"{side}.out", found, rows_L)


def edits_of_norm(path: str) -> tuple[str, ...]:
    """The steps of a norm whose edits change what it leaves, its held scale aside."""
    return tuple(f"{path}.{leaf}" for leaf in ("mean", "centred", "unit", "out"))


def put_by_hand(trace, edited: tuple[str, ...], step: str, found: Written, rows_L) -> Written:
    """What an experiment put into the stream at a step, if it edited one of these steps: these
    edits are not seen in what was written.
    """
    if not any(name in trace.edits for name in edited):
        return NOTHING
    missing_LD = trace[step][rows_L] - found.joined().sum(axis=0)
    return Written((f"{step}.edit",), (missing_LD[None],))
