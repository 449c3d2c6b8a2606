"""The page Layers: where every head looks, each token's way through the layers, and what reaches it
from the others.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.planes import principal_plane
from core.steps import about
from core.text import all_of, counted, moves, number, percent
from core.vectors import TINY, lengths
from ui.kit import plotly_figures, theme
from ui.kit.charts import clickable_map, show
from ui.kit.components import layers_canvas, table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.head_thumbnails import thumbnails_of
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, cell_map
from ui.kit.theme import COLOURS
from ui.kit.token_strip import word
from ui.kit.word_grouping import ROLES, weights
from ui.session import runs
from ui.session.actions import close_number, select_head, select_token
from ui.session.runs import RunRequest
from ui.session.selection import EXAMPLES
from ui.session.settling import settle
from ui.session.view import View, is_word
from ui.text import plain, quoted

LEAVES = (
    "attn.in.length",
    "attn.out.relative",
    "mlp.out.relative",
    "attn.out.length",
    "mlp.out.length",
    "out.length",
    "out.turned",
    "out.similarity",
    "attn.pattern.mean",
    "attn.pattern.roles",
    "rollout",
)
SUBLAYERS = {
    part: (theme.SUBLAYERS[part].lower(), kind)
    for part, kind in {"attn": "weight", "cross": "k", "mlp": "mlp"}.items()
}
LENGTHS = {"own": "As they are", "one": "All brought to 1"}
DRAWN = {"own": "This token alone", "near": "And words near it", "all": "All tokens"}
OTHERS, ALL_TOKENS = (
    5,
    40,
)  # tokens drawn beside the chosen one; as many as are drawn when all are asked for
PATH_WIDE = 640  # of the plane of the ways on a desk, in pixels
FOLLOWED = ("is", "recommended")  # what the example sentence is for


def layers_of(view: View) -> range:
    return range(view.config.layers(view.side))


def compute_readings(view: View) -> None:
    """Asks each layer for all its readings before the next one: a long text's layers are computed
    anew each time.
    """
    for layer in layers_of(view):
        for leaf in LEAVES:
            view.trace[f"{view.side}.{layer}.{leaf}"]


def stacked_map(view: View, leaf: str, *index, columns: list[str], title: str, **options) -> None:
    """The same slice of a step of every layer, a row for each; every cell opens as the number of
    its own layer's step.

    index: the numbers before the one axis that is drawn, and those behind it.
    """
    names = [f"{view.side}.{layer}.{leaf}" for layer in layers_of(view)]
    opened = next(
        (
            (layer, at[index.index(ALL)])
            for layer, name in enumerate(names)
            if (at := opened_in(name))
            and all(part == ALL or part == i for part, i in zip(index, at))
        ),
        None,
    )
    drawn = about(view.trace, names[0])
    clickable_map(
        f"layers:{leaf}:{index}",
        HeatmapSpec(
            np.stack([view.trace[name][index] for name in names]),
            [f"layer {n}" for n in layers_of(view)],
            columns,
            title=title,
            opened=opened,
            colour=COLOURS[drawn.colour],
            rows_title="layer",
            **{"kind": drawn.scale, "columns_title": "token"} | options,
        ),
        lambda layer, at: open_number(
            names[layer], [at if part == ALL else part for part in index]
        ),
    )


# --- 1. all heads of all layers -------------------------------------------------------------------


def all_layers(view: View) -> None:
    """Every head's attention, small."""
    drawn, c = weights(view), view.config
    layers, heads = all_of(c.layers(view.side), "layer"), counted(c.n_heads, "head")
    section(
        view,
        f"1. {layers[0].upper()}{layers[1:]}, {heads} each{drawn.note}",
        "A layer takes in what the layer before gave out and does the same again, with weights of"
        " its own. Here is the attention of every head: one row for each layer, one column for each"
        " head. **Click a map** to choose its layer and head.",
        (drawn.name, (view.head, drawn.chosen or 0, drawn.chosen or 0)),
    )
    layers_canvas(
        thumbnails_of(view), key="layers", chosen=(view.layer, view.head), on_head=select_head
    )
    if detailed():
        head_roles(view)


