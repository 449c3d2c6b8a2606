"""The arguments that name a run, and the run itself."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .. import load, lstm, whatif
from ..config import Config
from ..errors import GlassError
from ..lstm import Lstm
from ..memory import room
from ..models import catalogue
from ..models.model import Model
from ..models.streaming import most_held
from ..models.tokenizer import LONGEST_TEXT, ids_typed
from ..operands import WEIGHTS
from ..run_file import ASKED, facts_of, pieces_of
from ..run_size import nbytes_of_run
from ..step_ref import ref_of
from ..steps.letters import axis_words
from ..text import label
from ..trace import Trace
from .screen import doing

LSTM = "study-lstm"
STDIN = "-"
MASKS = {"full": "encoder", "causal": "decoder"}  # the words of the field -> those of core.masks
ALWAYS = 64  # tokens that are read however little memory there is
ALL_KEPT = 768  # up to so many tokens × layers the whole run is kept; beyond, layers run again


@dataclass(frozen=True, eq=False)
class Ran:
    """A run, its model, and what was asked for."""

    model: Model | Lstm
    trace: Trace
    given: Namespace
    sentence: str

    @cached_property
    def pieces(self) -> dict[str, list[str]]:
        """The tokens of each side, as the vocabulary writes them."""
        return pieces_of(self.model.tokenizer, self.trace)

    def tokens(self, side: str) -> list[str]:
        """The tokens of a side, as they are shown."""
        return [label(piece) for piece in self.pieces[side]]

    def word(self, token_id: int) -> str:
        """A token of the vocabulary as it is shown."""
        cut = self.model.tokenizer
        return label(cut.piece(int(token_id))) if cut else f"#{token_id}"

    @property
    def facts(self) -> dict:
        """What is asked and read: the part of a file's description that no array holds."""
        asked = {name: getattr(self.given, name) for name in ASKED}
        return facts_of(self.model, self.trace, self.sentence, self.given.mask, **asked)


def add_model(parser: ArgumentParser) -> None:
    """The argument that names a model."""
    parser.add_argument(
        "--model",
        metavar="NAME|FOLDER",
        default=None,
        help="a name that `models list` has, a folder, or a .gguf file"
        f" (default: {catalogue.default()})",
    )


def add_run(parser: ArgumentParser) -> None:
    """The arguments that name a run, but for the sentence."""
    add_model(parser)
    parser.add_argument(
        "--mask",
        default="trained",
        help="which tokens may look at which: trained (the default), causal (or decoder), full (or"
        " encoder), others (all but itself), or a custom one, such as own:d2-0",
    )
    parser.add_argument(
        "--target", metavar="TEXT", help="what a translator’s decoder reads (default: it writes)"
    )
    parser.add_argument("--second", metavar="TEXT", help="sentence B, for BERT and its relatives")
    parser.add_argument("--chat", action="store_true", help="read the sentence as a chat message")
    parser.add_argument(
        "--change",
        metavar="WHATIF",
        default="",
        help="run the model with a change: head:decoder.3.4, norms, order, … (core/whatif.py)",
    )


def add_sentence(parser: ArgumentParser) -> None:
    """The sentence, as the first argument."""
    parser.add_argument("sentence", help="the text that the model reads; - reads it from stdin")


# --- reading --------------------------------------------------------------------------------------


def model_of(name: str | None) -> Model | Lstm:
    """A model that is on this machine. Raises GlassError where there is none of that name."""
    name = name or catalogue.default()
    with doing(f"Reading {name}"):
        return lstm.load() if name == LSTM else load(name, fetch=False)


def sentence_of(typed: str) -> str:
    """What was typed, or what stands on stdin. Raises GlassError for what is no text."""
    if typed != STDIN:
        return typed
    if sys.stdin is None:
        raise GlassError("There is no stdin to read the sentence from.")
    data = sys.stdin.buffer.read(most := 4 * LONGEST_TEXT)  # a letter has at most four bytes
    if len(data) == most:
        raise GlassError(f"The limit of a text is {LONGEST_TEXT:,} characters; stdin holds more.")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise GlassError(
            f"What stands on stdin is not UTF-8 text: its byte {error.start} begins no letter."
        ) from None


def ran(given: Namespace, sentence: str) -> Ran:
    """The run that was asked for. Raises GlassError where it can't be had."""
    text, model = sentence_of(sentence), model_of(given.model)
    if not text.strip():
        raise GlassError("There is nothing to read: the text is empty or only spaces.")
    with doing("Running it"):
        trace = trace_of(model, text, given)
    return Ran(model, trace, given, text)


