"""What changes when one neuron is set to 0: the words that the model guesses, or, of a model that
guesses none, how far each token's last vector moves.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core import whatif
from core.steps.norm import TINY
from core.text import percent
from core.vectors import lengths
from ui.kit.components import table
from ui.kit.runs import beside, open_in
from ui.kit.token_words import token_label, which_word
from ui.session.actions import show_run
from ui.session.view import View
from ui.text import bold

WORDS = 6  # guesses in the table


def silenced(view: View, neuron: int) -> None:
    """The same run with the neuron at 0, beside the run as it is."""
    part = f"neuron:{view.side}.{view.layer}.{neuron}"
    if part in view.request.change.split("+"):
        st.caption("This run has the neuron at 0. Restore the model to compare.")
        return
    change = whatif.also(whatif.without(view.request.change, "neuron"), part)
    without = beside(view, view.request._replace(change=change))
    if "head.probs" in view.trace:
        changed_guesses(view, without, neuron)
    else:
        moved_vectors(view, without, neuron)
    st.button(
        f"Show all pages without neuron {neuron}",
        key="ff_without",
        on_click=show_run,
        args=(without.request,),
    )


# --- the guesses ----------------------------------------------------------------------------------


def guessed_row(view: View, without: View) -> int:
    """The row of guesses that is compared: the chosen token's, or the one that changes most."""
    rows, side = view.trace.rows, view.config.sides[-1]
    own = np.flatnonzero(np.asarray(rows) == view.token)
    if side == view.side and len(own):
        return int(own[0])
    probs = [run.trace["head.probs"] for run in (view, without)]
    return int(np.abs(probs[0] - probs[1]).sum(axis=-1).argmax())


def changed_guesses(view: View, without: View, neuron: int) -> None:
    """The likeliest words with the neuron and without it."""
    row = guessed_row(view, without)
    with_V, without_V = (run.trace["head.probs"][row] for run in (view, without))
    if not np.isfinite([with_V, without_V]).all():
        st.warning("An earlier value overflowed in this run: there are no guesses to compare.")
        return
    best = np.argsort(-np.maximum(with_V, without_V), kind="stable")[:WORDS].tolist()
    ids = sorted(best, key=lambda i: -with_V[i])
    st.markdown(guesses_text(view, row, neuron, with_V, without_V))
    table(
        {
            "as it is": with_V[ids],
            "without": without_V[ids],
            "difference": without_V[ids].astype(float) - with_V[ids],
        },
        [view.word(i) for i in ids],
        key="ff:silenced-difference",
        title=f"Guesses {place_words(view, row)}, with neuron {neuron} and without",
        corner="word",
        on_cell=partial(open_guess, (view, without), row, ids),
    )


def place_words(view: View, row: int) -> str:
    """Where a row of guesses is made."""
    side, position = view.config.sides[-1], view.trace.rows[row]
    name = view.names_of(side)[position]
    return f"after “{name}”" if side == "decoder" else f"at “{name}”"


def guesses_text(view: View, row: int, neuron: int, with_V, without_V) -> str:
    """Whether the best guess changes without the neuron."""
    first, second = int(with_V.argmax()), int(without_V.argmax())
    shares = f"{percent(with_V[first])} with it, {percent(without_V[first])} without"
    if first == second:
        ending = "stays the best guess" if first == second else ""
        return f"Without neuron {neuron}, {bold(view.word(first))} {ending}: {shares}."
    return (
        f"Without neuron {neuron} the best guess changes from {bold(view.word(first))} ({shares})"
        f" to {bold(view.word(second))} ({percent(without_V[second])})."
    )


def open_guess(both: tuple[View, View], row: int, ids: list[int], at: int, column: int) -> None:
    """The probability that was clicked opens in its run; a difference in the run as it is."""
    if at < len(ids):
        open_in(both[column == 1], "head.probs", (row, ids[at]))


# --- the last vectors -----------------------------------------------------------------------------


def moved_vectors(view: View, without: View, neuron: int) -> None:
    """How far the last vector of each token moves without the neuron."""
    name = f"{view.config.sides[-1]}.out"
    before_LD, after_LD = (run.trace[name].astype(np.float64) for run in (view, without))
    if not np.isfinite([before_LD, after_LD]).all():
        st.warning("An earlier value overflowed in this run: there is nothing to compare.")
        return
    moved_L = lengths(after_LD - before_LD) / np.maximum(lengths(before_LD), TINY)
    most = int(moved_L.argmax())
    st.markdown(
        f"This model guesses no words. Without neuron {neuron} the last vector of"
        f" {which_word(view, most)} moves most: by {percent(moved_L[most])} of its length. That of"
        f" {which_word(view)} moves by {percent(moved_L[view.token])}."
    )
    order = np.argsort(-moved_L, kind="stable").tolist()
    table(
        {"moved, share of its length": moved_L[order]},
        [token_label(view, l) for l in order],
        key="ff:silenced-difference",
        title=f"How far each last vector moves without neuron {neuron}",
        bar="moved, share of its length",
    )
