"""What a browser sends, checked before it is used: a click may be late, or forged.

from_component(key, name)   what a component sent under a name; None where it is not drawn
whole(value, size)          whether a value is a whole number from 0 to size − 1
place(value, shape)         a list of such numbers, one for each axis, as a tuple; else None
point(key)                  which point of a Plotly figure was clicked; None where none is
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

import streamlit as st


def from_component(key: str, name: str):
    """What a component sent under a name; None where it is not drawn or sent something else."""
    return part(st.session_state.get(key), name)


def part(value, name: str):
    """One entry of a record; None where there is no such record or entry."""
    return value.get(name) if isinstance(value, Mapping) else None


def whole(value, size: int) -> TypeGuard[int]:
    """Whether a value is a whole number from 0 to size − 1."""
    return type(value) is int and 0 <= value < size


def place(value, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The place in an array of that shape that a list of whole numbers names; else None."""
    inside = isinstance(value, list) and len(value) == len(shape) and all(map(whole, value, shape))
    return tuple(value) if inside else None


def point(key: str):
    """The number of the first selected point of a Plotly figure; None where none is selected."""
    points = part(from_component(key, "selection"), "points")
    return part(points[0], "point_index") if isinstance(points, list) and points else None
