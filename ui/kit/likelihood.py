"""A text as the model expected it, token by token: each one's probability, its logarithm, and their
sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.steps.output import next_ids
from core.text import counted, number
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.session.view import View


def added_up(sum_R, opening: str = "Here") -> str:
    """The sum of the logarithms, what that is for each word, and what choice is as uncertain."""
    n, last = len(sum_R), float(sum_R[-1])
    whole = f"{opening} {counted(n, 'token')} {'adds' if n == 1 else 'add'} up to {number(last, 3)}"
    many = number(math.exp(min(-last / n, 700)), 3)
    each = f", {number(last / n, 3)} for each" if n > 1 else ""
    sure = ": it was practically certain of every word" * (float(last) / n > -0.005)
    return f"{whole}{each}. The perplexity is {many}{sure}."


def likelihood_table(view: View, words: Sequence[str], *, key: str, title: str) -> None:
    """Probability, its logarithm and the sum so far of the words that follow the first rows of the
    output; all of them open. words: as they are shown.
    """
    ids, rows = [int(i) for i in next_ids(view.trace)], range(len(words))
    steps = (
        ("probability", lambda r: ("head.probs", (r, ids[r]))),
        ("ln p", lambda r: ("head.written", (r,))),
        ("sum so far", lambda r: ("head.written.sum", (r,))),
    )
    trace = view.trace
    table(
        {
            name: np.array([trace[step][index] for step, index in map(cell, rows)])
            for name, cell in steps
        },
        words,
        key=key,
        bar="probability",
        corner="word",
        opened=opened_place([[cell(r) for _, cell in steps] for r in rows]),
        title=title,
        on_cell=lambda r, c: open_number(*steps[c][1](r)),
    )


def opened_place(cells: list[list[tuple]]) -> tuple[int, int] | None:
    """Row and column of the opened number, where it is among these."""
    for r, row in enumerate(cells):
        for c, (step, index) in enumerate(row):
            if opened_in(step) == index:
                return r, c
    return None
