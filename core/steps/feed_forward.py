"""The feed-forward network: what each neuron answers to, what it writes, and which words that makes
likelier (Geva et al. 2021, 2022).
"""

from __future__ import annotations

import numpy as np

from ..operands import (
    ALL,
    WEIGHTS,
    Cell,
    Group,
    Result,
    constant,
    product,
    sum_of_products,
    vector_length,
)
from ..ops import ACTIVATIONS
from ..recorder import KEEP, Run
from ..step_ref import StepRef
from ..text import operand
from ..transformer import feed_forward, normalise
from ..vectors import lengths
from ..why.norms import through_update_norm
from .kind import FEED_FORWARD, StepKind
from .letters import OUTPUT_TABLE
from .norm import UNNORMED, adds_as_made, explain_normed_update, norms_update, sublayer_reads


def explain_neuron_input(cell: Cell) -> Result:
    l, f = cell.index
    return sum_of_products(
        cell.get("x", sublayer_reads(cell.config, cell.ref), l, ALL),
        cell.weight("W", "pre.weight", ALL, f),
        cell.weight("bias", "pre.bias", f),
    )


def explain_up(cell: Cell) -> Result:
    l, f = cell.index
    return sum_of_products(
        cell.get("x", sublayer_reads(cell.config, cell.ref), l, ALL),
        cell.weight("W", "hidden.up.weight", ALL, f),
        cell.weight("bias", "hidden.up.bias", f),
    )


def explain_activated(cell: Cell) -> Result:
    """The activation function of the step `pre`."""
    x = cell.get("x", f"{cell.path}.pre", *cell.index)
    of_head = cell.ref.place == "head"
    name = cell.config.head_bends if of_head else cell.config.activation
    value = ACTIVATIONS[name](x.values_N)[0]
    return Result(float(value), f"{name}({operand(x.values_N[0])})", (x,), f"activation {name}")


def explain_gated(cell: Cell) -> Result:
    parts = ("gate", "up")
    return product(*(cell.get(leaf, f"{cell.path}.hidden.{leaf}", *cell.index) for leaf in parts))


def explain_update(cell: Cell) -> Result:
    l, d = cell.index
    return sum_of_products(
        cell.get("neuron", f"{cell.path}.hidden", l, ALL),
        cell.weight("W", "out.weight", ALL, d),
        cell.weight("bias", "out.bias", d),
    )


# --- readings -------------------------------------------------------------------------------------


def neuron_terms(trace, ref: StepRef, looks: int, neuron: int):
    """What each number of a token's vector gives to one neuron: x · its column of W₁, (D,)."""
    x_LD = trace[sublayer_reads(trace.config, ref)]
    return x_LD[looks] * trace.weights[f"{ref.path}.pre.weight"][:, neuron]


def explain_neuron_term(cell: Cell) -> Result:
    """One number of the vector that the network reads times its weight."""
    (d,), (l, f) = cell.index, cell.args
    reads = sublayer_reads(cell.config, cell.ref)
    return product(cell.get("x", reads, l, d), cell.weight("W", "pre.weight", d, f))


def update_norm(trace, ref: StepRef):
    """How long a vector each neuron writes into the stream: |n| · ‖its row of W₂‖, (L, F)."""
    rows_FD, hidden_LF = trace.weights[f"{ref.path}.out.weight"], trace[f"{ref.path}.hidden"]
    if not trace.config.norms_update:
        return np.abs(hidden_LF) * np.sqrt(np.vecdot(rows_FD, rows_FD))
    tokens = range(len(hidden_LF))
    return np.stack([np.abs(hidden_LF[l]) * lengths(added(trace, ref.path, l)) for l in tokens])


def added(trace, path: str, token: int, neuron: int | slice = slice(None)):
    """What neurons write at a token when their activation is 1, (F, D); one of them, (D,): their
    rows of W₂, through the norm of the update where there is one.
    """
    rows_XD = trace.weights[f"{path}.out.weight"][neuron]
    passed_X1D = through_update_norm(trace, path, np.atleast_2d(rows_XD)[:, None], [token])
    return passed_X1D.reshape(rows_XD.shape)


def row_of(cell: Cell, token: int, neuron: int, dimension) -> Group:
    """One number, or all, of what a neuron writes when its activation is 1."""
    row = cell.weight("W", "out.weight", neuron, dimension)
    if not cell.config.norms_update:
        return row
    passed_D = added(cell.trace, cell.path, token, neuron)[row.indices_NI[:, 1]]
    return constant("W, through the norm", *passed_D)


