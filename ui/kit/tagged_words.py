"""The text, word by word, with what a model says of each token below it: a name and a share, each
of which opens.

    tagged_words(view, tags, key=…, on_tag=…)    tags: for each token those below it
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass

from core.text import percent
from ui.kit.component_loader import component
from ui.kit.theme import COLOURS
from ui.session import sent
from ui.session.actions import select_token
from ui.session.view import View

_draw = component("tagged", 'class="root figure" role="group" aria-label="The text and its labels"')


@dataclass(frozen=True)
class Tag:
    """What is said of a token. quiet: that it is nothing special, such as no name."""

    text: str
    share: float
    opened: bool = False
    quiet: bool = False


def tagged_words(
    view: View,
    tags: Sequence[Sequence[Tag]],
    *,
    key: str,
    title: str,
    on_tag: Callable[[int, int], object],
    inside: Collection[int] = (),
) -> None:
    """Draws them. A click on a word chooses its token, one on a tag calls on_tag(token, which of
    its tags). inside: the tokens that are underlined together.
    """
    side = view.config.sides[-1]

    def choose() -> None:
        place = sent.place(sent.from_component(key, "token"), (len(tags),))
        if place is not None:
            select_token(place[0], side=side)

    def opened() -> None:
        at = sent.from_component(key, "tag")
        place = sent.place(at, (len(tags), max(map(len, tags), default=0)))
        if place is not None and place[1] < len(tags[place[0]]):
            on_tag(*place)

    data = tagged_data(view, side, tags, inside) | {"title": title, "colour": COLOURS["head"]}
    _draw(key=key, data=data, on_token_change=choose, on_tag_change=opened)


def tagged_data(view: View, side: str, tags, inside: Collection[int]) -> dict:
    """The words as they travel to the browser."""
    words = view.words if side == view.config.sides[0] and view.words else [None] * len(tags)
    return {
        "chosen": view.token if view.side == side else None,
        "tokens": [
            {
                "text": token,
                "word": word,
                "inside": i in inside,
                "tags": [asdict(tag) | {"percent": percent(tag.share, 0)} for tag in tags[i]],
            }
            for i, (token, word) in enumerate(zip(view.tokens(side), words, strict=True))
        ],
    }
