"""The numbers of a layer that the pipeline of attention is drawn from: of all tokens and all heads
where they are few, so that the figure can answer a click by itself; else of the chosen head, or of
the chosen token in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from core.step_ref import sliced_name
from ui.kit import packed_arrays
from ui.stages.attention.names import input_step

MOST = 140_000  # bytes; in base64 they are a third more
# What the pipeline is drawn from, by its short name there: the leaf, and its axes
LEAVES = {
    "x": ("", "LD"),
    "q": ("q", "HLK"),
    "k": ("k", "GMK"),
    "v": ("v", "GMK"),
    "z": ("z", "HLK"),
    "dot": ("scores.dot", "HLM"),
    "scores": ("scores", "HLM"),
    "exp": ("pattern.exp", "HLM"),
    "pattern": ("pattern", "HLM"),
    "total": ("pattern.total", "HL"),
    "plain": ("pattern.power.total", "HL"),
}


@dataclass(frozen=True)
class Part:
    """Which of a layer's numbers are sent."""

    head: int | None = None  # one head alone; None: all
    row: int | None = None  # one token that looks, alone; None: all
    x: bool = True  # the vectors that the queries are made of


def step_of(view, name: str) -> str:
    """The step that a short name stands for."""
    return view.attention(LEAVES[name][0]) if LEAVES[name][0] else input_step(view)


def layer_numbers(view) -> dict:
    """The numbers as they travel: all in one array, and where in it each step lies."""
    part, arrays, flat, at = part_of(view), {}, [], 0
    for name in names_of(part):
        index = index_of(view, name, part)
        values = view.trace[step_of(view, name)][index]
        arrays[name] = {
            "at": at,
            "shape": list(values.shape),
            "step": sliced_name(step_of(view, name), index),
            "axes": LEAVES[name][1],
        }
        flat.append(np.asarray(values, dtype=np.float32).ravel())
        at += values.size
    config = view.config
    return packed_arrays.packed(np.concatenate(flat)) | {
        "id": identity(view, part),
        "arrays": arrays,
        "groups": [config.group(h) for h in range(config.n_heads)],
        "head": part.head,
        "row": part.row,
    }


def names_of(part: Part) -> list[str]:
    """The short names of what is sent."""
    return [name for name in LEAVES if name != "x" or part.x]


def part_of(view) -> Part:
    """As much as may be sent."""
    head, row = view.head, view.token
    ways = (
        Part(),
        Part(x=False),
        Part(head),
        Part(head, x=False),
        Part(head, row),
        Part(head, row, x=False),
    )
    return next((part for part in ways if size_of(view, part) <= MOST), ways[-1])


def size_of(view, part: Part) -> int:
    """The bytes of a part, from the shapes alone."""
    total = 0
    for name in names_of(part):
        sizes = dict(zip(LEAVES[name][1], view.trace.shape(step_of(view, name)), strict=True))
        if part.head is not None:
            sizes |= {letter: 1 for letter in "HG" if letter in sizes}
        if part.row is not None and "L" in sizes:
            sizes["L"] = 1
        total += 4 * int(np.prod(list(sizes.values())))
    return total


def index_of(view, name: str, part: Part) -> tuple[slice, ...]:
    """The part of a step that is sent; no axis is lost."""
    index = []
    for letter in LEAVES[name][1]:
        only = {"H": part.head, "G": group_of(view, part), "L": part.row}
        place = only.get(letter)
        index.append(slice(None) if place is None else slice(place, place + 1))
    return tuple(index)


def identity(view, part: Part) -> str:
    """A name for these numbers: the same for the same run, layer and part of it."""
    what = repr((view.request, view.side, view.layer, view.block, part))
    return sha256(what.encode()).hexdigest()[:20]


def group_of(view, part: Part) -> int | None:
    """The set of keys and values that is sent alone; None: all are."""
    return None if part.head is None else view.config.group(part.head)
