"""How far each token's vector moved, layer by layer, and what changed first and most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core import why
from core.influence import moved
from core.step_ref import ref_of
from core.steps import about
from core.text import percent
from core.why.differences import Differences
from ui.kit.charts import clickable_map
from ui.kit.explanation_panel import place_words
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import render_depth
from ui.kit.theme import COLOURS
from ui.kit.token_words import bold_apart
from ui.session.runs import limited
from ui.session.selection import select
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.stages.laboratory.runs import Runs, open_of, opened_of
from ui.text import plain


@dataclass(frozen=True, eq=False)
class Found:
    """What became of all vectors of a side: shares, ‖x′ − x‖ / ‖x‖; first and most of the run."""

    shares_NL: np.ndarray
    differences: Differences

    @property
    def nbytes(self) -> int:
        """The bytes of the shares."""
        return self.shares_NL.nbytes


def found_of(both: Runs) -> Found:
    """Both runs laid side by side; all visitors share it."""
    before, after = (view.request for view in both.views)
    side = both.after.side

    def measure() -> Found:
        with limited(key):
            return measured(both)

    key = "moved", before, after, side
    return SHELF.get(key, measure)


def measured(both: Runs) -> Found:
    """The same, measured now."""
    before, after = (view.trace for view in both.views)
    side = both.after.side
    names = [f"{side}.{layer}.out" for layer in range(both.after.config.layers(side))]
    shares_NL = np.stack([moved(before[name], after[name]) for name in names])
    return Found(shares_NL.astype(np.float32), why.first_and_most(before, after))


def draw(both: Runs) -> None:
    """The map and its sentence, where there is a change and the tokens are the same."""
    if not both.changed:
        st.markdown(
            "Nothing is changed yet, so both sides are equal. Pick a change above and press"
            " **Add**: the model runs again, and all pages show that run."
        )
        return
    if not both.same_text:
        st.info(
            "The tokens of this run stand elsewhere than in your text, so their vectors can’t be"
            " laid side by side. The guesses above can."
        )
        return
    found = found_of(both)
    if not np.isfinite(found.shares_NL).all():
        st.warning("In this run the numbers overflowed: no distance can be given for them.")
        return
    render_depth(both.after, sentence(both, found.differences), *filter(None, [first_cell(both)]))
    draw_map(both, found)


def sentence(both: Runs, found: Differences) -> str:
    """What changed first, and what most."""
    if found.first is None:
        return "Not a single number is another: this change leaves this run as it was."
    first = f"**First** to change: {step_words(both.after, found.first.name, found.first.index)}."
    if found.vector is None:
        return f"{first} No layer hands on another vector."
    ref, place = ref_of(found.vector.name), found.vector.index[0]
    token = bold_apart(both.after.tokens(ref.side), place)
    across = f"the {ref.side}’s " if both.after.config.crosses else ""
    return (
        f"{first} **Most**: the vector of {token} moves by {percent(found.vector.share)} of its"
        f" length after {across}layer {ref.layer}."
    )


def step_words(view: View, name: str, index: tuple[int, ...]) -> str:
    """A number in words: what it is, its layer, and where it stands."""
    ref = ref_of(name)
    places = place_words(view, name, index, roles=False)
    layer = [f"layer {ref.layer}"] if ref.layer is not None else []
    title = about(view.trace, name).title
    return f"{plain(title[:1].lower() + title[1:])} ({plain(', '.join([*layer, *places]))})"


def draw_map(both: Runs, found: Found) -> None:
    """Layers × tokens; a click opens the number that moved most in that vector."""
    view, shares_NL = both.after, found.shares_NL
    clickable_map(
        "lab:moved",
        HeatmapSpec(
            shares_NL,
            [str(n) for n in range(len(shares_NL))],
            view.names,
            title="How far each token’s vector moved, as a share of its length",
            rows_title="layer",
            columns_title=f"token of the {view.side}" if view.config.crosses else "token",
            kind="weight",
            chosen=(view.layer, view.token),
            opened=opened_vector(both),
            colour=COLOURS["residual"],
        ),
        lambda layer, token: open_vector(both, layer, token),
    )


def opened_vector(both: Runs) -> tuple[int, int] | None:
    """The vector in which the opened number stands."""
    for layer in range(both.after.config.layers(both.after.side)):
        for side in (0, 1):
            if cell := opened_of(side, f"{both.after.side}.{layer}.out"):
                return layer, cell[0]
    return None


def open_vector(both: Runs, layer: int, token: int) -> None:
    """Looks at that layer and token, and opens the number of it that moved most, after."""
    name = f"{both.after.side}.{layer}.out"
    select(layer=layer, token=token)
    open_of(1, name, (token, most_moved(both, name, token)))


def most_moved(both: Runs, name: str, token: int) -> int:
    """The dimension of a vector in which both runs differ most."""
    before_D, after_D = (view.trace[name][token].astype(np.float64) for view in both.views)
    return int(np.abs(after_D - before_D).argmax())


def first_cell(both: Runs) -> tuple[str, tuple[int, ...]] | None:
    """The number that is explained first where there is no guess: one of the chosen token's last
    vector.
    """
    view = both.after
    name = f"{view.side}.{view.layer}.out"
    same = both.changed and both.same_text
    return name, (view.token, most_moved(both, name, view.token) if same else 0)
