"""What the chosen head gave, token by token that it read."""

from __future__ import annotations

import numpy as np

from core.text import number, percent
from ui.kit.charts import clickable_bars
from ui.kit.explanation_panel import open_number
from ui.kit.section import render_depth
from ui.session.selection import chosen, select
from ui.stages.why.asked import Asked
from ui.text import bold


def step_of(asked: Asked) -> str:
    """The head's part by token, by name."""
    return f"{asked.path}.pattern.{asked.of_row(asked.view.head, asked.row)}"


def key_of(asked: Asked) -> int:
    """The token that is read: the chosen one, or the one that gave most."""
    at, parts_M = chosen("why_key"), asked.view.trace[step_of(asked)]
    return at if at is not None and at < len(parts_M) else int(np.abs(parts_M).argmax())


def draw(asked: Asked) -> None:
    """A bar for each token; a click opens it, and the next card asks about it."""
    step, names = step_of(asked), asked.view.names_of(asked.seen_side)
    parts_M = asked.view.trace[step]

    def clicked(at: int) -> None:
        if at < len(names):
            select(why_key=at)
            open_number(step, (at,))

    clickable_bars(
        "why:reads",
        parts_M,
        names,
        kind="head",
        value_title="part",
        title=f"What {asked.head_words} gave to {asked.plain_versus()}, by token",
        on_bar=clicked,
    )
    render_depth(asked.view, text(asked, parts_M, names), (step, (key_of(asked),)))


def text(asked: Asked, parts_M, names: list[str]) -> str:
    """What the head gave, and from where."""
    at = int(np.abs(parts_M).argmax())
    weight = asked.view.trace[f"{asked.path}.pattern"][asked.view.head, asked.position, at]
    side = " of the encoder" if asked.block == "cross" else ""
    return (
        f"{asked.head_words[0].upper()}{asked.head_words[1:]} gives"
        f" **{number(parts_M.sum(), 3)}** to {asked.versus()}. It took"
        f" {number(parts_M[at], 3)} of it from {bold(names[at])}{side}, to which"
        f" {bold(asked.name())} gives {percent(weight, 0)} of its attention. Each bar is an"
        " attention weight times what the words read in the value."
    )
