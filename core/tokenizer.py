"""Text <-> token ids, and which piece belongs to which word and to which characters of the sentence.

The work is done by the `tokenizers` library, from a tokenizer.json or from the vocabulary in a GGUF file's header.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors

from core.errors import GlassError
from core.files import Fields, read_json

LONGEST_TEXT = 1_000_000        # characters; what a page or a model takes is far less
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 1, 2, 3, 4, 6       # kinds of tokens in a GGUF header

# How text is cut before pieces are merged, by the names that GGUF has for it (`tokenizer.ggml.pre`).
_CONTRACTIONS = r"'s|'t|'re|'ve|'m|'ll|'d"
_GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
_LLAMA3 = (rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
_CUTS = {"gpt-2": (_GPT2,), "smollm": (r"\p{N}", _GPT2), "llama-bpe": (_LLAMA3,), "llama3": (_LLAMA3,),
         "llama-v3": (_LLAMA3,)}


@dataclass(frozen=True)
class Encoding:
    """A sentence in pieces. For a sign that the model adds by itself, such as [CLS], span and word are None."""
    text: str
    ids_L: np.ndarray                               # (L,) whole numbers
    pieces: tuple[str, ...]                         # as `Tokenizer.piece` writes them
    spans: tuple[tuple[int, int] | None, ...]       # first character of `text`, and the one behind the last
    words_L: tuple[int | None, ...]                 # the number of the word that the piece is a part of

    def characters(self, position: int) -> str:
        """What was typed for the piece at that position."""
        span = self.spans[position]
        return self.text[slice(*span)] if span else ""

    def word(self, number: int) -> list[int]:
        """The positions of a word's pieces."""
        return [position for position, word in enumerate(self.words_L) if word == number]


class Tokenizer:
    """A tokenizer of the `tokenizers` library that neither cuts nor pads, and that answers in plain records."""

    def __init__(self, library: tokenizers.Tokenizer):
        library.no_padding()            # MiniLM's file switches both on, for batches of 128
        library.no_truncation()
        self.library = library

    def encode(self, text: str, special: bool = True) -> Encoding:
        """The text in pieces. special: with the signs that the model was trained to see around it, such as [CLS]."""
        with understood("This text can't be cut into tokens"):
            found = self.library.encode(text, add_special_tokens=special)
        added = [bool(mask) for mask in found.special_tokens_mask]
        return Encoding(text, np.array(found.ids, dtype=np.int64), tuple(map(self.piece, found.ids)),
                        tuple(None if sign else span for sign, span in zip(added, found.offsets)),
                        tuple(None if sign else word for sign, word in zip(added, found.word_ids)))

    def decode(self, ids_L) -> str:
        """The text of token ids, special signs included."""
        with understood("These tokens can't be turned into text"):
            return self.library.decode([int(i) for i in ids_L], skip_special_tokens=False)

    def piece(self, token_id: int) -> str:
        """One piece of the vocabulary. Bytes are shown as the letters they spell; those that spell none as <F0 9F>."""
        piece = self.library.id_to_token(int(token_id))
        if piece is None:
            return f"#{token_id}"       # a table may have more rows than the vocabulary has words
        return spelled(piece) if self._spells_bytes and int(token_id) not in self._added else piece

    def id_of(self, piece: str) -> int | None:
        """The number of a piece as the vocabulary writes it; None where it has no such piece."""
        return self.library.token_to_id(piece)

    @cached_property
    def unknown(self) -> int | None:
        """The number of the sign for what no piece can write, such as [UNK]; None where everything can be written."""
        sign = getattr(self.library.model, "unk_token", None)
        return self.library.token_to_id(sign) if sign else getattr(self.library.model, "unk_id", None)

    @cached_property
    def spelling(self) -> range:
        """In the vocabulary of a study model, the ids of the letters and syllables that unknown words are spelled with: they
        lie between its words and its French, from the first letter that is no word by itself to the last ##piece."""
        first = self.id_of("b")
        last = max((number for piece, number in self.library.get_vocab().items() if piece.startswith("##")), default=0)
        return range(0) if first is None else range(first, last + 1)

    def is_sign(self, token_id: int) -> bool:
        """Whether a token is no text but a sign of the model's own, such as the end of a text."""
        added = self.library.get_added_tokens_decoder().get(int(token_id))
        return bool(added and added.special)

    def __len__(self) -> int:
        return self.library.get_vocab_size()

    @cached_property
    def _spells_bytes(self) -> bool:
        """Whether pieces are written in the alphabet of byte-level BPE (Radford et al. 2019)."""
        return isinstance(self.library.decoder, decoders.ByteLevel) or "ByteLevel" in repr(self.library.pre_tokenizer)

    @cached_property
    def _added(self) -> frozenset[int]:
        return frozenset(self.library.get_added_tokens_decoder())


