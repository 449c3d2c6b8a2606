"""What a page draws: a run, and the place in it that is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core import whatif
from core.lstm import Lstm
from core.models import catalogue
from core.models.model import Model
from core.models.tokenizer import Encoding
from core.trace import Trace
from ui.session.runs import RunRequest, Texts, encoding_of, model_in, trace_of
from ui.text import HIDING, label, told_apart


@dataclass(frozen=True)
class View:
    """What a page draws: a run, and the layer, head and token that are looked at.

    It holds keys only. Fragments and callbacks outlive the script that made them and hold views: a
    trace in one would stay in memory as long as the visitor, and with it the weights.
    """

    request: RunRequest
    side: str  # "encoder" or "decoder"
    layer: int
    head: int
    token: int  # a position on that side
    # which attention is looked at: "attn", each side's own, or "cross", from decoder to encoder
    block: str = "attn"

    @property
    def model(self) -> Model | Lstm:
        """The model that is read, as this run has it."""
        return model_in(self.request)

    @property
    def taught(self) -> str:
        """What the model was taught before this run, or how far it was trained, as a what-if;
        empty: it is as it is.
        """
        return whatif.lasting(self.request.change)

    @property
    def trace(self) -> Trace:
        """The trace of the run."""
        return trace_of(self.request)

    @property
    def config(self):
        """The sizes of the model, as this run had them."""
        return self.trace.config

    @property
    def sentence(self) -> str:
        """What was typed."""
        return self.request.sentence

    @property
    def texts(self) -> Texts:
        """What was typed, with a second text and whether it is a message of a chat."""
        return self.request.texts

    @property
    def mask(self) -> str:
        """A key of MASKS."""
        return self.request.mask.partition(":")[0]

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

    @property
    def names(self) -> list[str]:
        """The same tokens as labels of a figure: those that stand several times are told apart."""
        return self.names_of(self.side)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        return {side: told_apart(self.tokens(side)) for side in self.config.sides}

    @cached_property
    def _tokens(self) -> dict[str, list[str]]:
        return {
            side: [self.word(i) for i in self.trace[f"{side}.embed.ids"]]
            for side in self.config.sides
        }

    @property
    def hiding(self) -> str:
        """The token of the vocabulary that hides a word; empty where there is none."""
        known = self.model.tokenizer
        return next((each for each in HIDING if known and known.id_of(each) is not None), "")

    @property
    def encoding(self) -> Encoding | None:
        """The sentence in pieces with their places in the text; None where the model has no
        tokenizer.
        """
        return encoding_of(self.request)

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

    def names_of(self, side: str) -> list[str]:
        """The tokens of a side as labels of a figure, told apart."""
        return self._names[side]

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
