"""Reads and uses a tokenizer in a process of its own: `core.models.first_use` asks for it.

What it finds out is only whether that ends within its bounds; what goes wrong otherwise, whoever
reads the same files says.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import GlassError
from .any_tokenizer import Tokenizers, read_tokenizers
from .gguf import open_gguf
from .gguf_tokenizer import from_gguf
from .tokenizer import Tokenizer

# A sentence with what tokenizers look at, and letters in a row, which patterns stumble over.
_TRIED = (
    "The quick brown fox jumps over the lazy dog, 123.5 times: “déjà vu”; 漢字, कि, 👍🏽!\n\n  end",
    "a" * 100 + " " * 100,
)
_open: dict[str, Tokenizers] = {}


def answer(asked: dict) -> dict:
    """{}, whatever was found: it has come to an end."""
    try:
        if "begin" in asked:
            _open["found"] = found = read(asked["begin"])
            for one in filter(None, (found.source, found.target)):
                use(one)
        else:
            repeat(asked)
    except GlassError:
        pass
    return {}


def read(begin: dict) -> Tokenizers:
    """The tokenizers of a folder, or of a GGUF file."""
    if "gguf" in begin:
        metadata, _ = open_gguf(Path(begin["gguf"]))
        return Tokenizers(from_gguf(metadata))
    return read_tokenizers(Path(begin["folder"]), begin["family"], begin["n_vocab"])


def use(one) -> None:
    """Does with a tokenizer what the app does with it."""
    for text in _TRIED:
        one.decode(one.encode(text).ids_L)
    if isinstance(one, Tokenizer):
        _ = one.parts_texts


def repeat(asked: dict) -> None:
    """Cuts a text, or turns ids into one, as is about to be done elsewhere."""
    one = getattr(_open["found"], asked["which"])
    if "ids" in asked:
        one.decode(asked["ids"])
    elif asked.get("second") is None:
        one.encode(asked["text"], asked["special"])
    else:
        one.encode(asked["text"], asked["special"], asked["second"])
