"""The list of changes, each of which can be removed, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core import whatif
from ui.kit.what_if_words import name_at, words_of
from ui.session.actions import show_alone
from ui.session.memory import memory
from ui.session.runs import RunRequest
from ui.session.selection import MASKS
from ui.session.view import View
from ui.text import plain

MOST_CELLS = 8  # of a mask that are named one by one


@dataclass(frozen=True)
class Change:
    """A change in words, and the run without it."""

    words: str
    without: RunRequest


def changes_of(view: View) -> list[Change]:
    """All changes of the run that is shown, in the order in which they stand in the link."""
    return [*part_changes(view), *mask_changes(view)]


def part_changes(view: View) -> list[Change]:
    """Those of the what-if."""
    request, found = view.request, []
    for name, detail in whatif.parts(request.change):
        part = f"{name}:{detail}" if detail else name
        without = request._replace(change=whatif.without(request.change, part))
        found.append(Change(words_of(view, name, detail), without))
    return found


def mask_changes(view: View) -> list[Change]:
    """Those of the mask: cell by cell where these are few."""
    name, _, text = view.request.mask.partition(":")
    trained = view.request._replace(mask="trained")
    if name == "trained" or (name,) == view.config.sides:
        return []
    if name != "own":
        return [Change(f"mask: {MASKS[name]}", trained)]
    begun, cells = whatif.begun_from(text)
    listed = [cell for cell in cells.split(",") if cell]
    found = [Change(f"mask begun as: {MASKS[begun]}", trained)] if begun != "trained" else []
    if len(listed) > MOST_CELLS:
        return [Change(f"a mask of your own: {len(listed)} cells", trained)]
    return found + [
        Change(cell_words(view, cell), view.request._replace(mask=toggled(view.request.mask, cell)))
        for cell in listed
    ]


def toggled(mask: str, cell: str) -> str:
    """The mask with one cell, such as d5-1, changed, or changed back."""
    name, _, text = mask.partition(":")
    begun, cells = whatif.begun_from(text) if name == "own" else (name, "")
    listed = [each for each in cells.split(",") if each]
    listed = [each for each in listed if each != cell] if cell in listed else [*listed, cell]
    start = [] if begun == "trained" else [begun]
    if not listed:
        return begun
    return f"own:{','.join([*start, *listed])}"


def cell_words(view: View, cell: str) -> str:
    """A cell of a mask in words, as it is in this run."""
    ((stack, row, column),) = whatif.cells_of(cell)
    side = "decoder" if stack == "cross" else stack
    other = "encoder" if stack == "cross" else stack
    sees = view.trace[f"{side}.0.{'cross' if stack == 'cross' else 'attn'}.mask"][row, column]
    one, two = name_at(view, side, row), name_at(view, other, column)
    return f"{one} {'sees' if sees else 'does not see'} {two}"


# --- on the page ----------------------------------------------------------------------------------


def draw(both) -> None:
    """The changes, each with a cross; below, why the last one could not be made."""
    found = changes_of(both.after)
    if found:
        with st.container(key="lab-changes", horizontal=True, gap="small"):
            for n, change in enumerate(found):
                st.button(
                    f"{plain(change.words)} ✕",
                    key=f"lab_remove_{n}",
                    on_click=show_alone,
                    args=(change.without,),
                    help="Remove this change.",
                )
            st.button("Undo last", key="lab_undo", on_click=undo, args=(both.after,))
            if len(found) > 1:
                st.button(
                    "Restore the original model",
                    key="lab_restore",
                    on_click=show_alone,
                    args=(both.before.request,),
                )
    say_refused()


def say_refused() -> None:
    """Why the change that was asked for last can't be made; once."""
    if memory().refused:
        st.warning(plain(memory().refused))
        memory().refused = ""


def undo(view: View) -> None:
    """Takes back what the last click did; of a link, the last change in it."""
    made = memory().changes_made
    while made:
        after, before = made.pop()
        if after == view.request:
            show_alone(before)
            return
    show_alone(changes_of(view)[-1].without)
