"""Tokenizers that keep a library busy, or make gigabytes of a sentence: small generators, no files.

Each is written as a reader would find it in a folder from elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from tests.helpers.tokenizer_files import gpt2, write

LETTERS = "abcdefghijklmnopqrstuvwxyzж "


def letters() -> Tokenizer:
    """A vocabulary of single letters, without any rule."""
    vocab = {"<unk>": 0} | {letter: i for i, letter in enumerate(LETTERS, 1)}
    return Tokenizer(models.BPE(vocab, [], unk_token="<unk>"))


def pattern_that_backtracks() -> Tokenizer:
    """`a*a*(?!)` fits nowhere: for each letter all ways to part the others are tried."""
    library = letters()
    library.pre_tokenizer = pre_tokenizers.Split(Regex("a*a*(?!)"), "isolated")
    return library


def nested_replacements(letter: str = "ж") -> Tokenizer:
    """Nine rules, each of which makes ten letters of one: of a letter a billion."""
    rules = [normalizers.Replace(letter, letter * 10) for _ in range(9)]
    library = letters()
    library.normalizer = normalizers.Sequence(rules)
    return library


def nested_decoders() -> Tokenizer:
    """The same on the way back from ids to a text."""
    library = letters()
    library.decoder = decoders.Sequence([decoders.Replace("ж", "ж" * 10) for _ in range(9)])
    return library


def repeated_texts() -> Tokenizer:
    """A template that puts the text there two thousand times."""
    library = letters()
    many = " ".join(["$A"] * 2000)
    library.post_processor = processors.TemplateProcessing(many, "$A $B", [])
    return library


def long_words() -> Tokenizer:
    """WordPiece that tries all pieces of a word of any length."""
    library = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    library.model.max_input_chars_per_word = 1 << 30
    return library


def in_folder(folder: Path, library: Tokenizer) -> Path:
    """A folder with that tokenizer alone, which no class builds anew."""
    return write(folder, "gpt2", {"tokenizer_class": "TokenizersBackend"}, library)


def swollen_json(folder: Path) -> Path:
    """A tokenizer.json of 30 MB in which nearly every byte is a list."""
    write(folder, "gpt2", None, gpt2())
    lists = b"[]," * 10_000_000
    (folder / "tokenizer.json").write_bytes(b'{"model": [' + lists + b"[]]}")
    return folder


def long_piece(folder: Path, size: int) -> Path:
    """A tokenizer.json with one piece of so many letters."""
    write(folder, "gpt2", None, gpt2())
    whole = json.loads((folder / "tokenizer.json").read_text())
    whole["model"]["vocab"]["a" * size] = len(whole["model"]["vocab"])
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    return folder
