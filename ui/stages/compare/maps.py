"""Both maps of attention weights and their difference, slot by slot, and what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.comparison import NONE, laid_out, moved_shares
from core.text import counted, number, percent
from ui.kit.component_loader import component
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.packed_arrays import base64_of, packed
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL, blocked_by_mask
from ui.session import sent
from ui.session.actions import close_number, select_token
from ui.session.selection import chosen, depth, select
from ui.session.view import View
from ui.stages.compare.pair import Compared, title_of
from ui.text import bold, quoted

KEY = "compare-maps"
HARDLY = 0.05  # of a token's attention: less than that moved is hardly any
MOST = 40  # slots along a side that are drawn at a time
BLOCKED, ABSENT = 1, 2  # what a cell is that shows no number
_draw = component("compare", 'class="root figure" role="group" aria-label="Two maps compared"')


@dataclass(frozen=True, eq=False)
class Grids:
    """Both maps and the difference on the grid of the slots that are in sight."""

    rows: range
    columns: range
    values_2RC: np.ndarray
    change_RC: np.ndarray
    states_2RC: np.ndarray  # 0, BLOCKED or ABSENT

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in sight."""
        return len(self.rows), len(self.columns)


def pattern_of(view: View) -> np.ndarray:
    """The attention weights of the head that is looked at, (L, M)."""
    return view.trace[view.at("attn.pattern")][view.head]


def grids_of(compared: Compared) -> Grids:
    """What is drawn of both runs."""
    slots = len(compared.slots_S2)
    rows, columns = window(compared.slot, slots), columns_in_sight(compared)
    part = np.ix_(rows, columns)
    maps = [
        laid_out(pattern_of(view), at_S)[part]
        for view, at_S in zip(compared.views, compared.slots_S2.T, strict=True)
    ]
    states = [
        states_of(view, at_S)[part]
        for view, at_S in zip(compared.views, compared.slots_S2.T, strict=True)
    ]
    return Grids(rows, columns, np.stack(maps), maps[1] - maps[0], np.stack(states))


def states_of(view: View, at_S) -> np.ndarray:
    """For each cell whether the mask hides it, or the text has no such token, (S, S)."""
    L = len(view.labels)
    blocked_LM = blocked_by_mask(view, view.at("attn.pattern"), (view.head, ALL, ALL))
    hidden_LM = np.zeros((L, L)) if blocked_LM is None else blocked_LM.astype(float)
    grid_SS = laid_out(hidden_LM, at_S)
    return np.where(np.isnan(grid_SS), ABSENT, grid_SS * BLOCKED).astype(np.uint8)


