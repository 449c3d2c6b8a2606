"""The names of cards of the page Feed-forward, and which of them a click on a neuron opens."""

from __future__ import annotations

from core.models import catalogue
from ui.kit.stage import opened_cards
from ui.session.view import View

NEURON, EXAMPLES, SILENCED = "ff-neuron", "ff-examples", "ff-silenced"


def opened_by_a_click(view: View) -> str:
    """The cards that are open once a neuron was clicked: what it does here; of a small model, which
    reads in no time, also where else it fires and what changes without it.
    """
    small = catalogue.entry_of(view.model.name).embedded
    wanted = (NEURON, EXAMPLES, SILENCED) if small else (NEURON,)
    return ".".join(dict.fromkeys([*opened_cards(), *wanted]))
