"""Where things stand in the pipeline of attention and in an alignment, computed by the modules as
they are, in a blank page; and that what stands at the end of a motion is the trace.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers.browser import CHROMIUM, modules
from ui.session.runs import RunRequest
from ui.session.view import View
from ui.stages.attention.names import row_of, seen_words
from ui.stages.attention.numbers import LEAVES, layer_numbers

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.browser,
]
PIPELINE = """const { between, look, markAt, neighbour, picture } =
  await import("/pipeline_geometry.js")
const { decode } = await import("/numbers.js")
const [data, head, token, words, width, step] = given
const seen = look(data, decode(data.values), head, token)
const names = { x: "x", query: "q", keys: "k", values: "v", scale: "÷ 5.66" }
const at = (step) => picture(step, seen, words, names, width)
const inside = (x, y, height) => x >= -1 && x <= width + 1 && y >= -1 && y <= height + 1
const wrong = []
"""
PLACES = [("decoder", 3, 4, 6), ("decoder", 0, 0, 2)]


@pytest.fixture(scope="module")
def run(browser):
    with modules(browser) as run:
        yield run


def looked(side: str, layer: int, head: int, token: int, width: int = 800, step: int = 0):
    """A view, and what the pipeline is given of it."""
    request = RunRequest("study-decoder", "The books that the student recommended")
    view = View(request, side, layer, head, token)
    return view, [layer_numbers(view), head, token, seen_words(view), width, step]


@pytest.mark.parametrize("place", PLACES)
def test_the_pipeline_reads_the_numbers_of_the_chosen_token_and_head(run, place):
    view, given = looked(*place)
    found = run(
        PIPELINE
        + """for (const name of ["q", "z", "pattern", "scores", "exp"])
          seen[name] = [...seen[name]].map(String)
        return { ...seen, terms: seen.terms.map((row) => [...row]) }""",
        given,
    )
    for name in ("q", "z", "pattern", "scores", "exp"):
        drawn = np.array([float(x.replace("Infinity", "inf")) for x in found[name]], np.float32)
        np.testing.assert_array_equal(drawn, row_of(view, LEAVES[name][0]))
    for m, terms_K in enumerate(found["terms"]):
        step = view.attention(f"scores.terms.{view.head}.{view.token}.{m}")
        np.testing.assert_array_equal(np.array(terms_K, np.float32), view.trace[step])


@pytest.mark.parametrize("width", (330, 800))
@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("place", PLACES)
def test_what_is_drawn_stays_inside_and_is_found_where_it_is(run, place, step, width):
    _, given = looked(*place, width, step)
    wrong = run(
        PIPELINE
        + """const { marks, texts, height } = at(step)
        for (const { id, x, y, w, h, share, cell } of marks) {
          if (![x, y, w, h, share].every(Number.isFinite)) wrong.push(["no number", id])
          if (!inside(x, y, height) || !inside(x + w, y + h, height)) wrong.push(["out", id])
          const found = cell && markAt(marks, x + w / 2, y + h / 2)
          if (cell && found?.cell.join() !== cell.join()) wrong.push(["other", id, found?.id])
        }
        for (const { id, x, y } of texts) if (!inside(x, y, height)) wrong.push(["text", id])
        const ids = new Set(marks.map((mark) => mark.id))
        return ids.size === marks.length ? wrong : ["two of one name"]""",
        given,
    )
    assert wrong == []


@pytest.mark.parametrize("width", (358, 800))
def test_all_steps_are_equally_tall(run, width):
    """What follows the figure then stays where it is."""
    _, given = looked("decoder", 3, 4, 6, width)
    heights = run(PIPELINE + "return [0, 1, 2, 3, 4].map((step) => at(step).height)", given)
    assert len(set(heights)) == 1, heights


def test_a_motion_begins_at_the_one_picture_and_ends_at_the_other(run):
    _, given = looked(*PLACES[0])
    wrong = run(
        PIPELINE
        + """const sides = ({ x, y, w, h, alpha }) => [x, y, w, h, alpha].join()
        for (let step = 0; step < 4; step++) {
          const before = at(step).marks, after = at(step + 1).marks
          const way = between(before, after, 0), first = new Map(way.map((mark) => [mark.id, mark]))
          for (const mark of before)
            if (sides(first.get(mark.id)) !== sides(mark)) wrong.push([step, mark.id])
          if (between(before, after, 1) !== after) wrong.push([step, "end"])
          const kept = new Set(after.map((mark) => mark.id))
          if (!before.some((mark) => kept.has(mark.id))) wrong.push([step, "nothing moves"])
        }
        return wrong""",
        given,
    )
    assert wrong == []


def test_bars_are_as_long_as_the_numbers(run):
    view, given = looked(*PLACES[0])
    bars, scores = run(
        PIPELINE
        + """const named = (step, name) => at(step).marks.filter((mark) => name.test(mark.id))
        const length = (mark) => mark.value < 0 ? -mark.w : mark.w
        return [named(3, /^a[0-9]/).map(length), named(2, /^s[0-9]/).map(length)]""",
        given,
    )
    weights_M, scores_M = row_of(view, "pattern"), row_of(view, "scores")
    best = int(weights_M.argmax())
    long = np.maximum(1.5, weights_M / weights_M[best] * bars[best])
    np.testing.assert_allclose(np.array(bars), long, rtol=1e-3)
    np.testing.assert_allclose(
        np.array(scores) / scores[best], scores_M / scores_M[best], rtol=1e-3
    )


def test_arrows_walk_from_cell_to_cell(run):
    walked = run(
        PIPELINE
        + """const { marks } = at(1), first = neighbour(marks, null, "ArrowDown")
        const keys = { R: "ArrowRight", L: "ArrowLeft", U: "ArrowUp", D: "ArrowDown" }
        const walk = (way) => [...way].reduce((mark, k) => neighbour(marks, mark, keys[k]), first)
        return ["", "R", "D", "DRU", "L", "U"].map((way) => walk(way).cell)""",
        looked(*PLACES[0])[1],
    )
    assert walked == [["q", 0], ["q", 1], ["k", 0, 0], ["q", 1], ["q", 0], ["q", 0]]


@pytest.mark.parametrize("largest, digits", [(0.04, 3), (0.5, 2), (7.6, 1), (34, 1), (340, 0)])
def test_a_column_of_numbers_has_two_or_three_digits_that_count(run, largest, digits):
    found = run(
        """const { digitsFor, written, small } = await import("/pipeline_geometry.js")
        const digits = digitsFor([given, -given / 3]), write = (x) => written(x, digits)
        return [digits, write(-given), written(-1e-9, 2), small(0.0001), write(-Infinity)]""",
        largest,
    )
    assert found == [digits, f"−{largest:.{digits}f}", "0.00", "<0.001", "−∞"]


def test_lines_of_an_alignment_join_the_words_that_they_belong_to(run):
    pairs, path, row, alone, places, lengths = run(
        """const { linesOf, offset, ROW, lengthOf } = await import("/alignment_geometry.js")
        const lines = linesOf([0.9, 0.1, 0.005, 0.995], [2, 2], null)
        const alone = linesOf([0.9, 0.1], [1, 2], 5), all = { row: null, shape: [2, 3] }
        return [lines.map(({ l, m }) => [l, m]), lines[1].path, ROW, alone.map(({ l }) => l),
          [offset(all, 1, 2), offset({ row: 4, shape: [1, 3] }, 4, 2)],
          [1.2, -0.4, NaN].map(lengthOf)]"""
    )
    assert pairs == [[0, 0], [0, 1], [1, 1]] and alone == [5, 5]
    assert path.startswith(f"M 0 {row / 2:g} ") and path.endswith(f"100 {row * 1.5:g}")
    assert places == [5, 2] and lengths == [100, 40, 0]
