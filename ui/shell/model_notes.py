"""The kinds of models: what each is good for, the way to another one, and what a model's weights
learned to see.

    examples_kind(name) "study-encoder", "study-decoder", "study-translator", or "pretrained"
    what_it_does(name)  the same in a few words
    which_model(ready)  what each kind is good for, with a button for the pretrained ones
    mask_banner(view)   above every page: that the mask is another than in training, with the way
                        back and to the model that was trained that way
    learned_under(view) the same in words on the page about masks
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.models import catalogue
from ui.session import runs
from ui.session.actions import close_number, switch_model
from ui.session.selection import MASKS, chosen, select
from ui.session.view import View
from ui.shell import downloads
from ui.text import plain

STUDY = (
    "**Study models** are small enough to see whole: 4 layers, 5 heads of 20 numbers. They were"
    " trained for this app and come with it. They know the everyday English of one grammar, more"
    " than 1,300 words, and no facts."
)
PRETRAINED = (
    "**Pretrained models** have read real text: they know far more words, and something about"
    " the world. You fetch them once; they are too large to see whole."
)
DOES = {  # in a few words, for the list of models
    "study-encoder": "guesses hidden words; small, ours",
    "study-decoder": "writes the next word; small, ours",
    "study-translator": "English into French; small, ours",
    "minilm": "turns a sentence into one vector",
    "smollm2": "writes on, trained to chat",
    "gpt2": "writes on",
    "distilgpt2": "writes on, half of GPT-2’s layers",
    "bert": "guesses hidden words",
    "t5": "fills in the gaps of a text",
    "marian": "English into French",
    "own": "a name on the Hub, a folder or a file",
}
NEXT = ("minilm", "smollm2")  # the pretrained ones that are offered here; the list has them all


def examples_kind(name: str) -> str:
    """Which examples suit a model."""
    return name if catalogue.entry_of(name).embedded else "pretrained"


def what_it_does(name: str) -> str:
    """A model in a few words; empty for one that the reader brought."""
    return DOES.get(name, "")


def which_model(ready: tuple[str, ...]) -> None:
    """What each kind is good for, and a button for the first pretrained ones."""
    embedded = any(catalogue.entry_of(name).embedded for name in ready)
    st.markdown("**Which model is good for what?**")
    st.markdown(f"{STUDY}\n\n{PRETRAINED}" if embedded else PRETRAINED)
    for name in NEXT:
        entry = catalogue.entry_of(name)
        does = "Read with" if name in ready else f"Fetch, {downloads.megabytes(entry.size)}:"
        st.button(
            f"{does} {plain(entry.title)}",
            key=f"kinds_{name}",
            on_click=switch_or_fetch,
            args=(name,),
            width="stretch",
            help=plain(entry.about),
            disabled=chosen("model") == name,
        )


def switch_or_fetch(name: str, **changes) -> None:
    """Chooses a model, and fetches it if it is not here. changes: what is chosen with it."""
    switch_model(name, **changes)
    if name not in runs.ready_models():
        downloads.start_download(name)


# --- the mask that the weights learned under ------------------------------------------------------


def mask_differs_from_training(view: View) -> bool:
    """Whether the mask is not the one that the weights learned under."""
    return view.mask != "trained" and (view.mask,) != view.config.sides


def trained_as(view: View) -> str:
    """The mask that a model's weights learned under, in words."""
    return " and ".join(f"“{MASKS[side]}”" for side in view.config.sides)


def twin_of(view: View) -> str:
    """The model that was trained on the same, under the other mask; empty where there is none
    here.
    """
    twin = catalogue.entry_of(view.model.name).twin
    return twin if twin in runs.ready_models() else ""


def twin_button(view: View, key: str) -> None:
    """The way to that model, under the mask that it was trained with."""
    if twin := twin_of(view):
        st.button(
            f"Switch to {plain(twin)}",
            key=key,
            on_click=switch_or_fetch,
            args=(twin,),
            kwargs={"mask": "trained"},
            help="The same sizes, words and sentences, trained with the other mask.",
        )


def mask_banner(view: View) -> None:
    """Says so when the mask is not the one that the weights learned under."""
    if not mask_differs_from_training(view):
        return
    twin = twin_of(view) if view.mask in ("encoder", "decoder") else ""
    with st.container(horizontal=True, vertical_alignment="center", key="other-mask"):
        st.markdown(
            f":orange[●] **Another mask:** {plain(view.title)} was trained with {trained_as(view)}."
        )
        if twin:
            twin_button(view, "banner_twin")
        undo("as_trained", end_other_mask, "Back to the trained mask")


def undo(key: str, act: Callable[[], None], help: str) -> None:
    """The button at the end of a strip that takes back what the strip speaks of."""
    st.button("Undo", key=key, on_click=act, help=help)


def end_other_mask() -> None:
    """Ends the other mask."""
    select(mask="trained")
    close_number()


def learned_under(view: View) -> None:
    """What the weights on the page about masks learned to see, and which model learned the
    other.
    """
    twin = twin_of(view)
    with st.container(horizontal=True, vertical_alignment="center", key="learned"):
        like = (
            f" For a fair comparison, **{plain(twin)}** has the same size, words and sentences"
            " but was trained with the other mask."
            if twin
            else ""
        )
        st.markdown(
            f"**{plain(view.title)}** was trained with {trained_as(view)}. Glassformer can"
            f" compute with any other mask, but the model never met one in training.{like}"
        )
        twin_button(view, "page_twin")
