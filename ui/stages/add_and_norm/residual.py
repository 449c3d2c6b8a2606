"""Add and norm: a token's vector, the update, their sum, and the norm with its numbers."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.operands import WEIGHTS, array_of
from core.planes import principal_plane
from core.steps import about
from core.steps.norm import added_to
from core.text import moves, number, root
from ui.kit import plotly_figures
from ui.kit.charts import clickable_map, show
from ui.kit.component_loader import component
from ui.kit.components import one_of, table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.section import detailed, render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, cell_map, cells_table, largest
from ui.kit.theme import COLOURS, SUBLAYERS
from ui.kit.token_words import titled_word, token_label, which_word
from ui.kit.vector_rows import VectorRow, vector_rows
from ui.session.actions import close_number
from ui.session.selection import chosen, select
from ui.session.settling import settle
from ui.session.view import View

NORM_ROWS = 6  # dimensions whose way through the norm is written out
KEY = "addnorm_sublayer"
ORDERS = {
    "before": "Pre-norm",
    "after": "Post-norm",
    "around": "Norms around",
    "update": "Norm on the update",
}
ORDER_TEXTS = {
    "before": (
        "The norm comes **before** the part: only the copy that the part reads is normed. The"
        " line around it, the residual stream, runs through all layers; each adds to it."
    ),
    "after": (
        "The norm comes **after** the sum, as in the first transformer: everything passes"
        " through it to the next part."
    ),
    "around": (
        "One norm comes **before** the part and one **after** it: the part reads a normed copy, and"
        " what it makes is normed before it is added. The line around both, the residual stream, is"
        " never normed itself."
    ),
    "update": (
        "The norm comes after the part and **before** the sum: the part reads the stream as it is,"
        " and what it makes is normed before it is added."
    ),
}
NORMS = {"layer": "layer norm", "rms": "root-mean-square norm", "none": "norm left out"}
_draw_ways = component("norm_order")


# --- before + update = after ----------------------------------------------------------------------


def add_and_norm(view: View) -> tuple[str, tuple[int, ...]]:
    """The question, and the chosen token on its way: before, update, sum and norm. Returns the cell
    that is explained first.
    """
    part = settle_sublayer(view)
    question = (
        f"How much does {SUBLAYERS[part].lower()} change {which_word(view)} in layer {view.layer}?"
    )
    heading(question, quiz(view, part), terms=False, beside=lambda: sublayer_controls(view))
    first = largest(view, view.at(f"{part}.sum"), view.token, ALL)
    steps = [row.step for row in way(view, part)]
    if np.isfinite([view.trace[step][view.token] for step in steps]).all():
        vector_rows(view, way(view, part), key="addnorm-way")
        norm = [(step, index) for step, index in [last_norm(view, part)] if step in view.trace]
        render_depth(view, change_text(view, part), first, *norm)
    else:
        st.warning(
            f"The vectors of {which_word(view)} are NaN, since an earlier value"
            " overflowed in this run. There is nothing to draw."
        )
    return first


def quiz(view: View, part: str) -> Quiz | None:
    """Whether the vector or what is added to it is longer."""
    steps = (before_update(view, part), view.at(f"{part}.out"))
    sizes = [view.trace[f"{step}.length"][view.token] for step in steps]
    found = quiz_of_most(view, ["its vector", "the update"], sizes)
    return found and found.asks("Which is longer?")


def sublayers(view: View) -> list[str]:
    """The sublayers that this side's layers have: keys of SUBLAYERS."""
    return [name for name in SUBLAYERS if view.at(f"{name}.sum") in view.trace.names]


def settle_sublayer(view: View) -> str:
    """Settles which sublayer is looked at, and returns it."""
    names = sublayers(view)
    settle(KEY, names[0], names)
    return chosen(KEY)


def sublayer_controls(view: View) -> None:
    """A choice of the sublayer."""
    names = sublayers(view)

    def choose(at: int) -> None:
        select(addnorm_sublayer=names[at])
        close_number()

    one_of(
        "Around which part of the layer",
        [SUBLAYERS[name] for name in names],
        names.index(chosen(KEY)),
        key="addnorm-part",
        on_choice=choose,
    )


def before_update(view: View, part: str) -> str:
    """The step that this part's update is added to."""
    return added_to(view.config, view.at(part))


BARE = "No norm stands before this layer’s attention."


def reads_earlier(view: View, part: str) -> bool:
    """Whether this part reads what enters the layer, beside attention, not what attention left."""
    return before_update(view, part) != view.at(f"{part}.in")


def is_bare(view: View, part: str) -> bool:
    """Whether no norm stands at this part: in this run, or in this layer."""
    return view.config.norm_of(view.at(f"{part}.norm")) == "none"