def byte_letters() -> dict[str, int]:
    """The letter that byte-level BPE writes for each byte: itself where it can be seen, else one from U+0100 on."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    unseen = [byte for byte in range(256) if byte not in seen]
    return {chr(byte): byte for byte in seen} | {chr(256 + n): byte for n, byte in enumerate(unseen)}


_BYTES = byte_letters()


def spelled(piece: str) -> str:
    """A byte-level piece in real letters: "Ġthe" -> " the"."""
    if not all(letter in _BYTES for letter in piece):
        return piece
    data = bytes(_BYTES[letter] for letter in piece)
    try:
        return data.decode()
    except UnicodeDecodeError:          # a part of a letter that takes several bytes
        return f"<{data.hex(' ').upper()}>"


def check_text(text: str) -> str:
    """The text itself, if it can be read. Raises GlassError where it is no text, far too long, or broken Unicode."""
    if not isinstance(text, str):
        raise GlassError(f"A sentence is needed, not {type(text).__name__}.")
    if len(text) > LONGEST_TEXT:
        raise GlassError(f"This text has {len(text):,} characters; at most {LONGEST_TEXT:,} can be read.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise GlassError(f"The text is broken at character {error.start}: half of a surrogate pair stands there.") from None
    return text


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Whatever the library raises, also a panic of its Rust code, becomes a sentence for the reader."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GlassError):
        raise
    except BaseException as error:      # PanicException is no Exception
        raise GlassError(f"{what} ({str(error)[:200]}).") from None


def from_file(path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json. Raises GlassError if the file is none."""
    read_json(path)                     # its size and that it is JSON, before the library parses it
    with understood(f"{path.name} can't be read as a tokenizer"):
        return Tokenizer(tokenizers.Tokenizer.from_file(str(path)))


def from_gguf(metadata: Mapping) -> Tokenizer | None:
    """The tokenizer in a GGUF header; None where there is none, or of a kind that is not known here.

    Two kinds are: byte-level BPE ("gpt2"), with its ways of cutting text, and SentencePiece BPE ("llama").
    """
    header = Fields(dict(metadata), "The GGUF header")
    kind, cut = header.get("tokenizer.ggml.model"), header.get("tokenizer.ggml.pre")
    if kind == "gpt2" and cut in _CUTS:
        build = byte_level
    elif kind == "llama":
        build = sentencepiece
    else:
        return None
    tokens = words(header, "tokenizer.ggml.tokens")
    with understood("The tokenizer in the GGUF header is damaged"):
        library = build(header, {token: i for i, token in enumerate(tokens)})
    add_signs(header, tokens, library)
    return Tokenizer(library)


def words(header: Fields, key: str) -> list[str]:
    """A list of different texts in a GGUF header."""
    found = header.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(word, str) for word in found):
        header.refuse(key, "a list of texts")
    if len(set(found)) < len(found):
        raise GlassError(f"{header.where} has the same text twice in “{key}”.")
    return found


