"""The runs of the models: all visitors share them, and each is made once.

RunRequest          a run of a model, in plain words
run_of(request)     that run: the model, the sentence in pieces, the trace
trace_of(request), encoding_of(request), model_of(name)
model_in(request)   the model as that run has it: taught something, or not trained to the end
ids_of(model, text)                     what a model reads of a text, counted
target_ids_of(model, ids_L, target)     what its decoder reads
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from core import load, lstm, time_limit, whatif
from core.course import targets_of
from core.errors import GlassError
from core.lstm import Lstm
from core.models import catalogue
from core.models.cache import differs, stamp_of
from core.models.chat_template import ChatTemplate
from core.models.engines import ENGINES, installed, is_known, trace_with
from core.models.model import Model
from core.models.streaming import most_held
from core.models.tokenizer import Encoding, ids_typed
from core.run_size import longest, nbytes_of_run
from core.trace import Trace
from ui.session import owner
from ui.session.owner import ready_of
from ui.session.rationing import count_taught
from ui.session.selection import LONGEST_TEXT
from ui.session.shelf import SHELF

LSTM = "study-lstm"  # beside the models that can be chosen: what came before attention
ALWAYS = 64  # tokens that are read however little memory there is
# Up to so many tokens, what is predicted after each of them is kept; beyond, after the last one.
ALL_ROWS = 64
# Up to so many tokens × layers the whole trace is kept; beyond, layers are recomputed.
ALL_KEPT = 768
OF_LOGIT = "logit."  # what a request for the gradients of a logit begins with


class Texts(NamedTuple):
    """What a reader has typed for a model to read."""

    sentence: str
    second: str = ""  # sentence B, where a model reads two texts in one input; empty: none
    chat: bool = False  # the sentence is the user's message in the model's chat template


class RunRequest(NamedTuple):
    """A run of a model, in plain words: by these all visitors share its trace."""

    model: str
    sentence: str
    # or a name that core.masks knows, or one drawn by hand: "own:" and its cells (core.whatif)
    mask: str = "trained"
    # what the decoder of an encoder–decoder model is given; empty: it writes it itself
    target: str = ""
    change: str = ""  # what else differs from the model as it was trained (core.whatif)
    second: str = ""  # as in Texts
    chat: bool = False
    engine: str = "numpy"  # who computes the layers, if nothing differs (core.models.engines)
    # what the trace has gradients of: the loss of "all" positions, or of one by its number; a
    # logit, or the difference of two: "logit.POSITION.WORD" or "logit.POSITION.WORD.RIVAL"; or of
    # nothing: empty
    gradients: str = ""

    @property
    def texts(self) -> Texts:
        """What was typed."""
        return Texts(self.sentence, self.second, self.chat)


@dataclass(frozen=True, eq=False)
class Reading:
    """What a model reads of a text."""

    ids_L: np.ndarray
    encoding: Encoding | None  # the pieces; None where the model has no tokenizer

    @property
    def nbytes(self) -> int:
        """The bytes of the ids."""
        return self.ids_L.nbytes


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A trace, the text in pieces, and the model that made it: while a trace is in memory, its
    model can be found.
    """

    model: Model | Lstm
    encoding: Encoding | None  # None where the model has no tokenizer
    trace: Trace

    @property
    def nbytes(self) -> int:
        """The bytes of the trace, and of its gradients."""
        return self.trace.nbytes + (self.trace.gradients.nbytes if self.trace.gradients else 0)


# --- on the shelf ---------------------------------------------------------------------------------


def ready_models() -> tuple[str, ...]:
    """The names of the models that are on this machine, of those that this visitor can choose."""
    return ready_of(tuple(entry.name for entry in owner.models()))


def model_of(name: str) -> Model | Lstm:
    """A model that is on this machine, with its weights."""

    def read():
        with st.spinner("Reading the weights …"):
            loaded = lstm.load() if name == LSTM else load(name, fetch=False)
            _AS_READ[name] = {file: stamp_of(file) for file in weight_files(loaded)}
            return loaded

    return SHELF.get(("model", name), read, stays=True)


_AS_READ: dict[str, dict[Path, list]] = {}  # of each model, the stamps of its files then


def weight_files(model: Model | Lstm) -> list[Path]:
    """The files of a model's weights."""
    place = model.place if isinstance(model, Model) else None
    if place is None:
        return []
    return [place] if place.suffix == ".gguf" else sorted(place.glob("*.safetensors"))


def has_changed_on_disk(name: str) -> bool:
    """Whether the weights of a model that is in memory have been replaced or removed since."""
    now, read = weight_files(model_of(name)), _AS_READ.get(name)
    if read is None:  # it came into memory in another way
        return False
    return now != list(read) or any(differs(file, stamp) for file, stamp in read.items())


@dataclass(frozen=True, eq=False)
class Taught:
    """A model that was taught something, or that is read as it was in its training."""

    model: Model

    @property
    def nbytes(self) -> int:
        """The bytes of its weights."""
        return self.model.nbytes


