"""Why a head looked at a token: its score, or its lead over another token's, as a sum over a source
of the query times a source of the key.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core import why
from core.step_ref import ref_of
from core.steps.sources import source_names
from core.text import number, percent
from ui.kit.charts import clickable_map
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import render_depth
from ui.kit.theme import COLOURS
from ui.session.actions import close_number
from ui.session.selection import chosen
from ui.session.settling import settle
from ui.session.steady import steady
from ui.stages.why.asked import NO_OTHER, Asked
from ui.text import bold, plain, quoted

MOST = 10  # sources along a side of the map
PAIRS = 3  # told in words
MOSTLY = 0.5  # of its attention a head gave to one token, if it is said to have read that one


@dataclass(frozen=True)
class Pair:
    """Who looks at whom: the token that is looked at, and another that is compared with it."""

    asked: Asked
    key: int
    other: int | None

    @property
    def step(self) -> str:
        """The step that holds the pairs of sources."""
        leaf, more = ("sources", "") if self.other is None else ("against", f".{self.other}")
        place = f"{self.asked.view.head}.{self.asked.position}.{self.key}{more}"
        return f"{self.asked.path}.scores.{leaf}.{place}"

    def looked(self) -> why.Look:
        """The score, or the lead, in parts, as the trace has it."""
        trace, asked = self.asked.view.trace, self.asked
        names = source_names(trace, ref_of(self.step))
        at = asked.position, self.key, self.other
        return why.Look(asked.path, asked.view.head, *at, names["X"], names["Y"], trace[self.step])

    def weights(self) -> np.ndarray:
        """The attention of the token that looks, (M,)."""
        return self.asked.view.trace[f"{self.asked.path}.pattern"][
            self.asked.view.head, self.asked.position
        ]

    def token(self, place: int | None = None) -> str:
        """The token that is looked at, or another of that side, told apart."""
        return self.asked.view.names_of(self.asked.seen_side)[self.key if place is None else place]


def draw(asked: Asked) -> None:
    """The score of one pair of tokens, opened into sources; and the strongest pairs in words."""
    pair = choices(asked)
    looked = pair.looked()
    draw_map(pair, looked)
    top = np.unravel_index(int(np.abs(looked.parts_ST).argmax()), looked.parts_ST.shape)
    render_depth(asked.view, text(pair, looked), (pair.step, tuple(map(int, top))))
    st.markdown(pairs_text(pair, looked))


def choices(asked: Asked) -> Pair:
    """Which token is looked at, and with which other one it is compared."""
    names = asked.view.names_of(asked.seen_side)
    seen_M = asked.view.trace[f"{asked.path}.mask"][asked.position]
    seen = np.flatnonzero(seen_M).tolist()
    weights_M = asked.view.trace[f"{asked.path}.pattern"][asked.view.head, asked.position]
    settle("why_key", int(weights_M.argmax()), seen)
    others = [NO_OTHER, *(place for place in seen if place != chosen("why_key"))]

    def compared(place: int) -> str:
        return "no other token" if place == NO_OTHER else names[place]

    with st.container(key="why-look-choices", horizontal=True, gap="small"):
        choice("why_key", f"{asked.name()} looks at", seen, names.__getitem__)
        choice("why_other", "and less at", others, compared)
    other = chosen("why_other")
    return Pair(asked, chosen("why_key"), None if other == NO_OTHER else other)


def choice(key: str, title: str, options: list, label) -> None:
    """One of the two choices."""
    steady(key, options, label, options[0])
    st.selectbox(
        title,
        options,
        key=key,
        format_func=label,
        on_change=close_number,
        persist_state="session",
        width=190,
    )


def draw_map(pair: Pair, looked: why.Look) -> None:
    """The sources that count most on either side; each cell opens."""
    step, asked = pair.step, pair.asked
    rows, columns = strongest(looked.parts_ST), strongest(looked.parts_ST.T)
    opened = opened_in(step)
    there = opened if opened and opened[0] in rows and opened[1] in columns else None
    words_S, words_T = words_of(pair, looked)
    keys = pair.token() + (f" − {pair.token(pair.other)}" if pair.other is not None else "")
    spec = HeatmapSpec(
        asked.view.trace[step][np.ix_(rows, columns)],
        [words_S[s] for s in rows],
        [words_T[t] for t in columns],
        title=f"Query of {asked.name()} × key of {keys}",
        rows_title="source of the query",
        columns_title="source of the key",
        opened=there and (rows.index(there[0]), columns.index(there[1])),
        colour=COLOURS["weight"],
        step=step,
    )
    clickable_map("why:look", spec, lambda s, t: open_number(step, (rows[s], columns[t])))


def strongest(parts_ST) -> list[int]:
    """The sources of a row that count most in any pair, in their order."""
    size_S = np.abs(parts_ST).max(axis=1)
    return sorted(np.argsort(-size_S, kind="stable")[:MOST].tolist())


def words_of(pair: Pair, looked: why.Look) -> tuple[list[str], list[str]]:
    """The sources of both in words, each at its token."""
    view, asked = pair.asked.view, pair.asked
    one = view.tokens(asked.side)[asked.position]
    other = view.tokens(asked.seen_side)[pair.key] if pair.other is None else ""
    return (
        [why.in_words(name, one) for name in looked.query_names],
        [why.in_words(name, other) for name in looked.key_names],
    )


# --- in words -------------------------------------------------------------------------------------


def text(pair: Pair, looked: why.Look) -> str:
    """What the score is, or the lead, what it became, and which sources count on either side."""
    asked, weights_M = pair.asked, pair.weights()
    S, T = looked.parts_ST.shape
    words_S, words_T = words_of(pair, looked)
    ends = []
    for words, sums in ((words_S, looked.by_query()), (words_T, looked.by_key())):
        at = int(np.abs(sums).argmax())
        ends.append(f"**{words[at]}** ({number(sums[at], 3)})")
    gives = (
        f"In {asked.head_words}, {bold(asked.name())} gives {bold(pair.token())}"
        f" {percent(weights_M[pair.key], 0)} of its attention"
    )
    return (
        f"{gives}{what_it_is(pair, looked)} the sum of {S} × {T} pairs: a source of the"
        " query times a source of the key. With all of the other side,"
        f" {ends[0]} counts most in the query, {ends[1]} in the key."
    )


def what_it_is(pair: Pair, looked: why.Look) -> str:
    """The number that the pairs add up to."""
    if pair.other is None:
        return f". The score before softmax, **{number(looked.total, 3)}**, is"
    weights_M, other = pair.weights(), bold(pair.token(pair.other))
    before = (
        f" and {other} {percent(weights_M[pair.other], 0)}. Softmax compares their scores: that of"
        f" {bold(pair.token())} is **{number(abs(looked.total), 3)}**"
        f" {'higher' if looked.total >= 0 else 'lower'}"
    )
    return f"{before}{times_as_much(pair, looked.total)}. The difference is"


def times_as_much(pair: Pair, lead: float) -> str:
    """What softmax makes of a lead, unless an experiment has set scores or weights since."""
    one, other = (float(pair.weights()[place]) for place in (pair.key, pair.other))
    if not (one and other) or not np.isclose(one / other, np.exp(lead), rtol=1e-2):
        return ""
    return f", which makes its attention {number(one / other, 3)} times as large"


def pairs_text(pair: Pair, looked: why.Look) -> str:
    """The strongest pairs, one a line; of a head, also what it had read there."""
    one, other = bold(pair.asked.name()), bold(pair.token())
    lines = []
    for query_name, key_name, part in looked.largest(PAIRS):
        query = f"{why.in_words(query_name)} at {one}{had_read(pair, query_name, looked.query)}"
        key = f"{why.in_words(key_name)} at {other}{had_read(pair, key_name, looked.key)}"
        less = "" if pair.other is None else f", less what it is at {bold(pair.token(pair.other))}"
        lines.append(f"- **{number(part, 3)}**: {query} × {key}{less}")
    return "\n".join([f"{found_because(pair, looked)}The strongest pairs:", "", *lines])


def had_read(pair: Pair, name: str, token: int) -> str:
    """What a head had read when it wrote into a token; empty for other sources."""
    if ".head." not in name:
        return ""
    side, at, weight = why.read_most(pair.asked.view.trace, name, token)
    read = bold(pair.asked.view.names_of(side)[at])
    return f" (it had looked at {read}: {percent(weight, 0)})"


def found_because(pair: Pair, looked: why.Look) -> str:
    """What a head had written into the token that is looked at most, where the strongest pair says
    so; else nothing.
    """
    view, (_, name, part) = pair.asked.view, looked.largest(1)[0]
    if part <= 0 or ".head." not in name or int(pair.weights().argmax()) != pair.key:
        return ""
    side, at, weight = why.read_most(view.trace, name, pair.key)
    if weight < MOSTLY or at == pair.key or not own_part(pair, looked, part):
        return ""
    word, head = view.tokens(side)[at], why.in_words(name)
    before = side == pair.asked.seen_side and at == pair.key - 1
    wrote = f"*the token before me is {plain_word(word)}*" if before else f"*{plain_word(word)}*"
    again = before and word == view.tokens(pair.asked.side)[pair.asked.position]
    too = f", and {bold(pair.asked.name())} is {bold(word)} again" if again else ""
    number_of = "score" if pair.other is None else "difference"
    return (
        f"{bold(pair.token())} was found because {head} had written {wrote} into it{too}. That pair"
        f" alone gives {number(part, 3)} of the {number_of}, {number(looked.total, 3)}.\n\n"
    )


def plain_word(word: str) -> str:
    """A token within words in italics."""
    return plain(quoted(word))


def own_part(pair: Pair, looked: why.Look, part: float) -> bool:
    """Whether a pair is strong by what stands at the token itself, and not by what stands at the
    one that it is compared with.
    """
    if pair.other is None:
        return True
    s, t = np.unravel_index(int(np.abs(looked.parts_ST).argmax()), looked.parts_ST.shape)
    own_ST = pair.asked.view.trace[Pair(pair.asked, pair.key, None).step]
    return bool(own_ST[s, t] >= MOSTLY * part)