def way(view: View, part: str) -> list[VectorRow]:
    """The token's vectors in the order in which the model makes them."""
    c, name = view.config, SUBLAYERS[part].lower()
    kind, none = "mlp" if part == "mlp" else "weight", is_bare(view, part)
    earlier = reads_earlier(view, part)

    def normed(leaf: str, note: str) -> list[VectorRow]:
        step = view.at(f"{part}.{leaf}")
        return [VectorRow(step, NORMS[c.norm], note, "→", "norm", own_scale=True)]

    rows = [VectorRow(before_update(view, part), token_label(view), "before")]
    if c.norm_first and not none:
        what = "of what enters the layer" if earlier else "a copy"
        rows += normed("norm.out", f"{what}, read by {name}")
    if c.norms_update and not none:
        made = view.at(f"{part}.out.unnormed")
        rows.append(VectorRow(made, "made", f"by {name}", "→", kind, own_scale=True))
    note = f"by {name}" if none or not c.norms_update else f"{NORMS[c.norm]} of that"
    rows.append(VectorRow(view.at(f"{part}.out"), "update", note, "+", kind))
    rows.append(VectorRow(view.at(f"{part}.sum"), "sum", "before + update", "=", over=True))
    last = c.norm_at == "after" and not none
    return rows + (normed("norm.out", "goes to the next part") if last else [])


def last_norm(view: View, part: str) -> tuple[str, tuple[int, ...]]:
    """The largest number that leaves this part's norm; of a run without norms, of the sum."""
    step = f"{norms_of(view, part)[0]}.out"
    return largest(view, step if step in view.trace else view.at(f"{part}.sum"), view.token, ALL)


def change_text(view: View, part: str) -> str:
    """What is added to the chosen token and how long it is then, in words."""
    steps = (before_update(view, part), view.at(f"{part}.out"), view.at(f"{part}.sum"))
    before, update, after = (number(view.trace[f"{step}.length"][view.token], 3) for step in steps)
    name, who = SUBLAYERS[part], which_word(view)
    if is_bare(view, part):
        left_out = "In this run the norms are left out." if view.config.norm == "none" else BARE
        return (
            f"{who} is {before} long. {name} adds an **update** {update} long. The sum is {after}"
            f" long. {left_out}"
        )
    if view.config.norms_update or reads_earlier(view, part):
        return made_text(view, part, update, moves(before, after))
    out = number(view.trace[view.at(f"{part}.norm.out.length")][view.token], 3)
    if view.config.norm_first:
        return (
            f"{name} reads a normed copy of {who}, {out} long. Its **update**, {update} long, is"
            " added to the vector itself, the **residual stream**, whose length"
            f" {moves(before, after)}."
        )
    return (
        f"{who} arrives {before} long. {name} adds an **update**, {update} long; nothing is"
        f" overwritten. The sum is {after} long, and the **norm** makes that {out}."
    )


def made_text(view: View, part: str, update: str, moved: str) -> str:
    """What is added to the chosen token, where the part reads what entered the layer or a norm
    stands on its update, in words.
    """
    c, name = view.config, SUBLAYERS[part]
    stream = "what entered the layer" if reads_earlier(view, part) else which_word(view)
    length = {
        leaf: number(view.trace[view.at(f"{part}.{leaf}.length")][view.token], 3)
        for leaf in ("norm.out", "out.unnormed")
        if view.at(f"{part}.{leaf}") in view.trace
    }
    read = f"a normed copy of {stream}, {length['norm.out']} long" if c.norm_first else stream
    ends = f"is added to the vector itself, the **residual stream**, whose length {moved}."
    if not c.norms_update:
        return f"{name} reads {read}, beside attention. Its **update**, {update} long, {ends}"
    made = f"{name} reads {read}, and makes a vector {length['out.unnormed']} long."
    return f"{made} A norm makes that the **update**, {update} long. It {ends}"


def every_token(view: View) -> None:
    """The lengths of vector, update and sum of all tokens."""
    part = chosen(KEY)
    leaves = {
        "made": "out.unnormed.length",
        "update": "out.length",
        "update ÷ before": "out.relative",
        "sum": "sum.length",
        "after the norm": "norm.out.length",
    }
    steps = {"before": f"{before_update(view, part)}.length"} | {
        title: view.at(f"{part}.{leaf}") for title, leaf in leaves.items()
    }
    columns = {title: (step, (ALL,)) for title, step in steps.items() if step in view.trace}
    cells_table(
        view,
        columns,
        key=f"addnorm:every:{view.at(part)}",
        title="Lengths of each token’s vectors",
        chosen=view.token,
    )


