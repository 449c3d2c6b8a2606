"""What is remembered of a visit besides what is chosen: nothing in here stands in an address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import streamlit as st

from ui.session.runs import RunRequest, Texts
from ui.session.selection import Selection, chosen

_KEY = "memory"


class Dropped(NamedTuple):
    """A what-if that the reader ended by choosing something else to read."""

    texts: tuple  # the model and the texts for which it is said
    model: str  # the model that it changed
    change: str
    words: str


@dataclass
class Look:
    """The way from a question to where its answer can be seen."""

    page: Any  # the Page that it leads to
    before: Selection  # what was chosen before
    there: Selection | None = None  # and with what the page was opened; None: it is not yet


@dataclass
class Memory:
    """One visitor's memory, from run to run."""

    # The page and the address
    page: Any = None  # the Page (ui.session.navigation) that was drawn last
    kept: Selection | None = None  # the choices after the last run; None: it is the first one
    link: dict[str, str] = field(default_factory=dict)  # what the address has just asked for
    seen: dict[str, str] = field(default_factory=dict)  # and beside the choices (seen_in)
    notes: list[str] = field(default_factory=list)  # what is said above the page in this run
    standing: list[str] = field(default_factory=list)  # what is said of the text until it changes
    # For choices whose first value a page finds out: the one that it found last
    firsts: dict[str, Any] = field(default_factory=dict)
    # A text and a side, and the layer and the head at which they are looked at first
    opening: tuple = (None, None)
    # What a part of the page that runs alone has chosen for the next run
    chosen_beside: dict[str, Any] = field(default_factory=dict)
    around: tuple = ()  # the choices around the page, as the page was drawn with them
    # For each list of changing labels (ui.session.steady): what was chosen, and its label
    labels: dict[str, tuple] = field(default_factory=dict)

    second_open: bool = False  # whether the box of the second text stands there, though empty

    # What is looked at
    shown: RunRequest | None = None  # the last run that could be shown
    first_token: int | None = None  # the token that is looked at before one is chosen
    word: str = ""  # the letters of the token that is looked at
    word_to_find: str = ""  # the same, where another model cuts the text anew
    clicked_points: dict[str, Any] = field(default_factory=dict)  # by figure: the last one clicked

    refused: str = ""  # why the change that was asked for last can't be made
    dropped: Dropped | None = None  # what a new sentence or another model ended
    # The changes that the last clicks made: the run after each, and the run before
    changes_made: list[tuple[RunRequest, RunRequest]] = field(default_factory=list)

    computing: tuple | None = None  # Laboratory: the map or table that is being computed

    # Exercises: for each run and number, how far the reader has come (a Sheet)
    sheets: dict[tuple, Any] = field(default_factory=dict)
    looked: Look | None = None  # Exercises: the last look that one has not come back from
    # For each page, model and sentence: the guess and the Quiz (ui.kit.quiz); False: none made
    quizzes: dict[tuple, Any] = field(default_factory=dict)
    asking: bool = False  # whether the page waits for a guess
    # Where the reader has come with something to read, as a key of quizzes: there, and not after a
    # click on the page, may be asked. None: anywhere
    arrived: tuple | None = None
    tour_model: str = ""  # the reader's model, while the tour shows another one
    # Overview: a run that a click has made, and the run before it, with which it is compared
    compared_run: tuple[RunRequest, RunRequest] | None = None

    # The window in which a model of one's own is opened: whether it stands, what was typed there,
    # and what came of it: an Offer of the Hub, or a message
    opens_model: bool = False
    saves_report: bool = False  # whether the window that makes a report stands
    typed_model: str = ""
    offered_model: Any = None
    wrong_model: str = ""

    # Single pages
    part_opened: dict[str, str | None] = field(default_factory=dict)  # Every number: by slider
    neuron_place: tuple | None = None  # Feed-forward: the run and the place of the chosen neuron
    mask_message: str = ""  # Encoder and decoder: what the last click on the mask did
    cross_place: tuple | None = None  # Cross-attention: the run at whose first place it opened
    # Output: kind and text of what the last button did, and the text for which it holds
    output_report: tuple[str, str, str] | None = None
    # Output: for each word that was appended its box, the text before and after, and the word
    appended: list[tuple[str, str, str, str]] = field(default_factory=list)
    # Output: the texts with a word hidden, those before, and the token that was looked at
    hidden_word: tuple[Texts, Texts, int] | None = None
    before_sentence: str | None = None  # Before attention: the sentence that its choices belong to
    before_link: dict[str, str] | None = None  # Before attention: the link that was followed last
    why_from: tuple | None = (
        None  # Why this word: the run and the position that its choices belong to
    )
    why_head: str = ""  # Why this word: the head at which it opened by itself
    compared_from: str | None = None  # Compare: the sentence that the second one belongs to


def memory() -> Memory:
    """What is remembered of this visit; it begins empty."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = Memory()
    return st.session_state[_KEY]


def forget_comparison(shown: RunRequest | None = None) -> None:
    """Ends the comparison with the run before a click, unless the run that is shown is of the text
    and the model that the click led to."""
    after, _ = memory().compared_run or (None, None)
    if after is None or shown is None or after[:2] != shown[:2]:
        memory().compared_run = None


def place_across(request: RunRequest) -> tuple:
    """What the place at which Cross-attention opened first belongs to, as Memory.cross_place."""
    return request[:2] + request[3:4]


def guess_at(page, model: str, texts: Texts) -> tuple:
    """What a guess is remembered by, as a key of Memory.quizzes."""
    return page, model, texts


def texts_chosen() -> Texts:
    """What stands in the text boxes around the pages, but for a decoder's own."""
    return Texts(chosen("sentence"), chosen("second"), chosen("chat"))


def arrived_at(model: str, texts: Texts) -> None:
    """The reader has come to the page, or gave it something to read: it may ask."""
    memory().arrived = guess_at(memory().page, model, texts)


def note(message: str) -> None:
    """Says something above the page in this run."""
    if message not in memory().notes:
        memory().notes.append(message)
