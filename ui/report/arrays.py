"""The numbers of a run as a report holds them: each array in base64, to the last bit, with what
there is to say of it and with the plan by which its cells open.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from core.operands import WEIGHTS
from core.plans import Operands, plan_of
from core.step_ref import ref_of
from core.steps import about
from ui.kit.explanation_panel import group_title
from ui.kit.packed_arrays import base64_of
from ui.session.view import View

NO_BIAS = "zeros"  # of a bias that a family lacks: it takes no room


def encoded(array: np.ndarray) -> dict[str, Any]:
    """An array as text: its numbers' kind, as NumPy names it, their bytes, the shape. Numbers that
    16 bits hold exactly are written in 16.
    """
    array = np.asarray(array)
    shape = {"shape": list(array.shape)}
    if array.dtype == bool:
        return shape | {"kind": "u1", "data": base64_of(array.astype(np.uint8))}
    if array.dtype.kind in "iu":
        return shape | {"kind": "i4", "data": base64_of(array.astype("<i4"))}
    if array.size and not np.any(array) and not np.signbit(array).any():
        return shape | {"kind": NO_BIAS}
    with np.errstate(over="ignore"):
        half = array.astype("<f2")
    if np.array_equal(half.astype(array.dtype), array, equal_nan=True):
        return shape | {"kind": "f2", "data": base64_of(half)}
    kind = "<f8" if array.dtype.itemsize > 4 else "<f4"
    return shape | {"kind": kind[1:], "data": base64_of(array.astype(kind))}


def step_entry(view: View, name: str) -> dict[str, Any]:
    """A step with its numbers."""
    trace, kind, ref = view.trace, about(view.trace, name), ref_of(name)
    axes = trace.axes(name)
    return encoded(trace[name]) | {
        "axes": axes,
        "title": kind.title,
        "story": kind.story,
        "colour": kind.colour,
        "scale": kind.scale,
        "sides": {letter: view.side_of(name, letter) for letter in axes if letter in "LMR"},
        "ofRows": ref.side == "head",  # its L counts the positions whose output was asked for
        "mask": str(ref.with_leaf("mask")) if kind.masked else "",
        "plan": plan_entry(view, name),
    }


def plan_entry(view: View, name: str) -> dict[str, Any] | None:
    """How its cells open."""
    plan = plan_of(view.trace, name)
    return plan and {"way": plan.way, "groups": [group_entry(view, g) for g in plan.groups]}


def group_entry(view: View, group: Operands) -> dict[str, Any]:
    """The operands of one role."""
    return {
        "role": group.role,
        "title": group_title(view, group),
        "name": group.name,
        "count": group.count,
        "rules": group.rules,
        "values": group.values,
    }


def weight_entry(view: View, name: str) -> dict[str, Any]:
    """Learned numbers: a key of the weights."""
    learned = about(view.trace, f"{WEIGHTS}{name}")
    return encoded(view.trace.weights[name]) | {"title": learned.title, "story": learned.story}


def text_size(shape: tuple[int, ...], itemsize: int) -> int:
    """How many letters an array of so many bytes a number takes."""
    return 4 * -(-int(np.prod(shape)) * itemsize // 3)
