"""The map of the whole model on the overview: a click on a part of it leads to the page about that
part. Below it stands what the chosen depth says, and a link to each page.
"""

from __future__ import annotations

import re

import streamlit as st

from core.steps import about
from ui.kit.components import overview_canvas
from ui.kit.explanation_panel import open_number, parse_cell
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, largest
from ui.kit.token_words import SPECIAL_TOKENS
from ui.session.actions import close_number
from ui.session.navigation import (
    ADD_AND_NORM,
    ATTENTION,
    CROSS_ATTENTION,
    ENCODER_AND_DECODER,
    FEED_FORWARD,
    HEADS,
    LAYERS,
    OUTPUT,
    POSITIONS,
    TOKENS,
    Page,
    go,
)
from ui.session.opening import silenced_of
from ui.session.runs import trace_of
from ui.session.selection import depth, opened_cell, select
from ui.session.view import View
from ui.stages.overview.experiments import compared_with, experiments, follow_experiment
from ui.stages.overview.headline import captions, headline, is_silent
from ui.stages.overview.picture import drawn_at, drawn_cell, guessed_at, guesses, picture, sized
from ui.text import plain

# Which page a part leads to, by the end of its name: the first that fits. Stages are those of the
# Attention page.
PAGES_BY_STEP: tuple[tuple[str, Page, dict], ...] = (
    (r"\.embed\.(token|segment)$", TOKENS, {}),
    (r"(embed|encoder|decoder)\.norm\.", ADD_AND_NORM, {}),
    (r"\.embed\.|\.relative$", POSITIONS, {}),
    (r"\.cross\.q$", CROSS_ATTENTION, {"stage": 0}),
    (r"\.cross\.k$", CROSS_ATTENTION, {"stage": 1}),
    (r"\.cross\.pattern$", CROSS_ATTENTION, {"stage": 3}),
    (r"\.cross\.(v|z|out)$", CROSS_ATTENTION, {"stage": 4}),
    (r"\.attn\.q$", ATTENTION, {"stage": 0}),
    (r"\.attn\.k$", ATTENTION, {"stage": 1}),
    (r"\.attn\.pattern$", ATTENTION, {"stage": 3}),
    (r"\.attn\.(v|z)$", ATTENTION, {"stage": 4}),
    (r"\.attn\.out$|^heads$", HEADS, {}),
    (r"\.mask$", ENCODER_AND_DECODER, {}),
    (r"\.mlp\.(pre|hidden|hidden\.gate|hidden\.up|out)$", FEED_FORWARD, {}),
    (r"\.(attn|cross|mlp)\.(sum|norm\.out)$", ADD_AND_NORM, {}),
    ("", OUTPUT, {}),
)


def overview_map(view: View) -> None:
    """The whole model on this sentence, in one picture."""
    drawn, cell = whole_picture(view), opened_cell()
    drawn["opened"] = drawn_at(drawn, *parse_cell(cell)) if cell else None
    overview_canvas(
        drawn,
        key="river",
        on_act=lambda act: follow(view, act),
        on_cell=lambda *cell: open_drawn(drawn, *cell),
    )


def whole_picture(view: View) -> dict:
    """The picture, with its question, its captions, and what can be tried."""
    other, silenced = compared_with(view), silenced_of(view.request) if is_last(view) else None
    before = trace_of(other) if other else None
    decision = silenced.decision if silenced else None
    shown = {token for side in view.config.sides for token in view.tokens(side)}
    pair = (decision.first, decision.second) if decision else ()
    drawn = picture(view, before, pair, decision.without_V if decision else None)
    return drawn | {
        "headline": headline(view, before, silenced),
        "captions": captions(view),
        "experiments": experiments(view),
        "silent": is_silent(view),
        "run": list(view.request),
        "note": note(drawn),
        "meanings": {token: SPECIAL_TOKENS[token] for token in shown if token in SPECIAL_TOKENS},
    }