def window(middle: int, count: int) -> range:
    """The slots in sight, one of them in the middle as far as that goes."""
    start = max(0, min(middle - MOST // 2, count - MOST))
    return range(start, min(start + MOST, count))


def columns_in_sight(compared: Compared) -> range:
    """The columns that are drawn: those asked for, else those around the chosen token."""
    slots, first = len(compared.slots_S2), chosen("compare_part")
    if first is None or slots <= MOST:
        return window(compared.slot, slots)
    start = min(first, slots - MOST)
    return range(start, start + MOST)


# --- the picture ----------------------------------------------------------------------------------


def three_maps(compared: Compared) -> tuple[int, int]:
    """Draws them. Returns the cell, as two slots, whose numbers are read out below."""
    grids = grids_of(compared)
    cell = cell_read(compared, grids)
    _draw(
        key=KEY,
        data=maps_data(compared, grids, cell),
        on_cell_change=lambda: clicked_cell(compared, grids),
        on_token_change=lambda: clicked_token(compared, grids),
        on_part_change=lambda: clicked_part(compared, grids),
    )
    return cell


def maps_data(compared: Compared, grids: Grids, cell: tuple[int, int]) -> dict:
    """The maps as they travel to the browser."""
    chosen = compared.slot - grids.rows.start
    opened = opened_slot(compared, grids)
    return packed(grids.values_2RC) | {
        "difference": base64_of(np.asarray(grids.change_RC, dtype="<f4")),
        "states": base64_of(grids.states_2RC),
        "rows": names_of(compared, grids.rows),
        "columns": names_of(compared, grids.columns),
        "titles": titles_of(compared),
        "limit": 1.0,  # ±100 points, for whatever two maps
        "row": chosen,
        "at": [cell[0] - grids.rows.start, cell[1] - grids.columns.start],
        "opened": opened,
        "exact": depth() != "story",
        "part": part_words(compared, grids),
        "caption": captions_of(compared),
        "alt": "Two maps of attention weights and their difference. Arrow keys move, Enter opens.",
    }


def names_of(compared: Compared, slots: range) -> list[dict]:
    """For each slot the token in either text, with its place where it stands there more than
    once.
    """
    changed_S = compared.changed
    return [
        {
            "one": name_at(compared, 0, slot),
            "other": name_at(compared, 1, slot),
            "changed": bool(changed_S[slot]),
        }
        for slot in slots
    ]


def name_at(compared: Compared, run: int, slot: int) -> str:
    """The token of one text at a slot; of two models, without the space before it."""
    name = name_in(compared.views[run], int(compared.slots_S2[slot, run]))
    return name.lstrip("␣") or name if compared.what == "model" else name


def name_in(view: View, position: int) -> str:
    """A token as a map names it; empty where there is none."""
    return "" if position == NONE else view.names[position]


def titles_of(compared: Compared) -> list[str]:
    """What stands over the maps."""
    one, other = compared.views
    named = {
        "sentence": ("your sentence", "the second sentence"),
        "head": (f"head {one.head}", f"head {other.head}"),
        "layer": (f"layer {one.layer}", f"layer {other.layer}"),
        "model": tuple(f"{title_of(v.request.model)}, {v.layer}.{v.head}" for v in compared.views),
    }[compared.what]
    return [f"A · {named[0]}", f"B · {named[1]}", "B − A"]


def captions_of(compared: Compared) -> list[str]:
    """What stands below a picture that is saved: model, place and text of both."""
    return [
        f"{run}: {title_of(view.request.model)}, layer {view.layer}, head {view.head},"
        f" “{view.sentence[:120]}”"
        for run, view in zip("AB", compared.views, strict=True)
    ]


def part_words(compared: Compared, grids: Grids) -> str:
    """Which part of a long text is in sight; empty where all is."""
    slots = len(compared.slots_S2)
    if slots <= MOST:
        return ""
    rows, columns = grids.rows, grids.columns
    return (
        f"Rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1} of"
        f" {slots}"
    )


def cell_read(compared: Compared, grids: Grids) -> tuple[int, int]:
    """The cell whose numbers are read out, as two slots: the opened number, the difference that was
    clicked, or the largest in the row of the chosen token.
    """
    if opened := opened_slot(compared, grids):
        return grids.rows[opened[1]], grids.columns[opened[2]]
    asked = chosen("compare_cell")
    if asked:
        row, column = map(int, asked.split("-"))
        if row == compared.slot and column in grids.columns:
            return row, column
    size_C = np.nan_to_num(np.abs(grids.change_RC[compared.slot - grids.rows.start]), nan=-1)
    return compared.slot, grids.columns[int(size_C.argmax())]


def opened_slot(compared: Compared, grids: Grids) -> list[int] | None:
    """Where the opened number stands, if it is in sight: map, row and column."""
    for run, view in enumerate(compared.views):
        opened = opened_in(view.at("attn.pattern"))
        here = not compared.two_runs or (chosen("compare_reads") == "other") == bool(run)
        if opened and here and opened[0] == view.head:
            at = [np.flatnonzero(compared.slots_S2[:, run] == place) for place in opened[1:]]
            if all(len(found) for found in at):
                row, column = int(at[0][0]), int(at[1][0])
                if row in grids.rows and column in grids.columns:
                    return [run, row - grids.rows.start, column - grids.columns.start]
    return None


# --- clicks ---------------------------------------------------------------------------------------


def clicked_cell(compared: Compared, grids: Grids) -> None:
    """A weight opens in its own run; a difference is read out with what it is made of. The token of
    the row is chosen.
    """
    place = sent.place(sent.from_component(KEY, "cell"), (3, *grids.shape))
    if place is None:
        return
    run, row, column = place[0], grids.rows[place[1]], grids.columns[place[2]]
    select(compare_cell=f"{row}-{column}")
    close_number()
    if (token := int(compared.slots_S2[row, 0])) >= 0:
        select(token=token)
    if run == 2:
        return
    at = compared.slots_S2[[row, column], run].tolist()
    if min(at) >= 0:
        open_in_run(compared, run, "attn.pattern", at)


def open_in_run(compared: Compared, run: int, leaf: str, at: list[int]) -> None:
    """Opens a weight of the first or of the second map."""
    view = compared.views[run]
    open_in(compared, run, view.at(leaf), (view.head, *at))


def open_in(compared: Compared, run: int, name: str, index: tuple[int, ...]) -> None:
    """Opens a number of the first or of the second run."""
    select(compare_reads="other" if run and compared.two_runs else "one")
    open_number(name, index)


def clicked_token(compared: Compared, grids: Grids) -> None:
    """The name of a row chooses its token."""
    row = sent.from_component(KEY, "token")
    if sent.whole(row, len(grids.rows)):
        position = int(compared.slots_S2[grids.rows[row], 0])
        if position >= 0:
            select_token(position, compare_cell="", compare_part=None)


def clicked_part(compared: Compared, grids: Grids) -> None:
    """The columns before or after those in sight."""
    step = sent.from_component(KEY, "part")
    if step in (-1, 1):
        last = len(compared.slots_S2) - MOST
        select(compare_part=max(0, min(grids.columns.start + step * MOST, last)))


# --- in words -------------------------------------------------------------------------------------


def story(compared: Compared) -> None:
    """What the maps say at the chosen depth."""
    one = compared.one
    opening = f"{what_differs(compared)} " if not compared.two_runs else ""
    text = f"{opening}{share_moved(compared)}{finds_other(compared)}"
    if depth() == "formula":
        moved_formula(compared)
    best = int(pattern_of(one)[one.token].argmax())
    cell = one.at("attn.pattern"), (one.head, one.token, best)
    render_depth(one, text, cell)
    if (compared.slots_S2 == NONE).any():
        st.caption("Cells without a partner stay blank.")


def moved_formula(compared: Compared) -> None:
    """How it is measured what goes elsewhere, in letters and for the chosen token."""
    share, one = row_share(compared), compared.one
    st.latex(r"\text{moved} = \tfrac{1}{2} \sum_m \lvert a'_m - a_m \rvert")
    if share is not None:
        token = bold(name_in(one, one.token))
        st.markdown(f"For {token}: ½ · {number(2 * share)} = **{number(share)}**")


def what_differs(compared: Compared) -> str:
    """What is other in the second one."""
    one, other = compared.views
    where = f"layer {one.layer}"
    if compared.what == "head":
        return f"In {where}, heads {one.head} and {other.head} read the same vectors."
    if compared.what == "layer":
        return f"Layers {one.layer} and {other.layer} each have a head {one.head}."
    if compared.what == "model":
        cuts = [
            f"{title_words(view)} splits this sentence into {counted(len(view.labels), 'token')}"
            for view in compared.views
        ]
        return f"{cuts[0]}, {cuts[1]}."
    changed = np.flatnonzero(compared.changed)
    if not len(changed):
        return "Both sentences are the same: put another word into the second."
    before, after = (
        name_in(view, place)
        for view, place in zip(compared.views, compared.slots_S2[changed[0]].tolist(), strict=True)
    )
    if len(changed) == 1 and before and after:
        return f"{bold(after)} replaces {bold(before)}."
    return f"The sentences differ in {counted(len(changed), 'token')}."


def title_words(view: View) -> str:
    """A model's name in bold."""
    return bold(title_of(view.request.model))


def row_share(compared: Compared) -> float | None:
    """How much of the chosen token's attention goes elsewhere; None where it has no partner."""
    if compared.partner is None:
        return None
    one, other = (pattern_of(view)[None] for view in compared.views)
    paired_S = (compared.slots_S2 >= 0).all(axis=1)
    return float(
        moved_shares(one, other, compared.slots_S2)[0, int(paired_S[: compared.slot].sum())]
    )


def share_moved(compared: Compared) -> str:
    """How much of the chosen token's attention moved."""
    one, other, share = *compared.views, row_share(compared)
    token = bold(name_in(one, one.token))
    if share is None:
        return f"{token} has no partner in the second."
    if not compared.two_runs:
        return f"{token} places **{percent(share)}** of its attention differently in B."
    head = f"head {one.head} of layer {one.layer}"
    if (other.layer, other.head) != (one.layer, one.head):
        head = "these heads"
    if not share:
        return f"In {head}, {token} spreads its attention alike in A and in B."
    return f"In {head}, {token} moves **{percent(share)}** of its attention to other tokens."


def finds_other(compared: Compared) -> str:
    """Where hardly any attention moved, and yet what is looked at most has another value."""
    share, one = row_share(compared), compared.one
    if compared.what != "sentence" or share is None or share >= HARDLY:
        return ""
    if all(map(is_silent, compared.views)):
        return " The head is silent in both, so nothing that it fetches counts."
    best = int(pattern_of(one)[one.token].argmax())
    place = int(compared.slots_S2[np.flatnonzero(compared.slots_S2[:, 0] == best)[0], 1])
    before, after = (view.trace[view.at("attn.v")][view.key_head] for view in compared.views)
    if place == NONE or np.array_equal(before[best], after[place]):
        return ""
    looked, found = name_in(one, best), name_in(compared.other, place)
    if looked == found:
        return f" It still looks most at {bold(looked)}, whose value vector differs in B."
    return (
        f" What differs is the value that it fetches there: that of {bold(found)} instead of"
        f" {bold(looked)}."
    )


def is_silent(view: View) -> bool:
    """Whether a what-if has silenced the head that is looked at: it gathers nothing."""
    return not view.trace[view.at("attn.z")][view.head].any()


# --- tables ---------------------------------------------------------------------------------------


def tables(compared: Compared) -> None:
    """At every depth but the story: the row of the chosen token in both, and the difference."""
    if not detailed():
        return
    grids = whole_row(compared)
    slots = [s for s in range(len(compared.slots_S2)) if grids.states_2RC[:, 0, s].min() < BLOCKED]
    a_S, b_S = grids.values_2RC[:, 0]
    names = names_of(compared, grids.columns)

    def open_cell(row: int, column: int) -> None:
        if column < 2 and compared.slots_S2[slots[row], column] >= 0:
            at = compared.slots_S2[[compared.slot, slots[row]], column].tolist()
            if min(at) >= 0:
                open_in_run(compared, column, "attn.pattern", at)
        elif column == 2:
            select(compare_cell=f"{compared.slot}-{slots[row]}")
            close_number()

    table(
        {"A": a_S[slots], "B": b_S[slots], "B − A": grids.change_RC[0, slots]},
        [slot_words(names[s]) for s in slots],
        key="compare:difference",
        on_cell=open_cell,
        title=f"Attention weights of {quoted(name_in(compared.one, compared.one.token))}",
    )


def whole_row(compared: Compared) -> Grids:
    """The row of the chosen token, however long."""
    slots = range(len(compared.slots_S2))
    row = slice(compared.slot, compared.slot + 1)
    maps = [
        laid_out(pattern_of(view), at_S)[row]
        for view, at_S in zip(compared.views, compared.slots_S2.T, strict=True)
    ]
    states = [
        states_of(view, at_S)[row]
        for view, at_S in zip(compared.views, compared.slots_S2.T, strict=True)
    ]
    rows = range(compared.slot, compared.slot + 1)
    return Grids(rows, slots, np.stack(maps), maps[1] - maps[0], np.stack(states))


def slot_words(name: dict) -> str:
    """A slot in words: books → book."""
    if not name["changed"]:
        return name["one"]
    if name["one"] and name["other"]:
        return f"{name['one']} → {name['other']}"
    return f"A: {name['one']}" if name["one"] else f"B: {name['other']}"


def first_number(compared: Compared, cell: tuple[int, int]) -> tuple[str, tuple[int, ...]] | None:
    """What the panel explains at first: A's weight in the cell that is read out."""
    at = compared.slots_S2[list(cell), 0].tolist()
    one = compared.one
    return (one.at("attn.pattern"), (one.head, *at)) if min(at) >= 0 else None
