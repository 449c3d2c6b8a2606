"""Text <-> token ids by the vocabulary in a GGUF file's header, as llama.cpp cuts text.

Three kinds are known: byte-level BPE ("gpt2"), with its ways of cutting text (`gguf_cuts`),
SentencePiece BPE ("llama"), and WordPiece ("bert"). A special token that is typed is read as one,
as llama.cpp does with parse_special = true and `transformers` always does. The source is
src/llama-vocab.cpp of llama.cpp; every key that it reads under `tokenizer.ggml` is in this list:

    model, pre                          done, or refused by name
    tokens, scores, token_type, merges  done; a token that stands there twice is refused
    bos_token_id, add_bos_token         done, with llama.cpp's defaults for each kind
    eos_token_id, add_eos_token         done
    add_space_prefix                    done
    seperator_token_id, unknown_token_id, normalizer.lowercase, normalizer.strip_accents
                                        done for "bert", no effect on the other kinds
    add_sep_token, remove_extra_whitespaces, precompiled_charsmap    no effect on these kinds
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors

from ..errors import GlassError
from .cut_characters import byte_of
from .fields import Fields, quote
from .gguf_cuts import CUTS
from .tokenizer import Encoding, Tokenizer, as_refusal, check_pieces

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED = 1, 2, 3, 4  # kinds of tokens in a GGUF header
_WHOLE = (_UNKNOWN, _CONTROL, _USER_DEFINED)  # found in a text before it is cut
_SPACE = "▁"

# Tokens that llama.cpp takes for special by their text, whatever their kind says.
_SPECIAL = frozenset(
    (
        "<|eot_id|>",
        "<|im_end|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "<|flush|>",
        "<|calls|>",
        "<end_of_turn>",
        "<|endoftext|>",
        "</s>",
        "<|eom_id|>",
        "<EOT>",
        "_<EOT>",
        "[EOT]",
        "[EOS]",
        "<|end_of_text|>",
        "<end_of_utterance>",
        "<eos>",
        "<turn|>",
        "<|tool_response>",
        "<｜end▁of▁sentence｜>",
        "[e~[",
        "<|channel|>",
        "<|message|>",
        "<|start|>",
        "<|constrain|>",
        *(f"<|fim_{part}|>" for part in ("prefix", "suffix", "middle", "pad", "repo")),
        "<|file_sep|>",
        *(f"<fim{dash}{part}>" for dash in "-_" for part in ("prefix", "suffix", "middle", "pad")),
        *(f"<｜fim▁{part}｜>" for part in ("begin", "hole", "end")),
        "<fim-repo>",
        "<reponame>",
        "<REPO>",
        *(f"{space}<{part}>" for space in ("", _SPACE) for part in ("PRE", "SUF", "MID")),
        "<PAD>",
        "[PAD]",
        *(f"<|{code}{part}|>" for code in ("", "code_") for part in ("prefix", "suffix", "middle")),
        "<|repo_name|>",
    )
)


def from_gguf(metadata: Mapping) -> Tokenizer | ScoredPieces:
    """The tokenizer in a GGUF header. Raises GlassError, with the reason, if it can't be read."""
    header = Fields(dict(metadata), "The GGUF header")
    check_sizes(metadata)
    check_kind(header)
    tokens = read_tokens(header)
    kinds = read_numbers(header, "tokenizer.ggml.token_type", len(tokens), _NORMAL)
    kinds = [
        _CONTROL if token in _SPECIAL else kind for token, kind in zip(tokens, kinds, strict=True)
    ]
    if header.get("tokenizer.ggml.model") == "bert":
        return Tokenizer(word_pieces(header, tokens, kinds))
    begin, end = ids_around(header, len(tokens))
    if header.get("tokenizer.ggml.model") == "llama":
        scores = read_numbers(header, "tokenizer.ggml.scores", len(tokens), 0.0)
        prefix = header.flag("tokenizer.ggml.add_space_prefix", True)
        return ScoredPieces(tuple(tokens), tuple(scores), tuple(kinds), begin, end, prefix)
    with as_refusal("The tokenizer in the GGUF header is damaged"):
        library = byte_level(header, tokens, kinds)
        library.post_processor = template(tokens, begin, end)
    return Tokenizer(library)


def check_sizes(metadata: Mapping) -> None:
    """Raises GlassError for a vocabulary with too many pieces or merges, or with one that is too
    long, before anything is done with it.
    """
    for name in ("tokens", "merges"):
        found = metadata.get(f"tokenizer.ggml.{name}")
        check_pieces(found if isinstance(found, list) else (), "The GGUF header")


