"""One vector for a whole text: how it is made, how similar several are, and search."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.models.catalogue import entry_of
from core.text import each_of, number
from core.vectors import all_cosines, lengths
from core.word_vectors import Alike, alike
from ui.kit.charts import clickable_map
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL, cell_map, largest
from ui.session.selection import chosen, select
from ui.session.view import View
from ui.stages.output.typed_texts import (
    LONGEST_LINE,
    draw_typed_box,
    lines_of,
    read_on_all_pages,
    text_section,
    vectors_of,
    written_out,
)
from ui.text import plain, short

LINES = 12
POOL = 40
TYPED = """The soup needs more salt and a little pepper.
Add some seasoning before you serve the broth.
The night train to Vienna leaves from platform nine.
Our railway journey starts late in the evening.
Tomorrow will be cold, with snow in the hills.
The forecast says it will freeze overnight."""
PASTED = """Boil the potatoes for twenty minutes.
Whisk the eggs with sugar until they are pale.
Let the dough rest under a damp cloth.
The last tram leaves shortly after midnight.
Passengers should change at the next station.
The line is closed because of works on the track.
Heavy rain is expected along the coast.
A warm wind from the south will melt the snow.
The dentist has moved your appointment to Friday.
Water the tomatoes early in the morning.
The library lends books for four weeks.
Our cat sleeps on the washing machine."""
QUERY = "Will it be stormy at the seaside?"


# --- one vector for a text ------------------------------------------------------------------------


def mean_cell(view: View) -> tuple[str, tuple[int, ...]]:
    """The largest number of the mean of the last vectors."""
    return largest(view, f"{view.config.sides[0]}.out.pooled", ALL)


def sentence_vector(view: View) -> None:
    """The mean of the last vectors; and what a pooler makes of the first one."""
    side, pooled = view.config.sides[0], f"{view.config.sides[0]}.out.pooled"
    L = len(view.tokens(side))
    render_depth(
        view,
        mean_text(view, L),
        largest(view, pooled, ALL),
        *([largest(view, "pooler.out", ALL)] if view.config.pooler else []),
    )
    vector_strip(view, pooled, f"The mean of the {L} last vectors")
    if detailed():
        title = "What it is the mean of: the last vectors of all tokens"
        cell_map(view, f"{side}.out", ALL, ALL, title=title, chosen=view.token)
        if view.config.pooler:
            pooler_strip(view)


def mean_text(view: View, L: int) -> str:
    """What the mean of the last vectors is good for."""
    begin = f"{each_of(L, 'token')} ends as a vector of {view.config.d_model} numbers. Their"
    if view.model.name == "minilm":
        return (
            f"{begin} **mean** is one vector for the whole text: all-MiniLM was trained so that"
            " texts with similar meanings get similar means."
        )
    return (
        f"{begin} **mean** is the simplest vector for the whole text. How useful it is depends on"
        " the training: this model may never have learned to use it."
    )


def pooler_strip(view: View) -> None:
    """The vector that a pooler makes of the first token's."""
    title = "The pooler’s sentence vector: tanh of one more layer on the first token"
    vector_strip(view, "pooler.out", title)
    if view.model.name == "minilm":
        st.caption("This layer is left over from BERT: all-MiniLM compares the means, not these.")


def vector_strip(view: View, name: str, title: str) -> None:
    """A single vector of the trace as a strip; its numbers open."""
    cell = opened_in(name)
    clickable_map(
        f"output_vector:{name}",
        HeatmapSpec(
            view.trace[name][None],
            [""],
            [str(d) for d in range(view.trace.shape(name)[0])],
            title=title,
            opened=(0, cell[0]) if cell else None,
        ),
        lambda row, d: open_number(name, (d,)),
    )


# --- likeness and search --------------------------------------------------------------------------


def text_similarity(view: View) -> None:
    """Every typed sentence with every other."""
    text_section(
        view,
        "The cosine of two mean vectors says how similar the model finds two texts. Type your own,"
        " one per line: the same topic in other words, or the same words in another sense.",
        all_cosines,
    )
    not_trained_for_this(view)
    typed = lines_control(view, "lines", TYPED, LINES)
    lines, vectors_ND = vectors_of(view, lines_of(typed, LINES))
    if len(lines) < 2:
        st.info("Type at least two sentences.")
        return
    a, b = (min(int(n), len(lines) - 1) for n in chosen("output_pair").split("-"))
    names = [f"{n + 1} · {short(line, 24)}" for n, line in enumerate(lines)]
    cosines_map(vectors_ND, names, (a, b))
    st.markdown(
        f"**a** “{plain(lines[a])}” and **b** “{plain(lines[b])}”:"
        f" {written_out(alike(vectors_ND[a], vectors_ND[b]))}"
    )
    if detailed():
        products_table(vectors_ND, names, (a, b))
    st.button(
        f"Read sentence {a + 1} on all pages",
        key="output_read_line",
        on_click=read_on_all_pages,
        args=(lines[a],),
    )


