"""Bars and vector plots, with Plotly and nothing else: transparent, in the colours of the theme.

kind: "signed" (red below zero, blue above) or any of COLOURS. chosen: the position of a bar with an
outline. limit: the end of the axis, given so that several pictures can be compared; else the
largest number shown. Labels are data: nothing in them is markup. A figure is written down as plain
data and checked by Plotly once: changing it piece by piece costs ten times that.
"""

from __future__ import annotations

from html import escape
from textwrap import wrap

import numpy as np
import plotly.graph_objects as go

from core.text import number, percent
from ui.kit.theme import COLOURS, ink
from ui.text import short

BAR = 26  # the height of a row, in pixels
FONT, LONGEST = 12, 12  # pixels; letters of a label beside an axis
NAMED = 24  # names in a plane at most
SMALL = (330, 330)  # the size for which they are laid out, in pixels
GREY, FAINT, CLEAR = "rgba(128,128,128,0.55)", "rgba(128,128,128,0.16)", "rgba(0,0,0,0)"
TEXT = "#000037"  # Streamlit puts the theme's text colour in the place of this one
# What a chart lets the reader do: below it stands a button that saves it, as below every figure
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


# --- bars -----------------------------------------------------------------------------------------


def bars(
    values_N,
    labels,
    kind="signed",
    *,
    title="",
    chosen=None,
    value_title="",
    places_title="",
    limit=None,
) -> go.Figure:
    """A bar for each number: lying down beside words, upright over numbered dimensions.
    value_title: what the length of a bar is; places_title: what upright bars stand over.
    """
    values_N = np.asarray(values_N, dtype=np.float32)
    upright, shown_N = numbered(labels), np.where(np.isfinite(values_N), values_N, 0)
    extent = bar_range(shown_N, limit, room=0 if upright else 0.28)
    values = value_axis(value_title) | {"range": extent}
    words = axis(labels, places_title if upright else "")
    if not upright:
        words["range"] = [len(labels) - 0.5, -0.5]
    x_axis, y_axis = (words, values) if upright else (values, words)
    drawn = bar_trace(values_N, shown_N, upright, kind, chosen)
    return figure(
        [drawn, bar_points(values_N, labels, upright)],
        title,
        height=150 if upright else len(values_N) * BAR,
        top=8,
        bottom=42 if (places_title if upright else value_title) else 24,
        left=46 if upright else 14 + label_width(labels),
        xaxis=x_axis,
        yaxis=y_axis,
        bargap=0.25,
    )


def bar_trace(values_N, shown_N, upright: bool, kind: str, chosen: int | None) -> dict:
    """The bars; the chosen one has an outline, and lying ones say their numbers."""
    places_N = np.arange(len(values_N))
    outline = {"width": [2.5 if i == chosen else 0 for i in places_N], "color": TEXT}
    marker = {"line": outline} | bar_colours(shown_N, kind)
    look = {"type": "bar", "marker": marker, "hoverinfo": "skip"}
    if upright:
        return look | {"x": places_N, "y": shown_N}
    return look | {
        "x": shown_N,
        "y": places_N,
        "orientation": "h",
        "text": [number(value) for value in values_N],
        "textposition": "outside",
        "cliponaxis": False,
    }


def bar_points(values_N, labels, upright: bool) -> dict:
    """The points that say what each bar stands for."""
    named = zip(labels, values_N, strict=True)
    texts = [f"{safe(word)}<br><b>{number(value)}</b>" for word, value in named]
    places_N = np.arange(len(values_N))
    rows_N, columns_N = (0 * places_N, places_N) if upright else (places_N, 0 * places_N)
    return overlay(rows_N, columns_N, texts)


def bar_colours(values_N, kind: str) -> dict:
    """One colour for one kind; signed numbers take theirs from the two sides of the theme's
    scale.
    """
    if kind != "signed":
        return {"color": COLOURS[kind]}
    return {
        "color": np.sign(values_N) * 0.72,
        "cmin": -1,
        "cmax": 1,
        "autocolorscale": True,
        "showscale": False,
    }


def bar_range(values_N, limit: float | None, room: float) -> list[float]:
    """The axis from the lowest to the highest bar, zero included, with room at the ends for what is
    written there.
    """
    low, high = min(0.0, float(values_N.min(initial=0))), max(0.0, float(values_N.max(initial=0)))
    if limit:
        low, high = -limit if low < 0 else 0.0, limit
    more = (room + 0.03) * ((high - low) or 1.0)
    return [low - more if low < 0 else 0.0, high + more if high > 0 or low == 0 else 0.0]


