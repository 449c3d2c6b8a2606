"""What came before attention: the LSTM, a network that reads word after word and carries what it
keeps in a state.

Hochreiter & Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000. It leaves
the same kind of trace as a transformer: `load().trace("a sentence")["lstm.cell"]` is (L, U), and
`explain` opens each of its numbers. U: its units.

At each word a gate has three parts, x·W from the word, h·U from the state that the words before
have left, and a bias; their steps are `lstm.input.word`, `lstm.input.past` and `lstm.input.pre`,
and so for the other gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .config import Shapes
from .errors import GlassError
from .forward_pass import check_ids
from .models import tokenizer
from .models.fields import Fields
from .models.model import load_embedded
from .ops import linear, sigmoid, softmax
from .recorder import KEEP, Run, Scope, check_axes, frozen, provenance
from .trace import Trace, bytes_of, no_layers

GATES = ("input", "forget", "candidate", "output")


@dataclass(frozen=True)
class LstmConfig:
    """The sizes of an LSTM, and what the pages ask of any model."""

    family: str
    n_vocab: int  # V
    d_model: int  # D
    n_units: int  # U; the table of the words is used at both ends, so U is D
    n_positions: int | None = None  # no table limits it
    sides: tuple[str, ...] = ("lstm",)
    crosses: bool = False


@dataclass(frozen=True)
class Lstm:
    """Weights, what they mean, and the tokenizer that belongs to them (None: only token ids can be
    given).
    """

    name: str
    config: LstmConfig
    weights: Mapping[str, np.ndarray]
    tokenizer: tokenizer.Tokenizer | None

    @property
    def nbytes(self) -> int:
        """The bytes of the weights in memory."""
        return bytes_of(self.weights.values())

    def encode(self, text: str) -> tokenizer.Encoding:
        """The sentence in pieces, with their ids and their places in the text."""
        if self.tokenizer is None:
            raise GlassError(f"{self.name} has no tokenizer: give token ids (ids_L=[…]) instead.")
        return self.tokenizer.encode(tokenizer.check_text(text))

    def ids(self, text: str) -> np.ndarray:
        """The token ids of a sentence, (L,)."""
        return self.encode(text).ids_L

    def trace(self, text: str | None = None, *, ids_L=None) -> Trace:
        """Reads a sentence, or token ids."""
        if (text is None) == (ids_L is None):
            raise GlassError("Give either a sentence or ids_L, not both.")
        if text is None:
            return forward(self.config, self.weights, ids_L)
        encoding = self.encode(text)
        return forward(self.config, self.weights, encoding.ids_L, encoding.words_L)


def load(name: str = "study-lstm", dtype=np.float32) -> Lstm:
    """The LSTM that comes with this program. Raises GlassError where its files are missing or
    wrong.
    """
    data, weights, cut = load_embedded(name, lambda data: shapes_in_file(read_config(data)), dtype)
    return Lstm(name, read_config(data), tied(weights), cut)


def read_config(data: Fields) -> LstmConfig:
    """The config, if it is that of an LSTM whose sizes fit; else a GlassError."""
    data.choice("model_type", None, {"glassformer-lstm": "LSTM"})
    config = LstmConfig(
        "LSTM",
        n_vocab=data.whole("n_vocab"),
        d_model=data.whole("d_model"),
        n_units=data.whole("n_units"),
    )
    if config.n_units != config.d_model:
        raise GlassError(
            f"{data.where} gives the LSTM {config.n_units} units but its words {config.d_model}"
            " numbers; both use one table, so the two must be equal."
        )
    return config


def weight_shapes(config: LstmConfig) -> Shapes:
    """Every weight that `forward` reads, with its shape, named after the step that it makes."""
    c = config
    shapes: Shapes = {"lstm.embed.weight": (c.n_vocab, c.d_model)}
    for gate in GATES:
        shapes |= {
            f"lstm.{gate}.weight": (c.d_model, c.n_units),
            f"lstm.{gate}.recurrent": (c.n_units, c.n_units),
            f"lstm.{gate}.bias": (c.n_units,),
        }
    return shapes | {"head.logits.weight": (c.n_vocab, c.n_units), "head.logits.bias": (c.n_vocab,)}


def nbytes_of_run(config: LstmConfig, tokens: int, itemsize: int = 4) -> int:
    """The most bytes that a run takes: all steps, and logits and probabilities of every token."""
    return itemsize * tokens * (2 * config.d_model + 24 * config.n_units + 4 * config.n_vocab)


def shapes_in_file(config: LstmConfig) -> Shapes:
    """The same without the head's table: it is the table of the words (Press & Wolf 2017)."""
    return {
        name: shape for name, shape in weight_shapes(config).items() if name != "head.logits.weight"
    }


