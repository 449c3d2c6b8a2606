"""What travels to the browser is the numbers themselves; what comes back is checked; labels are
data and never markup.
"""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.pages import read_sent
from ui.kit import charts, components, packed_arrays
from ui.kit.heatmap import HeatmapSpec

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>![y](http://evil)"


def drawn(code: str) -> AppTest:
    """A page of a few lines, run once."""
    start = (
        "import numpy as np\nfrom ui.kit import charts, components\n"
        "from ui.kit.heatmap import HeatmapSpec\nfrom ui.kit.stretches import Stretch, stretches\n"
        "from ui.kit.guesses import Guesses, guesses\n"
        "rng = np.random.default_rng(3)\n"
    )
    page = AppTest.from_string(start + code).run(timeout=20)
    assert not page.exception
    return page


def sent(page: AppTest, at: int = 0) -> dict:
    """The data of a component on the page."""
    return json.loads(page.get("bidi_component")[at].proto.json)


def unpacked(data: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(data["values"]), dtype="<f4").reshape(data["shape"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_values_sent_are_the_float32_values_bit_for_bit(dtype):
    values = np.random.default_rng(1).normal(size=(2, 3, 4)).astype(dtype)
    values.flat[:4] = -np.inf, np.nan, 1e-42, -0.0
    assert unpacked(packed_arrays.packed(values)).tobytes() == values.astype("<f4").tobytes()
    assert unpacked(packed_arrays.packed(values.transpose(2, 0, 1)))[3, 1, 2] == np.float32(
        values[1, 2, 3]
    )


def test_all_heads_travel_with_their_scale():
    page = drawn(
        "components.heads_canvas(rng.random((3, 4, 5)), list('abcd'), list('vwxyz'), key='heads',"
        " chosen=2)"
    )
    data, values = sent(page), np.random.default_rng(3).random((3, 4, 5))
    assert (
        np.array_equal(unpacked(data), values.astype(np.float32)) and data["limit"] == values.max()
    )
    assert (data["rows"], data["columns"], data["chosen"]) == (list("abcd"), list("vwxyz"), 2)
    assert data["titles"] == ["Head 0", "Head 1", "Head 2"]


def test_thumbnails_travel_as_shades():
    values = np.random.default_rng(3).random((3, 5, 5))
    sent = packed_arrays.coarse(values, values.max())
    shades = np.frombuffer(base64.b64decode(sent["shades"]), np.uint8).reshape(sent["shape"])
    assert abs(shades / 255 * values.max() - values).max() <= values.max() / 510 + 1e-7


def test_what_a_mask_hides_travels_with_the_heads():
    page = drawn(
        "components.heads_canvas(np.ones((2, 2, 3)), list('ab'), list('xyz'), key='heads', row=1,"
        " opened=(1, 0, 2), blocked_LM=np.array([[0, 1, 1], [0, 0, 1]], dtype=bool))"
    )
    data = sent(page)
    assert list(base64.b64decode(data["blocked"])) == [0, 1, 1, 0, 0, 1]
    assert data["row"] == 1 and data["opened"] == [1, 0, 2]


def test_thumbnails_keep_the_largest_weight_of_every_block():
    patterns_HLM = np.random.default_rng(5).random((2, 50, 31)).astype(np.float32)
    small = packed_arrays.thumbnails(patterns_HLM)
    assert small.shape == (2, 17, 16) and small.max() == patterns_HLM.max()
    assert (
        small[1, 4, 7] == patterns_HLM[1, 12:15, 14:16].max()
        and small[0, 16, 15] == patterns_HLM[0, 48:, 30:].max()
    )
    assert np.array_equal(
        packed_arrays.thumbnails(patterns_HLM[:, :24, :24]), patterns_HLM[:, :24, :24]
    )


@pytest.mark.parametrize(
    "draw",
    [
        "components.heads_canvas(np.ones((1, 1, 1)), [bad], [bad], key='x', titles=[bad])",
        (
            "components.heatmap_canvas(HeatmapSpec(np.ones((1, 1)), [bad], [bad], title=bad,"
            " rows_title=bad, columns_title=bad), key='x')"
        ),
        "components.lines(np.ones((1, 1)), [bad], [bad], key='x')",
        (
            "guesses(Guesses([[[bad]]], np.ones((1, 1, 1, 2)), [bad], (bad, bad), places=[bad],"
            " asked=bad, shifts_PG=np.ones((1, 1))), key='x', on_cell=print)"
        ),
        "stretches([Stretch(bad, bad, 0.5, '#123456')], key='x', alt=bad, point=0.5)",
    ],
)
def test_hostile_labels_travel_as_data_only(draw):
    proto = drawn(f"bad = {HOSTILE!r}\n{draw}").get("bidi_component")[0].proto
    assert HOSTILE in json.dumps(json.loads(proto.json))
    assert all(
        "onerror" not in part for part in (proto.html_content, proto.js_content, proto.css_content)
    )


def test_the_scripts_write_text_and_never_markup_and_fetch_nothing():
    for script in Path(components.__file__).parents[2].glob("assets/components/*.js"):
        text = script.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "fetch(",
            "http",
            "random",
        ):
            assert forbidden not in text, f"{script.name}: {forbidden}"


@pytest.mark.parametrize(
    "reply, heard",
    [
        ([1, 2, 3], [(1, 2, 3)]),
        ([0, 0, 0], [(0, 0, 0)]),
        ([2, 0, 0], []),
        ([0, -1, 0], []),
        ([0, 0], []),
        (None, []),
        ([0, 0.0, 0], []),
        ([True, 0, 0], []),
        ({"0": 1}, []),
        (["0", "0", "0"], []),
        ("000", []),
    ],
)
def test_only_whole_numbers_inside_the_shape_come_back(monkeypatch, reply, heard):
    calls = []
    monkeypatch.setattr(charts.st, "session_state", {"map": {"cell": reply}})
    components._callback("map", "cell", (2, 3, 4), lambda *cell: calls.append(cell))()
    assert calls == heard


def test_a_second_click_on_a_cell_counts_and_a_lying_browser_does_not(monkeypatch):
    calls, state = [], {}
    monkeypatch.setattr(charts.st, "session_state", state)
    cells_N2 = np.array([(r, c) for r in range(2) for c in range(3)])

    def click(*points):
        state["map"] = {"selection": {"points": list(points)}}
        charts.pass_click_on("map", lambda *cell: calls.append(cell), cells_N2)

    click()  # nothing was ever chosen: nothing to do
    click({"point_index": 5})
    click()  # the same cell again: its selection is taken away
    click({"point_index": 1})
    assert calls == [(1, 2), (1, 2), (0, 1)] and all(type(i) is int for cell in calls for i in cell)
    for wrong in (6, -1, "1", None, 1.0):
        click({"point_index": wrong})
    assert len(calls) == 3


def test_a_map_travels_with_its_labels_its_frames_and_what_is_blocked():
    page = drawn(
        "words = ['the', 'the', 'a']\n"
        "charts.clickable_map('a', HeatmapSpec(rng.normal(size=(3, 3)), words, words,"
        " title='t', rows_title='r', columns_title='c', chosen=2, opened=(2, 1),"
        " blocked_RC=np.tri(3) == 0, kind='weight', limit=4))\n"
    )
    data, values = sent(page), np.random.default_rng(3).normal(size=(3, 3)).astype(np.float32)
    assert np.array_equal(unpacked(data)[0], values) and (data["kind"], data["limit"]) == (
        "weight",
        4,
    )
    assert (data["rows"], data["columns"]) == (
        ["the", "the", "a"],
    ) * 2  # equal tokens keep their places
    assert data["frame"] == [2, None] and data["opened"] == [0, 2, 1]
    assert list(base64.b64decode(data["blocked"])) == [0, 1, 1, 0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    "foot, row", [(None, None), ({}, None), ({"": "sum", "b": 3.0}, ["sum", [None, "3"]])]
)
def test_a_table_travels_with_its_foot_if_it_has_one(foot, row):
    page = drawn(
        "components.table({'a': [1.0, 0.25], 'b': [2.0, 4.0]}, ['x', 'y'], key='t', bar='a',"
        f" foot={foot!r})"
    )
    data = read_sent(page.get("bidi_component")[0].proto)
    assert data["numbers"] == [["1", "2"], ["0.25", "4"]] and data["columns"] == ["a", "b"]
    assert (data["bar"], data["shares"]) == (0, [1.0, 0.25])
    assert (data["foot"] and [data["foot"]["title"], data["foot"]["numbers"]]) == row


@pytest.mark.parametrize(
    "column, kind",
    [
        ("[np.float32(0.1), None, -np.inf]", "f4"),  # what the trace has
        ("[0.1, 2.5, np.nan]", "f8"),  # what was computed in double precision
        ("[16777216, 1, 2]", "f4"),
        ("[16777217, 1, 2]", "f8"),
    ],
)
def test_the_numbers_of_a_table_travel_to_the_last_bit(column, kind):
    page = drawn(f"components.table({{'a': {column}}}, list('xyz'), key='t')")
    data, wanted = sent(page), eval(column, {"np": np})
    numbers = np.frombuffer(base64.b64decode(data["numbers"]), f"<{data['kind']}")
    given = np.array([np.nan if each is None else each for each in wanted], dtype=np.float64)
    assert data["kind"] == kind and np.array_equal(numbers, given, equal_nan=True)
    assert data.get("empty", []) == [i for i, each in enumerate(wanted) if each is None]


def test_a_scale_ends_at_the_largest_number_that_is_one():
    page = drawn(
        "charts.clickable_map('a', HeatmapSpec([[1.0, -np.inf, -3.0]], ['x'], list('abc')))\n"
        "charts.clickable_map('b', HeatmapSpec([[-np.inf]], ['x'], ['y']))"
    )
    assert [sent(page, i)["limit"] for i in range(2)] == [3, 1]


def test_a_long_vector_is_folded_and_a_click_finds_its_number(monkeypatch):
    values_N, mounted, clicked = np.random.default_rng(1).normal(size=70).astype(np.float32), {}, []
    monkeypatch.setattr(components, "_heatmap", lambda **options: mounted.update(options))
    charts.clickable_map(
        "v",
        HeatmapSpec(values_N[None], ["x"], [str(i) for i in range(70)], opened=(0, 69)),
        lambda row, column: clicked.append((row, column)),
    )
    folded_RC = unpacked(mounted["data"])[0]
    assert (
        np.array_equal(folded_RC.ravel()[:70], values_N) and np.isnan(folded_RC.ravel()[70:]).all()
    )
    assert mounted["data"]["folded"] == 70 and mounted["data"]["opened"] == [0, 2, 5]
    for cell in ([0, 2, 5], [0, 2, 6], [0, 0, 0]):  # the second one lies behind the last number
        monkeypatch.setattr(charts.st, "session_state", {"v": {"cell": cell}})
        mounted["on_cell_change"]()
    assert clicked == [(0, 69), (0, 0)]
