"""Words that can stand in the place of another: its singular or plural, and those whose rows of the
table are most like its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from .comparison import trimmed
from .vectors import row_lengths

COUNT = 5  # words that are offered
LOOKED_AT = 60  # rows of the table among which they are found
# Words to which an s makes no plural.
_NO_NOUNS = frozenset(("that", "this", "her", "their", "your", "our", "does", "them", "who"))


def span_at(text: str, encoding, position: int) -> tuple[int, int] | None:
    """Where the word of a token stands in the text; of ids that were typed, where the id does. None
    for a token that was not typed, or that was in sentence B.
    """
    if encoding is None:
        typed = list(re.finditer(r"[^\s,]+", text))
        return typed[position].span() if position < len(typed) else None
    number = encoding.words_L[position]
    if number is None or encoding.in_second(position):
        return None
    spans = [encoding.spans[i] for i in encoding.word(number)]
    found = [span for span in spans if span]
    return trimmed(text, (found[0][0], found[-1][1])) if found else None


def swapped(text: str, span: tuple[int, int], other: str) -> str:
    """The text with another word there, with a capital where the first had one."""
    capital = text[span[0] : span[0] + 1].isupper()
    return text[: span[0]] + (other[:1].upper() + other[1:] if capital else other) + text[span[1] :]


def swaps(model, trace, text: str, encoding, position: int) -> list[str]:
    """A few words for the place of a token's word, the likeliest to teach something first. Empty
    where the token is none, or a piece of a word.
    """
    span = span_at(text, encoding, position)
    if span is None or encoding and len(encoding.word(encoding.words_L[position])) > 1:
        return []
    own, found = text[slice(*span)], []
    for other in candidates(model, trace, text, encoding, position, span):
        if other.casefold() not in {own.casefold(), *(each.casefold() for each in found)}:
            found.append(other)
        if len(found) == COUNT:
            break
    return found


def candidates(model, trace, text: str, encoding, position: int, span) -> Iterator[str]:
    """The same word in the other number, then the nearest rows of the table."""
    if encoding and (other := other_number(model, text, encoding, span)):
        yield other
    side = trace.config.sides[0]
    for token in nearest_rows(trace, int(trace[f"{side}.embed.ids"][position])):
        if encoding is None:
            yield str(token)
        elif len(piece := re.sub(r"^[ ▁Ġ]", "", model.tokenizer.piece(token))) > 1:
            if piece.isalpha() and not model.tokenizer.is_special(token):
                yield piece.lower() if text[slice(*span)].islower() else piece


def nearest_rows(trace, token: int) -> list[int]:
    """The rows of the embedding table that are most like that of a token by cosine, itself left
    out: after training, such rows belong to words that stand in the same places.
    """
    table_VD = trace.weights[f"{trace.config.sides[0]}.embed.token.weight"]
    near_V = table_VD @ table_VD[token] / np.maximum(row_lengths(table_VD), 1e-30)
    best = np.argpartition(-near_V, min(LOOKED_AT, len(near_V) - 1))[:LOOKED_AT]
    return [i for i in best[np.argsort(-near_V[best], kind="stable")].tolist() if i != token]


def other_number(model, text: str, encoding, span: tuple[int, int]) -> str:
    """A word with its s taken away or with one more, where the vocabulary has that as one piece;
    else empty.
    """
    word = text[slice(*span)]
    other = word[:-1] if word.endswith("s") else word + "s"
    if min(len(word), len(other)) < 3 or word.casefold() in _NO_NOUNS or not word.isalpha():
        return ""
    again = model.encode_again(encoding, swapped(text, span, other))
    if len(again.ids_L) != len(encoding.ids_L) or model.tokenizer.unknown in again.ids_L.tolist():
        return ""
    return other


def one_word_replaced(model, trace, text: str, encoding) -> str:
    """The text with one word replaced: the first that has another number, else the last that has
    any word like it; the text itself where there is none.
    """
    places = range(len(trace[f"{trace.config.sides[0]}.embed.ids"]))
    spans = {i: span for i in places if (span := span_at(text, encoding, i))}
    for span in spans.values() if encoding else ():
        if other := other_number(model, text, encoding, span):
            return swapped(text, span, other)
    for position in reversed(spans):
        if found := swaps(model, trace, text, encoding, position):
            return swapped(text, spans[position], found[0])
    return text