def numbers(header: Fields, key: str, count: int, default: float | None = None) -> list:
    """A list of as many numbers as there are tokens; absent, it is the default over and over."""
    found = header.get(key, None if default is None else [default] * count)
    if not isinstance(found, list) or len(found) != count or not all(isinstance(n, (int, float)) for n in found):
        header.refuse(key, f"a list of {count} numbers")
    return found


def byte_level(header: Fields, vocabulary: dict[str, int]) -> tokenizers.Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016; Radford et al. 2019): its merges stand in the header."""
    cut, merges = header.get("tokenizer.ggml.pre"), words(header, "tokenizer.ggml.merges")
    pairs = [tuple(merge.split(" ", 1)) for merge in merges]
    # Llama 3 takes a word that is in the vocabulary whole, even where the merges do not lead to it.
    library = tokenizers.Tokenizer(models.BPE(vocabulary, pairs, ignore_merges=_LLAMA3 in _CUTS[cut]))
    library.pre_tokenizer = pre_tokenizers.Sequence([
        *(pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in _CUTS[cut]),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    library.decoder = decoders.ByteLevel()
    return library


def sentencepiece(header: Fields, vocabulary: dict[str, int]) -> tokenizers.Tokenizer:
    """SentencePiece BPE (Kudo & Richardson 2018), as Llama 1 and 2 have it: spaces are ▁, unknown letters their bytes."""
    scores = numbers(header, "tokenizer.ggml.scores", len(vocabulary))
    kinds = numbers(header, "tokenizer.ggml.token_type", len(vocabulary), _NORMAL)
    unknown = next((token for token, kind in zip(vocabulary, kinds) if kind == _UNKNOWN), None)
    pairs = merges_by_score([token for token, kind in zip(vocabulary, kinds) if kind == _NORMAL],
                            dict(zip(vocabulary, scores)), vocabulary)
    library = tokenizers.Tokenizer(models.BPE(vocabulary, pairs, unk_token=unknown, fuse_unk=True,
                                              byte_fallback=_BYTE in kinds))
    prefix = [normalizers.Prepend("▁")] if header.flag("tokenizer.ggml.add_space_prefix", True) else []
    library.normalizer = normalizers.Sequence([*prefix, normalizers.Replace(" ", "▁")])
    library.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                         *([decoders.Strip(" ", 1, 0)] if prefix else [])])
    return library


def merges_by_score(pieces: list[str], scores: Mapping[str, float], vocabulary: Mapping[str, int]) -> list[tuple[str, str]]:
    """The pairs that make each piece, best piece first: SentencePiece keeps scores where BPE has a list of merges."""
    known = set(pieces)
    pairs = [(left, right) for piece in pieces for left, right in
             ((piece[:cut], piece[cut:]) for cut in range(1, len(piece))) if left in known and right in known]
    return sorted(pairs, key=lambda pair: (-scores["".join(pair)], vocabulary[pair[0]], vocabulary[pair[1]]))


def add_signs(header: Fields, tokens: list[str], library: tokenizers.Tokenizer) -> None:
    """Control signs are never cut, and the sign of the beginning stands before every text where the header asks for it."""
    kinds = numbers(header, "tokenizer.ggml.token_type", len(tokens), _NORMAL)
    signs = [AddedToken(token, special=kind == _CONTROL, normalized=False)
             for token, kind in zip(tokens, kinds) if kind in (_CONTROL, _USER_DEFINED)]
    library.add_tokens(signs)
    begin = header.token_id("tokenizer.ggml.bos_token_id", len(tokens))
    if header.flag("tokenizer.ggml.add_bos_token", header.get("tokenizer.ggml.model") == "llama") and begin is not None:
        sign = tokens[begin]
        library.post_processor = processors.TemplateProcessing(
            single=[sign, "$A"], pair=[sign, "$A", sign, "$B"], special_tokens=[(sign, begin)])
