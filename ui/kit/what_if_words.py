"""A what-if in words, in which tokens stand by their names.

change_words(view)      all its parts: "“books” (2) read as “book”"
words_of(view, …)       one of them
"""

from __future__ import annotations

from core import whatif
from core.interventions import OTHER
from core.patches import patch_of
from ui.session.runs import encoding_of, reading_of
from ui.session.view import View
from ui.text import quoted


def change_words(view: View) -> str:
    """How the run differs from that of the trained model, but for the mask; empty: it does not."""
    return ", ".join(words_of(view, *part) for part in whatif.parts(view.request.change))


def words_of(view: View, name: str, detail: str) -> str:
    """A part of a what-if in words; tokens by their names."""
    patch = patch_of(detail) if name == "patch" else None
    if patch and patch.position < len(view.tokens(patch.side)):
        return whatif.patch_words(
            patch, view.config.crosses, name_at(view, patch.side, patch.position)
        )
    found = OTHER.fullmatch(detail) if name in ("swap", "token") else None
    if not found:
        return whatif.part_words(name, detail, view.config.crosses)
    side, place, other = found[1] or view.config.sides[0], int(found[2]), int(found[3])
    tokens = plain_names(view, side)
    read = tokens[other] if name == "swap" else quoted(view.word(other))
    across = f" in the {side}" if view.config.crosses else ""
    return f"{tokens[place]} read as {read}{across}"


def plain_names(view: View, side: str) -> list[str]:
    """The tokens of the text as it was typed, each with its place."""
    words = [view.word(i) for i in original_ids(view, side)]
    return [f"{quoted(each)} ({place})" for place, each in enumerate(words)]


def original_ids(view: View, side: str):
    """What is read without any change of tokens: the ids of the run without them."""
    if side == view.config.sides[0]:  # no run is needed
        encoding, asked = encoding_of(view.request), dict(whatif.parts(view.request.change))
        ids_L = reading_of(view.model, view.texts).ids_L
        text = whatif.Text(ids_L, encoding.words_L if encoding else None)
        return whatif.as_read(view.model, text, None, asked)[0].ids_L
    change = whatif.without(view.request.change, "swap", "token", "set")
    request = view.request._replace(change=change, mask="trained")
    return View(request, side, 0, 0, 0).trace[f"{side}.embed.ids"]


def name_at(view: View, side: str, place: int) -> str:
    """A token of a side with its place."""
    tokens = view.tokens(side)
    return f"{quoted(tokens[place]) if place < len(tokens) else 'a token'} ({place})"
