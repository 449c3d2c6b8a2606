"""What is asked: why this word and not that one, at one position of the text; and the choices that
the page settles before it is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import streamlit as st

from core import why
from core.decoding import next_tokens
from core.step_ref import ref_of
from core.steps.output import next_ids
from core.steps.sources import source_names
from ui.kit.guessed_place import guessed_position, place_of_guess
from ui.session.address import keep, link_asks_for
from ui.session.memory import memory
from ui.session.opening import PLACE, decision_of, plain_run
from ui.session.selection import chosen, select
from ui.session.settling import settle
from ui.session.view import View, is_word
from ui.text import bold, quoted

NO_RIVAL = NO_OTHER = -1
CHOICES = ("why_word", "why_rival")


@dataclass(frozen=True)
class Asked:
    """A question: why `word`, and why not `rival` if there is one. It holds keys only."""

    view: View
    position: int  # of the token whose guess it is, on the side that ends the model
    row: int  # of the output
    word: int
    rival: int | None

    @property
    def words(self) -> tuple[int, int | None]:
        """Both words."""
        return self.word, self.rival

    @property
    def step(self) -> str:
        """The step that holds each source's part."""
        return f"head.logits.{self.ending}"

    @property
    def ending(self) -> str:
        """How the names of steps about these words end: parts.ROW.WORD or against.ROW.WORD.RIVAL"""
        return self.of_row(self.row)

    def of_row(self, *places: int) -> str:
        """The same, with other places before the words."""
        leaf = "parts" if self.rival is None else "against"
        words = [self.word] if self.rival is None else [self.word, self.rival]
        return ".".join(map(str, (leaf, *places, *words)))

    @property
    def side(self) -> str:
        """The side that ends the model."""
        return self.view.config.sides[-1]

    @property
    def block(self) -> str:
        """Which attention the chosen head is of: "attn", or "cross"."""
        return chosen("why_block") or "cross" if self.view.config.crosses else "attn"

    @property
    def path(self) -> str:
        """The attention of the chosen head, such as decoder.3.attn."""
        return f"{self.side}.{self.view.layer}.{self.block}"

    @property
    def head(self) -> str:
        """The chosen head's source."""
        return f"{self.path}.head.{self.view.head}"

    @property
    def head_words(self) -> str:
        """The chosen head in words: head 3.4."""
        return why.in_words(self.head)

    @property
    def seen_side(self) -> str:
        """The side of the tokens that the chosen head reads."""
        return "encoder" if self.block == "cross" else self.side

    @cached_property
    def parts(self) -> why.Parts:
        """What each source gave, as the trace has it: names and numbers, and nothing of the
        trace.
        """
        trace = self.view.trace
        names = source_names(trace, ref_of(self.step))["X"]
        return why.Parts(*self.words, self.row, self.position, names, trace[self.step], ())

    def name(self, position: int | None = None) -> str:
        """A token of the side that ends the model, told apart; the one that is asked about."""
        return self.view.names_of(self.side)[self.position if position is None else position]

    def versus(self) -> str:
        """What is explained, in words: **are** − **is**, or the logit of **are**."""
        word = bold(self.view.word(self.word))
        if self.rival is None:
            return f"the logit of {word}"
        return f"{word} − {bold(self.view.word(self.rival))}"

    def plain_versus(self) -> str:
        """The same for a picture: “are” − “is”."""
        word = quoted(self.view.word(self.word))
        if self.rival is None:
            return f"the logit of {word}"
        return f"{word} − {quoted(self.view.word(self.rival))}"


def can_ask(view: View) -> bool:
    """Whether this run compares its last vectors with words, and gives numbers."""
    return bool(view.config.head) and bool(
        np.isfinite(view.trace["head.logits"][guessed_position(view)[1]]).all()
    )


def asked_of(view: View) -> Asked:
    """What is asked now."""
    position, row = guessed_position(view)
    best, rival = chosen("why_word"), chosen("why_rival")
    return Asked(view, position, row, best, None if rival == NO_RIVAL else rival)


