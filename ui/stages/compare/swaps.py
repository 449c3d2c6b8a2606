"""Words to put in: in the place of the word that differs, and of the chosen one."""

from __future__ import annotations

import numpy as np

from core.comparison import NONE
from ui.kit.component_loader import component
from ui.session import sent
from ui.stages.compare.maps import name_in
from ui.stages.compare.pair import Compared, choose_sentence, sentence_alone, swaps_at

KEY = "compare-swaps"
_draw = component("swaps", 'class="root" role="group" aria-label="Words to put in"')


def swap_buttons(compared: Compared) -> None:
    """The words as buttons, where a second sentence is compared and there are any."""
    offered = offers(compared)
    if not offered:
        return

    def clicked() -> None:
        place = sent.from_component(KEY, "swap")
        sizes = len(offered), max(len(found) for _, found in offered)
        if (at := sent.place(place, sizes)) and at[1] < len(offered[at[0]][1]):
            choose_sentence(offered[at[0]][1][at[1]][1])

    groups = [group_of(compared, position, found) for position, found in offered]
    _draw(key=KEY, data={"groups": groups}, on_swap_change=clicked)


def offers(compared: Compared) -> list[tuple[int, list[tuple[str, str]]]]:
    """The positions of A's tokens that may be replaced, each with words and the sentences that
    they make.
    """
    one = compared.one
    if compared.what != "sentence" or one.side != one.config.sides[0]:
        return []
    request, places = sentence_alone(one.request), replaced_places(compared)
    found = [(place, swaps_at(request, place)) for place in dict.fromkeys([*places, one.token])]
    return [(place, words) for place, words in found if words]


def replaced_places(compared: Compared) -> list[int]:
    """The one token of A that differs in B; none where several do."""
    changed = np.flatnonzero(compared.changed)
    places = compared.slots_S2[changed, 0].tolist()
    return places if len(places) == 1 and places[0] != NONE else []


def group_of(compared: Compared, position: int, found: list[tuple[str, str]]) -> dict:
    """One token and the words for its place, as they travel to the browser."""
    chosen = [i for i, (_, text) in enumerate(found) if text == compared.other.sentence]
    return {
        "instead": name_in(compared.one, position),
        "words": [word for word, _ in found],
        "chosen": chosen[0] if chosen else None,
    }
