"""The tokenizer of a model, of whichever kind its files hold; or why there is none.

One from elsewhere is first used in a process of its own (`first_use`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import GlassError
from . import auto_tokenizer, first_use, gguf_tokenizer, sentencepiece_model
from .gguf_tokenizer import ScoredPieces
from .sentencepiece_model import SentencePieces
from .tokenizer import Tokenizer

AnyTokenizer = Tokenizer | SentencePieces | ScoredPieces
OTHER_FILES = (
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "target.spm",
)


@dataclass(frozen=True)
class Tokenizers:
    """What is read of a model's text; or why nothing is, and the model runs by token ids."""

    source: AnyTokenizer | None
    target: SentencePieces | None = None  # a translator's other language
    notes: tuple[str, ...] = ()
    refusal: str = ""


def without_tokenizer(error: GlassError) -> Tokenizers:
    """No tokenizer, the reason, and what the reader is told."""
    return Tokenizers(None, notes=(f"Type token ids here, not words. {error}",), refusal=str(error))


def tokenizer_in_gguf(file: Path, metadata: Mapping) -> Tokenizers:
    """The tokenizer in the header of a GGUF file, if it can be read."""
    try:
        gguf_tokenizer.check_sizes(metadata)  # a message that needs no other process
        first_use.check_gguf(file, metadata)
        return Tokenizers(gguf_tokenizer.from_gguf(metadata))
    except GlassError as error:
        return without_tokenizer(error)


def tokenizers_in(folder: Path, family: str, n_vocab: int) -> Tokenizers:
    """The tokenizers of a folder, if they can be read. family, n_vocab: as in Config."""
    try:
        first_use.check_folder(folder, family, n_vocab)
        found = read_tokenizers(folder, family, n_vocab)
    except GlassError as error:
        return without_tokenizer(error)
    first_use.guard(folder, family, n_vocab, {"source": found.source, "target": found.target})
    return found


def read_tokenizers(folder: Path, family: str, n_vocab: int) -> Tokenizers:
    """The tokenizer of a folder, and the one for the other language where a translator has two.

    Raises GlassError, with the reason, where there is none or it can't be read.
    """
    source, target = folder / "source.spm", folder / "target.spm"
    vocabulary = folder / "vocab.json"
    if family == "Marian" and all(each.exists() for each in (source, target, vocabulary)):
        one, other = (
            sentencepiece_model.marian_pieces(file, vocabulary) for file in (source, target)
        )
        return Tokenizers(one, other, auto_tokenizer.notes_on_pieces(folder, set(one.special)))
    if (folder / "tokenizer.json").exists():
        one, notes = auto_tokenizer.from_folder(folder, family)
        return Tokenizers(one, notes=notes)
    if one := pieces_in(folder, family, n_vocab):
        return Tokenizers(one, notes=auto_tokenizer.notes_on_pieces(folder, set(one.special)))
    raise GlassError(no_tokenizer_in(folder))


def pieces_in(folder: Path, family: str, n_vocab: int) -> SentencePieces | None:
    """The tokenizer of a folder that holds a SentencePiece model alone, of the families that do."""
    if family in ("T5", "mT5") and (file := folder / "spiece.model").exists():
        return sentencepiece_model.t5_pieces(file, n_vocab)
    file, vocabulary = folder / "sentencepiece.bpe.model", folder / "vocab.json"
    if family == "M2M100" and file.exists() and vocabulary.exists():
        return sentencepiece_model.m2m_100_pieces(file, vocabulary)
    return None


def no_tokenizer_in(folder: Path) -> str:
    """What is said of a folder without a tokenizer that can be read."""
    others = [name for name in OTHER_FILES if (folder / name).exists()]
    if not others:
        return "The folder has no tokenizer.json."
    return (
        f"The folder has no tokenizer.json, and {' and '.join(others)} alone is not enough. Open"
        " it once with AutoTokenizer.from_pretrained(…) of transformers and save it with"
        " save_pretrained(…), which writes tokenizer.json."
    )
