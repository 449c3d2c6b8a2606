"""How far one early word reaches, in the LSTM and with attention: a sentence is read twice, the
second time with one word replaced.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core import influence
from core.early_words import early_words
from core.errors import GlassError
from core.text import counted, number, percent
from core.vectors import lengths
from ui.kit import plotly_figures
from ui.kit.charts import clickable_map, show
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in, spell_cell
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, render_depth
from ui.kit.theme import COLOURS
from ui.session.actions import close_number
from ui.session.navigation import EVERY_NUMBER
from ui.session.navigation import go as go_to
from ui.session.runs import RunRequest, model_of, ready_models, trace_of
from ui.session.selection import chosen, depth, select
from ui.session.view import View, is_word
from ui.stages.before_attention import lstm
from ui.text import bold, labelled, plain, told_apart

MEASURES = {"moved": "How far the vector moves", "guess": "How far the guess moves"}
AXES = {"moved": "‖x′ − x‖ / ‖x‖", "guess": "½ Σ |p′ − p|"}
LOOKS = {"LSTM": ("other", "solid"), "attention": ("weight", "dash")}
TWIN = "study-decoder"  # attention, trained on the sentences that the LSTM learned from
ENOUGH = 12  # sentences that must reach a distance, for a mean to be drawn there


@dataclass(frozen=True)
class ComparedRuns:
    """One model's two runs, and how they differ from the replaced word on."""

    before: View
    after: View
    shift: influence.Influence

    @property
    def step(self) -> str:
        return influence.VECTORS[self.before.side]

    @property
    def words(self) -> list[str]:
        """The words of the first run from the replaced one on."""
        return influence.words(self.before.encoding)[-len(self.shift.moved_N) :]

    @property
    def names(self) -> list[str]:
        """The same as labels of a figure: equal ones are told apart by their positions."""
        return told_apart(self.words, self.shift.places_N2[:, 0].tolist())


def influence_section(view: View, compared: dict[str, ComparedRuns]) -> None:
    """How far the replaced word reaches in this sentence: curves, a table, and two vectors."""
    this_sentence_section(view, compared)
    if compared:
        this_sentence(compared)


def this_sentence(compared: dict[str, ComparedRuns]) -> None:
    """Curves and a table of how far the word reaches in this sentence."""
    words = compared["LSTM"].names
    measure = measure_control()
    values = {name: getattr(runs.shift, f"{measure}_N") for name, runs in compared.items()}
    this_sentence_curves(values, words, measure)
    if not detailed():  # there the page itself has the table
        influence_table(compared, words)


def measure_control() -> str:
    """What is measured at each word."""
    return st.segmented_control(
        "What is compared at each word",
        list(MEASURES),
        required=True,
        key="before_measure",
        format_func=MEASURES.get,
    )


# --- the runs -------------------------------------------------------------------------------------


def chosen_swap(view: View) -> tuple[int, str]:
    """Which word is replaced, and what is put there."""
    return chosen("before_word") or 0, " ".join((chosen("before_other") or "").split())


def swap_controls(view: View) -> None:
    """The boxes for the word that is replaced, and for what is put there."""
    words = influence.words(lstm.lstm_encoding(view.sentence))
    left, right = st.columns(2)
    if words:
        left.selectbox(
            "Replace",
            range(len(words)),
            key="before_word",
            format_func=lambda i: f"{i + 1} · {words[i]}",
            on_change=another_word,
            persist_state="session",
        )
        right.text_input(
            "With",
            key="before_other",
            max_chars=lstm.LONGEST_OTHER,
            on_change=close_number,
            persist_state="session",
        )


def said_why(why: str) -> None:
    """Says what could not be compared."""
    if why:
        st.caption(plain(why))


def another_word() -> None:
    """For another place another word is proposed."""
    select(before_other=None, before_reads="own", before_place=None, before_network=None)
    close_number()


def compare_runs(view: View, word: int) -> tuple[dict[str, ComparedRuns], str]:
    """The LSTM's two runs, and those of the model with attention that is there; and what could not
    be compared.
    """
    other = lstm.other_text(view.sentence)
    if not other:
        return (
            {},
            "Type one whole word to put in place of the other, so that both can be compared.",
        )
    texts = (view.sentence, other)
    try:
        by_lstm = paired(*map(lstm.lstm_view, texts), word)
    except GlassError as error:
        return {}, str(error)
    by_attention, why = attention_runs(view.request.model, texts, word, by_lstm)
    return {"LSTM": by_lstm} | ({"attention": by_attention} if by_attention else {}), why


