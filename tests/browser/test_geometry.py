"""Where things stand in the pictures, computed by the modules as they are, in a blank page: what is
drawn at a place is found at that place, in maps of any size, on a desk and on a telephone.
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.helpers.browser import CHROMIUM, ROOT, modules
from tests.helpers.seen import sides
from ui.kit.components import overview_data
from ui.kit.terms import GLOSSARY
from ui.session.short_link import unpacked
from ui.stages.overview.picture import picture

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.browser,
]
WORDS = ["the", "book", "extraordinarily", "of", "a", "student", "who"]
# Many heads, one map with words, one with numbers, a folded vector, thumbnails: all sizes differ.
MAPS = {
    "heads": {"shape": [5, 7, 4], "rows": WORDS, "columns": WORDS[:4]},
    "low heads": {"shape": [12, 5, 5], "rows": WORDS[:5], "columns": WORDS[:5], "tallest": 420},
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
}
HEATMAP = """const { cellAt, corner, every, everyFlat, foldedPlace, geometry, neighbour, placeOf,
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
            if (!at || !same(at, cell)) wrong.push([cell, at])
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


@pytest.mark.parametrize("name", ("heads", "words"))
def test_arrows_lead_to_the_cell_beside_and_back(run, name):
    wrong = run(
        HEATMAP
        + """const [data] = given, g = geometry(data, 700, 1, 720), wrong = []
        const ways = { ArrowUp: "ArrowDown", ArrowDown: "ArrowUp", ArrowLeft: "ArrowRight",
          ArrowRight: "ArrowLeft" }
        for (const cell of cells(data)) for (const [way, back] of Object.entries(ways)) {
          const next = neighbour(data, g, cell, way), moves = !same(next, cell)
          const there = next.every((at, axis) => at >= 0 && at < data.shape[axis])
          if (!there || moves && !same(neighbour(data, g, next, back), cell))
            wrong.push([cell, way, next])
        }
        return wrong""",
        [MAPS[name]],
    )
    assert wrong == []


@pytest.mark.parametrize("width, across", ((760, 6), (358, 2)))
def test_heads_that_should_be_seen_at_once_stand_beside_each_other(run, width, across):
    """As long as each is 90 pixels wide: beside its words a telephone has room for two."""
    low, high = run(
        HEATMAP
        + """const [data, width] = given
        return [data, { ...data, tallest: null }].map((each) => geometry(each, width, 1, 720))""",
        [MAPS["low heads"], width],
    )
    assert low["across"] == across and low["down"] == 12 // across
    assert low["tall"] <= high["tall"] and (low["tall"] <= 420) == (width == 760)
    assert (high["tall"] > 420) and high["across"] <= across


@pytest.mark.parametrize("width", (760, 358))
def test_every_line_of_heads_has_room_for_the_words_below_it(run, width):
    g, upper, lower = run(
        HEATMAP
        + """const [data, width] = given, g = geometry(data, width, 1, 720)
        return [g, corner(g, data.shape, 0)[1], corner(g, data.shape, g.across)[1]]""",
        [MAPS["low heads"], width],
    )
    assert g["between"] > 40 and g["left"] > 40
    assert lower - g["head"] >= upper + 5 * g["h"] + g["between"]


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
"""


def sent(view) -> str:
    return json.dumps(overview_data(picture(view)))


@pytest.mark.parametrize("width", (358, 700, 772, 900, 1184))
def test_every_cell_of_the_overview_is_found_where_it_is_drawn(run, tiny_trace, family, width):
    for view in sides(tiny_trace(family)):
        wrong, items = run(
            OVERVIEW
            + """for (const item of sheet.items) {
              const { x, y, w, h, part, rows, columns } = item, right = x + w, low = y + h
              if (![x, y, w, h].every(Number.isFinite)) wrong.push(["no place", item.type])
              const inside = right <= sheet.width && low <= sheet.height && y >= 0
              if (!inside) wrong.push(["out", item.type, item.key])
              if (!part) continue
              const drawn = rows.only === undefined ? [...rows.at.keys()] : [rows.only]
              const count = columns?.at.length ?? part.cells
              for (const row of drawn) for (let cell = 0; cell < count; cell++) {
                const [left, top, wide, tall] = cellPlace(item, row, cell)
                const at = cellAt(item, left + wide / 2, top + tall / 2)
                if (at[0] !== row || at[1] !== cell) wrong.push([item.key, row, cell, at])
              }
            }
            return [wrong.slice(0, 5), sheet.items.length]""",
            [sent(view), width],
        )
        assert wrong == [] and items > 10


@pytest.mark.parametrize("width", (358, 772, 900, 1184))
def test_no_number_is_covered_by_another_part(run, tiny_trace, family, width):
    """Strips, maps, signs and bars have places of their own; titles only stand beside them."""
    for view in sides(tiny_trace(family)):
        covered = run(
            OVERVIEW
            + """const kinds = ["strip", "map", "bar", "plus"]
            const parts = sheet.items.filter(({ type }) => kinds.includes(type))
            const before = (a, b) => a.x + a.w <= b.x + 1 || a.y + a.h <= b.y + 1
            const apart = (a, b) => before(a, b) || before(b, a)
            for (const [i, a] of parts.entries()) for (const b of parts.slice(i + 1))
              if (!apart(a, b)) wrong.push([a.type, a.key, b.type, b.key])
            return wrong.slice(0, 5)""",
            [sent(view), width],
        )
        assert covered == []


def test_the_map_of_the_opened_layer_is_large_enough_to_read(run, tiny_trace):
    for family in ("gpt2", "bert", "t5_gated"):
        for view in sides(tiny_trace(family)):
            widths = run(
                """const [text] = given, { layout } = await import("/overview_layout.js")
                const { unpack } = await import("/overview_reading.js")
                return [358, 772, 900, 1184].map((width) => {
                  const data = JSON.parse(text)
                  unpack(data)
                  return layout(data, width).items.find(({ type }) => type === "map").w
                })""",
                [sent(view)],
            )
            assert min(widths) >= 215


@pytest.mark.parametrize("width, family", ((358, "gpt2"), (772, "gpt2"), (772, "bert")))
def test_the_overview_needs_no_scrolling_sideways(run, tiny_trace, width, family):
    for view in sides(tiny_trace(family)):
        assert run(OVERVIEW + "return sheet.width", [sent(view), width]) == width


def test_on_a_tablet_the_bars_stand_in_two_columns(run, tiny_trace):
    for view in sides(tiny_trace("gpt2")):
        left = "return sheet.items.filter(({ type }) => type === 'bar').map(({ x }) => x)"
        telephone, tablet = (run(OVERVIEW + left, [sent(view), width]) for width in (358, 772))
        assert len(telephone) == len(tablet) >= 4
        assert len(set(telephone)) == 1 and len(set(tablet)) == 2


def test_left_out_tokens_leave_a_gap(run):
    found, first = run(
        """const { places } = await import("/overview_places.js")
        const { nearest } = await import("/overview_reading.js")
        const rows = places({ at: [0, 1, 7, 8, 20], chosen: 2 }, 12)
        return [rows, [-5, 0, 11.9, 12, 33, 33.6, 1000].map((y) => nearest(rows, y))]"""
    )
    gap = 12 * 0.8
    assert found["at"] == pytest.approx([0, 12, 24 + gap, 36 + gap, 48 + 2 * gap])
    assert found["jumps"] == pytest.approx([24 + gap / 2, 48 + 1.5 * gap])
    assert found["left"] == [5, 11]
    assert found["total"] == pytest.approx(60 + 2 * gap) and found["chosen"] == 2
    assert first == [0, 0, 0, 1, 1, 2, 4]


def test_columns_share_what_the_fixed_ones_leave(run):
    found = run(
        """const { columns } = await import("/overview_places.js")
        return columns([["a", 100, 0], ["", 0, 10], ["b", 20, 40]], 170)"""
    )
    assert found["a"] == {"x": 0, "w": 100} and found["b"] == {"x": 110, "w": 60}
    assert found["end"] == 170 and found["f"] == 1


def test_a_tip_covers_nothing_it_speaks_of_and_stays_in_sight(run):
    wrong = run(
        """const { tipPlace } = await import("/overview_reading.js"), wrong = []
        const seen = { left: 0, right: 358, top: -40, bottom: 700 }, size = { wide: 240, tall: 62 }
        for (const x of [0, 5, 180, 340]) for (const y of [-30, 0, 40, 330, 650]) {
          const about = { x, y, w: 18, h: 20 }, [left, top] = tipPlace(size, about, seen)
          if (left < seen.left || left + size.wide > seen.right) wrong.push(["out", x, y, left])
          if (top < about.y + about.h && top + size.tall > about.y) wrong.push(["over", x, y])
          const away = top < seen.top || top + size.tall > seen.bottom
          if (y > 60 && y < 600 && away) wrong.push(["away", x, y])
        }
        return wrong"""
    )
    assert wrong == []


def test_a_tip_has_at_most_three_lines(run, tiny_trace):
    view = sides(tiny_trace("llama"))[0]
    lines = run(
        OVERVIEW
        + """const { read } = await import("/overview_reading.js")
        return sheet.items.filter(({ type }) => type !== "norm").map((item) => {
          const { lines, value } = read(data, item, item.x + item.w / 2, item.y + item.h / 2)
          return lines.filter(Boolean).slice(0, 2).length + (value ? 1 : 0)
        })""",
        [sent(view), 1184],
    )
    assert lines and max(lines) <= 3 and min(lines) >= 1


# --- its motion -----------------------------------------------------------------------------------

MOTION = """const { along, END, phaseAt, planned, scriptOf, shownAt, staggered } =
  await import("/overview_motion.js")
"""
# What stands beside the opened layer: it is the last one, the first, one between, the only one.
BESIDE = {
    "last": {"before": "layers 0–2", "after": "", "guess": "guess"},
    "first": {"before": "", "after": "layers 1–3", "guess": "guess"},
    "between": {"before": "layer 0", "after": "layers 2–3", "guess": "guess"},
    "only": {"before": "", "after": "", "guess": "result"},
}
FIRST, THEN = "tokens positions".split(), "attention feed-forward".split()
MARKS = {
    "last": [*FIRST, "layers 0–2", *THEN, "guess"],
    "first": [*FIRST, *THEN, "layers 1–3", "guess"],
    "between": [*FIRST, "layer 0", *THEN, "layers 2–3, guess"],
    "only": [*FIRST, *THEN, "last vectors", "result"],
}


@pytest.mark.parametrize("opened", BESIDE)
def test_the_motion_ends_with_all_of_the_picture_within_six_seconds(run, opened):
    end, first, last, every, script = run(
        MOTION
        + """const [beside] = given, script = scriptOf(beside), every = []
        for (let time = 0; time <= END; time += 50) every.push(Object.values(shownAt(script, time)))
        return [END, shownAt(script, 0), shownAt(script, END), every, script]""",
        [BESIDE[opened]],
    )
    assert end <= 6000 and set(first.values()) == {0} and set(last.values()) == {1}
    assert script["marks"] == MARKS[opened] and script["ends"][-1] == end
    for before, after in zip(every, every[1:], strict=False):
        assert all(0 <= a <= b <= 1 for a, b in zip(before, after, strict=True))  # nothing leaves


@pytest.mark.parametrize("opened", BESIDE)
def test_the_parts_come_in_the_order_in_which_a_model_works(run, opened):
    begun, ended = run(
        MOTION
        + """const [beside] = given, script = scriptOf(beside), begun = {}, ended = {}
        const parts = Object.keys(shownAt(script, 0))
        for (let time = 0; time <= END; time += 10) for (const part of parts) {
          if (shownAt(script, time)[part] > 0) begun[part] ??= time
          if (shownAt(script, time)[part] === 1) ended[part] ??= time
        }
        return [begun, ended]""",
        [BESIDE[opened]],
    )
    layer = "query lines value travel update neurons write".split()
    wanted = ["drop", "fill", "position", *layer, "after", "out", "bars"]
    if BESIDE[opened]["before"]:
        wanted.insert(3, "before")
        assert ended["position"] <= begun["before"] and ended["before"] <= begun["query"]
    assert sorted(wanted, key=begun.__getitem__) == wanted
    assert ended["write"] <= begun["after"] and ended["update"] <= begun["neurons"]


@pytest.mark.parametrize("kind", ("attention", "cross"))
@pytest.mark.parametrize("last", (False, True))
def test_parts_fill_from_left_to_right(run, tiny_trace, family, last, kind):
    """In each row of strips, none begins before one that stands on its left."""
    for view in sides(tiny_trace(family)):
        view.layer = view.config.layers(view.side) - 1 if last else 0
        wrong, count = run(
            OVERVIEW
            + """const { marksOf } = await import("/overview_layout.js")
            const { END, scriptOf, shownAt } = await import("/overview_motion.js")
            const script = scriptOf(marksOf(data)), begun = {}
            for (let time = END; time >= 0; time -= 10)
              for (const [part, p] of Object.entries(shownAt(script, time)))
                if (p > 0) begun[part] = time
            const { items } = layout(data, width, given[2])
            const strips = items.filter(({ type, upright, single, rows }) =>
              type === "strip" && !upright && !single && rows.only === undefined)
            const at = ({ when, nth = 0, of = 1 }) => {
              const [from, to] = script.parts[when]
              return from + (to - from) * nth / of
            }
            for (const a of strips) for (const b of strips)
              if (a.y === b.y && a.x < b.x && at(a) > at(b)) wrong.push([a.key, b.key])
            for (const { type, when, key } of items)
              if (["norm", "plus", "strip", "map"].includes(type) && begun[when] === undefined)
                wrong.push([type, key, when])
            return [wrong, strips.length]""",
            [sent(view), 1184, kind],
        )
        assert wrong == [] and count > 6


def test_positions_have_their_own_colour_on_the_overview(run, tiny_trace):
    kinds = run(
        OVERVIEW
        + """return sheet.texts.filter(({ words }) => words.includes("position"))
          .map(({ kind }) => kind)""",
        [sent(sides(tiny_trace("gpt2"))[0]), 1184],
    )
    assert kinds == ["position"]


def test_a_line_leads_from_the_encoder_to_what_reads_it(run, tiny_trace):
    """To the keys of the opened attention across, else to the decoder's layers."""
    encoder, decoder = sides(tiny_trace("t5_gated"))
    line = """const [line] = sheet.lines.filter(({ kind }) => kind === "memory")
    const strip = (key) => sheet.items.find((item) => item.type === "strip" && item.key === key)
    const from = strip("encoder.out"), [x, y] = line.from, [to] = line.to
    const under = x > from.x && x < from.x + from.w && y >= from.y + from.h - 4
    const read = given[2].map(strip), right = Math.max(...read.map((each) => each.x + each.w))
    return [under, to > Math.min(...read.map((each) => each.x)) && to < right]"""
    for view, read in (
        (encoder, ["decoder.0.out", "decoder.out"]),
        (decoder, [f"decoder.{decoder.layer}.cross.k"]),
    ):
        assert run(OVERVIEW + line, [sent(view), 1184, read]) == [True, True], read


def test_of_two_sides_the_first_has_run_before_the_second(run, tiny_trace):
    encoder, decoder = sides(tiny_trace("t5_gated"))
    steps = [
        run(
            OVERVIEW
            + """const { marksOf } = await import("/overview_layout.js")
            return [marksOf(data), Object.fromEntries(sheet.steps)]""",
            [sent(view), 1184],
        )
        for view in (encoder, decoder)
    ]
    (first, after), (second, before) = steps
    assert after["encoder.out"]["when"] == "after" and before["encoder.out"]["when"] == "before"
    assert after["decoder.0.out"]["nth"] > after["encoder.out"]["nth"]
    assert before["encoder.out"]["nth"] > before["encoder.0.out"]["nth"] == 0
    assert first["before"] == "" and first["after"] == "layers after"
    assert second["before"] == "encoder" and second["after"] == "layer 1"


@pytest.mark.parametrize("opened", BESIDE)
def test_each_mark_stands_at_the_end_of_its_phase_with_the_dot_on_it(run, opened):
    ends, phases, places = run(
        MOTION
        + """const [beside] = given, script = scriptOf(beside), { ends, marks } = script
        return [ends, ends.map((end) => phaseAt(script, end)),
          marks.map((_, i) => along(i, marks.length))]""",
        [BESIDE[opened]],
    )
    assert ends == sorted(ends) and phases == list(range(6))
    assert places == pytest.approx([(i + 0.5) / 6 for i in range(6)])


def test_what_plays_depends_on_what_has_changed(run):
    first, text, trial, place, nothing, times = run(
        MOTION
        + """const [beside] = given, now = { text: "a", run: "a", place: "a" }
        const script = scriptOf(beside), plan = (more) => planned(script, now, { ...now, ...more })
        const plans = [planned(script, undefined, now), plan({ text: "b" }), plan({ run: "b" }),
          plan({ place: "b" }), plan({})]
        return [...plans, plans.slice(0, 4).map(({ from, to, rate }) => (to - from) / rate)]""",
        [BESIDE["last"]],
    )
    assert first == text and first["from"] == 0
    assert trial["from"] > 0 and place["from"] > 0 and nothing is None
    assert max(times) <= 6000 and max(times[2:]) < 1000
    attention = MARKS["last"].index("attention")
    ends = run(MOTION + "return scriptOf(given[0]).ends", [BESIDE["last"]])
    assert (place["from"], place["to"]) == (ends[attention - 1], ends[attention])


def test_the_line_to_the_leader_moves_in_four_tenths_of_a_second(run):
    moves = run(
        MOTION
        + """const [beside] = given, script = scriptOf(beside), [from, to] = script.parts.lead
        const plan = planned(script, { text: "a", run: "a" }, { text: "a", run: "b" })
        return [(to - from) / plan.rate, plan.from <= from, plan.to >= to]""",
        [BESIDE["last"]],
    )
    assert moves == [pytest.approx(400, abs=5), True, True]


def test_the_line_ends_at_the_likeliest_word_and_the_question_s_words_stand_apart(run, tiny_trace):
    view = sides(tiny_trace("gpt2"))[0]
    probs_V = view.trace["head.probs"][picture(view)["output"]["place"]]
    order = probs_V.argsort()[::-1].tolist()
    pair = (int(order[3]), int(order[1]))
    data = json.dumps(overview_data(picture(view, always=pair)))
    bars, line, rule = run(
        OVERVIEW
        + """const line = (kind) => sheet.lines.find((each) => each.kind === kind)
        const bars = sheet.items.filter(({ type }) => type === "bar")
        const places = bars.map(({ word, y, h }) => [word.id, y, h])
        return [places, line("guess").to, line("rule").from]""",
        [data, 1184],
    )
    assert [each[0] for each in bars[:3]] == [*pair, order[0]]
    (_, second, tall), (_, third, _) = bars[1:3]
    assert third - second > tall + 8 and second + tall < rule[1] < third
    leader = next(each for each in bars if each[0] == order[0])
    assert line[1] == pytest.approx(leader[1] + leader[2] / 2)
    shown = [probs_V[each[0]] for each in bars[2:]]
    assert shown == sorted(shown, reverse=True)


def test_one_word_drops_after_the_other(run):
    found = run(MOTION + "return [0, 3, 6].map((i) => [0, 0.3, 1].map((p) => staggered(p, i, 7)))")
    assert [each[0] for each in found] == [0, 0, 0] and [each[2] for each in found] == [1, 1, 1]
    assert found[0][1] > found[1][1] >= found[2][1]


PURE = ("heatmap_geometry", "overview_layout", "overview_places", "overview_motion")


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


@pytest.mark.parametrize("wide", (340, 800))
def test_the_ends_of_a_slope_stand_at_their_shares_and_no_word_covers_another(run, wide):
    shares = [[0.402, 0.003, 0.002, 0.148, 0.048, 0.001], [0.001, 0.371, 0.171, 0, 0, 0.056]]
    g, equal, crowded = run(
        """const { layOut, spread } = await import("/slope_geometry.js")
        const [wide, shares] = given, wanted = Array(9).fill(5)
        return [layOut(wide, 260, shares, 130, 180), spread([50, 50, 50], 0, 100),
          spread(wanted, 0, 40)]""",
        [wide, shares],
    )
    assert g["top"] == 0.5 and g["left"] < g["right"] <= wide
    for run_shares, ends, words in zip(shares, g["ends"], g["words"], strict=True):
        room = 260 - 34 - 14
        assert ends == pytest.approx([34 + (1 - share / 0.5) * room for share in run_shares])
        order = sorted(range(6), key=lambda n: (ends[n], n))
        steps = [words[b] - words[a] for a, b in zip(order, order[1:], strict=False)]
        assert min(steps) >= 19 - 1e-9 and min(words) >= 34 and max(words) <= 250
    assert equal == [50, 69, 88]
    assert crowded == pytest.approx([5 * n for n in range(9)])


def test_a_bar_of_guesses_is_as_long_as_its_share_and_arrows_walk_over_the_numbers(run):
    found = run("""
        const { indexOf, nextButton, seenShare } = await import("/guesses_geometry.js")
        const keys = ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "Enter"]
        return [indexOf([2, 3, 4, 2], [1, 2, 3, 1]), indexOf([2, 3, 4, 2], [0, 1, 0, 1]),
          [0.25, 1.2, -1, NaN].map(seenShare), keys.map((key) => nextButton(key, 3, 6)),
          nextButton("ArrowDown", 4, 6), nextButton("ArrowLeft", 0, 6)]
    """)
    assert found == [47, 9, [0.25, 1, 0, 0], [5, 1, 4, 2, None], None, None]


def test_a_bar_of_a_layer_is_as_long_as_its_share_and_arrows_walk_over_the_heads(run):
    found = run("""
        const { aligned, barShare, nextHead } = await import("/layer_geometry.js")
        const keys = ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "a"]
        return [...[3, 9, NaN].map((x) => barShare(x, 4)),
          keys.map((key) => nextHead(key, 7, 5, 20)),
          nextHead("ArrowDown", 16, 5, 20), [0.5, -0.0111, 13.49, 123.4, 8.8].map(aligned)]
    """)
    assert found == [
        0.75,
        1,
        0,
        [12, 2, 8, 6, None],
        None,
        ["0.50", "−0.01", "13.5", "123", "8.80"],
    ]


def test_a_misspelled_word_is_near_to_the_one_that_was_meant(run):
    typed = ["embeding", "sofmax", "atention", "deviatoin", "nueron", "xyzzyxyzzy"]
    found, steps = run(
        """const { distance, nearest } = await import("/glossary_terms.js")
        const [typed, terms] = given
        return [typed.map((word) => nearest(terms, word)[0]?.term ?? null),
          [["abc", "abc"], ["abc", "acb"], ["abc", "ab"], ["", "abc"], ["kitten", "sitting"]]
            .map(([a, b]) => distance(a, b))]""",
        [typed, [term for group in GLOSSARY["groups"] for term in group["terms"]]],
    )
    assert found == ["embedding", "softmax", "attention", "deviation", "neuron", None]
    assert steps == [0, 1, 1, 3, 3]


def test_arrows_home_and_end_move_along_a_row_and_stop_at_its_ends(run):
    keys = ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Home", "End", "Enter", " "]
    found = run(
        """const { reached } = await import("/one_stop.js")
        return given.map((key) => [0, 2, 4].map((i) => reached(key, i, 5) ?? null))""",
        keys,
    )
    right, left = [1, 3, 4], [0, 1, 3]
    assert found == [right, right, left, left, [0, 0, 0], [4, 4, 4], *2 * [[None, None, None]]]


# --- rounded shapes, the ring of the tour, a copied link ------------------------------------------


SHAPES = """const { disc, plate } = await import("/round_shapes.js")
const brush = new OffscreenCanvas(20, 20).getContext("2d")
for (const size of given) for (const other of given) {
  brush.beginPath()
  plate(brush, 1, 1, size, other, 6)
  disc(brush, 5, 5, size)
}
const painted = (draw) => {
  brush.clearRect(0, 0, 20, 20)
  brush.beginPath()
  draw()
  brush.fill()
  return brush.getImageData(10, 10, 1, 1).data[3]
}
return [painted(() => plate(brush, 0, 0, 20, 20, 6)), painted(() => disc(brush, 10, 10, 8)),
  painted(() => plate(brush, 0, 0, -20, 20, 6)), painted(() => disc(brush, 10, 10, -8))]"""


def test_rounded_shapes_of_any_size_throw_nothing(run):
    assert run(SHAPES, [-5, -0.01, 0, 0.5, 12]) == [255, 255, 0, 0]


def test_no_picture_rounds_without_that_guard():
    for path in sorted((ROOT / "assets/components").glob("*.js")):
        if path.name not in ("round_shapes.js", "svg_brush.js"):
            text = path.read_text("utf-8")
            assert "brush.roundRect(" not in text and "brush.arc(" not in text, path.name


@pytest.mark.parametrize(
    "top, height, by",
    [
        (100, 300, 0),  # all of it is in sight
        (800, 300, 235),  # its foot is brought in
        (-50, 300, -85),  # its head
        (400, 2000, 365),  # too tall: its head
        (30, 2000, 0),  # its head is there already
    ],
)
def test_the_page_moves_until_what_is_rung_is_in_sight(run, top, height, by):
    code = "return (await import('/ring_geometry.js')).scrollFor(given, 900)"
    assert run(code, {"top": top, "height": height}) == by


def test_the_ring_is_8_px_away(run):
    code = "return (await import('/ring_geometry.js')).ringAround(given)"
    around = run(code, {"left": 50, "top": 60, "width": 70, "height": 80})
    assert around == {"left": 39, "top": 49, "width": 92, "height": 102}


@pytest.mark.parametrize(
    "address, link",
    [
        ("http://a/Heads?layer=2", "http://a/Heads?v=2&layer=2&guess=shown"),
        ("http://a/Heads?v=1&z=1x&answered=ab#x", "http://a/Heads?v=2&guess=shown"),
        ("http://a/Heads", "http://a/Heads?v=2&guess=shown"),
        ("http://a/Heads?ask=0", "http://a/Heads?v=2&ask=0"),
    ],
)
def test_a_copied_link_says_its_version_and_asks_for_no_guess(run, address, link):
    code = "return (await import('/link.js')).wholeLink(given, '2', { at: '', seen: '' })"
    assert run(code, address) == link


def test_a_link_above_200_characters_is_copied_in_a_short_form_that_says_the_same(run):
    asked = {
        "sentence": "A & b = c + 100 % 漢字 👩‍👩‍👧 " * 4,
        "cell": "decoder.0.attn.pattern:3,2,1",
    }
    whole = f"http://a/Heads?{urlencode(asked)}"
    link = run("return (await import('/link.js')).shortLink(given)", whole)
    assert len(link) < len(whole) and unpacked(parse_qs(urlsplit(link).query)["z"][0]) == asked
    brief = "http://a/Heads?" + "x" * (200 - len("http://a/Heads?"))
    assert run("return (await import('/link.js')).shortLink(given)", brief) == brief


def test_a_place_on_the_page_is_found_again_on_another_screen(run):
    code = """const { spellPlace, parsePlace, scrollTo } = await import('/seen_place.js')
      const text = spellPlace(given, 800), place = parsePlace(text)
      return [text, scrollTo(place, { top: 100, bottom: 500 }, 400),
        ["", "x", "a~1~2", "<b>~1", "a~1e3"].map(parsePlace), spellPlace([], 800)]"""
    boxes = [
        {"key": "page", "top": -500, "bottom": 3000},
        {"key": "card_a", "top": -100, "bottom": 500},
        {"key": "flat", "top": 150, "bottom": 150},
        {"key": "below", "top": 300, "bottom": 400},
    ]
    assert run(code, boxes) == ["card_a~500", 200, [None] * 5, ""]


def test_states_of_pictures_are_read_as_they_are_written(run):
    code = """const { spellSeen, parseSeen } = await import('/seen_place.js')
      return [spellSeen(given), [...parseSeen(spellSeen(given))], [...parseSeen("~a~a.b~<.b.c")]]"""
    states = [
        {"key": "map-1", "name": "map", "value": "2_10_0_1"},
        {"key": "terms", "name": "find", "value": "soft~max. a"},
    ]
    assert run(code, states) == [
        "map-1.map.2_10_0_1~terms.find.softmax. a",
        [["map-1.map", "2_10_0_1"], ["terms.find", "softmax. a"]],
        [],
    ]


# --- why this word --------------------------------------------------------------------------------


def test_keys_walk_over_the_map_of_parts(run):
    """Two layers of three columns, of which one cell is empty, and two parts of no layer."""
    cells = [
        {"row": row, "column": column}
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (-1, -1), (-1, -1))
    ]
    found = run(
        """const { neighbourOf } = await import("/why_geometry.js")
        const [cells, asked] = given
        return asked.map(([at, key]) => neighbourOf(cells, at, key))""",
        [
            cells,
            [
                [0, "ArrowRight"],
                [0, "ArrowDown"],
                [1, "ArrowRight"],
                [3, "ArrowDown"],
                [5, "ArrowRight"],
                [6, "ArrowUp"],
                [4, "ArrowUp"],
                [0, "Enter"],
            ],
        ],
    )
    assert found == [1, 2, 1, 6, 6, 3, 1, None]


