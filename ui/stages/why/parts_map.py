"""The figure of the page: two rows of words to choose from, and what each part of the model gave to
the first, or to how far it is above the second; or what happens without it.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.decoding import next_tokens
from core.text import number, percent
from ui.kit.component_loader import component
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.packed_arrays import base64_of, packed
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.section import render_depth
from ui.kit.stage import heading
from ui.session import sent
from ui.session.actions import close_number, select_head
from ui.session.memory import memory
from ui.session.selection import chosen, depth, select
from ui.stages.why import effects
from ui.stages.why.asked import NO_OTHER, NO_RIVAL, Asked, block_of, choose_rival, choose_word
from ui.stages.why.beside import Work
from ui.stages.why.brought import brought
from ui.stages.why.layout import OWN, Cell, Layout, of_sources, of_units, words_of
from ui.stages.why.neurons import network_of
from ui.text import bold

KEY = "why-map"
WORDS = 8  # words to choose from in a row
NAMED = 3  # parts that are named
WRITTEN = "A part is only what was written directly; what later parts made of it counts as theirs."
SHOWS = {"part": "direct part", "effect": "effect of silence"}
_draw = component("why_map", 'class="root figure" role="group" aria-label="Why this word"')


def question(asked: Asked) -> None:
    """The question over the figure."""
    word = bold(asked.view.word(asked.word))
    rival = "" if asked.rival is None else f" and not {bold(asked.view.word(asked.rival))}"
    heading(f"Why {word}{rival}?", quiz(asked), terms=False)


def quiz(asked: Asked) -> Quiz | None:
    """Which head, network or embedding gave most."""
    if chosen("why_shows") != "part":
        return None
    names, parts_S = asked.parts.names, asked.parts.parts_S
    offered = [name.endswith(".mlp") or ".head." in name or ".embed." in name for name in names]
    words = [words_of(name).removeprefix("the ") for name in names]
    found = quiz_of_most(asked.view, words, np.where(offered, parts_S, -np.inf))
    return found and found.asks("Which part of the model gave most to it?")


def draw(asked: Asked) -> tuple[str, tuple[int, ...]]:
    """The map and what it says. Returns the number that is explained first: the largest part."""
    parts = asked.parts
    first = asked.step, (int(np.abs(parts.parts_S).argmax()),)
    silent = effects.settled(asked) if chosen("why_shows") == "effect" else None
    figure(asked, parts.names, silent)
    if silent is not None:
        effects.progress(asked)
    text = story(asked, parts) if silent is None else effects.story(asked, silent)
    render_depth(asked.view, text, first)
    if depth() == "numbers":
        parts_table(asked, parts.names)
    return first


# --- the picture ----------------------------------------------------------------------------------


def figure(asked: Asked, names: tuple[str, ...], silent: Work | None) -> None:
    """Draws the words and the map, and follows the clicks on both."""
    config = asked.view.config
    layout = of_sources(config, names) if silent is None else of_units(config)
    words = offered(asked)
    rivals = [NO_RIVAL, *(i for i in words if i != asked.word)]
    _draw(
        key=KEY,
        data=words_data(asked, words, rivals) | map_data(asked, layout, silent),
        on_cell_change=lambda: clicked_cell(asked, layout, names),
        on_word_change=lambda: clicked_word("word", words, choose_word),
        on_rival_change=lambda: clicked_word("rival", rivals, choose_rival),
        on_shows_change=clicked_shows,
    )


def offered(asked: Asked) -> list[int]:
    """The words of the output to choose from: the likeliest, the first rival, and those that are
    chosen.
    """
    ids = [int(i) for i in next_tokens(asked.view.trace, WORDS, asked.row)[0]]
    others = dict.fromkeys((*asked.words, memory().firsts.get("why_rival")))
    more = [i for i in others if i is not None and i != NO_RIVAL and i not in ids]
    return [*ids[: WORDS - len(more)], *more]


def words_data(asked: Asked, words: list[int], rivals: list[int]) -> dict:
    """The two rows of words."""
    probs_V = asked.view.trace["head.probs"][asked.row]
    rival = NO_RIVAL if asked.rival is None else asked.rival
    return {
        "words": [asked.view.word(i) for i in words],
        "shares": [percent(probs_V[i]) for i in words],
        "rivals": ["no rival" if i == NO_RIVAL else asked.view.word(i) for i in rivals],
        "word": words.index(asked.word),
        "rival": rivals.index(rival),
    }


def map_data(asked: Asked, layout: Layout, silent: Work | None) -> dict:
    """The map as it travels to the browser."""
    many = len(asked.view.config.sides) > 1
    values = numbers_of(asked, layout, silent)
    limit = float(np.abs(values[np.isfinite(values)]).max(initial=0)) or 1.0
    numbers = packed(values) if silent is None else {"effects": base64_of(values.astype("<f4"))}
    return numbers | {
        "cells": [
            {
                "row": cell.row,
                "column": layout.columns.index(cell.column) if cell.row != OWN else OWN,
                "name": words_of(cell.name, many),
            }
            for cell in layout.cells
        ],
        "rows": list(layout.rows),
        "titles": layout.titles(),
        "groups": layout.groups(),
        "limit": limit,
        "named": largest(values),
        "opened": opened_cell(asked, layout),
        "chosen": places_in(layout, asked.head, network_of(asked)),
        "shows": list(SHOWS).index(chosen("why_shows")),
        "options": list(SHOWS.values()),
        "title": title_of(asked, silent is not None),
    }


def title_of(asked: Asked, silent: bool) -> str:
    """What the numbers of the map are."""
    versus = asked.plain_versus()
    return f"What the silence of each part changes in {versus}" if silent else f"Parts of {versus}"


def numbers_of(asked: Asked, layout: Layout, silent: Work | None) -> np.ndarray:
    """The number of each cell; NaN where it is not computed yet."""
    if silent is None:
        return asked.view.trace[asked.step]
    return np.array([silent.found.get(cell.name, np.nan) for cell in layout.cells])


def largest(values) -> list[int]:
    """The cells that count most."""
    size = np.nan_to_num(np.abs(values))
    order = np.argsort(-size, kind="stable")[:NAMED].tolist()
    return [i for i in order if size[i] > 0]


def places_in(layout: Layout, *names: str) -> list[int]:
    """Which cells these parts are, those that the map has."""
    return [i for i, cell in enumerate(layout.cells) if cell.name in names]


def opened_cell(asked: Asked, layout: Layout) -> int | None:
    """Which cell of the direct parts is the opened number."""
    opened = opened_in(asked.step)
    if opened is None or chosen("why_shows") != "part":
        return None
    return opened[0] if opened[0] < len(layout.cells) else None


# --- clicks ---------------------------------------------------------------------------------------


def clicked_cell(asked: Asked, layout: Layout, names: tuple[str, ...]) -> None:
    """A part opens; a head is looked at in the cards, too."""
    at = sent.from_component(KEY, "cell")
    if not sent.whole(at, len(layout.cells)):
        return
    cell = layout.cells[at]
    close_number()
    choose_part(asked, cell)
    if cell.name in names:
        open_number(asked.step, (names.index(cell.name),))


def choose_part(asked: Asked, cell: Cell) -> None:
    """The cards look at the head or the network of a cell, if it writes into the stream of the
    word.
    """
    side, _, rest = cell.name.partition(".")
    layer, _, leaf = rest.partition(".")
    if side != asked.side:
        return
    if leaf == "mlp":
        select(why_mlp=int(layer))
    elif ".head." in leaf:
        block, _, head = leaf.split(".")
        at = block_of(asked, block)
        select_head(int(layer), int(head), why_key=None, why_other=NO_OTHER, **at)


def clicked_word(which: str, words: list[int], choose) -> None:
    """Another word, or another rival."""
    at = sent.from_component(KEY, which)
    if sent.whole(at, len(words)):
        choose(words[at])
        close_number()


def clicked_shows() -> None:
    """Direct parts, or effects."""
    at = sent.from_component(KEY, "shows")
    if sent.whole(at, len(SHOWS)):
        select(why_shows=list(SHOWS)[at])


# --- in words -------------------------------------------------------------------------------------


def story(asked: Asked, parts) -> str:
    """Which parts gave most, and that all of them together are the logit, or the difference."""
    named = ", ".join(
        f"{bold(words_of(name))} {number(part, 3)}" for name, part in parts.largest(NAMED)
    )
    count = len(parts.names)
    return (
        f"Largest: {named}. All {count} parts add up to **{number(parts.total, 3)}** ="
        f" {equals(asked)}. {brought(asked) or WRITTEN}"
    )


def equals(asked: Asked) -> str:
    """The logit, or the difference of two, of the forward pass."""
    logits = [asked.view.trace["head.logits"][asked.row, i] for i in asked.words if i is not None]
    word = bold(asked.view.word(asked.word))
    if asked.rival is None:
        return f"the logit of {word}"
    rival = bold(asked.view.word(asked.rival))
    one, other = (number(each, 4) for each in logits)
    return f"the logits of {word} ({one}) − {rival} ({other})"


def parts_table(asked: Asked, names: tuple[str, ...]) -> None:
    """All parts as a table, the largest first."""
    parts_S = asked.view.trace[asked.step]
    order = np.argsort(-np.abs(parts_S), kind="stable").tolist()
    step, opened = asked.step, opened_in(asked.step)
    st.caption(f"All {len(names)} parts, the largest first:")
    table(
        {"part": parts_S[order]},
        [words_of(names[x]) for x in order],
        key="why:parts",
        corner="source",
        opened=(order.index(opened[0]), 0) if opened and opened[0] < len(order) else None,
        on_cell=lambda row, _: open_number(step, (order[row],)),
        title=f"Parts of {asked.plain_versus()}",
    )
