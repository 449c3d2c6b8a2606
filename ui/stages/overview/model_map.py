"""The map of the whole model on the overview: a click on a part of it leads to the page about that
part. Below it stands what the chosen depth says, and a link to each page.
"""

from __future__ import annotations

import re

import numpy as np
import streamlit as st

from core.decoding import next_tokens
from core.steps import about
from core.text import counted, number, percent
from ui.kit.components import overview_canvas
from ui.kit.explanation_panel import open_number, parse_cell
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, largest
from ui.session.actions import close_number
from ui.session.address import query_params
from ui.session.navigation import (
    ADD_AND_NORM,
    ATTENTION,
    CROSS_ATTENTION,
    ENCODER_AND_DECODER,
    FEED_FORWARD,
    HEADS,
    LAYERS,
    OUTPUT,
    PAGES,
    POSITIONS,
    TOKENS,
    Page,
    go,
)
from ui.session.selection import depth, opened_cell, select
from ui.session.view import View, is_word
from ui.stages.overview.picture import drawn_at, drawn_cell, picture, sized
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
    (r"\.cross\.(v|z|z/all|out)$", CROSS_ATTENTION, {"stage": 4}),
    (r"\.attn\.q$", ATTENTION, {"stage": 0}),
    (r"\.attn\.k$", ATTENTION, {"stage": 1}),
    (r"\.attn\.pattern$", ATTENTION, {"stage": 3}),
    (r"\.attn\.(v|z)$", ATTENTION, {"stage": 4}),
    (r"\.attn\.(z/all|out)$", HEADS, {}),
    (r"\.mask$", ENCODER_AND_DECODER, {}),
    (r"\.mlp\.(pre|hidden|hidden\.gate|hidden\.up|out)$", FEED_FORWARD, {}),
    (r"\.(attn|cross|mlp)\.(in|sum|norm\.out)$", ADD_AND_NORM, {}),
    ("", OUTPUT, {}),
)

INSTRUCTIONS = (
    "Everything here is computed for your sentence by a real model. On this page **a click on any"
    " part** opens its page, **a click on a token or a layer** chooses it; **rest on a part** to"
    " read its numbers. **Shift and a click** (or a long press) opens a number itself."
)
BELOW = {
    "story": "what it shows, in words",
    "numbers": "the steps of layer {} and their sizes",
    "formula": "the formulas of layer {}",
    "code": "the code of layer {}",
}
CAPTION = (
    "Every cell is a real number of this run: of the dimensions that it stands for, the one"
    " furthest from zero. The wide band is the residual stream, which carries each token’s vector"
    " from left to right; what is added to it flows back at a +."
)


def instructions(view: View) -> None:
    """What can be done with the map; and what the chosen depth says below it, which may lie out of
    sight.
    """
    below = BELOW[depth()].format(view.layer)
    st.markdown(f"{INSTRUCTIONS} [Below the picture](#below): {below}.")


def overview_map(view: View) -> None:
    """The whole model on this sentence, in one picture."""
    drawn, cell = picture(view), opened_cell()
    drawn["opened"] = drawn_at(drawn, *parse_cell(cell)) if cell else None
    overview_canvas(
        drawn,
        key="river",
        on_act=lambda act: follow(view, act),
        on_cell=lambda *cell: open_drawn(drawn, *cell),
    )


def page_for_step(name: str) -> tuple[Page, dict]:
    """The page a part leads to, and what is chosen there."""
    return next(
        (page, chosen) for pattern, page, chosen in PAGES_BY_STEP if re.search(pattern, name)
    )


def follow(view: View, act: str) -> None:
    """A click: a token or a layer is chosen, anything else leads to its page."""
    kind, _, rest = act.partition("/")
    side, _, place = rest.partition("/")
    if kind == "token":
        select_on_side(view, side, token=int(place))
    elif kind == "layer":
        if (side, int(place)) == (view.side, view.layer):
            go(LAYERS)
        select_on_side(view, side, layer=int(place))
    elif kind == "word":
        go(OUTPUT)
    else:
        page, chosen = page_for_step(act)
        go(page, **changes_for_side(view, act.split(".")[0]), **chosen)


def open_drawn(drawn: dict, *cell) -> None:
    """A click with Shift: the number itself opens."""
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


# --- what is said about it ------------------------------------------------------------------------


def map_in_words(view: View) -> None:
    """The map in a few sentences, at the depth that tells stories."""
    if depth() == "story":
        heading_below("In words")
        st.markdown(map_text(view))


