"""The question of the page Feed-forward and its figure: the neurons of the chosen token that write
most, before and after the activation, and the update that all of them make.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core.step_ref import sliced_name
from core.steps.norm import norms_update
from core.text import counted, number
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.neuron_charts import ACTIVATION_TITLES as NAMES
from ui.kit.neuron_charts import neurons, neurons_by_length, projection_title, reads, select_neuron
from ui.kit.packed_arrays import base64_of, packed
from ui.kit.quiz import Quiz, quiz_of_count
from ui.kit.section import render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, cell_map, colour_end, largest
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, token_label, which_word
from ui.session import sent
from ui.session.selection import depth, select
from ui.session.view import View
from ui.stages.feed_forward.cards import opened_by_a_click

ROWS, BELOW = 8, 2  # neurons in the figure: those that write most, those furthest below zero
KEY = "ff:neurons"
_draw = component("neurons", 'class="root figure" role="group" aria-label="The strongest neurons"')


def strongest_neurons(view: View, neuron: int) -> tuple[str, tuple[int, ...]]:
    """The question and the figure. Returns the cell that is explained first."""
    path, t = view.at("mlp"), view.token
    first = f"{path}.hidden", (t, neuron)
    question = f"Which neurons does {which_word(view)} switch on in layer {view.layer}?"
    heading(question, quiz(view))
    if not np.isfinite(view.trace[f"{path}.hidden"][t]).all():
        st.warning(
            "These neurons are NaN, since an earlier value overflowed in this run. There"
            " is nothing to draw."
        )
        return first
    neuron_bars(view, neuron)
    out = largest(view, f"{path}.out", t, ALL)
    render_depth(view, neurons_text(view), (f"{path}.pre", (t, neuron)), first, out)
    if depth() == "numbers":
        all_numbers(view)
    return first


def quiz(view: View) -> Quiz | None:
    """How many neurons are left on; of an activation that leaves none quite off, how many are below
    zero before it.
    """
    pre_F = view.trace[view.at("mlp.pre")][view.token]
    if not np.isfinite(pre_F).all():
        return None
    off, count = neurons_off(view), len(pre_F)
    if is_relu(view):
        found = quiz_of_count(view, count - off, count)
        return found and found.asks(f"How many of the {count:,}?")
    found = quiz_of_count(view, off, count)
    return found and found.asks(f"How many of the {count:,} are below zero?")


def is_relu(view: View) -> bool:
    """Whether the activation sets neurons to 0, and nothing else is done to them."""
    return view.config.activation == "relu" and not view.config.gated


def neurons_off(view: View) -> int:
    """How many neurons of the chosen token ReLU sets to 0, or another activation gets from below
    zero.
    """
    path, t = view.at("mlp"), view.token
    if is_relu(view):
        return int((view.trace[f"{path}.hidden"][t] == 0).sum())
    return int((view.trace[f"{path}.pre"][t] < 0).sum())


def neurons_text(view: View) -> str:
    """What the network does with the chosen token."""
    c, t, path = view.config, view.token, view.at("mlp")
    off = neurons_off(view)
    length = number(view.trace[f"{path}.out.length"][t], 3)
    if is_relu(view):
        bend = f"ReLU sets {off:,} to 0; each of the other {c.d_mlp - off:,} writes a vector"
    else:
        bend = (
            f"{NAMES[c.activation]} leaves little of the {off:,} below zero; each writes a vector"
        )
    bias = ", plus a bias," if view.trace.weights[f"{path}.out.bias"].any() else ""
    return (
        f"Attention mixed information across tokens; now {which_word(view)} is processed alone."
        f" {c.d_mlp:,} **neurons** compare its vector with learned patterns. {bend}. Their"
        f" sum{bias} is the **update**, {length} long."
    )


# --- the figure -----------------------------------------------------------------------------------


def neuron_bars(view: View, neuron: int) -> None:
    """The strongest neurons as bars, the chosen one among them; a click chooses one."""
    shown = shown_neurons(view, neuron)
    _draw(
        key=KEY,
        on_neuron_change=partial(_choose, view, shown),
        on_update_change=partial(_open_update, view),
        data=bars_data(view, shown, neuron),
    )


def shown_neurons(view: View, neuron: int) -> list[int]:
    """The neurons that write most, the chosen one, and those furthest below zero, which show what
    the activation does.
    """
    best = neurons_by_length(view)[:ROWS]
    best = best if neuron in best else [*best[:-1], neuron]
    lowest = np.argsort(view.trace[view.at("mlp.pre")][view.token], kind="stable")[:BELOW].tolist()
    return list(dict.fromkeys([*best, *lowest]))


def bars_data(view: View, shown: list[int], neuron: int) -> dict:
    """What is drawn of each neuron, and the update."""
    path, t = view.at("mlp"), view.token
    leaves = ("pre", "hidden", "hidden.reach")
    values_R3 = np.stack([view.trace[f"{path}.{leaf}"][t, shown] for leaf in leaves], axis=1)
    update_D = view.trace[f"{path}.out"][t]
    length_1 = view.trace[f"{path}.out.length"][t : t + 1].astype("<f4")
    opened = opened_in(f"{path}.out")
    return packed(values_R3) | {
        "rows": [{"neuron": f, "strongest": strongest_at(view, f)} for f in shown],
        "chosen": neuron,
        "limits": limits_of(values_R3),
        "titles": bar_titles(view),
        "others": others_text(view, shown),
        "update": base64_of(update_D.astype("<f4")),
        "lengths": base64_of(length_1),
        "steps": [sliced_name(f"{path}.{leaf}", (t,)) for leaf in ("out", "out.length")],
        "colour": COLOURS["mlp"],
        "sum": {
            "title": "update",
            "limit": colour_end(update_D),
            "opened": opened[1] if opened and opened[0] == t else None,
        },
    }


def limits_of(values_R3: np.ndarray) -> list[float]:
    """Where the bars of each column end: before and after the activation at the same number, so
    that what is left unchanged stays as long.
    """
    before, after, reach = (float(most) for most in np.abs(values_R3).max(axis=0))
    both = max(before, after) or 1.0
    return [both, both, reach or 1.0]


def bar_titles(view: View) -> dict[str, str]:
    """What stands over each column."""
    name = NAMES[view.config.activation]
    return {
        "before": f"before {name}",
        "after": f"after {name}" + (" × up" if view.config.gated else ""),
        "reach": "length it writes",
        "strongest": "strongest at",
    }


def strongest_at(view: View, neuron: int) -> str:
    """The token of this sentence at which a neuron is furthest from zero."""
    size_L = np.abs(view.trace[view.at("mlp.hidden")][:, neuron].astype(np.float64))
    return token_label(view, int(np.nan_to_num(size_L, nan=-1).argmax()))


def others_text(view: View, shown: list[int]) -> str:
    """How many neurons are not drawn, and how many of those are 0."""
    hidden_F = view.trace[view.at("mlp.hidden")][view.token]
    rest_F = np.delete(hidden_F, shown)
    silent = int((rest_F == 0).sum())
    active = f"+ {counted(len(rest_F) - silent, 'more active neuron')}"
    return f"{active}, {silent:,} at 0" if silent else active


def _choose(view: View, shown: list[int]) -> None:
    """The neuron that was clicked is chosen, its number opens, and what it does unfolds."""
    place = sent.place(sent.from_component(KEY, "neuron"), (len(shown),))
    if place is not None:
        select(cards=opened_by_a_click(view))
        select_neuron(view, view.at("mlp.hidden"), shown[place[0]])


def _open_update(view: View) -> None:
    place = sent.place(sent.from_component(KEY, "update"), (view.config.d_model,))
    if place is not None:
        open_number(view.at("mlp.out"), (view.token, *place))


# --- every number ---------------------------------------------------------------------------------


def all_numbers(view: View) -> None:
    """The vector, all neurons before and after the activation, and the update, as maps."""
    c, path, row = view.config, view.at("mlp"), slice(view.token, view.token + 1)
    normed = ", after the norm" if c.norm_first and c.norm != "none" else ""
    title = f"x: the vector of {titled_word(view)}{normed}"
    cell_map(view, reads(view), row, ALL, title=title)
    title = f"Neurons before activation: {projection_title(view, 'pre', '₁')}"
    neurons(view, f"{path}.pre", title)
    made = "gate × up" if c.gated else f"{NAMES[c.activation]} of the number before"
    neurons(view, f"{path}.hidden", f"Neurons: {made}")
    normed = ", after the norm" * norms_update(c)
    title = f"The update: {projection_title(view, 'out', '₂', 'n')}{normed}"
    cell_map(view, f"{path}.out", row, ALL, title=title)
