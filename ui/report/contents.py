"""What a report holds: as much of what was asked for as there is room for, and in words what is
left out.

The layer that is looked at comes first, with all its stages; then biases and gains; then the
picture and the heads of all other layers, and the rest of them, the nearest first; then the other
learned numbers. A part goes in whole or not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from core.errors import GlassError
from core.operands import WEIGHTS
from core.step_ref import parse
from ui.report import river
from ui.report.arrays import step_entry, text_size, weight_entry
from ui.report.stages import STAGES, belongs
from ui.session.view import View

LIMIT = 5_000_000  # bytes of a whole report
Entries = dict[str, dict]  # section -> key -> what stands there
Progress = Callable[[int, int], None]  # parts done, parts in all
SEEN_FIRST = {"river", "heads"}  # what is looked at in every layer
VECTOR = re.compile(r"\.bias$|norm\.weight$")  # learned numbers that lie along one axis


@dataclass(frozen=True)
class Part:
    """What goes in together: of a stage, and if it is one of a layer, of which."""

    stage: str
    side: str
    layer: int | None
    make: Callable[[], Entries]
    least: int = 0  # letters that it takes at least, known before it is made
    what: str = ""  # it in words, where it is not the whole stage
    needed: bool = False  # without it there is no report
    like: str = ""  # once one of these does not fit, the others are not tried


@dataclass
class Contents:
    """What has gone in: each entry as JSON, by section and key."""

    room: int
    sections: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: list[Part] = field(default_factory=list)

    def add(self, part: Part) -> None:
        """Puts a part in, if there is room for it."""
        hopeless = part.like and any(part.like == other.like for other in self.left_out)
        fits = part.least <= self.room and not hopeless
        entries = self.written(part) if fits else None
        size = sum(len(key) + len(text) + 4 for *_, key, text in entries or ())
        if entries is None or size > self.room:
            self.left_out.append(part)
            return
        self.room -= size
        for section, key, text in entries:
            self.sections.setdefault(section, {})[key] = text

    def written(self, part: Part) -> list[tuple[str, str, str]]:
        """The new entries of a part, each with its section and its key."""
        return [
            (section, str(key), as_json(value))
            for section, values in part.make().items()
            for key, value in values.items()
            if str(key) not in self.sections.get(section, {})
        ]

    def text(self) -> str:
        """All of it as JSON."""
        found = (
            f'"{section}":{{{",".join(f"{as_json(key)}:{text}" for key, text in entries.items())}}}'
            for section, entries in self.sections.items()
        )
        return f"{{{','.join(found)}}}"


def as_json(value: Any) -> str:
    """JSON in ASCII that can stand inside a script element: no “<” is left that could end it."""
    plain = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return plain.replace("<", r"\u003c")


def nothing_to_say(done: int, total: int) -> None:
    """Reports no progress."""


def contents(
    view: View, stages: Sequence[str], room: int, progress: Progress = nothing_to_say
) -> Contents:
    """The contents of a report that has so many bytes for them. Raises GlassError where what is
    needed does not fit.
    """
    found, parts = Contents(room), list(parts_of(view, stages))
    for done, part in enumerate(parts):
        progress(done, len(parts))
        found.add(part)
        if part.needed and part in found.left_out:
            raise GlassError(too_large(view))
    return found


def too_large(view: View) -> str:
    """Why there is no report."""
    tokens = sum(len(view.tokens(side)) for side in view.config.sides)
    return (
        f"A report is at most {LIMIT / 1e6:g} MB. One layer of this run, with {tokens:,} tokens,"
        " does not fit. Shorten the text."
    )


# --- the parts, in their order --------------------------------------------------------------------


def parts_of(view: View, stages: Sequence[str]) -> Iterator[Part]:
    """All parts, the most wanted first."""
    ids = [f"{side}.embed.ids" for side in view.config.sides]
    yield Part("", "", None, lambda: {"steps": entries(view, ids)}, needed=True)
    if "river" in stages:
        yield Part("river", "", None, partial(river.base, view), needed=True)
    if "output" in stages:
        yield Part("output", "", None, lambda: {"words": river.likeliest(view)}, needed=True)
    first, *others = layers_around(view)
    in_layers = [stage for stage in stages if stage == "river" or STAGES[stage].steps]
    for stage in in_layers:
        yield layer_part(view, stage, *first, needed=stage in ("river", "heads"))
    if "layers" in stages:
        what = "Layers: the vectors before the first and after the last"
        yield steps_part(view, "layers", "", None, outside(view, "embed", "stack"), what=what)
    if "output" in stages:
        yield output_part(view)
    if "weights" in stages:
        yield vectors(view)
    for few in (SEEN_FIRST, set(in_layers) - SEEN_FIRST):
        for place in others:
            for stage in filter(few.__contains__, in_layers):
                yield layer_part(view, stage, *place)
    if "weights" in stages:
        yield from weights(view, [first, *others])


def layers_around(view: View) -> list[tuple[str, int]]:
    """All layers, that which is looked at first, then the nearest."""
    places = [
        (side, layer) for side in view.config.sides for layer in range(view.config.layers(side))
    ]
    return sorted(places, key=lambda at: (at[0] != view.side, abs(at[1] - view.layer)))


def layer_part(view: View, stage: str, side: str, layer: int, needed: bool = False) -> Part:
    """A stage of one layer."""
    if stage == "river":
        return Part(stage, side, layer, partial(river.of_layer, view, side, layer), needed=needed)
    start = f"{side}.{layer}."
    recorded = [name for name in view.trace.names if name.startswith(start)]
    derived = [f"{name}.{end}" for name in recorded for end in ("exp", "total")]
    known = [name for name in derived if name.endswith(("pattern.exp", "pattern.total"))]
    names = [name for name in (*recorded, *known) if belongs(stage, name.removeprefix(start))]
    return steps_part(view, stage, side, layer, names, needed)


def steps_part(
    view: View,
    stage: str,
    side: str,
    layer: int | None,
    names: list[str],
    needed: bool = False,
    what: str = "",
) -> Part:
    """The numbers of some steps."""
    least = sum(text_size(view.trace.shape(name), 2) for name in names)
    return Part(stage, side, layer, lambda: {"steps": entries(view, names)}, least, what, needed)


def entries(view: View, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Steps with their numbers, by name."""
    return {name: step_entry(view, name) for name in names}