def explain_update_norm(cell: Cell) -> Result:
    l, f = cell.index
    neuron, row = cell.get("neuron", f"{cell.path}.hidden", l, f), row_of(cell, l, f, ALL)
    return Result(
        abs(float(neuron.values_N[0])) * vector_length(row),
        f"|{operand(neuron.values_N[0])}| · {operand(vector_length(row))}",
        (neuron, row),
    )


def writes(trace, ref: StepRef, looks: int, neuron: int):
    """What one neuron writes into one token's vector: n · its row of W₂, (D,)."""
    return trace[f"{ref.path}.hidden"][looks, neuron] * added(trace, ref.path, looks, neuron)


def explain_writes(cell: Cell) -> Result:
    (d,), (l, f) = cell.index, cell.args
    return product(cell.get("neuron", f"{cell.path}.hidden", l, f), row_of(cell, l, f, d))


def reaches_words(config) -> bool:
    """Whether what a neuron writes stays in the stream until it is compared with the words."""
    return (
        config.head == "linear"
        and not config.d_embed
        and config.decoder_layers > 0
        and (config.norm_at != "after" or config.norm == "none")
    )


def promotes(trace, ref: StepRef, looks: int, neuron: int):
    """What one neuron adds to the logit of every word at one token, straight through the stream,
    the last norm's scale held as it was in this run, (V,) (Geva et al. 2022, section 3).
    """
    return trace.weights["head.logits.weight"] @ through_last_norm(
        trace, writes(trace, ref, looks, neuron), looks
    )


def explain_promotes(cell: Cell) -> Result:
    """What the neuron writes, after the last norm, times the word's row."""
    (v,), (l, f) = cell.index, cell.args
    written = cell.get("written", f"{cell.path}.writes.{l}.{f}", ALL)
    normed_D = through_last_norm(cell.trace, written.values_N, l)
    made = sum_of_products(
        constant("written, after the last norm", *normed_D),
        cell.get("word", f"{WEIGHTS}head.logits.weight", v, ALL),
    )
    return Result(made.value, made.formula, (*made.groups, written))


def through_last_norm(trace, update_D, looks: int):
    """What is left of an update after the decoder's last norm, whose scale is held."""
    config = trace.config
    if config.final_norm and config.norm != "none":
        update_D = update_D - update_D.mean() if config.norm == "layer" else update_D
        update_D = (
            update_D / trace["decoder.norm.scale"][looks] * trace.weights["decoder.norm.weight"]
        )
    return update_D * update_D.dtype.type(config.head_scale)


def alone(trace, ref: StepRef):
    """The feed-forward network of each token run once more with no other token there, (L, D): it
    has to be `out`.
    """
    sizes, hidden = {ref.side: trace.sizes(ref.side) | {"L": 1, "M": 1}}, f"{ref.path}.hidden"

    def edited(l: int) -> dict:
        """Neurons that an edit has set are what it has set them to."""
        return {hidden: trace[hidden][l : l + 1]} if hidden in trace.edits else {}

    rows = []
    for l, x_D in enumerate(trace[f"{ref.path}.in"]):
        scope = Run(trace.config, trace.weights, sizes, edited(l), KEEP["output"]).at(ref.path)
        x_LD = x_D[None]
        if trace.config.norm_first:
            x_LD = normalise(scope.below("norm"), x_LD)
        rows.append(feed_forward(scope, x_LD)[0])
    return np.stack(rows)


def explain_alone(cell: Cell) -> Result:
    """The update of one token, which no other token has a part in."""
    return explain_normed_update(cell) if cell.config.norms_update else explain_update(cell)


