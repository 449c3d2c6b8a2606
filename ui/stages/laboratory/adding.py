"""The row in which a change is put together: its kind, and what that kind needs besides the layer,
the head and the token that are looked at.
"""

from __future__ import annotations

import streamlit as st

from core import whatif
from core.errors import GlassError
from ui.kit.what_if_words import original_ids, plain_names, words_of
from ui.session.actions import change_run, with_part
from ui.session.memory import memory
from ui.session.runs import RunRequest
from ui.session.selection import LAB_KINDS, chosen
from ui.session.steady import steady
from ui.session.view import View
from ui.stages.laboratory.changes import cell_words, toggled
from ui.stages.laboratory.runs import Runs, kept_steps, kinds_of
from ui.text import bold, plain, quoted


def row(both: Runs) -> None:
    """What can be added, its parameters, and the button, which says what it will add."""
    view = both.after
    with st.container(key="lab-add", horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Change the model",
            kinds_of(view),
            key="lab_kind",
            format_func=LAB_KINDS.__getitem__,
            persist_state="session",
            width=230,
        )
        if parameter := PARAMETERS.get(chosen("lab_kind")):
            parameter(view)
        add_button(view, offered(view))


def add_button(view: View, words: str) -> None:
    """The button, which says what it adds, or why it adds nothing."""
    listed = bool(words) and is_listed(view)
    begins = "Already in the list" if listed else "Add"
    st.button(
        f"{begins}: {plain(words)}" if words else begins,
        key="lab_add",
        type="primary",
        on_click=add,
        args=(view,),
        disabled=listed or not words,
        help="Layer, head and token are those of the line above.",
    )


# --- parameters -----------------------------------------------------------------------------------


def neuron_box(view: View) -> None:
    """Which neuron."""
    st.number_input(
        "Neuron", 0, view.config.d_mlp - 1, key="lab_neuron", persist_state="session", width=130
    )


def heat_box(view: View) -> None:
    """The temperature of a head."""
    st.number_input(
        "Temperature",
        0.1,
        10.0,
        step=0.1,
        format="%.1f",
        key="lab_heat",
        persist_state="session",
        width=130,
        help="Its scores are divided by it: above 1 the head looks around more evenly.",
    )


def other_box(view: View) -> None:
    """Which other token."""
    others = [place for place in range(len(view.labels)) if place != view.token] or [0]
    names = view.names
    steady("lab_other", others, names.__getitem__, others[0])
    st.selectbox(
        read_as(view) if chosen("lab_kind") == "swap" else "Other token",
        others,
        key="lab_other",
        format_func=names.__getitem__,
        persist_state="session",
        width=150,
    )


def word_box(view: View) -> None:
    """Which word, or which id where the model has no tokenizer."""
    st.text_input(
        read_as(view),
        key="lab_word",
        max_chars=60,
        persist_state="session",
        width=190,
        placeholder="a new word" if view.model.tokenizer else "the number of a token",
        help="To replace another token, choose it at the top of the page.",
    )


def step_box(view: View) -> None:
    """After how many steps of its training."""
    st.selectbox(
        "After so many steps",
        kept_steps(view),
        key="lab_step",
        format_func="{:,}".format,
        persist_state="session",
        width=150,
        help="Its weights were kept after these. All other changes work on it as well.",
    )


def read_as(view: View) -> str:
    """Which token is read as another: the one that is chosen at the top of the page, by the name
    that it has in the text.
    """
    typed = view.word(original_ids(view, view.side)[view.token])
    return f"Read {bold(typed)} ({view.token}) as"


PARAMETERS = {
    "neuron": neuron_box,
    "temp": heat_box,
    "cell": other_box,
    "swap": other_box,
    "token": word_box,
    "trained": step_box,
}


# --- what is added --------------------------------------------------------------------------------


def offered(view: View) -> str:
    """What the button adds, in words; empty where something is still to be typed."""
    if chosen("lab_kind") == "cell":
        cell = cell_of(view)
        now, sees = cell_words(view, cell), "does not see"
        return now.replace(sees, "sees") if sees in now else now.replace(" sees ", f" {sees} ")
    if chosen("lab_kind") == "token":
        typed = chosen("lab_word").strip()
        return (
            f"{plain_names(view, view.side)[view.token]} read as {quoted(typed)}" if typed else ""
        )
    ((name, detail),) = whatif.parts(part_of(view))
    return words_of(view, name, detail)


def is_listed(view: View) -> bool:
    """Whether the change is in the list already. A cell of the mask is changed back."""
    try:
        return chosen("lab_kind") != "cell" and part_of(view) in view.request.change.split("+")
    except GlassError:  # the word is none: a click says so
        return False


def add(view: View) -> None:
    """Makes the change, or says why it can't be made."""
    try:
        after = changed(view)
    except GlassError as error:
        memory().refused = str(error.args[0])
        return
    change_run(view.request, after)


def changed(view: View) -> RunRequest:
    """The run with the change that is put together. Raises GlassError where it is none."""
    if chosen("lab_kind") == "cell":
        return view.request._replace(mask=toggled(view.request.mask, cell_of(view)))
    return view.request._replace(change=with_part(view.request.change, part_of(view)))


def cell_of(view: View) -> str:
    """The cell of the mask: the chosen token looks, the other is looked at."""
    return f"{view.side[0]}{view.token}-{chosen('lab_other')}"


def part_of(view: View) -> str:
    """The change as a part of a what-if."""
    kind: str = chosen("lab_kind")
    layer = f"{view.side}.{view.layer}"
    token = view.token if view.side == view.config.sides[0] else f"{view.side}.{view.token}"
    parts = {
        "head": f"head:{layer}.{view.head}",
        "cross-head": f"head:cross.{view.layer}.{view.head}",
        "attn": f"attn:{layer}",
        "cross": f"cross:{layer}",
        "mlp": f"mlp:{layer}",
        "neuron": f"neuron:{layer}.{chosen('lab_neuron')}",
        "freeze": f"freeze:{layer}.{view.head}",
        "temp": f"temp:{layer}.{view.head}={chosen('lab_heat'):g}",
        "swap": f"swap:{token}={chosen('lab_other')}",
        "trained": f"trained:{chosen('lab_step')}",
    }
    if kind == "token":
        return f"token:{token}={token_typed(view, chosen('lab_word').strip())}"
    return parts.get(kind) or kind


def token_typed(view: View, typed: str) -> int:
    """The token of the vocabulary that a word is. Raises GlassError where it is not exactly one."""
    cut = view.model.tokenizer
    if cut is None:
        if not typed.isdecimal() or int(typed) >= view.config.n_vocab:
            raise GlassError(
                f"Type the number of a token, from 0 to {view.config.n_vocab - 1:,},"
                f" not “{typed[:30]}”."
            )
        return int(typed)
    unknown = {cut.id_of(piece) for piece in ("[UNK]", "<unk>")}
    for text in (f" {typed}", typed):
        ids = [int(i) for i in cut.encode(text, special=False).ids_L]
        if len(ids) == 1 and ids[0] not in unknown:
            return ids[0]
    raise GlassError(
        f"“{typed[:30]}” is not one token of this model’s vocabulary. Type a shorter or more common"
        " word."
    )
