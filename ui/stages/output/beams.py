"""Beam search: several beginnings are kept at a time. The tree of what was kept and what was
dropped, the text that it finds, and the one that the likeliest token each time gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.decoding import Tree, beam_search, ends_text, rules_of
from core.decoding.beam_search import ENDED, KEPT, WIDEST
from core.errors import GlassError
from core.text import counted, number
from ui.kit.component_loader import component
from ui.kit.guessed_place import guessed_position
from ui.kit.section import render_depth
from ui.session import sent
from ui.session.runs import limited
from ui.session.selection import FARTHEST, chosen, select
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.stages.output.continuation import append, is_text_moved
from ui.text import bold, plain, quoted

KEY = "output-beams"
_draw = component("beams", 'class="root figure" role="group" aria-label="The search"')


@dataclass(frozen=True, eq=False)
class Search:
    """A tree on the shelf."""

    tree: Tree

    @property
    def nbytes(self) -> int:
        """About what the branches take."""
        return 300 * len(self.tree.branches)


def beams(view: View) -> None:
    """The controls, the tree, and the text that was found."""
    position = first_position(view)
    with st.container(horizontal=True):
        st.slider("Beginnings kept", 1, WIDEST, key="output_beams", persist_state="session")
        st.slider("Tokens on", 1, FARTHEST, key="output_ahead", persist_state="session")
    try:
        tree = search(view, position, chosen("output_beams"))
        greedy = search(view, position, 1)
    except GlassError as error:
        st.info(plain(str(error)))
        return
    at = chosen_branch(tree)
    draw_tree(view, position, tree, at)
    render_depth(view, text(view, tree, greedy), *first_cell(view, tree, at))
    branch_line(view, position, tree, at)
    if view.request.change or view.mask != "trained":
        st.caption("The search runs the model as it was trained, without your what-if or mask.")


def first_position(view: View) -> int:
    """The token that the search goes on from: the chosen one; a translation begins anew."""
    return 0 if view.config.crosses else guessed_position(view)[0]


def search(view: View, position: int, beams: int) -> Tree:
    """The tree from the chosen token on; made once for all readers."""
    model, ids_L = view.model, view.trace[f"{view.config.sides[-1]}.embed.ids"][: position + 1]
    source_L = tuple(view.trace["encoder.embed.ids"].tolist()) if view.config.crosses else None
    ids, longest = tuple(ids_L.tolist()), len(ids_L) + chosen("output_ahead")
    longest = min(longest, model.config.n_positions or longest)

    asked = {"beams": beams, "rules": rules_of(model), "source_ids_L": source_L}
    find = partial(beam_search, model.config, model.weights, ids, longest, **asked)

    def run() -> Search:
        bar = st.empty()
        try:
            with limited(key):
                return Search(find(progress=shown_on(bar, len(ids))))
        finally:
            bar.empty()

    key = "beams", model.name, view.taught, ids, source_L, longest, beams
    return SHELF.get(key, run, holds=("model", model.name)).tree


def shown_on(slot, begun: int) -> Callable[[int, int], None]:
    """Shows how far a search has come. begun: the tokens that it began with."""

    def show(length: int, longest: int) -> None:
        done, room = length - begun, longest - begun
        slot.progress(done / room, f"Searching: token {done + 1} of at most {room} …")

    return show


def chosen_branch(tree: Tree) -> int:
    """The branch whose text is shown: the reader's choice, else the best that has ended."""
    at = chosen("output_branch")
    return at if at is not None and at < len(tree.branches) else best_of(tree)


def best_of(tree: Tree) -> int:
    """The best text that has ended; where none has, the best that was kept."""
    if tree.ended:
        return tree.ended[0]
    return max(
        (i for i, each in enumerate(tree.branches) if each.fate in (KEPT, ENDED)),
        key=lambda i: (tree.branches[i].depth, tree.branches[i].total),
    )


# --- the picture ----------------------------------------------------------------------------------