def attention_runs(
    loaded: str, texts: tuple[str, str], word: int, by_lstm: ComparedRuns
) -> tuple[ComparedRuns | None, str]:
    """The two runs of a model with attention; or none, and why they can't be compared with the
    LSTM's.
    """
    name = decoder_of(loaded)
    if name is None:
        return None, (
            "To compare the LSTM with attention, choose a decoder as the model: it reads from"
            " left to right as well."
        )
    try:
        found = paired(*(with_attention(name, text) for text in texts), word)
    except GlassError as error:
        return None, f"The LSTM cannot be compared with attention here. {error}"
    if len(found.shift.moved_N) != len(by_lstm.shift.moved_N):
        return None, (
            f"{found.before.title} splits this sentence into other words, so the two cannot be"
            " compared."
        )
    return found, ""


def decoder_of(loaded: str) -> str | None:
    """The model with attention: the one that learned from the same sentences, else the loaded one,
    if it is a decoder.
    """
    if TWIN in ready_models():
        return TWIN
    model = model_of(loaded)
    return loaded if model.config.sides == ("decoder",) and model.tokenizer else None


def with_attention(name: str, text: str) -> View:
    """A decoder's view of a text."""
    request = RunRequest(name, text)
    trace_of(request)  # raises where there is no such run
    return View(request, "decoder", 0, 0, 0)


def paired(before: View, after: View, word: int) -> ComparedRuns:
    return ComparedRuns(before, after, influence.influence_of(before.trace, after.trace, word))


# --- this sentence --------------------------------------------------------------------------------


def this_sentence_section(view: View, compared: dict[str, ComparedRuns]) -> None:
    """What was done, and what came out at the last word."""
    cells = []
    if compared:
        position = int(compared["LSTM"].shift.places_N2[last_word(compared), 0])
        cells = [("lstm.hidden", (position, 0))]
    render_depth(
        lstm.lstm_view(view.sentence),
        "The same sentence is read twice, the second time with one early word replaced. Whatever"
        " differs at a later word came from there. In the LSTM it had to pass through the state of"
        " every word between, and each may overwrite it. **Attention** looks at the early word"
        " directly: one step, however far away it is."
        f"{attention_model_text(compared)}{shift_text(compared) if compared else ''}",
        *cells,
    )


def attention_model_text(compared: dict[str, ComparedRuns]) -> str:
    """In which model attention is measured, and how often it can look."""
    if "attention" not in compared:
        return ""
    attention = compared["attention"].before
    layers = attention.config.decoder_layers
    return (
        f" The attention here is that of **{plain(attention.title)}**, which looks once in each"
        f" of its {counted(layers, 'layer')}."
    )


def shift_text(compared: dict[str, ComparedRuns]) -> str:
    """How far the replaced word moved vector and guess at the last word."""
    by_lstm, n = compared["LSTM"], last_word(compared)
    moved = "; ".join(
        f"{'the LSTM' if name == 'LSTM' else 'attention'} moves the vector by"
        f" **{percent(runs.shift.moved_N[n])}** of its length and the guess by"
        f" **{percent(runs.shift.guess_N[n])}**"
        for name, runs in compared.items()
    )
    where = (
        f"At {bold(by_lstm.words[n])}, {counted(n, 'word')} after {bold(by_lstm.words[0])}:"
        if n
        else "No word follows that it could reach. At the word itself:"
    )
    return (
        f"\n\n{where} {moved}. Vectors of two models can’t be compared with each other; the share"
        " of the **guess** that moved can. **Click a number in the table** to see the two vectors"
        " that it compares."
    )


def last_word(compared: dict[str, ComparedRuns]) -> int:
    """The last of the compared words, without a full stop after it."""
    words = compared["LSTM"].names
    return max((n for n, each in enumerate(words) if is_word(each)), default=len(words) - 1)


def most_moved(compared: dict[str, ComparedRuns]) -> int:
    """The word after the replaced one where the guesses moved most, as all models have it; the
    replaced one where none follows.
    """
    shifts_GN = np.stack([runs.shift.guess_N for runs in compared.values()])
    return int(shifts_GN.mean(axis=0)[1:].argmax()) + 1 if shifts_GN.shape[1] > 1 else 0


