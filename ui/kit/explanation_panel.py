"""How was this number made? The panel that takes any cell of the trace apart, and the walk from
number to number.
"""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
import streamlit as st

from core import whatif
from core.errors import GlassError
from core.explanation import explain
from core.operands import WEIGHTS, Group, is_weight
from core.plans import Operands
from core.source import lines_that_made, source_path
from core.step_ref import GRAD, parse, ref_of
from core.steps import about
from core.steps.letters import axis_words, letters_in
from core.steps.sources import source_names
from core.text import number, operand
from core.why import in_words
from ui.kit.component_loader import component
from ui.kit.components import table
from ui.kit.guessed_place import ask_why
from ui.kit.terms import term_of_step
from ui.kit.theme import coloured
from ui.kit.what_if_words import change_words
from ui.kit.word_grouping import ROLES, word_labels
from ui.session import sent
from ui.session.actions import change_run, close_number, follow_step, with_part
from ui.session.address import link_asks_for
from ui.session.memory import memory, note
from ui.session.navigation import BEFORE_ATTENTION, COMPARE, EXERCISES, OUTPUT, WHY
from ui.session.runs import model_of, outcome_in
from ui.session.selection import MASKS, chosen, depth, fits, opened_cell, select, select_what_fits
from ui.session.view import View
from ui.session.walk import open_after, trail
from ui.text import bold, plain, quoted, short

OF_TWO_RUNS = (BEFORE_ATTENTION, COMPARE)  # pages that open numbers of two runs
FIRST = 3  # terms of each list in sight at first, the largest
SHOWN = 12  # and once it is unfolded
MOST = 1000  # operands in the table of all
_draw = component("explanation", 'class="root number"')


def number_beside(view: View, first: tuple[str, tuple[int, ...]] | None) -> None:
    """The opened number in a column of its own, which stays in sight; before one is opened,
    `first`, a step and an index. On a telephone an opened number lies over the foot of the page.
    """
    opened = opened_cell()
    cell = opened or (spell_cell(*first) if first else None)
    if cell:
        with st.container(key="number-beside-opened" if opened else "number-beside"):
            number_panel(view, cell)


def number_over(view: View) -> None:
    """The opened number over the corner of a page that has no column for it, so that it is in sight
    where one clicked.
    """
    if opened := opened_cell():
        with st.container(key="number-over"):
            number_panel(view, opened)


def number_panel(view: View, cell: str) -> None:
    """What the number is, its formula, the terms that count most; and folded away all terms, the
    check and the lines that made it. At the depth of formulas also the formula in letters.
    """
    made = explain(view.trace, *parse_cell(cell))
    if opened_cell():
        st.button(
            "Close", key="close_number", on_click=close_number, type="tertiary", shortcut="Esc"
        )
        why_link(view, *parse_cell(cell))
    passed = trail() or [cell]
    parts = [walk_heading(view, made, passed), operands(view, made), code_lines(view, [made.name])]
    draw("number", parts, passed[0], f"{cell} {depth()}", lambda: change_number(view, cell))
    if memory().refused:
        st.warning(plain(memory().refused))
        memory().refused = ""
    if depth() == "formula":
        formula_in_letters(view, made.name)
    if chosen("operands") == made.name and longest(made.groups) > SHOWN:
        all_operands(view, made.groups, cell)


def why_link(view: View, name: str, index: tuple[int, ...]) -> None:
    """Where a word's logit or probability is open: the way to why that word came out."""
    elsewhere = memory().page not in (OUTPUT, WHY) and view.request == memory().shown
    if elsewhere and name in ("head.logits", "head.probs") and "lstm" not in view.config.sides:
        row, word = index
        label = f"Why {bold(view.word(word))}?"
        st.button(
            label, key="why_number", type="tertiary", on_click=ask_why, args=(view, word, row)
        )


def formula_in_letters(view: View, name: str) -> None:
    """The formula in letters, and what each letter stands for."""
    kind = about(view.trace, name)
    st.latex(coloured(kind.latex))
    letters = letters_in(kind)
    st.caption(" · ".join(f"${letter}$ {plain(word)}" for letter, word in letters.items()))


def draw(key: str, parts: list[dict], start: str, shown: str, change=None) -> None:
    """The parts of the panel. start: where a walk from here begins; shown: what is folded or
    unfolded stays so until this changes. change: puts another number in the place of this one.
    """

    def all_or_few() -> None:
        name = parts[1]["name"]
        select_what_fits(operands=None if chosen("operands") == name else name)

    _draw(
        key=key,
        data={"parts": parts, "depth": depth(), "shown": shown},
        on_open_change=lambda: clicked(key, start),
        on_all_change=all_or_few,
        on_set_change=change,
    )


