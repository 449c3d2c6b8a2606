"""Text <-> token ids, and which piece belongs to which word and to which characters of the
sentence.

The work is done by the `tokenizers` library, from a tokenizer.json. The vocabulary in a GGUF file's
header is read by `gguf_tokenizer`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import decoders

from ..errors import GlassError
from .cut_characters import byte_of
from .fields import MOST_IN_VOCABULARY, read_json
from .languages import Languages

# The pieces that a study model spells unknown words with (training/vocabulary.py): what stands
# inside a word, a letter or digit, and a consonant with a vowel. Short words that look like one of
# these are words: here are all of its English.
_SPELLING = re.compile(r"##.+|[^\W_]|[bcdfghjklmnprstvwyz][aeiou]")
_SHORT_WORDS = frozenset(("a", "i", "be", "do", "he", "me", "so", "to", "we"))
LONGEST_PIECE = 4096  # letters; the longest that were published have a few hundred
MOST_PIECES = 1 << 20  # the largest vocabulary that was published has 900,000
LONGEST_TEXT = 1_000_000  # characters; what a page or a model takes is far less


@dataclass(frozen=True)
class Encoding:
    """A sentence in pieces, or two (A and B) in one input. For a token that was not typed, such as
    [CLS] or what a chat template puts around a message, span and word are None.
    """

    text: str
    ids_L: np.ndarray  # (L,) whole numbers
    pieces: tuple[str, ...]  # as `Tokenizer.piece` writes them
    spans: tuple[tuple[int, int] | None, ...]  # in its text: first character, one after the last
    words_L: tuple[int | None, ...]  # the number of the word that the piece is a part of
    second: str | None = None  # sentence B
    second_L: tuple[bool, ...] = ()  # whether the piece was typed in sentence B; empty: none was
    segments_L: tuple[int, ...] | None = None  # 0 for A, 1 for B, where the tokenizer counts them
    chat: bool = False  # the text is a message in a chat template

    def in_second(self, position: int) -> bool:
        """Whether the piece at that position was typed in sentence B."""
        return bool(self.second_L) and self.second_L[position]

    def text_at(self, position: int) -> str:
        """The text that the piece at that position was typed in."""
        return self.second or "" if self.in_second(position) else self.text

    def characters(self, position: int) -> str:
        """What was typed for the piece at that position."""
        span = self.spans[position]
        return self.text_at(position)[slice(*span)] if span else ""

    def word(self, number: int) -> list[int]:
        """The positions of a word's pieces."""
        return self._places.get(number, [])

    @cached_property
    def _places(self) -> dict[int | None, list[int]]:
        places: dict[int | None, list[int]] = {}
        for position, word in enumerate(self.words_L):
            places.setdefault(word, []).append(position)
        return places


