"""Feed-forward for one token: its neurons before and after the activation, what the strongest ones
write, and that each token passes through alone.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core.ops import ACTIVATIONS
from core.steps.feed_forward import reaches_words
from core.text import counted, number, percent
from ui.kit import plotly_figures
from ui.kit.charts import clickable_bars, clickable_map, show
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.neuron_charts import ACTIVATION_TITLES as NAMES
from ui.kit.neuron_charts import neurons, neurons_by_length, projection_title, reads, select_neuron
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, cell_map, labels, largest
from ui.kit.theme import COLOURS
from ui.kit.token_words import word
from ui.session.actions import close_number
from ui.session.view import View
from ui.text import plain, quoted

STRONGEST = 8  # neurons in the table
WORDS = 8  # words that a neuron promotes, and as many that it holds back
# neurons drawn as dots, those that reach furthest: of all of them a browser draws for a second
DOTS = 120
MOST_BARS = 40  # tokens that have a bar each; more of them stand on a strip
NAMED = 3  # dots that have their neuron's number beside them
NARROW = 3 * "\u00a0"  # room between a dot and its neuron's number
CURVES = {
    "GELU": (
        "near 0 for what is far below zero, near the number itself far above, and smooth between"
    ),
    "SiLU": (
        "near 0 for what is far below zero, near the number itself far above, and smooth between"
    ),
    "ReLU": "0 for all that is below zero, the number itself above",
}


# --- out to the neurons, through the activation, and back -----------------------------------------


def out_and_back(view: View) -> tuple[str, tuple[int, ...]]:
    """W₁x + b₁, the activation, W₂. Returns the cell that is explained first."""
    c, path, row = view.config, view.at("mlp"), slice(view.token, view.token + 1)
    first = largest(view, f"{path}.hidden", view.token, ALL)
    normed = ", after the norm" if c.norm_first and c.norm != "none" else ""
    section(
        view,
        f"1. Out to {c.d_mlp:,} neurons, and back",
        out_and_back_text(view, first, normed),
        (f"{path}.pre", first[1]),
        first,
        largest(view, f"{path}.out", view.token, ALL),
    )
    if detailed():
        title = f"x: the vector of {quoted(view.labels[view.token])}{normed}"
        cell_map(view, reads(view), row, ALL, title=title)
        neurons(
            view, f"{path}.pre", f"Neurons before activation: {projection_title(view, 'pre', '₁')}"
        )
    made = "gate × up" if c.gated else f"{NAMES[c.activation]} of the number before"
    neurons(view, f"{path}.hidden", f"Neurons: {made}")
    if detailed():
        cell_map(
            view,
            f"{path}.out",
            row,
            ALL,
            title=f"The update: {projection_title(view, 'out', '₂', 'n')}",
        )
    return first


def out_and_back_text(view: View, first: tuple[str, tuple[int, ...]], normed: str) -> str:
    """What the network does with the chosen token. first: the neuron furthest from 0."""
    c, (step, index) = view.config, first
    gated = (
        " Here each neuron has a second number, too, that the first one lets through: see 3."
        if c.gated
        else ""
    )
    return (
        f"Attention has brought together what the tokens know; now {word(view)} is worked on by"
        f" itself. Its vector of {c.d_model} numbers{normed} is held against {c.d_mlp:,} patterns,"
        " the columns of a learned matrix W₁: one number for each, a **neuron**. An"
        f" **activation**, {NAMES[c.activation]}, lets through those that fit.{gated} For"
        f" {word(view)} neuron {index[1]} comes out furthest from 0, at"
        f" {number(view.trace[step][index])}. A second matrix, W₂, makes the neurons into an"
        f" update of {c.d_model} numbers again."
    )


def activation(view: View, neuron: int) -> None:
    """The activation's curve, and each neuron of the chosen token as a dot on it."""
    t, after = view.token, view.at("mlp.hidden.gate" if view.config.gated else "mlp.hidden")
    section(view, "2. The activation", activation_text(view), (after, (t, neuron)))
    pre_F, after_F = view.trace[view.at("mlp.pre")][t], view.trace[after][t]
    order = neurons_by_length(view)[:DOTS]
    order += [neuron] if neuron not in order else []
    order = [f for f in order if np.isfinite(pre_F[f]) and np.isfinite(after_F[f])]
    if not order:
        st.warning(
            "These neurons hold no numbers any more: in this run they have overflowed. There is"
            " nothing to draw."
        )
        return
    name = NAMES[view.config.activation]
    few = f"; the {DOTS} that reach furthest" if len(order) < len(pre_F) else ""
    title = f"{name}: each dot a neuron of {quoted(view.labels[t])}{few}"
    function = ACTIVATIONS[view.config.activation]
    show(
        "ff:activation",
        activation_figure(function, pre_F[order], after_F[order], order, neuron, title),
        on_cell=lambda f: select_neuron(view, after, f),
        cells=[(f,) for f in order],
        alt=f"The curve of {name}, with the neurons of this token as dots on it",
    )