# --- another number in its place ------------------------------------------------------------------


def can_change(view: View, name: str) -> bool:
    """Whether a number can be another one in a what-if: it is recorded, and of the run that all
    pages show.
    """
    return view.request == memory().shown and name in view.trace.names


def change_number(view: View, cell: str) -> None:
    """Runs the model with the number that was typed in the place of this one; it stays open."""
    typed, (name, index) = sent.from_component("number", "set"), parse_cell(cell)
    if not is_number(typed) or not can_change(view, name):
        return
    before = trail()[:-1]
    written = f"{typed:.12g}".replace("e+", "e")  # a plus would begin another part
    part = f"set:{name}[{','.join(map(str, index))}]={written}"
    change = with_part(view.request.change, part)
    if change_run(view.request, view.request._replace(change=change)):
        open_after(before, cell)


def is_number(value) -> TypeGuard[float]:
    """Whether a browser sent a number; NaN, and what is past all bounds, is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def check_opened(view: View) -> None:
    """Closes an opened number that this trace does not have, and says why; it may come from the
    address.
    """
    if (cell := opened_cell()) is not None:
        try:
            explain(view.trace, *parse_cell(cell))
        except (KeyError, GlassError) as error:
            note(f"The number “{cell[:80]}” cannot be opened here. {error.args[0]}")
            close_number()
            if cell.startswith(f"{chosen('step')}:"):
                select(step=None)  # it went along with the number, and is none either
        if link_asks_for("walked"):
            open_after([each for each in trail()[:-1] if is_number_of(view, each)], cell)


def is_number_of(view: View, cell: str) -> bool:
    """Whether a trace has a number; its name may come from an address."""
    try:
        return bool(explain(view.trace, *parse_cell(cell)))
    except (KeyError, GlassError):
        return False


# --- the walk -------------------------------------------------------------------------------------


def spell_cell(name: str, index) -> str:
    """A cell as it stands in the address: encoder.0.attn.pattern:3,2,5."""
    return f"{name}:{','.join(str(int(i)) for i in index)}"


def parse_cell(cell: str) -> tuple[str, tuple[int, ...]]:
    """The inverse of `spell_cell`. Raises GlassError where it is not a name, a colon and whole
    numbers.
    """
    name, colon, index = cell[:200].rpartition(":")
    numbers = index.split(",")
    if not colon or not all(
        part.isascii() and part.isdigit() and len(part) < 9 for part in numbers
    ):
        raise GlassError("Write it as a step and an index, such as encoder.0.attn.pattern:3,2,5.")
    return name, tuple(map(int, numbers))


def opened_in(name: str) -> tuple[int, ...] | None:
    """The place of the opened number, if it is one of that step."""
    cell = opened_cell()
    return parse_cell(cell)[1] if cell and parse_cell(cell)[0] == name else None


def open_number(name: str, index) -> None:
    """Opens a number, such as a cell of a map that was clicked; the walk begins here."""
    show_number(spell_cell(name, index), [])


def walk_to(cell: str, start: str) -> None:
    """Goes on to an operand, or back to a number that was passed."""
    passed = trail() or [start]
    show_number(cell, passed[: passed.index(cell)] if cell in passed else passed)


def show_number(cell: str, before: list[str]) -> None:
    """Makes it the opened number; the page Every number goes along to its step."""
    name = cell.rpartition(":")[0]
    open_after(before, cell)
    if not name.startswith((WEIGHTS, GRAD)) and memory().page not in OF_TWO_RUNS:
        select(step=name)
    follow_step(chosen("step") or "")


def clicked(key: str, start: str) -> None:
    """A link in the panel was clicked. Whether there is such a number shows as it opens."""
    if isinstance(cell := sent.from_component(key, "open"), str) and fits("cell", cell):
        try:
            parse_cell(cell)
        except GlassError:
            return  # no link of ours is written like that
        walk_to(cell, start)


# --- what the panel shows -------------------------------------------------------------------------


def walk_heading(view: View, made, trail: list[str]) -> dict:
    """The walk so far, what the number is, and where it stands."""
    steps = [{"cell": cell, "text": short_cell(view, cell)} for cell in trail]
    steps = steps if len(steps) <= 6 else [steps[0], {"cell": None, "text": "…"}, *steps[-4:]]
    return {
        "part": "head",
        "trail": steps,
        "title": made.title,
        "term": term_of_step(parse(made.name)),
        "story": story_of(view, made) if depth() == "story" else "",
        "value": number(made.value),
        "hint": " ".join(filter(None, (hint(), not_the_effect(made.name)))),
        "where": where(view, made),
        "name": spell_cell(made.name, made.index),
        "canChange": can_change(view, made.name),
    }


def story_of(view: View, made) -> str:
    """What the number is. A learned one may be that of a model which went on to learn, or which had
    not learned to the end.
    """
    if not is_weight(view.trace, made.name) or not view.taught:
        return made.story
    end = number(trained_value(view, made))
    if "learn" in whatif.kinds(view.taught):
        return f"Training found {end} for this number. The lesson has moved it from there."
    return f"So it stood at that step of the training. In the end it is {end}."


def moved_by_lesson(view: View, made) -> str:
    """Where a lesson began and how far it moved a learned number, as a sum; empty for all else."""
    if not is_weight(view.trace, made.name) or "learn" not in whatif.kinds(view.taught):
        return ""
    before = trained_value(view, made)
    way = made.value - before
    sign = "−" if way < 0 else "+"
    return f"{operand(before)} {sign} {operand(abs(way))} = {number(made.value)}"


def trained_value(view: View, made) -> float:
    """A learned number as it stands in the model file."""
    weights = model_of(view.request.model).weights
    return float(weights[made.name.removeprefix(WEIGHTS)][made.index])


def hint() -> str:
    """How another number is opened, until one is."""
    if memory().page == EXERCISES and not opened_cell():
        return "The number that answers the question."
    return "" if opened_cell() else "One number of this page. Click any other to open it."


def not_the_effect(name: str) -> str:
    """What a part is, where the map of Why this word? shows what silence changes."""
    effects = memory().page == WHY and chosen("why_shows") == "effect"
    part = name.startswith(("head.logits.parts.", "head.logits.against."))
    return "This is its direct part, not the effect of its silence." if effects and part else ""


def where(view: View, made) -> str:
    """The place of a number in words: on its axes, in the model, and in which run, if that is not
    the usual one.
    """
    ref = parse(made.name.removeprefix(WEIGHTS))
    return "; ".join(
        (
            *run_words(view),
            *of_what(view),
            ", ".join(place_words(view, made.name, made.index)),
            *([f"layer {ref.layer}"] if ref and ref.layer is not None else []),
            *([MASKS[view.mask]] if view.mask != "trained" else []),
            *filter(None, [change_words(view)]),
        )
    )


def run_words(view: View) -> list[str]:
    """Which run it is, where a page shows more than one."""
    shown = memory().shown
    if memory().page in OF_TWO_RUNS:
        return [view.title]
    if shown is None or view.request._replace(gradients="") == shown:
        return []
    if view.sentence != shown.sentence:
        return [f"in “{short(view.sentence, 60)}”"]
    other = view.request.change or view.mask != "trained"
    return [] if other else ["before the change"]


def of_what(view: View) -> list[str]:
    """What a gradient is that of, where it is a logit or the difference of two."""
    words = [quoted(view.word(i)) for i in outcome_in(view.request.gradients)[1:]]
    return [f"gradient of {' − '.join(words)}"] if words else []


def operands(view: View, made) -> dict:
    """The formula with its numbers, the check, and the operands as links."""
    count, shown = longest(made.groups), chosen("operands") == made.name
    bits = view.trace[made.name].dtype.itemsize * 8 if made.name in view.trace else 32
    return {
        "part": "body",
        "name": made.name,
        "formula": moved_by_lesson(view, made) or made.formula,
        "check": recomputed(made, bits),
        "more": (
            "" if count <= SHOWN else "Hide the table" if shown else f"All {count:,} as a table"
        ),
        "count": sum(len(group.values_N) for group in made.groups),
        "first": FIRST,
        "groups": operand_lists(view, made.groups),
    }


def draw_lines(view: View, names: list[str]) -> None:
    """The lines of core/ that made some steps, on the page itself."""
    _draw(
        key=f"lines:{names}",
        data={"parts": [code_lines(view, names)], "depth": "code", "shown": "page"},
    )


def code_lines(view: View, names: list[str]) -> dict:
    """The lines of core/ that made the steps, as they stand in the file now, each function once,
    with the shapes of this run.
    """
    found: dict = {}
    for name in names:
        shapes = shapes_at(view.trace, name)
        for s in lines_that_made(view.trace, name):
            source = found.setdefault(
                (s.path, s.first),
                {
                    "path": s.path,
                    "function": s.function,
                    "first": s.first,
                    "lines": s.lines,
                    "marked": [],
                    "shapes": {},
                },
            )
            source["marked"] = sorted({*source["marked"], *s.highlighted})
            source["shapes"] |= {
                line: shape for (path, line), shape in shapes.items() if s.path == path
            }
    return {"part": "lines", "sources": list(found.values())}


def shapes_at(trace, name: str) -> dict:
    """The shapes of the steps at a step's place in the model: (file, line) -> "12 heads × 11 ×
    32".
    """
    if name not in trace.names:
        return {}
    puts = {other: trace.provenance(other) for other in trace.names}
    scope = name.removesuffix(puts[name].leaf)
    beside = [put for other, put in puts.items() if other.removesuffix(put.leaf) == scope]
    return {
        (source_path(each.file), each.line): " × ".join(
            f"{letter} {size}" for letter, size in zip(each.axes, each.shape, strict=True)
        )
        for each in beside
    }


def recomputed(made, bits: int) -> tuple[str, str]:
    """What the operands give again, in a few words and in full, beside what the trace holds in
    numbers of so many bits.
    """
    held = f"In the trace: {number(made.value, 9)}"
    if not made.groups:
        return "", f"{held}."
    if np.isnan(made.value):
        return "NaN", (
            f"NaN: an earlier value overflowed; it grew past what a {bits}-bit number can hold."
        )
    if made.edited:
        again = number(made.recomputed, 9)
        return "Edited", f"{held}, put here by an edit. Its operands would give {again}."
    difference = (
        f"Difference: {number(made.error, 1)}, from rounding to {bits} bits."
        if made.error
        else "They agree to the digit."
    )
    return (
        f"Recomputed: {number(made.recomputed)} ✓",
        f"From these operands: {number(made.recomputed, 9)}. {held}. {difference}",
    )


def operand_lists(view: View, groups: tuple[Group, ...]) -> list[dict]:
    """The operands as the component draws them: two long groups of one length are multiplied pair
    by pair.
    """
    groups = tuple(group for group in groups if len(group.values_N))  # a token alone has no others
    a, b = (*groups, None, None)[:2]
    paired = a is not None and b is not None and len(a.values_N) == len(b.values_N) > 1
    lists = (
        [(a, b), *((group,) for group in groups[2:])] if paired else [(group,) for group in groups]
    )
    sizes = [
        np.abs(terms_N[np.isfinite(terms_N)]).max(initial=0)
        for terms_N in map(operand_terms, lists)
    ]
    return [operand_list(view, factors, max(sizes) or 1.0) for factors in lists]


def operand_terms(factors: tuple[Group, ...]) -> np.ndarray:
    """The products of a list's factors, or what counts of its only group, (N,)."""
    if len(factors) == 1 and factors[0].parts_N is not None:
        return factors[0].parts_N
    return np.prod([group.values_N for group in factors], axis=0)


