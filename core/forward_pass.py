"""A forward pass from the outside: what goes in is checked, the equations of core/transformer.py
run, and what they leave is the trace.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from . import masks
from .config import Config
from .errors import GlassError
from .recorder import KEEP, Run, did_you_mean, input_of
from .trace import Trace
from .transformer import classify, head, layer, layers_from, pool, stack


def forward(
    config: Config,
    weights: Mapping,
    ids_L,
    *,
    target_ids_L=None,
    segments_L=None,
    mask=None,
    edits=None,
    keep: str = "all",
    rows=None,
    words_L=None,
) -> Trace:
    """Runs the model on token ids and returns the trace of every value.

    ids_L: what the encoder reads (the decoder, where there is no encoder); target_ids_L: what the
    decoder of an encoder–decoder model reads. segments_L: 0 for sentence A, 1 for B. mask: None (as
    trained: encoders full, decoders causal), a name, a boolean matrix (L, M), or a dict of these
    for "encoder", "decoder", "cross". edits: step name -> array or function of the value. keep:
    "all", "layers" (details recomputed on demand) or "output". rows: the positions whose logits are
    wanted; all, if None. words_L: the word that each token of ids_L belongs to, None for a special
    token; only readings of words depend on it.
    """
    inputs = check_inputs(config, ids_L, target_ids_L, segments_L)
    check_words(words_L, inputs[config.sides[0]])
    grids, last = check_masks(config, inputs, mask), inputs[config.sides[-1]]
    rows = np.arange(len(last)) if rows is None else np.atleast_1d(np.arange(len(last))[rows])
    run = Run(config, weights, axis_sizes(config, inputs, len(rows)), dict(edits or {}), KEEP[keep])
    run_all(run, inputs, grids, rows)
    for name in run.edits:
        if name not in run.recorded:
            near = did_you_mean(name, run.recorded)
            raise GlassError(f"There is no step “{name}” to edit.{near}")
    again = partial(layer_again, grids=grids, kept=run.values)
    return Trace(run, again, rows, words_L, partial(rest_again, inputs=inputs, **again.keywords))


def run_all(run: Run, inputs: dict, grids: dict, rows) -> None:
    """The stacks one after the other, the decoder with the encoder's vectors as its memory; then
    what stands on the last vectors.
    """
    memory_MD = None
    for side in run.config.sides:
        memory_MD = whole_stack(run, side, inputs, grids, memory_MD)
    run_ends(run, memory_MD, rows)


def whole_stack(run: Run, side: str, inputs: dict, grids: dict, memory_MD):
    """One stack from its token ids on."""
    segments_L = inputs.get("segments") if side == "encoder" else None
    return stack(run, side, inputs[side], segments_L, grids[side], memory_MD, grids.get("cross"))


def run_ends(run: Run, last_LD, rows) -> None:
    """What stands on the last vectors."""
    last_LD = np.asarray(last_LD)
    read = {"each": last_LD, "first": last_LD[0], "last": last_LD[-1]}
    if run.config.pooler:
        read["pooled"] = pool(run.at("pooler"), last_LD)
    if task := run.config.task:
        classify(run.at("task"), task, read[task.reads])
    if run.config.head:
        head(run.at("head"), last_LD[rows])


def layer_again(run: Run, side: str, index: int, *, grids, kept) -> None:
    """Runs one layer once more from its recorded input, with everything it needs from outside the
    layer.
    """
    x_LD = kept[input_of(side, index)]
    layer(run.at(f"{side}.{index}"), x_LD, *around_layers(run.config, side, grids, kept))


def around_layers(config: Config, side: str, grids: dict, kept) -> tuple:
    """What every layer of a stack needs besides its input: the mask, the bias, and where it looks
    across at an encoder, that one's vectors and their mask.
    """
    crosses = side == "decoder" and config.crosses
    across = (kept["encoder.out"], grids["cross"]) if crosses else (None, None)
    return grids[side], kept.get(f"{side}.relative"), *across


def rest_again(run: Run, side: str, index: int | None, x_LD, rows, *, inputs, grids, kept) -> None:
    """Runs all from one layer on once more, and what stands on the last vectors. index None: from
    the token ids on. x_LD: what the layer reads, if it is not what it read before.
    """
    if index is None:
        memory_MD = kept["encoder.out"] if (side, run.config.crosses) == ("decoder", True) else None
        out_LD = whole_stack(run, side, inputs, grids, memory_MD)
    else:
        x_LD = kept[input_of(side, index)] if x_LD is None else x_LD
        out_LD = layers_from(
            run.at(side), index, x_LD, *around_layers(run.config, side, grids, kept)
        )
    if side != run.config.sides[-1]:
        out_LD = whole_stack(run, run.config.sides[-1], inputs, grids, out_LD)
    run_ends(run, out_LD, rows)


def check_words(words_L, ids_L) -> None:
    """A GlassError, where the words given are not one for each token."""
    if words_L is not None and len(words_L) != len(ids_L):
        raise GlassError(f"words_L needs one entry for each of the {len(ids_L)} tokens.")


def check_inputs(config: Config, ids_L, target_ids_L, segments_L) -> dict:
    """The token ids of each side as arrays, checked against the vocabulary and the longest
    sequence.
    """
    if config.crosses and target_ids_L is None:
        raise GlassError(
            "This model has an encoder and a decoder: the decoder needs target ids too."
        )
    if target_ids_L is not None and not config.crosses:
        raise GlassError(
            "This model reads one sequence; only encoder–decoder models take target ids."
        )
    given = dict(zip(config.sides, (ids_L, target_ids_L), strict=False))
    inputs = {side: check_ids(config, ids) for side, ids in given.items()}
    for read_L in inputs.values():
        check_padding(config, read_L)
    check_read(config, inputs[config.sides[-1]])
    if config.n_segments:
        inputs["segments"] = (
            np.zeros_like(inputs["encoder"]) if segments_L is None else np.array(segments_L)
        )
        if (
            inputs["segments"].shape != inputs["encoder"].shape
            or not np.isin(inputs["segments"], range(config.n_segments)).all()
        ):
            raise GlassError(
                f"segments_L needs one number from 0 to {config.n_segments - 1} for each token."
            )
    return inputs


def check_read(config: Config, ids_L) -> None:
    """A GlassError, where a head reads the last token, and that is one that fills up short texts:
    it would be passed over.
    """
    if config.task and config.task.reads == "last" and ids_L[-1] == config.task.pad_id:
        raise GlassError(
            "The fine-tuned head reads the last token; the text must not end with the token that"
            f" only fills up short texts (id {ids_L[-1]})."
        )


def check_ids(config, ids_L):
    """Token ids as an array (L,) of integers that the vocabulary has. config: of a transformer or
    an LSTM.
    """
    ids_L = np.array(ids_L)
    if ids_L.ndim != 1 or not len(ids_L) or ids_L.dtype.kind not in "iu":
        raise GlassError("Token ids must be a list of at least one whole number.")
    if ids_L.min() < 0 or ids_L.max() >= config.n_vocab:
        raise GlassError(
            f"Token ids go from 0 to {config.n_vocab - 1}; "
            f"{ids_L[(ids_L < 0) | (ids_L >= config.n_vocab)][0]} is outside."
        )
    if config.n_positions is not None and len(ids_L) > config.n_positions:
        raise GlassError(
            f"There are {len(ids_L)} tokens, but the model has positions for only"
            f" {config.n_positions}."
        )
    return ids_L.astype(np.int64)


def check_padding(config: Config, ids_L) -> None:
    """A GlassError, where a token is read that the model gives no position."""
    if config.pad_id is not None and (ids_L == config.pad_id).any():
        raise GlassError(
            f"Token {config.pad_id} only fills up short texts: this model gives it no position, and"
            " Glassformer does not read it."
        )


def check_masks(config: Config, inputs: dict, mask) -> dict:
    """The boolean matrix of each attention: encoder, decoder, and cross where there are both."""
    given = mask if isinstance(mask, dict) else dict.fromkeys(config.sides, mask)
    if unknown := set(given) - {*config.sides, *(["cross"] if config.crosses else [])}:
        raise GlassError(
            f"This model has no attention called {', '.join(map(str, unknown))} to mask."
        )
    lengths = {side: len(inputs[side]) for side in config.sides}
    return {
        name: masks.build_mask(trained if given.get(name) is None else given[name], *size)
        for name, (trained, size) in as_trained(config, lengths).items()
    }


def as_trained(config: Config, lengths: dict[str, int]) -> dict[str, tuple[str, tuple[int, int]]]:
    """For each attention the mask it was trained under, and how many look at how many."""
    found = {side: (side, (lengths[side], lengths[side])) for side in config.sides}
    return found | (
        {"cross": ("encoder", (lengths["decoder"], lengths["encoder"]))} if config.crosses else {}
    )


def axis_sizes(config: Config, inputs: dict, n_rows: int) -> dict[str, dict[str, int]]:
    """What each axis letter stands for on each side of this run; a transposed value stops at its
    own line.
    """
    c = config
    shared = {
        "D": c.d_model,
        "H": c.n_heads,
        "G": c.n_kv_heads,
        "K": c.d_head,
        "F": c.d_mlp,
        "V": c.n_vocab,
        "R": n_rows,
        "C": 2,
    }
    length = {side: len(inputs[side]) for side in c.sides}
    sizes = {side: shared | {"L": n, "M": n} for side, n in length.items()} | {
        "head": shared,
        "pooler": shared,
    }
    # The norm inside the head is the same function as everywhere else, so its tokens are L there,
    # too.
    sizes["head.in"] = shared | {"L": n_rows}
    sizes["head"] = sizes["head.in"] | {"D": c.embed_width}
    sizes |= {f"{side}.embed": sizes[side] | {"D": c.embed_width} for side in c.sides}
    if c.task:
        sizes["task"] = sizes[c.sides[-1]] | {"C": len(c.task.labels)}
    if c.crosses:
        sizes["cross"] = shared | {"L": length["decoder"], "M": length["encoder"]}
    return sizes
