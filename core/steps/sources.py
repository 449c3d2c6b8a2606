"""Why: the stream as the sum of its sources, and a logit and a score as sums over them.

Each cell is taken apart into the numbers that it was made from: a source into what it was one
sublayer before, a part into a source and what the word reads, a pair into two projected sources.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..config import Config
from ..operands import (
    ALL,
    WEIGHTS,
    Cell,
    Group,
    Result,
    constant,
    given,
    product,
    same,
    sum_of_products,
)
from ..ops import ACTIVATIONS, soft_cap, softmax
from ..step_ref import StepRef, ref_of
from ..text import factor, operand
from ..why.head import reading
from ..why.logit_lens import read_by_head
from ..why.logit_parts import (
    by_neuron,
    by_token,
    direction_of_update,
    head_reads,
    neuron_reads,
    parts,
)
from ..why.norms import back_through_norm, through_norm
from ..why.places import before_last_norm, place_of, sublayers
from ..why.score_parts import Pair, compared, let_through, look, sources_of
from ..why.stream_sources import sources
from .kind import ATTENTION, HEAD, LAYER, STACK, SUBLAYER, StepKind
from .letters import OUTPUT_TABLE, PROBABILITY
from .output import softmax_of


def of_stream(trace, ref: StepRef, token: int):
    """The sources of the stream here at one token, (X, D), in float64."""
    return sources(trace, str(ref.parent), [token]).vectors_SLD[:, 0]


def names_of_stream(trace, ref: StepRef) -> tuple[str, ...]:
    """Who wrote them, in order."""
    return sources(trace, str(ref.parent), list(ref.args)).names


@dataclass(frozen=True)
class Outline:
    """A trace in which every number is 1: how many sources there are does not depend on them, and
    nothing has to be computed to know it.
    """

    trace: Any

    def __getitem__(self, name: str) -> np.ndarray:
        return np.broadcast_to(np.float32(1), self.trace.shape(name))

    def __contains__(self, name: object) -> bool:
        return name in self.trace

    def __getattr__(self, name: str):
        return getattr(self.trace, name)


def stream_axes(trace, ref: StepRef) -> dict[str, int]:
    """How many they are."""
    return {"X": len(names_of_stream(Outline(trace), ref))}


def source_names(trace, ref: StepRef) -> dict[str, tuple[str, ...]]:
    """Who wrote what stands along the axes X and Y of one of these numbers, by axis."""
    outline = Outline(trace)
    if ref.leaf in ("in.sources", "out.sources"):
        return {"X": names_of_stream(outline, ref)}
    if ref.leaf in ("q.sources", "k.sources"):
        return dict.fromkeys("XY", names_of_projection(outline, ref))
    if ref.leaf in ("scores.sources", "scores.against"):
        looked = look(outline, ref.path, *ref.args)
        return {"X": looked.query_names, "Y": looked.key_names}
    row, word, *rival = ref.args
    return {"X": parts(outline, word, *rival or (None,), row=row).names}


def explain_source(cell: Cell) -> Result:
    """What a source was before the last sublayer, after the norm that the stream has passed since;
    or what that sublayer wrote.
    """
    (x, d), (l,) = cell.index, cell.args
    name, at = names_of_stream(cell.trace, cell.ref)[x], place_of(cell.trace, str(cell.ref.parent))
    if name.endswith(".edit"):
        return given(cell)
    paths = sublayers(cell.config, at.side)[: at.written]
    last = paths[-1] if paths else f"{at.side}.embed"
    if cell.config.d_embed and not paths and not at.after_last_norm:
        return projected_source(cell, name, last)
    norm = f"{at.side}.norm" if at.after_last_norm else f"{last}.norm"
    if name == f"{norm}.bias":
        return same(cell.get("shift", f"{WEIGHTS}{name}", d))
    before = before_here(cell, at, last)
    known = sources(cell.trace, str(before.parent), [l]).names if before else ()
    step, *index = [str(before), known.index(name)] if name in known else written(name, l)
    if name not in known and name.endswith(".bias") and cell.config.norms_update:
        return bias_of_update(cell, name)
    if not passes_norm(cell.config, at, last):
        return same(cell.get("source", step, *index, d))
    return normed(cell, cell.get("source", step, *index, ALL), norm)


def projected_source(cell: Cell, name: str, path: str) -> Result:
    """A source of the embedding, brought from the width of its tables to that of the layers."""
    (_, d), (l,) = cell.index, cell.args
    column = cell.get("W’s column", f"{WEIGHTS}{path}.out.weight", ALL, d)
    if name == f"{path}.out.bias":
        return same(cell.get("bias", f"{WEIGHTS}{name}", d))
    if name == f"{path}.norm.bias":
        return sum_of_products(cell.get("shift", f"{WEIGHTS}{name}", ALL), column)
    x = cell.get("source", name, l, ALL)
    if not cell.config.embed_norm:
        return sum_of_products(x, column)
    normed_E = through_norm(cell.trace, f"{path}.norm", x.values_N[None, None], [l])[0, 0]
    made = sum_of_products(constant("after the norm, its scale held", *normed_E), column)
    return Result(made.value, made.formula, (*made.groups, x))


def bias_of_update(cell: Cell, name: str) -> Result:
    """A sublayer's bias, after the norm that its update has passed; or the bias of that norm."""
    path = name.removesuffix(".bias")
    if path.endswith(".norm"):
        return same(cell.get("shift", f"{WEIGHTS}{name}", cell.index[1]))
    return normed(cell, cell.get("bias", f"{WEIGHTS}{path}.out.bias", ALL), f"{path}.out.norm")