def tied(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights of a file, with the table of the words also under the name that the head knows it
    by.
    """
    return {**weights, "head.logits.weight": weights["lstm.embed.weight"]}


# --- the forward pass -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Word:
    """The place of one word: `put` records a row of a step there, and returns it."""

    at: Scope
    row: int

    def w(self, name: str) -> np.ndarray:
        """The weight of that name."""
        return self.at.w(name)

    def put(self, name_and_axes: str, value: np.ndarray) -> np.ndarray:
        """Records this word's row of a step, whose axes are L and what stands after "_"."""
        leaf, axes = name_and_axes.rsplit("_", 1)
        run, name = self.at.run, f"{self.at.path}.{leaf}"
        sizes = run.sizes[self.at.path]
        check_axes(name, axes, tuple(sizes[letter] for letter in axes), value)
        if name not in run.recorded:
            shape = (sizes["L"], *value.shape)
            run.recorded[name] = provenance(leaf, f"L{axes}", shape)
            run.values[name] = np.empty(shape, value.dtype)
        run.values[name][self.row] = value
        return value


def gate(at: Word, name: str, x_D, hidden_U):
    """x·W + h·U + b: from the word, from the state that the words before have left, and a bias."""
    word_U = at.put(f"{name}.word_U", x_D @ at.w(f"{name}.weight"))
    past_U = at.put(f"{name}.past_U", hidden_U @ at.w(f"{name}.recurrent"))
    return at.put(f"{name}.pre_U", word_U + past_U + at.w(f"{name}.bias"))


def read(at: Word, x_D, hidden_U, cell_U):
    """One word: the cell forgets a part of what it held and takes in a part of the new; a part of
    it is shown.
    """
    input_U = at.put("input_U", sigmoid(gate(at, "input", x_D, hidden_U)))
    forget_U = at.put("forget_U", sigmoid(gate(at, "forget", x_D, hidden_U)))
    candidate_U = at.put("candidate_U", np.tanh(gate(at, "candidate", x_D, hidden_U)))
    output_U = at.put("output_U", sigmoid(gate(at, "output", x_D, hidden_U)))
    cell_U = at.put("cell_U", forget_U * cell_U + input_U * candidate_U)
    hidden_U = at.put("hidden_U", output_U * np.tanh(cell_U))
    return hidden_U, cell_U


def forward(config: LstmConfig, weights: Mapping, ids_L, words_L=None) -> Trace:
    """Reads token ids one after the other and returns the trace of every value, the next word
    after each among them. words_L: the word of each token, None for a special token."""
    ids_L = check_ids(config, ids_L)
    sizes = {
        "D": config.d_model,
        "U": config.n_units,
        "V": config.n_vocab,
        "L": len(ids_L),
        "R": len(ids_L),
    }
    run = Run(config, weights, {"lstm": sizes, "head": sizes}, {}, KEEP["all"])
    at, head = run.at("lstm"), run.at("head")
    ids_L = at.put("embed.ids_L", ids_L)
    in_LD = at.put("in_LD", at.w("embed.weight")[ids_L])
    hidden_U = cell_U = np.zeros(config.n_units, in_LD.dtype)
    for row, x_D in enumerate(in_LD):
        hidden_U, cell_U = read(Word(at, row), x_D, hidden_U, cell_U)
    hidden_RU = run.values["lstm.hidden"]
    logits_RV = head.put(
        "logits_RV", linear(hidden_RU, head.w("logits.weight").T, head.w("logits.bias"))
    )
    head.put("probs_RV", softmax(logits_RV))
    for value in run.values.values():
        frozen(value)
    return Trace(run, no_layers, np.arange(len(ids_L)), words_L)
