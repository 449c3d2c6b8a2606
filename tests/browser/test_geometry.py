"""Where things stand in the pictures, computed by the modules as they are, in a blank page: what is
drawn at a place is found at that place, in maps of any size, on a desk and on a telephone.
"""

from __future__ import annotations

import json

import pytest

from tests.helpers.browser import CHROMIUM, ROOT, modules
from tests.helpers.seen import sides
from ui.kit.components import overview_data
from ui.stages.overview.picture import picture

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.browser,
]
WORDS = ["the", "book", "extraordinarily", "of", "a", "student", "who"]
# Many heads, one map with words, one with numbers, a folded vector, thumbnails: all sizes differ.
MAPS = {
    "heads": {"shape": [5, 7, 4], "rows": WORDS, "columns": WORDS[:4]},
    "long heads": {"shape": [3, 40, 37], "rows": WORDS * 6, "columns": WORDS * 6},
    "words": {"shape": [1, 7, 5], "rows": WORDS, "columns": WORDS[:5], "labelled": True},
    "numbers": {
        "shape": [1, 3, 100],
        "rows": WORDS[:3],
        "columns": [str(i) for i in range(100)],
        "labelled": True,
    },
    "folded": {
        "shape": [1, 3, 32],
        "rows": ["0", "32", "64"],
        "columns": [f"+{i}" for i in range(32)],
        "labelled": True,
        "folded": 70,
    },
    "thumbnails": {"shape": [12, 9, 8], "rows": [], "columns": [], "across": 4},
}
HEATMAP = """const { cellAt, every, everyFlat, foldedPlace, geometry, neighbour, placeOf,
  scrollAfterZoom, scrollIntoSight, scrollToReveal } = await import("/heatmap_geometry.js")
const same = (one, other) => one.join() === other.join()
const cells = ({ shape: [panels, rows, columns] }) => [...Array(panels * rows * columns).keys()]
  .map((n) => [Math.floor(n / columns / rows), Math.floor(n / columns) % rows, n % columns])
const seenAt = ([left, top]) => ({ left, top, width: 358, height: 300 });
"""


@pytest.fixture(scope="module")
def run(browser):
    with modules(browser) as run:
        yield run


@pytest.mark.parametrize("width", (358, 640, 1100))
@pytest.mark.parametrize("zoom", (0.5, 1, 1.96))
@pytest.mark.parametrize("name", MAPS)
def test_the_cell_that_is_drawn_at_a_place_is_found_there(run, name, zoom, width):
    found = run(
        HEATMAP
        + """const [data, width, zoom] = given, g = geometry(data, width, zoom, 720)
        const wrong = []
        for (const cell of cells(data)) {
          const [x, y, wide, tall] = placeOf(data, g, cell)
          for (const part of [0.02, 0.5, 0.98]) {
            const at = cellAt(g, data.shape, x + wide * part, y + tall * part)
            const found = at && (data.across ? at[0] === cell[0] : same(at, cell))
            if (!found) wrong.push([cell, at])
          }
          if (x < 0 || y < 0 || x + wide > g.wide || y + tall > g.tall) wrong.push(["out", cell])
        }
        return wrong""",
        [MAPS[name], width, zoom],
    )
    assert found == []


def test_beside_the_maps_there_is_no_cell_and_an_edge_counts_as_the_nearest(run):
    heads = MAPS["heads"]
    beside, far, last = run(
        HEATMAP
        + """const [data] = given, g = geometry(data, 1100, 1, 720)
        const [x, y, wide, tall] = placeOf(data, g, [0, 0, 0])
        const [right, low, w, h] = placeOf(data, g, [4, 6, 3])
        return [cellAt(g, data.shape, x - 1, y - 1),
          cellAt(g, data.shape, x, g.tall + 500),
          cellAt(g, data.shape, right + w + 2, low + h + 2)]""",
        [heads],
    )
    assert beside == [0, 0, 0] and far is None and last == [4, 6, 3]


