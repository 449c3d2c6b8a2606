"""The pages of the app, in the order in which they are read, and the way from one to another."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ui.session import state


@dataclass(frozen=True)
class Page:
    path: str
    title: str
    about: str


PAGES = (
    Page("app.py", "Overview", "The whole model on your sentence, in one picture"),
    Page("pages/1_Tokens.py", "Tokens", "The sentence in pieces, and the vector of each"),
    Page("pages/2_Positions.py", "Positions", "How a model knows where a word stands"),
    Page("pages/3_Attention.py", "Attention", "One head, one token, five steps"),
    Page(
        "pages/4_Heads.py",
        "Heads",
        "All heads of a layer: what each does, and what they add together",
    ),
    Page(
        "pages/5_Add_and_norm.py",
        "Add and norm",
        "The update is added, and the size is kept in bounds",
    ),
    Page("pages/6_Feed_forward.py", "Feed-forward", "Each token alone, through its neurons"),
    Page("pages/7_Layers.py", "Layers", "The same again, layer after layer"),
    Page(
        "pages/8_Encoder_and_decoder.py",
        "Encoder and decoder",
        "Who may look at whom, and what that changes",
    ),
    Page(
        "pages/9_Cross_attention.py",
        "Cross-attention",
        "The decoder looks at what the encoder has read",
    ),
    Page("pages/10_Output.py", "Output", "What is done with the last vectors"),
    Page(
        "pages/11_Before_attention.py",
        "Before attention",
        "Neurons, and a network that reads word by word",
    ),
    Page("pages/12_Every_number.py", "Every number", "Each step of the forward pass by its name"),
)


def go(title: str, **changes) -> None:
    """Opens another page with these choices changed."""
    changes = {"cell": None, "swap": ""} | changes
    state.keep(**changes)
    if title == st.session_state["_page"]:
        st.session_state.update(changes)
        return
    st.switch_page(
        next(page.path for page in PAGES if page.title == title),
        query_params=state.address(**changes),
    )
