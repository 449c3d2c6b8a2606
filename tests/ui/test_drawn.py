"""No page draws a value that is not in the trace: every number of a run is marked, and the marks
are found in what is sent.

The mark stands in the last ten bits of a float32, so that one number in a thousand would carry it
by chance. What a page works out by itself (a sum, a difference, a random stand-in) loses it. What
is worked out from two runs, which no single trace can hold, is listed below with the reason.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from core.text import number
from core.trace import Trace
from tests.ui.test_pages import opened
from ui.kit import components, head_thumbnails
from ui.session.navigation import PAGES
from ui.session.selection import STAGES
from ui.kit import components, head_thumbnails, packed_arrays
from ui.session import state
from ui.session.shelf import SHELF
from ui.stages import heads
from ui.stages.before_attention import influence, lstm
from ui.stages.layers import token_paths

CACHES = [
    each
    for module in (heads, token_paths, lstm, influence)
    for each in vars(module).values()
    if type(each) is type(head_thumbnails._thumbnails)
]
MARK, BITS = np.uint32(0x155), np.uint32(0x3FF)
FREE = (0.0, 1.0)  # masks, and shares of nothing: equal for every run
# What two runs have to do with each other stands in no single trace; how it comes about stands
# beside each of these pictures, and test_masks_page.py and test_output_page.py compute it again.
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
)
# Points in a plane are shadows of the trace's vectors: tests/core/test_analysis.py proves the plane,
# here they are left out.
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


@pytest.fixture
def handed_out(monkeypatch):
    """Marks all that traces hand out; returns it as the texts by which tables write it."""
    plain, asked, found = Trace.__getitem__, {}, set()

    def getitem(trace, name):
        key = (id(trace), name)
        if key not in asked:
            value = marked(plain(trace, name))
            value.flags.writeable = False
            asked[key] = trace, value
        return asked[key][1]

    monkeypatch.setattr(Trace, "__getitem__", getitem)
    monkeypatch.setattr(
        Trace,
        "weights",
        property(
            lambda trace: Weights(trace.own_weights, asked),
            lambda trace, given: setattr(trace, "own_weights", given),
        ),
        raising=False,
    )
    forget()

    def texts() -> set[str]:
        for _, value in asked.values():
            if value.dtype.kind == "f" and value.size < 3_000_000:
                found.update(map(number, np.unique(value[np.isfinite(value)])))
        return found | {number(x) for x in (0, 1, np.inf, -np.inf, np.nan)}

    yield texts
    forget()


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
            if name == "values" and isinstance(value, str):
                yield element.proto.id, np.frombuffer(base64.b64decode(value), "<f4")
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


def drawn(app) -> Iterator[tuple[str, object]]:
    """Every picture and table by its key: arrays, or numbers as they are written."""
    for element in app.get("bidi_component"):
        data = json.loads(element.proto.json)
        if element.proto.component_name.endswith("table"):
            yield (
                element.proto.id,
                [text for row in data["numbers"] for text in row if text is not None],
            )
    yield from sent(app)


def not_of_the_trace(app, texts: set[str]) -> dict[str, float]:
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


@pytest.mark.parametrize("model", ("minilm", "smollm2"))
@pytest.mark.parametrize("depth", ("story", "numbers"))
@pytest.mark.parametrize("path", [page.path for page in PAGES])
def test_every_number_that_is_drawn_has_the_mark_of_the_trace(
    request, handed_out, model, depth, path
):
    request.getfixturevalue(model)
    app = opened(path, model=model, depth=depth, layer="1", head="2")
    assert not app.exception and not app.warning
    assert path != "pages/3_Attention.py" or len(list(drawn(app))) >= 2
    assert not_of_the_trace(app, handed_out()) == {}


@pytest.mark.parametrize("stage", range(STAGES))
@pytest.mark.parametrize("mask", ("trained", "decoder"))
def test_so_have_those_of_the_five_steps(minilm, handed_out, stage, mask):
    app = opened(
        "pages/3_Attention.py", stage=str(stage), mask=mask, depth="numbers", layer="1", head="2"
    )
    assert not_of_the_trace(app, handed_out()) == {} and len(list(drawn(app))) >= 1


@pytest.mark.parametrize("place, function", ((packed_arrays, "packed"), (components, "number")))
def test_a_number_of_the_page_s_own_would_be_found(
    minilm, handed_out, monkeypatch, place, function
):
    """The proof can fail: a page that adds a hair to what it draws is caught."""
    plain = getattr(place, function)
    monkeypatch.setattr(
        place, function, lambda value: plain(np.asarray(value, dtype=np.float64) * 1.001 + 1e-3)
    )
    app = opened("pages/3_Attention.py", stage="3")
    assert not app.exception and max(not_of_the_trace(app, handed_out()).values()) > 0.5