@pytest.mark.parametrize("name", ("heads", "words", "thumbnails"))
def test_arrows_lead_to_the_cell_beside_and_back(run, name):
    wrong = run(
        HEATMAP
        + """const [data] = given, g = geometry(data, 700, 1, 720), wrong = []
        const ways = { ArrowUp: "ArrowDown", ArrowDown: "ArrowUp", ArrowLeft: "ArrowRight",
          ArrowRight: "ArrowLeft" }
        for (const cell of cells(data)) for (const [way, back] of Object.entries(ways)) {
          const next = neighbour(data, g, cell, way), moves = !same(next, cell) && !data.across
          const there = next.every((at, axis) => at >= 0 && at < data.shape[axis])
          if (!there || moves && !same(neighbour(data, g, next, back), cell))
            wrong.push([cell, way, next])
        }
        return wrong""",
        [MAPS[name]],
    )
    assert wrong == []


def test_an_arrow_over_the_edge_leads_into_the_map_beside(run):
    right, down, stays = run(
        HEATMAP
        + """const [data] = given, g = geometry(data, 700, 1, 720)
        return [neighbour(data, g, [0, 2, 3], "ArrowRight"),
          neighbour(data, g, [0, 6, 1], "ArrowDown").slice(1),
          neighbour(data, g, [4, 6, 3], "ArrowDown")]""",
        [MAPS["heads"]],
    )
    assert right == [1, 2, 0] and down == [0, 1] and stays == [4, 6, 3]


def test_a_folded_vector_ends_at_its_last_number(run):
    places = run(
        HEATMAP
        + """const found = []
        for (let row = 0; row < 3; row++)
          for (let column = 0; column < 32; column++) found.push(foldedPlace(32, 70, row, column))
        return found"""
    )
    assert places == [*range(70), *[None] * 26]


def test_names_are_left_out_where_they_would_touch(run):
    words, numbers = run(
        HEATMAP
        + """const sizes = [0.7, 3, 5.5, 11, 12, 17, 33, 34, 35, 90]
        return [sizes.map((size) => [size, every(size, 11)]),
          sizes.map((size) => [size, everyFlat(size)])]"""
    )
    for least, found in ((11, words), (34, numbers)):
        for size, step in found:
            assert size * step >= least and (step == 1 or size * step < 2 * least)
    assert all(step & (step - 1) == 0 for _, step in numbers)  # 1, 2, 4, 8 …


def test_a_cell_scrolls_into_sight_and_no_further(run):
    data = MAPS["long heads"]
    wrong = run(
        HEATMAP
        + """const [data] = given, g = geometry(data, 358, 1.96, 300), size = [358, 300]
        const far = [g.wide - size[0], g.tall - size[1]], wrong = []
        for (const start of [[0, 0], far, [far[0] / 3, far[1] / 2]])
          for (const cell of [[0, 0, 0], [1, 20, 11], [2, 39, 36]]) {
            const place = placeOf(data, g, cell), at = scrollIntoSight(g, start, size, place)
            const [x, y, wide, tall] = place, left = x - (g.named ? g.left : 0)
            const seen = left >= at[0] && x + wide <= at[0] + size[0] && y >= at[1] &&
              y + tall <= at[1] + size[1] - g.foot
            const stays = same(scrollIntoSight(g, at, size, place), at)
            const revealed = scrollToReveal(g, seenAt(at), place, true) === null
            if (!seen || !stays || !revealed) wrong.push([start, cell, at])
          }
        return wrong""",
        [data],
    )
    assert wrong == []


def test_what_is_revealed_is_in_sight(run):
    hidden = run(
        HEATMAP
        + """const [data] = given, g = geometry(data, 358, 1.96, 300), hidden = []
        for (const cell of [[1, 20, 11], [2, 39, 36], [0, 30, 30]]) {
          const place = placeOf(data, g, cell), at = scrollToReveal(g, seenAt([0, 0]), place, true)
          if (at === null || scrollToReveal(g, seenAt(at), place, true) !== null) hidden.push(cell)
        }
        return hidden""",
        [MAPS["long heads"]],
    )
    assert hidden == []


