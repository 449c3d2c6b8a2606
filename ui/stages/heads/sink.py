"""The attention sink: what heads leave on the first token, and how short its value is."""

from __future__ import annotations

import numpy as np

from core.text import number, percent
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, cell_bars, cells_table
from ui.kit.token_words import bold_apart
from ui.session.selection import depth
from ui.session.view import View
from ui.stages.heads.roles import STRONG

SHORT = 0.5  # of the other values' usual length


def draw(view: View) -> None:
    """How long the value of each token is; at the depth of numbers also what each head leaves."""
    length, sink = view.at("attn.v.length"), view.at("attn.pattern.sink")
    render_depth(view, sink_text(view), (sink, (view.head,)), (length, (view.key_head, 0)))
    title = f"Length of each token’s value in head {view.head}"
    cell_bars(view, length, view.key_head, ALL, title=title, kind="v")
    if depth() == "numbers":
        columns = {"attention left on the first token": (sink, (ALL,))}
        cells_table(view, columns, key="heads_sink", corner="head", chosen=view.head)


def sink_text(view: View) -> str:
    """What the chosen head leaves on the first token, and how long the value there is."""
    first_M = view.trace[view.at("attn.v.length")][view.key_head]
    if len(first_M) < 2:
        return "With one token there is no attention sink."
    share = view.trace[view.at("attn.pattern.sink")][view.head]
    own, usual = float(first_M[0]), float(np.median(first_M[1:]))
    first = bold_apart(view.labels, 0)
    lengths = f"has length {number(own, 2)}, the others’ about {number(usual, 2)}"
    rests = f"Head {view.head} leaves {percent(share, 0)} of its attention on the first token"
    if share >= STRONG and own < SHORT * usual:
        return (
            f"{rests}, {first}: the **attention sink**. Its value is short: it {lengths}. So that"
            f" share hands over only as much as {percent(share * own / usual, 0)} on another token"
            " would, and the roles leave it out."
        )
    return (
        f"{rests}, {first}; its value {lengths}. The roles leave the first token out, since many"
        " heads put their attention there."
    )