def before_here(cell: Cell, at, last: str) -> StepRef | None:
    """The sources of the same token one sublayer earlier; before the last norm, where it has just
    been passed; None at the embedding.
    """
    if at.after_last_norm:
        return ref_of(f"{before_last_norm(cell.config, at.side)}.sources.{cell.args[0]}")
    return None if last.endswith("embed") else ref_of(f"{last}.in.sources.{cell.args[0]}")


def passes_norm(config, at, last: str) -> bool:
    """Whether the stream has passed a norm since the last sublayer wrote."""
    if at.after_last_norm:
        return config.final_norm
    return config.embed_norm if last.endswith("embed") else config.norm_at == "after"


def written(name: str, token: int) -> list:
    """The step, and the first indices, of what a source is when it has just been written."""
    path, _, head = name.rpartition(".head.")
    if path:
        return [f"{path}.heads", int(head), token]
    if name.endswith(".bias"):
        return [f"{WEIGHTS}{name.removesuffix('.bias')}.out.bias"]
    return [f"{name}.out" if name.endswith(".mlp") else name, token]


def normed(cell: Cell, x: Group, norm: str) -> Result:
    """One number of a vector after a norm whose scale is held."""
    d, (l,), config = cell.index[1], cell.args, cell.config
    own = float(x.values_N[d])
    if config.norm_of(norm) == "none":
        return Result(own, "passed on unchanged", (x,))
    mean = float(x.values_N.mean()) if config.norm == "layer" else 0.0
    scale = cell.get("scale, held", f"{norm}.scale", l)
    gain = cell.get("gain", f"{WEIGHTS}{norm}.weight", d)
    centred = f"({operand(own)} − {factor(mean)})" if config.norm == "layer" else operand(own)
    return Result(
        (own - mean) / float(scale.values_N[0]) * float(gain.values_N[0]),
        f"{centred} / {factor(scale.values_N[0])} · {factor(gain.values_N[0])}",
        (x, scale, gain),
    )


# --- a score --------------------------------------------------------------------------------------


def of_projection(trace, ref: StepRef, head: int, token: int):
    """The sources of one query or key, projected and rotated, (X, K)."""
    return sources_of(trace, ref.path, ref.leaf[0], head, [token]).joined()[:, 0]


def names_of_projection(trace, ref: StepRef) -> tuple[str, ...]:
    """Who wrote them, in order."""
    return sources_of(trace, ref.path, ref.leaf[0], ref.args[0], [ref.args[1]]).names


