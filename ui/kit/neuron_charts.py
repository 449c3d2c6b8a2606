"""The neurons of a feed-forward layer: which one is looked at, and all of them as a strip."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.step_charts import ALL, cell_map
from ui.session.state import View, asked_for, begin

FOLD = 64  # neurons in a row of a strip


def neuron_of(view: View) -> int:
    """The chosen neuron: of a token, layer or run that is new, the one that reaches furthest."""
    here, place = st.session_state, (view.asked, view.side, view.layer, view.token)
    if here.get("ff_place") != place and not asked_for("ff_neuron"):
        leaves = ("pre", "hidden", "hidden.gate", "hidden.up", "hidden.reach")
        opened = (opened_in(view.at(f"mlp.{leaf}")) for leaf in leaves)
        here["ff_neuron"] = next((index[1] for index in opened if index), None)
    here["ff_place"] = place
    begin("ff_neuron", strongest(view)[0], range(view.config.d_mlp))
    return here["ff_neuron"]


def strongest(view: View) -> list[int]:
    """The neurons of the chosen token that write the longest vectors, the longest first."""
    return np.argsort(-view.trace[view.at("mlp.hidden.reach")][view.token], kind="stable").tolist()


def choose(view: View, step: str, neuron: int) -> None:
    """A neuron that was clicked: it is chosen, and its number opens."""
    st.session_state["ff_neuron"] = int(neuron)
    open_number(step, (view.token, int(neuron)))


def reads(view: View) -> str:
    """What the network is given: the token's vector, or the norm of it."""
    return view.at("mlp.norm.out" if view.config.norm_first else "mlp.in")


def product(view: View, leaf: str, number_of: str, factor: str = "x") -> str:
    """How a projection is made, as a title: with the bias where the model has one."""
    bias = view.trace.weights[view.at(f"mlp.{leaf}.bias")]
    return f"{factor} · W{number_of}" + (f" + b{number_of}" if bias.any() else "")


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
        on_cell=lambda row, neuron: choose(view, step, neuron),
    )


ACTIVATIONS = {"gelu": "GELU", "gelu_tanh": "GELU", "silu": "SiLU", "relu": "ReLU"}
