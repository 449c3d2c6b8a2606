"""Why the part that gave most need not be the one whose silence changes most: a head can bring what
a network then makes much of.
"""

from __future__ import annotations

from core.text import number
from ui.stages.why import effects
from ui.stages.why.asked import Asked
from ui.stages.why.layout import words_of
from ui.stages.why.silent import QUICK, reactions_of
from ui.text import bold

MOST = 0.5  # of the whole, or of what a network wrote


def brought(asked: Asked) -> str:
    """That the network which wrote most made it from what one head brought; empty where this run
    does not show it, or the effects are not known.
    """
    network, part = asked.parts.largest(1)[0]
    total, found = asked.parts.total, effects.known(asked)
    if not (network.endswith(".mlp") and part > MOST * total > 0 and found and found.whole):
        return ""
    head, change = needed_head(asked, found.found)
    if change > -MOST * total or not makes_of_it(asked, network, part, head):
        return ""
    said = words_of(network)
    return (
        f"{bold(said[0].upper() + said[1:])} wrote most, but from what {bold(words_of(head))}"
        f" brought: without that head, the sum falls by {number(-change, 3)}."
    )


def needed_head(asked: Asked, changes: dict[str, float]) -> tuple[str, float]:
    """The head of the side that is asked whose silence takes most away, and what it changes."""
    heads = [name for name in changes if ".head." in name and name in asked.parts.names]
    return min(((name, changes[name]) for name in heads), key=lambda each: each[1])


def makes_of_it(asked: Asked, network: str, part: float, head: str) -> bool:
    """Whether the network loses most of its part without the head, which itself gives less."""
    if asked.parts.of(head) >= part or len(asked.view.tokens(asked.side)) > QUICK:
        return False
    reacted = reactions_of(asked, head)
    return reacted is not None and reacted.later.get(network, 0.0) <= -MOST * part