def trace_of(model: Model | Lstm, text: str, given: Namespace) -> Trace:
    """The trace of a text under the mask and the change that were asked for."""
    if isinstance(model, Lstm):
        if given.target or given.second or given.chat or given.change or given.mask != "trained":
            raise GlassError("An LSTM has no masks, changes, chats or second texts.")
        ids_L = model.ids(text) if model.tokenizer else np.array(ids_typed(text))
        check_room(len(ids_L), lstm.nbytes_of_run(model.config, len(ids_L)), model.nbytes)
        return model.trace(ids_L=ids_L)
    read = text_read(model, text, given)
    target_ids_L = target_ids_of(model, read, given.target)
    spoken = max(len(read.ids_L), 0 if target_ids_L is None else len(target_ids_L))
    check_tokens(model, spoken)
    layers = model.config.encoder_layers + model.config.decoder_layers
    keep = "all" if spoken * layers <= ALL_KEPT else "layers"
    mask: str = given.mask
    mask = MASKS.get(mask, mask)
    return whatif.run(model, read, target_ids_L, mask, given.change, keep=keep)


def text_read(model: Model, text: str, given: Namespace) -> whatif.Text:
    """The text in pieces; token ids, where the model has no tokenizer."""
    if model.tokenizer is None:
        if given.second or given.chat:
            raise GlassError(f"{model.name} has no tokenizer for a second text or a chat.")
        return whatif.Text(np.array(ids_typed(text, model.no_tokenizer)), None)
    encoding = model.encode(text, given.second or None, chat=given.chat)
    check_tokens(model, len(encoding.ids_L))
    return whatif.text_of(model, encoding)


def target_ids_of(model: Model, read: whatif.Text, target: str | None):
    """What the decoder of a model with an encoder reads: the target, or what it writes itself; None
    for all others.
    """
    if not model.config.crosses:
        if target is not None:
            raise GlassError(
                f"{model.name} has one side: only a translator’s decoder reads a target."
            )
        return None
    if target is None or model.tokenizer:
        return model.target_ids(read.ids_L, target)
    return [model.config.start_id or 0, *ids_typed(target, model.no_tokenizer)]


def check_tokens(model: Model, tokens: int) -> None:
    """A GlassError, where a run of so many tokens does not fit into the memory."""
    outputs = 8 * tokens * model.config.n_vocab  # logits and probabilities, in 32 bits
    check_room(tokens, nbytes_of_run(model.config, tokens) + outputs, most_held(model.weights))


def check_room(tokens: int, needed: int, weights: int) -> None:
    """A GlassError, where a run needs more bytes than there are beside the weights."""
    if tokens > ALWAYS and needed > room() - weights:
        raise GlassError(
            f"This text has {tokens:,} tokens, and a run of them does not fit into"
            f" {room() >> 20:,} MB of memory. Shorten it, or set GLASSFORMER_MEMORY to more."
        )


# --- places ---------------------------------------------------------------------------------------


def place_words(ran: Ran, name: str, index: tuple[int, ...]) -> list[str]:
    """Where a cell stands, axis by axis, in words: head 4, token that looks: books (1)."""
    if name.startswith(WEIGHTS):
        axes = ("row", "column") if len(index) == 2 else ("number",)
        return [f"{axis} {i}" for axis, i in zip(axes, index, strict=True)]
    return [
        f"{axis_words(letter)}: {token} ({i})" if token else f"{axis_words(letter)} {i}"
        for letter, i, token in zip(
            ran.trace.axes(name), index, tokens_at(ran, name, index), strict=True
        )
    ]


def tokens_at(ran: Ran, name: str | None, index: Sequence[int]) -> list[str]:
    """For each axis of a cell the token that stands there; empty where none does."""
    if name is None or name.startswith(WEIGHTS):
        return [""] * len(index)
    axes = ran.trace.axes(name)
    return [token_at(ran, name, letter, i) for letter, i in zip(axes, index, strict=True)]


def token_at(ran: Ran, name: str, letter: str, i: int) -> str:
    """The token at a place of an axis."""
    if letter == "V":
        return ran.word(i)
    if letter not in "LMR":
        return ""
    of_output = letter == "R" or ref_of(name).side == "head"
    return ran.tokens(side_of(ran, name, letter))[int(ran.trace.rows[i]) if of_output else i]


def side_of(ran: Ran, name: str, letter: str) -> str:
    """Whose tokens stand along an axis L, M or R of a step."""
    ref, sides = ref_of(name), ran.trace.config.sides
    if ref.looks_across:
        return "encoder" if letter == "M" else "decoder"
    return ref.side if ref.side in sides else sides[-1]


def transformer(ran: Ran) -> Config:
    """The config of a transformer. Raises GlassError for an LSTM."""
    if not isinstance(ran.trace.config, Config):
        raise GlassError(f"{ran.model.name} is an LSTM: it has no attention and no sum of parts.")
    return ran.trace.config
