"""Which neurons of a feed-forward network raised the word: what each one gave is how active it is,
times what the word reads in what it writes.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import why
from core.text import counted, number
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.section import render_depth
from ui.kit.stage import opened_cards
from ui.session.navigation import FEED_FORWARD, go
from ui.session.selection import chosen
from ui.stages.why.asked import Asked

ROWS = 8  # of the table
ITS_CARD = "ff-neuron"  # on Feed-forward, what a neuron does


def network_of(asked: Asked) -> str:
    """The network that was chosen in the map, or the one that gave most: decoder.3.mlp."""
    layer = chosen("why_mlp")
    if layer is not None and layer < asked.view.config.layers(asked.side):
        return f"{asked.side}.{layer}.mlp"
    return next(name for name, _ in asked.parts.largest() if name.endswith(".mlp"))


def question(asked: Asked) -> str:
    """What the card asks of the network: whether it raised or lowered the number."""
    network = network_of(asked)
    did = "lowered" if asked.parts.of(network) < 0 else "raised"
    return f"Which neurons of {why.in_words(network)} {did} it?"


def steps_of(asked: Asked, network: str) -> tuple[str, str, str]:
    """The neurons of the token, what the word reads in each, and the product of both, by name."""
    end = asked.of_row(asked.row)
    leaf, _, places = end.partition(".")
    return f"{network}.hidden", f"{network}.hidden.{leaf}.unit.{places}", f"{network}.hidden.{end}"


def draw(asked: Asked) -> None:
    """The largest neurons as a table, what all of them add up to, and the way to one of them."""
    network = network_of(asked)
    steps = steps_of(asked, network)
    parts_F = asked.view.trace[steps[2]]
    order = np.argsort(-np.abs(parts_F), kind="stable")[:ROWS].tolist()
    best, token = order[0], asked.position
    cells = [(steps[0], (token, best)), *((step, (best,)) for step in steps[1:])]
    render_depth(asked.view, text(asked, network, steps, best), *reversed(cells))
    neurons_table(asked, steps, order)
    leads_to(asked, network, opened_neuron(steps, token, best))


def neurons_table(asked: Asked, steps: tuple[str, str, str], order: list[int]) -> None:
    """The neurons that give most, each number of which opens; below, what all of them give."""
    trace, token = asked.view.trace, asked.position
    hidden_F, reads_F, parts_F = trace[steps[0]][token], trace[steps[1]], trace[steps[2]]

    def clicked(row: int, column: int) -> None:
        if row < len(order):
            at = (token, order[row]) if column == 0 else (order[row],)
            open_number(steps[column], at)

    table(
        {
            "activation": hidden_F[order],
            "× what is read in it": reads_F[order],
            "= part": parts_F[order],
        },
        [f"neuron {f}" for f in order],
        key="why:neurons",
        corner="",
        on_cell=clicked,
        opened=opened_among(steps, token, order),
        foot={"": f"all {counted(len(parts_F), 'neuron')}", "= part": float(parts_F.sum())},
        title=f"What the neurons gave to {asked.plain_versus()}",
    )


def opened_among(steps, token: int, order: list[int]) -> tuple[int, int] | None:
    """The cell of the table that is the opened number."""
    for column, step in enumerate(steps):
        place = opened_in(step)
        if place and place[-1] in order and (column or place[0] == token):
            return order.index(place[-1]), column
    return None


def opened_neuron(steps, token: int, best: int) -> int:
    """The neuron whose number is opened, else the one that gave most."""
    for column, step in enumerate(steps):
        place = opened_in(step)
        if place and (column or place[0] == token):
            return place[-1]
    return best


def text(asked: Asked, network: str, steps, best: int) -> str:
    """How the part of the largest neuron comes about, and that all of them are the network's."""
    trace, said = asked.view.trace, why.in_words(network)
    split = why.by_neuron(trace, network, *asked.words, row=asked.row)
    active, reads = trace[steps[0]][asked.position, best], trace[steps[1]][best]
    count = len(split.parts_N)
    part = asked.parts.of(network)
    return (
        f"**Neuron {best}** counts most: its activation, {number(active, 3)}, times what"
        f" {asked.versus()} reads in what it writes, {number(reads, 3)}, is"
        f" **{number(split.parts_N[best], 3)}**. All {counted(count, 'neuron')} add up to"
        f" {together(split, part, said)}"
    )


def together(split: why.Split, part: float, network: str) -> str:
    """What the neurons add up to, with the bias if there is one: the part of the map, unless an
    experiment has put something in besides.
    """
    neurons = number(split.parts_N.sum(), 4)
    with_bias = f"{neurons}, and its bias {number(split.rest, 3)}" if split.rest else neurons
    if not np.isclose(split.total, part, rtol=1e-4, atol=1e-4):
        return f"{with_bias}. Its part in the map is {number(part, 4)}: an experiment added to it."
    if not split.rest:
        return f"**{number(part, 4)}**, the part of {network} in the map."
    return f"{with_bias}: together **{number(part, 4)}**, the part of {network} in the map."


def leads_to(asked: Asked, network: str, neuron: int) -> None:
    """The way to the page Feed-forward, at this neuron."""
    st.button(
        f"See what neuron {neuron} does",
        key="why_neuron",
        on_click=look_at,
        args=(asked, int(network.split(".")[1]), neuron),
        help="The page Feed-forward: on which words it fires, and what it writes.",
    )


def look_at(asked: Asked, layer: int, neuron: int) -> None:
    """Opens Feed-forward there."""
    side = {"side": asked.side} if asked.view.config.crosses else {}
    cards = ".".join(dict.fromkeys([*opened_cards(), ITS_CARD]))
    go(FEED_FORWARD, layer=layer, token=asked.position, ff_neuron=neuron, cards=cards, **side)