def operand_list(view: View, factors: tuple[Group, ...], largest: float) -> dict:
    """One list: the largest contributions first, each with its place, its value or product, and as
    a bar its share of the largest of all lists.
    """
    terms_N = operand_terms(factors)
    size_N = np.where(np.isfinite(terms_N), np.abs(terms_N), 0)
    rows = [
        {
            "label": row_label(view, factors, n),
            "product": number(float(terms_N[n])) if len(factors) > 1 else "",
            "share": float(np.copysign(size_N[n], terms_N[n]) / largest),
            "items": [
                {"cell": operand_cell(group, n), "text": number(float(group.values_N[n]))}
                for group in factors
            ],
        }
        for n in np.argsort(-size_N, kind="stable")[:SHOWN]
    ]
    places = [group_where(view, group, fixed_axes(group)) for group in factors]
    return {
        "title": " × ".join(group_title(view, group) for group in factors),
        "rows": rows,
        "where": "; ".join(filter(None, places)),
    }


def all_operands(view: View, groups: tuple[Group, ...], cell: str) -> None:
    """Every operand of the longest groups as a table, in order; of a whole vocabulary only the
    largest. All of them open.
    """
    long = [group for group in groups if len(group.values_N) == longest(groups)][:2]
    terms_N = operand_terms(tuple(long))
    order_N = np.sort(np.argsort(-np.abs(terms_N), kind="stable")[:MOST])
    if len(terms_N) > MOST:
        st.caption(f"The largest {MOST:,} of {len(terms_N):,}:")
    columns = {f"{group.role}": group.values_N[order_N] for group in long}
    columns |= {"product": terms_N[order_N]} if len(long) == 2 else {}

    def opened(row: int, column: int) -> None:
        if (
            row < len(order_N)
            and column < len(long)
            and (operand := operand_cell(long[column], order_N[row]))
        ):
            walk_to(operand, cell)

    table(
        columns,
        [row_label(view, tuple(long[:1]), n) for n in order_N],
        key="all-operands",  # "operands" is a choice, whose text would hide the clicks
        on_cell=opened,
        corner="",
    )