def check_kind(header: Fields) -> None:
    """Raises GlassError, with the key and its value, for a way of cutting text that we lack."""
    kind, cut = header.get("tokenizer.ggml.model"), header.get("tokenizer.ggml.pre")
    name = str(header.get("general.name", "")).lower()
    if kind is None:
        raise GlassError(f"{header.where} has no tokenizer (“tokenizer.ggml.model” is absent).")
    if kind not in ("gpt2", "llama", "bert"):
        raise GlassError(
            f"{header.where} has a tokenizer of type {quote(kind)} (“tokenizer.ggml.model”),"
            " which Glassformer cannot read."
        )
    if kind == "gpt2" and not (isinstance(cut, str) and cut in CUTS):
        raise GlassError(
            f"{header.where} has a tokenizer that splits text by “tokenizer.ggml.pre” ="
            f" {'nothing' if cut is None else quote(cut)}; Glassformer knows only"
            f" {', '.join(CUTS)}."
        )
    if "phi-3" in name or "phi3" in name:
        raise GlassError(
            f"{header.where} calls the model “phi-3” (“general.name”), whose special tokens"
            " swallow the spaces after them; Glassformer does not do that."
        )


def read_texts(header: Fields, key: str) -> list[str]:
    """A list of texts in a GGUF header."""
    found = header.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(text, str) for text in found):
        header.refuse(key, "a list of texts")
    return found


def read_tokens(header: Fields) -> list[str]:
    """The tokens, no two alike. An empty one is called [EMPTY_7], as in llama.cpp."""
    tokens = [
        token or f"[EMPTY_{i}]"
        for i, token in enumerate(read_texts(header, "tokenizer.ggml.tokens"))
    ]
    first: dict[str, int] = {}
    for i, token in enumerate(tokens):
        if first.setdefault(token, i) != i:
            raise GlassError(
                f"{header.where} has the token {quote(token)} twice, as {first[token]} and as"
                f" {i}, so its text is ambiguous."
            )
    return tokens


def read_numbers(header: Fields, key: str, count: int, default: float) -> list:
    """A number for each token; absent, it is the default over and over."""
    found = header.get(key, [default] * count)
    if (
        not isinstance(found, list)
        or len(found) < count
        or not all(isinstance(n, (int, float)) and n == n for n in found)
    ):
        header.refuse(key, f"a list of {count} numbers")
    return found[:count]


def ids_around(header: Fields, count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The tokens before and after every text, with llama.cpp's defaults for what is left open."""
    is_llama = header.get("tokenizer.ggml.model") == "llama"
    begins = is_llama or CUTS[header.get("tokenizer.ggml.pre")].begins
    found = []
    for name, default_adds, default_id in (
        ("bos", begins, 1 if is_llama else 11),
        ("eos", False, 2 if is_llama else 11),
    ):
        key = f"tokenizer.ggml.{name}_token_id"
        token_id = header.token_id(key, count)
        token_id = default_id if token_id is None and default_id < count else token_id
        adds = header.flag(f"tokenizer.ggml.add_{name}_token", default_adds)
        if adds and token_id is None:
            raise GlassError(
                f"{header.where} puts around every text a token that is not in the vocabulary"
                f" (“{key}”)."
            )
        found.append((token_id,) if adds else ())
    return found[0], found[1]


# --- byte-level BPE -------------------------------------------------------------------------------


def byte_level(header: Fields, tokens: list[str], kinds: list[int]) -> tokenizers.Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016; Radford et al. 2019), by the header's merges."""
    # Of equal merges the first counts.
    merges = dict.fromkeys(read_texts(header, "tokenizer.ggml.merges"))
    pairs = [(left, right) for left, right in (merge.split(" ", 1) for merge in merges)]
    ids = {token: i for i, token in enumerate(tokens)}
    cut = CUTS[header.get("tokenizer.ggml.pre")]
    library = tokenizers.Tokenizer(models.BPE(ids, pairs, ignore_merges=cut.whole_words))
    splits = (pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in cut.patterns)
    spelling = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    library.pre_tokenizer = pre_tokenizers.Sequence([*splits, spelling])
    library.decoder = decoders.ByteLevel()
    library.add_tokens(whole_tokens(tokens, kinds))
    return library


def whole_tokens(tokens: list[str], kinds: list[int]) -> list[AddedToken]:
    """The tokens that are found in a text before it is cut."""
    return [
        AddedToken(token, special=kind == _CONTROL, normalized=False)
        for token, kind in zip(tokens, kinds, strict=True)
        if kind in _WHOLE
    ]


def template(tokens: list[str], begin: tuple, end: tuple) -> processors.TemplateProcessing:
    """Puts ids before and after a text, under names of ours: a token's text may hold a colon."""
    first, last = [f"begin{i}" for i in begin], [f"end{i}" for i in end]
    named = zip((*first, *last), (*begin, *end), strict=True)
    return processors.TemplateProcessing(
        single=[*first, "$A", *last],
        pair=["$A", "$B"],
        special_tokens=[{"id": name, "ids": [i], "tokens": [tokens[i]]} for name, i in named],
    )


