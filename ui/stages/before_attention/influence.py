"""How far one early word reaches, in the LSTM and with attention: a sentence read twice, one word
replaced, compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from core import influence
from core.errors import GlassError
from core.text import counted, number, percent
from core.vectors import lengths
from ui.kit import plotly_figures
from ui.kit.charts import clickable_map, show
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in, written
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, section
from ui.kit.theme import COLOURS
from ui.session.actions import close_number
from ui.session.memory import memory
from ui.session.navigation import EVERY_NUMBER
from ui.session.navigation import go as go_to
from ui.session.runs import RunRequest, model_of, ready_models, trace_of
from ui.session.selection import depth, select, selection
from ui.session.view import View, is_word
from ui.stages.before_attention import lstm
from ui.text import bold, plain, quoted

MEASURES = {"moved": "How far its vector moved", "guess": "How far its guess moved"}
AXES = {"moved": "‖x′ − x‖ / ‖x‖", "guess": "½ Σ |p′ − p|"}
LOOKS = {"LSTM": ("head", "solid"), "attention": ("weight", "dash")}
TWIN = "study-decoder"  # attention, trained on the sentences that the LSTM learned from
ENOUGH = 12  # sentences that must reach a distance, for a mean to be drawn there


@dataclass(frozen=True)
class ComparedRuns:
    """One model's two runs, and how they differ from the replaced word on."""

    before: View
    after: View
    reach: influence.Influence

    @property
    def step(self) -> str:
        return influence.VECTORS[self.before.side]

    @property
    def words(self) -> list[str]:
        """The words of the first run from the replaced one on."""
        return influence.words(self.before.encoding)[-len(self.reach.moved_N) :]


def influence_section(view: View, section_number: int) -> None:
    """One word replaced, in the reader's sentence; then the same over a fixed list of sentences."""
    place = st.container()
    word, other = swap_controls(view)
    pairs, why = compare_runs(view, word)
    with place:
        this_sentence_section(view, pairs, other, section_number)
    if why:
        st.caption(plain(why))
    if pairs:
        measure = st.segmented_control(
            "What is compared at each word",
            list(MEASURES),
            required=True,
            key="before_measure",
            format_func=MEASURES.get,
        )
        this_sentence_curves(
            {name: getattr(pair.reach, f"{measure}_N") for name, pair in pairs.items()},
            pairs["LSTM"].words,
            measure,
        )
        influence_table(pairs, pairs["LSTM"].words)
    averages(view, measure if pairs else "moved", section_number + 1)


# --- the runs -------------------------------------------------------------------------------------


def swap_controls(view: View) -> tuple[int, str]:
    """Which word is replaced, and what is put there."""
    words = influence.words(lstm.encoding_of(view.sentence))
    left, right = st.columns(2)
    if words:
        left.selectbox(
            "Word to replace",
            range(len(words)),
            key="before_word",
            format_func=lambda i: f"{i + 1} · {words[i]}",
            on_change=another_word,
            persist_state="session",
        )
        right.text_input(
            "By",
            key="before_other",
            max_chars=lstm.LONGEST_OTHER,
            on_change=close_number,
            persist_state="session",
        )
    return selection().before_word or 0, " ".join((selection().before_other or "").split())


def another_word() -> None:
    """For another place another word is proposed."""
    select(before_other=None, before_reads="own")
    memory().compared_word = None
    close_number()


def compare_runs(view: View, word: int) -> tuple[dict[str, ComparedRuns], str]:
    """The LSTM's two runs, and those of the model with attention that is there; and what could not
    be compared.
    """
    other = lstm.other_text(view.sentence)
    if not other:
        return (
            {},
            "Put one word in the place of the other: then both sentences can be laid side by side.",
        )
    try:
        pairs = {"LSTM": paired(*map(lstm.view_of, (view.sentence, other)), word)}
    except GlassError as error:
        return {}, str(error)
    name = decoder_of(view.request.model)
    if name is None:
        return (
            pairs,
            (
                "For attention a decoder is needed, which reads from left to right as the LSTM"
                " does: choose one."
            ),
        )
    try:
        attention = paired(*(with_attention(name, text) for text in (view.sentence, other)), word)
    except GlassError as error:
        return pairs, f"With attention it can’t be compared. {error}"
    if len(attention.reach.moved_N) != len(pairs["LSTM"].reach.moved_N):
        return (
            pairs,
            (
                f"{attention.before.title} cuts this sentence into other words: the two can’t be"
                " laid side by side."
            ),
        )
    return pairs | {"attention": attention}, ""


def decoder_of(loaded: str) -> str | None:
    """The model with attention: the one that learned from the same sentences, else the loaded one,
    if it is a decoder.
    """
    if TWIN in ready_models():
        return TWIN
    return (
        loaded
        if model_of(loaded).config.sides == ("decoder",) and model_of(loaded).tokenizer
        else None
    )


