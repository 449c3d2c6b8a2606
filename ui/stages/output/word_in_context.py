"""One word in two sentences: the same vector before context, two different ones after."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.errors import GlassError
from core.text import number
from core.word_vectors import Alike, alike, layer_steps, pieces_of, word_vector
from ui.kit.charts import clickable_map
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.session.actions import close_number
from ui.session.runs import RunRequest, encoding_of, trace_of
from ui.session.selection import select, selection
from ui.session.settling import settle
from ui.session.view import View
from ui.stages.output.typed_texts import (
    BANK_SENTENCES,
    LONGEST_LINE,
    draw_typed_box,
    read_on_all_pages,
    text_section,
    trained_request,
    written_out,
)
from ui.text import plain, short


def two_meanings(view: View) -> None:
    """The same word in two sentences: one vector before context, two after."""
    heading = st.container()
    texts, word = sentence_controls(view)
    runs = [run for text in texts if (run := run_with(view, text, word))]
    pairs = compare_word(*runs) if len(runs) == 2 else {}
    with heading:
        text_section(
            view,
            "1. One word, two sentences",
            f"A word brings the same row of the table into every sentence. **{plain(word)}** can"
            " mean different things: what it means here, it has to take from the words around it."
            f" So its vector changes, layer by layer.{apart_text(pairs)} (1: the same direction, 0:"
            " nothing in common.)",
            word_vector,
            alike,
        )
    if pairs:
        word_stages(view, runs, pairs, word)


def sentence_controls(view: View) -> tuple[list[str], str]:
    """The two sentences, and the word that stands in both."""
    left, right, third = st.columns((5, 5, 2), gap="medium")
    options = {"max_chars": LONGEST_LINE, "on_change": close_number}
    a, b, word = BANK_SENTENCES
    texts = [
        draw_typed_box(view, "a", a, left.text_input, "First sentence", **options),
        draw_typed_box(view, "b", b, right.text_input, "Second sentence", **options),
    ]
    options["max_chars"] = 40
    return texts, draw_typed_box(view, "word", word, third.text_input, "Word in both", **options)


def apart_text(pairs: dict[str, Alike]) -> str:
    """The cosine of a word's two vectors, before and after all layers; empty where there are
    none.
    """
    if not pairs:
        return ""
    before, *_, after = [number(pair.cosine) for pair in pairs.values()]
    return (
        f" Here the cosine of the two vectors is {before} before the model has read anything,"
        f" and {'still ' * (before == after)}{after} after the last layer."
    )


def run_with(view: View, text: str, word: str) -> tuple[RunRequest, object, list[int]] | None:
    """A sentence's run and where the word stands in it; says so where there is none."""
    try:
        request = trained_request(view, text)
        trace, encoding = trace_of(request), encoding_of(request)
        if encoding:
            places = pieces_of(encoding, word)
        else:
            places = [
                i
                for i, token in enumerate(trace["encoder.embed.ids"])
                if str(int(token)) == word.strip()
            ][:1]
    except GlassError as error:
        st.warning(f"“{plain(short(text, 40))}” can’t be read: {plain(error)}")
        return None
    if not places:
        st.warning(
            f"The word “{plain(short(word, 40))}” does not stand in “{plain(short(text, 60))}”."
            " Type one that is in both sentences."
        )
        return None
    return request, trace, places


def compare_word(first, second) -> dict[str, Alike]:
    """The word's two vectors beside each other, at every stage of the road."""
    (_, trace_a, places_a), (_, trace_b, places_b) = first, second
    return {
        stage: alike(word_vector(trace_a, step, places_a), word_vector(trace_b, step, places_b))
        for stage, step in layer_steps(trace_a).items()
    }


def word_stages(view: View, runs, pairs: dict[str, Alike], word: str) -> None:
    """The cosine at every stage, and the two vectors of the stage that is chosen."""
    names = list(pairs)
    settle("output_stage", len(names) - 1, range(len(names)))
    chosen = selection().output_stage
    stages_table(pairs, chosen, word)
    name, step = names[chosen], list(layer_steps(runs[0][1]).values())[chosen]
    st.markdown(f"{name.capitalize()}: {written_out(pairs[name])}")
    vectors = [word_vector(trace, step, places) for _, trace, places in runs]
    limit = float(max(np.abs(vector_D).max() for vector_D in vectors))
    columns = st.columns(2, gap="large")
    for column, letter, run, vector_D in zip(columns, "ab", runs, vectors, strict=True):
        with column:
            word_strip(view, letter, run, vector_D, step, name, limit)


def stages_table(pairs: dict[str, Alike], chosen: int, word: str) -> None:
    """The cosine at every stage and what it is made of; a click chooses a stage."""

    def choose_stage(row: int, column: int) -> None:
        select(output_stage=min(row, len(pairs) - 1))
        close_number()

    table(
        {
            "cosine": [pair.cosine for pair in pairs.values()],
            "a · b": [pair.dot for pair in pairs.values()],
            "‖a‖": [pair.length_a for pair in pairs.values()],
            "‖b‖": [pair.length_b for pair in pairs.values()],
        },
        list(pairs),
        key="output_stages",
        bar="cosine",
        chosen=chosen,
        corner="where",
        on_cell=choose_stage,
        title=(
            f"“{short(word, 20)}” in the first sentence (a) and in the second (b): choose a row to"
            " see both vectors"
        ),
    )


def word_strip(view: View, letter: str, run, vector_D, step: str, where: str, limit: float) -> None:
    """One vector of the word. A click takes the whole app to that sentence and opens the number
    there.
    """
    request, trace, places = run
    is_shown = view.request == request

    def open_dimension(row: int, d: int) -> None:
        read_on_all_pages(request.sentence, places[0])
        open_number(step, (places[0], d))

    cell = opened_in(step) if is_shown else None
    pieces = f" (mean of {len(places)} pieces)" if len(places) > 1 else ""
    clickable_map(
        f"output_strip:{letter}:{step}",
        HeatmapSpec(
            vector_D[None],
            [letter],
            [str(d) for d in range(len(vector_D))],
            title=f"{letter}: its vector {where}{pieces}",
            limit=limit,
            opened=(0, cell[1]) if cell and cell[0] == places[0] and len(places) == 1 else None,
        ),
        open_dimension if len(places) == 1 else None,
    )
    st.button(
        f"Read sentence {letter} on all pages",
        key=f"output_read_{letter}",
        on_click=read_on_all_pages,
        disabled=is_shown,
        args=(request.sentence, places[-1]),
        help="A click on a number of the strip does this, too, and opens the number.",
    )