def outside(view: View, *places: str) -> list[str]:
    """The recorded steps of places that are in no layer."""
    refs = ((name, parse(name)) for name in view.trace.names)
    return [name for name, ref in refs if ref and ref.layer is None and ref.place in places]


def output_part(view: View) -> Part:
    """The logits and probabilities of the whole vocabulary, and its words."""
    names = outside(view, "head", "pooler", "task")
    words = view.config.n_vocab if "head.logits" in names else 0
    least = sum(text_size(view.trace.shape(name), 2) for name in names) + 4 * words

    def make() -> Entries:
        vocabulary = [view.word(i) for i in range(words)]
        return {"steps": entries(view, names), "vocabulary": {"words": vocabulary}}

    what = "What comes out: the logits and probabilities of the whole vocabulary"
    return Part("output", "", None, make, least, what)


def weights(view: View, places: list[tuple[str, int]]) -> Iterator[Part]:
    """The learned matrices, layer by layer; the tables of words; and what each head adds, which is
    made from the matrices.
    """
    layers = [f"{side}.{layer}." for side, layer in places]
    rest = [name for name in view.trace.weights if not VECTOR.search(name)]
    for (side, layer), start in zip(places, layers, strict=True):
        own = [name for name in rest if name.startswith(start)]
        yield weights_part(view, side, layer, own, matrix_size(view), like="matrices")
    tables = [name for name in rest if not name.startswith(tuple(layers))]
    words = "Learned numbers: the tables of words"
    yield weights_part(view, "", None, tables, table_size(view), what=words)
    for (side, layer), start in zip(places, layers, strict=True):
        both = (f"{start}{block}.heads" for block in ("attn", "cross"))
        heads = [name for name in both if name in view.trace]
        yield steps_part(view, "weights", side, layer, heads, what="What each head adds")


def vectors(view: View) -> Part:
    """Biases and gains, which are short: with them norms open."""
    names = [name for name in view.trace.weights if VECTOR.search(name)]
    return weights_part(view, "", None, names, what="Learned numbers: biases and gains")


def matrix_size(view: View) -> int:
    """Letters that the matrices of a layer take at least: of queries, of the update, and of the
    feed-forward network. Nothing is read for it; a large model keeps its weights in their file.
    """
    c = view.config
    return text_size((2 * c.d_model * (c.n_heads * c.d_head + c.d_mlp),), 2)


def table_size(view: View) -> int:
    """Letters that the table of words takes at least."""
    return text_size((view.config.n_vocab, view.config.embed_width), 2)


def weights_part(
    view: View,
    side: str,
    layer: int | None,
    names: list[str],
    least: int = 0,
    like: str = "",
    what: str = "",
) -> Part:
    """Some of the learned numbers; a table that two names share, such as that of the words, is
    written once.
    """

    def make() -> Entries:
        shared = twins({name: view.trace.weights[name] for name in names})
        found = {
            f"{WEIGHTS}{name}": {"same": f"{WEIGHTS}{shared[name]}"}
            if name in shared
            else weight_entry(view, name)
            for name in names
        }
        return {"steps": found}

    return Part("weights", side, layer, make, least, what, like=like)


def twins(tables: dict[str, np.ndarray]) -> dict[str, str]:
    """Which names stand for the same numbers in memory as one before them."""
    seen: dict[tuple, str] = {}
    found = {}
    for name, table in tables.items():
        if isinstance(table, np.ndarray) and table.size > 1 and any(table.strides):
            place = (table.__array_interface__["data"][0], table.shape, table.strides)
            if seen.setdefault(place, name) != name:
                found[name] = seen[place]
    return found