class Tokenizer:
    """A tokenizer of the `tokenizers` library that neither cuts nor pads, and that answers in plain
    records.
    """

    def __init__(
        self,
        library: tokenizers.Tokenizer,
        segments: bool = True,
        languages: Languages | None = None,
    ):
        """segments: whether the model is told which of two texts a token belongs to. languages:
        those that it translates into, where a code says which.
        """
        self.languages = languages
        # What is asked before the library is, where its rules are not of a known cost (first_use)
        self.guard: Callable[[dict], None] | None = None
        library.no_padding()  # MiniLM's file switches both on, for batches of 128
        library.no_truncation()
        self.library, self.segments = library, segments

    def encode(self, text: str, special: bool = True, second: str | None = None) -> Encoding:
        """The text in pieces. special: with the special tokens that the model was trained to see
        around it, such as [CLS]. second: sentence B, put after it as the tokenizer's file says.
        """
        if self.guard:
            self.guard({"text": text, "second": second, "special": special})
        with as_refusal("This text cannot be split into tokens"):
            found = self.library.encode(text, second, add_special_tokens=special)
        added = [bool(mask) for mask in found.special_tokens_mask]
        second_L = tuple(number == 1 for number in found.sequence_ids)
        words = [None if own else word for own, word in zip(added, found.word_ids, strict=True)]
        return Encoding(
            text,
            np.array(found.ids, dtype=np.int64),
            tuple(map(self.piece, found.ids)),
            tuple(None if own else span for own, span in zip(added, found.offsets, strict=True)),
            counted_on(words, second_L),
            second,
            second_L if second is not None else (),
            tuple(found.type_ids) if self.segments else None,
        )

    @cached_property
    def parts_texts(self) -> bool:
        """Whether it puts a token of its own between two texts, so that they can be told apart."""
        typed = self.encode("a", second="a")
        first = [i for i, span in enumerate(typed.spans) if span and not typed.in_second(i)]
        other = [i for i, span in enumerate(typed.spans) if span and typed.in_second(i)]
        return bool(first and other) and first[-1] + 1 < other[0]

    def decode(self, ids_L) -> str:
        """The text of token ids, special tokens included."""
        ids = [int(i) for i in ids_L]
        if self.guard:
            self.guard({"ids": ids})
        with as_refusal("These tokens cannot be turned into text"):
            return self.library.decode(ids, skip_special_tokens=False)

    def piece(self, token_id: int) -> str:
        """One piece of the vocabulary. Bytes are shown as the letters they spell; those that spell
        none as <F0 9F>.
        """
        piece = self.library.id_to_token(int(token_id))
        if piece is None:
            return f"#{token_id}"  # a table may have more rows than the vocabulary has words
        return (
            spell_bytes(piece) if self._spells_bytes and int(token_id) not in self._added else piece
        )

    def raw(self, token_id: int) -> bytes | None:
        """The bytes that a token writes; None where its piece is text, or a special token."""
        piece = self.library.id_to_token(int(token_id))
        if piece is None or int(token_id) in self._added:
            return None
        return bytes_in(piece) if self._spells_bytes else byte_of(piece)

    def id_of(self, piece: str) -> int | None:
        """The number of a piece as the vocabulary writes it; None where it has no such piece."""
        return self.library.token_to_id(piece)

    @cached_property
    def unknown(self) -> int | None:
        """The number of the token for what no piece can write, such as [UNK]; None where everything
        can be written.
        """
        model = self.library.model
        token = getattr(model, "unk_token", None)
        return self.library.token_to_id(token) if token else getattr(model, "unk_id", None)

    @cached_property
    def spelling(self) -> frozenset[int]:
        """In the vocabulary of a study model, the ids of the pieces that unknown words are spelled
        with: letters, digits, syllables and ##pieces.
        """
        return frozenset(
            number for piece, number in self.library.get_vocab().items() if is_spelling(piece)
        )

    def is_special(self, token_id: int) -> bool:
        """Whether a token is no text but one of the model's own, such as the end of a text."""
        added = self.library.get_added_tokens_decoder().get(int(token_id))
        return bool(added and added.special)

    def __len__(self) -> int:
        return self.library.get_vocab_size()

    @cached_property
    def _spells_bytes(self) -> bool:
        """Whether pieces are written in the alphabet of byte-level BPE (Radford et al. 2019)."""
        return isinstance(self.library.decoder, decoders.ByteLevel) or "ByteLevel" in repr(
            self.library.pre_tokenizer
        )

    @cached_property
    def _added(self) -> frozenset[int]:
        return frozenset(self.library.get_added_tokens_decoder())


def is_spelling(piece: str) -> bool:
    """Whether a study model spells unknown words with a piece of its vocabulary."""
    return bool(_SPELLING.fullmatch(piece)) and piece not in _SHORT_WORDS


def counted_on(words: list[int | None], second_L: Sequence[bool]) -> tuple[int | None, ...]:
    """The numbers of the words of two texts: those of B go on after those of A."""
    pairs = list(zip(words, second_L, strict=True))
    first = max((word + 1 for word, is_b in pairs if word is not None and not is_b), default=0)
    return tuple(word + first if word is not None and is_b else word for word, is_b in pairs)


