"""Text <-> token ids by the vocabulary in a GGUF file's header, as llama.cpp cuts text.

Two kinds are known: byte-level BPE ("gpt2"), with its ways of cutting text, and SentencePiece BPE
("llama"). A special token that is typed is read as one, as llama.cpp does with parse_special = true
and `transformers` always does. The source is src/llama-vocab.cpp of llama.cpp; every key that it
reads under `tokenizer.ggml` is in this list:

    model, pre                          done, or refused by name
    tokens, scores, token_type, merges  done; a token that stands there twice is refused
    bos_token_id, add_bos_token         done, with llama.cpp's defaults for each kind
    eos_token_id, add_eos_token         done
    add_space_prefix                    done
    unknown_token_id                    no effect: a letter that no token spells becomes its bytes
    add_sep_token, seperator_token_id   no effect on a single text of these kinds
    remove_extra_whitespaces, normalizer.*, precompiled_charsmap    no effect: read for other kinds
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers, processors

from core.errors import GlassError
from core.models.fields import Fields, quote
from core.models.tokenizer import Encoding, Tokenizer, as_refusal

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED = 1, 2, 3, 4  # kinds of tokens in a GGUF header
_WHOLE = (_UNKNOWN, _CONTROL, _USER_DEFINED)  # found in a text before it is cut
_SPACE = "▁"

# How text is cut before pieces are merged, by the names that `tokenizer.ggml.pre` has for it.
_CONTRACTIONS = r"'s|'t|'re|'ve|'m|'ll|'d"
_GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
_LLAMA3 = (
    rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_CUTS = {
    "gpt-2": (_GPT2,),
    "olmo": (_GPT2,),
    "smollm": (r"\p{N}", _GPT2),
    "refact": (r"\p{N}", _GPT2),
    "starcoder": (r"\p{N}", _GPT2),
    "qwen2": (_QWEN2,),
    "stablelm2": (_QWEN2,),
    "llama-bpe": (_LLAMA3,),
    "llama3": (_LLAMA3,),
    "llama-v3": (_LLAMA3,),
}

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
    check_kind(header)
    tokens = read_tokens(header)
    kinds = read_numbers(header, "tokenizer.ggml.token_type", len(tokens), _NORMAL)
    kinds = [
        _CONTROL if token in _SPECIAL else kind for token, kind in zip(tokens, kinds, strict=True)
    ]
    begin, end = ids_around(header, len(tokens))
    if header.get("tokenizer.ggml.model") == "llama":
        scores = read_numbers(header, "tokenizer.ggml.scores", len(tokens), 0.0)
        prefix = header.flag("tokenizer.ggml.add_space_prefix", True)
        return ScoredPieces(tuple(tokens), tuple(scores), tuple(kinds), begin, end, prefix)
    with as_refusal("The tokenizer in the GGUF header is damaged"):
        library = byte_level(header, tokens, kinds)
        library.post_processor = template(tokens, begin, end)
    return Tokenizer(library)


def check_kind(header: Fields) -> None:
    """Raises GlassError, with the key and its value, for a way of cutting text that we lack."""
    kind, cut = header.get("tokenizer.ggml.model"), header.get("tokenizer.ggml.pre")
    name = str(header.get("general.name", "")).lower()
    if kind is None:
        raise GlassError(f"{header.where} has no tokenizer (“tokenizer.ggml.model” is absent).")
    if kind not in ("gpt2", "llama"):
        raise GlassError(
            f"{header.where} has a tokenizer of type {quote(kind)} (“tokenizer.ggml.model”),"
            " which Glassformer cannot read."
        )
    if kind == "gpt2" and not (isinstance(cut, str) and cut in _CUTS):
        raise GlassError(
            f"{header.where} has a tokenizer that splits text by “tokenizer.ggml.pre” ="
            f" {'nothing' if cut is None else quote(cut)}; Glassformer knows only"
            f" {', '.join(_CUTS)}."
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
    begins = is_llama or _CUTS[header.get("tokenizer.ggml.pre")] == (_LLAMA3,)
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
    cuts = _CUTS[header.get("tokenizer.ggml.pre")]
    # Llama 3 takes a word that is in the vocabulary whole, even where the merges do not lead to it.
    library = tokenizers.Tokenizer(models.BPE(ids, pairs, ignore_merges=cuts == (_LLAMA3,)))
    splits = (pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in cuts)
    spelling = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    library.pre_tokenizer = pre_tokenizers.Sequence([*splits, spelling])
    library.decoder = decoders.ByteLevel()
    whole = [
        AddedToken(token, special=kind == _CONTROL, normalized=False)
        for token, kind in zip(tokens, kinds, strict=True)
        if kind in _WHOLE
    ]
    library.add_tokens(whole)
    return library


def template(tokens: list[str], begin: tuple, end: tuple) -> processors.TemplateProcessing:
    """Puts ids before and after a text, under names of ours: a token's text may hold a colon."""
    first, last = [f"begin{i}" for i in begin], [f"end{i}" for i in end]
    named = zip((*first, *last), (*begin, *end), strict=True)
    return processors.TemplateProcessing(
        single=[*first, "$A", *last],
        pair=["$A", "$B"],
        special_tokens=[{"id": name, "ids": [i], "tokens": [tokens[i]]} for name, i in named],
    )


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
