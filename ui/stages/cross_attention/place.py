"""What the page Cross-attention looks at: a translator, also where the reader's model is none; and
at first the head that aligns, and a word whose making is worth a look.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import streamlit as st

from core.errors import GlassError
from ui.session import runs
from ui.session.address import keep, link_asks_for
from ui.session.memory import memory, place_across
from ui.session.opening import aligning_place
from ui.session.runs import RunRequest
from ui.session.selection import chosen, select
from ui.session.view import View, is_word
from ui.stages.cross_attention.words import written_ids

TRANSLATOR = "study-translator"  # of our own, and always here
EXAMPLE = "The house is green."
ENDS = (".", "?", "!")


def is_own(view: View) -> bool:
    """Whether the reader's own model has cross-attention."""
    return view.config.crosses


def across(view: View) -> View:
    """The view that the page draws: the attention from the decoder to the encoder, of the reader's
    model, or of the translator of our own.
    """
    return replace(view if is_own(view) else guest_view(view), block="cross")


# --- another model in the place of the reader's ---------------------------------------------------


def guest_view(view: View) -> View:
    """The translator on the reader's sentence, or on its example."""
    return view_at(guest_request(view.sentence), chosen("cross_token"))


def guest_request(sentence: str) -> RunRequest:
    """The run of the translator: on the sentence if it can translate it, else on its example."""
    return RunRequest(TRANSLATOR, sentence if can_translate(sentence) else EXAMPLE)


def can_translate(sentence: str) -> bool:
    """Whether the translator learned such sentences: whole ones, all of whose words it knows."""
    model = runs.model_of(TRANSLATOR)
    try:
        encoding = runs.reading_of(model, runs.Texts(sentence)).encoding
    except GlassError:
        return False
    pieces = [model.tokenizer.piece(int(i)) for i in encoding.ids_L] if encoding else []
    whole = not any(piece.startswith("##") or piece == "[UNK]" for piece in pieces)
    return whole and sentence.rstrip().endswith(ENDS)


def view_at(request: RunRequest, token: int | None = None) -> View:
    """A view of a run at the head that aligns, and at a token, or the first to look at."""
    view = View(request, "decoder", 0, 0, 0, "cross")
    layer, head = aligning_place(request)
    view = replace(view, layer=layer, head=head)
    inside = token is not None and token < len(view.labels)
    return replace(view, token=token if inside else first_token(view))


# --- where it opens -------------------------------------------------------------------------------


def open_at_first(view: View) -> None:
    """Opens a translator at the head that aligns and at a word worth a look, once for each model,
    and at such a word for each text; not where a link from outside asks for a place.
    """
    if not is_own(view):
        return
    place, before = place_across(view.request), memory().cross_place
    if place == before:
        return
    memory().cross_place = place
    found, fresh = view_at(view.request), memory().kept is None
    first = {"layer": found.layer, "head": found.head, "token": found.token}
    if before is not None and before[0] == place[0]:
        first = {"token": found.token}
    if fresh and any(map(link_asks_for, ("layer", "head"))):
        first = {"token": found.token}
    if fresh and any(map(link_asks_for, ("token", "cell"))):
        first.pop("token")
    select(**first)
    keep()
    st.rerun()


def first_token(view: View) -> int:
    """The position that writes a word whose order differs from the source's, such as an adjective
    after its noun; else the last word.
    """
    best_L = view.trace[view.at("cross.pattern")][view.head].argmax(axis=1)
    words = [is_word(view.word(i)) for i in written_ids(view)]
    for l, (m, next_m) in enumerate(pairwise(best_L)):
        if m == next_m + 1 and words[l] and words[l + 1]:
            return l + 1
    return max((l for l, found in enumerate(words) if found), default=len(words) - 1)