def longest(groups: tuple[Group, ...]) -> int:
    """How many operands the largest group has."""
    return max((len(group.values_N) for group in groups), default=0)


# --- places in words ------------------------------------------------------------------------------


def place_words(view: View, name: str, index, roles: bool = True, but=()) -> list[str]:
    """Where a cell stands, axis by axis: “head 3”, “book” (2) looks. roles: say who looks and who
    is looked at; but: axes that are left out.
    """
    name = name.removeprefix(GRAD)  # a gradient stands where its number stands
    if is_weight(view.trace, name):
        if name.endswith(("embed.token.weight", "head.logits.weight", "lstm.embed.weight")):
            words = [f"“{view.word(index[0])}” (row {index[0]})", f"column {index[1]}"]
        else:
            axes = ("row", "column") if len(index) > 1 else ("number",)
            words = [f"{axis} {i}" for axis, i in zip(axes, index, strict=False)]
        return [word for axis, word in enumerate(words) if axis not in but]
    return [
        axis_label(view, name, letter, i, roles)
        for axis, (letter, i) in enumerate(zip(view.trace.axes(name), index, strict=True))
        if axis not in but
    ]


def axis_label(view: View, name: str, letter: str, i: int, roles: bool) -> str:
    """One axis of a cell in words."""
    if letter == "V":
        return f"“{view.word(i)}” (word {i} of the vocabulary)"
    if letter in "LMR":
        across = roles and "M" in view.trace.axes(name)
        ends = name.startswith("task.")
        words = (" starts it", " ends it") if ends else (" looks", " is looked at")
        role = dict(zip("LM", words, strict=True)).get(letter, "") if across else ""
        position = int(view.trace.rows[i]) if letter == "R" or ref_of(name).side == "head" else i
        return f"“{view.tokens(view.side_of(name, letter))[position]}” ({position}){role}"
    if letter in "IJ":
        return (
            f"“{word_labels(view, name)[i]}” ({i})"
            + (" looks" if letter == "I" else " is looked at") * roles
        )
    if letter == "O":
        return f"role “{ROLES[i]}”"
    if letter == "C" and name.startswith("task."):
        return f"label “{view.config.task.labels[i]}”"
    if letter in "XY" and name in view.trace:
        return in_words(source_names(view.trace, ref_of(name))[letter][i])
    return f"dimension {i} of the head" if letter == "K" else f"{axis_words(letter)} {i}"


