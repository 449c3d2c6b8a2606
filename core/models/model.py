"""From a name to a model that can be asked for traces: `load("minilm").trace("a sentence")`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.config import Config
from core.decoding import greedy_target, rules_of
from core.errors import GlassError
from core.models import (
    auto_tokenizer,
    catalogue,
    download,
    gguf_tokenizer,
    sentencepiece_model,
    tokenizer,
)
from core.models.assembly import plain_arrays
from core.models.fields import Fields, read_json
from core.models.generation_rules import Decoding, decoding_in, decoding_in_gguf
from core.models.gguf_tokenizer import ScoredPieces
from core.models.sentencepiece_model import SentencePieces
from core.models.tokenizer import Tokenizer
from core.models.weights import load_folder, open_tensors, read_gguf
from core.trace import Trace, bytes_of
from core.transformer import forward

OTHER_FILES = (
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "source.spm",
    "target.spm",
)


@dataclass(frozen=True)
class Model:
    """Weights, what they mean, and the tokenizer that belongs to them (None: only token ids can be
    given).
    """

    name: str
    config: Config
    weights: Mapping[str, np.ndarray]
    tokenizer: Tokenizer | SentencePieces | ScoredPieces | None
    target_tokenizer: SentencePieces | None = None  # a translator's, for what its decoder reads
    notes: tuple[str, ...] = ()  # what the files hold that is not run as it is, in sentences
    no_tokenizer: str = ""  # why there is none, a sentence
    decoding: Decoding | None = None  # what the files say of the tokens it may write

    @property
    def nbytes(self) -> int:
        """The bytes of the weights in memory."""
        return bytes_of(self.weights.values())

    def trace(
        self,
        text: str | None = None,
        *,
        ids_L=None,
        target: str | None = None,
        target_ids_L=None,
        **options,
    ) -> Trace:
        """Runs the model on a sentence or on token ids. options: mask, edits, keep, rows,
        segments_L, as in `forward`.

        An encoder–decoder model reads `target` in its decoder; without one it writes its own, token
        by token.
        """
        if (text is None) == (ids_L is None):
            raise GlassError("Give either a sentence or ids_L, and not both.")
        if text is not None:
            encoding = self.encode(text)
            ids_L, options = encoding.ids_L, {"words_L": encoding.words_L} | options
        if self.config.crosses and target_ids_L is None:
            target_ids_L = self.target_ids(ids_L, target)
        elif target is not None:
            raise GlassError(
                "Only an encoder–decoder model reads a target sentence, and either as text or as"
                " ids."
            )
        return forward(self.config, self.weights, ids_L, target_ids_L=target_ids_L, **options)

    def ids(self, text: str, special: bool = True):
        """The token ids of a sentence, (L,)."""
        return self.encode(text, special=special).ids_L

    def encode(self, text: str, special: bool = True) -> tokenizer.Encoding:
        """The sentence in pieces, with their ids and their places in the text."""
        if self.tokenizer is None:
            why = f" {self.no_tokenizer}" if self.no_tokenizer else ""
            raise GlassError(
                f"{self.name} has no tokenizer that can be read here: give token ids "
                f"(ids_L=[…]) instead.{why}"
            )
        return self.tokenizer.encode(tokenizer.check_text(text), special=special)

    def target_ids(self, ids_L, target: str | None):
        """What the decoder reads: the start id and the target's tokens.

        If there is no target, the model writes it. One without an output head can't: its decoder
        then reads the start id alone.
        """
        if target is None and (self.config.head or self.config.start_id is None):
            return greedy_target(self.config, self.weights, ids_L, rules=self.decoding)
        if target is None:
            return [self.config.start_id]
        if self.config.start_id is None:
            raise GlassError(
                "This model's files do not say with which token its decoder begins; give"
                " target_ids_L."
            )
        cut = self.target_tokenizer or self.tokenizer
        ids = (cut.encode(tokenizer.check_text(target)).ids_L if cut else self.ids(target)).tolist()
        ended = bool(ids) and ids[-1] in (*rules_of(self).ends, self.config.end_id)
        return [self.config.start_id, *(ids[:-1] if ended else ids)]


def load(
    name: str | Path, dtype=np.float32, fetch: bool = True, progress: Callable | None = None
) -> Model:
    """A model by catalogue name ("minilm"), folder, .gguf file or Hub name ("org/name").

    dtype: float32, or float64 for checking. fetch: download what is not here yet, calling
    progress(done, total, message).
    """
    path = download.fetch(name, progress) if fetch else catalogue.resolve(name)
    if path.suffix == ".gguf":
        config, weights, metadata = read_gguf(path, dtype)
        cuts, why = unless_refused(lambda: (gguf_tokenizer.from_gguf(metadata), None, ()))
        rules, left_out, said = decoding_in_gguf(metadata, config), (), ()
    else:
        loaded = load_folder(path, dtype)
        config, weights, left_out = loaded.config, loaded.weights, loaded.notes
        cuts, why = unless_refused(lambda: tokenizers_in(path, config))
        config, rules, said = decoding_in(path, config)
    *cuts, about = cuts
    by_ids = (f"Type token ids here, not words. {why}",) if why else ()
    notes = (*left_out, *by_ids, *about, *said)
    return Model(str(name), config, weights, *cuts, notes=notes, no_tokenizer=why, decoding=rules)


def unless_refused(read: Callable) -> tuple[tuple, str]:
    """The two tokenizers and the notes that `read` finds; where it refuses, none and the reason.

    The model then runs by token ids.
    """
    try:
        return read(), ""
    except GlassError as error:
        return (None, None, ()), str(error)


def embedded(
    name: str, shapes: Callable, dtype=np.float32
) -> tuple[Fields, dict[str, np.ndarray], Tokenizer | None]:
    """For a model that is no transformer and lies in assets/models: its config.json, its weights,
    and its tokenizer.

    shapes(config) says which weights there must be, and of which shapes. All that is wrong is a
    GlassError.
    """
    folder = catalogue.embedded(name)
    config = Fields(read_json(folder / "config.json"), "config.json")
    weights = plain_arrays(open_tensors(folder), shapes(config), dtype)
    file = folder / "tokenizer.json"
    return config, weights, tokenizer.from_file(file) if file.exists() else None


def tokenizers_in(
    folder: Path, config: Config
) -> tuple[Tokenizer | SentencePieces, SentencePieces | None, tuple[str, ...]]:
    """The tokenizer of a folder, the one for the other language where a translator has two, notes.

    Raises GlassError, with the reason, where there is none or it can't be read.
    """
    pair = [folder / f"{language}.spm" for language in ("source", "target")]
    if config.family == "Marian" and all(file.exists() for file in (*pair, folder / "vocab.json")):
        two = [sentencepiece_model.marian(file, folder / "vocab.json") for file in pair]
        return *two, auto_tokenizer.of_pieces(folder, set(two[0].signs))
    if (folder / "tokenizer.json").exists():
        cut, said = auto_tokenizer.from_folder(folder, config.family)
        return cut, None, said
    if config.family == "T5" and (file := folder / "spiece.model").exists():
        one = sentencepiece_model.t5(file, config.n_vocab)
        return one, None, auto_tokenizer.of_pieces(folder, set(one.signs))
    raise GlassError(no_tokenizer_in(folder))


def no_tokenizer_in(folder: Path) -> str:
    """What is said of a folder without a tokenizer that can be read."""
    others = [name for name in OTHER_FILES if (folder / name).exists()]
    if not others:
        return "The folder has no tokenizer.json."
    return (
        f"The folder has no tokenizer.json, and {' and '.join(others)} alone can't be "
        "read here. Open it once with AutoTokenizer.from_pretrained(…) of transformers and "
        "save it with save_pretrained(…), which writes tokenizer.json."
    )
