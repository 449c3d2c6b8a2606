"""What stands for a widget where none runs, such as a notebook on a code host, and a run in short.

head_maps(view)     the attention of a layer's heads as an SVG picture
number_made(made)   how a number was made, as HTML
run_in_short(view)  model, tokens, what comes out and the steps, as HTML

Whatever a token or a name holds is escaped. Each gives what it is, by its MIME type, but for the
last, which is HTML.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import numpy as np

from core.decoding import next_tokens
from core.explanation import Explanation
from core.text import counted, number, percent
from ui.kit.packed_arrays import THUMBNAIL, thumbnails
from ui.kit.theme import COLOURS
from ui.session.view import View
from ui.text import short

CELL, GAP, LABEL, ACROSS = 15, 14, 78, 5  # pixels; maps in a row
WORDS, OPERANDS = 5, 12  # that are listed
INK, PAPER = "#1c2430", "#ffffff"


# --- pictures -------------------------------------------------------------------------------------


def head_maps(view: View) -> dict[str, str]:
    """The weights of all heads of the layer that is looked at; of a long text the largest weight of
    each block. A cell is as dark as its weight.
    """
    patterns_HLM = view.trace[view.at("attn.pattern")]
    whole = max(patterns_HLM.shape[1:]) <= THUMBNAIL
    patterns_HLM = patterns_HLM if whole else thumbnails(patterns_HLM)
    labels = [short(name, 10) for name in view.labels] if whole else []
    H, L, M = patterns_HLM.shape
    wide, high = M * CELL + GAP, L * CELL + LABEL + GAP
    drawn = [
        head_map(h, patterns_HLM[h], labels, LABEL + h % ACROSS * wide, h // ACROSS * high)
        for h in range(H)
    ]
    size = LABEL + min(H, ACROSS) * wide, -(-H // ACROSS) * high
    title = f"Attention of the heads of layer {view.layer}: a row for each token that looks"
    return {"image/svg+xml": svg(*size, title, drawn)}


def head_map(h: int, pattern_LM, labels: list[str], x: int, y: int) -> str:
    """One head; the first of a row of maps has the names of its rows."""
    top = y + LABEL
    cells = [
        f'<rect x="{x + m * CELL}" y="{top + l * CELL}" width="{CELL - 1}" height="{CELL - 1}"'
        f' fill="{COLOURS["weight"]}" fill-opacity="{max(float(weight), 0):.3f}"/>'
        for (l, m), weight in np.ndenumerate(pattern_LM)
        if weight > 0.004
    ]
    L, M = pattern_LM.shape
    frame = (
        f'<rect x="{x - 1}" y="{top - 1}" width="{M * CELL + 1}" height="{L * CELL + 1}"'
        f' fill="none" stroke="{INK}" stroke-opacity="0.3"/>'
    )
    above = [written(label, x + m * CELL + 10, top - 5, "rotate") for m, label in enumerate(labels)]
    beside = [written(label, x - 6, top + l * CELL + 11, "end") for l, label in enumerate(labels)]
    name = written(f"head {h}", x + M * CELL / 2, y + 12, "middle")
    return "".join((frame, *cells, *above, *(beside if h % ACROSS == 0 else ()), name))


def written(text: str, x: float, y: float, how: str) -> str:
    """Letters in a picture, which end at a place, stand about it, or rise from it."""
    turned = f' transform="rotate(-55 {x} {y})"' if how == "rotate" else f' text-anchor="{how}"'
    return f'<text x="{x}" y="{y}"{turned}>{escape(text)}</text>'


def svg(width: float, height: float, title: str, drawn: Iterable[str]) -> str:
    """A picture on paper of its own: a notebook may be light or dark."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img"'
        f' viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10" fill="{INK}">'
        f"<title>{escape(title)}</title>"
        f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(drawn)}</svg>'
    )


# --- in words -------------------------------------------------------------------------------------


def number_made(made: Explanation) -> dict[str, str]:
    """A number: its formula with the values in it, and its largest operands."""
    place = f"{made.name}[{', '.join(map(str, made.index))}]"
    groups = "".join(
        f"<tr><td>{escape(group.role)}</td><td><code>{escape(group.name or 'constant')}</code></td>"
        f"<td>{escape(some_numbers(group.values_N))}</td></tr>"
        for group in made.groups
    )
    return {
        "text/html": f"<b>{escape(made.title)}</b> <code>{escape(place)}</code> ="
        f" {number(made.value)}<br>{escape(made.story)}<br><code>{escape(made.formula)}</code>"
        f"<table>{groups}</table>"
    }


def some_numbers(values_N) -> str:
    """A few numbers, and how many more there are."""
    found = ", ".join(number(value) for value in values_N[:OPERANDS])
    more = len(values_N) - OPERANDS
    return f"{found} and {more:,} more" if more > 0 else found


def run_in_short(view: View) -> str:
    """A run: its model and text, what comes out, and its steps by where they stand."""
    config = view.config
    layers = " and ".join(counted(config.layers(side), f"{side} layer") for side in config.sides)
    sizes = f"{layers}, {counted(config.n_heads, 'head')}, {config.d_model} dimensions"
    texts = "".join(tokens_in_short(view, side) for side in config.sides)
    return (
        f"<b>{escape(view.title)}</b>: {sizes}{texts}{guess_in_short(view)}{steps_in_short(view)}"
        "<small><code>trace.river(…)</code>, <code>trace.heads(…)</code> and"
        " <code>trace.explain(…)</code> show it; <code>trace[name]</code> is an array.</small>"
    )


def tokens_in_short(view: View, side: str) -> str:
    """The tokens of a side."""
    style = "border:1px solid #8888;border-radius:4px;padding:0 4px;margin:1px"
    found = " ".join(
        f'<span style="{style}">{escape(token)}</span>' for token in view.tokens(side)[:200]
    )
    title = f"<small>{side}</small> " if view.config.crosses else ""
    return f"<div>{title}{found}</div>"


def guess_in_short(view: View) -> str:
    """The likeliest next words, of a model that has some."""
    if "head.probs" not in view.trace.names:
        return ""
    best = zip(*next_tokens(view.trace, WORDS), strict=True)
    words = ", ".join(f"<b>{escape(view.word(i))}</b> {percent(share)}" for i, share in best)
    return f"<div>After “{escape(view.tokens(view.config.sides[-1])[-1])}”: {words}</div>"


def steps_in_short(view: View) -> str:
    """All steps, folded."""
    trace = view.trace
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{trace.axes(name)}</td>"
        f"<td>{' × '.join(map(str, trace.shape(name)))}</td></tr>"
        for name in trace.names
    )
    head = "<tr><th>step</th><th>axes</th><th>shape</th></tr>"
    return (
        f"<details><summary>{counted(len(trace), 'step')}</summary><table>{head}{rows}</table>"
        "</details>"
    )