def overlay(rows, columns, texts: list[str]) -> dict:
    """Points that can't be seen, one for each bar."""
    return unseen_points(np.ravel(columns).astype(np.int32), np.ravel(rows).astype(np.int32), texts)


def unseen_points(xs, ys, texts: list[str]) -> dict:
    """Points that can't be seen: anywhere near one is a click on it, and says its text."""
    look = {"marker": {"opacity": 0}}
    return {
        "type": "scatter",
        "x": xs,
        "y": ys,
        "text": texts,
        "mode": "markers",
        "marker": {"size": 1, "opacity": 0},
        "selected": look,
        "unselected": look,
        "showlegend": False,
        "hovertemplate": "%{text}<extra></extra>",
    }


# --- vectors --------------------------------------------------------------------------------------


def vectors_plane(plane, values_MK, weights_M, sum_K, labels, *, title="") -> go.Figure:
    """The value vectors as points in their plane, each as large as its weight, and the weighted sum
    among them.

    plane: with `.flat(vectors_NK)` and `.held`, the share of the vectors' squared length along its
    two directions.
    """
    points_M2, sum_2 = plane.flat(values_MK), plane.flat(np.asarray(sum_K)[None])[0]
    weights_M = np.asarray(weights_M, dtype=np.float32)
    across = with_room(points_M2[:, 0], 0.3)
    pulls = [
        pull(point, sum_2, weight)
        for point, weight in zip(points_M2, weights_M, strict=True)
        if weight > 0.005
    ]
    return in_plane(
        [value_points(points_M2, sum_2, weights_M, labels, across), sum_point(sum_2)],
        plane,
        across,
        title
        or "The values in their plane. Dots and lines grow with the weight; z is the weighted sum",
        shapes=pulls,
    )


