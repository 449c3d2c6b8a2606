"""Reading on: the next token alone, where the keys and values of those before it are kept.

Under the causal mask nothing that a token computes depends on the tokens after it. So its keys and
values stay what they are when the text grows, and all that the next token needs of it are these
(Pope et al. 2022, "Efficiently Scaling Transformer Inference", section 2.1). The equations are
those of `forward`; only the rows of the new tokens run.

In some models the angles of rotary positions depend on how long the text is. Where it grows so long
that they change, nothing that was kept is what it would be now, and all tokens are read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .. import masks
from ..config import Config
from ..errors import GlassError
from ..forward_pass import axis_sizes, check_ids, check_padding, forward
from ..ops import frequencies
from ..recorder import KEEP, Run
from ..step_ref import StepRef
from ..transformer import head, stack

_CACHED = ("k", "v")


@dataclass(frozen=True)
class Reading:
    """What reading some tokens after others left.

    values: the steps of the decoder and the head by name; the axis L has the new tokens alone, M
    all tokens so far, and R the last token. ids_L: all tokens so far. memory_MD: the encoder's last
    vectors, of an encoder–decoder model.
    """

    values: Mapping[str, np.ndarray]
    ids_L: tuple[int, ...] = ()
    memory_MD: np.ndarray | None = None

    @property
    def n_tokens(self) -> int:
        """How many tokens have been read in all."""
        return len(self.ids_L)

    @property
    def logits(self) -> np.ndarray:
        """The logits after the last token, (V,)."""
        return self.values["head.logits"][-1]

    @property
    def cache(self) -> dict[str, np.ndarray]:
        """The keys and values of every layer, each (G, M, K): all that the next token needs."""
        kept = [name for name in self.values if name.rsplit(".", 1)[-1] in _CACHED]
        return {name: self.values[name] for name in kept}


def read(config: Config, weights: Mapping, ids_L, source_ids_L=None, keep: str = "next") -> Reading:
    """Reads the first tokens of a text, under the causal mask.

    ids_L: what the decoder reads; source_ids_L: what the encoder of an encoder–decoder model reads,
    once for all tokens to come. keep: "next" (logits, keys, values) or a key of core.recorder.KEEP.
    GlassError where the model has no decoder or no head, or ids are none of its.
    """
    if not (config.decoder_layers and config.head):
        raise GlassError("Only a model with a decoder and an output layer writes text.")
    memory_MD = None
    if config.crosses:
        encoded = forward(config, weights, source_ids_L, target_ids_L=ids_L[:1], keep="layers")
        memory_MD = encoded["encoder.out"]
    return read_on(config, weights, Reading({}, (), memory_MD), ids_L, keep)


def read_on(
    config: Config, weights: Mapping, before: Reading, ids_L, keep: str = "next"
) -> Reading:
    """Reads more tokens after those of `before`, which stays as it is: several texts may go on from
    it. keep: as in `read`. GlassError where ids are none of the model's, or become too many.
    """
    ids_L = check_ids(config, ids_L)
    check_padding(config, ids_L)
    n_tokens, all_ids_L = before.n_tokens + len(ids_L), (*before.ids_L, *ids_L.tolist())
    if config.n_positions is not None and n_tokens > config.n_positions:
        raise GlassError(f"The model has positions for only {config.n_positions} tokens.")
    if before.n_tokens and turns_otherwise(config, before.n_tokens, n_tokens):
        again = Reading({}, (), before.memory_MD)
        return read_on(config, weights, again, all_ids_L, keep)
    run = Run(
        config,
        weights,
        sizes_after(config, before, len(ids_L)),
        {},
        kept_and_cached(keep),
        again=True,
        past=before.cache,
        earlier=before.n_tokens,
    )
    out_LD = stack(run, "decoder", ids_L, None, *seen(before, n_tokens))
    head(run.at("head"), out_LD[-1:])
    return Reading(run.values, all_ids_L, before.memory_MD)


def turns_otherwise(config: Config, before: int, after: int) -> bool:
    """Whether a text of so many tokens is turned by other angles than one of so many."""
    grow = {rope for rope in config.ropes if rope and rope.grows}
    return config.positions == "rotary" and any(
        (frequencies(rope, config.d_head, before) != frequencies(rope, config.d_head, after)).any()
        for rope in grow
    )


def kept_and_cached(keep: str) -> Callable[[StepRef], bool]:
    """Which steps a reading keeps: those asked for, and what the next one needs."""
    if keep == "next":
        return is_needed
    return lambda ref: KEEP[keep](ref) or is_needed(ref)


def is_needed(ref: StepRef) -> bool:
    """Whether writing on needs a step."""
    return ref.leaf in _CACHED or (ref.side, ref.leaf) == ("head", "logits")


def seen(before: Reading, n_tokens: int):
    """The mask of the new tokens (L, M), and, where the decoder looks across at an encoder, that
    one's vectors and their mask. The encoder's keys and values are made once: after that it has
    nothing new to be looked at, and of its vectors no row is passed on.
    """
    mask_LM, memory_MD = masks.causal(n_tokens, n_tokens)[before.n_tokens :], before.memory_MD
    if memory_MD is None:
        return (mask_LM,)
    new_MD = memory_MD[:0] if before.n_tokens else memory_MD
    return mask_LM, new_MD, masks.full(len(mask_LM), len(memory_MD))


def sizes_after(config: Config, before: Reading, new: int) -> dict[str, dict[str, int]]:
    """The sizes of the axes, where L are the new tokens and M all."""
    lengths = {"decoder": range(new)}
    if before.memory_MD is not None:
        lengths["encoder"] = range(len(before.memory_MD))
    sizes = axis_sizes(config, lengths, 1)
    sizes["decoder"]["M"] = before.n_tokens + new
    return sizes


@dataclass(frozen=True)
class Reuse:
    """What the last token of a text takes, read alone after the others, beside the whole text.

    whole, alone: how many numbers the decoder and the head compute. reused: how many keys and
    values stand ready. apart: the largest difference between the two ways' logits.
    """

    whole: int
    alone: int
    reused: int
    apart: float


def reuse(config: Config, weights: Mapping, ids_L, source_ids_L=None) -> Reuse:
    """Reads a text of at least two tokens both ways. GlassError as in `read`, and where nothing of
    what was kept can be reused.
    """
    if len(ids_L) < 2:
        raise GlassError("Nothing can be reused for the first token: none was read before it.")
    if turns_otherwise(config, len(ids_L) - 1, len(ids_L)):
        raise GlassError(
            "Nothing can be reused for the last token: in a text of this length the model turns"
            " queries and keys by other angles than in the text before it."
        )
    whole = read(config, weights, ids_L, source_ids_L, keep="all")
    before = read(config, weights, ids_L[:-1], source_ids_L)
    alone = read_on(config, weights, before, ids_L[-1:], keep="all")
    reused = sum(cached.size for cached in before.cache.values())
    apart = float(np.abs(whole.logits - alone.logits).max())
    return Reuse(size_of(whole), size_of(alone) - reused, reused, apart)


def size_of(reading: Reading) -> int:
    """How many numbers a reading holds."""
    return sum(value.size for value in reading.values.values())
