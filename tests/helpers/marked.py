"""Numbers of a trace with a mark in their last bits, and the pictures in which it is looked for."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping

import numpy as np

from core.text import number
from tests.helpers.pages import texts_of
from ui.kit import head_thumbnails
from ui.session.shelf import SHELF
from ui.stages.before_attention import influence, lstm
from ui.stages.compare import heads as compared_heads
from ui.stages.heads import every_layer
from ui.stages.layers import token_paths

CACHES = [
    each
    for module in (every_layer, token_paths, lstm, influence, compared_heads)
    for each in vars(module).values()
    if type(each) is type(head_thumbnails._thumbnails)
]
MARK = np.uint32(0x155)
BITS = np.uint32(0x3FF)
LARGE = 3_000_000  # numbers in an array that is no table's
FREE = (0.0, 1.0)  # masks, and shares of nothing: equal for every run
# What two runs have to do with each other stands in no single trace; how it comes about stands
# beside each of these pictures, and the tests of their pages compute it again.
COMPARED = (
    "difference",
    "masks:cosines",
    "padding:moved",
    "output_similar",
    "output_stages",
    "output_products",
    "output_found",
    "heads_after",
    "before:influence",
    "before:curve",
    "before:mean",
    "before:lost",
    "compare:cosines",
    "compare:heads",
    "lab:moved",
    "lab:patch",
    "lab:loss",
    "lab:heads",
    "why:silent",
    "why-colours",
)
# Points in a plane are shadows of the trace's vectors: tests/core/test_planes.py proves the
# plane, here they are left out.
PLANES = ("plane", "tokens-flat", "addnorm:arrows", "layers_path", "places")


def marked(values) -> np.ndarray:
    """The values as float32 with the mark; 0, 1 and what is not finite stay as they are."""
    values = np.asarray(values)
    if values.dtype.kind != "f":
        return values
    bits = values.astype(np.float32)
    keep = ~np.isfinite(bits) | np.isin(bits, FREE)
    signed = np.where(keep, bits, ((bits.view(np.uint32) & ~BITS) | MARK).view(np.float32))
    return signed.astype(values.dtype)


def is_marked(values) -> np.ndarray:
    """Where the mark is, or may be missing."""
    values = np.asarray(values, dtype=np.float32)
    return ~np.isfinite(values) | np.isin(values, FREE) | ((values.view(np.uint32) & BITS) == MARK)


class Weights(Mapping):
    """The model's weights, marked when they are asked for."""

    def __init__(self, plain, asked):
        self.plain, self.asked = plain, asked

    def __getitem__(self, name):
        if (key := (id(self.plain), name)) not in self.asked:
            self.asked[key] = self.plain, marked(self.plain[name])
        return self.asked[key][1]

    def __iter__(self):
        return iter(self.plain)

    def __len__(self):
        return len(self.plain)


class Written:
    """Numbers by the texts that tables write of them: text in Written(arrays)."""

    def __init__(self, arrays: list[np.ndarray]):
        kept = [each.ravel() for each in arrays if each.dtype.kind == "f" and each.size < LARGE]
        numbers = np.concatenate([np.zeros(0), *kept])
        self.numbers = np.unique(numbers[np.isfinite(numbers)])
        self.free = {number(x) for x in (*FREE, np.inf, -np.inf, np.nan)}

    def __contains__(self, text: str) -> bool:
        if text in self.free:
            return True
        near = float(text.replace("−", "-"))
        away = 1e-4 * abs(near)  # more than five digits can hide
        first, last = np.searchsorted(self.numbers, (near - away, near + away))
        return any(number(x) == text for x in self.numbers[first:last])


def forget() -> None:
    """Of all that is kept, nothing that was or was not marked."""
    SHELF.forget()
    for cache in CACHES:
        cache.clear()


def arrays(spec) -> Iterator[np.ndarray]:
    """The arrays of a Plotly trace."""
    for name in ("x", "y", "z"):
        if (data := spec.get(name)) is not None:
            yield (
                name,
                (
                    np.frombuffer(base64.b64decode(data["bdata"]), data["dtype"])
                    if isinstance(data, dict)
                    else np.asarray(data)
                ),
            )


def sent(app) -> Iterator[tuple[str, np.ndarray]]:
    """Every picture's numbers, with its key: of components those in base64, of Plotly the length of
    bars.
    """
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json)
        for name, value in data.items():
            if name in ("values", "lengths", "update") and isinstance(value, str):
                yield element.proto.id, np.frombuffer(base64.b64decode(value), "<f4")
        for part in data.get("parts", []):
            if "rivers" in part:
                yield from ((element.proto.id, values) for values in overview_numbers(part))
    for element in app.get("plotly_chart"):
        spec = json.loads(element.proto.spec)
        for trace in spec["data"]:
            if trace["type"] == "bar":
                along = "x" if trace.get("orientation") == "h" else "y"
                yield element.proto.id, dict(arrays(trace))[along]
            elif "markers" in trace.get("mode", "") and trace.get("marker", {}).get("opacity") != 0:
                if not any(each in element.proto.id for each in PLANES):
                    yield from (
                        (element.proto.id, values)
                        for _, values in arrays(trace)
                        if np.any(np.asarray(values, float) % 1)
                    )  # whole numbers are places along an axis


def overview_numbers(picture: dict) -> Iterator[np.ndarray]:
    """The numbers of the overview: what stands there at the end of its motion, and before it."""
    for part in (*picture["strips"].values(), *picture["maps"].values()):
        if part.get("scale") != "mask":
            yield np.frombuffer(base64.b64decode(part["values"]), "<f4")
    words, output = picture["output"]["words"], picture["output"]
    shares = [word[which] for word in words for which in ("share", "before")]
    shares += [*output.get("kept", ()), *output.get("kept_before", ())]
    yield np.array([share for share in shares if share is not None])


def drawn(app) -> Iterator[tuple[str, object]]:
    """Every picture and table by its key: arrays, or numbers as they are written."""
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json)
        if element.proto.component_name.endswith("table"):
            rows = texts_of(data)[: len(data["rows"]) * len(data["columns"])]  # no sums below
            yield (element.proto.id, [text for text in rows if text is not None])
    yield from sent(app)


def not_of_the_trace(app, texts: Written) -> dict[str, float]:
    """The pictures that show numbers without a mark: key -> the share of them."""
    found = {}
    for key, values in drawn(app):
        if any(each in key for each in COMPARED):
            continue
        wrong = (
            [text not in texts for text in values]
            if isinstance(values, list)
            else ~is_marked(values)
        )
        if np.any(wrong):
            found[key] = float(np.mean(wrong))
    return found
