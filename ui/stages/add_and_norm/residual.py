"""Add and norm: a token's vector, the update, their sum, and the norm with its numbers."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.operands import WEIGHTS, array_of
from core.planes import principal_plane
from core.steps import about
from core.text import moves, number
from ui.kit import plotly_figures
from ui.kit.charts import clickable_map, show
from ui.kit.component_loader import component
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, cell_map, cells_table, largest
from ui.kit.theme import COLOURS, SUBLAYERS
from ui.kit.token_words import word
from ui.session.actions import close_number
from ui.session.settling import settle
from ui.session.view import View
from ui.text import quoted

NORM_ROWS = 6  # dimensions whose way through the norm is written out
KEY = "addnorm_sublayer"
_draw_ways = component("norm_order")


# --- which sublayer, and where its norm stands ----------------------------------------------------


def sublayer_controls(view: View) -> str:
    """A choice of the sublayers that this side's layers have: a key of SUBLAYERS."""
    names = [name for name in SUBLAYERS if view.at(f"{name}.sum") in view.trace.names]
    settle(KEY, names[0], names)
    return st.segmented_control(
        f"Around which part of layer {view.layer}",
        names,
        key=KEY,
        format_func=SUBLAYERS.get,
        required=True,
        persist_state="session",
        on_change=close_number,
    )


def both_ways(view: View, part: str) -> None:
    """Where the norm stands in this model, and the other way, which other families have."""
    mine, names = view.config.norm_first, {True: "Pre-norm", False: "Post-norm"}
    ways = [
        norm_order(
            first,
            SUBLAYERS[part],
            f"{names[first]}: {'this model' if first == mine else 'the other way'}",
            faint=first != mine,
        )
        for first in (mine, not mine)
    ]
    _draw_ways(key="addnorm_ways", data={"ways": ways})
    if view.config.norm == "none":
        st.caption(
            "In this run the norms are left out: the box “norm” passes everything on as it is."
        )
    elif mine:
        st.markdown(
            "The norm stands **before** the part: only the copy that the part reads is normed. The"
            " line around it, the residual stream, runs on through all layers; they only add to it."
        )
    else:
        st.markdown(
            "The norm stands **after** the sum, as in the first transformer: whatever goes on to"
            " the next part has passed it."
        )


def norm_order(norm_first: bool, name: str, title: str, faint: bool) -> dict:
    """A sublayer, the line around it to the sum, and its norm before the one or after the other."""
    part = (name.split()[0].lower(), "mlp" if name == SUBLAYERS["mlp"] else "weight", 92)
    norm, plus = ("norm", "norm", 52), ("+", "residual", 22)
    boxes = [norm, part, plus] if norm_first else [part, plus, norm]
    order = ", ".join(text for text, *_ in boxes).replace("+", "sum")
    return {
        "title": title,
        "alt": f"{title}. In order: {order}",
        "faint": faint,
        "stream": COLOURS["residual"],
        "boxes": [
            {"text": text, "wide": wide, "colour": COLOURS[kind]} for text, kind, wide in boxes
        ],
    }


# --- before + update = after ----------------------------------------------------------------------


def addition(view: View, part: str, section_number: int) -> tuple[str, tuple[int, ...]]:
    """The vector before, the update, and their sum, as arrows and strips. Returns the cell that is
    explained first.
    """
    t, steps = view.token, [view.at(f"{part}.{leaf}") for leaf in ("in", "out", "sum")]
    lengths = [number(view.trace[f"{step}.length"][t]) for step in steps]
    first = largest(view, steps[-1], t, ALL)
    title = f"{section_number}. Add: the token keeps what it was"
    section(view, title, addition_text(view, part, *lengths), first)
    vectors = [view.trace[step][t] for step in steps]
    if np.isfinite(vectors).all():
        show_sum(view, steps[1], vectors, lengths)
        sum_strips(view, part, steps, limit=float(np.abs(vectors).max()))
    else:
        st.warning(
            f"The vectors of {word(view)} hold no numbers any more: in this run they have"
            " overflowed. There is nothing to draw."
        )
    return first


def addition_text(view: View, part: str, before: str, update: str, after: str) -> str:
    """What is added to the chosen token, with the lengths of vector, update and sum."""
    return (
        f"{word(view)} arrives as a vector of length {before}. {SUBLAYERS[part]} has worked out an"
        f" **update** for it, {update} long, and the two are added, number by number. Nothing is"
        f" overwritten: what {word(view)} was goes into the sum, which is {after} long."
    )


