"""How was this number made? The panel that takes any cell of the trace apart, and the walk from number to number."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from core.explanation import explain
from core.anatomy import about, axis_words
from core.cells import WEIGHTS, Group, is_weight, number
from core.errors import GlassError
from core.source import lines_that_made
from ui.state import View, close_number, follow, note
from ui.theme import number as precise

SHOWN = 12          # operands listed at first, the largest contributions
_ASSETS = Path(__file__).parents[1] / "assets/components"
_draw = st.components.v2.component("number", html='<div class="number"></div>',
                                   js=(_ASSETS / "number.js").read_text("utf-8"),
                                   css=(_ASSETS / "number.css").read_text("utf-8"))


def number_panel(view: View, first: tuple[str, tuple[int, ...]] | None = None) -> None:
    """Draws the opened number; before one is opened, `first`, a step's name and an index."""
    here = st.session_state
    if here["cell"] is None and first is None:
        st.info("Click any number on this page to see how it was made.")
        return
    cell = here["cell"] or written(*first)
    made = explain(view.trace, *read(cell))
    heading(view, made, here.get("trail") or [cell])
    st.latex(made.latex)
    operands(view, made, cell)
    if here.get("_all") == made.name and longest(made.groups) > SHOWN:
        all_operands(view, made.groups, cell)
    source_lines(view, made.name)


def check_opened(view: View) -> None:
    """Closes an opened number that this trace does not have, and says why; it may come from the address."""
    if (cell := st.session_state["cell"]) is not None:
        try:
            explain(view.trace, *read(cell))
        except (KeyError, GlassError) as error:
            note(f"The number “{cell[:80]}” can't be opened here. {error.args[0]}")
            close_number()


# --- the walk -------------------------------------------------------------------------------------------------------

def written(name: str, index) -> str:
    """A cell as it stands in the address: encoder.0.attn.pattern:3,2,5."""
    return f"{name}:{','.join(str(int(i)) for i in index)}"


def read(cell: str) -> tuple[str, tuple[int, ...]]:
    """The inverse of `written`. Raises GlassError where it is not a name, a colon and whole numbers."""
    name, colon, index = cell[:200].rpartition(":")
    numbers = index.split(",")
    if not colon or not all(part.isascii() and part.isdigit() and len(part) < 9 for part in numbers):
        raise GlassError("It is written as a step and a place in it, such as encoder.0.attn.pattern:3,2,5.")
    return name, tuple(map(int, numbers))


def open_number(name: str, index) -> None:
    """Opens a number, such as a cell of a map that was clicked; the walk begins here."""
    show(written(name, index), [])


def walk_to(cell: str, start: str) -> None:
    """Goes on to an operand, or back to a number that was passed."""
    trail = st.session_state.get("trail") or [start]
    show(cell, trail[:trail.index(cell)] if cell in trail else trail)


def show(cell: str, before: list[str]) -> None:
    """Makes it the opened number; the page Every number goes along to its step."""
    here, name = st.session_state, cell.rpartition(":")[0]
    here["cell"], here["trail"] = cell, [*before, cell]
    here["step"] = here["step"] if name.startswith(WEIGHTS) else name
    follow(here["step"] or "")


def clicked(key: str, start: str) -> None:
    """A link in the panel was clicked; what the browser sends is checked when it is opened."""
    if isinstance(cell := st.session_state[key].get("open"), str):
        walk_to(cell[:200], start)


# --- what the panel shows -------------------------------------------------------------------------------------------

def heading(view: View, made, trail: list[str]) -> None:
    """The way here, what the number is, and where it stands."""
    steps = [{"cell": cell, "text": short(cell)} for cell in trail]
    steps = steps if len(steps) <= 6 else [steps[0], {"cell": None, "text": "…"}, *steps[-4:]]
    _draw(key="number-head", on_open_change=lambda: clicked("number-head", trail[0]), data={
        "part": "head", "trail": steps, "title": made.title, "story": made.story, "value": precise(made.value),
        "where": ", ".join(place_words(view, made.name, made.index)), "name": written(made.name, made.index)})


def operands(view: View, made, cell: str) -> None:
    """The formula with its numbers, the check, and the operands as links."""
    count, shown = longest(made.groups), st.session_state.get("_all") == made.name
    more = "" if count <= SHOWN else "Show the largest only" if shown else f"Show all {count:,}"

    def all_or_few() -> None:
        st.session_state["_all"] = None if shown else made.name

    _draw(key="number-body", on_open_change=lambda: clicked("number-body", cell), on_all_change=all_or_few, data={
        "part": "body", "name": made.name, "formula": made.formula, "check": check(made), "more": more,
        "count": sum(len(group.values_N) for group in made.groups), "groups": operand_lists(view, made.groups)})


def source_lines(view: View, name: str) -> None:
    """The lines of core/ that made the step, as they stand in the file now."""
    _draw(key="number-lines", data={"part": "lines", "sources": [
        {"path": s.path, "function": s.function, "first": s.first, "lines": s.lines, "marked": sorted(s.highlighted)}
        for s in lines_that_made(view.trace, name)]})


def check(made) -> str:
    """What the operands give again, beside what the forward pass recorded."""
    if not made.groups:
        return f"Recorded: {made.value:.9g}".replace("-", "−")
    if made.edited:
        return f"Recorded: {made.value:.9g}, put here by an edit. Its operands would give {made.recomputed:.9g}."
    return (f"Computed again from these operands: {made.recomputed:.9g}. Recorded in the forward pass: "
            f"{made.value:.9g}. Difference: {made.error:.1g}.").replace("-", "−").replace("inf", "∞")


