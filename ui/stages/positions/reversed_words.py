"""What if the words change places? The same model with and without positions, on the sentence as
typed and turned round.
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
from ui.kit.section import section
from ui.kit.theme import COLOURS
from ui.session.actions import close_number, show_run
from ui.session.view import View
from ui.text import bold, plain

LEFT_OUT = (
    "positions",
    "order",
    "pad",
    "open-pad",
)  # of a what-if that is already on: this comparison has its own


@dataclass(frozen=True)
class Pair:
    """One model, run on the sentence as typed and on its words in reverse order."""

    typed: View
    turned: View
    places: np.ndarray  # where each token of the second stood in the first

    @property
    def step(self) -> str:
        return self.typed.at("attn.pattern")

    @property
    def patterns(self) -> tuple[np.ndarray, np.ndarray]:
        """The chosen head's weights in both runs; the second put back in order."""
        a_LM, b_LM = (view.trace[self.step][view.head] for view in (self.typed, self.turned))
        return a_LM, put_back(b_LM, self.places)

    def cell(self, back: bool, row: int, column: int) -> tuple[int, int, int]:
        """A cell of the second run's map as its step counts it: the map has it put back, or as it
        came.
        """
        where = np.argsort(self.places)
        return (
            (self.turned.head, int(where[row]), int(where[column]))
            if back
            else (self.turned.head, row, column)
        )


def pair(view: View, positions: bool) -> Pair:
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
    typed, turned = (
        beside(there, view.request._replace(mask=mask, change=change))
        for change in (kept, whatif.also(kept, "order"))
    )
    places = whatif.order(typed.trace.words_L or [0] * len(typed.labels))
    token = min(typed.token, len(places) - 1)  # in a run with padding it may stand behind the text
    token = int(places[token]) if "order" in whatif.parts(view.request.change) else token
    return Pair(replace(typed, token=token), turned, places)


def without_positions(view: View) -> None:
    """Both runs side by side, and the largest difference, with positions and without."""
    pairs = {"left out": pair(view, False), "kept": pair(view, True)}
    story(view, pairs)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kept = st.segmented_control(
            "Positions",
            list(pairs),
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
    shown = pairs[kept]
    limit = max(float(pattern.max()) for pattern in shown.patterns)
    mask = "" if shown.typed.request.mask == "trained" else ", every token sees all"
    left, right = st.columns(2, gap="large")
    with left:
        pattern_of(
            view, shown, shown.typed, False, f"Positions {kept}, words as typed{mask}", limit
        )
    with right:
        order = ", put back in order" if back else ""
        pattern_of(
            view, shown, shown.turned, back, f"Positions {kept}, words reversed{order}{mask}", limit
        )
    gaps(view, pairs)
    if "positions" not in whatif.parts(view.request.change):
        st.button(
            "Show the whole app without positions",
            key="places_without",
            on_click=show_run,
            args=(view.request._replace(change=whatif.also(view.request.change, "positions")),),
        )


def story(view: View, pairs: dict[str, Pair]) -> None:
    """What the two runs show, with their numbers."""
    sizes = {name: gap_of(each)[0] for name, each in pairs.items()}
    shown = pairs["left out"].typed
    mask = (
        ""
        if view.config.sides[0] == "encoder" and view.mask == "trained"
        else (
            " (For this, every token sees all: where a mask hides some from others, it still tells"
            " the order.)"
        )
    )
    side = (
        " These are the weights of the encoder, which reads the sentence."
        if view.config.crosses
        else ""
    )
    heading = f"Without positions: layer {shown.layer}, head {shown.head}"
    rounding = ", the rounding of the arithmetic" if sizes["left out"] < 1e-4 else ""
    first = pairs["left out"].step, (shown.head, *gap_of(pairs["left out"])[1])
    section(
        view,
        heading,
        "Take the positions away, and turn the words of your sentence round. Every word now finds"
        " the same words with the same strength as before, wherever they have gone: the rows and"
        " columns of the attention matrix only **change places** with the words. Put back in"
        f" order, the two matrices differ by no more than {number(sizes['left out'])}{rounding}."
        f" With positions kept, the largest difference is {number(sizes['kept'])}.{mask}{side}",
        first,
    )


def gap_of(each: Pair) -> tuple[float, tuple[int, int]]:
    """The largest difference between the two runs of a pair, and its cell."""
    a_LM, b_LM = each.patterns
    at = largest_gap(a_LM, b_LM)
    return abs(float(a_LM[at]) - float(b_LM[at])), at


def pattern_of(view: View, shown: Pair, run: View, back: bool, title: str, limit: float) -> None:
    """The chosen head's weights in one of the two runs; a click opens the number in that run."""
    values_LM = shown.patterns[1] if back else run.trace[shown.step][run.head]
    words = shown.typed.labels if back else run.labels
    where = np.argsort(shown.places) if run is shown.turned else np.arange(len(words))
    row = shown.typed.token if back or run is shown.typed else int(where[shown.typed.token])
    opened = opened_in(shown.step) if same_run(view, run) else None

    def clicked(row: int, column: int) -> None:
        show_run(run.request)
        open_number(
            shown.step,
            shown.cell(back, row, column) if run is shown.turned else (run.head, row, column),
        )

    marked = (
        None
        if not opened or opened[0] != run.head
        else tuple(int(shown.places[i]) if back else i for i in opened[1:])
    )
    clickable_map(
        f"places-order:{run.request.change}:{back}",
        HeatmapSpec(
            values_LM,
            words,
            words,
            title=title,
            kind="weight",
            limit=limit,
            rows_title="token that looks",
            columns_title="token that is looked at",
            chosen=row,
            opened=marked,
            colour=COLOURS["weight"],
        ),
        clicked,
    )


def same_run(view: View, run: View) -> bool:
    """Whether this is the run that the page shows, so that its numbers open here."""
    return (view.request.mask, set(view.request.change.split("+"))) == (
        run.request.mask,
        set(run.request.change.split("+")),
    )


def gaps(view: View, pairs: dict[str, Pair]) -> None:
    """The largest difference with positions and without, and the two weights it lies between; these
    open.
    """
    found = {name: (each, *gap_of(each)) for name, each in pairs.items()}
    weights = {
        name: [float(pattern[at]) for pattern in each.patterns]
        for name, (each, _, at) in found.items()
    }

    def clicked(row: int, column: int) -> None:
        if row < len(found):
            each, _, at = list(found.values())[row]
            run = each.turned if column else each.typed
            show_run(run.request)
            open_number(each.step, each.cell(True, *at) if column else (run.head, *at))

    table(
        {
            "as typed": [weights[name][0] for name in found],
            "reversed": [weights[name][1] for name in found],
            "difference": [size for _, size, _ in found.values()],
        },
        [f"positions {name}" for name in found],
        key="places-gaps",
        corner="",
        title="The largest difference in this head, once the rows and columns are back in order",
        on_cell=clicked,
    )
    words = [
        f"positions {plain(name)}, {bold(each.typed.labels[at[0]])} ({at[0]}) → "
        f"{bold(each.typed.labels[at[1]])} ({at[1]})"
        for name, (each, _, at) in found.items()
    ]
    st.caption("Where it lies: " + "; ".join(words) + ".")
