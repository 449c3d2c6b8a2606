"""The five steps of attention for one token and one head, as the Attention page draws them.

A step says in a few sentences what happens, draws it from the trace, and returns the cell whose making is shown beside it.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.analysis.planes import principal_plane
from core.cells import number
from ui import figures
from ui.maps import show
from ui.state import close_number
from ui.slices import ALL, cell_bars, cell_map, cells_table, largest
from ui.theme import plain


SECONDS = 6         # that a step stays while the walk plays by itself


@dataclass(frozen=True)
class Step:
    title: str
    draw: Callable      # (view) -> (name, index) of the cell that is explained first


def stepper(titles: list[str]) -> int:
    """The steps in a row to choose from, and previous, next and play below, with the keys P, N and S. Returns the step."""
    here, last = st.session_state, len(titles) - 1
    at, playing = here["stage"], here["_playing"] and here["stage"] < last
    st.segmented_control("Step", range(len(titles)), key="stage", format_func=titles.__getitem__, required=True,
                         label_visibility="collapsed", persist_state="session", on_change=turned)
    row = st.container(horizontal=True)
    row.button("← Previous", key="previous", shortcut="P", on_click=turn_to, args=(at - 1,), disabled=at == 0)
    row.button("Next →", key="next", shortcut="N", on_click=turn_to, args=(at + 1,), disabled=at == last,
               type="primary")
    row.button("Stop" if playing else "Play", key="play", shortcut="S", on_click=turn_to,
               args=(at if playing else at % last, not playing), help="Goes on by itself, a step every few seconds.")
    if playing:
        walk_on(at)
    return at


def turn_to(stage: int, playing: bool = False) -> None:
    """Shows another step."""
    st.session_state["stage"] = stage
    turned(playing)


def turned(playing: bool = False) -> None:
    """The number that was opened belonged to the step before."""
    st.session_state["_playing"], st.session_state["_since"] = playing, time.monotonic()
    close_number()


@st.fragment(run_every=0.5)
def walk_on(at: int) -> None:
    """Beside the page: after a while, the next step."""
    here = st.session_state
    if time.monotonic() - here["_since"] >= SECONDS and here["_playing"]:
        turned(playing=True)
        here["_next"] = {"stage": at + 1}
        st.rerun()


def word(view, position: int | None = None) -> str:
    """A token in bold, as it stands in running text."""
    return f"**{plain(view.labels[view.token if position is None else position])}**"


def reads(view) -> str:
    """What the projections of this attention are applied to: the token's vector, or the norm of it."""
    return view.at("attn.norm.out") if view.config.norm_first else view.at("attn.in")


def projected(view, letter: str) -> str:
    """How q, k or v is made, as a title: with the bias and the turn by position where the model has them."""
    bias = view.trace.weights[view.at(f"attn.{letter}.bias")]
    product = f"x · W_{letter.upper()}" + (" + b" if bias.any() else "")
    return f"turned by position: {product}" if view.config.positions == "rotary" and letter != "v" else product


def query(view):
    """Step 1: the token's vector times W_Q."""
    c, t = view.config, view.token
    normed = " It has passed a norm first, which brings every vector to one size." if c.norm_first else ""
    turned = (" Then each pair of them is turned by an angle that grows with the token’s position, so that distance counts."
              if c.positions == "rotary" else "")
    st.markdown(f"{word(view)} arrives as a vector x of {c.d_model} numbers.{normed} Head {view.head} multiplies it by its own "
                f"learned matrix W_Q and gets {c.d_head} numbers: the **query**, what {word(view)} looks for in the other "
                f"tokens.{turned}")
    normed = ", after the norm" if c.norm_first else ""
    cell_map(view, reads(view), slice(t, t + 1), ALL, title=f"x: the vector of {view.labels[t]}{normed}")
    cell_bars(view, view.at("attn.q"), view.head, t, ALL, title=f"q: its query in this head, {projected(view, 'q')}", kind="q")
    return largest(view, view.at("attn.q"), view.head, t, ALL)


def keys(view):
    """Step 2: the key of every token."""
    st.markdown("Every token is multiplied by a second matrix, W_K, and gets its **key**: what it can be found by. Each row "
                f"below is one token’s key. The query of {word(view)} will be held against every one of them.")
    shared = view.config.n_heads // view.config.n_kv_heads
    if shared > 1:
        st.caption(f"In this model {shared} query heads share one set of keys and values: head {view.head} uses set "
                   f"{view.key_head}.")
    cell_map(view, view.at("attn.k"), view.key_head, ALL, ALL, title=f"k: a row for each token, {projected(view, 'k')}",
             chosen=view.token)
    return largest(view, view.at("attn.k"), view.key_head, view.token, ALL)