def with_attention(name: str, text: str) -> View:
    """A decoder's view of a text."""
    request = RunRequest(name, text)
    trace_of(request)  # raises where there is no such run
    return View(request, "decoder", 0, 0, 0)


def paired(before: View, after: View, word: int) -> ComparedRuns:
    return ComparedRuns(before, after, influence.influence_of(before.trace, after.trace, word))


# --- this sentence --------------------------------------------------------------------------------


def this_sentence_section(
    view: View, pairs: dict[str, ComparedRuns], other: str, section_number: int
) -> None:
    """What was done, and what came out at the last word."""
    curves_figure, title = "", f"{section_number}. How far one word reaches"
    if pairs:
        by_lstm, n = pairs["LSTM"], last_word(pairs)
        told = "; ".join(
            f"{'in the' if name == 'LSTM' else 'with'} {name} the vector by "
            f"**{percent(pair.reach.moved_N[n])}** of "
            f"its length, and **{percent(pair.reach.guess_N[n])}** of the next "
            "word’s probability went elsewhere"
            for name, pair in pairs.items()
        )
        where = (
            f"At {bold(by_lstm.words[n])}, {counted(n, 'word')} on,"
            if n
            else "No word comes after it that it could reach; at the word itself"
        )
        curves_figure = (
            f"\n\nHere {bold(by_lstm.words[0])} becomes {bold(other)}. {where} this moved {told}. The"
            " vectors of two models are different things; how far the **guess** moved is the same"
            " measure in both. **Click a number in the table** to see the two vectors that it"
            " compares."
        )
    attention = pairs["attention"].before if "attention" in pairs else None
    layers = attention.config.decoder_layers if attention else 0
    steps = (
        f" It is measured here in **{plain(attention.title)}**, which has "
        f"{counted(layers, 'layer')}, so it can look {counted(layers, 'time')}."
        if attention
        else ""
    )
    section(
        lstm.view_of(view.sentence),
        title,
        "The same sentence is read twice, the second time with one early word replaced by another."
        " Whatever differs at a later word has come from there. In the LSTM it had to pass through"
        " the state of every word between, and each of them may overwrite it: as many steps as"
        " there are words. **Attention** looks at the early word directly: one step, however far"
        f" it is.{steps}{curves_figure}",
        *([("lstm.hidden", (int(by_lstm.reach.places_N2[n, 0]), 0))] if pairs else []),
    )


def last_word(pairs: dict[str, ComparedRuns]) -> int:
    """The last of the compared words, a full stop behind it left aside."""
    words = pairs["LSTM"].words
    return max((n for n, each in enumerate(words) if is_word(each)), default=len(words) - 1)


def this_sentence_curves(values: dict[str, np.ndarray], words: list[str], measure: str) -> None:
    """A curve for each model, from the replaced word on."""
    title = f"{MEASURES[measure]}, word by word from the replaced one on"
    axis = plotly_figures.axis(words, "") | {"tickangle": -45 if len(words) > 6 else 0}
    show(
        f"before:curve:{measure}",
        curves_figure(values, [quoted(each) for each in words], title, axis, AXES[measure]),
        alt=title,
    )


def curves_figure(
    values: dict[str, np.ndarray], places: list[str], title: str, axis: dict, measured: str
) -> go.Figure:
    """Curves over places, each named at its end."""
    traces = [
        {
            "type": "scatter",
            "x": list(range(len(ys))),
            "y": ys,
            "mode": "lines+markers",
            "name": name,
            "marker": {"size": 6},
            "hovertemplate": "%{text}<extra></extra>",
            "text": [
                f"{name}, {plotly_figures.safe(place)}<br><b>{number(y)}</b>"
                for place, y in zip(places, ys)
            ],
            "line": {"color": COLOURS[LOOKS[name][0]], "dash": LOOKS[name][1], "width": 2.5},
        }
        for name, ys in values.items()
    ]
    figure = plotly_figures.figure(
        traces,
        title,
        height=230,
        top=26,
        bottom=80 if axis.get("tickangle") else 46,
        left=56,
        xaxis=axis,
        yaxis=plotly_figures.grid(measured) | {"rangemode": "tozero"},
    )
    figure.layout.update(
        showlegend=True,
        legend={
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": 1,
            "yanchor": "bottom",
            "font": {"size": 12, "color": plotly_figures.TEXT},
        },
    )
    return figure