KINDS = (
    StepKind(
        leaf="pre",
        axes="LF",
        place=FEED_FORWARD,
        recipe=explain_neuron_input,
        title="Neuron before activation",
        story="How strongly the token’s vector matches what this neuron looks for.",
        latex=r"p_{l,f} = \sum_d x_{l,d}\, W^1_{d,f} + b^1_f",
        colour="mlp",
    ),
    StepKind(
        leaf="hidden.gate",
        axes="LF",
        place=FEED_FORWARD,
        recipe=explain_activated,
        title="Gate",
        story="One projection after activation; it opens or closes the other.",
        latex=r"g_{l,f} = \mathrm{act}(p_{l,f})",
        colour="mlp",
    ),
    StepKind(
        leaf="hidden.up",
        axes="LF",
        place=FEED_FORWARD,
        recipe=explain_up,
        title="Gated projection",
        story="The second projection, which the gate lets through or blocks.",
        latex=r"w_{l,f} = \sum_d x_{l,d}\, W^3_{d,f} + b^3_f",
        colour="mlp",
    ),
    StepKind(
        leaf="hidden",
        axes="LF",
        place=FEED_FORWARD,
        recipe=explain_activated,
        title="Neuron",
        story="The neuron after its activation function.",
        latex=r"n_{l,f} = \mathrm{act}(p_{l,f})",
        colour="mlp",
        when=lambda config: not config.gated,
    ),
    StepKind(
        leaf="hidden",
        axes="LF",
        place=FEED_FORWARD,
        recipe=explain_gated,
        title="Gated neuron",
        story="Gate times projection.",
        latex=r"n_{l,f} = g_{l,f} \cdot w_{l,f}",
        colour="mlp",
        when=lambda config: config.gated,
    ),
    StepKind(
        leaf="out",
        axes="LD",
        place=FEED_FORWARD,
        recipe=explain_update,
        title="Update by the feed-forward network",
        story="Each neuron adds its own direction, as strongly as it is active.",
        latex=r"u_{l,d} = \sum_f n_{l,f}\, W^2_{f,d} + b^2_d",
        colour="mlp",
        when=adds_as_made,
    ),
    StepKind(
        leaf="out.unnormed",
        axes="LD",
        place=FEED_FORWARD,
        recipe=explain_update,
        title="Update by the feed-forward network, before its norm",
        story=(
            "Each neuron adds its own direction, as strongly as it is active. A norm follows before"
            " the sum is added to the token."
        ),
        latex=r"\tilde u_{l,d} = \sum_f n_{l,f}\, W^2_{f,d} + b^2_d",
        letters=UNNORMED,
        colour="mlp",
        when=norms_update,
    ),
    StepKind(
        leaf="pre.terms",
        axes="D",
        place=FEED_FORWARD,
        recipe=explain_neuron_term,
        title="One weighted input of a neuron",
        story="What one number of the token’s vector adds to this neuron.",
        latex=r"x_{l,d}\, W^1_{d,f}",
        colour="mlp",
        compute=neuron_terms,
        after="pre",
        args="LF",
    ),
    StepKind(
        leaf="hidden.reach",
        axes="LF",
        place=FEED_FORWARD,
        recipe=explain_update_norm,
        title="Reach of a neuron",
        story="The length of the vector that this neuron adds to the stream.",
        latex=r"|n_{l,f}| \, \|W^2_f\|",
        colour="mlp",
        compute=update_norm,
        after="hidden",
    ),
    StepKind(
        leaf="writes",
        axes="D",
        place=FEED_FORWARD,
        recipe=explain_writes,
        title="What one neuron writes",
        story="The neuron’s own direction, scaled by its activation.",
        latex=r"n_{l,f}\, W^2_{f,d}",
        colour="mlp",
        compute=writes,
        after="hidden",
        args="LF",
    ),
    StepKind(
        leaf="promotes",
        axes="V",
        place=("decoder.mlp",),
        recipe=explain_promotes,
        title="What one neuron does to a word",
        story=(
            "What the neuron’s vector adds to this word’s logit, straight through the stream,"
            " with the last norm’s scale held fixed."
        ),
        latex=r"\sum_d \mathrm{norm}(n_{l,f} W^2_f)_d\, E_{v,d}",
        letters=OUTPUT_TABLE,
        colour="mlp",
        compute=promotes,
        after="hidden",
        args="LF",
        when=lambda config: reaches_words(config) and not config.logit_cap,
    ),
    StepKind(
        leaf="promotes",
        axes="V",
        place=("decoder.mlp",),
        recipe=explain_promotes,
        title="What one neuron does to a word",
        story=(
            "What the neuron’s vector adds to this word’s logit before the cap, straight through"
            " the stream, with the norms’ scales held fixed."
        ),
        latex=r"\sum_d \mathrm{norm}(n_{l,f} W^2_f)_d\, E_{v,d}",
        letters=OUTPUT_TABLE,
        colour="mlp",
        compute=promotes,
        after="hidden",
        args="LF",
        when=lambda config: reaches_words(config) and bool(config.logit_cap),
    ),
    StepKind(
        leaf="alone",
        axes="LD",
        place=FEED_FORWARD,
        recipe=explain_alone,
        title="Update, computed for this token alone",
        story="The feed-forward network, run on this token with no other token present.",
        latex=r"\sum_f n_{l,f}\, W^2_{f,d} + b^2_d",
        colour="mlp",
        compute=alone,
        after="out",
    ),
)
