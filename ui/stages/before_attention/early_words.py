"""Does an early word get lost? How often the LSTM and attention choose the form that an early word
decides, as measured on many sentences; and some in which the LSTM errs, read live.
"""

from __future__ import annotations

import re

import numpy as np
import streamlit as st

from core import influence
from core.early_words import ATTENTION, KINDS, LSTM, Example, early_words
from core.text import percent
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.components import table
from ui.kit.terms import with_terms
from ui.kit.token_words import id_of_word
from ui.session.actions import start_new_text
from ui.session.selection import select
from ui.session.view import View
from ui.stages.before_attention.influence import ComparedRuns, curves_figure
from ui.text import bold, plain

ENOUGH = 20  # words that were decided at a distance, for a rate to be drawn there
MODELS = {"LSTM": LSTM, "attention": ATTENTION}
SAID = {
    "pronoun": "the right pronoun",
    "verb": "the right form of a verb, past a noun of the other number,",
}


def examples(view: View, compared: dict[str, ComparedRuns]) -> None:
    """What was measured, and sentences to read in which only the LSTM errs."""
    found = early_words()
    st.markdown(with_terms(measured_text()))
    read = found.example(view.sentence)
    with st.container(key="before-examples", gap="small"):
        for n, each in enumerate(found.examples):
            example_row(n, each, each is read)
    if read and compared:
        st.markdown(live_text(read, compared))


def measured_text() -> str:
    """How often each network was right."""
    found = early_words()
    rates = []
    for kind in KINDS:
        tried = found.together(kind)
        by_lstm, by_attention = (percent(tried.rate(model), 1) for model in MODELS.values())
        rates.append(
            f"{SAID[kind]} in **{plain(by_lstm)}** of {tried.count:,}, attention in"
            f" **{plain(by_attention)}**"
        )
    return (
        f"**Does the early word get lost?** In {found.sentences:,} sentences that neither network"
        f" was trained on, the LSTM chose {'; '.join(rates)}."
        f"{' The LSTM alone erred in these:' if found.examples else ''}"
    )


def example_row(n: int, example: Example, is_read: bool) -> None:
    """A button with the sentence, and what was measured at such a distance."""
    sentence, rates = st.columns((3, 2), vertical_alignment="center", gap="small")
    sentence.button(
        marked(example),
        key=f"before_example_{n}",
        on_click=read_example,
        args=(example.text,),
        type="primary" if is_read else "secondary",
        width="stretch",
    )
    tried = early_words().together(example.kind, example.between)
    rates.caption(
        f"{example.kind.capitalize()}, {example.between} or more words between: right in"
        f" {plain(percent(tried.rate(LSTM), 0))} (LSTM) and"
        f" {plain(percent(tried.rate(ATTENTION), 0))} (attention) of {tried.count:,}"
    )


def read_example(text: str) -> None:
    """Both networks read another sentence."""
    select(sentence=text, second="")
    start_new_text()


def marked(example: Example) -> str:
    """The sentence in Markdown, with the noun and the word that it decides in bold letters."""
    written = plain_words(example.text)
    for place in (example.noun, example.decided):
        written[place] = f"**{written[place]}**"
    return re.sub(r" (?=\\?[.,?!])", "", " ".join(written))


def plain_words(text: str) -> list[str]:
    """The words of a sentence, marks among them, in Markdown."""
    return [plain(word) for word in re.findall(r"[\w']+|[^\w\s]", text)]


# --- the sentence that is read --------------------------------------------------------------------


def live_text(example: Example, compared: dict[str, ComparedRuns]) -> str:
    """What both networks give to the right and the wrong form in this run."""
    words = influence.words(compared["LSTM"].before.encoding)
    noun, before = bold(words[example.noun]), bold(words[example.decided - 1])
    right, wrong = bold(example.right), bold(example.wrong)
    shares = {name: shares_of(runs.before, example) for name, runs in compared.items()}
    given = "; ".join(
        f"{called(name)} gives {right} {plain(percent(of_right))} and {wrong}"
        f" {plain(percent(of_wrong))}"
        for name, (of_right, of_wrong) in shares.items()
    )
    return f"After {before}, {noun} asks for {right}: {given}. {verdict(shares, noun)}"


def called(name: str) -> str:
    """A network in a sentence."""
    return "the LSTM" if name == "LSTM" else name


def shares_of(view: View, example: Example) -> tuple[float, float]:
    """The probabilities of the right and the wrong form before the word that is decided."""
    row = influence.last_tokens(view.trace.words_L)[example.decided - 1]
    ids = (id_of_word(view, form) for form in (example.right, example.wrong))
    right, wrong = (np.nan if i is None else float(view.trace["head.probs"][row, i]) for i in ids)
    return right, wrong


def verdict(shares: dict[str, tuple[float, float]], noun: str) -> str:
    """Who prefers the wrong form."""
    lost = [name for name, (right, wrong) in shares.items() if not right > wrong]
    if not lost:
        return f"Here {'both have' if len(shares) > 1 else 'it has'} kept {noun}."
    if len(lost) == len(shares) > 1:
        return f"Here both have lost {noun}."
    said = called(lost[0])
    kept = f"; {called(*(shares.keys() - lost))} has kept it" if len(shares) > 1 else ""
    return f"{said[0].upper()}{said[1:]} has lost {noun}{kept}."


# --- many sentences -------------------------------------------------------------------------------


def rates() -> None:
    """How often each network was right, by how many words stand between."""
    st.markdown(
        "A form counts as right if it is likelier than every form that would be wrong there. The"
        " words between are counted from the last word that names what a pronoun stands for, and"
        " from the subject of a verb that has a noun of the other number nearer to it."
    )
    for kind in KINDS:
        rates_of(kind)


def rates_of(kind: str) -> None:
    """The rates of a kind as curves, and as numbers."""
    found = early_words().by_distance(kind, ENOUGH)
    places = [str(low) if low == high else f"{low} to {high}" for low, high, _ in found]
    shares = {
        name: np.array([tried.rate(model) for *_, tried in found]) for name, model in MODELS.items()
    }
    title = f"{kind.capitalize()}s: the share that is right"
    axis = plotly_figures.axis(places, "words between")
    figure = curves_figure(shares, [f"{each} between" for each in places], title, axis, "right")
    show(f"before:lost:{kind}", figure, alt=title)
    table(
        {name: np.round(share_N, 3) for name, share_N in shares.items()}
        | {"of": np.array([tried.count for *_, tried in found])},
        places,
        key=f"before:lost-{kind}",
        corner="words between",
        title=title,
    )