def scores(view):
    """Step 3: dot products, scaled and masked."""
    row_M, K = view.trace[view.at("attn.scores")][view.head, view.token], view.config.d_head
    best, blocked = int(np.argmax(row_M)), int(np.isneginf(row_M).sum())
    scaled = (f" It is divided by √{K} ≈ {number(K ** 0.5)}, since sums of {K} products grow large, and large scores would make "
              "softmax all or nothing." if view.config.score_scale != 1 else " This model does not scale it.")
    st.markdown(f"The query of {word(view)} is multiplied with each key, number by number, and added up: the **dot product** "
                f"says how well they fit.{scaled} Best fits {word(view, best)}. " + (
                    f"The mask blocks {blocked} of {len(row_M)} tokens: their score becomes −∞." if blocked else
                    "The mask blocks nothing: every token may be looked at."))
    titles = {"scores.dot": "q · k", "scores.scaled": f"÷ √{K}" if view.config.score_scale != 1 else "× 1",
              "scores.biased": "+ distance", "mask": "may look", "scores": "score"}
    cells_table(view, {title: (view.at(f"attn.{leaf}"), (view.token, ALL) if leaf == "mask" else (view.head, view.token, ALL))
                       for leaf, title in titles.items() if view.at(f"attn.{leaf}") in view.trace}, key="scores")
    cell_map(view, view.at("attn.scores"), view.head, ALL, ALL, title="Scores of all tokens", chosen=view.token)
    return view.at("attn.scores.dot"), (view.head, view.token, best)


def softmax(view):
    """Step 4: from scores to shares of attention."""
    at, row = view.at("attn.pattern"), (view.head, view.token)
    pattern_M, total = view.trace[at][row], float(view.trace[f"{at}.total"][row])
    st.markdown(f"**Softmax** makes shares of the scores: e to the power of each score (less the row’s largest, which changes "
                f"no share), divided by the sum of them all, here {number(total)}. {word(view)} gives most, "
                f"{pattern_M.max():.0%}, to {word(view, int(pattern_M.argmax()))}.")
    exp, weight = "exp(score − max)", f"÷ {number(total)} = weight"
    cells_table(view, {"score": (view.at("attn.scores"), (*row, ALL)), exp: (f"{at}.exp", (*row, ALL)),
                       weight: (at, (*row, ALL))}, key="softmax", bar=weight, foot={exp: (f"{at}.total", row)})
    cell_map(view, at, view.head, ALL, ALL, title="Attention weights of all tokens: each row sums to 1",
             chosen=view.token)
    return at, (*row, int(pattern_M.argmax()))


def values(view):
    """Step 5: the values, weighted and summed, and what is added back to the token."""
    v_MK, z_K = view.trace[view.at("attn.v")][view.key_head], view.trace[view.at("attn.z")][view.head, view.token]
    pattern_M = view.trace[view.at("attn.pattern")][view.head, view.token]
    st.markdown(f"A third matrix, W_V, gives every token its **value**: {view.config.d_head} numbers that it hands over. Each "
                f"value counts as much as its weight says: **z** = "
                + " + ".join(f"{number(pattern_M[m])} · v({word(view, m)})" for m in np.argsort(-pattern_M)[:3])
                + (" + …" if len(pattern_M) > 3 else "") + ".")
    cell_map(view, view.at("attn.v"), view.key_head, ALL, ALL, title=f"v: a row for each token, {projected(view, 'v')}",
             chosen=int(pattern_M.argmax()))
    cell_map(view, view.at("attn.z"), view.head, slice(view.token, view.token + 1), ALL,
             title="z: the weighted sum, column by column")
    show("plane", figures.vectors_plane(principal_plane(v_MK), v_MK, pattern_M, z_K, view.labels),
         alt="The values of all tokens in their plane, and their weighted sum z")
    before_after(view)
    return largest(view, view.at("attn.z"), view.head, view.token, ALL)


def before_after(view):
    """The token's vector before attention, each part that is added, and after."""
    t = view.token
    before_D, update_D, after_D = (view.trace[view.at(f"attn.{leaf}")][t] for leaf in ("in", "out", "sum"))
    st.markdown(f"A last matrix, W_O, makes {view.config.d_model} numbers of each head’s z: head {view.head} adds its own, the "
                f"other heads add theirs, and {word(view)} **keeps what it was**: before + update = after. (A norm and the "
                "feed-forward network come next.) The same three as arrows, and all their numbers:")
    plane = principal_plane(np.stack((before_D, update_D, after_D)))
    show("sum", figures.arrows_sum(plane, before_D, update_D, after_D, view.labels[t]),
         alt="The token's vector before attention, the update, and their sum, as arrows")
    for leaf, title in (("in", "before"), ("out", "update: all heads together"), ("sum", "after")):
        cell_map(view, view.at(f"attn.{leaf}"), slice(t, t + 1), ALL, title=title)
    cell_map(view, view.at("attn.heads"), ALL, t, ALL, title="the update, head by head")


STEPS = (Step("1 Query", query), Step("2 Keys", keys), Step("3 Scores", scores), Step("4 Softmax", softmax),
         Step("5 Values", values))