def query_axes(trace, ref: StepRef) -> dict[str, int]:
    """How many sources a query has."""
    return {"X": len(names_of_projection(Outline(trace), ref))}


def key_axes(trace, ref: StepRef) -> dict[str, int]:
    """How many sources a key has."""
    return {"Y": len(names_of_projection(Outline(trace), ref))}


def explain_projected(cell: Cell) -> Result:
    """A source of the stream times a column of W, after the norm's held scale, and rotated."""
    (x, k), (head, token), which = cell.index, cell.args, cell.ref.leaf[0]
    name, path, K = names_of_projection(cell.trace, cell.ref)[x], cell.path, cell.config.d_head
    across = cell.ref.sublayer == "cross" and which == "k"
    if name.endswith(f".{which}.edit"):
        return given(cell)
    columns_XK = column_reads(cell, which, token)[:, :, k]
    if name == f"{path}.{which}.bias":
        bias = cell.weight("bias", f"{which}.bias", head * K + np.arange(K))
        turn_K = as_compared(cell, which, token)[k]
        return sum_of_products(bias, constant("what the norm and the position do", *turn_K))
    if name == f"{path}.norm.bias":
        shift = cell.weight("shift", "norm.bias", ALL)
        return sum_of_products(shift, constant("W’s column", *columns_XK[0]))
    reads = "encoder.out" if across else f"{path}.in"
    source = cell.get("source", f"{reads}.sources.{token}", x, ALL)
    role = "W’s column, through the norm" if cell.config.norm_first and not across else "W’s column"
    return sum_of_products(source, constant(role, *columns_XK[1]))


def as_compared(cell: Cell, which: str, token: int):
    """What each number of a query or a key is made of, before it was normed and its position turned
    it, (K, K).
    """
    each_K1K, rows_L = np.eye(cell.config.d_head)[:, None], np.array([token])
    return compared(cell.trace, cell.path, which, cell.args[0], each_K1K, rows_L)[:, 0].T


def column_reads(cell: Cell, which: str, token: int):
    """W's columns of a head after the rotation, as they read what has passed the sublayer's norm,
    and the stream before it, (2, D, K).
    """
    config, norm = cell.config, f"{cell.path}.norm"
    K, head = config.d_head, cell.args[0]
    weight_DK = cell.trace.weights[f"{cell.path}.{which}.weight"][:, head * K : (head + 1) * K]
    after_DK = weight_DK.astype(np.float64) @ as_compared(cell, which, token).T
    if not config.norm_first or (cell.ref.sublayer == "cross" and which == "k"):
        return np.stack([after_DK, after_DK])
    before = [back_through_norm(cell.trace, norm, reads_D, token) for reads_D in after_DK.T]
    return np.stack([after_DK, np.stack(before, axis=1)])


def of_score(trace, ref: StepRef, head: int, query: int, key: int, *rival: int):
    """The score of one pair, or how far it is above that of a rival key, as source of the query ×
    source of the key, (X, Y).
    """
    return look(trace, ref.path, head, query, key, *rival).parts_ST


def score_axes(trace, ref: StepRef) -> dict[str, int]:
    """How many sources the two have."""
    parts_XY = look(Outline(trace), ref.path, *ref.args).parts_ST
    return dict(zip("XY", parts_XY.shape, strict=True))


def explain_pair_of_sources(cell: Cell) -> Result:
    """A source of the query times a source of the key, scaled; T5's bias is no product."""
    (x, y), (h, l, m) = cell.index, cell.args
    query = f"{cell.path}.q.sources.{h}.{l}"
    key = f"{cell.path}.k.sources.{cell.group(h)}.{m}"
    ends = x == len(cell.trace[query]), y == len(cell.trace[key])
    if any(ends) and not all(ends):
        return Result(0.0, "the bias for the distance is no product of sources", ())
    left = left_by_cap(cell, h, l, m)
    if all(ends):
        bias = cell.get("bias", cell.config.relative_step(cell.path), h, l, m)
        return product(bias, *left) if left else same(bias)
    made = sum_of_products(cell.get("q", query, x, ALL), cell.get("k", key, y, ALL))
    more = (constant("scale", cell.config.score_scale), *left)
    value = math.prod([made.value, *(float(each.values_N[0]) for each in more)])
    formula = " · ".join([f"({made.formula})", *(factor(each.values_N[0]) for each in more)])
    return Result(value, formula, (*made.groups, *more))


