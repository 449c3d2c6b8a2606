"""Text <-> token ids by a SentencePiece model (Kudo & Richardson 2018), as T5 (one) and Marian (one
a language) keep it.

Answers as `core.models.tokenizer.Tokenizer` does. The `sentencepiece` library cuts the text.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import numpy as np
import sentencepiece

from core.errors import GlassError
from core.models.fields import read_json, regular_size
from core.models.tokenizer import Encoding, understood

_LARGEST = 1 << 26  # bytes; the published ones have up to five million
_END = "</s>"
_CODE = re.compile(r">>[^<>]+<<")


class SentencePieces:
    """A SentencePiece model, the ids of its pieces, and the signs that are never cut."""

    def __init__(
        self,
        library: sentencepiece.SentencePieceProcessor,
        ids: dict[str, int] | None = None,
        signs: dict[str, int] | None = None,
        coded: bool = False,
    ):
        """signs: more of them. coded: a text may begin with the code of a language, as >>fra<<."""
        self.library, self.coded = library, coded
        self.ids = ids or {library.id_to_piece(i): i for i in range(library.get_piece_size())}
        own = {sign: self.ids[sign] for sign in (_END, "<unk>", "<pad>") if sign in self.ids}
        self.signs = own | (signs or {})
        if _END not in self.signs:
            raise GlassError(
                "This SentencePiece vocabulary has no </s>, so it does not belong to a T5 or a"
                " Marian model."
            )
        self.unknown = self.ids.get(
            "<unk>", 0
        )  # the number of the sign for what no piece can write

    def encode(self, text: str, special: bool = True) -> Encoding:
        """The text in pieces, and the sign of the end. special: False leaves that sign out."""
        pieces, ids, spans, words = [], [], [], []
        for start, part in parts(text, self._sign):
            if part in self.signs:
                found = [(part, self.signs[part], (start, start + len(part)), True)]
            else:
                code = self._code(part)
                first = (code, self.ids.get(code, self.unknown), (start, start + len(code)), True)
                found = [first] if code else []
                found += self._cut(part[len(code) :], start + len(code))
            for piece, token_id, span, begins in found:
                pieces.append(piece), ids.append(token_id), spans.append(span)
                words.append((words[-1] if words else -1) + (begins or not words))
        if special:
            (
                pieces.append(_END),
                ids.append(self.signs[_END]),
                spans.append(None),
                words.append(None),
            )
        return Encoding(
            text, np.array(ids, dtype=np.int64), tuple(pieces), tuple(spans), tuple(words)
        )

    def _code(self, text: str) -> str:
        """The code of a language with which a text begins, or nothing."""
        found = self.coded and re.match(r">>.*?<<", text, re.DOTALL)
        return found[0] if found else ""

    def _cut(self, text: str, start: int) -> list[tuple[str, int, tuple[int, int], bool]]:
        """Pieces with their ids, their places, and whether a word begins there."""
        with understood("This text can't be cut into tokens"):
            found = self.library.encode(text, return_type="offset_mapping")
        return [
            (
                piece,
                self.ids.get(piece, self.unknown),
                (start + first, start + last),
                piece.startswith("▁"),
            )
            for piece, (first, last) in zip(found["pieces"], found["offsets"])
        ]

    def decode(self, ids_L) -> str:
        """The text of token ids, special signs included."""
        return "".join(self.piece(i) for i in ids_L).replace("▁", " ").strip()

    def piece(self, token_id: int) -> str:
        """One piece of the vocabulary."""
        return self._pieces.get(int(token_id), f"#{token_id}")

    def id_of(self, piece: str) -> int | None:
        """The number of a piece as the vocabulary writes it; None where it has no such piece."""
        return (self.ids | self.signs).get(piece)

    def is_sign(self, token_id: int) -> bool:
        """Whether a token is no text but a sign of the model's own, such as the end of a text."""
        return int(token_id) in self._sign_ids

    def __len__(self) -> int:
        return max(self._pieces) + 1

    @cached_property
    def _sign_ids(self) -> frozenset[int]:
        codes = (i for piece, i in self.ids.items() if self.coded and _CODE.fullmatch(piece))
        return frozenset((*self.signs.values(), *codes))

    @cached_property
    def _pieces(self) -> dict[int, str]:
        return {token_id: piece for piece, token_id in (self.ids | self.signs).items()}

    @cached_property
    def _sign(self) -> re.Pattern:
        return re.compile(
            "(" + "|".join(map(re.escape, sorted(self.signs, key=len, reverse=True))) + ")"
        )


def parts(text: str, sign: re.Pattern) -> list[tuple[int, str]]:
    """The signs in a text and what stands between them, each with the place where it begins."""
    found, start = [], 0
    for part in sign.split(text):
        if part:
            found.append((start, part))
        start += len(part)
    return found


def processor(path: Path) -> sentencepiece.SentencePieceProcessor:
    """The model in a file. Raises GlassError if it is none."""
    if regular_size(path) > _LARGEST:
        raise GlassError(
            f"{path.name} is larger than {_LARGEST >> 20} MB, which no SentencePiece model"
            " should be."
        )
    with understood(f"{path.name} can't be read as a SentencePiece model"):
        return sentencepiece.SentencePieceProcessor(model_proto=path.read_bytes())


def t5(path: Path, n_vocab: int) -> SentencePieces:
    """T5's vocabulary: the model's pieces, and behind them a hundred signs for gaps, counted down
    (Raffel et al. 2019).
    """
    library = processor(path)
    first = library.get_piece_size()
    gaps = {f"<extra_id_{99 - n}>": first + n for n in range(100) if first + n < n_vocab}
    return SentencePieces(library, signs=gaps)


def marian(path: Path, vocabulary: Path) -> SentencePieces:
    """One language of a Marian translator: its own model, and ids from the vocabulary that both
    languages share.
    """
    ids = read_json(vocabulary)
    if not ids or not all(
        isinstance(i, int) and not isinstance(i, bool) and 0 <= i < 1 << 24 for i in ids.values()
    ):
        raise GlassError(f"{vocabulary.name} is no vocabulary: a number for every piece is needed.")
    return SentencePieces(processor(path), ids, coded=True)
