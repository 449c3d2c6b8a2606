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
from ui.kit.section import detailed
from ui.kit.stage import card, heading
from ui.session.actions import close_number
from ui.session.runs import RunRequest, encoding_of, trace_of
from ui.session.selection import chosen, select
from ui.session.settling import settle
from ui.session.view import View
from ui.stages.output.typed_texts import (
    BANK_SENTENCES,
    LONGEST_LINE,
    draw_typed_box,
    read_on_all_pages,
    text_section,
    trained_request,
    typed,
    written_out,
)
from ui.text import bold, plain, short


def word_figure(view: View) -> None:
    """The figure of the page, where the model guesses no words."""
    word = typed(view, "word", BANK_SENTENCES[2])
    heading(f"Does {bold(short(word, 20))} mean the same in both sentences?")
    if (compared := compared_word(view)) is not None:
        card("Which two vectors are compared?", "output-pair", lambda: two_vectors(view, *compared))


def word_in_two_sentences(view: View) -> None:
    """The same word in two sentences: the figure and both vectors."""
    if (compared := compared_word(view)) is not None:
        two_vectors(view, *compared)


def compared_word(view: View) -> tuple | None:
    """The same word in two sentences: one vector before context, two after. Returns the two runs,
    the comparison of their vectors, and the chosen stage; None where the word is not in both.
    """
    figure = st.container()
    texts, word = sentence_controls(view)
    runs = [run for text in texts if (run := run_with(view, text, word))]
    pairs = compare_word(*runs) if len(runs) == 2 else {}
    with figure:
        chosen = word_stages(runs, pairs, word) if pairs else None
        text_section(view, context_text(pairs), word_vector, alike)
    return None if chosen is None else (runs, pairs, chosen)


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


def context_text(pairs: dict[str, Alike]) -> str:
    """What the cosine of a word's two vectors is, before and after all layers."""
    start = (
        "A word enters every sentence with the same vector. Then the words around it change it,"
        " layer by layer."
    )
    if not pairs:
        return start
    before, *_, after = [number(pair.cosine, 2) for pair in pairs.values()]
    return (
        f"{start} The cosine of its two vectors (1: same direction) is {before} in"
        f" the table and {'still ' * (before == after)}**{after}** after the last layer."
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
            f"The word “{plain(short(word, 40))}” does not occur in “{plain(short(text, 60))}”."
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


def word_stages(runs, pairs: dict[str, Alike], word: str) -> int:
    """The cosine at every stage; a click chooses one. Returns the chosen stage."""
    settle("output_stage", len(pairs) - 1, range(len(pairs)))
    stage: int = chosen("output_stage")
    stages_table(pairs, stage, word)
    return stage


def two_vectors(view: View, runs, pairs: dict[str, Alike], chosen: int) -> None:
    """The two vectors of the word at the chosen stage."""
    name, step = list(pairs)[chosen], list(layer_steps(runs[0][1]).values())[chosen]
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

    fewer = (lambda x: x) if detailed() else (lambda x: round(float(x), 2))
    columns = {"cosine": [fewer(pair.cosine) for pair in pairs.values()]}
    if detailed():
        columns["a · b"] = [pair.dot for pair in pairs.values()]
        columns["‖a‖"] = [pair.length_a for pair in pairs.values()]
        columns["‖b‖"] = [pair.length_b for pair in pairs.values()]
    table(
        columns,
        list(pairs),
        key="output_stages",
        bar="cosine",
        chosen=chosen,
        corner="where",
        on_cell=choose_stage,
        title=(
            f"“{short(word, 20)}” in the first sentence (a) and the second (b): click a row to"
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
        help="A click on a number of the strip does this too, and opens the number.",
    )
