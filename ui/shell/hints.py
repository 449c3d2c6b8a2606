"""One line under the rail where a text is not what the model was taught, with a way out of it.

way_back()          back to the question from which one came to look
hints(view)         words that are new to the model, and a larger model that knows them; a
                    missing full stop, and a button that adds it; weights that were replaced on the
                    disk
dropped_what_if(view)   a what-if that a new sentence or model ended, and a button that applies it
"""

from __future__ import annotations

import streamlit as st

from core import whatif
from core.models import catalogue
from core.models.streaming import Streamed
from core.text import number
from ui.kit.unknown_words import new_words, new_words_text, word_text
from ui.session import runs
from ui.session.actions import close_number, start_new_text
from ui.session.looking import is_looking
from ui.session.memory import memory, texts_chosen
from ui.session.navigation import EXERCISES, go
from ui.session.selection import chosen, select_what_fits
from ui.session.view import View
from ui.shell import downloads
from ui.shell.model_notes import switch_or_fetch
from ui.text import plain

ENGINE_TITLES = {"numpy": "NumPy", "torch": "PyTorch", "nnsight": "nnsight"}
LARGER = {"decoder": ("smollm2", "SmolLM2"), "encoder": ("minilm", "MiniLM")}
ENDS = (".", "?")  # of the sentences that the study models were taught
LOOSE = " \t!,;:…"  # what a full stop takes the place of
MOST_DETAILS = 40  # words whose pieces are listed


def way_back() -> None:
    """The way back to the question, on the page that it led to."""
    if is_looking():
        with st.container(key="look", horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(":violet[●] You came from a question, to look.")
            st.button("Back to the question", key="look_back", on_click=go, args=(EXERCISES,))


def hints(view: View) -> None:
    """What there is to say of the text that is shown, and of the files of its model."""
    words, open_end = new_words(view), lacks_full_stop(view)
    changed = runs.has_changed_on_disk(view.request.model)
    if not words and not open_end and not changed:
        return
    with st.container(key="hints", horizontal=True, vertical_alignment="center", gap="small"):
        if changed:
            changed_hint(view)
        if words:
            new_words_hint(view, words)
        if open_end:
            full_stop_hint(view)


def engine_hint(view: View) -> None:
    """Who computed the layers, and how far NumPy's result of the layer looked at is from that."""
    if not runs.uses_engine(view.request):
        return
    off = view.trace.off(view.side, view.layer)
    same = "exactly the same" if not off else f"within {number(off, 2)} of its largest value"
    st.markdown(
        f":gray[●] **{ENGINE_TITLES[view.request.engine]}** computed what the layers read. NumPy"
        f" computed layer {view.layer} from that: its output is {same}."
    )


def changed_hint(view: View) -> None:
    """That the files of the model are no longer those that were read."""
    now = (
        "Its weights stay in their files, so numbers may be of both"
        if isinstance(view.model.weights, Streamed)
        else "The pages show what it read"
    )
    st.markdown(
        ":orange[●] The weights of this model have changed on the disk since the app read them."
        f" {now}: start the app again to read the new ones."
    )


def new_words_hint(view: View, words: list) -> None:
    """The words that are new to the model, how it reads them, and a model that knows more."""
    st.markdown(f":orange[●] {new_words_text(view, words)}")
    if (larger := larger_model(view)) is not None:
        name, title = larger
        st.button(
            words_for(name, title),
            key="larger_model",
            on_click=switch_or_fetch,
            args=(name,),
            help=plain(catalogue.entry_of(name).about),
        )
    with st.popover("How it reads them", type="tertiary", key="how_read"):
        for word in words[:MOST_DETAILS]:
            st.markdown(word_text(word))


def larger_model(view: View) -> tuple[str, str] | None:
    """A pretrained model of the same kind, and what it is called in short; None where there is
    none.
    """
    if view.config.crosses or not catalogue.entry_of(view.model.name).embedded:
        return None
    return LARGER[view.config.sides[0]]


def words_for(name: str, title: str) -> str:
    """What the button to another model says."""
    if name in runs.ready_models():
        return f"Read it with {title}"
    return f"Fetch {title}, {downloads.megabytes(catalogue.entry_of(name).size)}"


def lacks_full_stop(view: View) -> bool:
    """Whether a model that was taught whole sentences reads one that does not end."""
    reads_whole = "encoder" in view.config.sides
    typed = chosen("sentence")
    study = catalogue.entry_of(view.model.name).embedded
    return study and reads_whole and typed == view.sentence and not typed.rstrip().endswith(ENDS)


def full_stop_hint(view: View) -> None:
    """That sentences end with a full stop, and a button that adds it."""
    st.markdown(":orange[●] These models were taught sentences that end with a full stop.")
    st.button("Add it", key="full_stop", on_click=add_full_stop, args=(view.sentence,))


def add_full_stop(sentence: str) -> None:
    """Ends a sentence with a full stop."""
    select_what_fits(sentence=f"{sentence.rstrip(LOOSE)}.")
    start_new_text()


def texts_read() -> tuple:
    """The chosen model, and the texts that it reads."""
    return chosen("model"), texts_chosen(), chosen("target")


def dropped_what_if(view: View) -> None:
    """The what-if that ended when this sentence was typed, and a button that applies it here too;
    none where it spoke of the tokens of the sentence before, or of the parts of another model.
    """
    dropped = memory().dropped
    if not dropped or dropped.texts != texts_read() or view.sentence != chosen("sentence"):
        return
    same = dropped.model == view.request.model
    what = "Your new sentence" if same else f"Choosing {view.request.model}"
    with st.container(horizontal=True, vertical_alignment="center", key="what-if"):
        st.markdown(
            f":orange[●] {plain(what)} ended the what-if: {plain(dropped.words)}. You see the model"
            " as it was trained."
        )
        if same and not whatif.kinds(dropped.change) & set(whatif.OF_TOKENS):
            st.button(
                "Apply it here too", key="again", on_click=apply_again, args=(dropped.change,)
            )


def apply_again(change: str) -> None:
    """Shows the new sentence under the what-if that it ended."""
    select_what_fits(change=change)
    close_number()
