"""What each head adds to a token: its own update, its share of the whole, and that all of them
together are the update.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.steps.norm import norms_update
from core.text import number, percent
from ui.kit.component_loader import component
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.packed_arrays import packed
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, capped_map, cell_map, largest
from ui.kit.token_words import bold_apart, titled_word
from ui.session import sent
from ui.session.selection import depth
from ui.session.view import View

KEY = "heads_add"
_draw = component("head_shares")


def draw(view: View) -> None:
    """The shares of all heads, of the bias and of all together; at greater depth the updates."""
    step = view.at("attn.heads")
    render_depth(
        view,
        additions_text(view),
        largest(view, step, view.head, view.token, ALL),
        (f"{step}.share", (view.head, view.token)),
    )
    (additions_table if depth() == "numbers" else additions_bars)(view)
    if depth() == "numbers":
        through = ", through the norm" * norms_update(view.config)
        title = f"z · W_O{through}: what each head writes into {titled_word(view)}"
        capped_map(view, step, ALL, view.token, ALL, chosen=view.head, title=title)
        sum_checked(view)


# --- the rows -------------------------------------------------------------------------------------


def rows(view: View) -> list[tuple[str, tuple | None, tuple | None]]:
    """What each row of the picture shows: its name, and the cells of its length and its share. The
    bias has no length of its own here, and all together are the whole.
    """
    step, t = view.at("attn.heads"), view.token
    found = [
        (f"head {h}", (f"{step}.length", (h, t)), (f"{step}.share", (h, t)))
        for h in range(view.config.n_heads)
    ]
    if biased(view):
        found.append(("bias", None, (f"{step}.share.bias", (t,))))
    return [*found, ("together", (view.at("attn.out.length"), (t,)), None)]


def biased(view: View) -> bool:
    """Whether the update has a bias."""
    return bool(view.trace.weights[f"{view.at('attn.out')}.bias"].any())


def value_of(view: View, cell: tuple | None) -> float | None:
    """The number of a cell."""
    return None if cell is None else float(view.trace[cell[0]][cell[1]])


def open_row(view: View, row: int, column: int) -> None:
    """Opens the length (column 0) or the share of a row; of all together, the length."""
    _, length, share = rows(view)[row]
    if cell := (share if column and share else length):
        open_number(*cell)


def opened_row(view: View) -> tuple[int, int] | None:
    """Which of the rows holds the opened number."""
    for row, (_, *cells) in enumerate(rows(view)):
        for column, cell in enumerate(cells):
            if cell and opened_in(cell[0]) == cell[1]:
                return row, column
    return None


def additions_bars(view: View) -> None:
    """A bar for each head's share, with the length of its update."""
    names = [name for name, *_ in rows(view)]
    numbers = [
        (np.nan if length is None else length, 1.0 if share is None else share)
        for _, *cells in rows(view)
        for length, share in [[value_of(view, cell) for cell in cells]]
    ]

    def clicked() -> None:
        if place := sent.place(sent.from_component(KEY, "cell"), (len(names), 2)):
            open_row(view, *place)

    data = packed(numbers) | {
        "rows": names,
        "kinds": [name if name in ("bias", "together") else "head" for name in names],
        "columns": ["", "", "share", "length"],
        "chosen": view.head,
        "opened": opened_row(view),
        "title": f"What each head adds to {titled_word(view)}",
    }
    _draw(key=KEY, data=data, on_cell_change=clicked)


def additions_table(view: View) -> None:
    """The same as a table of numbers."""
    found = rows(view)
    columns = {
        title: [value_of(view, cells[at]) for _, *cells in found]
        for at, title in enumerate(("length", "share"))
    }
    table(
        columns | {"share": [1.0 if each is None else each for each in columns["share"]]},
        [name for name, *_ in found],
        key="table:heads_add",
        bar="share",
        corner="head",
        chosen=view.head,
        opened=opened_row(view),
        on_cell=lambda row, column: open_row(view, row, column),
        title=f"Length of each head’s update of {titled_word(view)}, and its share",
    )


# --- in words -------------------------------------------------------------------------------------


def additions_text(view: View) -> str:
    """How long the whole update is, which head adds most, what the bias adds, and how many heads
    work against the rest.
    """
    share_H = view.trace[view.at("attn.heads.share")][:, view.token]
    length = view.trace[view.at("attn.out.length")][view.token]
    most, against = int(share_H.argmax()), int((share_H < 0).sum())
    bias = value_of(view, (view.at("attn.heads.share.bias"), (view.token,)))
    return (
        f"Of the heads, **head {most} adds most** ({percent(share_H[most], 0)})"
        + (f"; {bias_text(bias)}" if biased(view) else "")
        + f".{working_against(against)} Shares are measured along the whole update of"
        f" {bold_apart(view.labels, view.token)}, whose length is {number(length, 3)}."
    )


def bias_text(share: float) -> str:
    """What the bias adds, or takes away."""
    if share < 0:
        return f"the bias works against them ({percent(share, 0)})"
    return f"the bias adds {percent(share, 0)}"


def working_against(count: int) -> str:
    """How many heads have a share below zero."""
    if not count:
        return ""
    who = "One head works" if count == 1 else f"{count} heads work"
    return f" {who} against the others: {'its' if count == 1 else 'their'} share is below 0."


def sum_checked(view: View) -> None:
    """The heads and the bias, added up, against the update that ran."""
    row = slice(view.token, view.token + 1)
    st.markdown(sum_check_text(view))
    title = "The heads added up" + (", and the bias" if biased(view) else "")
    cell_map(view, view.at("attn.heads.sum"), row, ALL, title=title)
    cell_map(view, view.at("attn.out"), row, ALL, title="The update by attention, as it ran")


def sum_check_text(view: View) -> str:
    """How far the sum of the heads is from the update that ran."""
    summed_D, out_D = (
        view.trace[view.at(f"attn.{leaf}")][view.token] for leaf in ("heads.sum", "out")
    )
    apart = float(np.abs(summed_D.astype(np.float64) - out_D).max())
    return (
        f"**Checked:** the {view.config.n_heads} heads"
        + (" and the bias" if biased(view) else "")
        + ", added up, differ from the update of the forward pass by at most"
        f" **{number(apart)}**" + (", the rounding of 32-bit numbers." if apart else ".")
    )
