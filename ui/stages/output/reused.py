"""The key/value cache: what is computed for the next token, and what stands ready."""

from __future__ import annotations

import math
from dataclasses import dataclass

import streamlit as st

from core.decoding.key_value_cache import Reuse, reuse
from core.errors import GlassError
from ui.kit.guessed_place import guessed_position
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, cell_map
from ui.session.runs import limited
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.text import bold, plain


@dataclass(frozen=True, eq=False)
class Compared:
    """Both ways of reading, on the shelf."""

    found: Reuse
    nbytes: int = 200


def reused(view: View) -> None:
    """What is reused for the chosen token, and that nothing else comes of it."""
    side = view.config.sides[-1]
    position, row = guessed_position(view)
    if not position:
        st.info("Nothing was read before the first token. Choose a later one.")
        return
    try:
        found = compared(view, position)
    except GlassError as error:
        st.info(plain(str(error)))
        return
    step = f"{side}.{min(view.layer, view.config.layers(side) - 1)}.attn"
    best = int(view.trace["head.logits"][row].argmax())
    render_depth(view, text(view, position, found), ("head.logits", (row, best)))
    group = view.config.group(view.head)
    for leaf, name in (("k", "keys"), ("v", "values")):
        title = f"The {name} of head {view.head}, layer {step.split('.')[1]}: {rows(position)}"
        cell_map(
            view, f"{step}.{leaf}", group, slice(0, position + 1), ALL, chosen=position, title=title
        )


def rows(position: int) -> str:
    """Which rows of a map stand ready, and which one is made."""
    ready = "row 0 stands" if position == 1 else f"rows 0 to {position - 1} stand"
    return f"{ready} ready, row {position} is new"


def compared(view: View, position: int) -> Reuse:
    """Both ways of reading the text up to a token; made once for all readers."""
    ids = tuple(view.trace[f"{view.config.sides[-1]}.embed.ids"][: position + 1].tolist())
    source = tuple(view.trace["encoder.embed.ids"].tolist()) if view.config.crosses else None
    model = view.model

    def read() -> Compared:
        with st.spinner("Reading it both ways …"), limited(key):
            return Compared(reuse(model.config, model.weights, ids, source))

    key = "reused", model.name, view.taught, ids, source
    return SHELF.get(key, read, holds=("model", model.name)).found


def text(view: View, position: int, found: Reuse) -> str:
    """How much is saved, and that it changes nothing; at most 45 words."""
    token = bold(view.names_of(view.config.sides[-1])[position])
    return (
        f"No token sees what follows it, so earlier **keys** and **values** stay as they are:"
        f" {found.reused:,} numbers are reused. Reading {token} computes {found.alone:,} numbers"
        f" instead of {found.whole:,}. The logits {alike(found.apart)}."
    )


def alike(apart: float) -> str:
    """How far the logits of both ways are apart."""
    if not apart:
        return "are the same to the last digit"
    power = math.ceil(math.log10(apart))
    return f"differ by less than {10.0**power:.{max(-power, 0)}f}, which is rounding"
