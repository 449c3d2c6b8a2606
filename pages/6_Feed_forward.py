"""Feed-forward: each token alone, through its neurons."""

from functools import partial

from ui.kit.neuron_charts import settle_neuron
from ui.kit.stage import card, table_card
from ui.session.navigation import FEED_FORWARD
from ui.shell.page_shell import show_page
from ui.stages.feed_forward import cards
from ui.stages.feed_forward.activation import activation, gate, strongest_table
from ui.stages.feed_forward.alone import alone
from ui.stages.feed_forward.firing import example_sentences
from ui.stages.feed_forward.neuron_bars import strongest_neurons
from ui.stages.feed_forward.one_neuron import one_neuron
from ui.stages.feed_forward.silenced import silenced


def page(view):
    neuron = settle_neuron(view)
    first = strongest_neurons(view, neuron)
    chosen = {
        f"What does neuron {neuron} do here?": (cards.NEURON, one_neuron),
        f"On which other words does neuron {neuron} fire?": (cards.EXAMPLES, example_sentences),
        f"What changes without neuron {neuron}?": (cards.SILENCED, silenced),
        "What does the activation do to each number?": ("ff-activation", activation),
        **({"What does the gate let through?": ("ff-gate", gate)} if view.config.gated else {}),
    }
    strongest = partial(strongest_table, view, neuron)
    for question, (name, answer) in chosen.items():
        card(question, name, partial(answer, view, neuron))
    table_card("Which neurons write most, in numbers?", "ff-strongest", strongest)
    card("Do the other tokens matter here?", "ff-alone", partial(alone, view))
    return first


show_page(FEED_FORWARD, page)
