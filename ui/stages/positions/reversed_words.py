"""What if the words change places? The same model with positions and without, on the sentence as
typed and on its words in reverse order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core import whatif
from core.steps.positions import largest_gap, put_back
from core.text import number
from ui.kit.charts import clickable_map
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.runs import beside
from ui.kit.section import render_depth
from ui.kit.theme import COLOURS
from ui.session.actions import close_number, show_run
from ui.session.view import View
from ui.text import bold, plain

# Left out of a what-if that is already on: this comparison has its own
LEFT_OUT = ("positions", "order", "pad", "open-pad")


@dataclass(frozen=True)
class OrderRuns:
    """One model, run on the sentence as typed and on its words in reverse order."""

    typed: View
    reversed: View
    places: np.ndarray  # where each token of the second stood in the first

    @property
    def step(self) -> str:
        return self.typed.at("attn.pattern")

    @property
    def patterns(self) -> tuple[np.ndarray, np.ndarray]:
        """The chosen head's weights in both runs; the second put back in order."""
        a_LM, b_LM = (view.trace[self.step][view.head] for view in (self.typed, self.reversed))
        return a_LM, put_back(b_LM, self.places)

    def cell(self, back: bool, row: int, column: int) -> tuple[int, int, int]:
        """A cell of the second run's map as its step counts it: the map has it put back, or as it
        came.
        """
        where = np.argsort(self.places)
        return (
            (self.reversed.head, int(where[row]), int(where[column]))
            if back
            else (self.reversed.head, row, column)
        )


def runs_of(view: View, positions: bool) -> OrderRuns:
    """The two runs. Every token sees all: under a decoder's mask the order would still be told by
    who is hidden.
    """
    kept = whatif.also(
        whatif.without(view.request.change, *LEFT_OUT), "" if positions else "positions"
    )
    mask = "trained" if view.config.sides[0] == "encoder" else "encoder"
    side = view.config.sides[0]  # of two stacks the one that reads the sentence
    layer = min(view.layer, view.config.layers(side) - 1)
    there = view if view.side == side else replace(view, side=side, layer=layer, token=0)
    typed, reversed_ = (
        beside(there, view.request._replace(mask=mask, change=change))
        for change in (kept, whatif.also(kept, "order"))
    )
    places = whatif.order(typed.trace.words_L or [0] * len(typed.labels))
    token = min(typed.token, len(places) - 1)  # in a run with padding it may stand behind the text
    token = int(places[token]) if "order" in whatif.kinds(view.request.change) else token
    return OrderRuns(replace(typed, token=token), reversed_, places)


def without_positions(view: View) -> None:
    """Both runs side by side, and the largest difference, with positions and without."""
    pairs = {"left out": runs_of(view, False), "kept": runs_of(view, True)}
    without = pairs["left out"]
    cell = without.step, (without.typed.head, *gap_of(without)[1])
    render_depth(view, order_text(view, pairs), cell)
    kept, back = order_controls(list(pairs))
    show_patterns(view, pairs[kept], kept, back)
    gaps(pairs)
    if "positions" not in whatif.kinds(view.request.change):
        st.button(
            "Show the whole app without positions",
            key="places_without",
            on_click=show_run,
            args=(view.request._replace(change=whatif.also(view.request.change, "positions")),),
        )


