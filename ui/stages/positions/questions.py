"""The further questions of the page Positions: which there are depends on how this model knows
where a word stands.
"""

from __future__ import annotations

from collections.abc import Callable

from ui.session.view import View
from ui.stages.positions.encodings import bias_by_distance, place_table, token_and_position, way_of
from ui.stages.positions.reversed_words import without_positions
from ui.stages.positions.rotation import distance, rotation
from ui.stages.positions.sine_waves import waves

TABLES = ("table", "bias")  # those that lie open at the depth Numbers
ROTARY = (
    ("How do the query and the key of two words turn?", "turned", rotation),
    ("How does a score change with the distance?", "distance", distance),
)
ADDED = (
    ("How alike are the vectors of nearby positions?", "table", place_table),
    ("How far does the position move the word?", "sum", token_and_position),
)
RELATIVE = (("How does the bias change with the distance?", "bias", bias_by_distance),)
ALL = (
    ("How do sine waves number the positions?", "waves", waves),
    ("Would the model notice if the words were reversed?", "order", without_positions),
)


def questions(view: View) -> list[tuple[str, str, Callable[[View], object]]]:
    """Each as the question, the end of its card's name, and what draws the answer."""
    own = {"learned": ADDED, "sinusoid": ADDED, "rotary": ROTARY}
    own |= {"relative": RELATIVE, "alibi": RELATIVE}
    beside = RELATIVE if view.config.relative_beside else ()
    return [*own.get(way_of(view), ()), *beside, *ALL]