# --- WordPiece ------------------------------------------------------------------------------------


def word_pieces(header: Fields, tokens: list[str], kinds: list[int]) -> tokenizers.Tokenizer:
    """WordPiece, as in BERT (Devlin et al. 2018). The file has ▁ before a piece that begins a word,
    and nothing before one that goes on, where BERT's own vocabulary has ##.

    The ids differ from llama.cpp's where İ becomes small and accents stay (two letters here, as in
    BERT), where ▁ is typed inside a word, and in words of over a thousand letters, which are
    unknown.
    """
    pieces = [as_in_bert(token, kind) for token, kind in zip(tokens, kinds, strict=True)]
    begin, end, unknown = (
        (pieces[i], i)
        for i in (
            id_or(header, "bos", 101, len(pieces)),
            id_or(header, "seperator", 102, len(pieces)),
            id_or(header, "unknown", 100, len(pieces)),
        )
    )
    ids = {piece: i for i, piece in enumerate(pieces)}
    if len(ids) < len(pieces):
        raise GlassError(f"{header.where} has a piece twice, once as a token of its own.")
    with as_refusal("The tokenizer in the GGUF header is damaged"):
        library = tokenizers.Tokenizer(
            models.WordPiece(ids, unk_token=unknown[0], max_input_chars_per_word=1000)
        )
        small = header.flag("tokenizer.ggml.normalizer.lowercase", True)
        bare = header.flag("tokenizer.ggml.normalizer.strip_accents", small)
        library.normalizer = normalizers.BertNormalizer(strip_accents=bare, lowercase=small)
        library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        library.decoder = decoders.WordPiece()
        library.post_processor = processors.BertProcessing(end, begin)
        library.add_tokens(whole_tokens(pieces, kinds))
    return library


def as_in_bert(token: str, kind: int) -> str:
    """A token of the file as BERT's vocabulary writes it."""
    if token == _SPACE:
        raise GlassError(f"The GGUF header has the piece {quote(token)}, which begins no word.")
    if kind in _WHOLE or (token.startswith("[") and token.endswith("]")):
        return token
    return token[1:] if token.startswith(_SPACE) else f"##{token}"


def id_or(header: Fields, name: str, default: int, count: int) -> int:
    """The number of a token that the header names, or llama.cpp's own."""
    found = header.token_id(f"tokenizer.ggml.{name}_token_id", count)
    if found is None and default >= count:
        raise GlassError(f"{header.where} does not say “tokenizer.ggml.{name}_token_id”.")
    return default if found is None else found