def operand_lists(view: View, groups: tuple[Group, ...]) -> list[dict]:
    """The operands as the component draws them: two long groups of one length are multiplied pair by pair."""
    a, b = (*groups, None, None)[:2]
    if b is not None and len(a.values_N) == len(b.values_N) > 1:
        return [operand_list(view, a, b), *(operand_list(view, group) for group in groups[2:])]
    return [operand_list(view, group) for group in groups]


def operand_list(view: View, *factors: Group) -> dict:
    """One list: the largest contributions first, each with its place, its value or product, and its share as a bar."""
    terms_N = np.prod([group.values_N for group in factors], axis=0)
    size_N = np.where(np.isfinite(terms_N), np.abs(terms_N), 0)
    largest, order = size_N.max(initial=0) or 1.0, np.argsort(-size_N, kind="stable")[:SHOWN]
    constant_axes = [fixed_axes(group) for group in factors]
    rows = [{"label": row_label(view, factors, n), "product": number(terms_N[n]) if len(factors) > 1 else "",
             "share": float(np.copysign(size_N[n], terms_N[n]) / largest),
             "items": [{"cell": cell_of(group, n), "text": number(group.values_N[n])} for group in factors]}
            for n in order]
    titles = [group_title(view, group) for group in factors]
    return {"title": " × ".join(titles), "rows": rows, "where": "; ".join(filter(None, (
        group_where(view, group, fixed) for group, fixed in zip(factors, constant_axes))))}


def all_operands(view: View, groups: tuple[Group, ...], cell: str) -> None:
    """Every operand of the longest groups as a table; choosing a row opens the number."""
    long = [group for group in groups if len(group.values_N) == longest(groups)]
    columns = {"which": [row_label(view, long[:1], n) for n in range(longest(groups))]}
    columns |= {f"{i} {group.role}": group.values_N for i, group in enumerate(long, 1)}
    if len(long) == 2:
        columns["product"] = long[0].values_N * long[1].values_N

    def chosen() -> None:
        if rows := st.session_state["operands"]["selection"]["rows"]:
            walk_to(cell_of(long[0], rows[0]), cell)

    st.dataframe(columns, key="operands", on_select=chosen, selection_mode="single-row", hide_index=True)


def longest(groups: tuple[Group, ...]) -> int:
    """How many operands the largest group has."""
    return max((len(group.values_N) for group in groups), default=0)


# --- places in words ------------------------------------------------------------------------------------------------

def place_words(view: View, name: str, index, roles: bool = True) -> list[str]:
    """Where a cell stands, axis by axis: “head 3”, “book” (2) looks. roles: say who looks and who is looked at."""
    if is_weight(view.trace, name):
        if name.endswith(("embed.token.weight", "head.logits.weight")):
            return [f"“{view.word(index[0])}” (row {index[0]})", f"column {index[1]}"]
        return [f"{axis} {i}" for axis, i in zip(("row", "column") if len(index) > 1 else ("number",), index)]
    return [axis_label(view, name, letter, i, roles) for letter, i in zip(view.trace.axes(name), index)]


def axis_label(view: View, name: str, letter: str, i: int, roles: bool) -> str:
    """One axis of a cell in words."""
    if letter == "V":
        return f"“{view.word(i)}” (word {i} of the vocabulary)"
    if letter in "LMR":
        role = {"L": " looks", "M": " is looked at"}.get(letter, "") if roles and "M" in view.trace.axes(name) else ""
        position = int(view.trace.rows[i]) if letter == "R" or name.startswith("head.") else i
        return f"“{view.tokens(view.side_of(name, letter))[position]}” ({position}){role}"
    return f"dimension {i} of the head" if letter == "K" else f"{axis_words(letter)} {i}"


def fixed_axes(group: Group) -> list[int]:
    """The axes on which all operands of a group stand at one place."""
    return [axis for axis, at_N in enumerate(group.indices_NI.T) if (at_N == at_N[0]).all()]


def row_label(view: View, factors: tuple[Group, ...], n: int) -> str:
    """What sets one operand apart from the others of its group."""
    for group in factors:
        if group.name:
            words, fixed = place_words(view, group.name, group.indices_NI[n], roles=False), fixed_axes(group)
            return ", ".join(word for axis, word in enumerate(words) if axis not in fixed) or group.role
    return factors[0].role


def group_title(view: View, group: Group) -> str:
    """The role of the operands in the formula and what they are."""
    return f"{group.role}: {about(view.trace, group.name).title.lower()}" if group.name else group.role


def group_where(view: View, group: Group, fixed: list[int]) -> str:
    """What all operands of a group have in common."""
    if group.name is None:
        return ""
    words = place_words(view, group.name, group.indices_NI[0])
    return ", ".join([group.name.removeprefix(WEIGHTS), *(words[axis] for axis in fixed)])


def cell_of(group: Group, n: int) -> str | None:
    """The address of an operand; None for a constant of the equation."""
    return written(group.name, group.indices_NI[n]) if group.name else None


def short(cell: str) -> str:
    """A cell in the walk: the end of its name and its place."""
    name, _, index = cell.rpartition(":")
    parts = name.removeprefix(WEIGHTS).split(".")
    return f"{'.'.join(parts[2:] or parts)} [{index.replace(',', ', ')}]"
