"""A window in which whoever started the app opens a model that is not in the list: a name on the
Hub, a folder, or a file.

    begin()     the window stands from the next run on
    window()    draws it, if it stands
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.errors import GlassError
from core.models import catalogue, own
from core.models.download import Offer, look_up
from ui.session import owner, runs
from ui.session.memory import memory
from ui.session.owner import may_open
from ui.session.selection import CODECS, chosen, select
from ui.shell import downloads
from ui.text import plain

TAKES = (
    "A name on the Hugging Face Hub, such as `org/name` or `org/name@revision`; or the path of a"
    " folder with config.json and safetensors, or of a `.gguf` file, on this machine."
)


def begin() -> None:
    """The window stands from the next run on."""
    if may_open():
        memory().opens_model = True
        forget_answer()


def end() -> None:
    """The window is closed."""
    memory().opens_model, memory().typed_model = False, ""
    forget_answer()


def forget_answer() -> None:
    """What was said of the last name holds no longer."""
    memory().offered_model, memory().wrong_model = None, ""


def window() -> None:
    """The window, if it stands."""
    if memory().opens_model and may_open():
        st.dialog("Open a model of your own", on_dismiss=end)(draw)()


def draw() -> None:
    """The box, what came of it, and the models that were opened before."""
    if not memory().opens_model:
        st.rerun()
    with st.form("own-model", border=False):
        typed = st.text_input(
            "Model",
            memory().typed_model,
            key="own_model",
            max_chars=own.LONGEST,
            placeholder="org/name, or a path",
        )
        st.caption(TAKES)
        if st.form_submit_button("Open", type="primary"):
            forget_answer()
            open_typed(typed)
    if memory().wrong_model:
        st.error(plain(memory().wrong_model))
    if memory().offered_model:
        offer(memory().offered_model)
    opened_before()


def open_typed(text: str) -> None:
    """Reads a model that is on this machine, or asks the Hub for another; what is wrong is said
    below the box.
    """
    try:
        name = own.meant(text)
        if name in catalogue.CATALOGUE or catalogue.find(name):
            open_here(name)
        else:
            with st.spinner("Asking the Hub …"):
                memory().offered_model = look_up(name)
    except GlassError as error:
        memory().wrong_model = str(error)


def open_here(name: str) -> None:
    """All pages read with a model that is here, from the next run on. Raises GlassError where its
    files can't be read.
    """
    if catalogue.find(name):
        runs.model_of(name)
    owner.add(name)
    memory().chosen_beside = {"model": name} | as_trained()
    memory().word_to_find = memory().word
    runs.ready_of.clear()
    end()
    st.rerun()


def as_trained() -> dict[str, Any]:
    """What of the model before means nothing in another one, as it is at first."""
    mask = "trained" if chosen("mask") == "own" else chosen("mask")
    return {"token": None, "mask_cells": "", "mask": mask, "change": "", "cell": None}


def offer(found: Offer) -> None:
    """What the Hub has, and the button that fetches it."""
    files = "file" if len(found.sizes) == 1 else "files"
    commit = f", at commit `{found.commit[:7]}`" if found.commit else ""
    st.markdown(
        f"**{plain(found.name)}**: a model of the type “{plain(found.kind)}”,"
        f" {len(found.sizes)} {files}, **{downloads.megabytes(found.size)}**{commit}. Later"
        " fetches must bring the same files."
    )
    st.button(
        f"Fetch {downloads.megabytes(found.size)}",
        key="own_fetch",
        type="primary",
        on_click=fetch,
        args=(found,),
    )


def fetch(found: Offer) -> None:
    """Begins to fetch a model, and chooses it: the strip over the page shows how far it is."""
    owner.add(found.name)
    select(model=found.name, **as_trained())
    memory().word_to_find = memory().word
    downloads.start_download(found.name, found.size)
    end()


def opened_before() -> None:
    """The models that were opened before, each with a button that takes it off the list."""
    names = owner.chosen_here()
    if not names:
        return
    st.markdown("**In your list**")
    for number, name in enumerate(names):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(plain(name), width="stretch")
            st.button("Remove", key=f"own_remove_{number}", on_click=remove, args=(name,))
    st.caption("Removing a model leaves its files where they are.")


def remove(name: str) -> None:
    """Takes a model off the list; whoever reads with it goes on with the first one."""
    owner.remove(name)
    if chosen("model") == name:
        select(model=CODECS["model"].default, **as_trained())