def head_roles(view: View) -> None:
    """How well every head of every layer fits one role."""
    role = st.segmented_control(
        "What does each head look at, measured on this sentence?",
        range(len(ROLES)),
        required=True,
        key="layers_role",
        format_func=ROLES.__getitem__,
        on_change=close_number,
    )
    best = [
        view.trace[f"{view.side}.{layer}.attn.pattern.roles"][:, role] for layer in layers_of(view)
    ]
    layer, head = np.unravel_index(np.argmax(best), np.shape(best))
    stacked_map(
        view,
        "attn.pattern.roles",
        ALL,
        role,
        columns=[str(h) for h in range(view.config.n_heads)],
        columns_title="head",
        limit=1,
        title=f"Role “{ROLES[role]}” of every head: the share of its attention, on average",
    )
    st.caption(
        f"Highest: head {head} of layer {layer}, {number(best[layer][head])}. From 0.5 on at least"
        " half of the attention goes there; “broad” is how evenly it is spread. The page Heads"
        " says how it is measured."
    )


# --- 2. the way through the layers ----------------------------------------------------------------


def token_path(view: View) -> None:
    """The chosen token's vector after every layer, in a plane, among some others."""
    c, t, side = view.config, view.token, view.side
    last = f"{side}.{layers_of(view)[-1]}.out.length", (t,)
    first_size, last_size = (
        float(view.trace[f"{side}.0.attn.in.length"][t]),
        float(view.trace[last[0]][t]),
    )
    sizes = (
        "Here a norm stands before each sublayer, so nothing brings the vector itself back to"
        " size: "
        if c.norm_first
        else (
            "Here a norm stands behind each sublayer and brings every vector back to a similar"
            " size: "
        )
    )
    sizes = sizes if c.norm != "none" else "In this run no norm holds the size: "
    section(
        view,
        "2. The way of each token through the layers",
        f"Every layer moves the vector of {word(view)}. Point 0 is where it comes in, point"
        f" {len(layers_of(view))} where it is after the last layer. {sizes}its length"
        f" {moves(number(first_size), number(last_size))}. A plane shows only a part of the"
        f" {c.d_model} dimensions; how much, the axes say. It is drawn around the mean of all these"
        " vectors.",
        last,
    )
    settle("layers_length", "one" if c.norm_first else "own")
    left, right = st.columns(2, vertical_alignment="bottom")
    same = left.segmented_control(
        "Length of the vectors",
        list(LENGTHS),
        required=True,
        key="layers_length",
        format_func=LENGTHS.get,
    )
    drawn = right.segmented_control(
        "Drawn", list(DRAWN), required=True, key="layers_drawn", format_func=DRAWN.get
    )
    shown = companions(view, drawn)
    flat_TN2, plane, longest = flat_paths(view.request, side, tuple(shown), same == "one")
    if not np.isfinite(flat_TN2).all():
        st.warning(
            "In this run the numbers have grown too large to be written: there is no plane to draw."
        )
        return
    others = f" and {counted(len(shown) - 1, 'other')}" if len(shown) > 1 else ""
    title = f"{quoted(view.labels[t])}{others}, layer by layer, around the mean"
    title += "; each vector of length 1" if same == "one" else ""
    show(
        "layers_path",
        path_figure(flat_TN2, plane, [view.labels[i] for i in shown], shown.index(t), title),
        alt=title,
    )
    if longest > 10:
        st.caption(
            f"The longest of these vectors is {longest:.0f} times as long as the median: it makes"
            " the plane. Brought to one length, the others are seen."
        )


@st.cache_resource(max_entries=64, show_spinner=False)
def flat_paths(request: RunRequest, side: str, tokens: tuple[int, ...], same: bool):
    """The vectors of some tokens, as they come in and after every layer, in their plane; kept,
    since most clicks change nothing in it.
    """
    trace = runs.trace_of(request)
    steps = [f"{side}.embed.out", *(f"{side}.{n}.out" for n in range(trace.config.layers(side)))]
    paths_TND = np.stack([trace[step][list(tokens)] for step in steps], axis=1).astype(float)
    return flattened(
        paths_TND / np.maximum(lengths(paths_TND), TINY)[..., None] if same else paths_TND
    )


