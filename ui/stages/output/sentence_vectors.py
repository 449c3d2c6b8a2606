"""What an encoder's last vectors are good for: a word in two sentences, one vector for a text,
likeness, and search.

    two_meanings(view)      the same word in two sentences, before and after context, layer by layer
    sentence_vector(view)   the mean of all tokens' last vectors
    similar(view)           sentences that the reader types, each compared with each
    find(view)              lines that the reader pastes, the most alike first

The runs compared here are of the model as it was trained. Numbers of two runs have no place in one
trace: what they are made of, two vectors, their product and their lengths, stands beside them.
"""

from __future__ import annotations

import time
from inspect import getsource

import numpy as np
import streamlit as st

from core.errors import GlassError
from core.models.catalogue import entry_of
from core.source import source_path
from core.text import each_of, number
from core.vectors import all_cosines, lengths
from core.word_vectors import Alike, alike, layer_steps, pieces_of, word_vector
from ui.kit.charts import clickable_map
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, cell_map, largest
from ui.session.actions import close_number, start_new_text
from ui.session.runs import RunRequest, encoding_of, ids_of, model_of, trace_of
from ui.session.selection import depth, select, selection
from ui.session.settling import settle
from ui.session.view import View
from ui.text import plain, short

LONGEST_LINE, LINES, POOL = 300, 12, 40
PATIENCE = 0.3  # seconds before the progress is shown
COSINE = (
    r"\cos(a, b) = \frac{a \cdot b}{\|a\| \, \|b\|} = \frac{\sum_d a_d\, b_d}{\sqrt{\sum_d a_d^2}\,"
    r" \sqrt{\sum_d b_d^2}}"
)
BANKS = (
    "They fished from the grassy bank of the river.",
    "He opened an account at the bank in town.",
    "bank",
)
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
STUDY = {  # for the study models, which know no other words than these and their like
    "a": "The student read the book in the library.",
    "b": "The dog ate the book.",
    "word": "book",
    "lines": (
        """The teacher wrote a long letter.
The writer wrote a short poem.
The black cat sleeps in the garden.
A small dog slept in the kitchen.
Where did the boy find the keys?
The old car was repaired by the mechanic."""
    ),
    "pool": (
        """The king loves the queen.
The woman cooked the soup.
The children ate the cake.
The train arrived at the station.
The old bus is near the hotel.
The cat chased the mouse.
The dog sleeps on the sofa.
The student read a book.
Anna wrote a poem.
The musician plays the guitar."""
    ),
    "query": "The girl reads the letter.",
}


# --- what the reader types ------------------------------------------------------------------------


def draw_text_box(view: View, key: str, words: str, box, label: str, **options) -> str:
    """What stands in a text box; at first a default, in words, or in ids where the model has no
    tokenizer.
    """
    ids = [str(int(i)) for i in view.trace[f"{view.config.sides[0]}.embed.ids"]]
    kind = (
        "study"
        if entry_of(view.model.name).embedded
        else "words"
        if view.model.tokenizer
        else "ids"
    )
    words = STUDY[key] if kind == "study" else words
    key = f"output_{key}_{kind}"
    settle(key, words if view.model.tokenizer else ids_like(ids, words))
    return box(label, key=key, persist_state="session", **options)


def ids_like(ids: list[str], words: str) -> str:
    """As many lines as the words have, of the sentence's own ids, each turned a little further; of
    a word, the first id.
    """
    if words == BANKS[2]:
        return ids[0]
    turns = (
        [n % len(ids) for n in range(len(words.splitlines()))]
        if words != BANKS[1]
        else [1 % len(ids)]
    )
    return "\n".join(" ".join(ids[n:] + ids[:n]) for n in turns)


def lines_of(text: str, most: int) -> list[str]:
    """The lines that are read; says so where some are left out or cut."""
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if len(found) > most:
        st.warning(f"There are {len(found):,} lines; the first {most} are read.")
    if long := sum(len(line) > LONGEST_LINE for line in found[:most]):
        st.warning(
            f"{long} {'line is' if long == 1 else 'lines are'} longer than {LONGEST_LINE}"
            " characters; only the beginning is read. What you typed stays in the box."
        )
    return [line[:LONGEST_LINE] for line in found[:most]]


def as_trained(view: View, text: str) -> RunRequest:
    """A run of the model as it was trained."""
    return RunRequest(view.model.name, text)


