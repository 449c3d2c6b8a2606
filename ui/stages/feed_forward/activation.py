"""The activation of a feed-forward network as a curve with the token's neurons on it, and the gate
of gated networks.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.ops import ACTIVATIONS
from core.text import counted, number
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.components import table
from ui.kit.explanation_panel import opened_in
from ui.kit.neuron_charts import ACTIVATION_TITLES as NAMES
from ui.kit.neuron_charts import neurons, neurons_by_length, projection_title, select_neuron
from ui.kit.section import detailed, render_depth
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, which_word
from ui.session.view import View

STRONGEST = 8  # neurons in the tables
# neurons drawn as dots, those that write most: of all of them a browser draws for a second
DOTS = 120
NAMED = 3  # dots that have their neuron's number beside them
NARROW = 3 * "\u00a0"  # room between a dot and its neuron's number
SMOOTH = "smooth: close to 0 far below zero, close to the number itself far above"
CURVES = {
    "GELU": SMOOTH,
    "SiLU": SMOOTH,
    "ReLU": "0 for every number below zero, the number itself above",
}


def activation(view: View, neuron: int) -> None:
    """The activation's curve, and each neuron of the chosen token as a dot on it."""
    t, after = view.token, view.at("mlp.hidden.gate" if view.config.gated else "mlp.hidden")
    render_depth(view, activation_text(view), (after, (t, neuron)))
    pre_F, after_F = view.trace[view.at("mlp.pre")][t], view.trace[after][t]
    order = neurons_by_length(view)[:DOTS]
    order += [neuron] if neuron not in order else []
    order = [f for f in order if np.isfinite(pre_F[f]) and np.isfinite(after_F[f])]
    if not order:
        st.warning(
            "These neurons are NaN, since an earlier value overflowed in this run. There"
            " is nothing to draw."
        )
        return
    name = NAMES[view.config.activation]
    title = f"{name}: a dot for each neuron of {titled_word(view)}{dots_text(view, order)}"
    function = ACTIVATIONS[view.config.activation]
    show(
        "ff:activation",
        activation_figure(function, pre_F[order], after_F[order], order, neuron, title),
        on_cell=lambda f: select_neuron(view, after, f),
        cells=[(f,) for f in order],
        alt=f"The curve of {name}, with the neurons of this token as dots on it",
    )


def dots_text(view: View, order: list[int]) -> str:
    """Which neurons are drawn, where not all are."""
    hidden_F = view.trace[view.at("mlp.hidden")][view.token]
    active = int((hidden_F != 0).sum())
    if len(order) == len(hidden_F):
        return ""
    if active <= len(order):
        return f": all {active:,} active ones and some silent ones"
    return f": the {len(order):,} that write most"


def activation_text(view: View) -> str:
    """What the activation is, and what it does to the chosen token's neurons below zero."""
    name, path, t = NAMES[view.config.activation], view.at("mlp"), view.token
    below_F = view.trace[f"{path}.pre"][t] < 0
    after = f"{path}.hidden.gate" if view.config.gated else f"{path}.hidden"
    left = np.abs(view.trace[after][t][below_F]).max(initial=0)
    kept = (
        "becomes 0"
        if not left
        else f"keeps at most {number(left, 2)} of its size: nearly nothing is written"
    )
    return (
        f"{name} is {CURVES[name]}. Of the {len(below_F):,} neurons of {which_word(view)},"
        f" {int(below_F.sum()):,} are below zero before it; each of them {kept}. Without such a"
        " bend, the two matrices would amount to one."
    )


def activation_figure(
    function, pre_N, after_N, neurons_N: list[int], chosen: int, title: str
) -> go.Figure:
    """A function as a line, neurons as dots at (before, after); some have their number beside them,
    the chosen one a ring.
    """
    low, high = min(float(pre_N.min()), -1.0), max(float(pre_N.max()), 1.0)
    ringed = [i for i, f in enumerate(neurons_N) if f == chosen]
    named = spread_out([*ringed, *range(len(pre_N))], pre_N, 0.08 * (high - low))
    return plotly_figures.figure(
        [
            function_line(function, low, high, pre_N.dtype),
            neuron_names(pre_N, after_N, neurons_N, named),
            ring(pre_N[ringed], after_N[ringed]),
            neuron_dots(pre_N, after_N, neurons_N),
        ],
        title,
        height=280,
        top=8,
        bottom=42,
        left=56,
        xaxis=plotly_figures.value_axis("before"),
        yaxis=plotly_figures.value_axis("after"),
    )


def function_line(function, low: float, high: float, dtype) -> dict:
    """A function from the lowest to the highest neuron, and a little further."""
    room = 0.12 * (high - low)
    xs = np.linspace(low - room, high + room, 160, dtype=dtype)
    return {
        "type": "scatter",
        "x": xs,
        "y": function(xs.copy()),
        "mode": "lines",
        "hoverinfo": "skip",
        "line": {"color": plotly_figures.GREY, "width": 2},
    }


def neuron_names(pre_N, after_N, neurons_N: list[int], named: list[int]) -> dict:
    """The numbers of some neurons beside their dots."""
    return {
        "type": "scatter",
        "x": pre_N[named],
        "y": after_N[named],
        "mode": "text",
        "hoverinfo": "skip",
        "text": [f"{neurons_N[i]}{NARROW}" if pre_N[i] > 0 else str(neurons_N[i]) for i in named],
        "cliponaxis": False,
        "textfont": {"size": plotly_figures.FONT, "color": plotly_figures.TEXT},
        "textposition": ["middle left" if pre_N[i] > 0 else "top center" for i in named],
    }


