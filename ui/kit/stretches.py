"""A line cut into stretches, as a picture: the shares of a draw, the numbers of each head."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ui.kit.component_loader import component

_draw = component("stretches")


@dataclass(frozen=True)
class Stretch:
    """A part of the line: what stands in it, what the pointer reads, its share of the whole (None:
    all parts are alike), its colour in CSS, and whether it is marked.
    """

    text: str
    title: str
    share: float | None
    colour: str
    strong: bool = False


def stretches(parts: list[Stretch], *, key: str, alt: str, point: float | None = None) -> None:
    """The line. alt: what it shows, in words; point: where on it, from 0 to 1, a mark stands."""
    _draw(key=key, data={"parts": [asdict(part) for part in parts], "alt": alt, "point": point})