def read_on_all_pages(text: str, token: int | None = None) -> None:
    """Makes a text the sentence of the app, read by the model as it was trained."""
    select(sentence=text)
    start_new_text()
    select(token=token, mask="trained")


@st.cache_resource(max_entries=500, show_spinner=False)
def vector_of(model: str, line: str):
    """The mean of a line's last vectors, and an empty text; or nothing, and why there is none."""
    loaded = model_of(model)
    try:
        ids_L = ids_of(loaded, line)
        mean_D = loaded.trace(ids_L=ids_L, keep="layers", rows=-1)["encoder.out.pooled"]
        return mean_D, ""
    except GlassError as error:
        return None, str(error)


def vectors_of(view: View, lines: list[str]) -> tuple[list[str], np.ndarray]:
    """The lines that can be read, and their vectors, (N, D). A line is read once; many new ones
    show their progress.
    """
    began, bar, found = time.monotonic(), None, []
    for n, line in enumerate(lines):
        if time.monotonic() - began > PATIENCE:
            bar = bar or st.empty()
            bar.progress(n / len(lines), text=f"Reading line {n + 1} of {len(lines)} …")
        vector_D, wrong = vector_of(view.model.name, line)
        if vector_D is None:
            st.warning(f"“{plain(short(line, 40))}” can’t be read: {plain(wrong)}")
        else:
            found.append((line, vector_D))
    if bar:
        bar.empty()
    return [line for line, _ in found], np.array([vector_D for _, vector_D in found])


def written_out(pair: Alike) -> str:
    """A cosine with what it is made of."""
    return (
        f"a · b / (‖a‖ · ‖b‖) = {number(pair.dot)} / ({number(pair.length_a)} ·"
        f" {number(pair.length_b)}) = **{number(pair.cosine)}**"
    )


def text_section(view: View, title: str, story: str, *functions) -> None:
    """A heading and what the chosen depth says: of two runs, so that no step of one trace can stand
    for it.
    """
    st.subheader(title)
    if view.mask != "trained" or view.request.change:
        st.caption("As trained: neither a what-if nor a mask changes the numbers of this part.")
    if depth() == "story":
        st.markdown(story)
    elif depth() == "formula":
        st.latex(COSINE)
    elif depth() == "code":
        for function in functions:
            st.caption(plain(source_path(function.__code__.co_filename)))
            st.code(getsource(function), language="python")


# --- one word, two sentences ----------------------------------------------------------------------


def told_apart(before: str, after: str) -> str:
    """The cosine of a word's two vectors, before and after all layers."""
    return (
        f" Here the cosine of the two vectors is {before} before the model has read anything, "
        "and "
        f"{'still ' * (before == after)}{after} after the last layer."
    )


def two_meanings(view: View) -> None:
    """The same word in two sentences: one vector before context, two after."""
    heading, (left, right, third) = st.container(), st.columns((5, 5, 2), gap="medium")
    options = {"max_chars": LONGEST_LINE, "on_change": close_number}
    texts = [
        draw_text_box(view, key, words, box.text_input, label, **options)
        for key, words, box, label in (
            ("a", BANKS[0], left, "First sentence"),
            ("b", BANKS[1], right, "Second sentence"),
        )
    ]
    word = draw_text_box(
        view,
        "word",
        BANKS[2],
        third.text_input,
        "Word in both",
        max_chars=40,
        on_change=close_number,
    )
    runs = [run for text in texts if (run := run_with(view, text, word))]
    pairs = compare_word(*runs) if len(runs) == 2 else {}
    cosines = [number(pair.cosine) for pair in pairs.values()]
    found = told_apart(cosines[0], cosines[-1]) if pairs else ""
    with heading:
        text_section(
            view,
            "1. One word, two sentences",
            f"A word brings the same row of the table into every sentence. **{plain(word)}** can"
            " mean different things: what it means here, it has to take from the words around it."
            f" So its vector changes, layer by layer.{found} (1: the same direction, 0: nothing in"
            " common.)",
            word_vector,
            alike,
        )
    if pairs:
        word_stages(view, runs, pairs, word)


