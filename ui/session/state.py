"""What the reader looks at: the choices, kept in the session and the address, and the trace that
follows from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import load, lstm, whatif
from core.errors import GlassError
from core.lstm import Lstm
from core.models import catalogue
from core.models.model import Model
from core.models.tokenizer import Encoding
from core.step_ref import parse
from core.trace import Trace
from ui.session.choices import (  # noqa: F401  (pages find here what they need to know of the choices)
    AROUND,
    CHOICES,
    DEPTHS,
    EXAMPLES,
    INSIDE,
    LONGEST_BOX,
    MASKS,
    SIDES,
    STAGES,
    STOPS,
    fits,
    spelled,
)
from ui.session.shelf import SHELF
from ui.text import label, plain

LONGEST_TEXT = 4_000  # characters that are run and stand in the address
LONGEST_TOKENS = 256
ALL_ROWS = (
    64  # up to so many tokens, what is predicted after each of them is kept; beyond, after the last
)
ALL_KEPT = (
    768  # up to so many tokens × layers the whole trace is kept; beyond, layers are recomputed
)
DEFAULTS = {key: choice.first for key, choice in CHOICES.items()}
LSTM = "study-lstm"  # beside the models that can be chosen: what came before attention


class Asked(NamedTuple):
    """A run of a model, in plain words: by these all visitors share its trace."""

    model: str
    sentence: str
    # or a name that core.masks knows, or one drawn by hand: "own:" and its cells (core.whatif)
    mask: str = "trained"
    target: str = (
        ""  # what the decoder of an encoder–decoder model is given; empty: it writes it itself
    )
    change: str = ""  # what else differs from the model as it was trained (core.whatif)


@dataclass(frozen=True)
class View:
    """What a page draws: a run, and the layer, head and token that are looked at.

    It holds keys only. Fragments and callbacks outlive the script that made them and hold views: a
    trace in one would stay in memory as long as the visitor, and with it the weights.
    """

    asked: Asked
    side: str  # "encoder" or "decoder"
    layer: int
    head: int
    token: int  # a position on that side
    # which attention is looked at: "attn", each side's own, or "cross", from decoder to encoder
    block: str = "attn"

    @property
    def model(self) -> Model | Lstm:
        """The model that is read."""
        return model_of(self.asked.model)

    @property
    def trace(self) -> Trace:
        """The trace of the run."""
        return trace_of(self.asked)

    @property
    def config(self):
        return self.trace.config

    @property
    def sentence(self) -> str:
        return self.asked.sentence

    @property
    def mask(self) -> str:
        """A key of MASKS."""
        return self.asked.mask.partition(":")[0]

    @property
    def key_head(self) -> int:
        """The set of keys and values that the chosen head uses."""
        return self.config.group(self.head)

    @property
    def title(self) -> str:
        """The model's name as its makers write it."""
        return catalogue.entry_of(self.model.name).title

    @property
    def labels(self) -> list[str]:
        """The tokens of the side that is looked at, as they are shown."""
        return self.tokens(self.side)

    @cached_property
    def _tokens(self) -> dict[str, list[str]]:
        return {
            side: [self.word(i) for i in self.trace[f"{side}.embed.ids"]]
            for side in self.config.sides
        }

    @property
    def encoding(self) -> Encoding | None:
        """The sentence in pieces with their places in the text; None where the model has no
        tokenizer.
        """
        return finished_run(self.asked).encoding

    @property
    def words(self) -> list[int | None]:
        """For each token of the sentence the number of the word it belongs to, None for special
        tokens.
        """
        return list(self.trace.words_L or [])

    def at(self, leaf: str) -> str:
        """A step of the chosen layer by the end of its name: "attn.pattern" ->
        "encoder.0.attn.pattern".
        """
        return f"{self.side}.{self.layer}.{leaf}"

    def attention(self, leaf: str) -> str:
        """A step of the attention that is looked at: "pattern" -> "encoder.0.attn.pattern"."""
        return self.at(f"{self.block}.{leaf}")

    @property
    def seen(self) -> list[str]:
        """The tokens that are looked at in this attention: of the same side, or across."""
        return self.tokens(self.side_of(self.attention("pattern"), "M"))

    def tokens(self, side: str) -> list[str]:
        """The tokens of a side, as they are shown."""
        return self._tokens[side]

    def word(self, token_id: int) -> str:
        """A piece of the vocabulary as it is shown; its number where the model has no tokenizer."""
        return (
            label(self.model.tokenizer.piece(int(token_id)))
            if self.model.tokenizer
            else f"#{token_id}"
        )

    def side_of(self, name: str, letter: str) -> str:
        """Whose tokens stand along an axis L, M or R of a step. Across, the decoder looks, the
        encoder is looked at.
        """
        if ".cross." in name:
            return "encoder" if letter == "M" else "decoder"
        side = name.split(".")[0]
        return side if side in self.config.sides else self.config.sides[-1]


