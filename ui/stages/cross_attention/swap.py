"""One noun of the source replaced by one of the other French gender, while the French stays as it
is: what the translator would write now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core.errors import GlassError
from core.step_ref import sliced_name
from core.text import percent
from ui.kit.components import lines
from ui.session.actions import start_new_text
from ui.session.runs import RunRequest
from ui.session.selection import select_what_fits
from ui.session.view import View
from ui.stages.cross_attention.place import EXAMPLE, TRANSLATOR, view_at
from ui.stages.cross_attention.words import source_words, written_ids
from ui.text import bold, told_apart

# English nouns, and their French: each pair has one of each gender
PAIRS = (
    ("house", "garden", "maison", "jardin"),
    ("houses", "gardens", "maisons", "jardins"),
    ("book", "letter", "livre", "lettre"),
    ("books", "letters", "livres", "lettres"),
    ("car", "train", "voiture", "train"),
    ("cars", "trains", "voitures", "trains"),
    ("chair", "bed", "chaise", "lit"),
    ("chairs", "beds", "chaises", "lits"),
    ("film", "song", "film", "chanson"),
    ("films", "songs", "films", "chansons"),
    ("flower", "tree", "fleur", "arbre"),
    ("flowers", "trees", "fleurs", "arbres"),
    ("cup", "glass", "tasse", "verre"),
    ("cups", "glasses", "tasses", "verres"),
    ("coat", "dress", "manteau", "robe"),
    ("coats", "dresses", "manteaux", "robes"),
    ("key", "boat", "clé", "bateau"),
    ("keys", "boats", "clés", "bateaux"),
)
OTHER = {a: (b, fr) for a, b, fr, _ in PAIRS} | {b: (a, fr) for a, b, _, fr in PAIRS}


@dataclass(frozen=True)
class Swap:
    """Two runs that differ in one English noun, and what they write."""

    noun: str
    other: str
    french: str  # of the first noun, which the decoder reads in both runs
    before: View
    after: View
    changed: list[int]  # the positions after the French noun that write another word
    own: bool = True  # whether the first run is the reader's

    @property
    def now(self) -> list[int]:
        """What each position would write after the swap."""
        return likeliest(self.after)


def question(swap: Swap) -> str:
    """What the swap asks."""
    was, now = turned(swap, swap.changed[0])
    nouns = f"{bold(swap.noun)} → {bold(swap.other)}"
    return f"Why {bold(was)} and not {bold(now)}? Try {nouns}"


def find_swap(view: View) -> Swap | None:
    """The swap of a noun of the sentence that turns a word after its French, or that of the
    example; None where neither does. Only for the translator of our own.
    """
    own = view.request.model == TRANSLATOR and not view.request.change
    requests = [view.request] if own and view.mask == "trained" else []
    for request in (*requests, RunRequest(TRANSLATOR, EXAMPLE)):
        for noun in nouns_in(request.sentence):
            if swap := swapped(request, noun):
                return replace(swap, own=request == view.request)
    return None


def nouns_in(sentence: str) -> list[str]:
    """The nouns of a sentence that have a partner of the other gender."""
    return [word for word in re.findall(r"[a-z]+", sentence.lower()) if word in OTHER]


def swapped(request: RunRequest, noun: str) -> Swap | None:
    """Both runs; None where the French can't be kept, or nothing after the noun turns."""
    other, french = OTHER[noun]
    try:
        before = view_at(request)
        target = " ".join(before.tokens("decoder")[1:])
        text = re.sub(rf"\b{noun}\b", other, request.sentence, count=1, flags=re.IGNORECASE)
        after = view_at(request._replace(sentence=text, target=target))
        kept = (before.trace["decoder.embed.ids"], after.trace["decoder.embed.ids"])
    except GlassError:
        return None
    if not np.array_equal(*kept) or french not in before.tokens("decoder"):
        return None
    own, now, at = likeliest(before), likeliest(after), before.tokens("decoder").index(french)
    changed = [l for l in range(at, min(len(own), len(now))) if own[l] != now[l]]
    return Swap(noun, other, french, before, after, changed) if changed else None


def likeliest(view: View) -> list[int]:
    """The likeliest next word at each position whose guess was kept: at all of a short text."""
    return [int(i) for i in view.trace["head.probs"].argmax(axis=1)]


def turned(swap: Swap, position: int) -> tuple[str, str]:
    """What a position writes before and after the swap."""
    return swap.before.word(likeliest(swap.before)[position]), swap.before.word(swap.now[position])


# --- what is shown --------------------------------------------------------------------------------


def show_swap(swap: Swap) -> None:
    """Both alignments side by side, and what turned."""
    st.markdown(f"{where_text(swap)}{swap_text(swap)}")
    for column, view, ids in zip(
        st.columns(2, gap="medium"),
        (swap.before, swap.after),
        (written_ids(swap.before), given_and_written(swap)),
        strict=True,
    ):
        with column:
            st.markdown(f"**{sentence_of(view)}**")
            side(swap, view, ids)
    st.button("Read the other sentence", key="cross_swap", on_click=read_other, args=(swap,))


def side(swap: Swap, view: View, ids: list[int]) -> None:
    """One of the two runs: what each position writes, and where it looks."""
    step = view.attention("pattern")
    lines(
        view.trace[step][view.head],
        told_apart([view.word(i) for i in ids]),
        source_words(view),
        key=f"cross-swap-{'before' if view is swap.before else 'after'}",
        chosen=swap.changed[0],
        ends=("written", "source") if view is swap.before else ("given, then written", "source"),
        percent=True,
        step=sliced_name(step, (view.head,)),
    )


def given_and_written(swap: Swap) -> list[int]:
    """The French after the swap, word by word: up to the noun as the decoder is given it, from
    there on as each position would write it.
    """
    given = swap.after.trace["decoder.embed.ids"].tolist()
    at = swap.after.tokens("decoder").index(swap.french)
    return [*given[1 : at + 1], *swap.now[at:]]


def where_text(swap: Swap) -> str:
    """Which run is looked at, where it is not the one above."""
    if swap.own:
        return ""
    french = " ".join(swap.before.tokens("decoder")[1:])
    return f"Another example than above: {bold(swap.before.sentence)}, {bold(french)} "


def swap_text(swap: Swap) -> str:
    """What was changed, what was not, and what turned."""
    turns = ", ".join(turn_text(swap, l) for l in swap.changed)
    return (
        f"Only the English noun changes: {bold(swap.noun)} becomes {bold(swap.other)}. The French"
        f" that the decoder reads still has {bold(swap.french)}. Yet its next words change:"
        f" {turns}. It follows the English noun, not the French one."
    )


def turn_text(swap: Swap, position: int) -> str:
    """One word that turned, with both probabilities."""
    was, now = turned(swap, position)
    probs = [float(view.trace["head.probs"][position].max()) for view in (swap.before, swap.after)]
    return f"{bold(was)} ({percent(probs[0])}) becomes {bold(now)} ({percent(probs[1])})"


def sentence_of(view: View) -> str:
    """The source as it was typed."""
    return bold(view.sentence).strip("*")


def read_other(swap: Swap) -> None:
    """Makes the run with the other noun the one that all pages show."""
    request = swap.after.request
    select_what_fits(model=request.model, sentence=request.sentence, target=request.target)
    start_new_text()