def show_sum(view: View, update: str, vectors: list, lengths: list[str]) -> None:
    """The vector, the update and the sum as arrows in their plane. update: the step of the update,
    whose colour its arrow has.
    """
    arrows = plotly_figures.arrows_sum(
        principal_plane(vectors),
        *vectors,
        view.labels[view.token],
        title="Before + update = after",
        kind=about(view.trace, update).colour,
    )
    before, added, after = lengths
    show(
        "addnorm:arrows",
        arrows,
        alt=f"Before + update = after as arrows, {before}, {added} and {after} long",
    )
    st.caption(
        "When one of three vectors is the sum of the others, they lie in one plane: the picture"
        " leaves nothing out."
    )


def sum_strips(view: View, part: str, steps: list[str], limit: float) -> None:
    """The sum as a strip, after the two strips that make it; on one scale, to be added by eye."""
    label = quoted(view.labels[view.token])
    titles = (
        f"before: the vector of {label}",
        f"+ the update by {SUBLAYERS[part].lower()}",
        f"= after: the vector of {label}",
    )
    shown = list(zip(steps, titles, strict=True))
    for step, title in shown if detailed() else shown[-1:]:
        token_vector_strip(view, step, title, limit=limit)


def token_vector_strip(view: View, step: str, title: str, **options) -> None:
    """The chosen token's vector in a step."""
    cell_map(view, step, slice(view.token, view.token + 1), ALL, title=title, **options)


# --- the norm, with numbers -----------------------------------------------------------------------


def norming(view: View, part: str, section_number: int) -> tuple[str, tuple[int, ...]]:
    """The norm of this part for the chosen token, step by step. Returns the cell that is explained
    first.
    """
    path, title = view.at(f"{part}.norm"), f"{section_number}. Norm: the size kept in bounds"
    first = largest(view, f"{path}.out", view.token, ALL)
    if view.config.norm == "none":
        st.subheader(title)
        st.markdown(f"In this run the norms are left out: {word(view)} passes as it is.")
        return first
    section(view, title, norm_text(view, part), *norm_cells(view, path, first[1]), first)
    cells_table(
        view,
        length_columns(view, part),
        key=f"addnorm:{path}",
        title="Each token is normed by its own numbers",
        chosen=view.token,
    )
    norm_table(view, part)
    if detailed():
        norm_strips(view, path)
    other_norms(view)
    return first