def order_controls(names: list[str]) -> tuple[str, bool]:
    """Which two runs are drawn, and whether the second is put back in order."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kept = st.segmented_control(
            "Positions",
            names,
            required=True,
            key="places_kept",
            format_func=str.capitalize,
            persist_state="session",
            on_change=close_number,
        )
        back = st.toggle(
            "Put rows and columns back in order",
            key="places_back",
            persist_state="session",
            on_change=close_number,
        )
    return kept, back


def order_text(view: View, pairs: dict[str, OrderRuns]) -> str:
    """What the two runs show, with their numbers."""
    sizes = {name: gap_of(each)[0] for name, each in pairs.items()}
    mask = (
        ""
        if view.config.sides[0] == "encoder" and view.mask == "trained"
        else " (Here every token sees all: a mask that hides some would still tell the order.)"
    )
    side = (
        " These are the weights of the encoder, which reads the sentence."
        if view.config.crosses
        else ""
    )
    rounding = ", which is rounding" if 0 < sizes["left out"] < 1e-4 else ""
    typed = pairs["left out"].typed
    return (
        "Leave positions out and reverse the words. Each word still finds the same words with the"
        f" same strength: in layer {typed.layer}, head {typed.head}, the rows and columns of the"
        " attention map only **change places**. Put back in order, the two maps differ by at most"
        f" {number(sizes['left out'], 2)}{rounding}. With positions kept, they differ by up to"
        f" {number(sizes['kept'], 2)}.{mask}{side}"
    )


def show_patterns(view: View, shown: OrderRuns, kept: str, back: bool) -> None:
    """The chosen head's weights in both runs, side by side and on one scale."""
    limit = max(float(pattern.max()) for pattern in shown.patterns)
    mask = "" if shown.typed.request.mask == "trained" else ", every token sees all"
    order = ", put back in order" if back else ""
    left, right = st.columns(2, gap="large")
    with left:
        title = f"Positions {kept}, words as typed{mask}"
        show_pattern(view, shown, shown.typed, False, title, limit)
    with right:
        title = f"Positions {kept}, words reversed{order}{mask}"
        show_pattern(view, shown, shown.reversed, back, title, limit)


def gap_of(each: OrderRuns) -> tuple[float, tuple[int, int]]:
    """The largest difference between the two runs of a pair, and its cell."""
    a_LM, b_LM = each.patterns
    index = largest_gap(a_LM, b_LM)
    return abs(float(a_LM[index]) - float(b_LM[index])), index


def show_pattern(
    view: View, shown: OrderRuns, run: View, back: bool, title: str, limit: float
) -> None:
    """The chosen head's weights in one of the two runs; a click opens the number in that run."""
    words = shown.typed.names if back else run.names
    where = np.argsort(shown.places) if run is shown.reversed else np.arange(len(words))

    def clicked(row: int, column: int) -> None:
        show_run(run.request)
        open_number(
            shown.step,
            shown.cell(back, row, column) if run is shown.reversed else (run.head, row, column),
        )

    in_order = back or run is shown.typed
    spec = HeatmapSpec(
        shown.patterns[1] if back else run.trace[shown.step][run.head],
        words,
        words,
        title=title,
        kind="weight",
        limit=limit,
        rows_title="token that looks",
        columns_title="token that is looked at",
        chosen=shown.typed.token if in_order else int(where[shown.typed.token]),
        opened=opened_place(view, shown, run, back),
        colour=COLOURS["weight"],
    )
    clickable_map(f"places-order:{run.request.change}:{back}", spec, clicked)


def opened_place(view: View, shown: OrderRuns, run: View, back: bool) -> tuple[int, ...] | None:
    """Where the opened number stands in one of the two maps."""
    opened = opened_in(shown.step) if same_run(view, run) else None
    if not opened or opened[0] != run.head:
        return None
    return tuple(int(shown.places[i]) if back else i for i in opened[1:])


def same_run(view: View, run: View) -> bool:
    """Whether this is the run that the page shows, so that its numbers open here."""
    return (view.request.mask, set(view.request.change.split("+"))) == (
        run.request.mask,
        set(run.request.change.split("+")),
    )


def gaps(pairs: dict[str, OrderRuns]) -> None:
    """The largest difference with positions and without, and the two weights it lies between; these
    open.
    """
    found = {name: (each, *gap_of(each)) for name, each in pairs.items()}
    weights = {
        name: [float(pattern[index]) for pattern in each.patterns]
        for name, (each, _, index) in found.items()
    }

    def clicked(row: int, column: int) -> None:
        if row < len(found):
            each, _, index = list(found.values())[row]
            run = each.reversed if column else each.typed
            show_run(run.request)
            open_number(each.step, each.cell(True, *index) if column else (run.head, *index))

    table(
        {
            "as typed": [weights[name][0] for name in found],
            "reversed": [weights[name][1] for name in found],
            "difference": [size for _, size, _ in found.values()],
        },
        [f"positions {name}" for name in found],
        key="places-gaps",
        corner="",
        title="The largest difference in this head, with rows and columns back in order",
        on_cell=clicked,
    )
    words = [
        f"positions {plain(name)}, {bold(each.typed.labels[index[0]])} ({index[0]}) → "
        f"{bold(each.typed.labels[index[1]])} ({index[1]})"
        for name, (each, _, index) in found.items()
    ]
    st.caption("Where: " + "; ".join(words) + ".")
