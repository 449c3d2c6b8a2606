"""What a click does beyond its own choice: what else it changes, and what it ends."""

from __future__ import annotations

from core.step_ref import parse
from ui.session.memory import forget_comparison, memory
from ui.session.navigation import EVERY_NUMBER
from ui.session.runs import RunRequest
from ui.session.selection import chosen, select, select_what_fits


def close_number() -> None:
    """Closes the number that was opened: it belonged to what was looked at before."""
    select(cell=None)
    memory().trail = []


def start_new_text() -> None:
    """After a change of what is read: positions in the old text mean nothing in the new one, nor
    does a mask drawn on it, nor a comparison with the run before.
    """
    forget_comparison()
    select(token=None, mask_cells="", change="")
    if chosen("mask") == "own":
        select(mask="trained")
    close_number()


def start_new_model() -> None:
    """Another model cuts the text otherwise: the word that was looked at is found again by its
    letters.
    """
    memory().word_to_find = memory().word
    start_new_text()


def switch_model(model: str, **changes) -> None:
    """Another model reads the same sentence."""
    select(model=model, **changes)
    start_new_model()


def select_token(position: int, **changes) -> None:
    """Another token is looked at, or the first one of a word."""
    select(token=position, **changes)
    close_number()


def select_head(layer: int, head: int, **changes) -> None:
    """Another head is looked at."""
    select(layer=layer, head=head, **changes)
    close_number()


def show_run(request: RunRequest) -> None:
    """Makes another run the one that all pages show: its numbers open."""
    mask, _, cells = request.mask.partition(":")
    drawn = {"mask_cells": cells} if mask == "own" else {}
    select_what_fits(mask=mask, change=request.change, **drawn)
    close_number()  # it belonged to the run before; what opens one in this run does so afterwards


def follow_step(step: str) -> None:
    """Where a step is looked at by its name, side and layer in the side bar go along with it."""
    ref = parse(step)
    if memory().page == EVERY_NUMBER and ref and ref.layer is not None:
        select(side=ref.side, layer=ref.layer)