def compared_place(compared: dict[str, ComparedRuns]) -> int:
    """The word whose guesses and vectors are compared, counted from the replaced one: in an example
    first the one after which the network decides.
    """
    runs = compared["LSTM"]
    place = chosen("before_place")
    if place is not None and place < len(runs.words):
        return place
    example = early_words().example(runs.before.sentence)
    if example and example.noun == chosen("before_word"):
        return example.decided - 1 - example.noun
    return most_moved(compared)


def this_sentence_curves(values: dict[str, np.ndarray], words: list[str], measure: str) -> None:
    """A curve for each model, from the replaced word on."""
    title = f"{MEASURES[measure]}, word by word from the replaced one on"
    axis = plotly_figures.axis(words, "") | {"tickangle": -45 if len(words) > 6 else 0}
    show(
        f"before:curve:{measure}",
        curves_figure(values, [labelled(each) for each in words], title, axis, AXES[measure]),
        alt=title,
    )


def curves_figure(
    values: dict[str, np.ndarray], places: list[str], title: str, axis: dict, measured: str
) -> go.Figure:
    """Curves over places, each named at its end."""
    figure = plotly_figures.figure(
        [model_curve(name, values_N, places) for name, values_N in values.items()],
        title,
        height=230,
        top=26,
        bottom=80 if axis.get("tickangle") else 46,
        left=56,
        xaxis=axis,
        yaxis=plotly_figures.value_axis(measured) | {"rangemode": "tozero"},
    )
    font = {"size": 12, "color": plotly_figures.TEXT}
    legend = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"}
    figure.layout.update(showlegend=True, legend=legend | {"font": font})
    return figure


def model_curve(name: str, values_N, places: list[str]) -> dict:
    """The curve of one model."""
    colour, dash = LOOKS[name]
    return {
        "type": "scatter",
        "x": list(range(len(values_N))),
        "y": values_N,
        "mode": "lines+markers",
        "name": name,
        "marker": {"size": 6},
        "hovertemplate": "%{text}<extra></extra>",
        "text": [
            f"{name}, {plotly_figures.safe(place)}<br><b>{number(value)}</b>"
            for place, value in zip(places, values_N, strict=True)
        ],
        "line": {"color": COLOURS[colour], "dash": dash, "width": 2.5},
    }


def influence_table(compared: dict[str, ComparedRuns], words: list[str]) -> None:
    """All measures as a table, the lengths of the paths, and the two vectors of the word that was
    clicked.
    """
    columns, names = table_columns(compared, len(words))
    row, name = compared_place(compared), chosen("before_network")
    name = name if name in compared else "LSTM"

    def compare_word(row: int, column: int) -> None:
        select(before_place=row, before_network=names[column])

    table(
        columns,
        words,
        key="before:influence",
        on_cell=compare_word,
        chosen=row,
        opened=(row, names.index(name)),
        corner="word",
        title="How far vector and guess move, and the steps from the replaced word",
    )
    two_vectors(compared[name], name, row)


def table_columns(compared: dict[str, ComparedRuns], n: int) -> tuple[dict, list[str]]:
    """Both measures of each model, and the steps from the replaced word to the n words; and the
    model of each column.
    """
    columns = {
        f"{name}: {measure}": getattr(runs.shift, f"{leaf}_N")
        for leaf, measure in (("moved", "vector"), ("guess", "guess"))
        for name, runs in compared.items()
    }
    columns |= {"LSTM: steps": np.arange(n), "attention: steps": np.minimum(np.arange(n), 1)}
    return columns, [*compared, *compared, "LSTM", "attention"]


def two_vectors(compared: ComparedRuns, name: str, row: int) -> None:
    """The two vectors of a word, whose difference was measured; every number of them opens in its
    run.
    """
    runs, places = (compared.before, compared.after), compared.shift.places_N2[row].tolist()
    x_2D = np.stack([run.trace[compared.step][p] for run, p in zip(runs, places, strict=True)])
    apart, own = float(lengths(x_2D[1].astype(np.float64) - x_2D[0])), float(lengths(x_2D[0]))
    if depth() == "formula":
        st.latex(
            r"\frac{\lVert x' - x \rVert}{\lVert x \rVert} \qquad \tfrac{1}{2} \sum_v |p'_v - p_v|"
        )
    st.markdown(
        f"{bold(compared.before.labels[places[0]])} ({name}): ‖x′ − x‖ / ‖x‖ = {number(apart)} /"
        f" {number(own)} = **{number(compared.shift.moved_N[row])}**"
    )
    vectors_map(
        x_2D,
        name,
        opened_vector(compared.step, places) if name == "LSTM" else None,
        lambda run, d: open_compared(
            runs[run], "own" if not run else "other", compared.step, (places[run], d)
        ),
    )