def in_their_plane(view: View) -> None:
    """Vector, update and sum as arrows, and their numbers."""
    part = chosen(KEY)
    steps = [before_update(view, part), *(view.at(f"{part}.{leaf}") for leaf in ("out", "sum"))]
    vectors = [view.trace[step][view.token] for step in steps]
    if not np.isfinite(vectors).all():
        st.warning("An earlier value overflowed in this run: there is nothing to draw.")
        return
    show_sum(view, steps[1], vectors)
    if detailed():
        sum_strips(view, part, steps, limit=float(np.abs(vectors).max()))


def show_sum(view: View, update: str, vectors: list) -> None:
    """The vector, the update and the sum as arrows in their plane. update: the step of the update,
    whose colour its arrow has.
    """
    arrows = plotly_figures.arrows_sum(
        principal_plane(vectors),
        *vectors,
        token_label(view),
        title="Before + update = after",
        kind=about(view.trace, update).colour,
    )
    show("addnorm:arrows", arrows, alt="Before + update = after as arrows")
    st.caption(
        "Three vectors of which one is the sum of the others lie in one plane, so this picture"
        " leaves nothing out."
    )


def sum_strips(view: View, part: str, steps: list[str], limit: float) -> None:
    """Vector, update and sum as maps on one scale."""
    label = titled_word(view)
    titles = (
        f"before: the vector of {label}",
        f"+ the update by {SUBLAYERS[part].lower()}",
        f"= after: the vector of {label}",
    )
    for step, title in zip(steps, titles, strict=True):
        token_vector_strip(view, step, title, limit=limit)


def token_vector_strip(view: View, step: str, title: str, **options) -> None:
    """The chosen token's vector in a step."""
    cell_map(view, step, slice(view.token, view.token + 1), ALL, title=title, **options)


# --- where the norm is ----------------------------------------------------------------------------


def both_ways(view: View) -> None:
    """Where the norm is in this model, and the other way, which other families have."""
    part, mine = chosen(KEY), view.config.norm_at
    ways = [
        norm_order(
            norm_at,
            SUBLAYERS[part],
            f"{ORDERS[norm_at]}: {'this model' if norm_at == mine else 'other models'}",
            faint=norm_at != mine,
        )
        for norm_at in (mine, "after" if mine == "before" else "before")
    ]
    _draw_ways(key="addnorm_ways", data={"ways": ways})
    if view.config.norm == "none":
        st.caption("This run leaves the norms out: the box “norm” passes everything on unchanged.")
    else:
        st.markdown(ORDER_TEXTS[mine])
    if view.config.parallel:
        st.caption(
            "Here attention and feed-forward run **in parallel**: both read what enters the layer,"
            " and both updates are added to it."
        )


def norm_order(norm_at: str, name: str, title: str, faint: bool) -> dict:
    """A sublayer, the line around it to the sum, and its norms where they stand."""
    part = (name.split()[0].lower(), "mlp" if name == SUBLAYERS["mlp"] else "weight", 92)
    norm, plus = ("norm", "norm", 52), ("+", "residual", 22)
    boxes = {
        "before": [norm, part, plus],
        "after": [part, plus, norm],
        "around": [norm, part, norm, plus],
        "update": [part, norm, plus],
    }[norm_at]
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


# --- the norm, with numbers -----------------------------------------------------------------------


def norming(view: View) -> None:
    """The norms of this part for the chosen token, step by step."""
    if is_bare(view, chosen(KEY)):
        left_out = "This run leaves the norms out" if view.config.norm == "none" else BARE[:-1]
        st.markdown(f"{left_out}: {which_word(view)} passes unchanged.")
        return
    for path in norms_of(view, chosen(KEY)):
        one_norm(view, path)
    other_norms(view)


def norms_of(view: View, part: str) -> list[str]:
    """The paths of this part's norms, in the order in which they run."""
    c = view.config
    found = [] if c.norm_at == "update" else [view.at(f"{part}.norm")]
    return found + ([view.at(f"{part}.out.norm")] if c.norms_update else [])


def one_norm(view: View, path: str) -> None:
    """One norm for the chosen token, step by step."""
    first = largest(view, f"{path}.out", view.token, ALL)
    render_depth(view, norm_text(view, path), *norm_cells(view, path, first[1]), first)
    norm_table(view, path)
    cells_table(
        view,
        length_columns(view, path),
        key=f"addnorm:{path}",
        title="Each token is normed by its own numbers",
        chosen=view.token,
    )
    if detailed():
        norm_strips(view, path)


