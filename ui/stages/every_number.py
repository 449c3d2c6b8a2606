"""Every step of the trace by its name, and of a large step the part that fits on a map."""

from __future__ import annotations

import streamlit as st

from core.step_ref import StepRef, parse, ref_of
from core.steps import about, computed_after
from core.steps.letters import axis_words
from ui.kit.component_loader import component
from ui.kit.explanation_panel import opened_in, parse_cell
from ui.kit.run_files import step_file
from ui.kit.section import render_depth
from ui.kit.step_charts import axis_title, largest
from ui.kit.theme import SUBLAYERS
from ui.session import sent
from ui.session.actions import close_number, follow_step
from ui.session.memory import memory
from ui.session.selection import chosen, opened_cell, select
from ui.session.settling import settle
from ui.session.steady import recall, steady
from ui.session.view import View

KEY = "steps-outline"
_outline = component(
    "outline", 'class="root" role="navigation" aria-label="All steps, part by part"'
)
MOST = {"part_rows": 64, "part_columns": 128}  # the largest map that is drawn at once


STAGES = {"head": "Output", "pooler": "Pooler", "lstm": "LSTM"}


def question(names: list[str]) -> str:
    """What the page answers."""
    return f"Which of {len(names):,} steps?"


def step_controls(view: View, names: list[str]) -> str:
    """The step that is looked at, found by typing part of its name."""
    settle_step(view, names)
    st.selectbox(
        "Step: type part of its name to search",
        names,
        key="step",
        on_change=start_step,
        format_func=lambda name: label_of(view, name),
        persist_state="session",
        label_visibility="collapsed",
    )
    return chosen("step")


def step_buttons(names: list[str]) -> None:
    """The step before, and the one after."""
    index, row = names.index(chosen("step")), st.container(horizontal=True)
    before, after = names[index - 1], names[(index + 1) % len(names)]
    step_button(row, "← Step before", "step_before", before, index == 0, before)
    step_button(row, "Next step →", "step_after", after, index + 1 == len(names), after)


def settle_step(view: View, names: list[str]) -> None:
    """Settles which step is looked at: the chosen one, else that of the opened number."""
    opened = opened_cell()
    recall("step", names)
    if chosen("step") is None and opened:
        select(step=parse_cell(opened)[0])  # one that is not in the list is left at once
    settle("step", view.at("attn.pattern"), names)
    steady("step", names, lambda name: label_of(view, name), chosen("step"))


def step_button(row, label: str, key: str, step: str, disabled: bool, help: str) -> None:
    """A button that goes to a step."""
    row.button(label, key=key, on_click=select_step, args=(step,), disabled=disabled, help=help)


def steps_of(view: View) -> list[str]:
    """The steps in the order they ran, each derived value after the step that it belongs to."""
    return [
        each
        for name in view.trace.names
        for each in (name, *map(str, computed_after(view.config, parse(name))))
    ]


# --- the outline ----------------------------------------------------------------------------------


def outline(view: View, names: list[str]) -> None:
    """The parts of the model in the order in which they run; of the part of the chosen step all
    steps in words. A click goes to one.
    """

    def clicked() -> None:
        if sent.whole(at := sent.from_component(KEY, "step"), len(names)):
            select_step(names[at])

    _outline(key=KEY, data=outline_data(view, names), on_step_change=clicked)


def outline_data(view: View, names: list[str]) -> dict:
    """The outline as it travels to the browser: steps are numbered as in the list of names."""
    refs = [ref_of(name) for name in names]
    at = names.index(chosen("step"))
    stages: dict[str, list[int]] = {}
    for i, ref in enumerate(refs):
        stages.setdefault(stage_of(view, ref), []).append(i)
    return {
        "chosen": at,
        "stages": [
            {"title": title, "at": same_step(refs, at, steps)}
            | ({"parts": parts_of(view, refs, steps)} if at in steps else {})
            for title, steps in stages.items()
        ],
    }


def stage_of(view: View, ref: StepRef) -> str:
    """The part of the road that a step belongs to, in words."""
    place = ref.place
    if place in STAGES:
        return STAGES[place]
    of = f" of the {ref.side}" if len(view.config.sides) > 1 else ""
    if ref.layer is not None:
        return f"Layer {ref.layer}{of}"
    return f"Embedding{of}" if place == "embed" else f"After the last layer{of}"


def same_step(refs: list[StepRef], at: int, steps: list[int]) -> int:
    """Where another part of the road is entered: at the same step as the chosen one, as far as it
    has that, else at its first.
    """
    chosen = refs[at].sublayer, refs[at].leaf
    return next((i for i in steps if (refs[i].sublayer, refs[i].leaf) == chosen), steps[0])


