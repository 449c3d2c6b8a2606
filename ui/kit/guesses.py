"""The likeliest words of one or two models as bars from 0 to 100 %.

Each word has a bar, or two, such as its probability now and what it would be: one is filled, of
the other only the edge is seen. There may be a row of words to choose between, with the guess after
each: the browser has them all, and shows another one at once.

    Guesses(words, values_PGWB, titles, bars, …)
    guesses(shown, key=…, on_cell=…, on_place=…)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ui.kit.component_loader import component
from ui.kit.packed_arrays import packed
from ui.kit.theme import COLOURS
from ui.session import sent

_draw = component("guesses", 'class="root figure"')


@dataclass(frozen=True)
class Guesses:
    """What is drawn.

    about: what is guessed, said below a picture that is saved.
    words: for each place and model the words, "" where there is none. values_PGWB: place, model,
    word, bar; NaN where a model has no such word. titles: of the models; bars: of the two bars, of
    which `solid` is filled, in all groups or one for each model; or of one bar. opened: the number
    that is explained; strong: (place, model, word) that is marked. places: the words to choose
    between, under the question `asked`, with how far each model's guess moved there.
    """

    words: Sequence[Sequence[Sequence[str]]]
    values_PGWB: np.ndarray
    titles: Sequence[str]
    bars: Sequence[str]
    solid: int | Sequence[int] = 0
    colours: Sequence[str] = (COLOURS["head"], COLOURS["weight"])
    opened: tuple[int, int, int, int] | None = None
    strong: tuple[int, int, int] | None = None
    places: Sequence[str] | None = None
    chosen: int = 0
    asked: str = ""
    shifts_PG: np.ndarray | None = None
    about: str = ""


def guesses(
    shown: Guesses,
    *,
    key: str,
    on_cell: Callable[[int, int, int, int], object],
    on_place: Callable[[int], object] | None = None,
) -> None:
    """Draws them; a click on a number calls on_cell(place, model, word, bar), one on a word of the
    row on_place(place).
    """
    shape = np.shape(shown.values_PGWB)
    _draw(
        key=key,
        data=data_of(shown),
        on_cell_change=_checked(key, "cell", shape, on_cell),
        on_place_change=_checked(key, "place", shape[:1], on_place),
    )


def data_of(shown: Guesses) -> dict:
    """The bars as they travel to the browser."""
    shifts = None if shown.shifts_PG is None else np.nan_to_num(shown.shifts_PG).tolist()
    return packed(shown.values_PGWB) | {
        "title": shown.about,
        "words": [[list(words) for words in models] for models in shown.words],
        "titles": list(shown.titles),
        "bars": list(shown.bars),
        "solid": [shown.solid] * len(shown.titles)
        if isinstance(shown.solid, int)
        else list(shown.solid),
        "colours": list(shown.colours),
        "opened": shown.opened,
        "strong": shown.strong,
        "places": None if shown.places is None else list(shown.places),
        "chosen": shown.chosen,
        "asked": shown.asked,
        "shifts": shifts,
    }


def _checked(key: str, name: str, shape: tuple[int, ...], callback):
    """Whole numbers inside the shape reach the page, whatever else is sent does not."""

    def called() -> None:
        place = sent.place(sent.from_component(key, name), shape)
        if callback and place is not None:
            callback(*place)

    return called