def model_in(request: RunRequest) -> Model | Lstm:
    """The model as a run has it. Raises GlassError for a lesson that can't be held, and for a step
    of the training after which nothing was kept.
    """
    model, change = model_of(request.model), whatif.lasting(request.change)
    if not change or not isinstance(model, Model):
        return model

    key = ("taught", request.model, change)

    def teach() -> Taught:
        lesson = "learn" in whatif.kinds(change)
        if lesson:
            count_taught(key)
        words = "Teaching the model …" if lesson else "Reading weights …"
        with st.spinner(words), limited(key):
            return Taught(whatif.model_taught(model, change))

    return SHELF.get(key, teach, holds=("model", request.model)).model


def keep_taught(name: str, change: str, model: Model) -> None:
    """Puts a model that was just taught where `model_in` looks for it."""
    SHELF.get(("taught", name, change), lambda: Taught(model), holds=("model", name))


def run_of(request: RunRequest) -> FinishedRun:
    """The run that was asked for. Raises GlassError where there is no such run."""
    model = model_of(request.model)

    def run():
        with st.spinner("Running the model …"), limited(request):
            return run_model(model, request)

    return SHELF.get(request, run, holds=("model", request.model))


def trace_of(request: RunRequest) -> Trace:
    """The trace of a sentence; all visitors share its read-only arrays."""
    return run_of(request).trace


def encoding_of(request: RunRequest) -> Encoding | None:
    """The sentence in pieces with their places in the text; None where the model has no
    tokenizer.
    """
    return run_of(request).encoding


def reading_of(model: Model | Lstm, texts: Texts) -> Reading:
    """What a model reads of a text, which all its runs on that text share."""
    return SHELF.get(("text", model.name, texts), lambda: read_text(model, texts))


def as_it_reads(request: RunRequest) -> RunRequest:
    """The same run without texts that its model can't read: a second one, or a chat. Two names of
    one run would look like a what-if.
    """
    model = model_of(request.model)
    pairs, chats = reads_pairs(model), chat_of(model) is not None
    second = request.second if pairs and request.second.strip() else ""
    return request._replace(second=second, chat=request.chat and chats)


def reads_pairs(model: Model | Lstm) -> bool:
    """Whether a model is made to read two texts in one input."""
    return isinstance(model, Model) and model.reads_pairs


def chat_of(model: Model | Lstm) -> ChatTemplate | None:
    """The template by which a model was taught to answer messages, if its files have one."""
    return model.chat if isinstance(model, Model) else None


def why_not(request: RunRequest) -> str:
    """Why there is no such run, a sentence; empty: there is one, and it is on the shelf. Draws
    nothing, so that a click may ask.
    """
    model = model_of(request.model)

    def run():
        with limited(request):
            return run_model(model, request)

    try:
        SHELF.get(request, run, holds=("model", request.model))
    except (GlassError, KeyError) as error:
        return str(error.args[0])
    return ""


_TOO_LONG: OrderedDict[Hashable, str] = OrderedDict()  # what took too long, and what was said


@contextmanager
def limited(key: Hashable) -> Iterator[None]:
    """What runs inside has only so long. What took too long is not tried again at every click: the
    last few are remembered.
    """
    if said := _TOO_LONG.get(key):
        raise GlassError(said)
    begun, allowed = time_limit.now(), seconds_of_a_run()
    with time_limit.within(allowed):
        try:
            yield
        except GlassError as error:
            if time_limit.now() - begun > allowed:  # and not only what stands around it
                _TOO_LONG[key] = str(error)
                while len(_TOO_LONG) > 100:
                    _TOO_LONG.popitem(last=False)
            raise


def seconds_of_a_run() -> float:
    """How long one computation may take for a visitor of this server."""
    return time_limit.seconds(owner.is_public())


# --- running --------------------------------------------------------------------------------------


def run_model(model: Model | Lstm, request: RunRequest) -> FinishedRun:
    """Runs a model on what was asked for. Raises GlassError where that can't be done."""
    if request.gradients:
        return with_gradients(request)
    reading = reading_of(model, request.texts)
    ids_L, encoding = reading.ids_L, reading.encoding
    words_L = encoding.words_L if encoding else None
    if isinstance(model, Lstm):
        return FinishedRun(
            model, encoding, lstm.forward(model.config, model.weights, ids_L, words_L)
        )
    layers = model.config.encoder_layers + model.config.decoder_layers
    crosses = model.config.crosses
    target_ids_L = target_ids_of(model, ids_L, request.target) if crosses else None
    # the tokens after which something is predicted
    spoken = len(ids_L if target_ids_L is None else target_ids_L)
    rows = None if spoken <= ALL_ROWS else -1
    if uses_engine(request):
        trace = trace_with(
            request.engine, model, ids_L, target_ids_L=target_ids_L, rows=rows, words_L=words_L
        )
        return FinishedRun(model, encoding, trace)
    trace = whatif.run(
        model_in(request),
        whatif.text_of(model, encoding) if encoding else whatif.Text(ids_L, None),
        target_ids_L,
        request.mask,
        whatif.without(request.change, *whatif.OTHER_WEIGHTS),
        keep="all" if max(len(ids_L), spoken) * layers <= ALL_KEPT else "layers",
        rows=rows,
    )
    return FinishedRun(model, encoding, trace)


