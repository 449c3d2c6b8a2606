"""How a run shows itself in a notebook: the app draws it, which core knows by name alone.

Origin              what a run came from
shown(trace, …)     a figure of it, as a widget; html_of(trace), it in short
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import GlassError
from .places import part_of_app, without_warnings


@dataclass(frozen=True)
class Origin:
    """What a run came from: its model, what that read, and by which mask."""

    model: Any  # a Model
    sentence: str
    second: str = ""
    chat: bool = False
    target: str = ""  # what a decoder beside an encoder was given; empty: it wrote it itself
    mask: str = "trained"  # or a name that core.masks knows
    changed: bool = False  # by what these do not say, such as edits or a mask given as a matrix


def shown(trace, figure: str, *given, **place):
    """A figure of a run as a widget. Raises GlassError where there is none, and where this copy
    lacks what draws it.
    """
    with without_warnings():
        return getattr(_room(), figure)(trace, *given, **place)


def html_of(trace) -> str | None:
    """A run in short, as HTML; None where nothing can draw it."""
    try:
        with without_warnings():
            return _room().html_of(trace)
    except GlassError:
        return None


def _room():
    what = 'A figure in a notebook (pip install "glassformer[notebook]")'
    return part_of_app("ui.notebook.shown", what)