def parts_of(view: View, refs: list[StepRef], steps: list[int]) -> list[dict]:
    """The steps of one part of the road, sublayer by sublayer, and the norm of each by itself."""
    parts: dict[str, list[dict]] = {}
    for i in steps:
        ref, title = refs[i], about(view.trace, str(refs[i])).title
        parts.setdefault(part_title(ref), []).append(
            {"title": title, "name": str(ref), "at": i, "derived": is_derived(view, ref)}
        )
    return [{"title": title, "steps": found} for title, found in parts.items()]


def part_title(ref: StepRef) -> str:
    """The sublayer of a step; the norm is a part of its own."""
    sublayer = SUBLAYERS.get(ref.sublayer, "")
    if ref.leaf.startswith("norm."):
        return f"Norm of {sublayer[:1].lower()}{sublayer[1:]}" if sublayer else "Norm"
    return sublayer


def is_derived(view: View, ref: StepRef) -> bool:
    """Whether a step is read out of another one, after which it is listed."""
    return about(view.trace, str(ref)).compute is not None


# --- the list -------------------------------------------------------------------------------------


def label_of(view: View, name: str) -> str:
    """A step in the list: its name, what it is, and its layer in words, so that each of them can be
    searched for.
    """
    ref, title = parse(name), about(view.trace, name).title
    layer = f" · layer {ref.layer}" if ref and ref.layer is not None else ""
    return f"{name} · {title}{layer}"


def select_step(name: str) -> None:
    """Another step is looked at."""
    select(step=name)
    start_step()


def start_step() -> None:
    """The layer that is looked at follows the step."""
    follow_step(chosen("step") or "")
    select(part_rows=0, part_columns=0)
    close_number()


def window_controls(view: View, name: str) -> tuple:
    """The part of a step that is drawn: heads as opened or chosen, of a long axis a stretch that
    moves.
    """
    axes, shape, opened = view.trace.axes(name), view.trace.shape(name), opened_in(name)
    heads = {"H": view.head, "G": view.key_head} if len(shape) > 2 else {}
    last = max(axis for axis, letter in enumerate(axes) if letter not in heads)
    window = []
    for axis, letter in enumerate(axes):
        index = opened[axis] if opened else None
        if letter in heads:
            window.append(heads[letter] if index is None else index)
        else:
            key = "part_columns" if axis == last else "part_rows"
            window.append(stretch_controls(letter, shape[axis], key, index))
    return tuple(window)


def stretch_controls(letter: str, size: int, key: str, opened: int | None) -> slice:
    """A slice of an axis, and a slider that moves it where not all of it fits; it goes along with
    the opened number.
    """
    most = MOST[key]
    if size <= most:
        return slice(None)
    settle(key, 0, range(0, size, most))
    if opened is not None and memory().part_opened.get(key) != opened_cell():
        select(**{key: opened // most * most})
        memory().part_opened[key] = opened_cell()
    start = st.select_slider(
        f"{axis_words(letter).capitalize()}",
        range(0, size, most),
        key=key,
        format_func=lambda first: f"{first} to {min(first + most, size) - 1}",
    )
    return slice(start, min(start + most, size))


def shape_words(view: View, name: str, index: tuple) -> str:
    """The axes of a step in words, and which part of it is drawn."""
    axes, shape = view.trace.axes(name), view.trace.shape(name)
    at = steps_of(view).index(name) + 1
    drawn = [
        f"{axis_words(letter)} {part}"
        for letter, part in zip(axes, index, strict=True)
        if not isinstance(part, slice)
    ]
    sizes = " × ".join(
        f"{size:,} ({axis_title(view, name, axis)})" for axis, size in enumerate(shape)
    )
    shown = f" The map shows {', '.join(drawn)}." if drawn else ""
    return f"Step {at}, in the order they ran: {sizes}.{shown}"


def step_words(view: View, name: str, index: tuple, first: tuple[str, tuple[int, ...]]) -> None:
    """What the step is, at the chosen depth, and its axes."""
    kind = about(view.trace, name)
    render_depth(
        view, f"**{kind.title}.** {kind.story} Click a cell to see how it was made.", first
    )
    st.caption(shape_words(view, name, index))
    step_file(view, name)


def largest_cell(view: View, name: str, index: tuple) -> tuple[str, tuple[int, ...]]:
    """The number of the drawn part that is furthest from zero, of the chosen token if it is in it:
    what is explained before another one is clicked.
    """
    axis = view.trace.axes(name).find("L")
    if (
        axis >= 0
        and isinstance(index[axis], slice)
        and view.side_of(name, "L") == view.side
        and not name.startswith("head.")
        and view.token in range(view.trace.shape(name)[axis])[index[axis]]
    ):
        index = (*index[:axis], view.token, *index[axis + 1 :])
    return largest(view, name, *index)
