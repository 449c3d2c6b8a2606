"""The neurons of a feed-forward layer: which one is looked at, and all of them as a strip."""

from __future__ import annotations

import numpy as np

from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.step_charts import ALL, cell_map
from ui.session.address import link_asks_for
from ui.session.memory import memory
from ui.session.selection import chosen, select
from ui.session.settling import settle
from ui.session.view import View

FOLD = 64  # neurons in a row of a strip


def settle_neuron(view: View) -> int:
    """Settles which neuron is looked at, and returns it: of a token, layer or run that is new, the
    one that reaches furthest."""
    place = (view.request, view.side, view.layer, view.token)
    if memory().neuron_place != place and not link_asks_for("ff_neuron"):
        leaves = ("pre", "hidden", "hidden.gate", "hidden.up", "hidden.reach")
        opened = (opened_in(view.at(f"mlp.{leaf}")) for leaf in leaves)
        select(ff_neuron=next((index[1] for index in opened if index), None))
    memory().neuron_place = place
    settle("ff_neuron", neurons_by_length(view)[0], range(view.config.d_mlp))
    return chosen("ff_neuron")


def neurons_by_length(view: View) -> list[int]:
    """The neurons of the chosen token that write the longest vectors, the longest first."""
    return np.argsort(-view.trace[view.at("mlp.hidden.reach")][view.token], kind="stable").tolist()


def select_neuron(view: View, step: str, neuron: int) -> None:
    """A neuron that was clicked: it is chosen, and its number opens."""
    select(ff_neuron=int(neuron))
    open_number(step, (view.token, int(neuron)))


def reads(view: View) -> str:
    """What the network is given: the token's vector, or the norm of it."""
    return view.at("mlp.norm.out" if view.config.norm_first else "mlp.in")


def projection_title(view: View, leaf: str, subscript: str, factor: str = "x") -> str:
    """How a projection is made, as a title: with the bias where the model has one."""
    bias = view.trace.weights[view.at(f"mlp.{leaf}.bias")]
    return f"{factor} · W{subscript}" + (f" + b{subscript}" if bias.any() else "")


def neurons(view: View, step: str, title: str) -> None:
    """All neurons of the chosen token in a step; a click chooses one and opens its number."""
    t = view.token
    cell_map(
        view,
        step,
        slice(t, t + 1),
        ALL,
        title=title,
        fold=FOLD,
        on_cell=lambda row, neuron: select_neuron(view, step, neuron),
    )


ACTIVATION_TITLES = {"gelu": "GELU", "gelu_tanh": "GELU", "silu": "SiLU", "relu": "ReLU"}
