"""The places of the residual stream at which it can be taken apart, and who writes into it between
them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..config import Config
from ..errors import GlassError
from ..step_ref import parse


@dataclass(frozen=True)
class Place:
    """A point of the stream: how many sublayers of a side have written, and whether the last norm
    has been passed.
    """

    side: str
    written: int
    after_last_norm: bool
    step: str  # the recorded step that stands there, (L, D)


def config_of(trace) -> Config:
    """A transformer's config; a GlassError for a network that has no stream that adds up."""
    if not isinstance(trace.config, Config):
        raise GlassError("Only a transformer has a stream of vectors that is a sum of its sources.")
    return trace.config


def sublayers(config: Config, side: str) -> list[str]:
    """The paths of all that writes into a side's stream after the embedding, in order."""
    crosses = side == "decoder" and config.crosses
    each = ("attn", "cross", "mlp") if crosses else ("attn", "mlp")
    return [f"{side}.{layer}.{kind}" for layer in range(config.layers(side)) for kind in each]


def reads_stream(config: Config, path: str) -> bool:
    """Whether a sublayer reads the stream that it adds to; a parallel network reads an earlier
    one.
    """
    return not (config.parallel and path.endswith(".mlp"))


def written_before(config: Config, path: str) -> int:
    """How many sublayers have written into what this one reads: parallel ones read the same."""
    side, layer, _ = path.split(".")
    first = path if reads_stream(config, path) else f"{side}.{layer}.attn"
    return sublayers(config, side).index(first)


def place_of(trace, name: str) -> Place:
    """What a name of the stream means: "decoder.2.attn" (what it reads), "decoder.3.out",
    "decoder.embed.out", or "decoder.out", which stands after the last norm. GlassError for others.
    """
    config = config_of(trace)
    step = f"{name}.in" if name.rpartition(".")[2] in ("attn", "cross", "mlp") else name
    ref = parse(step)
    if ref is None or ref.side not in config.sides or ref.args or ref.before:
        raise GlassError(f"“{name}” is no place in this model’s stream.")
    paths = sublayers(config, ref.side)
    if ref.leaf == "in" and ref.path in paths:
        return Place(ref.side, written_before(config, ref.path), False, step)
    if ref.leaf == "out" and ref.place == "embed":
        return Place(ref.side, 0, False, step)
    if ref.leaf == "out" and ref.place == "layer" and f"{ref.path}.mlp" in paths:
        return Place(ref.side, paths.index(f"{ref.path}.mlp") + 1, False, step)
    if ref.leaf == "out" and ref.place == "stack":
        return Place(ref.side, len(paths), True, step)
    raise GlassError(f"“{name}” is no place in this model’s stream.")


def before_last_norm(config: Config, side: str) -> str:
    """The step that the last norm reads: the last layer's."""
    return f"{side}.{config.layers(side) - 1}.out"