def is_word(token: str) -> bool:
    """Whether a token is (part of) a word, and not punctuation or one of the model's own signs,
    such as [CLS].
    """
    return any(letter.isalnum() for letter in token) and token[0] not in "[<"


# --- the session and the address ------------------------------------------------------------------


def arrive(page: str) -> None:
    """Begins a run. A link from outside, or a step back in the history, asks for what stands in the
    address; on another page of the app the choices stay, but for those in the address.
    """
    SHELF.begin()
    state, asked = st.session_state, st.query_params.to_dict()
    new = "_kept" not in state or get_script_run_ctx().is_history_navigation
    moved = new or state["_page"] != page
    base = DEFAULTS if new else state["_kept"] | ({"cell": None, "swap": ""} if moved else {})
    state["_notes"], state["_asked"], state["_page"] = [], asked if moved else {}, page
    firsts = {} if new else state["_firsts"]
    state["_firsts"] = {key: firsts[key] for key in firsts if key not in state["_asked"]}
    for key in DEFAULTS if moved else ():
        state[key] = taken(key, asked[key]) if key in asked else base[key]
    for key, value in state.pop(
        "_next", {}
    ).items():  # chosen beside the page, by a part of it that runs alone
        state[key] = value
    mend(base)
    if moved:
        state["_playing"] = False
        trail, cell = state.get("trail", []), state["cell"]
        follow(cell.rpartition(":")[0] if cell else state["step"] or "")
        state["trail"] = trail[: trail.index(cell) + 1] if cell in trail else [cell] if cell else []


def mend(kept: dict) -> None:
    """Puts back what was kept where the session has lost a choice, as it does when a run has not
    drawn its widget, or where a browser left something that can't be chosen: a label of another
    model's list, a number out of range."""
    state = st.session_state
    for key in DEFAULTS:
        if key not in state or not fits(key, state[key]):
            state[key] = kept[key] if fits(key, kept[key]) else DEFAULTS[key]


def arrive_alone() -> None:
    """Begins a run of a page alone, after a click in it: the address asks for nothing, and nothing
    was said yet."""
    SHELF.begin()
    st.session_state["_notes"], st.session_state["_asked"] = [], {}
    mend(st.session_state["_kept"])


def follow(step: str) -> None:
    """Where a step is looked at by its name, side and layer at the left go along with it."""
    state, ref = st.session_state, parse(step)
    if state["_page"] == "Every number" and ref and ref.layer is not None:
        state["side"], state["layer"] = ref.side, ref.layer


def taken(key: str, text: str):
    """The value of a choice from the address, or its first one and a note where it is none."""
    choice = CHOICES[key]
    if choice.fits(value := choice.read(text)):
        return value
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    note(f"The address asks for {key} “{shown}”, which is not {choice.wanted}; it is left out.")
    return DEFAULTS[key]


def asked_for(key: str) -> bool:
    """Whether the address asks for what is chosen, and was opened just now."""
    text = st.session_state["_asked"].get(key)
    return text is not None and CHOICES[key].read(text) == st.session_state[key]