def draw_tree(view: View, position: int, tree: Tree, at: int) -> None:
    """The tree; a click chooses a text."""

    def clicked() -> None:
        branch = sent.from_component(KEY, "branch")
        if sent.whole(branch, len(tree.branches)):
            select(output_branch=branch)

    start = view.names_of(view.config.sides[-1])[position]
    _draw(
        key=KEY,
        data={
            "title": title(start),
            "start": start,
            "chosen": at,
            "branches": [
                {
                    "parent": each.parent,
                    "depth": each.depth,
                    "word": view.word(each.token),
                    "share": math.exp(each.log_prob),
                    "total": each.total,
                    "fate": each.fate,
                }
                for each in tree.branches
            ],
        },
        on_branch_change=clicked,
    )


def title(start: str) -> str:
    """What the tree shows, in a line."""
    return f"{counted(chosen('output_beams'), 'beginning')} at a time after {quoted(start)}"


# --- in words -------------------------------------------------------------------------------------


def words_of(view: View, tree: Tree, at: int) -> str:
    """A text without what stood before the search."""
    tokens = written_tokens(view, tree, at)
    if not tokens:
        return "The text ends at once"
    ends = " (the text ends)" if len(tokens) < len(tree.tokens(at)) else ""
    return f"{bold(as_text(view, tokens))}{ends}"


def as_text(view: View, tokens: tuple[int, ...]) -> str:
    """Tokens as they are read; side by side where they spell no text."""
    cut = view.model.target_tokenizer or view.model.tokenizer
    try:
        text = cut.decode(tokens).strip() if cut else ""
    except GlassError:
        text = ""
    return text or " ".join(map(view.word, tokens))


def text(view: View, tree: Tree, greedy: Tree) -> str:
    """What is kept, what it found, and what the likeliest token each time gives; in about 45
    words.
    """
    best, one = best_of(tree), best_of(greedy)
    opening = (
        "**Beam search** keeps the beginnings whose tokens’ logarithms add up to most, and compares"
        " finished texts by that sum for each token."
    )
    if chosen("output_beams") == 1:
        return f"{opening} With one beginning it takes the likeliest token each time."
    if tree.tokens(best) == greedy.tokens(one):
        return f"{opening} Here it finds what the likeliest token each time gives, too."
    found, always = worth_of(tree, best), worth_of(greedy, one)
    return (
        f"{opening} It finds {words_of(view, tree, best)}: {found}. Always the likeliest token:"
        f" {words_of(view, greedy, one)}: {always}."
    )


def worth_of(tree: Tree, at: int) -> str:
    """What a text is compared by."""
    return f"{score(tree.branches[at].worth(1))} a token"


def score(logarithm: float) -> str:
    """A sum of logarithms; what is all but certain is said as that."""
    return "almost 0" if -0.001 < logarithm < 0 else number(logarithm, 3)


def written_tokens(view: View, tree: Tree, at: int) -> tuple[int, ...]:
    """The tokens of a text that can be written: all but one that ends it."""
    tokens = tree.tokens(at)
    return tuple(tokens[:-1] if ends_text(view.model, tokens[-1]) else tokens)


def first_cell(view: View, tree: Tree, at: int) -> list:
    """The probability of the first token of the chosen text, which this run has."""
    position, row = guessed_position(view)
    same = not view.request.change and view.mask == "trained"
    if not same or position != first_position(view):
        return []
    return [("head.probs", (row, tree.tokens(at)[0]))]


def branch_line(view: View, position: int, tree: Tree, at: int) -> None:
    """The chosen text, what it is worth, and the button that makes it the reader's own."""
    branch = tree.branches[at]
    st.markdown(
        f"The chosen text, {words_of(view, tree, at)}: logarithms of {score(branch.total)} in all,"
        f" {worth_of(tree, at)}."
    )
    st.button(
        "Read this text",
        key="output_branch_read",
        disabled=is_text_moved(view) or not written_tokens(view, tree, at),
        on_click=append,
        args=(view, position, written_tokens(view, tree, at), "The search found {}."),
    )
    start = view.names_of(view.config.sides[-1])[position]
    st.caption(f"Puts it after {bold(start)}. Every page then shows its run, number by number.")