def influence_table(pairs: dict[str, ComparedRuns], words: list[str]) -> None:
    """All measures as a table, the lengths of the paths, and the two vectors of the word that was
    clicked.
    """
    n = len(words)
    columns = {
        f"{name}: {measure}": getattr(pair.reach, f"{leaf}_N")
        for leaf, measure in (("moved", "vector"), ("guess", "guess"))
        for name, pair in pairs.items()
    }
    owners = [name for _ in range(2) for name in pairs]
    columns |= {"LSTM: steps": np.arange(n), "attention: steps": np.minimum(np.arange(n), 1)}
    row, name = memory().compared_word or (n, "LSTM")
    row, name = row if row < n else last_word(pairs), name if name in pairs else "LSTM"

    def clicked(row: int, column: int) -> None:
        memory().compared_word = (
            row,
            (
                owners[column]
                if column < len(owners)
                else ("LSTM", "attention")[column - len(owners)]
            ),
        )

    table(
        columns,
        words,
        key="before:influence",
        on_cell=clicked,
        chosen=row,
        opened=(row, owners.index(name)),
        corner="word",
        title="How far vector and guess moved, and the steps from the replaced word",
    )
    two_vectors(pairs[name], name, row)


def two_vectors(pair: ComparedRuns, name: str, row: int) -> None:
    """The two vectors of a word, whose difference was measured; every number of them opens in its
    run.
    """
    runs, places = (pair.before, pair.after), pair.reach.places_N2[row].tolist()
    x_2D = np.stack([run.trace[pair.step][at] for run, at in zip(runs, places)])
    apart, own = float(lengths(x_2D[1].astype(np.float64) - x_2D[0])), float(lengths(x_2D[0]))
    if depth() == "formula":
        st.latex(
            r"\frac{\lVert x' - x \rVert}{\lVert x \rVert} \qquad \tfrac{1}{2} \sum_v |p'_v - p_v|"
        )
    st.markdown(
        f"{bold(pair.before.labels[places[0]])} ({name}): ‖x′ − x‖ / ‖x‖ = {number(apart)} /"
        f" {number(own)} = **{number(pair.reach.moved_N[row])}**"
    )
    shown = int(selection().before_reads == "other") if name == "LSTM" else 0
    opened = opened_in(pair.step)
    leads = (
        ""
        if name == "LSTM"
        else ". A click leads to the page Every number, where that sentence is read"
    )
    clickable_map(
        "before:pair",
        HeatmapSpec(
            x_2D,
            ["x", "x′"],
            [str(d) for d in range(x_2D.shape[1])],
            colour=COLOURS["residual"],
            columns_title="unit" if name == "LSTM" else "dimension",
            title=f"{name}: the vector in your sentence, x, and with the word replaced, x′{leads}",
            opened=(shown, opened[1])
            if name == "LSTM" and opened and opened[0] == places[shown]
            else None,
        ),
        lambda run, d: open_compared(
            runs[run], "own" if not run else "other", pair.step, (places[run], d)
        ),
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
            cell=written(step, index),
        )


# --- many sentences -------------------------------------------------------------------------------


@st.cache_data(max_entries=4, show_spinner="Reading the sentences of the list …")
def mean_of(name: str) -> dict[str, np.ndarray]:
    """One model's measures at each distance, averaged over the fixed list."""
    model = model_of(name)
    return influence.by_distance(
        [
            influence.influence_of(model.trace(text), model.trace(other), word)
            for text, other, word in influence.sentences()
        ]
    )


def averages(view: View, measure: str, section_number: int) -> None:
    """The same over a list of sentences that stands in the program, so that nothing is picked."""
    ready = TWIN in ready_models()  # others are too large for so many runs
    names = {"LSTM": lstm.NAME} | ({"attention": TWIN} if ready else {})
    try:
        means = {title: mean_of(name) for title, name in names.items()}
    except GlassError:  # files that can’t be read: the LSTM reads the list alone
        means = {"LSTM": mean_of(lstm.NAME)}
    count = min(int((mean["sentences"] >= ENOUGH).sum()) for mean in means.values())
    values = {title: mean[measure][:count] for title, mean in means.items()}
    last = "; ".join(
        f"{'in the' if title == 'LSTM' else 'with'} {title} {number(ys[1], 2)} one "
        f"word on, and **{number(ys[-1], 2)}** "
        f"after {counted(count - 1, 'word')}"
        for title, ys in values.items()
        if count > 1
    )
    section(
        lstm.view_of(view.sentence),
        f"{section_number}. The same over {len(influence.sentences())} sentences",
        f"One sentence proves little. These are the means over {len(influence.sentences())}"
        " sentences that stand in a list (assets/influence.json), each with one of its first words"
        f" replaced, by how many words lie between. {MEASURES[measure]}: {last}. What a number says"
        " depends on what the models have learned: a word that no longer matters for what comes"
        " next may rightly be forgotten.",
    )
    title = f"{MEASURES[measure]}: mean by distance from the replaced word"
    axis = plotly_figures.grid("words after the replaced one")
    figure = curves_figure(
        values, [f"{d} words on" for d in range(count)], title, axis, AXES[measure]
    )
    show(f"before:mean:{measure}", figure, alt=title)
    if detailed():
        table(
            {title: ys for title, ys in values.items()}
            | {"sentences": means["LSTM"]["sentences"][:count]},
            [str(d) for d in range(count)],
            key="before:means",
            corner="words on",
            title=title,
        )