def with_gradients(request: RunRequest) -> FinishedRun:
    """A run with the gradients of a logit, or of the loss of a decoder's next words."""
    run, asked = run_of(request._replace(gradients="")), request.gradients
    if asked.startswith(OF_LOGIT):
        gradients = run.trace.backward(of=outcome_in(asked))
    else:
        ids_L = run.trace["decoder.embed.ids"].tolist()
        gradients = run.trace.backward(targets_of(ids_L, int(asked) if asked.isdecimal() else None))
    return replace(run, trace=run.trace.with_gradients(gradients))


def of_outcome(request: RunRequest, position: int, word: int, rival: int | None) -> RunRequest:
    """The same run with the gradients of a logit, or of how far it is above a rival's."""
    places = [position, word, *([] if rival is None else [rival])]
    return request._replace(gradients=OF_LOGIT + ".".join(map(str, places)))


def outcome_in(gradients: str) -> tuple[int, ...]:
    """The position, the word and the rival in a request for such gradients; empty: for others."""
    places = gradients.removeprefix(OF_LOGIT) if gradients.startswith(OF_LOGIT) else ""
    return tuple(map(int, filter(None, places.split("."))))


def engine_here(name: str) -> str:
    """The engine of that name; NumPy, where its packages are not there."""
    return name if name in installed() else "numpy"


def uses_engine(request: RunRequest) -> bool:
    """Whether another engine than NumPy computes the layers: it must know the model, and runs it as
    it was trained, on one text.
    """
    plain = (request.mask, request.change, request.second) == ("trained", "", "")
    if request.engine == "numpy" or request.engine not in ENGINES or not plain:
        return False
    model = model_of(request.model)
    return isinstance(model, Model) and model.place is not None and is_known(model.place)


def read_text(model: Model | Lstm, texts: Texts) -> Reading:
    """The token ids of a text, counted, and its pieces. Raises GlassError for a text that is empty
    or too long to be shown.
    """
    text, second, chat = texts
    if not text.strip():
        raise GlassError(
            "There is nothing to read: the text is empty or only spaces. Type a few words."
        )
    if (letters := max(len(text), len(second))) > LONGEST_TEXT:
        raise GlassError(
            f"This text has {letters:,} characters; the limit is {LONGEST_TEXT:,}. Shorten it."
        )
    more = {"second": second or None, "chat": chat} if second or chat else {}
    encoding = model.encode(text, **more) if model.tokenizer else None
    ids_L = encoding.ids_L if encoding else np.array(ids_typed(text, why_no_tokenizer(model)))
    if len(ids_L) > (limit := limit_of(model)).tokens:
        raise GlassError(
            f"This text has {len(ids_L):,} tokens; with {title_of(model)} the limit is"
            f" {limit.tokens:,}{limit.why}. Shorten it."
        )
    return Reading(ids_L, encoding)


class Limit(NamedTuple):
    """How many tokens a model reads here, and the reason, as the end of a sentence."""

    tokens: int
    why: str


def limit_of(model: Model | Lstm) -> Limit:
    """The most tokens: as many as the model has positions for, if a run of them fits into the
    memory there is beside its weights.
    """
    positions = model.config.n_positions
    if isinstance(model, Lstm):
        size_of, weights = partial(lstm.nbytes_of_run, model.config), model.nbytes
    else:
        size_of, weights = partial(nbytes_of_run, model.config), most_held(model.weights)
    fits = max(ALWAYS, longest(size_of, SHELF.room - weights))
    if positions is not None and positions <= fits:
        return Limit(positions, ", the positions that the model has")
    return Limit(fits, f", what fits into {SHELF.room >> 20:,} MB of memory (GLASSFORMER_MEMORY)")


def title_of(model: Model | Lstm) -> str:
    """A model's name as its makers write it."""
    return catalogue.entry_of(model.name).title


def ids_of(model: Model | Lstm, text: str) -> np.ndarray:
    """The token ids of a text. Raises GlassError as `read_text` does."""
    return read_text(model, Texts(text)).ids_L


def why_no_tokenizer(model: Model | Lstm) -> str:
    """Why a model's tokenizer can't be read here, a sentence; empty where that is not known."""
    return model.no_tokenizer if isinstance(model, Model) else ""


def target_ids_of(model: Model, ids_L, target: str) -> Sequence:
    """What the decoder reads: the target, or what the model writes by itself."""
    if not target.strip():
        return model.target_ids(ids_L, None)
    ids_of(model, target)  # raises where it is too long
    if model.tokenizer:
        return model.target_ids(ids_L, target)
    return [model.config.start_id or 0, *ids_typed(target, model.no_tokenizer)]
