"""Which rules of a tokenizer are plain: what they cost is known from their kind, and grows with the
text alone.

A rule that is not plain may be harmless, too: a pattern of a new model's own, say. Its texts are
cut in another process first (`first_use`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from tokenizers import models

from .auto_tokenizer import PATTERNS
from .gguf_cuts import CUTS
from .sentencepiece_model import SentencePieces
from .tokenizer import Tokenizer

_GROWTH = 64  # times as long a text may become by what replaces its letters
_LONGEST_RULE = 256  # bytes that one entry of a table of letters may write
_MOST_RULES = 32  # of one kind
_LONGEST_WORD = 1000  # letters of a word that WordPiece cuts: it tries all pieces of it
_PLAIN = frozenset(
    (
        *("BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents"),
        *("BertPreTokenizer", "ByteLevel", "Whitespace", "WhitespaceSplit", "Metaspace", "Digits"),
        *("Punctuation", "CharDelimiterSplit", "UnicodeScripts", "BertProcessing"),
        *("RobertaProcessing", "WordPiece", "BPEDecoder", "CTC", "Fuse", "Strip", "ByteFallback"),
    )
)
_KNOWN = frozenset(
    (
        *PATTERNS,
        *(pattern for cut in CUTS.values() for pattern in cut.patterns),
        *(r" {2,}", r"\s+", r"\s", r"\n", r"\d", r"\p{N}{1,3}", r"\s+$", r"^\s+"),
    )
)
_INSIDE = ("normalizers", "pretokenizers", "processors", "decoders")  # of a sequence


def is_plain(tokenizer) -> bool:
    """Whether all rules of a tokenizer are plain."""
    if isinstance(tokenizer, SentencePieces):
        try:
            return is_plain_table(table_in(tokenizer.library.serialized_model_proto()))
        except (IndexError, KeyError):  # fields of a kind that no such model has
            return False
    if not isinstance(tokenizer, Tokenizer):
        return True  # the pieces of a GGUF file, which are cut by rules of ours
    library = tokenizer.library
    model = library.model
    if isinstance(model, models.WordPiece) and model.max_input_chars_per_word > _LONGEST_WORD:
        return False
    parts = (library.normalizer, library.pre_tokenizer, library.post_processor, library.decoder)
    return all(are_plain(json.loads(part.__getstate__())) for part in parts if part)


def are_plain(part: dict) -> bool:
    """Whether the rules of one part of a tokenizer are plain, also one after the other."""
    rules, growth = list(rules_in(part)), 1.0
    for rule in rules:
        growth *= growth_by(rule)
    return len(rules) <= _MOST_RULES and growth <= _GROWTH


def rules_in(part: dict) -> Iterator[dict]:
    """The rules of a part, those of a sequence in turn."""
    if part.get("type") != "Sequence":
        yield part
        return
    for key in _INSIDE:
        for each in part.get(key, ()):
            yield from rules_in(each)


def growth_by(rule: dict) -> float:
    """How many times as long a text may become by a rule; infinity for one that is not plain."""
    kind, never = rule.get("type"), float("inf")
    if kind in _PLAIN:
        return 1
    if kind == "Prepend":
        return 1 if len(rule["prepend"]) <= _GROWTH else never
    if kind == "Split":
        return 1 if is_known(rule["pattern"]) else never
    if kind == "Replace":
        matched = rule["pattern"].get("String") or " "  # a known pattern matches a letter, or more
        return max(1, len(rule["content"]) / len(matched)) if is_known(rule["pattern"]) else never
    if kind == "Precompiled":
        table = base64.b64decode(rule["precompiled_charsmap"])
        return 1 if is_plain_table(table) else never
    if kind == "TemplateProcessing":
        return 1 if is_plain_template(rule) else never
    return never


def is_known(pattern: dict) -> bool:
    """Whether a pattern is a text that is looked for as it stands, or one of those that are known
    to cost little.
    """
    return bool(pattern.get("String")) or pattern.get("Regex") in _KNOWN


def is_plain_template(rule: dict) -> bool:
    """Whether each text stands once in what is put around it, and the rest is short."""
    for form in (rule["single"], rule["pair"]):
        texts = [each["Sequence"]["id"] for each in form if "Sequence" in each]
        if len(texts) > len(set(texts)) or len(form) > _MOST_RULES:
            return False
    return sum(len(sign["ids"]) for sign in rule["special_tokens"].values()) <= _LONGEST_RULE


# --- tables of letters ----------------------------------------------------------------------------


def is_plain_table(table: bytes) -> bool:
    """Whether no entry of SentencePiece's table of letters writes much: the size of a trie in four
    bytes, the trie, and the texts that letters become, each ended by a zero.
    """
    texts = table[4 + int.from_bytes(table[:4], "little") :]
    return max(map(len, texts.split(b"\0"))) <= _LONGEST_RULE


def table_in(model: bytes) -> bytes:
    """The table of letters in a SentencePiece model: field 2 of its field 3 (Protocol Buffers)."""
    for number, normalizer in fields_in(model):
        if number == 3:
            for inner, table in fields_in(normalizer):
                if inner == 2:
                    return table
    return b""


def fields_in(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a message whose values are bytes, by their numbers; others are passed over. The
    library has read the message before, so it is whole.
    """
    place = 0
    while place < len(message):
        tag, place = varint(message, place)
        kind = tag & 7
        if kind == 2:
            size, place = varint(message, place)
            yield tag >> 3, message[place : place + size]
            place += size
        elif kind == 0:
            _, place = varint(message, place)
        else:
            place += {1: 8, 5: 4}[kind]


def varint(message: bytes, place: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, and the place after it."""
    value, shift = 0, 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