def test_zooming_keeps_the_point_under_the_pointer(run):
    there, cells = run(
        HEATMAP
        + """const [data] = given, start = [90, 310], [x, y] = [200, 150]
        const [before, next] = [1, 1.96].map((zoom) => geometry(data, 358, zoom, 300))
        const at = scrollAfterZoom(before, next, start, [x, y])
        const cell = (g, from) => cellAt(g, data.shape, from[0] + x, from[1] + y)
        const back = scrollAfterZoom(next, before, at, [x, y])
        return [back, [cell(before, start), cell(next, at)]]""",
        [MAPS["words"] | {"shape": [1, 70, 50], "rows": WORDS * 10, "columns": WORDS * 7 + ["a"]}],
    )
    assert there == pytest.approx([90, 310])
    assert cells[0] == cells[1]


# --- the overview ---------------------------------------------------------------------------------


OVERVIEW = """const [text, width] = given, data = JSON.parse(text), wrong = []
const { cellAt, cellPlace, unpack } = await import("/overview_reading.js")
const { layout } = await import("/overview_layout.js")
unpack(data)
const sheet = layout(data, width)
for (const item of sheet.items) {
  const { x, y, w, h, part, rows, columns } = item, right = x + w, low = y + h
  if (![x, y, w, h].every(Number.isFinite)) wrong.push(["no place", item.type, item.key])
  if (right > sheet.width || low > sheet.height || y < 0) wrong.push(["out", item.type, item.key])
  const R = part ? rows.at.length : 0, C = columns ? columns.at.length : part?.numbers.length / R
  for (let row = 0; row < R; row++) for (let cell = 0; cell < C; cell++) {
    const [left, top, wide, tall] = cellPlace(item, row, cell)
    const at = cellAt(item, left + wide / 2, top + tall / 2)
    if (at[0] !== row || at[1] !== cell) wrong.push([item.key, row, cell, at])
  }
}
return [wrong.slice(0, 5), sheet.items.length]"""


@pytest.mark.parametrize("width", (358, 700, 1140))
def test_every_cell_of_the_overview_is_found_where_it_is_drawn(run, tiny_trace, family, width):
    for view in sides(tiny_trace(family)):
        wrong, items = run(OVERVIEW, [json.dumps(overview_data(picture(view))), width])
        assert wrong == [] and items > 10


def test_left_out_tokens_leave_a_gap(run):
    found, first = run(
        """const { places } = await import("/overview_sheet.js")
        const { nearest } = await import("/overview_reading.js")
        const rows = places({ at: [0, 1, 7, 8, 20], chosen: 2 }, 12)
        return [rows, [-5, 0, 11.9, 12, 33, 33.6, 1000].map((y) => nearest(rows, y))]"""
    )
    gap = 12 * 0.8
    assert found["at"] == pytest.approx([0, 12, 24 + gap, 36 + gap, 48 + 2 * gap])
    assert found["jumps"] == pytest.approx([24 + gap / 2, 48 + 1.5 * gap])
    assert found["total"] == pytest.approx(60 + 2 * gap) and found["chosen"] == 2
    assert first == [0, 0, 0, 1, 1, 2, 4]


PURE = ("heatmap_geometry", "overview_layout", "overview_layer", "overview_sides", "overview_sheet")


@pytest.mark.parametrize("name", (*PURE, "overview_reading", "lines_geometry", "words", "numbers"))
def test_geometry_touches_no_element(name):
    text = (ROOT / f"assets/components/{name}.js").read_text(encoding="utf-8")
    assert not any(word in text for word in ("document", "window", "dom.js", "colours.js"))


# --- lines, words ---------------------------------------------------------------------------------