def opened_vector(step: str, places: list[int]) -> tuple[int, int] | None:
    """Which of the LSTM's two vectors holds the opened number, and where."""
    shown, opened = int(chosen("before_reads") == "other"), opened_in(step)
    return (shown, opened[1]) if opened and opened[0] == places[shown] else None


def vectors_map(x_2D, name: str, opened: tuple[int, int] | None, on_cell) -> None:
    """Both vectors, one above the other."""
    way = "" if name == "LSTM" else ". A click opens the page Every number with that sentence"
    clickable_map(
        "before:pair",
        HeatmapSpec(
            x_2D,
            ["x", "x′"],
            [str(d) for d in range(x_2D.shape[1])],
            colour=COLOURS["residual"],
            columns_title="unit" if name == "LSTM" else "dimension",
            title=f"{name}: the vector in your sentence, x, and with the word replaced, x′{way}",
            opened=opened,
        ),
        on_cell,
    )


def open_compared(run: View, reads: str, step: str, index: tuple[int, int]) -> None:
    """Opens a number of a run: the LSTM's here, that of the model with attention on the page of all
    its numbers.
    """
    if run.side == "lstm":
        select(before_reads=reads, before_at=index[0])
        open_number(step, index)
    else:
        go_to(
            EVERY_NUMBER,
            model=run.request.model,
            sentence=run.sentence,
            mask="trained",
            change="",
            token=index[0],
            step=step,
            cell=spell_cell(step, index),
        )


# --- many sentences -------------------------------------------------------------------------------


@st.cache_data(max_entries=4, show_spinner="Reading the sentences of the list …")
def mean_of(name: str) -> dict[str, np.ndarray]:
    """One model's measures at each distance, averaged over the fixed list."""
    model = model_of(name)
    return influence.mean_by_distance(
        [
            influence.influence_of(model.trace(text), model.trace(other), word)
            for text, other, word in influence.sentences()
        ]
    )


def averages(view: View) -> None:
    """The same over a list of sentences that is part of the program, so that nothing is picked."""
    measure, means = chosen("before_measure"), means_of_models()
    count = min(int((mean["sentences"] >= ENOUGH).sum()) for mean in means.values())
    values = {name: mean[measure][:count] for name, mean in means.items()}
    sentences = len(influence.sentences())
    render_depth(
        lstm.lstm_view(view.sentence),
        f"One sentence proves little. These are means over {sentences} fixed sentences"
        " (assets/influence.json), each with one of its first words replaced."
        f" {MEASURES[measure]}: {means_text(values)}. What counts depends on what the models have"
        " learned: a word that no longer matters for what comes next may rightly be forgotten.",
    )
    title = f"{MEASURES[measure]}: mean by distance from the replaced word"
    axis = plotly_figures.value_axis("words after the replaced one")
    places = [f"{d} words on" for d in range(count)]
    figure = curves_figure(values, places, title, axis, AXES[measure])
    show(f"before:mean:{measure}", figure, alt=title)
    if detailed():
        means_table(values | {"sentences": means["LSTM"]["sentences"][:count]}, title)


def means_table(columns: dict, title: str) -> None:
    """The means as numbers."""
    count = len(columns["sentences"])
    table(
        columns, [str(d) for d in range(count)], key="before:means", corner="words on", title=title
    )


def means_of_models() -> dict[str, dict[str, np.ndarray]]:
    """The measures of the LSTM and, where its twin with attention is here and can be read, of that
    one. Other models are too large for so many runs.
    """
    names = {"LSTM": lstm.NAME} | ({"attention": TWIN} if TWIN in ready_models() else {})
    try:
        return {name: mean_of(model) for name, model in names.items()}
    except GlassError:
        return {"LSTM": mean_of(lstm.NAME)}


def means_text(values: dict[str, np.ndarray]) -> str:
    """Each model's mean one word on, and at the greatest distance."""
    return "; ".join(
        f"{'in the' if name == 'LSTM' else 'with'} {name} {number(means[1], 2)} one word on, and"
        f" **{number(means[-1], 2)}** after {counted(len(means) - 1, 'word')}"
        for name, means in values.items()
        if len(means) > 1
    )