def flattened(paths_TND):
    """The ways in their plane around the mean, (T, N, 2); the plane; and the longest vector as a
    multiple of the median.
    """
    around_TND, lengths_TN = paths_TND - paths_TND.mean(axis=(0, 1)), lengths(paths_TND)
    plane = principal_plane(around_TND.reshape(-1, paths_TND.shape[-1]))
    return plane.flat(around_TND), plane, float(lengths_TN.max() / max(np.median(lengths_TN), TINY))


def companions(view: View, drawn: str) -> list[int]:
    """The tokens that are drawn: the chosen one alone, with the words nearest to it, or with as
    many as can be told apart.
    """
    words = [i for i, token in enumerate(view.labels) if drawn == "all" or is_word(token)]
    near = sorted((i for i in words if i != view.token), key=lambda i: abs(i - view.token))
    return sorted([view.token, *near[: {"own": 0, "near": OTHERS, "all": ALL_TOKENS}[drawn]]])


def path_figure(flat_TN2, plane, labels: list[str], chosen: int, title: str):
    """A line for each token through its vectors in their plane; the chosen one strong, with the
    numbers of the layers.
    """
    across = plotly_figures.with_room(flat_TN2[..., 0].ravel(), 0.12)
    # As high as the ways are beside their width, so that little of the axes stays empty.
    tall = 1.15 * float(np.ptp(flat_TN2[..., 1])) / (across[1] - across[0])
    high = int(np.clip(PATH_WIDE * tall, 300, 560))
    words = path_words(flat_TN2, labels, chosen, across, high)
    order = (*(t for t in range(len(labels)) if t != chosen), chosen)
    traces = [path_line(flat_TN2[t], words[t], labels[t], t == chosen) for t in order]
    figure = plotly_figures.in_plane(traces, plane, across, title)
    figure.layout.height += high - 330
    return figure


