"""Text <-> token ids by a SentencePiece model (Kudo & Richardson 2018), as T5 (one) and Marian (one
a language) keep it.

Answers as `core.models.tokenizer.Tokenizer` does. The `sentencepiece` library cuts the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np
import sentencepiece

from ..errors import GlassError
from .cut_characters import byte_of
from .fields import LARGEST_VOCABULARY, MOST_IN_VOCABULARY, Fields, read_json, regular_size
from .languages import M2M_100, WMT_21, Languages
from .tokenizer import Encoding, as_refusal, check_pieces

_END = "</s>"
_CODE = re.compile(r">>[^<>]+<<")


class SentencePieces:
    """A SentencePiece model, the ids of its pieces, and the special tokens that are never cut."""

    def __init__(
        self,
        library: sentencepiece.SentencePieceProcessor,
        ids: dict[str, int] | None = None,
        special: dict[str, int] | None = None,
        coded: bool = False,
        languages: Languages | None = None,
        first: str = "",
    ):
        """special: more of them. coded: a text may begin with a language's code, as >>fra<<.
        languages: those that the model translates into, whose codes are no special tokens in a
        text. first: one of them, before each text.
        """
        self.library, self.coded, self.languages, self.first = library, coded, languages, first
        self.guard: Callable[[dict], None] | None = None  # as in Tokenizer
        self.codes = dict(languages.ids) if languages else {}
        self.ids = ids or {library.id_to_piece(i): i for i in range(library.get_piece_size())}
        own = {token: self.ids[token] for token in (_END, "<unk>", "<pad>") if token in self.ids}
        self.special = own | (special or {})
        if _END not in self.special:
            raise GlassError(
                "This SentencePiece vocabulary has no </s>, so it does not belong to a T5 or a"
                " Marian model."
            )
        self.unknown = self.ids.get("<unk>", 0)  # the token for what no piece can write

    def encode(self, text: str, special: bool = True) -> Encoding:
        """The text in pieces, and the token of the end. special: False leaves that one out."""
        if self.guard:
            self.guard({"text": text, "special": special})
        found = []
        for start, part in fragments(text, self._special):
            if part in self.special:
                found.append((part, self.special[part], (start, start + len(part)), True))
            else:
                found += self._pieces_of(part, start)
        later = (begins for *_, begins in found[1:])  # the first piece begins word 0
        words = accumulate(later, initial=0) if found else ()
        rows = [(*piece, word) for (*piece, _), word in zip(found, words, strict=True)]
        rows += [(_END, self.special[_END], None, None)] if special else []
        if special and self.first:
            rows.insert(0, (self.first, self.codes[self.first], None, None))
        pieces, ids, spans, words_L = zip(*rows, strict=True) if rows else ((), (), (), ())
        return Encoding(text, np.array(ids, dtype=np.int64), pieces, spans, words_L)

    def _pieces_of(self, text: str, start: int) -> list[tuple[str, int, tuple[int, int], bool]]:
        """Pieces of a text without special tokens, after the code of a language if it has one."""
        code = self._code(text)
        first = (code, self.ids.get(code, self.unknown), (start, start + len(code)), True)
        return ([first] if code else []) + self._cut(text[len(code) :], start + len(code))

    def _code(self, text: str) -> str:
        """The code of a language with which a text begins, or nothing."""
        found = self.coded and re.match(r">>.*?<<", text, re.DOTALL)
        return found[0] if found else ""

    def _cut(self, text: str, start: int) -> list[tuple[str, int, tuple[int, int], bool]]:
        """Pieces with their ids, their places, and whether a word begins there."""
        with as_refusal("This text cannot be split into tokens"):
            found = self.library.encode(text, return_type="offset_mapping")
        return [
            (
                piece,
                self.ids.get(piece, self.unknown),
                (start + first, start + last),
                piece.startswith("▁"),
            )
            for piece, (first, last) in zip(found["pieces"], found["offsets"], strict=True)
        ]

    def decode(self, ids_L) -> str:
        """The text of token ids, special tokens included."""
        return "".join(self.piece(i) for i in ids_L).replace("▁", " ").strip()

    def piece(self, token_id: int) -> str:
        """One piece of the vocabulary."""
        return self._pieces.get(int(token_id), f"#{token_id}")

    def raw(self, token_id: int) -> bytes | None:
        """The byte that a token writes; None where its piece is text, or a special token."""
        return byte_of(self.piece(token_id))

    def id_of(self, piece: str) -> int | None:
        """The number of a piece as the vocabulary writes it; None where it has no such piece."""
        return (self.ids | self.special | self.codes).get(piece)

    def is_special(self, token_id: int) -> bool:
        """Whether a token is no text but one of the model's own, such as the end of a text."""
        return int(token_id) in self._special_ids

    def __len__(self) -> int:
        return max(self._pieces) + 1

    @cached_property
    def _special_ids(self) -> frozenset[int]:
        codes = (i for piece, i in self.ids.items() if self.coded and _CODE.fullmatch(piece))
        return frozenset((*self.special.values(), *self.codes.values(), *codes))

    @cached_property
    def _pieces(self) -> dict[int, str]:
        known = self.ids | self.special | self.codes
        return {token_id: piece for piece, token_id in known.items()}

    @cached_property
    def _special(self) -> re.Pattern:
        return re.compile(
            "(" + "|".join(map(re.escape, sorted(self.special, key=len, reverse=True))) + ")"
        )


