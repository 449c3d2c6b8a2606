"""The texts that a reader types to compare what an encoder makes of them, and their vectors.

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
from core.text import number
from core.time_limit import check_time
from core.word_vectors import Alike
from ui.session.actions import start_new_text
from ui.session.runs import RunRequest, ids_of, limited, model_of
from ui.session.selection import chosen, depth, select
from ui.session.settling import settle
from ui.session.view import View
from ui.text import plain, short

LONGEST_LINE = 300


PATIENCE = 0.3  # seconds before the progress is shown


COSINE = (
    r"\cos(a, b) = \frac{a \cdot b}{\|a\| \, \|b\|} = \frac{\sum_d a_d\, b_d}{\sqrt{\sum_d a_d^2}\,"
    r" \sqrt{\sum_d b_d^2}}"
)


BANK_SENTENCES = (
    "They fished from the grassy bank of the river.",
    "He opened an account at the bank in town.",
    "bank",
)


STUDY = {  # for the study models, which know no other words than these and their like
    "a": "The student read that book.",
    "b": "The book that the student read is old.",
    "word": "that",
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


def typed_kind(view: View) -> str:
    """Which texts stand in the boxes: those of the study models, words, or token ids."""
    if entry_of(view.model.name).embedded:
        return "study"
    return "words" if view.model.tokenizer else "ids"


def first_text(view: View, key: str, words: str) -> str:
    """What stands in a box at first: words, or the sentence's own ids where the model has no
    tokenizer.
    """
    if typed_kind(view) == "study":
        return STUDY[key]
    ids = [str(int(i)) for i in view.trace[f"{view.config.sides[0]}.embed.ids"]]
    return words if view.model.tokenizer else ids_like(ids, words)


def typed(view: View, key: str, words: str) -> str:
    """What stands in a box, before it is drawn. words: what stands there at first."""
    name = f"output_{key}_{typed_kind(view)}"
    settle(name, first_text(view, key, words))
    return chosen(name)


def draw_typed_box(view: View, key: str, words: str, box, label: str, **options) -> str:
    """A text box; at first a default stands in it."""
    typed(view, key, words)
    name = f"output_{key}_{typed_kind(view)}"
    return box(label, key=name, persist_state="session", **options)


def ids_like(ids: list[str], words: str) -> str:
    """As many lines as the words have, of the sentence's own ids, each shifted a little further;
    for a word, the first id.
    """
    if words == BANK_SENTENCES[2]:
        return ids[0]
    turns = (
        [n % len(ids) for n in range(len(words.splitlines()))]
        if words != BANK_SENTENCES[1]
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


def trained_request(view: View, text: str) -> RunRequest:
    """A text, read by the model as it was trained."""
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
        with limited(("vector", model, line)):
            mean_D = loaded.trace(ids_L=ids_L, keep="layers", rows=-1)["encoder.out.pooled"]
        return mean_D, ""
    except GlassError as error:
        check_time()  # of the page, which is no fault of this line
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


def text_section(view: View, text: str, *functions) -> None:
    """What the chosen depth says of two runs: no step of one trace can stand for it."""
    if view.mask != "trained" or view.request.change:
        st.caption("These numbers are those of the trained model: no what-if or mask changes them.")
    if depth() == "story":
        st.markdown(text)
    elif depth() == "formula":
        st.latex(COSINE)
    elif depth() == "code":
        for function in functions:
            st.caption(plain(source_path(function.__code__.co_filename)))
            st.code(getsource(function), language="python")