def test_ink_is_read_on_every_colour(run):
    worst = run(
        """const { inkOn } = await import("/why_geometry.js")
        const linear = (x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4
        const light = (c) => linear(c / 255)
        const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b)
        const bytes = (ink) => [1, 3, 5].map((i) => parseInt(ink.slice(i, i + 2), 16))
        let worst = 21
        const steps = Array.from({ length: 18 }, (_, i) => 15 * i)
        for (const r of steps) for (const g of steps) for (const b of steps) {
          const [one, other] = [luminance([r, g, b]), luminance(bytes(inkOn(r, g, b)))]
          worst = Math.min(worst, (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05))
        }
        return worst"""
    )
    assert worst >= 4.5


def test_branches_of_a_search_do_not_overlap_and_hang_on_their_parents(run):
    branches = [(None, 1), (None, 1), (None, 1), (0, 2), (1, 2), (0, 2), (4, 3)]
    places, curves, path = run(
        """const { curve, layOut, pathTo } = await import("/beams_geometry.js")
        const branches = given.map(([parent, depth]) => ({ parent, depth }))
        const places = layOut(branches), { boxes, start } = places
        const from = ({ parent }) => parent === null ? start : boxes[parent]
        const curves = branches.map((each, i) => curve(from(each), boxes[i]))
        return [places, curves, pathTo(branches, 6)]""",
        branches,
    )
    boxes = places["boxes"]
    for i, one in enumerate(boxes):
        assert one["x"] + 118 <= places["wide"] and one["y"] + 40 <= places["tall"]
        for other in (*boxes[:i], places["start"]):
            assert abs(one["x"] - other["x"]) >= 118 or abs(one["y"] - other["y"]) >= 40
        numbers = [float(x) for x in re.findall(r"-?[0-9.]+", curves[i])]
        parent = places["start"] if branches[i][0] is None else boxes[branches[i][0]]
        assert numbers[0] == parent["x"] + 118 and numbers[-2] == one["x"]
        assert numbers[1] == parent["y"] + 20 and numbers[-1] == one["y"] + 20
    assert path == [1, 4, 6]


