"""What each head of the layer does, measured on this sentence and on a random text."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from core.step_ref import ref_of
from core.steps.heads import ROLES, targets
from core.text import percent
from ui.kit.runs import beside, open_in
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, cell_map
from ui.kit.terms import term
from ui.session.actions import show_run
from ui.session.runs import RunRequest
from ui.session.view import View

STRONG, BROAD = 0.5, 0.85  # a role counts from half of the attention on; nearly even
TARGETS = {
    "previous token": "the token before",
    "next token": "the token after",
    "itself": "the token itself",
    "duplicate": "an earlier copy of the token",
    "induction": "the token after an earlier copy of this one",
    "separator": "special tokens such as [SEP]",
}


def draw(view: View) -> None:
    """The roles of the layer's heads on both texts."""
    step, on_random = view.at("attn.pattern.roles"), random_view(view)
    best = int(view.trace[step][view.head, :-1].argmax())
    render_depth(view, role_text(view, on_random), (step, (view.head, best)))
    here, there = st.columns(2)
    with here:
        roles_map(view, "On this sentence")
    with there:
        roles_map(on_random, "On random tokens, twice", "random", partial(open_role, on_random))
    if view.request.change != "repeat":
        asked = view.request._replace(mask="trained", change="repeat")
        st.button("Show the random text", key="heads_random", on_click=show_run, args=(asked,))
    st.caption(how_measured(view, on_random))


def roles_map(view: View, title: str, key: str = "", on_cell=None) -> None:
    """The roles of the layer's heads, a row for each head. key, on_cell: as `cell_map` has them."""
    step = view.at("attn.pattern.roles")
    cell_map(view, step, ALL, ALL, key=key, on_cell=on_cell, title=title, chosen=view.head, limit=1)


def open_role(on_random: View, head: int, role: int) -> None:
    """A role on the random text: its number opens in that run."""
    open_in(on_random, on_random.at("attn.pattern.roles"), (head, role))


# --- the random text ------------------------------------------------------------------------------


def random_view(view: View) -> View:
    """The same layer and head where the model reads random tokens, twice in a row."""
    return replace(beside(view, random_request(view)), token=0)


def random_request(view: View) -> RunRequest:
    """The run on the random text: one for each model, whatever is typed."""
    some = "a" if view.model.tokenizer else "0"  # any text: its words are replaced
    return RunRequest(view.request.model, some, target=some, change="repeat")


# --- in words -------------------------------------------------------------------------------------


def role_text(view: View, on_random: View) -> str:
    """What the chosen head does on this sentence and on the random text."""
    here_O, there_O = (
        each.trace[each.at("attn.pattern.roles")][view.head] for each in (view, on_random)
    )
    induction = ROLES.index("induction")
    is_one = there_O[:-1].argmax() == induction and there_O[induction] >= STRONG
    named = ": an **induction head**" if is_one else ""
    return (
        f"On this sentence, **head {view.head}** {does(here_O)}. On random tokens, read twice in a"
        f" row, it {does(there_O)}{named}."
    )


def does(shares_O) -> str:
    """What a head does, as the shares of its attention have it."""
    best = int(shares_O[:-1].argmax())
    share, target = percent(shares_O[best], 0), TARGETS[ROLES[best]]
    if shares_O[best] >= STRONG:
        return f"looks mostly at {target} ({share})"
    if shares_O[-1] >= BROAD:
        return "looks nearly evenly at all it may see"
    if not shares_O[best]:
        return "has none of these roles"
    most = f"at most {share}" if share[0] != "<" else f"less than {share[1:]}"
    return f"has no strong role: {most} goes to {target}"


def role_terms() -> str:
    """The two roles whose names say nothing to a newcomer, with their terms."""
    duplicate, induction = term("duplicate token", "Duplicate"), term("induction head", "induction")
    return f" {duplicate}: {TARGETS['duplicate']}; {induction}: {TARGETS['induction']}."


def how_measured(view: View, on_random: View) -> str:
    """What the numbers of the maps mean, and from how many tokens they come."""
    here, there = copies(view), copies(on_random)
    return (
        "A cell is the share of attention that goes there, averaged over the tokens that have such"
        f" a target; a role is strong from {percent(STRONG, 0)}. “Broad” says how even the"
        " attention is. The random text has every token twice:"
        f" {there} have an earlier copy to look at; in this sentence"
        f" {here or 'none'} {'have' if here > 1 else 'has'}."
        + without_target_text(view)
        + role_terms()
    )


def copies(view: View) -> int:
    """How many tokens have an earlier copy, without the first."""
    return int(targets_of(view, ROLES.index("duplicate")).any(axis=1).sum())


def targets_of(view: View, role: int) -> np.ndarray:
    """The cells that count for a role, (L, M)."""
    return targets(view.trace, ref_of(view.at("attn.pattern.roles")), role)


def without_target_text(view: View) -> str:
    """The roles that can't be measured on this sentence: no token has such a target."""
    lacking = [TARGETS[ROLES[o]] for o in range(len(TARGETS)) if not targets_of(view, o).any()]
    return f" Here no token can look at {', or at '.join(lacking)}." if lacking else ""
