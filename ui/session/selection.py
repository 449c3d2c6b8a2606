"""What a reader looks at and has chosen, in one record: a field and its codec for each choice.

The session and the address are two spellings of the same record; whatever comes from either is
checked here.

    Selection           what can be chosen, field by field
    CODECS              for each field what it may be, and how it is read from an address
    AROUND              the fields whose widgets stand around a page: what is read, and how
    selection()         what is chosen now; reads the session and never writes
    select(name=value)  the one way to choose something

To add a choice is to add a field here, and to draw a widget with its name as key and without a
value of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import streamlit as st

from core import masks, whatif
from core.course import MOST_STEPS
from core.decoding.beam_search import WIDEST
from core.errors import GlassError
from core.learning import METHODS
from core.models import catalogue
from core.models.engines import ENGINES
from core.models.own import LONGEST as LONGEST_NAME
from core.places import ASSETS
from ui.session import owner

_EXAMPLES = ASSETS / "examples.json"
EXAMPLES = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
# What is read until the reader types: a sentence that asks for its next word
OPENING = next(example["text"] for example in EXAMPLES if example.get("opens"))
LONGEST_TEXT = 6_000  # characters that are run and stand in the address
# Characters that a text box takes; what is too long to run stays in it and can be cut.
LONGEST_BOX = 20_000
LONGEST_CHANGE = 2_000  # characters of a what-if
MASKS = {
    "trained": "As the model was trained",
    "encoder": "Encoder: sees everything",
    "decoder": "Decoder: sees only the past",
    "others": "Every token but itself",
    "own": "Your own mask",
}
DEPTHS = {"story": "Story", "numbers": "Numbers", "formula": "Formula", "code": "Code"}
SIDES = ("encoder", "decoder")
STAGES = 5  # steps of the walk through attention
TOUR_STOPS = 10
QUESTIONS = 30  # of the exercises
FARTHEST = 12  # tokens that a search looks ahead
TOP_KS = (1, 2, 3, 5, 10, 20, 50, 100, 500, 0)  # 0: all words
MOST = 999_999


# --- codecs ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Codec:
    """One choice between session and address."""

    default: Any  # until the reader chooses; None: the page finds out what that is
    message: str  # what it may be, in words: “… which is not {message}”
    parse: Callable[[str], Any]  # the value that an address spells; None where it spells none
    fits: Callable[[Any], bool]  # whether a value, such as one that a browser left, is a choice
    key: str = ""  # its name in the address, where that is another than the field's
    around: bool = False  # whether its widget stands around the pages


def spell(value) -> str:
    """A value as it stands in an address."""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


# Each of these makes the codec of one kind of choice. A default of None is always allowed.


def whole_number(
    default: int | None = None, low: int = -MOST, high: int = MOST, step: int = 1
) -> Codec:
    """A whole number."""
    message = "a whole number" if low == -MOST else f"one of {low} to {high}"
    return Codec(
        default,
        message + (f" in steps of {step}" if step > 1 else ""),
        lambda text: int(text) if re.fullmatch(r"-?[0-9]{1,6}", text) else None,
        lambda value: type(value) is int and low <= value <= high and value % step == 0,
    )


def decimal(default: float, low: float, high: float, step: float) -> Codec:
    """A number in steps, such as a slider has."""

    def fits(value) -> bool:
        return (
            type(value) in (int, float)
            and low <= value <= high
            and abs(value / step - round(value / step)) < 1e-6
        )

    return Codec(
        default,
        f"a number from {low:g} to {high:g} in steps of {step:g}",
        lambda text: float(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text) else None,
        fits,
    )


def among(default, options: Iterable) -> Codec:
    """One of a few names or numbers."""
    known = {spell(option): option for option in options}
    return Codec(
        default,
        f"one of {', '.join(known)}",
        known.get,
        lambda value: type(value) in (str, int) and value in known.values(),
    )


def flag(default: bool) -> Codec:
    """Yes (1) or no (0)."""
    return Codec(default, "0 or 1", {"0": False, "1": True}.get, lambda value: type(value) is bool)


def text(
    default: str | None = None,
    longest: int = 200,
    message: str = "",
    fits: Callable[[str], object] = lambda text: True,
) -> Codec:
    """A text. fits: what it has to be besides short enough."""
    return Codec(
        default,
        message or f"a text of at most {longest:,} characters",
        lambda text: text if len(text) <= LONGEST_BOX else None,
        lambda value: isinstance(value, str) and len(value) <= longest and bool(fits(value)),
    )


def can_change(change: str) -> bool:
    """Whether a what-if has known parts only; whether a model can do them shows when it runs."""
    try:
        return bool(whatif.parts(change)) or not change
    except GlassError:
        return False


def is_listed(model: str) -> bool:
    """Whether a model is in the list."""
    return model in [entry.name for entry in owner.models()]


MASK_CELLS = re.compile(rf"(({'|'.join(masks.NAMED)})(,|$))?([edc]\d{{1,3}}-\d{{1,3}}(,|$))*")
LONGEST_MASK = 600_000  # characters of a mask in the session; an address has room for fewer
# The opened number is of a run with a word replaced: which word, and by what.
SWAP = re.compile(r"\d{1,3}-\S{1,30}|")
REPLACED = re.compile(r"([ab]\d{1,5}-\d{1,5}~[^~]*)?", re.ASCII)
WALK = re.compile(r"([^~\s]{1,200}(~|$))*")
LONGEST_WALK = 1_000  # characters of it
PAIR = re.compile(r"\d{1,2}-\d{1,2}")
SLOTS = re.compile(r"\d{1,3}-\d{1,3}|")  # a cell of the map of differences
COMPARED = ("sentence", "head", "layer", "model")
LAB_KINDS = {
    "head": "Silence a head",
    "cross-head": "Silence a head across",
    "attn": "Silence an attention",
    "cross": "Silence the attention across",
    "mlp": "Silence a feed-forward",
    "neuron": "Silence a neuron",
    "freeze": "Freeze a head’s attention",
    "temp": "Heat or cool a head",
    "cell": "Hide one token from another",
    "swap": "Read one token as another",
    "token": "Read a token as a new word",
    "positions": "Leave out the positions",
    "norms": "Leave out the norms",
    "scale": "Leave out the division by √K",
    "order": "Reverse the words",
    "trained": "Go back in training",
}
RATES = ("0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1")  # of learning
# The run of an opened number: of the reader's text before a step, after it, after a lesson, as the
# model was during its training; of a held sentence before the lesson and after it.
LEARN_READS = ("before", "after", "taught", "then", "held", "held-taught")
MATRICES = ("q", "k", "v", "out")  # of a head
WAY_STEPS = (32, 128, 512)  # from a blank text to this one
ANSWERED = re.compile(r"([0-9a-f]{8}(_\d{1,2}~-?[0-9.]{1,20}(e[+-]?\d{1,2})?)+)?")
CARDS = re.compile(r"([a-z0-9-]+(\.|$))*")  # the cards that are open
TERM = re.compile(r"[a-z0-9-]+")


# --- the record -----------------------------------------------------------------------------------


def around_pages(codec: Codec, key: str = "") -> Any:
    """A field that is chosen around the pages. key: its name in the address, if it is another."""
    return in_page(replace(codec, key=key, around=True))


def in_page(codec: Codec) -> Any:
    """A field that is chosen in a page."""
    return field(default=codec.default, metadata={"codec": codec})


@dataclass(frozen=True)
class Selection:
    """What is chosen, in the order in which it stands in an address."""

    sentence: str = around_pages(text(OPENING, LONGEST_BOX))
    target: str = around_pages(text("", LONGEST_BOX))
    second: str = around_pages(text("", LONGEST_BOX))  # sentence B of a model that reads pairs
    chat: bool = around_pages(flag(False))  # the sentence is a message of a chat
    model: str = around_pages(
        text(catalogue.default(), LONGEST_NAME, "in the list of models", is_listed)
    )
    mask: str = around_pages(among("trained", MASKS))
    mask_cells: str = around_pages(
        text("", LONGEST_MASK, "a custom mask such as e3-4,e5-1", MASK_CELLS.fullmatch), key="grid"
    )
    change: str = around_pages(
        text("", LONGEST_CHANGE, f"made of {', '.join(whatif.TITLES)}", can_change)
    )
    side: str = in_page(among("encoder", SIDES))
    layer: int = in_page(whole_number(0))
    head: int = in_page(whole_number(0))
    token: int | None = in_page(whole_number())
    depth: str = in_page(among("story", DEPTHS))
    hide_special: int = around_pages(whole_number(0, 0, 1), key="bare")
    merge_pieces: int = around_pages(whole_number(0, 0, 1), key="merge")
    engine: str = around_pages(among("numpy", tuple(ENGINES)))  # who computes the layers
    ask: bool = around_pages(flag(True))  # whether a stage lets the reader guess first
    tour: int | None = around_pages(whole_number(None, 0, TOUR_STOPS - 1))
    # The opened number, those that one walked through to it, and the step whose operands are all in
    # a table; then where it stands
    cell: str | None = in_page(text())
    walked: str = in_page(
        text("", LONGEST_WALK, "numbers such as decoder.0.out:1,2~decoder.0.in:1,2", WALK.fullmatch)
    )
    operands: str | None = in_page(text())
    step: str | None = in_page(text())
    stage: int = in_page(whole_number(0, 0, STAGES - 1))
    cards: str = in_page(
        text("", 300, "names of cards, such as heads-silent.heads-roles", CARDS.fullmatch)
    )
    swap: str = in_page(
        text(
            "",
            40,
            "a swap such as 1-house: the number of a word, and what to put in its place",
            SWAP.fullmatch,
        )
    )
    # Overview: where a word was just replaced in the sentence (a) or the second text (b), and what
    # stood there before, with which the run is compared
    replaced: str = in_page(
        text("", 80, "a word that was replaced, such as a4-9~house", REPLACED.fullmatch)
    )
    part_rows: int = in_page(whole_number(0, 0))
    part_columns: int = in_page(whole_number(0, 0))
    # Tokens
    tokens_map: str = in_page(among("all", ("all", "near")))
    tokens_3d: bool = in_page(flag(False))
    tokens_turn: int = in_page(whole_number(40, 0, 355, 5))
    tokens_a: str | None = in_page(text(None, 60))
    tokens_a_id: str | None = in_page(text(None, 60))
    tokens_b: str | None = in_page(text(None, 60))
    tokens_b_id: str | None = in_page(text(None, 60))
    tokens_c: str | None = in_page(text(None, 60))
    tokens_c_id: str | None = in_page(text(None, 60))
    # Positions
    places_other: int | None = in_page(whole_number(None, 0))
    places_pair: int | None = in_page(whole_number(None, 0))
    places_kept: str = in_page(among("left out", ("left out", "kept")))
    places_back: bool = in_page(flag(False))
    # Attention, and across
    softmax_of: str | None = in_page(among(None, ("unscaled", "others", "heat")))
    softmax_heat: float = in_page(decimal(2.0, 0.1, 5.0, 0.1))
    cross_token: int | None = in_page(whole_number(None, 0))
    cross_weights: str = in_page(among("all", ("all", "layer", "head")))
    cross_rows: str = in_page(among("writes", ("writes", "reads")))
    cross_words: bool = in_page(flag(True))
    # Add and norm, Feed-forward, Layers
    addnorm_sublayer: str | None = in_page(among(None, ("attn", "cross", "mlp")))
    ff_neuron: int | None = in_page(whole_number(None, 0))
    layers_role: int = in_page(whole_number(0, 0, 6))
    layers_length: str | None = in_page(among(None, ("own", "one")))
    layers_drawn: str = in_page(among("near", ("own", "near", "all")))
    layers_link: str | None = in_page(text(None, 100))
    # Encoder and decoder
    masks_click: str = in_page(among("open", ("open", "draw")))
    masking_stack: str = in_page(among("decoder", ("decoder", "cross")))
    padding_count: int | None = in_page(whole_number(None, 1, whatif.MOST_PADDING))
    padding_way: str | None = in_page(among(None, ("pad", "open-pad")))
    masks_compared: str | None = in_page(among(None, ("encoder", "decoder", "own")))
    # Output
    output_heat: float = in_page(replace(decimal(1.0, 0.1, 3.0, 0.1), key="temperature"))
    output_k: int = in_page(replace(among(0, TOP_KS), key="top_k"))
    output_p: float = in_page(replace(decimal(1.0, 0.05, 1.0, 0.05), key="top_p"))
    output_seed: int = in_page(whole_number(1, 0))
    output_beams: int = in_page(whole_number(3, 1, WIDEST))
    output_ahead: int = in_page(whole_number(8, 1, FARTHEST))
    output_branch: int | None = in_page(whole_number(None, 0))
    output_stage: int | None = in_page(whole_number(None, 0))
    output_hit: int = in_page(whole_number(0, 0))
    output_pair: str = in_page(text("0-1", 5, "two numbers such as 0-1", PAIR.fullmatch))
    # Output, of an encoder: one text for study models, one for others, one of token ids
    output_a_study: str | None = in_page(text(None, LONGEST_BOX))
    output_a_words: str | None = in_page(text(None, LONGEST_BOX))
    output_a_ids: str | None = in_page(text(None, LONGEST_BOX))
    output_b_study: str | None = in_page(text(None, LONGEST_BOX))
    output_b_words: str | None = in_page(text(None, LONGEST_BOX))
    output_b_ids: str | None = in_page(text(None, LONGEST_BOX))
    output_word_study: str | None = in_page(text(None, LONGEST_BOX))
    output_word_words: str | None = in_page(text(None, LONGEST_BOX))
    output_word_ids: str | None = in_page(text(None, LONGEST_BOX))
    output_lines_study: str | None = in_page(text(None, LONGEST_BOX))
    output_lines_words: str | None = in_page(text(None, LONGEST_BOX))
    output_lines_ids: str | None = in_page(text(None, LONGEST_BOX))
    output_pool_study: str | None = in_page(text(None, LONGEST_BOX))
    output_pool_words: str | None = in_page(text(None, LONGEST_BOX))
    output_pool_ids: str | None = in_page(text(None, LONGEST_BOX))
    output_query_study: str | None = in_page(text(None, LONGEST_BOX))
    output_query_words: str | None = in_page(text(None, LONGEST_BOX))
    output_query_ids: str | None = in_page(text(None, LONGEST_BOX))
    # Before attention
    before_word: int | None = in_page(whole_number(None, 0))
    before_other: str | None = in_page(text(None, 30))
    before_reads: str | None = in_page(among(None, ("own", "other")))
    before_at: int | None = in_page(whole_number(None, 0))
    before_measure: str = in_page(among("moved", ("moved", "guess")))
    # of the comparison: after how many words from the replaced one, and whose vectors
    before_place: int | None = in_page(whole_number(None, 0))
    before_network: str | None = in_page(among(None, ("LSTM", "attention")))
    # Why this word: two words by their ids (−1: no rival), what the map shows, which attention of
    # the decoder the head is of, the token that it read, another with which that is compared (−1:
    # none), the layer of the network whose neurons are shown, the least share of a step of the
    # trail, and of integrated gradients the text that they come from and the number of steps
    why_word: int | None = in_page(whole_number(None, 0))
    why_rival: int | None = in_page(whole_number(None, -1))
    why_shows: str = in_page(among("part", ("part", "effect")))
    why_block: str | None = in_page(among(None, ("attn", "cross")))
    why_key: int | None = in_page(whole_number(None, 0))
    why_other: int = in_page(whole_number(-1, -1))
    why_mlp: int | None = in_page(whole_number(None, 0))
    why_share: float = in_page(decimal(0.1, 0.02, 0.5, 0.02))
    why_blank: str = in_page(among("mean", ("mean", "zero", "pad")))
    why_steps: int = in_page(among(128, WAY_STEPS))
    # How it learned: the position whose loss counts (−1: all of them), the place in the stream
    # that is looked at, how a step goes, how many there are, of which model the number is and
    # in which of the held sentences, and after which word the guesses are compared
    learn_at: int = in_page(whole_number(-1, -1))
    learn_cell: str = in_page(text("", 7, "two numbers such as 3-2", SLOTS.fullmatch))
    learn_method: str = in_page(among("sgd", METHODS))
    learn_rate: str | None = in_page(among(None, RATES))
    learn_steps: int = in_page(whole_number(20, 1, MOST_STEPS))
    learn_weight: str | None = in_page(text(None, 80))
    learn_reads: str = in_page(among("before", LEARN_READS))
    learn_held: int | None = in_page(whole_number(None, 0))
    # and, of its training, the step at which the model is looked at (−1: as it is)
    learn_stop: int | None = in_page(whole_number(None, -1))
    learn_word: int | None = in_page(whole_number(None, 0))
    # and which matrix of the head is drawn as it was then
    learn_matrix: str = in_page(among("q", MATRICES))
    # Exercises: what the questions are drawn by; whoever has the same number is asked the same
    exercises: int | None = in_page(whole_number(None, 0))
    # the question that is looked at, unless it is the first, and the last for how it went; and what
    # was answered: whose questions, then the number of each and the answer
    question: int | None = in_page(whole_number(None, 1, QUESTIONS))
    answered: str = in_page(text("", 1_000, "answers of the exercises", ANSWERED.fullmatch))
    # Glossary
    term: str | None = in_page(
        text(None, 40, "a term of the glossary, such as attention-weight", TERM.fullmatch)
    )
    # Laboratory: the change that may be added, its parameters, and whose number is opened
    lab_kind: str = in_page(among("head", LAB_KINDS))
    lab_neuron: int | None = in_page(whole_number(None, 0))
    lab_other: int | None = in_page(whole_number(None, 0))
    lab_heat: float = in_page(decimal(2.0, 0.1, 10.0, 0.1))
    lab_word: str = in_page(text("", 60))
    lab_step: int | None = in_page(whole_number(None, 0))
    lab_reads: str = in_page(among("after", ("after", "before", "other", "repeat")))
    # and, of patching: the second text, what is put in from it, and the cell that is looked at
    lab_text: str | None = in_page(text(None, LONGEST_BOX))
    lab_patch: str = in_page(among("stream", ("stream", "attn", "cross", "mlp", "head")))
    lab_cell: str = in_page(text("", 7, "two numbers such as 3-2", SLOTS.fullmatch))
    # Compare: what is other, the other one, whose number is opened, and which difference is read
    compare_what: str = in_page(among("sentence", COMPARED))
    compare_sentence: str | None = in_page(text(None, LONGEST_BOX))
    compare_head: int | None = in_page(whole_number(None, 0))
    compare_layer: int | None = in_page(whole_number(None, 0))
    compare_model: str | None = in_page(
        text(None, LONGEST_NAME, "in the list of models", is_listed)
    )
    compare_reads: str = in_page(among("one", ("one", "other")))
    compare_cell: str = in_page(text("", 7, "two numbers such as 3-2", SLOTS.fullmatch))
    compare_part: int | None = in_page(whole_number(None, 0))


CODECS: dict[str, Codec] = {
    each.name: replace(each.metadata["codec"], key=each.metadata["codec"].key or each.name)
    for each in fields(Selection)
}
# What belongs to the page where it was chosen; on another one it begins anew
OF_ONE_PAGE = {"cell": None, "walked": "", "swap": "", "replaced": "", "question": None}
AROUND = tuple(name for name, codec in CODECS.items() if codec.around)


# --- reading and choosing -------------------------------------------------------------------------


def selection() -> Selection:
    """What is chosen now. Reads the session, and never writes."""
    session = st.session_state.to_dict()  # at once: one by one takes three times as long
    return Selection(**{name: session.get(name, codec.default) for name, codec in CODECS.items()})


def unchosen() -> Selection:
    """What holds before anything is chosen."""
    return Selection(**{name: codec.default for name, codec in CODECS.items()})


def chosen(name: str) -> Any:
    """One choice alone: faster than all of them, and for a name that only a running page knows."""
    return st.session_state.get(name, CODECS[name].default)


def depth() -> str:
    """How deep the reader wants to look: a key of DEPTHS."""
    return chosen("depth")


def opened_cell() -> str | None:
    """The number that is opened, as it stands in the address."""
    return chosen("cell")


def select(**changes) -> None:
    """Chooses. Raises ValueError for a name that is no choice, and for a value that can't be
    chosen; nothing is changed then.
    """
    for name, value in changes.items():
        if name not in CODECS:
            raise ValueError(f"There is no choice called “{name}”.")
        if not fits(name, value):
            raise ValueError(f"{name}: {value!r:.80} is not {CODECS[name].message}.")
    st.session_state.update(changes)


def select_what_fits(**changes) -> None:
    """Chooses what can be chosen, and leaves out what is too long or too large, as a reader can
    make it by a click."""
    select(**{name: value for name, value in changes.items() if fits(name, value)})


def fits(name: str, value) -> bool:
    """Whether a value may be chosen under that name."""
    codec = CODECS[name]
    return value is None and codec.default is None or codec.fits(value)