@pytest.mark.parametrize(
    "nodes, first",
    [
        ([(0, 0), (1, 1), (2, 2), (2, 3), (2, 4)], 0),  # three rows at the left, one at the right
        ([(0, 0), (1, 2), (0, 3), (2, 3), (2, 4)], 2),  # from the third column on all rows are seen
        ([(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)], 4),  # one row: the word, at the end
    ],
)
def test_a_trail_opens_where_most_rows_have_something_to_show(run, nodes, first):
    at, columns = run(
        """const { firstSeen, layOut } = await import("/why_trail_geometry.js")
        const nodes = given.map(([row, column]) => ({ row, column }))
        const { boxes } = layOut(nodes, 3, 300)
        return [firstSeen(nodes, boxes, 300), boxes.map(({ x }) => x)]""",
        nodes,
    )
    assert at == columns[[column for _, column in nodes].index(first)] - 8


def test_a_telephone_has_room_for_the_numbers_of_the_map_of_parts(run):
    """9 columns of a study model; of 12 heads and more the colour alone."""
    found = run(
        """const { room } = await import("/why_geometry.js")
        return [room(800, 9, 4), room(358, 9, 4), room(358, 14, 12)]"""
    )
    assert found == ["wide high", "tight high", "narrow high"]


@pytest.mark.parametrize("width", (240, 640, 1100))
def test_nodes_of_a_trail_do_not_overlap_and_curves_run_to_the_right(run, width):
    nodes = [(0, 0), (0, 0), (0, 2), (1, 1), (1, 1), (1, 3), (2, 3)]
    boxes, bands, wide, tall = run(
        """const { layOut } = await import("/why_trail_geometry.js")
        const nodes = given[0].map(([row, column]) => ({ row, column }))
        const { boxes, bands, wide, tall } = layOut(nodes, 3, given[1])
        return [boxes, bands, wide, tall]""",
        [nodes, width],
    )
    for i, one in enumerate(boxes):
        band = bands[nodes[i][0]]
        assert band["top"] <= one["y"] and one["y"] + 34 <= band["top"] + band["tall"] <= tall
        assert one["x"] + 80 <= wide
        for other in boxes[:i]:
            assert abs(one["x"] - other["x"]) >= 80 or abs(one["y"] - other["y"]) >= 34
    ends = run(
        """const { curve, layOut } = await import("/why_trail_geometry.js")
        const { boxes } = layOut(given.map(([row, column]) => ({ row, column })), 3, 640)
        return [boxes[0], boxes[5], curve(boxes[0], boxes[5])]""",
        nodes,
    )
    numbers = [float(x) for x in re.findall(r"-?[0-9.]+", ends[2])]
    assert numbers[0] == ends[0]["x"] + 80 and numbers[-2] == ends[1]["x"]
    assert numbers[1] == ends[0]["y"] + 17 and numbers[-1] == ends[1]["y"] + 17