def left_by_cap(cell: Cell, h: int, l: int, m: int) -> tuple[Group, ...]:
    """How much of a score its cap has left; nothing, where there is no cap."""
    if not cell.config.score_cap:
        return ()
    side, _, kind = cell.path.split(".")
    pair = Pair(cell.path, side, "encoder" if kind == "cross" else side, h, l, np.array([m]))
    return (constant("left by the cap", *let_through(cell.trace, pair)),)


def explain_lead(cell: Cell) -> Result:
    """A pair of sources in the score of one key, less the same pair in that of another."""
    h, l, *keys = cell.args
    one, other = (
        cell.get(role, f"{cell.path}.scores.sources.{h}.{l}.{m}", *cell.index)
        for role, m in zip(("this key", "the other key"), keys, strict=True)
    )
    ours, theirs = (float(each.values_N[0]) for each in (one, other))
    return Result(ours - theirs, f"{operand(ours)} − {factor(theirs)}", (one, other))


# --- a logit --------------------------------------------------------------------------------------


def of_logit(trace, ref: StepRef, row: int, word: int):
    """What each source gave to a word's logit, (X,)."""
    return parts(trace, word, None, row).parts_S


def of_difference(trace, ref: StepRef, row: int, word: int, rival: int):
    """What each source gave to how far a word's logit is above another's, (X,)."""
    return parts(trace, word, rival, row).parts_S


def logit_axes(trace, ref: StepRef) -> dict[str, int]:
    """How many sources gave something."""
    row, *words = ref.args
    return {"X": len(parts(Outline(trace), words[0], (words + [None])[1], row).names)}


def explain_part(cell: Cell) -> Result:
    """A source times what the word reads in the stream; or a bias times what is read in it."""
    (x,), (r, word, *rivals) = cell.index, cell.args
    rival = rivals[0] if rivals else None
    reads = reading(cell.trace, word, rival, r)
    name = parts(cell.trace, word, rival, r).names[x]
    if name == "head.logits.edit":
        return given(cell)
    for each in reads.biases:
        if each.name == name:
            read_N = np.flatnonzero(each.reads_X)
            bias = cell.get("bias", f"{WEIGHTS}{name}", read_N)
            return sum_of_products(bias, constant("what is read in it", *each.reads_X[read_N]))
    step = f"{before_last_norm(cell.config, reads.side)}.sources.{reads.token}"
    role = "what the word reads" if rival is None else "what the two words read"
    return sum_of_products(cell.get("source", step, x, ALL), constant(role, *reads.direction_D))


def of_reads(trace, ref: StepRef, head: int, row: int, word: int, *rival: int):
    """What a head gave to a word’s logit, or the difference of two, by the token it read, (M,)."""
    return by_token(trace, f"{ref.path}.head.{head}", word, *rival or (None,), row=row).parts_N


def explain_read(cell: Cell) -> Result:
    """A weight times what the word reads in the value that it brings."""
    (m,), (head, r, word, *rival) = cell.index, cell.args
    reads = reading(cell.trace, word, *rival or (None,), row=r)
    read_D = direction_of_update(cell.trace, cell.path, reads.direction_D, reads.token)
    wanted_K = head_reads(cell.trace, cell.path, head, read_D)
    weight = cell.get("weight", f"{cell.path}.pattern", head, reads.token, m)
    value = cell.get("value", f"{cell.path}.v", cell.group(head), m, ALL)
    made = sum_of_products(value, constant("what the word reads in it", *wanted_K))
    share = float(weight.values_N[0])
    return Result(share * made.value, f"{factor(share)} · ({made.formula})", (*made.groups, weight))


