"""What travels to the browser is the numbers themselves; what comes back is checked; labels are data and never markup."""
import base64
import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from ui import components, maps

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>![y](http://evil)"


def drawn(code: str) -> AppTest:
    """A page of a few lines, run once."""
    start = "import numpy as np\nfrom ui import components, maps\nrng = np.random.default_rng(3)\n"
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
    assert unpacked(components.packed(values)).tobytes() == values.astype("<f4").tobytes()
    assert unpacked(components.packed(values.transpose(2, 0, 1)))[3, 1, 2] == np.float32(values[1, 2, 3])


def test_all_heads_travel_with_their_scale():
    page = drawn("components.heads_canvas(rng.random((3, 4, 5)), list('abcd'), list('vwxyz'), key='heads', chosen=2)")
    data, values = sent(page), np.random.default_rng(3).random((3, 4, 5))
    assert np.array_equal(unpacked(data), values.astype(np.float32)) and data["limit"] == values.max()
    assert (data["rows"], data["columns"], data["chosen"]) == (list("abcd"), list("vwxyz"), 2)
    assert data["titles"] == ["Head 0", "Head 1", "Head 2"]


def test_what_a_mask_hides_travels_with_the_heads():
    page = drawn("components.heads_canvas(np.ones((2, 2, 3)), list('ab'), list('xyz'), key='heads', row=1, opened=(1, 0, 2), "
                 "blocked_LM=np.array([[0, 1, 1], [0, 0, 1]], dtype=bool))")
    data = sent(page)
    assert list(base64.b64decode(data["blocked"])) == [0, 1, 1, 0, 0, 1]
    assert data["row"] == 1 and data["opened"] == [1, 0, 2]


def test_thumbnails_keep_the_largest_weight_of_every_block():
    patterns_HLM = np.random.default_rng(5).random((2, 50, 31)).astype(np.float32)
    small = components.thumbnails(patterns_HLM)
    assert small.shape == (2, 17, 16) and small.max() == patterns_HLM.max()
    assert small[1, 4, 7] == patterns_HLM[1, 12:15, 14:16].max() and small[0, 16, 15] == patterns_HLM[0, 48:, 30:].max()
    assert np.array_equal(components.thumbnails(patterns_HLM[:, :24, :24]), patterns_HLM[:, :24, :24])


@pytest.mark.parametrize("draw", [
    "components.heads_canvas(np.ones((1, 1, 1)), [bad], [bad], key='x', titles=[bad])",
    "components.wide_map(np.ones((1, 1)), [bad], [bad], key='x', title=bad, rows_title=bad, columns_title=bad)",
    "components.lines(np.ones((1, 1)), [bad], [bad], key='x')",
    "components.blocks([{'kind': 'embed', 'title': bad, 'detail': bad, 'target': bad}], key='x')"])
def test_hostile_labels_travel_as_data_only(draw):
    proto = drawn(f"bad = {HOSTILE!r}\n{draw}").get("bidi_component")[0].proto
    assert HOSTILE in json.dumps(json.loads(proto.json))
    assert all("onerror" not in part for part in (proto.html_content, proto.js_content, proto.css_content))


def test_the_scripts_write_text_and_never_markup_and_fetch_nothing():
    for script in Path(components.__file__).parents[1].glob("assets/components/*.js"):
        text = script.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "http", "random"):
            assert forbidden not in text, f"{script.name}: {forbidden}"


@pytest.mark.parametrize("reply, heard", [
    ([1, 2, 3], [(1, 2, 3)]), ([0, 0, 0], [(0, 0, 0)]), ([2, 0, 0], []), ([0, -1, 0], []), ([0, 0], []), (None, []),
    ([0, 0.0, 0], []), ([True, 0, 0], []), ({"0": 1}, []), (["0", "0", "0"], []), ("000", [])])
def test_only_whole_numbers_inside_the_shape_come_back(monkeypatch, reply, heard):
    calls = []
    monkeypatch.setattr(components.st, "session_state", {"map": {"cell": reply}})
    components._told("map", "cell", (2, 3, 4), lambda *cell: calls.append(cell))()
    assert calls == heard


def test_a_second_click_on_a_cell_counts_and_a_lying_browser_does_not(monkeypatch):
    calls, state = [], {}
    monkeypatch.setattr(maps.st, "session_state", state)
    cells_N2 = np.array([(r, c) for r in range(2) for c in range(3)])

    def click(*points):
        state["map"] = {"selection": {"points": list(points)}}
        maps.clicked("map", lambda *cell: calls.append(cell), cells_N2)

    click()                                 # nothing was ever chosen: nothing to do
    click({"point_index": 5})
    click()                                 # the same cell again: its selection is taken away
    click({"point_index": 1})
    assert calls == [(1, 2), (1, 2), (0, 1)] and all(type(i) is int for cell in calls for i in cell)
    for wrong in (6, -1, "1", None, 1.0):
        click({"point_index": wrong})
    assert len(calls) == 3


def test_a_map_is_drawn_by_what_can_draw_it():
    page = drawn("words = lambda n: [f'w{i}' for i in range(n)]\n"
                 "dims = lambda n: [str(i) for i in range(n)]\n"
                 "maps.clickable_map('a', rng.random((24, 24)), words(24), words(24), on_cell=print)\n"
                 "maps.clickable_map('b', rng.random((1, 384)), words(1), dims(384), on_cell=print)\n"
                 "maps.clickable_map('c', rng.random((2, 25)), words(2), words(25), on_cell=print)\n"
                 "maps.clickable_map('d', rng.random((3, 64)), words(3), dims(64), on_cell=print)\n")
    plots = [json.loads(plot.proto.spec) for plot in page.get("plotly_chart")]
    assert [plot["data"][0]["z"]["shape"] for plot in plots] == ["24, 24", "12, 32"]
    assert all(plot["data"][0]["z"]["dtype"] == "f4" for plot in plots)
    assert [sent(page, i)["shape"] for i in range(2)] == [[1, 2, 25], [1, 3, 64]]


def test_a_box_opens_what_it_stands_for_and_nothing_else(monkeypatch):
    box = {"kind": "embed", "title": "Tokens", "detail": "", "target": "encoder.embed.ids"}
    add = {"kind": "stream", "title": "+", "detail": "", "target": "decoder.0.cross.sum"}
    cross = {"kind": "attention", "title": "Cross", "detail": "", "target": "decoder.0.cross.pattern"}
    diagram = [{"kind": "decoder", "title": "", "blocks": [box, {"kind": "residual", "blocks": [cross], "add": add}]}]
    assert components.boxes_of(diagram) == [box, cross, add]
    opened, mounted, state = [], {}, {}
    monkeypatch.setattr(components.st, "session_state", state)
    monkeypatch.setattr(components, "_blocks", lambda **options: mounted.update(options))
    components.blocks(diagram, key="blocks", on_open=opened.append)
    for target in ("decoder.0.cross.pattern", "decoder.9.attn.q", None, ["encoder.embed.ids"], "encoder.embed.ids"):
        state["blocks"] = {"open": target}
        mounted["on_open_change"]()
    assert opened == ["decoder.0.cross.pattern", "encoder.embed.ids"] and mounted["data"]["arrow"] is None