def run_with(view: View, text: str, word: str) -> tuple[RunRequest, object, list[int]] | None:
    """A sentence's run and where the word stands in it; says so where there is none."""
    try:
        request = as_trained(view, text)
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
    all_pairs = list(pairs.values())

    def choose(row: int, column: int) -> None:
        select(output_stage=min(row, len(names) - 1))
        close_number()

    table(
        {
            "cosine": [pair.cosine for pair in all_pairs],
            "a · b": [pair.dot for pair in all_pairs],
            "‖a‖": [pair.length_a for pair in all_pairs],
            "‖b‖": [pair.length_b for pair in all_pairs],
        },
        names,
        key="output_stages",
        bar="cosine",
        chosen=chosen,
        corner="where",
        on_cell=choose,
        title=(
            f"“{short(word, 20)}” in the first sentence (a) and in the second (b): choose a row to"
            " see both vectors"
        ),
    )
    step = list(layer_steps(runs[0][1]).values())[chosen]
    st.markdown(f"{names[chosen].capitalize()}: {written_out(all_pairs[chosen])}")
    vectors = [word_vector(trace, step, places) for _, trace, places in runs]
    limit = float(max(np.abs(vector_D).max() for vector_D in vectors))
    for column, letter, run, vector_D in zip(st.columns(2, gap="large"), "ab", runs, vectors):
        with column:
            word_strip(view, letter, run, vector_D, step, names[chosen], limit)


def word_strip(view: View, letter: str, run, vector_D, step: str, where: str, limit: float) -> None:
    """One vector of the word. A click takes the whole app to that sentence and opens the number
    there.
    """
    request, trace, places = run
    here = view.request == request

    def opened(row: int, d: int) -> None:
        read_on_all_pages(request.sentence, places[0])
        open_number(step, (places[0], d))

    at = opened_in(step) if here else None
    pieces = f" (mean of {len(places)} pieces)" if len(places) > 1 else ""
    clickable_map(
        f"output_strip:{letter}:{step}",
        HeatmapSpec(
            vector_D[None],
            [letter],
            [str(d) for d in range(len(vector_D))],
            title=f"{letter}: its vector {where}{pieces}",
            limit=limit,
            opened=(0, at[1]) if at and at[0] == places[0] and len(places) == 1 else None,
        ),
        opened if len(places) == 1 else None,
    )
    st.button(
        f"Read sentence {letter} on all pages",
        key=f"output_read_{letter}",
        on_click=read_on_all_pages,
        disabled=here,
        args=(request.sentence, places[-1]),
        help="A click on a number of the strip does this, too, and opens the number.",
    )


# --- one vector for a text ------------------------------------------------------------------------


def sentence_vector(view: View) -> None:
    """The mean of the last vectors; and what a pooler makes of the first one."""
    side, L = view.config.sides[0], len(view.tokens(view.config.sides[0]))
    pooled = f"{side}.out.pooled"
    first = largest(view, pooled, ALL)
    extra = [largest(view, "pooler.out", ALL)] if view.config.pooler else []
    section(
        view,
        "2. One vector for the whole text",
        (
            f"{each_of(L, 'token')} ends as a vector of {view.config.d_model} numbers. Their"
            " **mean** is one vector for the whole text: all-MiniLM was trained so that texts"
            " which mean the same have means in nearly the same direction."
            if view.model.name == "minilm"
            else (
                f"{each_of(L, 'token')} ends as a vector of {view.config.d_model} numbers. Their"
                " **mean** is the simplest vector for the whole text. How well it serves depends"
                " on the training: this model may never have been asked for it."
            )
        ),
        first,
        *extra,
    )
    vector_strip(view, pooled, f"The mean of the {L} last vectors")
    if detailed():
        cell_map(
            view,
            f"{side}.out",
            ALL,
            ALL,
            title="What it is the mean of: the last vectors of all tokens",
            chosen=view.token,
        )
        if extra:
            vector_strip(
                view,
                "pooler.out",
                "The pooler’s sentence vector: tanh of one more layer on the first token",
            )
            if view.model.name == "minilm":
                st.caption(
                    "This layer is left over from BERT: all-MiniLM compares the means, not these."
                )


def vector_strip(view: View, name: str, title: str) -> None:
    """A single vector of the trace as a strip; its numbers open."""
    at = opened_in(name)
    clickable_map(
        f"output_vector:{name}",
        HeatmapSpec(
            view.trace[name][None],
            [""],
            [str(d) for d in range(view.trace.shape(name)[0])],
            title=title,
            opened=(0, at[0]) if at else None,
        ),
        lambda row, d: open_number(name, (d,)),
    )


