"""That the cells of a trace are recomputed from their operands, and that what is written agrees."""

from __future__ import annotations

import math
from collections.abc import Iterable

from core import explain
from tests.helpers.calculator import agrees


def check_cells(trace, names: Iterable[str], cells: int, rng) -> None:
    """So many cells of each of these steps, at random."""
    for name in names:
        for cell in rng.integers(trace.shape(name), size=(cells, len(trace.shape(name)))):
            explanation = explain(trace, name, cell)
            recorded = float(trace[name][tuple(cell)])
            assert explanation.value == recorded or math.isnan(recorded)
            assert explanation.error <= 1e-9 * max(abs(recorded), 1e-3), (
                name,
                cell,
                explanation.formula,
            )
            assert explanation.title and explanation.latex and explanation.formula
            assert agrees(explanation.formula), (name, cell, explanation.formula)
            for operand in explanation.operands[:3] + explanation.operands[-2:]:
                if operand.name:  # an operand is a cell, too, and has the value that it says
                    assert explain(trace, operand.name, operand.index).value == operand.value