def of_neurons(trace, ref: StepRef, row: int, word: int, *rival: int):
    """What each neuron gave to a word’s logit, or the difference of two, (F,)."""
    return by_neuron(trace, ref.path, word, *rival or (None,), row=row).parts_N


def explain_neuron_part(cell: Cell) -> Result:
    """How active the neuron is, times what the word reads in what it writes."""
    (f,), (r, word, *rival) = cell.index, cell.args
    token = reading(cell.trace, word, *rival or (None,), row=r).token
    neuron = cell.get("neuron", f"{cell.path}.hidden", token, f)
    unit = str(cell.ref.with_leaf(f"{cell.ref.leaf}.unit", *cell.args))
    return product(neuron, cell.get("what the word reads in it", unit, f))


def of_neuron_reads(trace, ref: StepRef, row: int, word: int, *rival: int):
    """What a word reads, or two read, in what each neuron writes when its activation is 1, (F,)."""
    return neuron_reads(trace, ref.path, reading(trace, word, *rival or (None,), row=row))


def explain_neuron_reads(cell: Cell) -> Result:
    """The neuron’s row of W₂ times what the word reads in the update."""
    (f,), (r, word, *rival) = cell.index, cell.args
    reads = reading(cell.trace, word, *rival or (None,), row=r)
    read_D = direction_of_update(cell.trace, cell.path, reads.direction_D, reads.token)
    row = cell.weight("row", "out.weight", f, ALL)
    return sum_of_products(row, constant("what the word reads in the update", *read_D))


# --- the lens -------------------------------------------------------------------------------------


def of_lens(trace, ref: StepRef, row: int):
    """The logits after this layer, through the last norm and the head, (V,)."""
    return read_by_head(trace, trace[str(ref.parent)][[trace.rows[row]]])[0]


def explain_lens(cell: Cell) -> Result:
    """The layer's vector, made ready as the last one is, times the word's row."""
    (v,), (r,) = cell.index, cell.args
    x = cell.get("stream", str(cell.ref.parent), cell.trace.rows[r], ALL)
    made = sum_of_products(
        constant("after the last norm and the head’s layer", *ready(cell.trace, x.values_N)),
        cell.get("word", f"{WEIGHTS}head.logits.weight", v, ALL),
        cell.get("bias", f"{WEIGHTS}head.logits.bias", v),
    )
    if cell.config.logit_cap:
        made = replace(made, value=float(soft_cap(made.value, cell.config.logit_cap)))
        made = replace(made, formula=bent(made.formula, cell.config.logit_cap))
    return Result(made.value, made.formula, (*made.groups, x))


def bent(formula: str, cap: float) -> str:
    """A formula inside a soft cap."""
    return f"{operand(cap)} · tanh(({formula}) / {operand(cap)})"


def of_lens_probabilities(trace, ref: StepRef, row: int):
    """The probabilities after this layer, (V,)."""
    return softmax(trace[str(ref.with_leaf("out.lens", row))].astype(np.float64))


def explain_lens_probability(cell: Cell) -> Result:
    return softmax_of(cell, f"{cell.path}.out.lens.{cell.args[0]}", ())


def ready(trace, x_D):
    """A vector of the stream as it is compared with the words, (D,), in float64."""
    config = trace.config
    if config.final_norm:
        x_D = own_norm(trace, f"{config.sides[-1]}.norm", x_D)
    x_D = x_D * config.head_scale
    if config.head != "transform" and not config.d_embed:
        return x_D
    weights = trace.weights
    pre_D = x_D @ weights["head.pre.weight"] + weights["head.pre.bias"]
    if config.head != "transform":
        return pre_D
    return own_norm(trace, "head.norm", ACTIVATIONS[config.head_bends](pre_D))


def own_norm(trace, path: str, x_D):
    """A vector after a norm, by its own mean and its own scale."""
    config = trace.config
    if config.norm == "none":
        return x_D
    x_D = x_D - x_D.mean() if config.norm == "layer" else x_D
    x_D = x_D / np.sqrt((x_D**2).mean() + config.norm_eps) * trace.weights[f"{path}.weight"]
    return x_D + trace.weights[f"{path}.bias"] if config.norm == "layer" else x_D