# --- SentencePiece BPE ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ScoredPieces:
    """SentencePiece BPE (Kudo & Richardson 2018), as in Llama 1 and 2; answers as `Tokenizer` does.

    Spaces are ▁, and one stands before the text and before what follows a special token, as in
    llama.cpp. A letter that is no token becomes its bytes, or the token for the unknown.
    """

    tokens: tuple[str, ...]
    scores: tuple[float, ...]
    kinds: tuple[int, ...]  # as in the header
    begin: tuple[int, ...]  # ids that stand before every text
    end: tuple[int, ...]  # ids that stand after it
    prefix: bool  # whether a space is put before a text

    def encode(self, text: str, special: bool = True) -> Encoding:
        """The text in pieces. special: with the ids that stand before and after every text."""
        found = []
        for start, part in fragments(text, self._whole):
            found += (
                [(self._ids[part], (start, start + len(part)), True)]
                if part in self._whole
                else self._cut(part, start)
            )
        words = [n - 1 for n in accumulate(begins for *_, begins in found)]
        ids, spans = [i for i, *_ in found], [span for _, span, _ in found]
        if special:
            before, after = [None] * len(self.begin), [None] * len(self.end)
            ids, spans = [*self.begin, *ids, *self.end], [*before, *spans, *after]
            words = [*before, *words, *after]
        return Encoding(
            text,
            np.array(ids, dtype=np.int64),
            tuple(map(self.piece, ids)),
            tuple(spans),
            tuple(words),
        )

    def _cut(self, text: str, start: int) -> list[tuple[int, tuple[int, int], bool]]:
        """The ids in a text without special tokens, their places, and whether a word begins."""
        shift, place, found = int(self.prefix), 0, []
        for piece in join_pieces(_SPACE * shift + text.replace(" ", _SPACE), self._scores):
            end = place + len(piece)
            span = (start + max(place - shift, 0), start + max(end - shift, 0))
            place = end
            for i in self._spelled(piece):
                # Unknown letters in a row are one unknown, as for SentencePiece.
                if not (found and i == found[-1][0] == self.unknown):
                    found.append((i, span, piece.startswith(_SPACE) or not found))
        return found

    def _spelled(self, piece: str) -> list[int]:
        """The ids of a piece: its own, or those of its bytes."""
        if piece in self._ids:
            return [self._ids[piece]]
        codes = [f"<0x{byte:02X}>" for byte in piece.encode()]
        if all(code in self._ids for code in codes):
            return [self._ids[code] for code in codes]
        if self.unknown is None:
            raise GlassError(
                f"This vocabulary has no token for {quote(piece)}, and none for unknown text."
            )
        return [self.unknown]

    def decode(self, ids_L) -> str:
        """The text of token ids, special tokens included."""
        with as_refusal("These tokens cannot be turned into text"):
            return self._decoder.decode([self.piece(i) for i in ids_L])

    def piece(self, token_id: int) -> str:
        """One piece of the vocabulary. A table may have more rows than there are tokens."""
        inside = 0 <= int(token_id) < len(self.tokens)
        return self.tokens[int(token_id)] if inside else f"#{token_id}"

    def raw(self, token_id: int) -> bytes | None:
        """The byte that a token writes; None where its piece is text, or a special token."""
        return byte_of(self.piece(token_id))

    def id_of(self, piece: str) -> int | None:
        """The number of a piece as the vocabulary writes it; None where it has no such piece."""
        return self._ids.get(piece)

    def is_special(self, token_id: int) -> bool:
        """Whether a token is no text but one of the model's own, such as the end of a text."""
        return 0 <= int(token_id) < len(self.kinds) and self.kinds[int(token_id)] == _CONTROL

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def unknown(self) -> int | None:
        """The number of the token for what no piece can write."""
        return next((i for i, kind in enumerate(self.kinds) if kind == _UNKNOWN), None)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.tokens)}

    @cached_property
    def _scores(self) -> dict[str, float]:
        scores = np.array(self.scores, np.float32)  # llama.cpp's precision
        return dict(zip(self.tokens, scores.tolist(), strict=True))

    @cached_property
    def _whole(self) -> dict[str, None]:
        """The tokens that are found in a text before it is cut, the longest (in bytes) first."""
        whole = [
            token for token, kind in zip(self.tokens, self.kinds, strict=True) if kind in _WHOLE
        ]
        return dict.fromkeys(sorted(whole, key=lambda token: -len(token.encode())))

    @cached_property
    def _decoder(self) -> decoders.Decoder:
        return decoders.Sequence(
            [
                decoders.Replace(_SPACE, " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                *([decoders.Strip(" ", 1, 0)] if self.prefix else []),
            ]
        )


def fragments(text: str, whole: Iterable[str]) -> list[tuple[int, str]]:
    """The special tokens in a text and what stands between them, each with its first character.

    As in llama.cpp the longest token is looked for first, in the whole text, then the next one.
    """
    found = [(0, text, False)] if text else []
    for token in whole:
        if token in text:
            found = [
                part
                for start, fragment, done in found
                for part in (
                    [(start, fragment, done)] if done else split_at(fragment, token, start)
                )
            ]
    return [(start, fragment) for start, fragment, _ in found]


def split_at(text: str, token: str, start: int) -> list[tuple[int, str, bool]]:
    """A text cut at every place where a token stands: start, part, whether it is the token."""
    found = []
    for i, part in enumerate(text.split(token)):
        found += [(start, token, True)] if i else []
        start += len(token) if i else 0
        found += [(start, part, False)] if part else []
        start += len(part)
    return found


def join_pieces(text: str, scores: Mapping[str, float]) -> list[str]:
    """The pieces of a text: neighbours are joined as long as a token spells both together.

    The pair with the best score comes first, of equal scores the leftmost. scores: of each token.
    """
    pieces, n, waiting = list(text), len(text), []
    after, before = list(range(1, n + 1)), list(range(-1, n - 1))

    def look(left: int) -> None:
        if left >= 0 and (right := after[left]) < n:
            joined = pieces[left] + pieces[right]
            if joined in scores:
                heapq.heappush(waiting, (-scores[joined], left, right, joined))

    for left in range(n - 1):
        look(left)
    while waiting:
        _, left, right, joined = heapq.heappop(waiting)
        if not (pieces[left] and pieces[right]) or pieces[left] + pieces[right] != joined:
            continue  # one of the two has been joined with another since
        pieces[left], pieces[right], after[left] = joined, "", after[right]
        if after[left] < n:
            before[after[left]] = left
        look(before[left])
        look(left)
    return [piece for piece in pieces if piece]