def fragments(text: str, special: re.Pattern) -> list[tuple[int, str]]:
    """The special tokens in a text and what stands between them, each with its first character."""
    found, start = [], 0
    for part in special.split(text):
        if part:
            found.append((start, part))
        start += len(part)
    return found


def processor(path: Path) -> sentencepiece.SentencePieceProcessor:
    """The model in a file. Raises GlassError if it is none."""
    if regular_size(path) > LARGEST_VOCABULARY:
        raise GlassError(
            f"{path.name} is larger than {LARGEST_VOCABULARY >> 20} MB, too large for a"
            " SentencePiece model."
        )
    with as_refusal(f"{path.name} cannot be read as a SentencePiece model"):
        library = sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes())
    check_pieces(library.id_to_piece(list(range(library.get_piece_size()))), path.name)
    return library


def t5_pieces(path: Path, n_vocab: int) -> SentencePieces:
    """T5's vocabulary: the model's pieces, and after them a hundred tokens for gaps, counted
    down (Raffel et al. 2019); mT5's files say that there are none.
    """
    library = processor(path)
    first, count = library.get_piece_size(), options_beside(path).whole("extra_ids", 100, 0, 1000)
    gaps = {f"<extra_id_{count - 1 - n}>": first + n for n in range(count) if first + n < n_vocab}
    return SentencePieces(library, special=gaps)


def options_beside(path: Path) -> Fields:
    """The tokenizer_config.json of the same folder; empty where there is none."""
    file = path.parent / "tokenizer_config.json"
    return Fields(read_json(file) if file.exists() else {}, file.name)


def m2m_100_pieces(path: Path, vocabulary: Path) -> SentencePieces:
    """M2M100's vocabulary: ids of the pieces, and after them the codes of the languages, which
    stand before each text (Fan et al. 2020).
    """
    options, ids = options_beside(path), ids_in(vocabulary)
    codes = options.choice("language_codes", "m2m100", {"m2m100": "m2m100", "wmt21": "wmt21"})
    known = M2M_100 if codes == "m2m100" else WMT_21
    tokens = {f"__{code}__": len(ids) + i for i, code in enumerate(known)}
    source = options.choice("src_lang", "en", {code: f"__{code}__" for code in known})
    spoken = Languages(tokens, True)
    named = {sign: ids[sign] for sign in ("<s>", "<pad>") if sign in ids}
    return SentencePieces(processor(path), ids, named, languages=spoken, first=source)


def marian_pieces(path: Path, vocabulary: Path) -> SentencePieces:
    """One language of a Marian translator: its own model, and ids from the vocabulary that both
    languages share.
    """
    return SentencePieces(processor(path), ids_in(vocabulary), coded=True)


def ids_in(vocabulary: Path) -> dict[str, int]:
    """The number of each piece."""
    ids = read_json(vocabulary, MOST_IN_VOCABULARY)
    if not ids or not all(
        isinstance(i, int) and not isinstance(i, bool) and 0 <= i < 1 << 24 for i in ids.values()
    ):
        raise GlassError(
            f"{vocabulary.name} is not a vocabulary: it needs a number for every piece."
        )
    check_pieces(ids, vocabulary.name)
    return ids