def path_words(
    flat_TN2, labels: list[str], chosen: int, across: list[float], high: int
) -> list[dict[int, tuple[str, str]]]:
    """What stands beside the points of each way, and where: the name at its end, of the chosen
    token the numbers of the layers as well; nothing where there is no room between what is written
    already.
    """
    T, N, _ = flat_TN2.shape
    others = [t for t in range(T) if t != chosen]
    asked = {
        chosen * N + N - 1: labels[chosen],
        **{chosen * N + n: str(n) for n in range(N - 1)},
        **{t * N + N - 1: labels[t] for t in others},
    }
    own_N2 = flat_TN2[chosen]
    # Nothing is written upon the chosen token's line either.
    line_N2 = np.vstack(
        [own_N2[:-1] + part * np.diff(own_N2, axis=0) for part in (0.25, 0.5, 0.75)]
    )
    at_N2 = plotly_figures.in_pixels(
        np.vstack((flat_TN2.reshape(-1, 2), line_N2)), across, (PATH_WIDE, high)
    )
    spots = plotly_figures.name_spots(
        at_N2, [7 if i // N == chosen else 3.5 for i in range(T * N)] + [0] * len(line_N2), asked
    )
    return [{i % N: (asked[i], spot) for i, spot in spots.items() if i // N == t} for t in range(T)]


def path_line(flat_N2, words: dict[int, tuple[str, str]], label: str, chosen: bool) -> dict:
    """One token's way. words: what is written beside its points, and at which side of them."""
    N, colour = len(flat_N2), COLOURS["residual"] if chosen else plotly_figures.GREY
    texts = {n: plotly_figures.safe(text) for n, (text, _) in words.items()}
    if chosen and N - 1 in texts:
        texts[N - 1] = f"<b>{texts[N - 1]}</b>"
    return {
        "type": "scatter",
        "x": flat_N2[:, 0],
        "y": flat_N2[:, 1],
        "mode": "lines+markers+text",
        "text": [texts.get(n, "") for n in range(N)],
        "textposition": [words[n][1] if n in words else "top center" for n in range(N)],
        "cliponaxis": False,
        "textfont": {
            "size": plotly_figures.FONT if chosen else 10,
            "color": plotly_figures.TEXT if chosen else "rgba(128,128,128,0.95)",
        },
        "line": {"width": 3.5 if chosen else 1.2, "color": colour},
        "marker": {"size": 7 if chosen else 3.5, "color": colour},
        "hovertext": [
            f"{plotly_figures.safe(label)}, " + (f"after layer {n - 1}" if n else "as it comes in")
            for n in range(N)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


# --- 3. what the sublayers add --------------------------------------------------------------------


def updates(view: View) -> None:
    """How long the updates of attention and feed-forward are beside the stream, layer by layer, and
    how far they turn it.
    """
    t, name, side = view.token, view.labels[view.token], view.side
    parts = [part for part in SUBLAYERS if f"{side}.0.{part}.out" in view.trace]
    shares_PN = np.array(
        [
            [view.trace[f"{side}.{n}.{part}.out.relative"][t] for n in layers_of(view)]
            for part in parts
        ]
    )
    part, layer = np.unravel_index(shares_PN.argmax(), shares_PN.shape)
    part_names = [SUBLAYERS[part][0] for part in parts]
    section(
        view,
        "3. How much each layer adds",
        "The length of each update beside the length of the vector it is added to. For"
        f" {word(view)} the largest is that of the {part_names[part]} in layer {layer}:"
        f" {number(shares_PN[part, layer])} of the vector. **Click a bar** to open it. A long"
        " update need not turn the vector: it may point along it.",
        (f"{side}.{layer}.{parts[part]}.out.relative", (t,)),
    )
    figure = updates_figure(
        shares_PN,
        [SUBLAYERS[part] for part in parts],
        f"Update of {quoted(name)} ÷ its vector: {' · '.join(part_names)} by layer",
    )
    show(
        "layers_added",
        figure,
        alt=f"Length of the updates of {quoted(name)}, relative to its vector, by layer",
        on_cell=lambda y, x: open_bar(view, parts, int(x)),
    )
    st.markdown(
        " ".join(
            f':color[■]{{foreground="{COLOURS[kind]}"}} {title}'
            for title, kind in map(SUBLAYERS.get, parts)
        )
    )
    layer_similarities(view)
    if detailed():
        lengths_table(view, parts)


def open_bar(view: View, parts: list[str], place: int) -> None:
    """The bar that was clicked, by its place among all."""
    layer, part = divmod(place, len(parts) + 1)
    if layer in layers_of(view) and part < len(parts):
        open_number(f"{view.side}.{layer}.{parts[part]}.out.relative", (view.token,))


def updates_figure(shares_PN, parts: list[tuple[str, str]], title: str):
    """Bars side by side for each layer, one colour for each sublayer."""
    P, N = shares_PN.shape
    places_PN = np.arange(N) * (P + 1) + np.arange(P)[:, None]
    bars = [
        {
            "type": "bar",
            "x": places_N,
            "y": shares_N,
            "width": 0.95,
            "marker": {"color": COLOURS[kind]},
            "hoverinfo": "skip",
        }
        for places_N, shares_N, (_, kind) in zip(places_PN, shares_PN, parts)
    ]
    texts = [
        f"layer {n}, {name}<br><b>{number(share_N[n])}</b>"
        for share_N, (name, _) in zip(shares_PN, parts)
        for n in range(N)
    ]
    every, top = -(-N // 15), bar_top(shares_PN)
    cut = [
        {
            "x": int(x),
            "y": top,
            "text": f"<b>{number(share)} ↑</b>",
            "showarrow": False,
            "yanchor": "top",
            "xanchor": "left",
            "xshift": 8,
        }
        for x, share in zip(places_PN.ravel(), shares_PN.ravel())
        if share > top
    ]
    ticks = range(0, N, every)
    layers = {
        "tickvals": [n * (P + 1) + (P - 1) / 2 for n in ticks],
        "ticktext": [str(n) for n in ticks],
        "title": plotly_figures.titled("layer"),
        "range": [-1, N * (P + 1) - 1],
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
    }
    return plotly_figures.figure(
        [*bars, plotly_figures.overlay(0 * places_PN, places_PN, texts)],
        title,
        cut,
        height=190,
        top=8,
        bottom=42,
        left=46,
        xaxis=layers,
        yaxis=plotly_figures.grid("") | {"range": [0, top]},
    )


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
        columns=view.labels,
        limit=1,
        title="Similarity with the layer before (cosine; 1: not turned at all)",
    )
    if detailed():
        stacked_map(
            view,
            "out.similarity",
            ALL,
            columns=view.labels,
            limit=1,
            title="Similarity with the vector the token came in with (cosine)",
        )
    if view.config.norm_first or view.config.norm == "none":
        st.caption(
            "Nothing brings the stream back to size here: where a vector has grown long, the same"
            " update turns it less."
        )


def lengths_table(view: View, parts: list[str]) -> None:
    """All lengths behind the bars; every one opens."""
    side, t = view.side, view.token
    leaves = {
        "before": "attn.in.length",
        **{f"{SUBLAYERS[part][0]} adds": f"{part}.out.length" for part in parts},
        "after": "out.length",
    }
    names = {
        title: [f"{side}.{n}.{leaf}" for n in layers_of(view)] for title, leaf in leaves.items()
    }
    table(
        {title: [view.trace[name][t] for name in column] for title, column in names.items()},
        [str(n) for n in layers_of(view)],
        key="layers_lengths",
        corner="layer",
        title=f"Lengths of the vector of {quoted(view.labels[t])} and of its updates",
        on_cell=lambda row, column: (
            open_number(list(names.values())[column][row], (t,)) if row in layers_of(view) else None
        ),
    )


# --- 4. rollout -----------------------------------------------------------------------------------


def rollout(view: View) -> None:
    """How much of each first vector could have reached each token."""
    at, t, last = view.at("rollout"), view.token, layers_of(view)[-1]
    row_M = view.trace[f"{view.side}.{last}.rollout"][t]
    other = max((m for m in range(len(row_M)) if m != t), key=lambda m: row_M[m], default=t)
    section(
        view,
        "4. What could have come from where: rollout",
        f"In one layer {word(view)} takes in others, which have taken in others before. **Rollout**"
        " multiplies the layers’ weights: how much of each first vector could have reached it."
        f" {rollout_text(view, row_M, other)}",
        (at, (t, int(other))),
    )
    rows, chosen = st.columns(2, gap="large")
    with rows:
        stacked_map(
            view,
            "rollout",
            t,
            ALL,
            columns=view.labels,
            columns_title="first vector of",
            title=f"Rollout of {quoted(view.labels[t])} after every layer: each row sums to 1",
        )
    with chosen:
        cell_map(
            view,
            at,
            ALL,
            ALL,
            chosen=t,
            title=f"Rollout after layer {view.layer}, all tokens: each row sums to 1",
        )
    st.caption(
        "What rollout assumes: attention only mixes vectors, all heads count alike, half of each"
        " vector stays where it is, and the feed-forward networks, values and norms change nothing."
        " None of this is quite true. It says what could have flowed, not what the model used"
        " (Abnar and Zuidema 2020)."
    )


def rollout_text(view: View, row_M, other: int) -> str:
    """Of the chosen token's last vector: what could be its own, and what could come from the one
    that gives it the most.
    """
    t, (own, most) = view.token, (percent(row_M[m], 0) for m in (view.token, other))
    after = f"After the last layer {own} of {word(view)} would still be its own"
    if other == t or not row_M[other]:
        return f"{after}: here nothing reaches it from another token."
    little = max(row_M[t], row_M[other]) > 0.995
    return f"{after}, and {most} would come from {word(view, other)}" + (
        ": all but everything comes from one token."
        if little
        else ", more than from any other token."
    )


# --- 5. what a token leans on ---------------------------------------------------------------------


def attends_to(view: View) -> None:
    """Where the chosen token's attention goes in every layer, all heads together."""
    t, mean = view.token, view.at("attn.pattern.mean")
    section(
        view,
        f"5. What “{plain(view.labels[t])}” leans on, layer by layer",
        f"The attention of {word(view)}, averaged over the heads of each layer. {attended_text(view)}",
        (mean, (t, int(view.trace[mean][t].argmax()))),
    )
    follow_buttons(view)
    limit = largest_word(view)
    stacked_map(
        view,
        "attn.pattern.mean",
        t,
        ALL,
        columns=view.labels,
        columns_title="token that is looked at",
        limit=limit,
        title=f"Attention of {quoted(view.labels[t])}, mean of the heads, in every layer"
        + (f" (the colours end at the largest of another word, {number(limit)})" if limit else ""),
    )


def follow_buttons(view: View) -> None:
    """For the example sentence, the words that it is about."""
    if view.sentence == EXAMPLES[0]["text"]:
        row = st.container(horizontal=True)
        for name in FOLLOWED:
            if name in (bare := [label.lstrip("␣") for label in view.labels]):
                at = bare.index(name)
                row.button(
                    f"Follow “{name}”",
                    key=f"layers_{name}",
                    on_click=select_token,
                    args=(at,),
                    disabled=view.token == at,
                )


def attended_text(view: View) -> str:
    """The word that gets most, for every few layers; itself, signs, and the token that everything
    rests on left out.
    """
    N = len(layers_of(view))
    mean_NM, rest, left = mean_weights(view), attention_sink(view), other_words(view)
    if not left:
        return f"There is no other word that {word(view)} could lean on."
    few = -(-N // 4)
    parts = []
    for start in range(0, N, few):
        layers = range(start, min(start + few, N))
        layer, m = max(((n, m) for n in layers for m in left), key=lambda at: mean_NM[at])
        parts.append(
            f"in {f'layers {start} to {layers[-1]}' if len(layers) > 1 else f'layer {start}'} on"
            f" {word(view, m)} ({number(mean_NM[layer, m])}, in layer {layer})"
        )
    also = (
        ""
        if rest is None
        else (
            f", and so is {word(view, rest)}, the first token: it gets "
            f"{percent(mean_NM[:, rest].mean(), 0)} on average"
        )
    )
    return (
        f"It leans most {'; '.join(parts)}. Itself, punctuation and the model’s own signs are left"
        f" out here{also}."
    )


def mean_weights(view: View) -> np.ndarray:
    """The chosen token's attention in every layer, the mean of its heads, (N, M)."""
    return np.stack(
        [view.trace[f"{view.side}.{n}.attn.pattern.mean"][view.token] for n in layers_of(view)]
    )


def other_words(view: View) -> list[int]:
    """The tokens that the chosen one may lean on: no signs, no punctuation, not itself, not the one
    everything rests on.
    """
    words = view.trace.words_L if view.side == view.config.sides[0] else None
    seen_M, rest = mean_weights(view).any(axis=0), attention_sink(view)
    return [
        m
        for m, label in enumerate(view.labels)
        if m not in (view.token, rest)
        and is_word(label)
        and seen_M[m]
        and (words is None or words[m] is not None)
    ]


def attention_sink(view: View) -> int | None:
    """The first token, where it is a word and gets the most of all over the layers: many decoders
    rest there.
    """
    most = int(mean_weights(view).mean(axis=0).argmax())
    return 0 if view.token != 0 and is_word(view.labels[0]) and most == 0 else None


def largest_word(view: View) -> float | None:
    """The end of the scale, where signs, or the first token, have far more than any word."""
    mean_NM, left = mean_weights(view), other_words(view)
    most = float(mean_NM[:, left].max(initial=0))
    return most if 0 < most < mean_NM.max() / 2 else None
