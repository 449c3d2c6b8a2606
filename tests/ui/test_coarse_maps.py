"""A map of a long text stays small, loses no peak, and a click opens the number that was drawn."""

import numpy as np
import pytest

from ui.kit import coarse_maps
from ui.kit.coarse_maps import block_of_each, coarse_labels, coarse_mask, coarse_panels, coarsened
from ui.kit.heatmap import HeatmapSpec, data_of


def map_of(rows: int, columns: int, **look) -> HeatmapSpec:
    values_RC = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    names = ([f"{letter} ({i})" for i in range(n)] for letter, n in (("a", rows), ("b", columns)))
    return HeatmapSpec(values_RC, *names, title="Scores", **look)


def test_a_map_that_fits_is_drawn_as_it_is():
    spec = map_of(512, 512)
    same, blocks = coarsened(spec)
    assert same is spec and blocks.note == "" and blocks.cell(0, 500, 7) == (0, 500, 7)
    values_HLM = np.zeros((12, 256, 256))
    assert coarse_panels(values_HLM)[0] is values_HLM


@pytest.mark.parametrize("rows, columns", [(1024, 1024), (1185, 1185), (700, 3000), (5, 60_000)])
def test_a_large_map_is_drawn_in_blocks_of_which_each_shows_its_largest_number(rows, columns):
    hidden_RC = np.arange(columns)[None] > np.arange(rows)[:, None] + columns - rows
    spec = map_of(rows, columns, chosen=rows - 2, opened=(3, columns - 1), blocked_RC=hidden_RC)
    small, blocks = coarsened(spec)
    R, C = small.shape
    assert R * C <= coarse_maps.MOST and small.values_RC.shape == (R, C)
    assert len(data_of(small)["values"]) < 1.5e6
    assert small.title == f"Scores · each cell: the largest of {blocks.tall} × {blocks.wide}"
    draw, tall, wide = np.random.default_rng(1), blocks.tall, blocks.wide
    cells = [(0, 0), (R - 1, C - 1)]
    cells += zip(draw.integers(0, R, 50), draw.integers(0, C, 50), strict=True)
    for r, c in cells:
        block_RC = spec.values_RC[r * tall : (r + 1) * tall, c * wide : (c + 1) * wide]
        drawn = small.values_RC[r, c]
        assert abs(drawn) == np.abs(block_RC).max() and drawn in block_RC
        panel, row, column = blocks.cell(0, r, c)
        assert panel == 0 and spec.values_RC[row, column] == drawn
        part_RC = hidden_RC[r * tall : (r + 1) * tall, c * wide : (c + 1) * wide]
        assert small.blocked_RC[r, c] == part_RC.all()
        first, last = r * tall, min(r * tall + tall, rows) - 1
        assert small.rows[r] == (f"{first}–{last} a" if tall > 1 else f"a ({first})")
    assert small.chosen == (rows - 2) // tall
    assert small.opened == (3 // tall, (columns - 1) // wide)


def test_the_maps_of_all_heads_share_one_bound():
    values_HLM = np.random.default_rng(0).random((9, 1024, 1024), np.float32)
    small, blocks = coarse_panels(values_HLM)
    assert small.size <= coarse_maps.MOST_TOGETHER and small.max() == values_HLM.max()
    h, l, m = (int(i) for i in np.unravel_index(small.argmax(), small.shape))
    assert blocks.cell(h, l, m) == np.unravel_index(values_HLM.argmax(), values_HLM.shape)
    assert (blocks.tall, blocks.wide) == block_of_each(9, 1024, 1024) == (23, 23)
    assert block_of_each(12, 256, 256) == (1, 1)


def test_what_is_not_a_number_stays_blank_and_hides_no_neighbour():
    values_PRC = np.full((1, 4, 4), np.nan)
    values_PRC[0, 1, 1] = -3
    small, blocks = coarse_panels(values_PRC, most=4)
    assert small[0, 0, 0] == -3 and np.isnan(small[0]).sum() == 3
    assert blocks.cell(0, 0, 0) == (0, 1, 1)
    assert coarse_mask(np.eye(4) == 0, blocks).tolist() == [[False, True], [True, False]]
    assert coarse_labels(["x", "y (3)", "z (4)"], 2) == ["0–1 x", "2–2 z"]
    assert coarse_labels(["x", "y (3)"], 1) == ["x", "y (3)"]