def norm_cells(view: View, path: str, index: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
    """The number at one place in each step of the norm that this run has, but for the last."""
    cells = {"mean": index[:1], "centred": index, "scale": index[:1], "unit": index}
    return [
        (f"{path}.{leaf}", index) for leaf, index in cells.items() if f"{path}.{leaf}" in view.trace
    ]


def length_columns(view: View, path: str) -> dict[str, tuple]:
    """What the norm measures of each token, and the lengths before and after, as columns."""
    columns = {
        "mean": f"{path}.mean",
        "deviation with ε"
        if view.config.norm == "layer"
        else "root mean square with ε": f"{path}.scale",
        "length before": f"{normed(view, path)}.length",
        "length after": length_after(path),
    }
    return {name: (step, (ALL,)) for name, step in columns.items() if step in view.trace}


def normed(view: View, path: str) -> str:
    """The step that a norm is applied to."""
    if path.endswith(".out.norm"):
        return f"{path.removesuffix('.norm')}.unnormed"
    return f"{path.removesuffix('.norm')}.{'in' if view.config.norm_first else 'sum'}"


def length_after(path: str) -> str:
    """The step that says how long a vector leaves a norm: an update's is the update."""
    return f"{path.removesuffix('.norm') if path.endswith('.out.norm') else f'{path}.out'}.length"


def norm_text(view: View, path: str) -> str:
    """What a norm does to the chosen token, or to its update, in words, with its numbers."""
    t, D, of_update = view.token, view.config.d_model, path.endswith(".out.norm")
    scale, before, after = (
        number(view.trace[step][t], 3)
        for step in (f"{path}.scale", f"{normed(view, path)}.length", length_after(path))
    )
    same = f"The length is now about {root(D)}."
    what = f"the update of {which_word(view)}" if of_update else which_word(view)
    ends = f"In all, the length of {what} {moves(before, after)}; no other token matters."
    if view.config.norm == "rms":
        return (
            f"A **root-mean-square norm** divides the {D} numbers of {what} by their"
            f" root mean square, {scale}, {epsilon_text(view)}. {same} Then a learned **gain** γ"
            " stretches each dimension. Unlike a layer norm it subtracts no mean and adds no"
            f" shift. {ends}"
        )
    mean = number(view.trace[f"{path}.mean"][t], 3)
    return (
        f"A **layer norm** subtracts from the {D} numbers of {what} their mean,"
        f" {mean}, and divides by their deviation, {scale}, {epsilon_text(view)}. {same} Then a"
        " learned **gain** γ stretches each dimension and a learned **shift** β moves it, both"
        f" the same for every token. {ends}"
    )


def epsilon_text(view: View) -> str:
    """The small number that keeps a norm from dividing by zero."""
    return f"which includes ε = {number(view.config.norm_eps, 2)} to prevent division by zero"


def steps_of_norm(view: View, path: str) -> dict[str, str]:
    """A title for each step of the norm, and the step or the learned numbers behind it."""
    if view.config.norm == "rms":
        return {
            "x": normed(view, path),
            "÷ r.m.s.": f"{path}.unit",
            "gain γ": f"{WEIGHTS}{path}.weight",
            "out": f"{path}.out",
        }
    return {
        "x": normed(view, path),
        "− mean": f"{path}.centred",
        "÷ deviation": f"{path}.unit",
        "gain γ": f"{WEIGHTS}{path}.weight",
        "shift β": f"{WEIGHTS}{path}.bias",
        "out": f"{path}.out",
    }


def norm_table(view: View, path: str) -> None:
    """The dimensions that leave the norm largest, with every number on their way."""
    steps, t = steps_of_norm(view, path), view.token
    what = "the update of " * path.endswith(".out.norm") + titled_word(view, t)
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
        key=f"addnorm:ladder:{path}",
        corner="dim.",
        opened=opened,
        title=(
            f"The {len(dimensions)} dimensions of {what} that are largest after the norm, step by"
            " step"
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
    token_vector_strip(view, f"{path}.out", f"= after the norm: the vector of {titled_word(view)}")


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
    """The norms outside the sublayers, with what they make of the chosen token."""
    side, t, last = view.side, view.token, view.config.layers(view.side) - 1
    length = {
        name: number(view.trace[f"{side}.{name}.length"][t], 3)
        for name in ("embed.out", f"{last}.out", "out")
    }
    texts = [
        (
            f"Another norm follows the embeddings: {which_word(view)} leaves it"
            f" {length['embed.out']} long."
            if view.config.embed_norm
            else ""
        ),
        (
            f"Another norm follows the last layer: there the length of {which_word(view)} "
            f"{moves(length[f'{last}.out'], length['out'])}."
            if view.config.final_norm
            else ""
        ),
    ]
    if any(texts):
        st.caption(" ".join(filter(None, texts)))