def begin(key: str, first, options=None) -> None:
    """Settles a choice whose first value the page finds out: it follows that value until the reader
    makes another choice.

    options: what can be chosen here, where that changes with model and text.
    """
    here = st.session_state
    value, before = here[key], here["_firsts"].get(key)
    if value is not None and options is not None and value not in options:
        if asked_for(key):
            st.warning(
                plain(
                    f"The address asks for {key} “{spelled(value)[:40]}”, which can’t be "
                    "chosen here."
                )
            )
        value = None
    if value is None or value == before:
        here[key] = first
    here["_firsts"][key] = first


def address(**changes) -> dict[str, str]:
    """The choices that differ from the first ones, as they stand in the address; changes: with
    these instead."""
    state = {key: st.session_state.get(key, default) for key, default in DEFAULTS.items()} | changes
    firsts = {"token": st.session_state.get("_first_token")} | st.session_state["_firsts"]
    told = {
        key: spelled(value)
        for key, value in state.items()
        if value not in (DEFAULTS[key], firsts.get(key), None)
    }
    return {key: value for key, value in told.items() if len(value) <= LONGEST_TEXT}


def write_address() -> None:
    """Keeps the choices for the next page, and puts them into the address bar if they are not there
    yet.
    """
    keep()
    if st.query_params.to_dict() != (now := address()):
        st.query_params.from_dict(now)


def keep(**changes) -> None:
    """Remembers the choices beyond this run; changes: with these instead."""
    st.session_state["_kept"] = {
        key: st.session_state.get(key, default) for key, default in DEFAULTS.items()
    } | changes


def note(message: str) -> None:
    """Says something above the page in this run."""
    if message not in st.session_state["_notes"]:
        st.session_state["_notes"].append(message)


def clamped(key: str, size: int) -> None:
    """Brings a choice into 0 … size − 1; says so where the address asked for another."""
    value = st.session_state[key]
    inside = min(max(value, 0), size - 1)
    if value != inside:
        if asked_for(key):
            note(
                f"The address asks for {key} {value}; here they go from 0 to {size - 1}, and"
                f" {inside} is shown."
            )
        st.session_state[key] = inside


def close_number() -> None:
    """Closes the number that was opened: it belonged to what was looked at before."""
    st.session_state["cell"], st.session_state["trail"] = None, []


def new_text() -> None:
    """After a change of what is read: positions in the old text mean nothing in the new one, nor
    does a mask drawn on it.
    """
    here = st.session_state
    here["token"], here["grid"], here["change"] = None, "", ""
    here["mask"] = "trained" if here["mask"] == "own" else here["mask"]
    close_number()


def look_at(asked: Asked) -> None:
    """Makes another run the one that all pages show: its numbers open."""
    here, (mask, _, grid) = st.session_state, asked.mask.partition(":")
    here["mask"], here["change"] = mask, asked.change
    here["grid"] = grid if mask == "own" else here["grid"]
    close_number()  # it belonged to the run before; what opens one in this run does so afterwards


def depth() -> str:
    """How deep the reader wants to look: a key of DEPTHS."""
    return st.session_state["depth"]


# --- models and traces, shared by all visitors ----------------------------------------------------


@st.cache_data(ttl=20, show_spinner=False)
def ready_models() -> tuple[str, ...]:
    """The names of the models that are on this machine."""
    return tuple(entry.name for entry in catalogue.listed() if catalogue.find(entry.name))


@dataclass(frozen=True, eq=False)
class Run:
    """A trace and the model that made it: while a trace is in memory, its model can be found.
    encoding: the sentence in pieces; None where the model has no tokenizer.
    """

    model: Model | Lstm
    encoding: Encoding | None
    trace: Trace

    @property
    def nbytes(self) -> int:
        """The bytes of the trace."""
        return self.trace.nbytes


def model_of(name: str) -> Model | Lstm:
    """A model that is on this machine, with its weights."""

    def read():
        with st.spinner("Reading the weights …"):
            return lstm.load() if name == LSTM else load(name, fetch=False)

    return SHELF.get(("model", name), read, stays=True)


def trace_of(asked: Asked) -> Trace:
    """The trace of a sentence; all visitors share its read-only arrays."""
    return finished_run(asked).trace