def test_lines_join_the_two_tokens_of_a_weight(run):
    data = {"shape": [2, 2, 3], "numbers": [0, 0.5, 0.01, 1, 0, 0.3, 0.2, 0, 0, 0, 0.011, 0]}
    lines, only, strong = run(
        """const { linesOf, strength, ROW, WIDE } = await import("/lines_geometry.js")
        const [data] = given, line = { l: 1, m: 2, weight: 0.3 }, weak = { ...line, weight: 0.05 }
        const shown = linesOf(data).map(({ h, l, m, ends: { x1, x2, y1, y2 } }) =>
          [h, l, m, x1, x2 / WIDE, y1 / ROW, y2 / ROW])
        const only = linesOf({ ...data, shape: [1, 2, 3], only: [2, 0] }).map(({ l, m }) => [l, m])
        return [shown, only, [strength(line, null, null, null), strength(line, null, 1, null),
          strength(line, null, null, 2), strength(line, null, 0, null),
          strength(weak, null, 1, null), strength(weak, [2, 0], 1, null)]]""",
        [data],
    )
    assert [line[:3] for line in lines] == [[0, 0, 1], [0, 1, 0], [0, 1, 2], [1, 0, 0], [1, 1, 1]]
    for _, l, m, begin, end, left, right in lines:
        assert (begin, end) == (0, 1) and (left, right) == (l + 0.5, m + 0.5)
    assert only == [[0, 2], [1, 0]]
    assert strong == pytest.approx([0.3, 0.3, 0.3, 0.02, 0.15, 0.4])


def test_pieces_of_a_word_stand_together(run):
    words = [None, 0, 0, 1, 2, 2, 2, None, None, 2]
    grouped, short, numbered = run(
        """const { groupWords, isNumbered, shorten } = await import("/words.js")
        const short = ["abcdef", "abcdefg"].map((word) => shorten(word, 6))
        return [groupWords(given.map((word) => ({ word }))), short,
          [["0", "+31"], ["1", "a"], ["−1"], []].map(isNumbered)]""",
        words,
    )
    assert grouped == [[0], [1, 2], [3], [4, 5, 6], [7], [8], [9]]
    assert short == ["abcdef", "abcde…"] and numbered == [True, False, False, True]


COMPARE = """const { cellAt, layOut, nameAt, step } = await import("/compare_geometry.js")
const names = (count) => [...Array(count).keys()].map((n) => "w".repeat(1 + n % 17))
"""


@pytest.mark.parametrize("width", (340, 640, 800))
@pytest.mark.parametrize("rows, columns", ((1, 1), (7, 7), (9, 11), (40, 40)))
def test_the_cell_of_two_maps_and_their_difference_is_found_where_it_is_drawn(
    run, width, rows, columns
):
    found = run(
        COMPARE
        + """const [width, rows, columns] = given, g = layOut(width, rows, columns, names(rows))
        const wrong = []
        for (const [map, { left, top, wide, tall }] of g.maps.entries()) {
          const beyond = left + wide > width || top + tall + g.foot > g.tall + 0.01
          if (beyond) wrong.push([map, "outside"])
          for (let n = 0; n < rows * columns; n++) {
            const row = Math.floor(n / columns), column = n % columns
            const x = left + (column + 0.5) * g.cell, y = top + (row + 0.5) * g.cell
            const at = cellAt(g, rows, columns, x, y)
            if (at?.join() !== [map, row, column].join()) wrong.push([map, row, column, at])
          }
          if (cellAt(g, rows, columns, left - 3, top + 1)?.[0] === map) wrong.push([map, "beside"])
        }
        const { left, top } = g.maps[0], last = top + (rows - 0.5) * g.cell
        if (nameAt(g, rows, left - 10, last) !== rows - 1) wrong.push("name")
        if (nameAt(g, rows, left + 1, top + 1) !== null) wrong.push("no name")
        return { wrong, across: g.across }""",
        [width, rows, columns],
    )
    assert found == {"wrong": [], "across": 1 if width < 560 else 3}


def test_arrows_lead_through_all_three_maps(run):
    steps = run(
        COMPARE
        + """const go = (at, key) => step(2, 3, at, `Arrow${key}`)
        const walk = (cell, keys) => keys.reduce(go, cell)
        return [walk([0, 0, 2], ["Right"]), walk([1, 1, 0], ["Left"]), walk([2, 0, 2], ["Right"]),
          walk([0, 0, 0], ["Left"]), walk([1, 0, 1], ["Down", "Down"]), walk([1, 0, 1], ["Up"])]"""
    )
    assert steps == [[1, 0, 0], [0, 1, 2], [2, 0, 2], [0, 0, 0], [1, 1, 1], [1, 0, 1]]