def lines_control(view: View, key: str, lines: str, most: int) -> str:
    """The lines that the reader has typed; at first those that are given."""
    what = {"lines": "Sentences, one per line", "pool": "Lines to search in"}[key]
    options = {"height": 170, "max_chars": 20_000}
    return draw_typed_box(view, key, lines, st.text_area, f"{what}, up to {most}", **options)


def compare_lines(a: int, b: int) -> None:
    """Chooses the two lines that are compared."""
    select(output_pair=f"{a}-{b}")


def cosines_map(vectors_ND, names: list[str], pair: tuple[int, int]) -> None:
    """The cosine of every line with every other; a click chooses two of them."""
    clickable_map(
        "output_similar",
        HeatmapSpec(
            all_cosines(vectors_ND),
            names,
            [str(n + 1) for n in range(len(names))],
            kind="signed",
            limit=1.0,
            title="Cosine of the mean vectors: click a cell to see how it is made",
            chosen=pair,
        ),
        compare_lines,
    )


def products_table(vectors_ND, names: list[str], pair: tuple[int, int]) -> None:
    """What the cosines of the first chosen line with all lines are made of."""
    a, b = pair
    table(
        {
            "a · b": vectors_ND @ vectors_ND[a],
            "‖b‖": lengths(vectors_ND),
            "cosine": all_cosines(vectors_ND)[a],
        },
        names,
        key="output_products",
        corner="b",
        chosen=b,
        on_cell=lambda row, column: compare_lines(a, min(row, len(names) - 1)),
        title=f"a = sentence {a + 1}, whose length ‖a‖ is {number(lengths(vectors_ND)[a])}",
    )


def not_trained_for_this(view: View) -> None:
    """Of a model that was never taught to compare texts, this is said where it is asked to."""
    if entry_of(view.model.name).embedded:
        st.caption(
            f":orange[●] {plain(view.title)} learned to guess hidden words, not to compare texts:"
            " similar vectors may mean a similar structure rather than a similar meaning."
            " all-MiniLM-L6-v2 was trained for that; choose it under Model."
        )


def search(view: View) -> None:
    """The pasted lines, those most like the question first."""
    text_section(
        view,
        "The lines need not share any words with the query. Every line becomes a vector, and so"
        " does the query; the lines with the highest cosine come first.",
        alike,
    )
    not_trained_for_this(view)
    pasted = lines_control(view, "pool", PASTED, POOL)
    asked = draw_typed_box(
        view, "query", QUERY, st.text_input, "Search for", max_chars=LONGEST_LINE
    )
    lines, vectors_ND = vectors_of(view, lines_of(pasted, POOL))
    _, query_1D = vectors_of(view, [asked]) if asked.strip() else ([], np.zeros((0, 0)))
    if not lines or not len(query_1D):
        st.info("Paste some lines and type what you look for.")
        return
    pairs = [(line, alike(query_1D[0], v_D)) for line, v_D in zip(lines, vectors_ND, strict=True)]
    ranked = sorted(pairs, key=lambda pair: -pair[1].cosine)
    at = min(chosen("output_hit"), len(ranked) - 1)
    hits_table(ranked, at)
    hit, pair = ranked[at]
    st.markdown(f"“{plain(hit)}”: {written_out(pair)}")
    st.button(
        "Read this line on all pages",
        key="output_read_hit",
        on_click=read_on_all_pages,
        args=(hit,),
    )


def hits_table(ranked: list[tuple[str, Alike]], chosen: int) -> None:
    """The lines, the most alike first, each with its cosine; a click chooses one."""
    pairs = [pair for _, pair in ranked]
    columns = {"cosine": [pair.cosine for pair in pairs]}
    if detailed():
        columns["a · b"] = [pair.dot for pair in pairs]
        columns["‖b‖"] = [pair.length_b for pair in pairs]
    table(
        columns,
        [line for line, _ in ranked],
        key="output_found",
        bar="cosine",
        corner="line",
        chosen=chosen,
        on_cell=lambda row, column: select(output_hit=min(row, len(ranked) - 1)),
        title=f"{len(ranked)} lines, the best match first: click one to see how its number is made",
    )
