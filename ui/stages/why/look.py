"""Why a head looked at a token: its score as a sum over a source of the query times a source of the
key.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import why
from core.text import number, percent
from ui.kit.charts import clickable_map
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import render_depth
from ui.kit.theme import COLOURS
from ui.stages.why.asked import Asked
from ui.stages.why.reads import key_of
from ui.text import bold

MOST = 10  # sources along a side of the map
PAIRS = 3  # told in words


def draw(asked: Asked) -> None:
    """The score of one pair of tokens, opened into sources; and the strongest pairs in words."""
    key = key_of(asked)
    looked = why.look(asked.view.trace, asked.path, asked.view.head, asked.position, key)
    step = f"{asked.path}.scores.sources.{asked.view.head}.{asked.position}.{key}"
    rows, columns = strongest(looked.parts_ST), strongest(looked.parts_ST.T)
    opened = opened_in(step)
    there = opened if opened and opened[0] in rows and opened[1] in columns else None
    words_S, words_T = words_of(asked, looked)
    spec = HeatmapSpec(
        asked.view.trace[step][np.ix_(rows, columns)],
        [words_S[s] for s in rows],
        [words_T[t] for t in columns],
        title=f"Query of {words_at(asked, True)} × key of {words_at(asked, False)}",
        rows_title="source of the query",
        columns_title="source of the key",
        opened=there and (rows.index(there[0]), columns.index(there[1])),
        colour=COLOURS["weight"],
        step=step,
    )
    clickable_map("why:look", spec, lambda s, t: open_number(step, (rows[s], columns[t])))
    top = np.unravel_index(int(np.abs(looked.parts_ST).argmax()), looked.parts_ST.shape)
    render_depth(asked.view, text(asked, looked), (step, tuple(map(int, top))))
    st.markdown(pairs_text(asked, looked))


def strongest(parts_ST) -> list[int]:
    """The sources of a row that count most in any pair, in their order."""
    size_S = np.abs(parts_ST).max(axis=1)
    return sorted(np.argsort(-size_S, kind="stable")[:MOST].tolist())


def words_at(asked: Asked, query: bool) -> str:
    """The token that looks, or the one that is looked at, as plain text."""
    return asked.name() if query else asked.view.names_of(asked.seen_side)[key_of(asked)]


def words_of(asked: Asked, looked: why.Look) -> tuple[list[str], list[str]]:
    """The sources of both in words, each at its token."""
    one = asked.view.tokens(asked.side)[asked.position]
    other = asked.view.tokens(asked.seen_side)[looked.key]
    return (
        [why.in_words(name, one) for name in looked.query_names],
        [why.in_words(name, other) for name in looked.key_names],
    )


# --- in words -------------------------------------------------------------------------------------


def text(asked: Asked, looked: why.Look) -> str:
    """What the score is, what it became, and which sources count on either side."""
    weight = asked.view.trace[f"{asked.path}.pattern"][asked.view.head, looked.query, looked.key]
    S, T = looked.parts_ST.shape
    words_S, words_T = words_of(asked, looked)
    ends = []
    for words, sums in ((words_S, looked.by_query()), (words_T, looked.by_key())):
        at = int(np.abs(sums).argmax())
        ends.append(f"**{words[at]}** ({number(sums[at], 3)})")
    return (
        f"In {asked.head_words}, {bold(words_at(asked, True))} gives"
        f" {bold(words_at(asked, False))} {percent(weight, 0)} of its attention. The score before"
        f" softmax, **{number(looked.total, 3)}**, is the sum of {S} × {T} pairs: a source of the"
        " query times a source of the key. With all of the other side,"
        f" {ends[0]} counts most in the query, {ends[1]} in the key."
    )


def pairs_text(asked: Asked, looked: why.Look) -> str:
    """The strongest pairs, one a line; of a head, also what it had read there."""
    one, other = (bold(words_at(asked, query)) for query in (True, False))
    lines = []
    for query_name, key_name, part in looked.largest(PAIRS):
        query = f"{why.in_words(query_name)} at {one}{had_read(asked, query_name, looked.query)}"
        key = f"{why.in_words(key_name)} at {other}{had_read(asked, key_name, looked.key)}"
        lines.append(f"- **{number(part, 3)}**: {query} × {key}")
    return "\n".join(["The strongest pairs:", "", *lines])


def had_read(asked: Asked, name: str, token: int) -> str:
    """What a head had read when it wrote into a token; empty for other sources."""
    if ".head." not in name:
        return ""
    side, at, weight = why.read_most(asked.view.trace, name, token)
    read = bold(asked.view.names_of(side)[at])
    return f" (it had looked at {read}: {percent(weight, 0)})"
