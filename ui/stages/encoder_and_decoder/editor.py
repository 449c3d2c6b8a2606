"""The mask drawn by hand: a map in which a click blocks or allows a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core import masks, whatif
from core.forward_pass import as_trained
from core.text import counted
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, cell_map
from ui.session.actions import show_run
from ui.session.memory import memory
from ui.session.selection import LONGEST_TEXT, select
from ui.session.view import View
from ui.stages.encoder_and_decoder.visibility import pattern_under
from ui.text import plain, quoted

STARTS = {"encoder": "As an encoder", "decoder": "As a decoder", "others": "All but itself"}


@dataclass(frozen=True)
class DrawnMask:
    """A mask that the reader draws: of one attention, and of the text alone, without padding."""

    view: View  # the run under it
    stack: str  # "encoder", "decoder", or "cross"
    grid: str  # the mask it was begun from, if not the trained one, and what differs
    begun_LM: np.ndarray  # that mask
    now_LM: np.ndarray

    @property
    def step(self) -> str:
        return self.view.at("cross.mask" if self.stack == "cross" else "attn.mask")

    def names(self, axis: int) -> list[str]:
        """The tokens that look (0), or that are looked at (1)."""
        return self.view.names_of("encoder" if self.stack == "cross" and axis else self.view.side)


def draw_mask(view: View) -> None:
    """The mask drawn by hand, to be drawn on, and the chosen head under it."""
    render_depth(
        view,
        "Each row is a token that looks, each column a token it may look at. **Click a cell** to"
        " block or allow it (or use the arrow keys and Enter). You start from the current mask. The"
        " model then runs under yours in all layers and heads, and every page shows that run until"
        f" you choose another mask.{window_text(view)}",
        (view.at("attn.mask"), (view.token, view.token)),
    )
    drawing = mask_begun(view, stack_controls(view))
    mask_buttons(drawing)
    mask_maps(drawing)
    if len(drawing.grid) > LONGEST_TEXT:
        st.caption(
            "This mask has too many cells for a link: the address of this page will not hold it."
        )


def say_what_happened() -> None:
    """What the last click on a mask could not do."""
    if message := memory().mask_message:
        st.warning(plain(message))
        memory().mask_message = ""


def mask_maps(drawing: DrawnMask) -> None:
    """The mask, to be clicked, and the chosen head's weights under it."""
    view = drawing.view
    left, right = st.columns(2, gap="large")
    with left:
        cell_map(
            view,
            drawing.step,
            ALL,
            ALL,
            title="Your mask: click to block or allow",
            chosen=view.token,
            key="own",
            on_cell=lambda row, column: flip_cell(drawing, row, column),
        )
    with right:
        weights = drawing.step.replace(".mask", ".pattern")
        pattern_under(view, f"Head {view.head} under your mask", limit=1, key="drawn", name=weights)


def stack_controls(view: View) -> str:
    """Which attention is drawn on: that of the side that is looked at, or, from a decoder, the one
    across to the encoder.
    """
    if view.side != "decoder" or not view.config.crosses:
        return view.side
    return st.segmented_control(
        "Which attention",
        ["decoder", "cross"],
        required=True,
        key="masking_stack",
        format_func={
            "decoder": "Among the decoder’s tokens",
            "cross": "Across, to the encoder’s",
        }.get,
    )


def mask_begun(view: View, stack: str) -> DrawnMask:
    """The mask of the run that is shown: a drawing goes on; any other mask begins a new one."""
    name, _, grid = view.request.mask.partition(":")
    name = "trained" if (name,) == view.config.sides else name
    grid = {"own": grid, "trained": ""}.get(name, name)
    size, (begun, _) = real_size(view, stack), whatif.begun_from(grid)
    trained, _ = as_trained(view.config, dict.fromkeys(view.config.sides, 1))[stack]
    begun_LM = masks.build_mask(trained if begun == "trained" or stack == "cross" else begun, *size)
    now_LM = asked_mask(view, stack)
    return DrawnMask(view, stack, grid, begun_LM, now_LM[: size[0], : size[1]])


