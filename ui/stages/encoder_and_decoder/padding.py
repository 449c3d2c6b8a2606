"""What padding does: tokens that mean nothing after the text, hidden by the mask or seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from core import whatif
from core.text import number
from core.vectors import cosines
from ui.kit.components import table
from ui.kit.runs import beside, compare_vectors, open_in, under
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL, cell_map
from ui.session.selection import select
from ui.session.settling import settle
from ui.session.view import View
from ui.stages.encoder_and_decoder.visibility import pattern_under
from ui.text import bold

MOST = 8
WAYS = {"pad": "Hidden from the text, as in training", "open-pad": "Seen by all"}
# of the largest number: what rounding does to 32-bit numbers over the layers stays well below
NOTHING = 1e-4


def padding(view: View) -> None:
    """Each token's last vector without padding, with hidden padding and with padding that is
    seen.
    """
    bare, place = without_padding(view), st.container()
    room = (view.config.n_positions or 10_000) - len(bare.tokens(view.config.sides[0]))
    if room < 1:
        st.info("This text fills all positions of the model, so there is no room for padding.")
        return
    count, way = padding_controls(view, min(room, MOST))
    runs = {each: padded(bare, each, count) for each in WAYS}
    with place:
        padding_section(view, bare, runs)
    moved_table(bare, runs)
    mask_picture(runs[way], count)
    if detailed():
        compare_vectors(
            bare,
            runs[way],
            "without padding",
            f"With padding {'hidden' if way == 'pad' else 'seen by all'}",
            key="padding",
        )


def without_padding(view: View) -> View:
    """The run without padding."""
    change = whatif.without(view.request.change, "pad", "open-pad")
    run = beside(view, view.request._replace(change=change))
    if view.mask == "own":
        run = under(run, "trained")  # two runs less for each cell that is drawn
    return replace(run, token=min(view.token, len(run.labels) - 1))


def padding_controls(view: View, most: int) -> tuple[int, str]:
    """How many, and which of the two is drawn."""
    asked = dict(whatif.parts(view.request.change))
    known = int(asked.get("pad") or asked.get("open-pad") or 3)
    settle("padding_count", min(known, most), range(1, most + 1))
    settle("padding_way", "open-pad" if "open-pad" in asked else "pad")
    count = (
        most
        if most == 1
        else st.slider("Padding tokens after the text", 1, most, key="padding_count")
    )
    way = st.segmented_control(
        "The padding is", list(WAYS), required=True, format_func=WAYS.get, key="padding_way"
    )
    return count, way


def padded(view: View, way: str, count: int) -> View:
    """The run with so many padding tokens."""
    return beside(
        view, view.request._replace(change=whatif.also(view.request.change, f"{way}:{count}"))
    )


def padding_shift(view: View, other: View) -> np.ndarray:
    """Of the text's own tokens: the last vector with padding less the one without, (L, D)."""
    before_LD = view.trace[f"{view.side}.out"].astype(np.float64)
    return other.trace[f"{view.side}.out"][: len(before_LD)] - before_LD


def padding_section(view: View, bare: View, runs: dict[str, View]) -> None:
    """What happens, as measured."""
    tokens = runs["pad"].tokens(view.config.sides[0])
    count = len(tokens) - len(bare.tokens(view.config.sides[0]))
    render_depth(
        view,
        "Texts of different lengths run together in one block of numbers, so shorter ones are"
        f" filled up with a token that means nothing. Here {count} × {bold(tokens[-1])}"
        f" {'follows' if count == 1 else 'follow'} the text. {padding_text(view, bare, runs)}"
        " **Click a number** to open the dimension that moved most, in the run with padding.",
        (mask_of(view).replace(".mask", ".scores"), (view.head, view.token, 0)),
    )


def padding_text(view: View, bare: View, runs: dict[str, View]) -> str:
    """How far the last vectors moved, with hidden padding and with padding that is seen."""
    largest = {way: float(np.abs(padding_shift(bare, run)).max()) for way, run in runs.items()}
    least = NOTHING * float(np.abs(bare.trace[f"{bare.side}.out"]).max())
    whose = "This uses the mask of the model’s training, not yours. " if view.mask == "own" else ""
    if not np.isfinite([*largest.values()]).all():
        return f"{whose}In this run the numbers have overflowed, so the runs can’t be compared."
    return whose + hidden_text(largest["pad"], least) + seen_text(largest["open-pad"], least)


def hidden_text(largest: float, least: float) -> str:
    """What hidden padding changes. least: from where on a difference is more than rounding."""
    if largest > least:
        return f"Hidden, it still changes numbers by up to {number(largest, 3)}. "
    return f"Hidden, it changes **nothing**: {rounded_off(largest)}. "


def seen_text(largest: float, least: float) -> str:
    """What padding changes that all tokens see."""
    if largest > least:
        return (
            "Seen by all, it takes a share of the attention, and the last vectors change by up to "
            f"**{number(largest, 3)}**."
        )
    return (
        "Seen by all, it changes nothing either: it comes **after** the text, and under this mask"
        " no token looks ahead."
    )


def rounded_off(largest: float) -> str:
    """That nothing has moved, or so little that it is rounding."""
    return (
        f"no number of a last vector moves by more than {number(largest, 2)}, which is rounding"
        if largest
        else "every number of the last vectors is the same to the last digit"
    )


def moved_table(bare: View, runs: dict[str, View]) -> None:
    """Cosine and largest difference of every real token, in both runs."""
    labels, name, columns, moved = bare.names, f"{bare.side}.out", {}, {}
    for title, (way, run) in zip(("hidden", "seen"), runs.items(), strict=True):
        moved[way] = np.abs(padding_shift(bare, run))
        columns[f"{title}: cosine"] = cosines(bare.trace[name], run.trace[name][: len(labels)])
        columns[f"{title}: largest difference"] = moved[way].max(axis=1)

    def open_most_moved(row: int, column: int) -> None:
        way = list(runs)[column // 2]
        select(token=row, padding_way=way)
        open_in(runs[way], name, (row, int(moved[way][row].argmax())))

    table(
        columns,
        labels,
        key="padding:moved",
        chosen=bare.token,
        on_cell=open_most_moved,
        title="Each token’s last vector with padding, compared with the one without",
    )


def mask_of(view: View) -> str:
    """The mask through which the side that is looked at sees the padding."""
    return view.at("cross.mask" if view.side == "decoder" and view.config.crosses else "attn.mask")


def mask_picture(run: View, count: int) -> None:
    """Which tokens each may see, with the padding; deeper, the chosen head's weights as well."""
    name = mask_of(run)
    left, right = st.columns(2, gap="large") if detailed() else (st.container(), None)
    with left:
        last = "the last column is" if count == 1 else f"the last {count} columns are"
        cell_map(
            run,
            name,
            ALL,
            ALL,
            title=f"Which tokens each may see: {last} padding",
            key="padding",
            chosen=run.token,
            on_cell=lambda row, column: open_in(run, name, (row, column)),
        )
    if right:
        with right:
            pattern_under(
                run,
                f"Head {run.head}: attention to the padding",
                key="padded",
                name=name.replace(".mask", ".pattern"),
            )