def note(drawn: dict) -> str:
    """What a stripe is."""
    most = max(strip["block"] for strip in drawn["strips"].values())
    if most == 1:
        return "A stripe is a number. Click to open one."
    return f"Each stripe shows one number of a block of up to {most}. Click to open it."


def is_last(view: View) -> bool:
    """Whether what comes after the last token is shown."""
    return guesses(view) and guessed_at(view) == int(view.trace.rows[-1])


def page_for_step(name: str) -> tuple[Page, dict]:
    """The page a part leads to, and what is chosen there."""
    return next(
        (page, chosen) for pattern, page, chosen in PAGES_BY_STEP if re.search(pattern, name)
    )


def follow(view: View, act: str) -> None:
    """A click: a token or a layer is chosen, an experiment made; anything else leads to its
    page.
    """
    kind, _, rest = act.partition("/")
    side, _, place = rest.partition("/")
    if kind == "token":
        select_on_side(view, side, token=int(place))
    elif kind == "layer":
        if (side, int(place)) == (view.side, view.layer):
            go(LAYERS)
        select_on_side(view, side, layer=int(place))
    elif kind == "try":
        follow_experiment(view, rest)
    elif kind == "word":
        go(OUTPUT)
    else:
        page, chosen = page_for_step(act)
        go(page, **changes_for_side(view, act.split(".")[0]), **chosen)


def open_drawn(drawn: dict, *cell) -> None:
    """A click on a number opens it."""
    if found := drawn_cell(drawn, *cell):
        open_number(*found)


def changes_for_side(view: View, side: str) -> dict:
    """What must be chosen anew where a part of the other side was clicked."""
    if side not in view.config.sides or side == view.side:
        return {}
    return {"side": side, "token": None, "layer": min(view.layer, view.config.layers(side) - 1)}


def select_on_side(view: View, side: str, **chosen: int) -> None:
    """Another token or layer, perhaps of the other side."""
    select(**changes_for_side(view, side) | chosen)
    close_number()


# --- below it ------------------------------------------------------------------------------------


def depth_details(view: View) -> None:
    """Below the map, as the depth asks: a table of the opened layer's steps, their formulas, or the
    lines of code.
    """
    if depth() == "story":
        return
    heading_below(
        f"The {({'numbers': 'steps', 'formula': 'formulas', 'code': 'code'})[depth()]} of layer"
        f" {view.layer}, in order"
    )
    if depth() == "numbers":
        st.markdown(steps_table(view))
    else:
        render_depth(view, "", *main_cells(view))


def heading_below(words: str) -> None:
    """A heading to which the link above the map leads."""
    st.subheader(words, anchor="below")


def steps_table(view: View) -> str:
    """The opened layer's steps in order, with their axes and sizes, as a table in Markdown."""
    trace, start = view.trace, view.at("")
    rows = [
        f"| {plain(about(trace, name).title)} · `{name}` | {plain(sized(trace, name))}"
        f" ({' × '.join(trace.axes(name))}) |"
        for name in trace.names
        if name.startswith(start)
    ]
    return "\n".join(["| Step | Size (axes) |", "|---|---|", *rows])


def main_cells(view: View) -> list[tuple[str, tuple[int, ...]]]:
    """One number of each main step of the opened layer, of the chosen token, in the order in which
    they were computed.
    """
    head, token = view.head, view.token
    wanted = {f"attn.{leaf}": (head, token, ALL) for leaf in ("q", "scores.scaled", "pattern", "z")}
    wanted |= {f"attn.{leaf}": (view.key_head, token, ALL) for leaf in ("k", "v")}
    wanted |= {
        f"{part}.{leaf}": (token, ALL)
        for part in ("attn", "mlp")
        for leaf in ("out", "sum", "norm.out", "out.norm.out")
    }
    wanted |= dict.fromkeys(("mlp.pre", "mlp.hidden", "out"), (token, ALL))
    return [
        largest(view, view.at(leaf), *wanted[leaf])
        for name in view.trace.names
        if name.startswith(view.at("")) and (leaf := name.removeprefix(view.at(""))) in wanted
    ]