def value_points(points_M2, sum_2, weights_M, labels, across: list[float]) -> dict:
    """The values as points, those of the largest weights with their names beside them."""
    names, sizes_M = [safe(short(word, 11)) for word in labels], 7 + 30 * np.sqrt(weights_M)
    order = np.argsort(-weights_M, kind="stable")[:NAMED]
    at_N2 = in_pixels(np.vstack((points_M2, sum_2)), across, SMALL)
    spots = name_spots(at_N2, [*sizes_M, 20], {int(i): names[i] for i in order})
    weighted = zip(labels, weights_M, strict=True)
    return {
        "type": "scatter",
        "x": points_M2[:, 0],
        "y": points_M2[:, 1],
        "mode": "markers+text",
        "textfont": {"size": FONT, "color": TEXT},
        "cliponaxis": False,
        "text": [name if m in spots else "" for m, name in enumerate(names)],
        "textposition": [spots.get(m, "top center") for m in range(len(names))],
        "hovertext": [
            f"{safe(word)}<br>weight <b>{number(weight)}</b>" for word, weight in weighted
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "marker": {"size": sizes_M, "color": COLOURS["v"], "opacity": 0.8},
    }


def sum_point(sum_2) -> dict:
    """The weighted sum, z."""
    edge, colour = {"width": 2, "color": "#ffffff"}, ink(COLOURS["v"], ["#ffffff"])
    return {
        "type": "scatter",
        "x": [sum_2[0]],
        "y": [sum_2[1]],
        "mode": "markers+text",
        "text": ["<b>z</b>"],
        "textfont": {"color": "#ffffff"},
        "textposition": "middle center",
        "hovertemplate": "z: the weighted sum<extra></extra>",
        "marker": {"symbol": "diamond", "size": 20, "color": colour, "line": edge},
    }


def pull(point_2, sum_2, weight: float) -> dict:
    """The line from a value to the sum, as wide as its weight."""
    return {
        "type": "line",
        "x0": point_2[0],
        "y0": point_2[1],
        "x1": sum_2[0],
        "y1": sum_2[1],
        "layer": "below",
        "opacity": 0.45,
        "line": {"width": 0.6 + 9 * float(weight), "color": COLOURS["v"]},
    }


def arrows_sum(plane, before_D, update_D, after_D, label, *, title="", kind="weight") -> go.Figure:
    """Before + update = after, as three arrows in their plane, head to tail. kind: of the update,
    for its colour.
    """
    before_2, update_2, after_2 = plane.flat(np.stack((before_D, update_D, after_D)))
    zero_2, middle_2 = np.zeros(2), (before_2 + after_2) / 3
    arrows = (
        (zero_2, before_2, "before", "residual", before_D),
        (zero_2, after_2, "after", "residual", after_D),
        (before_2, before_2 + update_2, "update", kind, update_D),
    )
    corners = {
        "type": "scatter",
        "x": [0, before_2[0], after_2[0]],
        "y": [0, before_2[1], after_2[1]],
        "mode": "markers",
        "marker": {"size": 5, "color": GREY},
        "hoverinfo": "skip",
    }
    names, tips = [], []
    for start, end, name, kind, vector_D in arrows:
        names.append(arrow_name(start, end, middle_2, name, f"{safe(label)}, {name}", vector_D))
        tips.append(arrow(start, end, COLOURS[kind]))
    return in_plane(
        [corners, *names],
        plane,
        with_room([before_2[0], after_2[0]], 0.2),
        title or "Before + update = after",
        tips,
    )


def arrow(start_2, end_2, colour: str, **more) -> dict:
    """An arrow of a figure."""
    return {
        "x": end_2[0],
        "y": end_2[1],
        "ax": start_2[0],
        "ay": start_2[1],
        "axref": "x",
        "ayref": "y",
        "text": "",
        "showarrow": True,
        "arrowhead": 2,
        "arrowsize": 1.1,
        "arrowwidth": 2.5,
        "arrowcolor": colour,
    } | more


def arrow_name(start_2, end_2, middle_2, name: str, label: str, vector_D) -> dict:
    """The name of an arrow beside it; resting on it tells the length of the vector."""
    length = number(float(np.linalg.norm(np.asarray(vector_D, dtype=np.float64))))
    return name_beside(start_2, end_2, middle_2) | {
        "type": "scatter",
        "mode": "text",
        "text": [f"<b>{name}</b>"],
        "textfont": {"color": TEXT, "size": 13},
        "hovertext": [f"{label}: length <b>{length}</b>"],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
    }


def name_beside(start_2, end_2, middle_2) -> dict:
    """Where an arrow's name stands: at its half, on the side away from the middle of the
    picture.
    """
    along_2, half_2 = end_2 - start_2, (start_2 + end_2) / 2
    aside_2 = np.array([-along_2[1], along_2[0]])
    aside_2 *= np.sign(aside_2 @ (half_2 - middle_2)) or 1.0
    x, y = half_2 + 0.03 * aside_2
    upright = abs(along_2[1]) > abs(along_2[0])
    place = (
        ("middle right" if aside_2[0] > 0 else "middle left")
        if upright
        else ("top center" if aside_2[1] > 0 else "bottom center")
    )
    return {"x": [x], "y": [y], "textposition": place}


SPOTS = {
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top center": (0, 1),
    "bottom center": (0, -1),
    "top right": (1, 1),
    "top left": (-1, 1),
    "bottom right": (1, -1),
    "bottom left": (-1, -1),
}


def name_spots(at_N2, sizes_N, names: dict[int, str]) -> dict[int, str]:
    """Where names stand beside their points: no two on each other, and as few points as can be
    below them.

    at_N2, sizes_N: the points, and how wide they are drawn, in pixels. names: of some points, the
    most important one first. Returns the spot of each name that has found room, as Plotly calls it.
    """
    at_N2, radii_N = np.asarray(at_N2, dtype=np.float64), np.asarray(sizes_N, dtype=np.float64) / 2
    towards_S2, found, taken = np.array(list(SPOTS.values())), {}, np.empty((0, 3))
    for i, name in names.items():
        half = 3.5 * len(name) + 2
        middles_S2 = at_N2[i] + towards_S2 * (radii_N[i] + np.array([half, 9]))
        gaps_SN2 = np.abs(middles_S2[:, None] - at_N2)
        covered_S = ((gaps_SN2[..., 0] < half + radii_N) & (gaps_SN2[..., 1] < 7 + radii_N)).sum(
            axis=1
        )
        beside_ST2 = np.abs(middles_S2[:, None] - taken[:, :2])
        free_S = ~((beside_ST2[..., 0] < half + taken[:, 2]) & (beside_ST2[..., 1] < 15)).any(
            axis=1
        )
        if free_S.any():
            best = int(np.where(free_S, covered_S, len(at_N2) + 1).argmin())
            found[i] = list(SPOTS)[best]
            taken = np.vstack((taken, [*middles_S2[best], half]))
    return found


def in_pixels(points_N2, across: list[float], size: tuple[int, int]):
    """Points as they lie in a picture of that width and height, with equal units on both axes."""
    return points_N2 * min(
        size[0] / (across[1] - across[0]), size[1] / (1.15 * np.ptp(points_N2[:, 1]) or 1.0)
    )


def with_room(xs, share: float) -> list[float]:
    """From the leftmost to the rightmost point, zero included, and at both ends room for words."""
    low, high = min(0.0, *xs), max(0.0, *xs)
    room = share * ((high - low) or 1.0)
    return [low - room, high + room]


def in_plane(
    traces: list[dict], plane, across: list[float], title: str, annotations=(), shapes=()
) -> go.Figure:
    """Equal units on both axes, and how much of the vectors the plane holds."""
    first, second = (safe(percent(share, 0)) for share in plane.held)
    return figure(
        traces,
        title,
        annotations,
        height=330,
        top=4,
        bottom=40,
        left=52,
        shapes=list(shapes),
        xaxis=value_axis(f"1st direction ({first} of the squared length)") | {"range": across},
        yaxis=value_axis(f"2nd ({second})") | {"scaleanchor": "x"},
    )


# --- what all pictures share ----------------------------------------------------------------------


def safe(text: object) -> str:
    """A label as Plotly shall show it: letter by letter, no tags, short."""
    return escape(short(str(text), 22), quote=False)


def numbered(labels) -> bool:
    """Whether labels are plain numbers (dimensions) and not words."""
    return all(str(word).isdecimal() for word in labels)


def axis(labels, title: str) -> dict:
    """Positions 0 to n − 1 with labels as ticks; of numbered places about eight, words all."""
    every = 2 ** int(np.ceil(np.log2(max(len(labels) / 8, 1)))) if numbered(labels) else 1
    places = range(0, len(labels), every)
    return {
        "tickvals": list(places),
        "ticktext": [escape(short(str(labels[i]), LONGEST), quote=False) for i in places],
        "title": titled(title),
        "tickfont": {"size": FONT, "color": TEXT},
        "range": [-0.5, len(labels) - 0.5],
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
    }


def value_axis(title: str) -> dict:
    """An axis along which values are measured."""
    return {
        "title": titled(title),
        "tickfont": {"size": 11, "color": TEXT},
        "nticks": 6,
        "fixedrange": True,
        "gridcolor": FAINT,
        "zeroline": True,
        "zerolinecolor": GREY,
    }


def titled(text: str) -> dict:
    """The title of an axis."""
    return {"text": escape(text, quote=False), "font": {"size": 13, "color": TEXT}, "standoff": 6}


def label_width(labels) -> int:
    """Pixels that labels take beside an axis."""
    return int(6.6 * max((len(short(str(word), LONGEST)) for word in labels), default=0)) + 8


def figure(
    traces: list[dict],
    title: str,
    annotations=(),
    *,
    height: int,
    top: int,
    bottom: int,
    left: int,
    **axes,
) -> go.Figure:
    """Tight margins around a plot of that height, a title that wraps, nothing to drag."""
    lines = wrap(title, 46)
    room = top + 20 * len(lines)
    layout = axes | {
        "annotations": [*annotations, figure_title(lines, top, left)],
        "height": height + room + bottom,
        "margin": {"l": left, "r": 12, "t": room, "b": bottom, "pad": 2},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"size": FONT, "color": TEXT},
        "hovermode": "closest",
        "hoverdistance": -1,
        "dragmode": False,
        "showlegend": False,
    }
    return go.Figure({"data": traces, "layout": layout})


def figure_title(lines: list[str], top: int, left: int) -> dict:
    """The title of a figure, flush with its labels."""
    return {
        "text": "<br>".join(f"<b>{escape(line, quote=False)}</b>" for line in lines),
        "showarrow": False,
        "align": "left",
        "x": 0,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "xshift": 6 - left,
        "yshift": top - 4,
        "font": {"size": 14, "color": TEXT},
    }