def fixed_axes(group: Group) -> list[int]:
    """The axes on which all operands of a group stand at one place."""
    return [axis for axis, i_N in enumerate(group.indices_NI.T) if (i_N == i_N[0]).all()]


def row_label(view: View, factors: tuple[Group, ...], n: int) -> str:
    """What sets one operand apart from the others of its group."""
    for group in factors:
        if group.name:
            place, fixed = group.indices_NI[n], fixed_axes(group)
            words = [
                word.removesuffix(" of the head")
                for word in place_words(view, group.name, place, roles=False, but=fixed)
            ]
            return ", ".join(words) or group.role
    return factors[0].role


def group_title(view: View, group: Group | Operands) -> str:
    """The role of the operands in the formula and what they are."""
    title = about(view.trace, group.name).title.lower() if group.name else ""
    return (
        group.role
        if title in ("", group.role, group.role.removesuffix("s"))
        else (f"{group.role}: {title}")
    )


def group_where(view: View, group: Group, fixed: list[int]) -> str:
    """What all operands of a group have in common."""
    if group.name is None:
        return ""
    words = place_words(view, group.name, group.indices_NI[0])
    return ", ".join([group.name.removeprefix(WEIGHTS), *(words[axis] for axis in fixed)])


def operand_cell(group: Group, n: int) -> str | None:
    """The address of an operand; None for a constant of the equation."""
    return spell_cell(group.name, group.indices_NI[n]) if group.name else None


def short_cell(view: View, cell: str) -> str:
    """A cell in the walk: what it is, and its place."""
    name, _, index = cell.rpartition(":")
    return f"{about(view.trace, name).title} [{index.replace(',', ', ')}]"