def norm_cells(view: View, path: str, index: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
    """The number at one place in each step of the norm that this run has, but for the last."""
    cells = {"mean": index[:1], "centred": index, "scale": index[:1], "unit": index}
    return [
        (f"{path}.{leaf}", index) for leaf, index in cells.items() if f"{path}.{leaf}" in view.trace
    ]


def length_columns(view: View, part: str) -> dict[str, tuple]:
    """What the norm measures of each token, and the lengths before and after, as columns."""
    path = view.at(f"{part}.norm")
    columns = {
        "mean": f"{path}.mean",
        "deviation" if view.config.norm == "layer" else "root mean square": f"{path}.scale",
        "length before": f"{normed(view, part)}.length",
        "length after": f"{path}.out.length",
    }
    return {name: (step, (ALL,)) for name, step in columns.items() if step in view.trace}


def normed(view: View, part: str) -> str:
    """The step that this part's norm is applied to."""
    return view.at(f"{part}.in" if view.config.norm_first else f"{part}.sum")


def norm_text(view: View, part: str) -> str:
    """What the norm does to the chosen token, in words, with its numbers."""
    path, t, D = view.at(f"{part}.norm"), view.token, view.config.d_model
    scale, before, after = (
        number(view.trace[step][t])
        for step in (f"{path}.scale", f"{normed(view, part)}.length", f"{path}.out.length")
    )
    same = f"Whatever its length was, it is now √{D} ≈ {number(D**0.5)}."
    ends = f"The length of {word(view)} {moves(before, after)}. No other token has a say in it."
    if view.config.norm == "rms":
        return (
            f"This model has a **root-mean-square norm**. The {D} numbers of {word(view)} are"
            f" divided by their root mean square, {scale}. {same} Then each dimension is stretched"
            " by a learned **gain** γ. Unlike a layer norm it takes off no mean and shifts"
            f" nothing. {ends}"
        )
    mean = number(view.trace[f"{path}.mean"][t])
    return (
        f"This model has a **layer norm**. From the {D} numbers of {word(view)} their mean, {mean},"
        f" is taken off, and what is left is divided by its deviation, {scale}. {same} Then each"
        " dimension is stretched by a learned **gain** γ and shifted by a learned **shift** β, the"
        f" same for every token. {ends}"
    )


def steps_of_norm(view: View, part: str) -> dict[str, str]:
    """A title for each step of the norm, and the step or the learned numbers behind it."""
    path = view.at(f"{part}.norm")
    if view.config.norm == "rms":
        return {
            "x": normed(view, part),
            "÷ r.m.s.": f"{path}.unit",
            "gain γ": f"{WEIGHTS}{path}.weight",
            "out": f"{path}.out",
        }
    return {
        "x": normed(view, part),
        "− mean": f"{path}.centred",
        "÷ dev.": f"{path}.unit",
        "gain γ": f"{WEIGHTS}{path}.weight",
        "shift β": f"{WEIGHTS}{path}.bias",
        "out": f"{path}.out",
    }


def norm_table(view: View, part: str) -> None:
    """The dimensions that leave the norm largest, with every number on their way."""
    steps, t = steps_of_norm(view, part), view.token
    size_D = np.abs(view.trace[steps["out"]][t])
    dimensions = np.argsort(-size_D, kind="stable")[:NORM_ROWS].tolist()
    cells = {
        name: [(step, (d,) if step.startswith(WEIGHTS) else (t, d)) for d in dimensions]
        for name, step in steps.items()
    }
    opened = next(
        (
            (row, column)
            for column, ways in enumerate(cells.values())
            for row, (step, index) in enumerate(ways)
            if opened_in(step) == index
        ),
        None,
    )
    table(
        {
            name: [array_of(view.trace, step)[index] for step, index in ways]
            for name, ways in cells.items()
        },
        [str(d) for d in dimensions],
        key=f"addnorm:ladder:{view.at(part)}",
        corner="dim.",
        opened=opened,
        title=(
            f"The {len(dimensions)} dimensions of {quoted(view.labels[t])} that come out "
            "largest, step by step"
        ),
        on_cell=lambda row, column: open_number(*list(cells.values())[column][row]),
    )


def norm_strips(view: View, path: str) -> None:
    """The whole vector at each step of the norm, and the learned numbers, as strips."""
    layer = view.config.norm == "layer"
    if layer:
        token_vector_strip(view, f"{path}.centred", "x − mean")
    token_vector_strip(view, f"{path}.unit", "÷ deviation" if layer else "x ÷ root mean square")
    learned(view, f"{WEIGHTS}{path}.weight", "× gain γ: learned, the same for every token")
    if layer:
        learned(view, f"{WEIGHTS}{path}.bias", "+ shift β: learned, the same for every token")
    token_vector_strip(
        view, f"{path}.out", f"= out of the norm: the vector of {quoted(view.labels[view.token])}"
    )


def learned(view: View, name: str, title: str) -> None:
    """Learned numbers of the norm, one for each dimension; they open, too."""
    weights_D, opened = array_of(view.trace, name), opened_in(name)
    clickable_map(
        f"addnorm:{name}",
        HeatmapSpec(
            weights_D[None],
            [""],
            [str(d) for d in range(len(weights_D))],
            title=title,
            colour=COLOURS["norm"],
            opened=opened and (0, *opened),
        ),
        lambda row, d: open_number(name, (d,)),
    )


def other_norms(view: View) -> None:
    """The norms that stand around no sublayer, with what they make of the chosen token."""
    side, t, last = view.side, view.token, view.config.layers(view.side) - 1
    length = {
        name: number(view.trace[f"{side}.{name}.length"][t])
        for name in ("embed.out", f"{last}.out", "out")
    }
    texts = [
        (
            f"One more norm stands behind the embeddings: {word(view)} leaves it"
            f" {length['embed.out']} long."
            if view.config.embed_norm
            else ""
        ),
        (
            f"One more norm follows the last layer: there the length of {word(view)} "
            f"{moves(length[f'{last}.out'], length['out'])}."
            if view.config.final_norm
            else ""
        ),
    ]
    if any(texts):
        st.caption(" ".join(filter(None, texts)))
