"""What all heads of all layers do, in one table: on this sentence, and on a random text."""

from __future__ import annotations

from collections import Counter

import numpy as np
import streamlit as st

from core.steps.heads import ROLES
from core.text import counted
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number
from ui.kit.packed_arrays import packed
from ui.session import sent
from ui.session.actions import select_head
from ui.session.runs import RunRequest, trace_of
from ui.session.view import View
from ui.stages.heads.roles import STRONG, random_request, role_terms

KEY = "heads_every"
RANKED = len(ROLES) - 1  # “broad” is no target
_draw = component("head_roles")


def draw(view: View) -> None:
    """The table; a click chooses the head, and opens what it does on this sentence."""
    shares_TNHO = np.stack(
        [shares_of(request, view.side) for request in (view.request, random_request(view))]
    )
    data = packed(shares_TNHO) | {
        "key": KEY,
        "roles": [*ROLES, "on the first token"],
        "ranked": RANKED,
        "strong": STRONG,
        "chosen": [view.layer, view.head],
        "texts": ["On this sentence", "On random tokens, twice"],
        "counts": [in_words(shares_NHO) for shares_NHO in shares_TNHO],
    }
    _draw(key=KEY, data=data, on_head_change=lambda: choose(view, shares_TNHO.shape[1:3]))
    st.caption(role_terms().strip())


@st.cache_resource(max_entries=24, show_spinner="Measuring all heads …")
def shares_of(request: RunRequest, side: str) -> np.ndarray:
    """Every role of every head, and last what it leaves on the first token, (N, H, O + 1): kept for
    all readers, so that a model reads the random text once.
    """
    trace = trace_of(request)
    at = [f"{side}.{layer}.attn.pattern" for layer in range(trace.config.layers(side))]
    return np.stack(
        [
            np.concatenate([trace[f"{each}.roles"], trace[f"{each}.sink"][:, None]], axis=1)
            for each in at
        ]
    )


def choose(view: View, shape: tuple[int, int]) -> None:
    """The head that was clicked is looked at, and what it does most opens."""
    clicked = sent.place(sent.from_component(KEY, "head"), shape)
    if clicked is None:
        return
    layer, head = clicked
    select_head(layer, head)
    step = f"{view.side}.{layer}.attn.pattern.roles"
    best = int(view.trace[step][head, :-1].argmax())
    open_number(step, (head, best))


def in_words(shares_NHO: np.ndarray) -> str:
    """How many heads have which role, and how many rest on the first token."""
    ranked_NHO = shares_NHO[..., :RANKED]
    strong_NH = ranked_NHO.max(axis=-1) >= STRONG
    found = Counter(ranked_NHO.argmax(axis=-1)[strong_NH].tolist())
    roles = ", ".join(f"{ROLES[role]} ({count})" for role, count in found.most_common())
    strong, resting = int(strong_NH.sum()), int((shares_NHO[..., -1] >= STRONG).sum())
    return (
        f"{strong} of {strong_NH.size} heads {'has' if strong == 1 else 'have'} a strong"
        f" role{': ' * bool(roles)}{roles}. {counted(resting, 'head')}"
        f" {'leaves' if resting == 1 else 'leave'} at least half of"
        f" {'its' if resting == 1 else 'their'} attention on the first token."
    )
