"""What a neural network is made of: one neuron on the chosen token, and one layer of them."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.text import number
from ui.kit.charts import clickable_map
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.neuron_charts import ACTIVATION_TITLES as NAMES
from ui.kit.neuron_charts import neurons, neurons_by_length, projection_title, reads, settle_neuron
from ui.kit.section import detailed, render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, cell_map, labels, largest
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, word
from ui.session.actions import close_number
from ui.session.view import View
from ui.text import bold, short


def first_layer(view: View) -> View:
    """The same token in the first layer."""
    return replace(view, layer=0)


def activated(view: View) -> str:
    """The step after the activation function."""
    return view.at("mlp.hidden.gate" if view.config.gated else "mlp.hidden")


def neuron_figure(view: View) -> tuple[str, tuple[int, ...]]:
    """The figure of the page, where no LSTM can read the sentence."""
    label = short(view.labels[view.token], 24)
    heading(f"What does one neuron make of {bold(label)}?")
    return neuron_section(view)


def neuron_section(view: View) -> tuple[str, tuple[int, ...]]:
    """A neuron: weighted inputs, their sum and the bias, the activation. Returns the cell that is
    explained first.
    """
    t, f, scope = view.token, settle_neuron(view), view.at("mlp")
    terms, pre, after = f"{scope}.pre.terms.{t}.{f}", f"{scope}.pre", activated(view)
    best = largest(view, terms, ALL)
    render_depth(view, weighted_sum_text(view, f, best), best, (pre, (t, f)), (after, (t, f)))
    if detailed():
        title = f"x: what the neuron is given at {titled_word(view, t)}"
        cell_map(view, reads(view), slice(t, t + 1), ALL, title=title)
        own_weights(view, f)
    terms_map(view, terms, f)
    return after, (t, f)


def weighted_sum_text(view: View, f: int, best: tuple[str, tuple[int, ...]]) -> str:
    """What neuron f makes of the chosen token. best: the cell of its largest weighted input."""
    t, scope, (terms, (d,)) = view.token, view.at("mlp"), best
    weights, bias_F = (view.trace.weights[f"{scope}.pre.{kind}"] for kind in ("weight", "bias"))
    x, w = float(view.trace[reads(view)][t, d]), float(weights[d, f])
    pre, after = (float(view.trace[name][t, f]) for name in (f"{scope}.pre", activated(view)))
    with_bias = f", with the bias {number(bias_F[f], 3)}," if bias_F.any() else ""
    normed = " and a norm" if view.config.norm_first and view.config.norm != "none" else ""
    return (
        "A **neuron** multiplies each of its inputs by a weight, adds everything up, and passes the"
        f" sum through an **activation**. Here is neuron {f} of the first feed-forward network of"
        f" this model, at {word(view)}. Its inputs are the {view.config.d_model} numbers of the"
        f" token’s vector {'at the start' if view.config.parallel else 'after the first attention'}"
        f"{normed}. Number {d} counts most:"
        f" {number(x, 3)} · {number(w, 3)} = {number(view.trace[terms][d], 3)}. Together{with_bias}"
        f" they make {bent_text(view, pre, after)}. Training found the weights; nobody wrote them."
    )


def bent_text(view: View, pre: float, after: float) -> str:
    """What the activation makes of a sum."""
    name = NAMES[view.config.activation]
    if view.config.activation != "relu":
        return f"{number(pre, 3)}, which {name} turns into **{number(after, 3)}**"
    if pre > 0:
        return f"**{number(pre, 3)}**; that is above 0, so {name} lets it through"
    return f"{number(pre, 3)}; that is not above 0, so {name} sets it to **0**"


def terms_map(view: View, terms: str, f: int) -> None:
    """The neuron's weighted inputs."""
    opened = opened_in(terms)
    clickable_map(
        "before:terms",
        HeatmapSpec(
            view.trace[terms][None],
            [""],
            labels(view, terms, 0),
            colour=COLOURS["mlp"],
            title=f"Weighted inputs x · w of neuron {f}",
            opened=opened and (0, *opened),
        ),
        lambda row, d: open_number(terms, (d,)),
    )


def own_weights(view: View, f: int) -> None:
    """The neuron's own weights: its column of the first matrix."""
    name = view.at("mlp.pre.weight")
    opened = opened_in(f"weights/{name}")
    clickable_map(
        "before:weights",
        HeatmapSpec(
            view.trace.weights[name][:, f][None],
            [""],
            [str(d) for d in range(view.config.d_model)],
            colour=COLOURS["mlp"],
            title=f"w: the weights of neuron {f}, the same for every token",
            opened=(0, opened[0]) if opened and opened[1] == f else None,
        ),
        lambda row, d: open_number(f"weights/{name}", (d, f)),
    )


def layer_section(view: View) -> None:
    """All neurons of the layer on the same token."""
    t, after, best = view.token, activated(view), neurons_by_length(view)[0]
    render_depth(
        view,
        f"A **layer** is many neurons with the same inputs, here {view.config.d_mlp:,}, each with"
        " its own weights: the columns of one matrix. So a layer is one product of a vector and"
        f" a matrix. At {word(view)} neuron {best} makes the longest vector. Neurons never look"
        " at other tokens. The LSTM and attention each have their own way of bringing them the"
        " earlier words. The page **Feed-forward** shows more.",
    )
    if detailed():
        neurons(
            view,
            view.at("mlp.pre"),
            f"Neurons before activation: {projection_title(view, 'pre', '₁')}",
        )
    bend = NAMES[view.config.activation]
    neurons(
        view, after, f"All neurons at {titled_word(view, t)}, after {bend}. Click one to choose it"
    )
    st.number_input(
        f"Or choose any neuron (0 to {view.config.d_mlp - 1})",
        0,
        view.config.d_mlp - 1,
        key="ff_neuron",
        on_change=close_number,
    )
