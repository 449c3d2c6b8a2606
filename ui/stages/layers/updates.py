"""What attention and feed-forward add to a token's vector in each layer, and how far it turns."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.text import number
from ui.kit import plotly_figures, theme
from ui.kit.charts import show
from ui.kit.components import table
from ui.kit.explanation_panel import open_number
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, word
from ui.session.view import View
from ui.stages.layers.layer_maps import layers_of_side, stacked_map

SUBLAYERS = {
    part: (theme.SUBLAYERS[part].lower(), kind)
    for part, kind in {"attn": "weight", "cross": "k", "mlp": "mlp"}.items()
}


def layer_updates(view: View) -> None:
    """How long the updates of attention and feed-forward are beside the stream, layer by layer, and
    how far they turn it.
    """
    name, parts = titled_word(view), parts_of(view)
    render_depth(view, *largest_update(view, parts), (view.at("out.turned"), (view.token,)))
    part_names = " · ".join(SUBLAYERS[part][0] for part in parts)
    figure = updates_figure(
        shares_of(view, parts),
        [SUBLAYERS[part] for part in parts],
        f"Update of {name} ÷ its vector: {part_names} by layer",
    )
    show(
        "layers_added",
        figure,
        alt=f"Length of the updates of {name}, relative to its vector, by layer",
        on_cell=lambda y, x: open_bar(view, parts, int(x)),
    )
    st.markdown(
        " ".join(
            f':color[■]{{foreground="{COLOURS[kind]}"}} {title}'
            for title, kind in map(SUBLAYERS.get, parts)
        )
    )
    layer_similarities(view)


def parts_of(view: View) -> list[str]:
    """The sublayers that a layer of this side has."""
    return [part for part in SUBLAYERS if f"{view.side}.0.{part}.out" in view.trace]


def shares_of(view: View, parts: list[str]):
    """Each update's length beside that of the vector it is added to, (parts, layers)."""
    leaves = [f"{part}.out.relative" for part in parts]
    return np.array(
        [
            [view.trace[f"{view.side}.{n}.{leaf}"][view.token] for n in layers_of_side(view)]
            for leaf in leaves
        ]
    )


def largest_share(view: View, parts: list[str]) -> tuple[str, tuple[int, ...]]:
    """The cell of the update that is longest beside the vector it is added to."""
    shares_PN = np.nan_to_num(shares_of(view, parts))
    part, layer = np.unravel_index(shares_PN.argmax(), shares_PN.shape)
    return f"{view.side}.{layer}.{parts[part]}.out.relative", (view.token,)


def largest_update(view: View, parts: list[str]) -> tuple[str, tuple]:
    """What is said of the largest update, and its cell."""
    name, index = largest_share(view, parts)
    _, layer, part, *_ = name.split(".")
    text = (
        "Each bar is the length of an update divided by the length of the vector it is added to."
        f" For {word(view)} the longest is {SUBLAYERS[part][0]} in layer {layer}:"
        f" {number(view.trace[name][index], 3)} times the vector. **Click a bar** to open it. A"
        " long update need not turn the vector: it may point the same way."
    )
    return text, (name, index)


def open_bar(view: View, parts: list[str], place: int) -> None:
    """The bar that was clicked, by its place among all."""
    layer, part = divmod(place, len(parts) + 1)
    if layer in layers_of_side(view) and part < len(parts):
        open_number(f"{view.side}.{layer}.{parts[part]}.out.relative", (view.token,))


def updates_figure(shares_PN, parts: list[tuple[str, str]], title: str):
    """Bars side by side for each layer, one colour for each sublayer."""
    P, N = shares_PN.shape
    places_PN, top = np.arange(N) * (P + 1) + np.arange(P)[:, None], bar_top(shares_PN)
    texts = [
        f"layer {n}, {name}<br><b>{number(share_N[n])}</b>"
        for share_N, (name, _) in zip(shares_PN, parts, strict=True)
        for n in range(N)
    ]
    return plotly_figures.figure(
        [
            *update_bars(places_PN, shares_PN, parts),
            plotly_figures.overlay(0 * places_PN, places_PN, texts),
        ],
        title,
        cut_labels(places_PN, shares_PN, top),
        height=190,
        top=8,
        bottom=42,
        left=46,
        xaxis=layers_axis(P, N),
        yaxis=plotly_figures.value_axis("") | {"range": [0, top]},
    )


def update_bars(places_PN, shares_PN, parts: list[tuple[str, str]]) -> list[dict]:
    """The bars of each sublayer, in its colour."""
    return [
        {
            "type": "bar",
            "x": places_N,
            "y": shares_N,
            "width": 0.95,
            "marker": {"color": COLOURS[kind]},
            "hoverinfo": "skip",
        }
        for places_N, shares_N, (_, kind) in zip(places_PN, shares_PN, parts, strict=True)
    ]


def cut_labels(places_PN, shares_PN, top: float) -> list[dict]:
    """The number beside each bar that is longer than the axis."""
    return [
        {
            "x": int(x),
            "y": top,
            "text": f"<b>{number(share)} ↑</b>",
            "showarrow": False,
            "yanchor": "top",
            "xanchor": "left",
            "xshift": 8,
        }
        for x, share in zip(places_PN.ravel(), shares_PN.ravel(), strict=True)
        if share > top
    ]


def layers_axis(P: int, N: int) -> dict:
    """An axis of N layers with P bars each; of many layers some have their number below."""
    ticks = range(0, N, -(-N // 15))
    return {
        "tickvals": [n * (P + 1) + (P - 1) / 2 for n in ticks],
        "ticktext": [str(n) for n in ticks],
        "title": plotly_figures.titled("layer"),
        "range": [-1, N * (P + 1) - 1],
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
    }


def bar_top(shares_PN) -> float:
    """The end of the axis: a bar far longer than all others is cut, so that these are seen."""
    *rest, second, most = sorted([0.0, *shares_PN.ravel().tolist()])
    return 1.3 * second if most > 3 * second > 0 else 1.05 * most or 1.0


def layer_similarities(view: View) -> None:
    """How like each vector is to the one a layer before, and to the first."""
    stacked_map(
        view,
        "out.turned",
        ALL,
        columns=view.names,
        limit=1,
        title="Similarity with the layer before (cosine; 1: same direction)",
    )
    if detailed():
        stacked_map(
            view,
            "out.similarity",
            ALL,
            columns=view.names,
            limit=1,
            title="Similarity with the vector that entered the first layer (cosine)",
        )
    if view.config.norm_at != "after" or view.config.norm == "none":
        st.caption(
            "No norm keeps the stream at one size here: the longer a vector is, the less the same"
            " update turns it."
        )


def lengths_table(view: View, parts: list[str]) -> None:
    """The lengths that the bars divide; every one opens."""
    side, t = view.side, view.token
    leaves = {
        "before": "attn.in.length",
        **{f"{SUBLAYERS[part][0]} adds": f"{part}.out.length" for part in parts},
        "after": "out.length",
    }
    names = {
        title: [f"{side}.{n}.{leaf}" for n in layers_of_side(view)]
        for title, leaf in leaves.items()
    }
    table(
        {title: [view.trace[name][t] for name in column] for title, column in names.items()},
        [str(n) for n in layers_of_side(view)],
        key="layers_lengths",
        corner="layer",
        title=f"Lengths of the vector of {titled_word(view, t)} and of its updates",
        on_cell=lambda row, column: (
            open_number(list(names.values())[column][row], (t,))
            if row in layers_of_side(view)
            else None
        ),
    )