def byte_letters() -> dict[str, int]:
    """The letter that byte-level BPE writes for each byte: itself where it can be seen, else one
    from U+0100 on.
    """
    seen = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    unseen = [byte for byte in range(256) if byte not in seen]
    return {chr(byte): byte for byte in seen} | {
        chr(256 + n): byte for n, byte in enumerate(unseen)
    }


_BYTES = byte_letters()


def bytes_in(piece: str) -> bytes | None:
    """The bytes that a byte-level piece stands for; None for a piece in other letters."""
    if not all(letter in _BYTES for letter in piece):
        return None
    return bytes(_BYTES[letter] for letter in piece)


def spell_bytes(piece: str) -> str:
    """A byte-level piece in real letters: "Ġthe" -> " the"."""
    data = bytes_in(piece)
    if data is None:
        return piece
    try:
        return data.decode()
    except UnicodeDecodeError:  # a part of a letter that takes several bytes
        return f"<{data.hex(' ').upper()}>"


def check_text(text: str) -> str:
    """The text itself, if it can be read. Raises GlassError where it is no text, far too long, or
    broken Unicode.
    """
    if not isinstance(text, str):
        raise GlassError(f"A sentence must be text, not {type(text).__name__}.")
    if len(text) > LONGEST_TEXT:
        raise GlassError(f"This text has {len(text):,} characters; the limit is {LONGEST_TEXT:,}.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise GlassError(
            f"The text is broken at character {error.start}: half of a surrogate pair is there."
        ) from None
    return text


def ids_typed(text: str, why: str = "") -> list[int]:
    """Token ids typed as numbers, for a model whose tokenizer can't be read here.

    why: the reason, a sentence.
    """
    numbers = re.findall(r"[^\s,]+", text)
    if not all(re.fullmatch(r"[0-9]{1,9}", number) for number in numbers):
        raise GlassError(
            "Glassformer cannot read this model’s tokenizer: type token ids, such as 12 7 431 0,"
            f" instead of words. {why}".rstrip()
        )
    return [int(number) for number in numbers]


@contextmanager
def as_refusal(what: str) -> Iterator[None]:
    """Whatever the library raises, also a panic of its Rust code, becomes a sentence for the
    reader.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GlassError):
        raise
    except BaseException as error:  # PanicException is no Exception
        raise GlassError(f"{what} ({str(error)[:200]}).") from None


def from_file(path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json. Raises GlassError if the file is none."""
    check_whole(read_json(path, MOST_IN_VOCABULARY), path.name)  # before the library parses it
    with as_refusal(f"{path.name} cannot be read as a tokenizer"):
        return Tokenizer(tokenizers.Tokenizer.from_file(str(path)))


def check_whole(whole: dict, where: str) -> None:
    """Raises GlassError for a tokenizer.json with too many pieces, or with one that is too long."""
    model, added = whole.get("model"), whole.get("added_tokens")
    vocab = model.get("vocab") if isinstance(model, dict) else None
    pieces = vocab if isinstance(vocab, (dict, list)) else ()
    check_pieces((each[0] if isinstance(each, list) and each else each for each in pieces), where)
    added = added if isinstance(added, list) else ()
    check_pieces((each.get("content") for each in added if isinstance(each, dict)), where)


def check_pieces(pieces: Iterable, where: str) -> None:
    """Raises GlassError for a vocabulary with too many pieces, or with one that is too long."""
    sizes = [len(piece) for piece in pieces if isinstance(piece, str)]
    if len(sizes) > MOST_PIECES:
        raise GlassError(
            f"{where} holds a vocabulary of {len(sizes):,} pieces; the limit is {MOST_PIECES:,}."
        )
    if (longest := max(sizes, default=0)) > LONGEST_PIECE:
        raise GlassError(
            f"{where} holds a piece of {longest:,} letters; the limit is {LONGEST_PIECE:,}."
        )