def ring(xs, ys) -> dict:
    """The ring around the chosen neuron."""
    return {
        "type": "scatter",
        "x": xs,
        "y": ys,
        "mode": "markers",
        "hoverinfo": "skip",
        "marker": {
            "size": 15,
            "color": plotly_figures.CLEAR,
            "line": {"width": 2.5, "color": plotly_figures.TEXT},
        },
    }


def neuron_dots(pre_N, after_N, neurons_N: list[int]) -> dict:
    """Neurons as dots that can be clicked."""
    look = {"marker": {"opacity": 0.55}}
    return {
        "type": "scatter",
        "x": pre_N,
        "y": after_N,
        "mode": "markers",
        "hovertext": [
            f"neuron {f}<br>before {number(x)}<br>after <b>{number(y)}</b>"
            for f, x, y in zip(neurons_N, pre_N, after_N, strict=True)
        ],
        "customdata": np.array(neurons_N, dtype=np.int32),
        "marker": {"size": 6, "color": COLOURS["mlp"], "opacity": 0.55},
        "selected": look,
        "unselected": look,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def spread_out(candidates: list[int], pre_N, room: float) -> list[int]:
    """The first few that lie so far from each other that their names do not run together."""
    found: list[int] = []
    for i in candidates:
        if len(found) < NAMED and all(abs(pre_N[i] - pre_N[other]) > room for other in found):
            found.append(i)
    return found


def gate(view: View, neuron: int) -> None:
    """Gated networks: the activation opens or closes a second projection."""
    t, path = view.token, view.at("mlp")
    gated, up, out = (view.trace[f"{path}.hidden{leaf}"][t] for leaf in (".gate", ".up", ""))
    render_depth(
        view,
        "This network is **gated**: what the activation gives is only a gate. A second matrix, W₃,"
        f" makes a number **up**, and the two are multiplied. Neuron {neuron}: gate"
        f" {number(gated[neuron], 3)} × up {number(up[neuron], 3)} = {number(out[neuron], 3)}. A"
        " gate near 0 all but shuts the neuron, unless up is large.",
        (f"{path}.hidden.up", (t, neuron)),
        (f"{path}.hidden", (t, neuron)),
    )
    columns = {
        "gate": f"{path}.hidden.gate",
        "up": f"{path}.hidden.up",
        "gate × up": f"{path}.hidden",
    }
    neuron_table(
        view,
        columns,
        [neuron, *[f for f in neurons_by_length(view)[:STRONGEST] if f != neuron][:4]],
        "ff:gate",
        "The chosen neuron and the strongest ones",
    )
    if detailed():
        neurons(
            view,
            f"{path}.hidden.gate",
            f"Gate: {NAMES[view.config.activation]} of the number before",
        )
        neurons(view, f"{path}.hidden.up", f"Up: {projection_title(view, 'hidden.up', '₃')}")


# --- tables of neurons ----------------------------------------------------------------------------


def strongest_table(view: View, neuron: int) -> None:
    """The neurons that write most, before and after the activation, and the length of that."""
    path, order = view.at("mlp"), neurons_by_length(view)
    render_depth(view, reach_text(view, order[0]), (f"{path}.hidden.reach", (view.token, order[0])))
    neuron_table(
        view,
        {"before": f"{path}.pre", "after": f"{path}.hidden", "reach": f"{path}.hidden.reach"},
        order[:STRONGEST],
        "ff:strongest",
        f"The {counted(min(STRONGEST, len(order)), 'neuron')} of {titled_word(view)} that"
        " write most. Click a number to choose its neuron",
        chosen=neuron,
    )


def reach_text(view: View, best: int) -> str:
    """What a neuron writes, and which one writes most."""
    path = view.at("mlp")
    active, reach = (
        number(view.trace[f"{path}.{leaf}"][view.token, best], 3)
        for leaf in ("hidden", "hidden.reach")
    )
    return (
        "Each neuron has its own direction, its row of W₂, and writes it as strongly as it is"
        f" active. Its **reach** is that vector’s length. For {which_word(view)} neuron {best}"
        f" reaches furthest: it is {active} and writes a vector {reach} long."
    )


def neuron_table(
    view: View,
    columns: dict[str, str],
    rows: list[int],
    key: str,
    title: str,
    chosen: int | None = None,
) -> None:
    """Some neurons of the chosen token; a click on a number chooses its neuron and opens it.
    columns: a title -> a step.
    """
    t, names = view.token, list(columns.values())
    opened = next(
        (
            (rows.index(index[1]), column)
            for column, name in enumerate(names)
            if (index := opened_in(name)) and index[0] == t and index[1] in rows
        ),
        None,
    )
    table(
        {head: view.trace[name][t, rows] for head, name in columns.items()},
        [str(f) for f in rows],
        key=key,
        corner="neuron",
        title=title,
        opened=opened,
        chosen=rows.index(chosen) if chosen in rows else None,
        on_cell=lambda row, column: select_neuron(view, names[column], rows[row]),
    )