def finished_run(asked: Asked) -> Run:
    """What was asked for, from the shelf or run now."""
    model = model_of(asked.model)

    def run():
        with st.spinner("Running the model …"):
            return run_of(model, asked)

    return SHELF.get(asked, run, holds=("model", asked.model))


def run_of(model: Model | Lstm, asked: Asked) -> Run:
    """Runs a model on what was asked for. Raises GlassError where that can't be done."""
    encoding = encode(model, asked.sentence)
    ids_L = counted_ids(model, asked.sentence, encoding)
    words_L = encoding and encoding.words_L
    if isinstance(model, Lstm):
        return Run(model, encoding, lstm.forward(model.config, model.weights, ids_L, words_L))
    target_ids_L = targets_of(model, ids_L, asked.target) if model.config.crosses else None
    trace = whatif.run(
        model,
        whatif.Text(ids_L, words_L),
        target_ids_L,
        asked.mask,
        asked.change,
        **kept_of(model, ids_L, target_ids_L),
    )
    return Run(model, encoding, trace)


def kept_of(model: Model, ids_L, target_ids_L) -> dict:
    """How much of a run is kept, as options of `forward`."""
    # The tokens after which something is predicted.
    spoken = len(ids_L if target_ids_L is None else target_ids_L)
    tokens = max(len(ids_L), spoken)
    layers = model.config.encoder_layers + model.config.decoder_layers
    return {
        "keep": "all" if tokens * layers <= ALL_KEPT else "layers",
        "rows": None if spoken <= ALL_ROWS else -1,
    }


def encode(model: Model | Lstm, text: str) -> Encoding | None:
    """A text in pieces; None where the model has no tokenizer. Raises GlassError for one that is
    empty or has too many letters to be shown.
    """
    if not text.strip():
        raise GlassError(
            "There is nothing to read: the text is empty or has only spaces. Type a few words."
        )
    if len(text) > LONGEST_TEXT:
        raise GlassError(
            f"This text has {len(text):,} characters; at most {LONGEST_TEXT:,} are read here."
            " Shorten it."
        )
    return model.encode(text) if model.tokenizer else None


def ids_of(model: Model | Lstm, text: str):
    """The token ids of a text, counted. Raises GlassError for one that is empty or too long to be
    shown.
    """
    return counted_ids(model, text, encode(model, text))


def counted_ids(model: Model | Lstm, text: str, encoding: Encoding | None):
    """The token ids of a text: those of its pieces, or, without a tokenizer, those typed. Raises
    GlassError where they are too many to be shown.
    """
    why = "" if isinstance(model, Lstm) else model.no_tokenizer
    ids_L = encoding.ids_L if encoding else ids_typed(text, why)
    limit = min(LONGEST_TOKENS, model.config.n_positions or LONGEST_TOKENS)
    if len(ids_L) > limit:
        raise GlassError(
            f"This text has {len(ids_L)} tokens; at most {limit} can be shown. Shorten it."
        )
    return ids_L


def ids_typed(text: str, why: str = "") -> list[int]:
    """Token ids typed as numbers, for a model whose tokenizer can't be read here.

    why: the reason, a sentence.
    """
    numbers = re.findall(r"[^\s,]+", text)
    if not all(re.fullmatch(r"[0-9]{1,9}", number) for number in numbers):
        raise GlassError(
            "This model's tokenizer can't be read here: type token ids, such as "
            f"12 7 431 0, not words. {why}".rstrip()
        )
    return [int(number) for number in numbers]


def targets_of(model: Model, ids_L, target: str):
    """What the decoder reads: the target, or what the model writes by itself."""
    if not target.strip():
        return model.target_ids(ids_L, None)
    ids_of(model, target)
    if model.tokenizer:
        return model.target_ids(ids_L, target)
    return [model.config.start_id or 0, *ids_typed(target, model.no_tokenizer)]


def new_model() -> None:
    """Another model cuts the text otherwise: the word that was looked at is found again by its
    letters.
    """
    st.session_state["_word"] = st.session_state.get("_looked_at")
    new_text()