def compares(config) -> bool:
    """Whether the last vectors are compared with words."""
    return isinstance(config, Config) and config.head is not None


def encoder_compares(config) -> bool:
    """Whether it is the encoder's vectors that are compared with words."""
    return compares(config) and not config.decoder_layers


def across_stacks(kind: StepKind) -> tuple[StepKind, StepKind]:
    """A kind of the side that is compared with words: the decoder’s, or the encoder’s where there
    is no decoder.
    """
    places = [place for place in kind.place if not place.endswith("cross")]
    encoder = tuple(place.replace("decoder", "encoder") for place in places)
    return kind, replace(kind, place=encoder, when=encoder_compares)


def of_two(kind: StepKind, leaf: str) -> StepKind:
    """A kind that is about a word’s logit, about the difference of two words’ instead."""
    story = kind.story.replace("the word’s logit", "the difference of two logits")
    return replace(kind, leaf=leaf, args=f"{kind.args}V", story=story[:1].upper() + story[1:])


SOURCE = {"s": "what one source wrote"}
IN_SOURCES = StepKind(
    leaf="in.sources",
    axes="XD",
    place=SUBLAYER,
    recipe=explain_source,
    title="One source of the stream",
    story=(
        "The stream is a sum: this is what one embedding, head, network or bias wrote into this"
        " token. Norms that it has passed since are applied with their recorded scale."
    ),
    latex=r"x_{l,d} = \sum_{\text{sources}} s_{l,d}",
    letters=SOURCE,
    colour="residual",
    compute=of_stream,
    after="in",
    args="L",
    sizes=stream_axes,
)
LENS = StepKind(
    leaf="out.lens",
    axes="V",
    place=("decoder.layer", "decoder.embed"),
    recipe=explain_lens,
    title="Logit after this layer",
    story=(
        "How well this layer’s vector already fits the word, if the last norm and the output head"
        " read it now: the logit lens. Early layers do not yet speak the head’s language."
    ),
    latex=r"\sum_d \mathrm{norm}(x_r)_d\, E_{v,d} + b_v",
    letters=OUTPUT_TABLE,
    colour="head",
    compute=of_lens,
    after="out",
    args="R",
    when=compares,
)
PART = StepKind(
    leaf="logits.parts",
    axes="X",
    place=HEAD,
    recipe=explain_part,
    title="One source’s part of the logit",
    story=(
        "What one source of the stream gave to this word’s logit, straight through the stream: the"
        " last norm’s scale is held. All parts add up to the logit."
    ),
    latex=r"\sum_d s_{r,d}\, w_d",
    letters=SOURCE | {"w": "what the word reads in the stream"},
    colour="head",
    compute=of_logit,
    after="logits",
    args="RV",
    streams=True,
    when=compares,
    sizes=logit_axes,
)
READ = StepKind(
    leaf="pattern.parts",
    axes="M",
    place=("decoder.attn", "decoder.cross"),
    recipe=explain_read,
    title="What one token gave through this head",
    story=(
        "The part of the word’s logit that this head took from one token: how much it looked there,"
        " times what the word reads in the value that it found. Over all tokens it is the head’s"
        " part."
    ),
    latex=r"a_{l,m} \sum_k v_{m,k}\, w_k",
    letters={"w": "what the word reads in the head’s value"},
    colour="head",
    compute=of_reads,
    after="pattern",
    args="HRV",
    when=compares,
)
LENS_PROBABILITY = StepKind(
    leaf="out.lens.probs",
    axes="V",
    place=LENS.place,
    recipe=explain_lens_probability,
    title="Probability after this layer",
    story=(
        "How likely the word would be if this were the last layer: softmax of the logits that the"
        " logit lens gives."
    ),
    latex=r"p_v = \frac{e^{\ell_v}}{\sum_{v'} e^{\ell_{v'}}}",
    letters=PROBABILITY,
    colour="head",
    scale="weight",
    compute=of_lens_probabilities,
    after="out",
    args="R",
    when=compares,
)
NEURON = StepKind(
    leaf="hidden.parts",
    axes="F",
    place=("decoder.mlp",),
    recipe=explain_neuron_part,
    title="One neuron’s part of the logit",
    story=(
        "What one neuron gave to the word’s logit: how active it is, times what the word reads in"
        " what it writes. All neurons and the bias add up to the network’s part."
    ),
    latex=r"n_{r,f}\, w_f",
    letters={"w": "what the word reads in what the neuron writes"},
    colour="head",
    compute=of_neurons,
    after="hidden",
    args="RV",
    when=compares,
)
NEURON_READ = replace(
    NEURON,
    leaf="hidden.parts.unit",
    recipe=explain_neuron_reads,
    title="What a word reads in a neuron",
    story=(
        "What the word’s logit gets from this neuron for each unit of its activation: the neuron’s"
        " row of W₂ times what the word reads in the update."
    ),
    latex=r"\sum_d W^2_{f,d}\, w_d",
    letters={"w": "what the word reads in the update"},
    colour="mlp",
    compute=of_neuron_reads,
)
QUERY = StepKind(
    leaf="q.sources",
    axes="XK",
    place=ATTENTION,
    recipe=explain_projected,
    title="One source of the query",
    story="What one source of the stream makes of this query. All of them add up to it.",
    latex=r"\sum_d s_{l,d}\, W^Q_{d,k}",
    letters=SOURCE,
    colour="q",
    compute=of_projection,
    after="q",
    args="HL",
    sizes=query_axes,
)
SCALE = {"n": "what the score is scaled by (1/√K in most models), and what a cap has left of it"}
PAIR = StepKind(
    leaf="scores.sources",
    axes="XY",
    place=ATTENTION,
    recipe=explain_pair_of_sources,
    title="One pair of sources in the score",
    story=(
        "What one source of the query and one source of the key give to the score together."
        " All pairs add up to it."
    ),
    latex=r"n_m \sum_k q_{l,k}\, k_{m,k}",
    letters=SCALE,
    colour="weight",
    compute=of_score,
    after="scores.scaled",
    args="HLM",
    sizes=score_axes,
)
KINDS = (
    IN_SOURCES,
    replace(IN_SOURCES, leaf="out.sources", place=LAYER + STACK, after="out"),
    QUERY,
    replace(
        QUERY,
        leaf="k.sources",
        axes="YK",
        title="One source of the key",
        story="What one source of the stream makes of this key. All of them add up to it.",
        latex=r"\sum_d s_{m,d}\, W^K_{d,k}",
        colour="k",
        after="k",
        args="GM",
        sizes=key_axes,
    ),
    PAIR,
    replace(
        PAIR,
        leaf="scores.against",
        recipe=explain_lead,
        title="One pair of sources in the lead",
        story=(
            "What one source of the query and one source of the keys give to how far one key’s"
            " score is above another’s: that is what softmax compares. All pairs add up to it."
        ),
        latex=r"\sum_k q_{l,k}\, (n_m\, k_{m,k} - n_{m'}\, k_{m',k})",
        letters=SCALE | {"m'": "position of the other token"},
        args="HLMM",
    ),
    PART,
    replace(
        PART,
        leaf="logits.against",
        title="One source’s part of the difference",
        story=(
            "What one source of the stream gave to how far this word’s logit is above the other’s."
            " All parts add up to the difference."
        ),
        compute=of_difference,
        args="RVV",
    ),
    *across_stacks(LENS),
    *across_stacks(LENS_PROBABILITY),
    *across_stacks(READ),
    *across_stacks(of_two(READ, "pattern.against")),
    *across_stacks(NEURON),
    *across_stacks(NEURON_READ),
    *across_stacks(of_two(NEURON, "hidden.against")),
    *across_stacks(of_two(NEURON_READ, "hidden.against.unit")),
)