def activation_text(view: View) -> str:
    """What the activation is, and how many of the chosen token's neurons it makes small."""
    name, pre_F = NAMES[view.config.activation], view.trace[view.at("mlp.pre")][view.token]
    below = percent(float((pre_F < 0).mean()), 0)
    return (
        f"{name} is {CURVES[name]}. Without such a bend the two matrices would be no more than one."
        f" Each dot is one neuron of {word(view)}. Of all its neurons {below} lie below zero before"
        " it; the activation makes these small."
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


def gate_section(view: View, neuron: int) -> None:
    """Gated networks: the activation opens or closes a second projection."""
    t, path = view.token, view.at("mlp")
    gated, up, out = (view.trace[f"{path}.hidden{leaf}"][t] for leaf in (".gate", ".up", ""))
    section(
        view,
        "3. Gate × up",
        "This model has a **gated** network. What the activation gave is not yet the neuron: it is"
        " a gate. Another matrix, W₃, makes a number **up**, and the two are multiplied. Neuron"
        f" {neuron}: gate {number(gated[neuron])} × up {number(up[neuron])} ="
        f" {number(out[neuron])}. A gate near 0 all but shuts the neuron, unless up is large.",
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


# --- the strongest neurons, and what one of them does ---------------------------------------------


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


def strongest_neurons(view: View, neuron: int, section_number: int) -> None:
    """The neurons that reach furthest, and the choice of one."""
    path, t, order = view.at("mlp"), view.token, neurons_by_length(view)
    best = order[0]
    written, reach = (
        number(view.trace[f"{path}.{leaf}"][t, best]) for leaf in ("hidden", "hidden.reach")
    )
    section(
        view,
        f"{section_number}. The strongest neurons",
        "Every neuron has a direction of its own in the stream, its row of W₂, and writes it there"
        " as strongly as it is active. Its **reach** is how long a vector that makes. For"
        f" {word(view)} neuron {best} reaches furthest: it ends up at {written}, and writes a"
        f" vector {reach} long.",
        (f"{path}.hidden.reach", (t, best)),
    )
    neuron_table(
        view,
        {"before": f"{path}.pre", "after": f"{path}.hidden", "reach": f"{path}.hidden.reach"},
        order[:STRONGEST],
        "ff:strongest",
        f"The neurons of {quoted(view.labels[t])} that reach furthest. "
        "Click a number to choose its neuron",
        chosen=neuron,
    )
    st.number_input(
        f"Or choose any neuron (0 to {view.config.d_mlp - 1})",
        0,
        view.config.d_mlp - 1,
        key="ff_neuron",
        on_change=close_number,
    )


def one_neuron(view: View, neuron: int, section_number: int) -> None:
    """What the chosen neuron writes into the chosen token, which words that promotes, and how it
    answers to each token.
    """
    t, path = view.token, view.at("mlp")
    writes, promotes = f"{path}.writes.{t}.{neuron}", f"{path}.promotes.{t}.{neuron}"
    to_words = view.side == "decoder" and reaches_words(view.config)
    cells = [largest(view, writes, ALL), *([largest(view, promotes, ALL)] if to_words else [])]
    section(view, f"{section_number}. Neuron {neuron}", neuron_text(view, neuron, to_words), *cells)
    if detailed() or not to_words:
        opened = opened_in(writes)
        clickable_map(
            "ff:writes",
            HeatmapSpec(
                view.trace[writes][None],
                [""],
                labels(view, writes, 0),
                colour=COLOURS["mlp"],
                title=f"What neuron {neuron} writes into {quoted(view.labels[t])}",
                opened=opened and (0, *opened),
            ),
            lambda row, d: open_number(writes, (d,)),
        )
    if not to_words:
        st.caption(no_words_text(view))
    if to_words and shown_controls() == "words":
        promoted_words(view, promotes, neuron)
    else:
        answers(view, f"{path}.hidden", neuron)


def shown_controls() -> str:
    """One of two charts: a page with three of them answers too slowly."""
    titles = {"words": "The words it pushes", "tokens": "How it answers to each token"}
    return st.segmented_control(
        "What to show of this neuron",
        list(titles),
        required=True,
        key="ff_shows",
        format_func=titles.get,
        on_change=close_number,
    )


def neuron_text(view: View, neuron: int, to_words: bool) -> str:
    """What the chosen neuron does to the chosen token, and to the others of this sentence, in
    words.
    """
    hidden_L = view.trace[view.at("mlp.hidden")][:, neuron]
    size_L = np.nan_to_num(np.abs(hidden_L.astype(np.float64)), nan=-1)
    most = int(size_L.argmax())
    answers_most = (
        "this token is the one that it answers to most."
        if most == view.token
        else f"it answers most to {word(view, most)}, with {number(hidden_L[most])}."
    )
    says = (
        f"Neuron {neuron} is at {number(hidden_L[view.token])} for {word(view)}. Of this sentence"
        f" {answers_most}"
    )
    return says + (
        " What it writes stays in the stream up to the end, where the stream is compared with every"
        " word of the vocabulary: so one can see which words it pushes up by itself, and which"
        " down. What early layers write is mostly read by later ones, and the words then seldom"
        " make sense."
        if to_words
        else ""
    )


def no_words_text(view: View) -> str:
    """Why no words are shown for this model's neurons."""
    if view.side == "encoder":
        return (
            "Which words a neuron promotes is a question to a decoder: an encoder’s stream is not"
            " compared with a next word."
        )
    return (
        "Which words a neuron promotes can’t be read off this model: its norms stand on the stream"
        " itself, and each of them rescales what a neuron wrote before it meets the words."
    )


def promoted_words(view: View, promotes: str, neuron: int) -> None:
    """The words whose logit this neuron raises and lowers most."""
    adds_V = view.trace[promotes]
    if not np.isfinite(adds_V).all():
        st.warning("What this neuron writes is no number any more in this run.")
        return
    order = np.argsort(-adds_V, kind="stable")
    count = min(WORDS, len(order) // 2)
    ids = [*order[:count].tolist(), *order[len(order) - count :].tolist()]
    opened = opened_in(promotes)
    clickable_bars(
        "ff:words",
        adds_V[ids],
        [view.word(i) for i in ids],
        value_title="added to the logit",
        title=(
            f"What neuron {neuron} adds to logits: the {counted(count, 'word')} it "
            "raises most and lowers most"
        ),
        chosen=ids.index(opened[0]) if opened and opened[0] in ids else None,
        on_bar=lambda bar: open_number(promotes, (ids[bar],)),
    )


def answers(view: View, hidden: str, neuron: int) -> None:
    """How active one neuron is at each token of the sentence."""
    title, opened = f"How neuron {neuron} answers to each token", opened_in(hidden)
    values_L = view.trace[hidden][:, neuron]
    position = opened[0] if opened and opened[1] == neuron else None
    if len(values_L) <= MOST_BARS:
        clickable_bars(
            "ff:answers",
            values_L,
            view.labels,
            title=title,
            chosen=position,
            on_bar=lambda token: open_number(hidden, (token, neuron)),
        )
    else:
        clickable_map(
            "ff:answers:long",
            HeatmapSpec(
                values_L[None],
                [str(neuron)],
                view.labels,
                title=title,
                colour=COLOURS["mlp"],
                opened=None if position is None else (0, position),
            ),
            lambda row, token: open_number(hidden, (token, neuron)),
        )


# --- each token alone -----------------------------------------------------------------------------


def alone_section(view: View, section_number: int) -> None:
    """The network run again for each token with no other there: the update is the same."""
    path, t = view.at("mlp"), view.token
    alone_LD, out_LD = view.trace[f"{path}.alone"], view.trace[f"{path}.out"]
    section(
        view,
        f"{section_number}. Each token alone",
        f"Here the network was run {counted(len(out_LD), 'time')} more, each time on one token with"
        f" no other there. {difference_text(alone_LD, out_LD)} So no token sees another in this"
        f" part of the layer. In attention the same test would leave {word(view)} nothing to look"
        " at but itself.",
        largest(view, f"{path}.alone", t, ALL),
    )
    if not detailed():
        return
    scale = np.abs(out_LD[t][np.isfinite(out_LD[t])]).max(initial=0) or None
    for leaf, title in (("out", "among the others"), ("alone", "alone")):
        cell_map(
            view,
            f"{path}.{leaf}",
            slice(t, t + 1),
            ALL,
            title=f"The update of {quoted(view.labels[t])}, computed {title}",
            limit=scale and float(scale),
            key="alone",
        )
    st.markdown(plain(difference_text(alone_LD, out_LD)))


def difference_text(alone_LD, out_LD) -> str:
    """How far the two runs are apart, in words."""
    apart_LD = np.abs(alone_LD.astype(np.float64) - out_LD)
    if not np.isfinite(apart_LD).all():
        return "In this run numbers have overflowed, so the two can't be compared."
    largest_out = float(np.abs(out_LD).max())
    if not apart_LD.any():
        return f"All {out_LD.size:,} numbers of the updates are the same to the last digit."
    rounding = ": rounding" if apart_LD.max() <= 1e-4 * largest_out else ""
    return (
        f"Of all {out_LD.size:,} numbers of the updates none differs by more than"
        f" {number(apart_LD.max())}, where the numbers go up to {number(largest_out)}{rounding}."
    )
