"""The line over every figure: the tokens, layer and head, the mask, and how deep to look.

It answers a click itself, at once; the page follows from here.
"""

from __future__ import annotations

from functools import partial

from core.step_ref import parse
from ui.kit.component_loader import component
from ui.kit.token_words import token_row
from ui.session import sent
from ui.session.actions import close_number, select_token
from ui.session.selection import DEPTHS, MASKS, SIDES, chosen, fits, select
from ui.session.view import View

KEY = "place"
SHORT_MASKS = {  # as they stand on the line
    "trained": "As trained",
    "encoder": "Encoder",
    "decoder": "Decoder",
    "others": "Not itself",
    "own": "Own mask",
}
_draw = component("place", 'class="root" role="group" aria-label="What is looked at"')


def place_line(view: View, frame: dict, tokens: bool, side: str = "", alone: bool = False) -> None:
    """Draws the line. frame: what is said below a picture that is saved; tokens: with the tokens;
    side: the only side that the page is about; alone: the depth alone, where the page shows another
    run than this one.
    """
    sides = view.config.sides if tokens and not alone else ()
    _draw(
        key=KEY,
        data={
            "frame": [frame],  # within a list, as every record: see component_loader.light
            "tokens": [token_row(view, each) for each in sides],
            "steppers": [] if alone else steppers(view),
            "choices": choices(view, side)[-1:] if alone else choices(view, side),
        },
        on_token_change=partial(follow_token, view),
        on_step_change=partial(follow_stepper, view),
        on_choice_change=partial(follow_choice, view),
    )


def steppers(view: View) -> list[dict]:
    """Layer and head, where there are several."""
    sizes = {
        "layer": (view.layer, view.config.layers(view.side)),
        "head": (view.head, view.config.n_heads),
    }
    return [
        {"name": name, "title": name.capitalize(), "value": value, "count": count}
        for name, (value, count) in sizes.items()
        if count > 1
    ]


def choices(view: View, only_side: str) -> list[dict]:
    """The choices between a few names: side, mask, depth."""
    found = []
    if view.config.crosses and not only_side:
        sides = {side: side.capitalize() for side in SIDES}
        found.append(choice("side", "Look at", view.side, sides))
    found.append(choice("mask", "Mask", *mask_choice(view)))
    found.append(choice("depth", "How deep", chosen("depth"), DEPTHS))
    return found


def choice(name: str, title: str, value: str, options: dict[str, str]) -> dict:
    """A choice as it travels to the browser."""
    hints = MASKS if name == "mask" else {}
    return {
        "name": name,
        "title": title,
        "value": value,
        "options": [
            {"value": option, "text": text, "hint": hints.get(option, "")}
            for option, text in options.items()
        ],
    }


def mask_choice(view: View) -> tuple[str, dict[str, str]]:
    """The mask that is in use, and those that are one click away. A model of one stack was trained
    as an encoder or as a decoder: the mask of its training is one of those two.
    """
    if view.config.crosses:
        names, value = ["trained", "encoder", "decoder"], view.mask
    else:
        names, value = ["encoder", "decoder"], trained_name(view)
    if value not in names:
        names.append(value)
    return value, {name: SHORT_MASKS[name] for name in names}


def trained_name(view: View) -> str:
    """The mask of a model of one stack: the mask of its training goes by its own name."""
    return view.config.sides[0] if view.mask == "trained" else view.mask


# --- what a click does ----------------------------------------------------------------------------


def follow_token(view: View) -> None:
    """The token that was clicked becomes the chosen one."""
    sizes = {side: len(view.tokens(side)) for side in view.config.sides}
    clicked = sent.from_component(KEY, "token")
    if isinstance(clicked, list) and len(clicked) == 2 and clicked[0] in sizes:
        if sent.whole(clicked[1], sizes[clicked[0]]):
            select_token(clicked[1], side=clicked[0])


def follow_stepper(view: View) -> None:
    """Another layer or head is looked at."""
    clicked = sent.from_component(KEY, "step")
    if not isinstance(clicked, list) or len(clicked) != 2:
        return
    name, value = clicked
    for stepper in steppers(view):
        if stepper["name"] == name and sent.whole(value, stepper["count"]):
            select(**{name: value})
            follow_layer()


def follow_layer() -> None:
    """The step of the page Every number moves to the new layer, too."""
    ref, layer = parse(chosen("step") or ""), chosen("layer")
    if ref and ref.layer is not None and ref.layer != layer and fits("layer", layer):
        select(step=str(ref.with_layer(layer)))
    close_number()


def follow_choice(view: View) -> None:
    """Another side, mask or depth. The mask of the training is chosen by that name, so that another
    model comes with its own.
    """
    clicked = sent.from_component(KEY, "choice")
    if not isinstance(clicked, list) or len(clicked) != 2:
        return
    name, value = clicked
    options = {"side": SIDES, "mask": MASKS, "depth": DEPTHS}
    if name in options and isinstance(value, str) and value in options[name]:
        if name == "side":
            select(side=value, token=None)
        trained = name == "mask" and (value,) == view.config.sides
        select(**{name: "trained" if trained else value})
        if name != "depth":
            close_number()
