"""Maps of long texts: with more cells than a screen has room for, each cell stands for a block.

Of each block the number that is largest in size is drawn, so that no peak is lost; a click opens
that number.

coarsened(spec)         a map that is small enough, and where its numbers come from
coarse_panels(…)        the same for several maps of one size
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ui.kit.heatmap import HeatmapSpec

MOST = 1 << 18  # cells of one map that are sent as they are
MOST_TOGETHER = 1 << 20  # of several maps in one picture
SMALL = 1 << 11  # of each of several, once they are drawn in blocks: more of them are seen at once


@dataclass(frozen=True, eq=False)
class Blocks:
    """Maps in blocks of so many rows and columns; of one cell each, where they are small enough.
    at_PRC: which cell of its block each number is, counted row by row; it holds no number of the
    maps, so that a click may outlive them.
    """

    tall: int = 1
    wide: int = 1
    at_PRC: np.ndarray | None = None

    def cell(self, panel: int, row: int, column: int) -> tuple[int, int, int]:
        """The cell of the whole map whose number is drawn there."""
        if self.at_PRC is None:
            return panel, row, column
        down, right = divmod(int(self.at_PRC[panel, row, column]), self.wide)
        return panel, row * self.tall + down, column * self.wide + right

    def place(self, at: Any) -> Any:
        """Where a row, a cell (row, column) or one of a panel (panel, row, column) is drawn."""
        if at is None or not np.ndim(at):
            return None if at is None else int(at) // self.tall
        *panel, row, column = at
        return (*panel, row // self.tall, column // self.wide)

    @property
    def note(self) -> str:
        """What a title says of it."""
        if self.at_PRC is None:
            return ""
        return f" · each cell: the largest of {self.tall} × {self.wide}"

    def named(self, step: str) -> str:
        """The name of a step whose numbers are drawn so."""
        blocks = f", the largest of each {self.tall} × {self.wide}"
        return step if not step or self.at_PRC is None else step + blocks


def block_of(panels: int, rows: int, columns: int, most: int) -> tuple[int, int]:
    """The smallest blocks, as near to squares of the whole as they come, of which there are no more
    than that in all panels.
    """
    tall = wide = 1
    while panels * -(-rows // tall) * -(-columns // wide) > most:
        if rows // tall > columns // wide:
            tall += 1
        else:
            wide += 1
    return tall, wide


def block_of_each(panels: int, rows: int, columns: int) -> tuple[int, int]:
    """The blocks of several maps in one picture."""
    few = panels * rows * columns <= MOST_TOGETHER
    return (1, 1) if few else block_of(1, rows, columns, SMALL)


def in_blocks(values_PRC, tall: int, wide: int, filler) -> np.ndarray:
    """The cells of each block side by side, (P, R, C, tall · wide), the last ones filled up."""
    P, R, C = values_PRC.shape
    rows, columns = -(-R // tall), -(-C // wide)
    whole = np.full((P, rows * tall, columns * wide), filler, values_PRC.dtype)
    whole[:, :R, :C] = values_PRC
    parts = whole.reshape(P, rows, tall, columns, wide).swapaxes(2, 3)
    return parts.reshape(P, rows, columns, -1)


def coarse_panels(values_PRC, most: int | None = None) -> tuple[np.ndarray, Blocks]:
    """Several maps in blocks, on which each number is the largest of its block; as they are, where
    they are small enough. most: cells in all, if they are not to be seen at once.
    """
    values_PRC = np.asarray(values_PRC)
    panels, rows, columns = values_PRC.shape
    each = block_of_each(panels, rows, columns)
    tall, wide = each if most is None else block_of(panels, rows, columns, most)
    if tall * wide == 1:
        return values_PRC, Blocks()
    found = []
    for values_RC in values_PRC.astype(
        np.float32, copy=False
    ):  # one after the other: they are large
        each_RCB = in_blocks(values_RC[None], tall, wide, np.nan)[0]
        size_RCB = np.where(np.isnan(each_RCB), -1, np.abs(each_RCB))
        at_RC = size_RCB.argmax(axis=-1)
        found.append((np.take_along_axis(each_RCB, at_RC[..., None], -1)[..., 0], at_RC))
    values, places = zip(*found, strict=True)
    return np.stack(values), Blocks(tall, wide, np.stack(places).astype(np.uint16))


def coarse_mask(blocked_RC, blocks: Blocks) -> Any:
    """The blocks of which every cell is hidden."""
    if blocked_RC is None or blocks.at_PRC is None:
        return blocked_RC
    return in_blocks(np.asarray(blocked_RC, bool)[None], blocks.tall, blocks.wide, True)[0].all(-1)


def coarse_labels(labels: Sequence[str], size: int) -> list[str]:
    """The places of each block, and the first name there without its own place."""
    if size == 1:
        return list(labels)
    starts = range(0, len(labels), size)
    ends = [min(start + size, len(labels)) - 1 for start in starts]
    names = [re.sub(r" [(]\d+[)]$", "", labels[start]) for start in starts]
    return [f"{a}–{b} {name}" for a, b, name in zip(starts, ends, names, strict=True)]


def coarsened(spec: HeatmapSpec) -> tuple[HeatmapSpec, Blocks]:
    """The map in blocks; as it is, where it is small enough."""
    if len(spec.rows) * len(spec.columns) <= MOST:
        return spec, Blocks()
    values_PRC, blocks = coarse_panels(np.asarray(spec.values_RC)[None], MOST)
    return replace(
        spec,
        values_RC=values_PRC[0],
        rows=coarse_labels(spec.rows, blocks.tall),
        columns=coarse_labels(spec.columns, blocks.wide),
        title=spec.title + blocks.note,
        chosen=blocks.place(spec.chosen),
        opened=blocks.place(spec.opened),
        step=blocks.named(spec.step),
        blocked_RC=coarse_mask(spec.blocked_RC, blocks),
    ), blocks
