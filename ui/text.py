"""How a text and a token are shown: nothing in them is markup, and every letter can be seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from core.errors import harmless

# The command line knows these, too.
from core.text import HIDING as HIDING
from core.text import label as label

# What Streamlit turns into links, pictures and signs after it has read the escapes: https://…,
# www.…, a@b.c, :name:, ->. A joiner, which is not seen and breaks no line, keeps the two halves of
# each apart.
_MADE_LATER = re.compile(r":(?=//|[\w+/-]+:)|www(?=\.)|@(?=[\w-])|[-<>~](?=[-=>])", re.IGNORECASE)


JOINER = "\u2060"


def plain(text: object) -> str:
    """The text with every sign of Markdown escaped, on one line: it is shown letter by letter,
    links nowhere and fetches nothing; a sign that would turn the direction of the rest is a box."""
    apart = _MADE_LATER.sub(f"\\g<0>{JOINER}", harmless(re.sub(r"\s+", " ", str(text))))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", apart)


def short(text: str, size: int = 14) -> str:
    """A label cut to so many letters, where a picture has no room for more."""
    return text if len(text) <= size else text[: size - 1] + "…"


def bold(token: str) -> str:
    """A token in bold; one of signs alone, such as a full stop, within quotes, since it would be
    read as the sentence's own.
    """
    return f"**{plain(token)}**" if has_letters(token) else f"“**{plain(token)}**”"


def bold_quoted(token: str) -> str:
    """A token in bold within quotes, where “that” would be read as the sentence's own even so."""
    written = bold(token)
    return written if written.startswith("“") else f"“{written}”"


def quoted(token: str) -> str:
    """A token within a title or a sentence that has no bold letters: in quotes, so that it is not
    read as the sentence's own.
    """
    return f"“{token}”"


def labelled(token: str) -> str:
    """A token that stands alone, as a label: one of signs alone within quotes, to be seen."""
    return token if has_letters(token) else quoted(token)


def has_letters(token: str) -> bool:
    """Whether a token has a letter or a digit, and is not of signs alone."""
    return any(letter.isalnum() for letter in token)


def told_apart(tokens: list[str], places: Sequence[int] = ()) -> list[str]:
    """The tokens, with their position in brackets where the same one stands elsewhere, too: “the
    (1)”, “books”, “that”, “the (4)”. places: their positions, where these are not 0, 1, 2 …"""
    count = Counter(tokens)
    return [
        f"{token} ({place})" if count[token] > 1 else token
        for place, token in zip(places or range(len(tokens)), tokens, strict=True)
    ]
