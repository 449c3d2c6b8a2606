"""The question of the page, and the guess before and after side by side."""

from __future__ import annotations

import numpy as np

from core.decoding import next_tokens
from core.text import counted
from ui.kit.guesses import Guesses, guesses
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.stage import heading
from ui.kit.theme import COLOURS
from ui.kit.token_words import word
from ui.session.view import View
from ui.stages.laboratory.changes import changes_of
from ui.stages.laboratory.runs import Runs, guess_row, open_of, opened_of
from ui.text import HIDING, bold, quoted

EACH = 3  # of the likeliest words of either run


def question(both: Runs) -> None:
    """The question over the figure, on the reader's own sentence."""
    view, row = both.before, guess_row(both.before)
    if row is None or not finite(view, row):
        heading(f"What happens to {word(view)} if you change the model?")
        return
    best = bold(view.word(next_tokens(view.trace, 1, row)[0][0]))
    asks = f"Is {best} still {role(view, row)}"
    if view.config.decoder_layers:
        asks = f"Does it still say {best}"
    heading(f"{asks} if you change the model?", quiz(both))


def quiz(both: Runs) -> Quiz | None:
    """Which word comes first once something is changed."""
    rows = [row for view in both.views if (row := guess_row(view)) is not None]
    if not both.changed or len(rows) < 2 or not all(map(finite, both.views, rows)):
        return None
    ids = likeliest(both, rows)
    after_W = probabilities(both, rows)[1][ids]
    found = quiz_of_most(both.after, [both.after.word(i) for i in ids], after_W)
    count = len(changes_of(both.after))
    return found and found.asks(f"Which word comes first with {counted(count, 'change')}?")


def role(view: View, row: int) -> str:
    """What a guess is in this model."""
    if view.config.decoder_layers:
        return "the next word"
    hidden = view.tokens(view.config.sides[-1])[int(view.trace.rows[row])] in HIDING
    return "the hidden word" if hidden else "the best guess here"


def finite(view: View, row: int) -> bool:
    """Whether the guess is one: numbers may overflow in a run without norms."""
    return bool(np.isfinite(view.trace["head.probs"][row]).all())


def figure(both: Runs) -> tuple[str, tuple[int, ...]] | None:
    """The likeliest words of both runs: filled its own bar, as an outline the other's. Returns the
    cell that is explained first; None where there is no guess.
    """
    rows = [row for view in both.views if (row := guess_row(view)) is not None]
    if len(rows) < 2 or not all(map(finite, both.views, rows)):
        return None
    ids = likeliest(both, rows)
    guesses(
        Guesses(
            words=[[[view.word(i) for i in ids] for view in both.views]],
            values_PGWB=values_of(both, rows, ids),
            titles=titles(both, rows),
            bars=("before", "after"),
            solid=(0, 1),
            colours=(COLOURS["residual"], COLOURS["weight"]),
            opened=opened_bar(rows, ids),
            about="The likeliest words before and after the change",
        ),
        key="lab:guesses",
        on_cell=lambda p, g, w, b: open_of(b, "head.probs", (rows[b], ids[w])),
    )
    return "head.probs", (rows[1], ids[0])


def probabilities(both: Runs, rows) -> list[np.ndarray]:
    """The guess of each run, (V,)."""
    return [view.trace["head.probs"][row] for view, row in zip(both.views, rows, strict=True)]


def likeliest(both: Runs, rows) -> list[int]:
    """The likeliest words of either run, the likeliest first."""
    before_V, after_V = probabilities(both, rows)
    ids = {int(i) for p_V in (before_V, after_V) for i in np.argsort(-p_V, kind="stable")[:EACH]}
    return sorted(ids, key=lambda i: (-max(float(before_V[i]), float(after_V[i])), i))


def values_of(both: Runs, rows, ids: list[int]) -> np.ndarray:
    """Both probabilities of each word, on either side the same, (1, 2, W, 2)."""
    values_WB = np.stack([p_V[ids] for p_V in probabilities(both, rows)], axis=-1)
    return np.stack([values_WB, values_WB])[None].astype(np.float32)


def titles(both: Runs, rows) -> list[str]:
    """What stands over either side."""
    count = len(changes_of(both.after))
    after = f"After: with {counted(count, 'change')}" if count else "After: nothing changed yet"
    places = [place_words(view, row) for view, row in zip(both.views, rows, strict=True)]
    heads = ("Before: as it was trained", after)
    if places[0] != places[1]:
        return [f"{head}, {place}" for head, place in zip(heads, places, strict=True)]
    return list(heads)


def place_words(view: View, row: int) -> str:
    """Where a guess is made."""
    name = view.names_of(view.config.sides[-1])[int(view.trace.rows[row])]
    return f"{'after' if view.config.decoder_layers else 'at'} {quoted(name)}"


def opened_bar(rows, ids: list[int]) -> tuple[int, int, int, int] | None:
    """Which bar holds the opened number: on the side of its own run."""
    for side in (0, 1):
        cell = opened_of(side, "head.probs")
        if cell and cell[0] == rows[side] and cell[1] in ids:
            return 0, side, ids.index(cell[1]), side
    return None
