"""What a click does beyond its own choice: what else it changes, and what it ends."""

from __future__ import annotations

from core import whatif
from core.errors import GlassError
from core.step_ref import parse
from ui.session.memory import arrived_at, forget_comparison, memory, texts_chosen
from ui.session.navigation import EVERY_NUMBER
from ui.session.runs import RunRequest, why_not
from ui.session.selection import chosen, fits, select, select_what_fits


def close_number() -> None:
    """Closes the number that was opened: it belonged to what was looked at before."""
    select(cell=None, walked="")


def start_new_text() -> None:
    """After a change of what is read: positions in the old text mean nothing in the new one, nor
    does a mask drawn on it, nor a comparison with the run before. What the model was taught stays.
    """
    forget_comparison()
    select(token=None, mask_cells="", change=whatif.lasting(chosen("change")))
    if chosen("mask") == "own":
        select(mask="trained")
    close_number()


def start_typed_text() -> None:
    """The same after the reader gave the page something to read. Whoever only clicked a button has
    just acted, and is not asked to guess.
    """
    start_new_text()
    arrived_at(chosen("model"), texts_chosen())


def start_new_model() -> None:
    """Another model cuts the text otherwise: the word that was looked at is found again by its
    letters.
    """
    memory().word_to_find = memory().word
    select(change="")
    start_typed_text()


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


def change_run(before: RunRequest, after: RunRequest) -> bool:
    """Shows a run with another change, if there is one; else says why not, and nothing is lost."""
    memory().refused = too_long(after) or why_not(after)
    if memory().refused:
        return False
    memory().changes_made.append((after, before))
    show_alone(after)
    return True


def show_alone(request: RunRequest) -> None:
    """Shows another run; no cells of a mask stay behind that it does not have."""
    show_run(request)
    if not request.mask.startswith("own:"):
        select(mask_cells="")


def too_long(request: RunRequest) -> str:
    """What is said of more changes than a link can hold."""
    try:
        whatif.parts(request.change)
    except GlassError as error:
        return str(error.args[0])
    _, _, cells = request.mask.partition(":")
    fitting = fits("change", request.change) and fits("mask_cells", cells)
    return "" if fitting else "That is more than a link can hold. Remove a change first."


def with_part(change: str, part: str) -> str:
    """A what-if with one more part. One that gives the same place another value, or the model other
    weights, takes the place of the part before it.
    """
    place, equals, _ = part.partition("=")
    same = [each for each in change.split("+") if equals and each.partition("=")[0] == place]
    if whatif.lasting(part):
        same = list(whatif.OTHER_WEIGHTS)
    return whatif.also(whatif.without(change, *same, part), part)


def follow_step(step: str) -> None:
    """Where a step is looked at by its name, side and layer in the side bar go along with it."""
    ref = parse(step)
    if memory().page == EVERY_NUMBER and ref and ref.layer is not None:
        select(side=ref.side, layer=ref.layer)