def settle_asked(view: View) -> None:
    """Settles both words: the likeliest, and the next; they begin anew with another text, model or
    position. So does the token that a head read.
    """
    if not can_ask(view):
        return
    here, before = place_of_guess(view), memory().why_from
    if before not in (here, None) and not any(map(link_asks_for, CHOICES)):
        anew = dict.fromkeys((*CHOICES, "why_key", "why_mlp"))
        select(**anew, why_other=NO_OTHER)
    memory().why_from = here
    row, size = guessed_position(view)[1], view.config.n_vocab
    settle("why_word", int(view.trace["head.logits"][row].argmax()), range(size))
    if chosen("why_rival") == chosen("why_word"):
        select(why_rival=None)
    settle("why_rival", first_rival(view, row), range(NO_RIVAL, size))
    if before != here and (place := first_place(view, (before or ())[:3] == here[:3])):
        select(**place)
        if "head" in place:
            there = replace(view, layer=place["layer"], head=place["head"])
            memory().why_head = asked_of(there).head
        keep()
        st.rerun()


def first_place(view: View, same_text: bool) -> dict:
    """Where the page opens: a translator where it writes its last word, and the cards at the head
    that gives most; empty where that is so, or the reader has chosen.
    """
    if view.config.crosses and not same_text and not link_asks_for("token"):
        position = last_word_written(view)
        if chosen("token") == memory().first_token and position not in (None, view.token):
            return {"token": position}
    return {} if reader_chose_head() else largest_head(asked_of(view))


def last_word_written(view: View) -> int | None:
    """The last position after which a word follows, and no sign."""
    words = [is_word(view.word(i)) for i in next_ids(view.trace)]
    found = np.flatnonzero(words)
    return int(view.trace.rows[found[-1]]) if len(found) else None


def reader_chose_head() -> bool:
    """Whether layer and head are no longer those at which the app opens, or a link names them."""
    firsts = memory().firsts
    moved = any(name in firsts and chosen(name) != firsts[name] for name in PLACE)
    return moved or any(map(link_asks_for, PLACE))


def largest_head(asked: Asked) -> dict:
    """The head that gives most, as a choice; of a translator one across: it tells which word that
    was read a word comes from. Empty where it is chosen already.
    """
    kind = ".cross.head." if asked.view.config.crosses else ".head."
    name = next((name for name, _ in asked.parts.largest() if kind in name), None)
    if name is None or name == asked.head:
        return {}
    _, layer, block, _, head = name.split(".")
    return {"layer": int(layer), "head": int(head), **block_of(asked, block)}


def chosen_because(asked: Asked) -> str:
    """Why the cards are about this head, where the page chose it: it gives most; else nothing."""
    if asked.head != memory().why_head or largest_head(asked):
        return ""
    does = "gives" if asked.parts.of(asked.head) > 0 else "takes"
    return f" (chosen because it {does} most)"


def block_of(asked: Asked, block: str) -> dict[str, str]:
    """The choice of an attention, where there are two."""
    return {"why_block": block} if asked.view.config.crosses else {}


def first_rival(view: View, row: int) -> int:
    """The word that comes first without the deciding head, if one decides; else the likeliest
    other.
    """
    word = chosen("why_word")
    last = row == len(view.trace.rows) - 1
    decision = (
        decision_of(view.request) if last and plain_run(view.request) == view.request else None
    )
    if decision and decision.first == word:
        return decision.second
    ids = [int(i) for i in next_tokens(view.trace, 2, row)[0]]
    return next((i for i in ids if i != word), NO_RIVAL)


def choose_word(word: int) -> None:
    """Asks about another word; the rival that it was becomes the word that was."""
    before = chosen("why_word")
    select(why_word=word, **({"why_rival": before} if chosen("why_rival") == word else {}))


def choose_rival(rival: int) -> None:
    """Another rival; the word that is asked about becomes the one that was."""
    before = chosen("why_rival")
    if rival == chosen("why_word") and before not in (None, NO_RIVAL):
        select(why_word=before)
    if rival != chosen("why_word"):
        select(why_rival=rival)
