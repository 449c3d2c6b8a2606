"""The pages of the app, in the order in which they are read, and the way from one to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

import streamlit as st

from ui.session.address import keep, query_params
from ui.session.memory import arrived_at, memory, texts_chosen
from ui.session.selection import OF_ONE_PAGE, chosen, select
from ui.session.walk import walked_to


@dataclass(frozen=True)
class Page:
    """A page of the app."""

    path: str  # its script
    title: str
    about: str


OVERVIEW = Page("app.py", "Overview", "The whole model on your sentence, in one picture")
TOKENS = Page("pages/1_Tokens.py", "Tokens", "The sentence in pieces, and the vector of each")
POSITIONS = Page("pages/2_Positions.py", "Positions", "How a model knows where each word is")
ATTENTION = Page("pages/3_Attention.py", "Attention", "One head, one token, five steps")
HEADS = Page(
    "pages/4_Heads.py", "Heads", "All heads of a layer: what each does, and what they add together"
)
ADD_AND_NORM = Page(
    "pages/5_Add_and_norm.py",
    "Add and norm",
    "How an update is added, and how vectors keep their size",
)
FEED_FORWARD = Page(
    "pages/6_Feed_forward.py", "Feed-forward", "Each token alone, through its neurons"
)
LAYERS = Page("pages/7_Layers.py", "Layers", "The same again, layer after layer")
ENCODER_AND_DECODER = Page(
    "pages/8_Encoder_and_decoder.py",
    "Encoder and decoder",
    "Which words each word may see, and what that changes",
)
CROSS_ATTENTION = Page(
    "pages/9_Cross_attention.py",
    "Cross-attention",
    "How the decoder looks at what the encoder has read",
)
OUTPUT = Page("pages/10_Output.py", "Output", "What becomes of the last vectors")
BEFORE_ATTENTION = Page(
    "pages/11_Before_attention.py",
    "Before attention",
    "Neurons, and a network that reads word by word",
)
WHY = Page(
    "pages/15_Why_this_word.py",
    "Why this word?",
    "Which part of the model raised a word, and what made it look there",
)
LABORATORY = Page(
    "pages/16_Laboratory.py", "Laboratory", "Change the model, and see what comes of it"
)
HOW_IT_LEARNED = Page(
    "pages/17_How_it_learned.py",
    "How it learned",
    "The loss, its gradients, and a model that learns your sentence",
)
EXERCISES = Page(
    "pages/18_Exercises.py", "Exercises", "Thirty questions on your own run: predict, then look"
)
COMPARE = Page(
    "pages/13_Compare.py", "Compare", "Two sentences, heads, layers or models, side by side"
)
EVERY_NUMBER = Page(
    "pages/12_Every_number.py", "Every number", "Each step of the forward pass by its name"
)
GLOSSARY = Page("pages/14_Glossary.py", "Glossary", "What each word means, and where to see it")
PAGES = (
    OVERVIEW,
    TOKENS,
    POSITIONS,
    ATTENTION,
    HEADS,
    ADD_AND_NORM,
    FEED_FORWARD,
    LAYERS,
    ENCODER_AND_DECODER,
    CROSS_ATTENTION,
    OUTPUT,
    BEFORE_ATTENTION,
    WHY,
    HOW_IT_LEARNED,
    EXERCISES,
    LABORATORY,
    COMPARE,
    EVERY_NUMBER,
    GLOSSARY,
)


def path_of(page: Page) -> str:
    """A page as it stands in an address: "Attention"; the first page has no name."""
    return "./" if page == OVERVIEW else PurePath(page.path).stem.split("_", 1)[1]


def go(page: Page, **changes) -> None:
    """Opens another page with these choices changed."""
    changes = OF_ONE_PAGE | {"walked": walked_to(changes.get("cell"))} | changes
    keep(**changes)
    if page == memory().page:
        select(**changes)
        arrived_at(chosen("model"), texts_chosen())
        return
    st.switch_page(page.path, query_params=query_params(**changes))