# --- likeness and search --------------------------------------------------------------------------


def similarity(view: View) -> None:
    """Every typed sentence with every other."""
    text_section(
        view,
        "3. How alike are these sentences?",
        "The cosine of two mean vectors says how alike the model takes two texts to be. Type your"
        " own, one a line: same subject in other words, same words in another sense.",
        all_cosines,
    )
    another_trade(view)
    text = draw_text_box(
        view,
        "lines",
        TYPED,
        st.text_area,
        f"Sentences, one a line, up to {LINES}",
        height=170,
        max_chars=20_000,
    )
    lines, vectors_ND = vectors_of(view, lines_of(text, LINES))
    if len(lines) < 2:
        st.info("Type at least two sentences.")
        return
    names = [f"{n + 1} · {short(line, 24)}" for n, line in enumerate(lines)]
    a, b = (min(int(at), len(lines) - 1) for at in selection().output_pair.split("-"))

    def choose(row: int, column: int) -> None:
        select(output_pair=f"{row}-{column}")

    clickable_map(
        "output_similar",
        HeatmapSpec(
            all_cosines(vectors_ND),
            names,
            [str(n + 1) for n in range(len(names))],
            kind="signed",
            limit=1.0,
            title="Cosine of the mean vectors: choose a cell to see how it is made",
            chosen=(a, b),
        ),
        choose,
    )
    st.markdown(
        f"**a** “{plain(lines[a])}” and **b** “{plain(lines[b])}”:"
        f" {written_out(alike(vectors_ND[a], vectors_ND[b]))}"
    )
    if detailed():
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
            on_cell=lambda row, column: choose(a, min(row, len(lines) - 1)),
            title=f"a = sentence {a + 1}, whose length ‖a‖ is {number(lengths(vectors_ND)[a])}",
        )
    st.button(
        f"Read sentence {a + 1} on all pages",
        key="output_read_line",
        on_click=read_on_all_pages,
        args=(lines[a],),
    )


def another_trade(view: View) -> None:
    """Of a model that was never taught to compare texts, this is said where it is asked to."""
    if entry_of(view.model.name).embedded:
        st.caption(
            f":orange[●] {plain(view.title)} learned to guess hidden words, never to bring texts of"
            " like meaning together: what comes out alike may be built alike rather than mean the"
            " same. For this, choose all-MiniLM-L6-v2 under Model; it was trained for just that."
        )


def search(view: View) -> None:
    """The pasted lines, those most like the question first."""
    text_section(
        view,
        "4. Search by meaning",
        "Search needs no common words. Every line is read once and becomes a vector; so does the"
        " question; the lines whose vectors point most nearly the same way come first.",
        alike,
    )
    another_trade(view)
    text = draw_text_box(
        view,
        "pool",
        PASTED,
        st.text_area,
        f"Lines to search in, up to {POOL}",
        height=170,
        max_chars=20_000,
    )
    asked = draw_text_box(view, "query", QUERY, st.text_input, "Search for", max_chars=LONGEST_LINE)
    lines, vectors_ND = vectors_of(view, lines_of(text, POOL))
    _, query_1D = vectors_of(view, [asked]) if asked.strip() else ([], np.zeros((0, 0)))
    if not lines or not len(query_1D):
        st.info("Paste some lines and type what you look for.")
        return
    pairs = [alike(query_1D[0], vector_D) for vector_D in vectors_ND]
    order = sorted(range(len(lines)), key=lambda n: -pairs[n].cosine)
    chosen = min(selection().output_hit, len(order) - 1)

    def choose(row: int, column: int) -> None:
        select(output_hit=min(row, len(order) - 1))

    columns = {"cosine": [pairs[n].cosine for n in order]}
    if detailed():
        columns |= {
            "a · b": [pairs[n].dot for n in order],
            "‖b‖": [pairs[n].length_b for n in order],
        }
    table(
        columns,
        [lines[n] for n in order],
        key="output_found",
        bar="cosine",
        corner="line",
        chosen=chosen,
        on_cell=choose,
        title=f"{len(lines)} lines, the most alike first: choose one to see how its number is made",
    )
    hit = order[chosen]
    st.markdown(f"“{plain(lines[hit])}”: {written_out(pairs[hit])}")
    st.button(
        "Read this line on all pages",
        key="output_read_hit",
        on_click=read_on_all_pages,
        args=(lines[hit],),
    )
