"""Words that the model does not know whole: which they are, and what it reads in their place.

    unknown_words(view, side)   the words of a side's text that stand in pieces or not at all, in
                                their order
    new_words(view)             those of all its texts, each once
    new_words_text(view, words) how many they are, and the first of them, as Markdown
    word_text(word)             one of them, and what is read in its place, as Markdown
    marks(view, side)           for each token what is said of its word on the page Tokens; empty:
                                nothing

For a study model every word that is not whole in its vocabulary is meant: in pieces it has only
seen invented words. Of other models, which make rare words of pieces as a matter of course, only
what becomes the sign for the unknown, such as [UNK].
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.models import catalogue
from core.text import counted
from ui.session.view import View
from ui.text import bold, label, plain, short

MOST, LONGEST = 3, 24  # words that are named, letters of each


@dataclass(frozen=True)
class UnknownWord:
    """A word that the model has no whole token for."""

    typed: str  # as it was typed
    pieces: tuple[str, ...]  # what is read instead
    places: tuple[int, ...]  # their positions
    lost: bool  # a piece of it is the sign for the unknown
    span: tuple[int, int]  # where it stands in the text


def text_of(view: View, side: str) -> tuple[Any, Any, int] | None:
    """What a side read, in pieces with their places in the text; None where that is not known."""
    first = side == view.config.sides[0]
    if not first and not view.request.target.strip():
        return None  # the model wrote it by itself
    model: Any = view.model
    cut = model.tokenizer if first else model.target_tokenizer or model.tokenizer
    if cut is None:
        return None
    encoding = view.encoding if first else cut.encode(view.request.target)
    if encoding is None:
        return None
    ids, begins = (
        view.trace[f"{side}.embed.ids"].tolist(),
        (0 if first else 1),
    )  # a decoder that looks across begins with a sign
    own = encoding.ids_L.tolist()[: len(ids) - begins]
    return (cut, encoding, begins) if ids[begins : begins + len(own)] == own else None


def unknown_words(view: View, side: str) -> list[UnknownWord]:
    """The words of a side's text that the model has no whole token for."""
    if not (found := text_of(view, side)):
        return []
    cut, encoding, begins = found
    whole_only, words = catalogue.entry_of(view.model.name).embedded, []
    single = cut.spelling if whole_only and side == view.config.sides[0] else ()
    for number in dict.fromkeys(word for word in encoding.words_L if word is not None):
        places = encoding.word(number)
        lost = cut.unknown is not None and any(
            encoding.ids_L[place] == cut.unknown for place in places
        )
        if lost or whole_only and (len(places) > 1 or encoding.ids_L[places[0]] in single):
            start, end = encoding.spans[places[0]][0], encoding.spans[places[-1]][1]
            words.append(
                UnknownWord(
                    encoding.text_at(places[0])[start:end].strip(),
                    tuple(label(encoding.pieces[place]) for place in places),
                    tuple(begins + place for place in places),
                    lost,
                    (start, end),
                )
            )
    return joined(words, lambda place: encoding.text_at(place - begins))


def joined(words: list[UnknownWord], text_at: Callable[[int], str]) -> list[UnknownWord]:
    """The same words; the signs of one emoji as one. text_at: the text in which a token stands."""
    found: list[UnknownWord] = []
    for word in words:
        if found and belongs_to(found[-1], word):
            before, span = found[-1], (found[-1].span[0], word.span[1])
            pieces, places = before.pieces + word.pieces, before.places + word.places
            typed = text_at(places[0])[span[0] : span[1]].strip()
            found[-1] = UnknownWord(typed, pieces, places, True, span)
        else:
            found.append(word)
    return found


def belongs_to(before: UnknownWord, word: UnknownWord) -> bool:
    """Whether two signs that the vocabulary lacks stand without a space between them."""
    signs = not before.typed.isascii() and not word.typed.isascii()
    touch = before.places[-1] + 1 == word.places[0] and before.span[1] == word.span[0]
    return signs and before.lost and word.lost and touch


def new_words(view: View) -> list[UnknownWord]:
    """The words of all texts that a model reads which it has no whole token for, each once."""
    found = {word.typed: word for side in view.config.sides for word in unknown_words(view, side)}
    return list(found.values())


def new_words_text(view: View, words: list[UnknownWord]) -> str:
    """How many words are unknown, the first of them, and what that means, in one line."""
    count = counted(len(words), "word")
    are = f"{count} {'is' if len(words) == 1 else 'are'}"
    named = ", ".join(plain(short(seen(word.typed), LONGEST)) for word in words[:MOST])
    more = f" and {len(words) - MOST} more" if len(words) > MOST else ""
    if catalogue.entry_of(view.model.name).embedded:
        return f"**{are} new to this model** ({named}{more}). {limit(view, len(words) > 1)}"
    return f"**{are} not in this model’s vocabulary** ({named}{more})."


def seen(typed: str) -> str:
    """A word in a sentence: without the letters that can't be seen, unless it has no others."""
    return label("".join(each for each in typed if unicodedata.category(each)[0] != "C") or typed)


def limit(view: View, many: bool) -> str:
    """What a model can't do with words that are new to it."""
    them = "them" if many else "it"
    if view.config.crosses:
        return f"It can copy {them}, but not translate {them}."
    return f"It reads {them} in pieces and can’t know what {'they mean' if many else 'it means'}."


def word_text(word: UnknownWord) -> str:
    """A word, and what is read in its place, as Markdown."""
    typed, pieces = short(label(word.typed), LONGEST), short(" ".join(word.pieces), LONGEST)
    spelled = (
        "as letters, not as a word" if len(word.pieces) == 1 and not word.lost else plain(pieces)
    )
    return f"**{plain(typed)}** ({'it reads ' if word.lost else ''}{spelled})"


def marks(view: View, side: str) -> dict[int, str]:
    """For the positions of unknown words, what is said of them."""
    lost, cut = (
        "not in the vocabulary: the model reads its unknown token",
        "never seen whole by this model",
    )
    return {
        place: lost if word.lost else cut
        for word in unknown_words(view, side)
        for place in word.places
    }


def unknown_text(view: View) -> str:
    """What the tokenizer's cuts mean for this model, as Markdown; empty where every word is
    whole.
    """
    words = unknown_words(view, view.config.sides[0])
    cut, lost = [word for word in words if not word.lost], [word for word in words if word.lost]
    said = ""
    if catalogue.entry_of(view.model.name).embedded and cut:
        said += (
            f" {bold(short(cut[0].typed, LONGEST))} is not among the words that this model learned"
            " whole, so it reads it in pieces. It met many invented words that way: it can carry"
            " this one along, but can’t know what it means."
        )
    if lost:
        tokenizer: Any = view.model.tokenizer
        sign = plain(view.word(tokenizer.unknown))
        said += (
            f" {bold(short(lost[0].typed, LONGEST))} has characters that the vocabulary lacks:"
            f" the model reads **{sign}** instead."
        )
    return said