def asked_mask(view: View, stack: str) -> np.ndarray:
    """The mask that this run was asked for: a layer’s window hides more, whatever is drawn."""
    if stack == "cross" or view.config.window(view.layer) is None:
        return view.trace[view.at("cross.mask" if stack == "cross" else "attn.mask")]
    sizes = {side: len(view.tokens(side)) for side in view.config.sides}
    hidden = int(dict(whatif.parts(view.request.change)).get("pad") or 0)
    return whatif.masks_of(view.config, sizes, view.request.mask, hidden)[stack]


def window_text(view: View) -> str:
    """That a layer looks only so far, whatever the mask says."""
    window = view.config.window(view.layer)
    if window is None:
        return ""
    return f" Layer {view.layer} also hides what is more than {counted(window, 'token')} away."


def real_size(view: View, stack: str) -> tuple[int, int]:
    """How many tokens of the text look, and are looked at: padding after the first text is not
    drawn on.
    """
    asked, first = dict(whatif.parts(view.request.change)), view.config.sides[0]
    added = int(asked.get("pad") or asked.get("open-pad") or 0)
    count = {
        side: len(view.tokens(side)) - (added if side == first else 0) for side in view.config.sides
    }
    return (
        (count["decoder"], count["encoder"]) if stack == "cross" else (count[stack], count[stack])
    )


def mask_buttons(drawing: DrawnMask) -> None:
    """Masks to begin with, one token hidden from all, and back to the start."""
    row, size = st.container(horizontal=True), drawing.now_LM.shape
    for name in STARTS if drawing.stack != "cross" else ():
        row.button(
            STARTS[name],
            key=f"masking_{name}",
            on_click=show_mask,
            args=(drawing, masks.NAMED[name](*size)),
        )
    token = drawing.view.token
    if drawing.stack != "cross" and token < size[1]:
        hide = bool((drawing.now_LM[:, token] & (drawing.now_LM.sum(axis=1) > 1)).any())
        label = plain(quoted(drawing.names(1)[token]))
        row.button(
            f"Block {label} for all" if hide else f"Show {label} to all",
            key="masking_column",
            on_click=set_column,
            args=(drawing, token, not hide),
            help="The token chosen above.",
        )
    row.button(
        "Clear",
        key="masking_clear",
        on_click=clear_mask,
        args=(drawing,),
        disabled=drawing.view.mask == "trained",
    )


def flip_cell(drawing: DrawnMask, row: int, column: int) -> None:
    """Blocks a cell, or allows it."""
    rows, columns = drawing.now_LM.shape
    if row >= rows or column >= columns:
        memory().mask_message = (
            "You cannot draw on padding: the card about padding sets whether it is seen."
        )
        return
    wanted_LM = drawing.now_LM.copy()
    wanted_LM[row, column] ^= True
    show_mask(drawing, wanted_LM)


def set_column(drawing: DrawnMask, token: int, seen: bool) -> None:
    """Blocks a token for all, or shows it to all."""
    wanted_LM = drawing.now_LM.copy()
    wanted_LM[:, token] = seen
    show_mask(drawing, wanted_LM)


def show_mask(drawing: DrawnMask, wanted_LM) -> None:
    """Makes it the mask that all pages show. A row that would have nothing left to see stays as it
    was.
    """
    empty = np.flatnonzero(~wanted_LM.any(axis=1))
    if len(empty):
        wanted_LM = np.where(wanted_LM.any(axis=1)[:, None], wanted_LM, drawing.now_LM)
        memory().mask_message = (
            f"“{drawing.names(0)[empty[0]]}” ({empty[0]}) would have nothing left to look at, so"
            " softmax would have no scores to share out. Its row stays as it was."
        )
    show_run(
        drawing.view.request._replace(
            mask=f"own:{whatif.drawn(drawing.grid, drawing.stack, drawing.begun_LM, wanted_LM)}"
        )
    )


def clear_mask(drawing: DrawnMask) -> None:
    """Back to the mask that the model was trained with."""
    show_run(drawing.view.request._replace(mask="trained"))
    select(mask_cells="")
