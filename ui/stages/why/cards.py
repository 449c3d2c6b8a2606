"""The further questions of the page."""

from __future__ import annotations

from ui.kit.stage import card
from ui.stages.why import by_gradient, lens, look, neurons, reads, silent, trail
from ui.stages.why.asked import Asked, chosen_because


def cards(asked: Asked) -> None:
    """One card for each."""
    head = asked.head_words
    card("After which layer does the model know?", "why-lens", lambda: lens.draw(asked))
    card(neurons.question(asked), "why-neurons", lambda: neurons.draw(asked))
    where = " in the sentence" if asked.block == "cross" else ""
    card(
        f"What did {head} read{where}?{chosen_because(asked)}",
        "why-reads",
        lambda: reads.draw(asked),
    )
    card(f"Why did {head} look there?", "why-look", lambda: look.draw(asked))
    card("Where does it come from?", "why-trail", lambda: trail.draw(asked))
    card("What if a part were silent?", "why-silent", lambda: silent.draw(asked))
    card(
        "Can I trust words coloured by gradients?", "why-gradients", lambda: by_gradient.draw(asked)
    )
