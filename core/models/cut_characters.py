"""Which character a piece is making, where a vocabulary of bytes cuts one into several pieces: the
three bytes of 漢, say, in three tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")  # how SentencePiece vocabularies write a byte


@dataclass(frozen=True)
class Part:
    """A part of a character: its bytes first to last, counted from 1, of so many."""

    character: str
    first: int
    last: int
    of: int

    def words(self, shown: str) -> str:
        """ "byte 2 of 3 of 漢". shown: the character as it is written."""
        if self.first == self.last:
            held = f"byte {self.first}"
        else:
            joint = "and" if self.last == self.first + 1 else "to"
            held = f"bytes {self.first} {joint} {self.last}"
        return f"{held} of {self.of} of {shown}"


def byte_of(piece: str) -> bytes | None:
    """The byte that a piece such as <0xE6> stands for; None for any other."""
    found = _BYTE.fullmatch(piece)
    return bytes([int(found[1], 16)]) if found else None


def cut_characters(tokenizer, ids_L: Iterable[int]) -> dict[int, tuple[Part, ...]]:
    """For the positions of pieces that hold a part of a character, which part of which; a
    character that lies whole in a piece is left out, and so is what no text can be made of.
    """
    found: dict[int, tuple[Part, ...]] = {}
    for places, data in stretches([tokenizer.raw(int(i)) for i in ids_L]):
        for start, size in characters_in(data):
            if places[start] == places[start + size - 1]:
                continue
            held: dict[int, list[int]] = {}
            for byte in range(size):
                held.setdefault(places[start + byte], []).append(byte + 1)
            letter = data[start : start + size].decode()
            for place, bytes_ in held.items():
                part = Part(letter, bytes_[0], bytes_[-1], size)
                found[place] = (*found.get(place, ()), part)
    return found


def stretches(raw_L: list[bytes | None]) -> list[tuple[list[int], bytes]]:
    """Neighbouring pieces of bytes joined: for each byte the position of its piece, and the
    bytes. raw_L: None for a piece that is no bytes.
    """
    found: list[tuple[list[int], bytes]] = []
    for place, raw in enumerate(raw_L):
        if raw is None:
            found.append(([], b""))
            continue
        places, data = found.pop() if found else ([], b"")
        found.append(([*places, *[place] * len(raw)], data + raw))
    return found


def characters_in(data: bytes) -> list[tuple[int, int]]:
    """Where the characters of several bytes begin, and of how many they are (UTF-8); bytes that
    are none are passed over.
    """
    found, at = [], 0
    while at < len(data):
        lead = data[at]
        size = 1 + (lead >= 0xC2) + (lead >= 0xE0) + (lead >= 0xF0)
        if size > 1 and is_character(data[at : at + size], size):
            found.append((at, size))
            at += size
        else:
            at += 1
    return found


def is_character(data: bytes, size: int) -> bool:
    """Whether these bytes are one character of that size."""
    try:
        return len(data) == size and len(data.decode()) == 1
    except UnicodeDecodeError:
        return False
