"""What one heatmap shows, as a record: a stage builds it once, the canvas draws it.

HeatmapSpec(values_RC, rows, columns, title=…, …)
folded(spec)        a vector that is too long for one row, in several rows
place_in_vector(…)  which of its numbers a cell of the folded map holds
data_of(spec)       the record as it travels to the browser
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ui.kit.packed_arrays import panels
from ui.kit.plotly_figures import numbered

FOLD = 32  # numbers in a row of a folded vector


@dataclass(frozen=True)
class HeatmapSpec:
    """One map of numbers with its labels.

    rows, columns: a label for each. kind: "signed", "weight" (from zero up) or "mask" (yes or no).
    limit: where the colours end, given so that several maps can be compared; else the largest
    number. chosen: a row or a cell (row, column) that is framed. opened: the cell that is
    explained. blocked_RC: the cells that a mask hides. colour: of the mark before the title, which
    says what kind of number the map holds. fold: numbers in a row of a vector too long for one.
    vector: the map is one vector of so many numbers, row after row. step: whose numbers they are,
    said below the picture once it is saved. fills: its cells are as wide as there is room.
    """

    values_RC: Any
    rows: Sequence[str]
    columns: Sequence[str]
    title: str = ""
    rows_title: str = ""
    columns_title: str = ""
    kind: str = "signed"
    limit: float | None = None
    chosen: int | tuple[int, int] | None = None
    opened: tuple[int, ...] | None = None
    blocked_RC: Any = None
    colour: str = ""
    fold: int = FOLD
    vector: int | None = None
    step: str = ""
    fills: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.columns)


def folded(spec: HeatmapSpec) -> HeatmapSpec:
    """A vector over numbered dimensions in rows, where one row is not enough for it; any other map
    as it is.
    """
    rows, columns = spec.shape
    if rows > 1 or columns <= spec.fold or not numbered(spec.columns):
        return spec
    starts = range(0, columns, spec.fold)
    values_RC = np.full((len(starts), spec.fold), np.nan, dtype=np.float32)
    values_RC.flat[:columns] = np.asarray(spec.values_RC)[0]
    return replace(
        spec,
        values_RC=values_RC,
        rows=[str(start) for start in starts],
        columns=[f"+{i}" for i in range(spec.fold)],
        title=f"{spec.title} (row + column: the {dimension(spec)})",
        rows_title="",
        columns_title=dimension(spec),
        chosen=None,
        opened=spec.opened and divmod(spec.opened[1], spec.fold),
        blocked_RC=None,
        vector=columns,
    )


def dimension(spec: HeatmapSpec) -> str:
    """What each column is."""
    return spec.columns_title or "dimension"


def place_in_vector(spec: HeatmapSpec, row: int, column: int) -> int | None:
    """Which number of its vector a cell of a folded map holds; None after the last one."""
    place = row * len(spec.columns) + column
    return place if spec.vector is not None and place < spec.vector else None


def data_of(spec: HeatmapSpec) -> dict:
    """The record as it travels to the browser."""
    cell = spec.chosen if isinstance(spec.chosen, tuple) else (spec.chosen, None)
    is_folded = spec.vector is not None
    return panels(np.asarray(spec.values_RC)[None], spec.kind, spec.limit, spec.blocked_RC) | {
        "titles": [spec.title],
        "rows": list(spec.rows),
        "columns": list(spec.columns),
        "labelled": True,
        "rowsTitle": spec.rows_title,
        "columnsTitle": "" if is_folded else spec.columns_title,
        "frame": None if spec.chosen is None else list(cell),
        "opened": spec.opened and [0, *spec.opened],
        "folded": spec.vector,
        "foldedAs": dimension(spec) if is_folded else "dimension",
        "colour": spec.colour,
        "step": spec.step,
        "fills": spec.fills,
        "alt": f"{spec.title}. Arrow keys move, Enter opens the number.",
    }