def map_text(view: View) -> str:
    """What the map shows, with what this sentence does in it."""
    return (
        f"{plain(view.title)} turns each token into a vector of {view.config.d_model}"
        f" numbers{position_clause(view)}. The vectors run through"
        f" {layers_passed(view.config, view.side)} as a **residual stream**. In each layer the"
        f" tokens look at each other in **attention** ({attention_text(view)}); then the"
        " **feed-forward** network works on each token alone; what both find is **added** (+) to"
        " the stream. " + outcome_text(view)
    )


def position_clause(view: View) -> str:
    """How the vector learns its position, as the end of a sentence."""
    segment = (
        ", and one that says whether it stands in the first or in the second sentence (segment)"
        if f"{view.side}.embed.segment" in view.trace
        else ""
    )
    return {
        "learned": f", to which the vector of its place is added{segment}",
        "sinusoid": ", to which the sine waves of its place are added",
        "rotary": "; its place comes in later, as a turn of q and k (↻)",
        "relative": "; places come in later, as a number for each distance",
    }.get(view.config.positions, "")


def attention_text(view: View) -> str:
    """Where the chosen token looks most."""
    weights_M = view.trace[view.at("attn.pattern")][view.head, view.token]
    best = plain(view.labels[int(weights_M.argmax())])
    return (
        f"“{plain(view.labels[view.token])}” most at “{best}”, {percent(weights_M.max(), 0)} "
        f"in head {view.head}"
    )


def layers_passed(config, side: str) -> str:
    """How many layers the stream passes."""
    count = config.layers(side)
    return counted(count, "layer") + (f" of the {side}" if config.crosses else "")


def outcome_text(view: View) -> str:
    """What comes out, in a sentence."""
    if view.config.decoder_layers and view.config.head:
        return next_word_text(view)
    side = view.config.sides[-1]
    similar_L = view.trace[f"{side}.{view.config.layers(side) - 1}.out.similarity"]
    words = [i for i, token in enumerate(view.tokens(side)) if is_word(token)] or range(
        len(similar_L)
    )
    most = min(words, key=lambda i: similar_L[i])
    return (
        "Out come vectors that know their context: of the words,"
        f" “{plain(view.tokens(side)[most])}” ends furthest from where it began (cosine"
        f" {number(float(similar_L[most]), 2)}).{pooled_text(view)}{guess_text(view)}"
    )


def next_word_text(view: View) -> str:
    """Which word a decoder expects next."""
    (best, *_), (share, *_) = next_tokens(view.trace, 1)
    if not np.isfinite(share):
        return (
            "In this run the numbers overflowed, they no longer fit into 32 bits: no"
            " probabilities come out."
        )
    return (
        "From the last token’s vector come the probabilities of the next word:"
        f" “{plain(view.word(int(best)))}” is the likeliest, at {percent(share, 0)}."
    )


def guess_text(view: View) -> str:
    """What an encoder that guesses hidden words would put in the place of the chosen token."""
    if not view.config.head or view.token not in view.trace.rows:
        return ""
    row = int(np.flatnonzero(view.trace.rows == view.token)[0])
    (best, *_), (share, *_) = next_tokens(view.trace, 1, row)
    if not np.isfinite(share):
        return ""
    token, guess = plain(view.labels[view.token]), plain(view.word(int(best)))
    sees = (
        ""
        if token == "[MASK]"
        else " It sees the word itself: type [MASK] in its place to hide it."
    )
    return (
        f" In the place of “{token}” the model would put “{guess}”, at {percent(share, 0)}.{sees}"
    )


def pooled_text(view: View) -> str:
    """Which vector stands for the whole sentence."""
    mean = " Their mean is one vector for the whole sentence"
    if view.model.name == "minilm":
        return (
            f"{mean}, the one that this model was trained to give; its pooler is left over from"
            " BERT and not used."
        )
    return f"{mean}." + (
        " The pooler makes another from the first token’s." if view.config.pooler else ""
    )


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
        for leaf in ("out", "sum", "norm.out")
    }
    wanted |= dict.fromkeys(("mlp.pre", "mlp.hidden", "out"), (token, ALL))
    return [
        largest(view, view.at(leaf), *wanted[leaf])
        for name in view.trace.names
        if name.startswith(view.at("")) and (leaf := name.removeprefix(view.at(""))) in wanted
    ]


def page_links() -> None:
    """Links to all pages, in the order in which they are read."""
    st.subheader("Where to go next")
    with st.container(gap="xxsmall", key="road"):
        address = query_params(cell=None)
        for page in PAGES[1:]:
            st.page_link(page.path, label=f"**{page.title}** · {page.about}", query_params=address)
