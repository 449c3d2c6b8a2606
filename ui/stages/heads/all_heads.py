"""Where all heads of a layer look: the figure of the page, and what it says of the chosen token."""

from __future__ import annotations

import numpy as np

from core.text import percent
from ui.kit.coarse_maps import block_of_each
from ui.kit.components import heads_canvas
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.section import render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, cells_table, largest
from ui.kit.token_words import bold_apart
from ui.kit.word_grouping import Weights, unseen_words
from ui.session.selection import depth, select
from ui.session.view import View
from ui.text import bold, quoted

CLEAR = 0.05  # of a token's attention: by so much a head has to lead
TALLEST = 650  # pixels in which all heads should be seen at once


def question(view: View, drawn: Weights) -> None:
    """The question that the figure answers, over it."""
    heads = view.config.n_heads
    who = f"do the {heads} heads" if heads > 1 else "does the one head"
    heading(f"Where {who} look from {looking(view, drawn)}?", quiz(view, drawn))


def quiz(view: View, drawn: Weights) -> Quiz | None:
    """Which head looks most at the token that one head finds, and the others least."""
    if drawn.chosen is None or view.config.n_heads < 2:
        return None
    weights_HM = view.trace[drawn.name][:, drawn.chosen]
    lead_M = np.diff(np.sort(weights_HM, axis=0)[-2:], axis=0)[0]
    at = int(lead_M.argmax())
    heads = [f"head {h}" for h in range(len(weights_HM))]
    found = quiz_of_most(view, heads, weights_HM[:, at], CLEAR)
    return found and found.asks("Which looks most at {}?", drawn.names[at])


def draw(view: View, drawn: Weights) -> tuple[str, tuple[int, ...]]:
    """The weights of all heads of the layer as small maps, and what they show; gives the largest
    weight of the chosen head.
    """
    row = drawn.chosen or 0
    first = largest(view, drawn.name, view.head, row, ALL)
    figure(view, drawn)
    render_depth(view, story(view, drawn), first)
    if depth() == "numbers":
        weights_table(view, drawn, row)
    return first


def figure(view: View, drawn: Weights) -> None:
    """A map for each head; a click chooses head and token, and opens the weight."""
    labels = drawn.names
    heads_canvas(
        view.trace[drawn.name],
        labels,
        labels,
        key="heads",
        chosen=view.head,
        row=drawn.chosen,
        opened=opened_in(drawn.name),
        blocked_LM=hidden(view, drawn),
        tallest=TALLEST,
        step=drawn.name,
        on_cell=lambda *cell: open_weight(drawn, *cell),
    )


def hidden(view: View, drawn: Weights) -> np.ndarray:
    """What the mask hides of each map."""
    if ".words." in drawn.name:
        return unseen_words(view, drawn.name)
    return ~view.trace[view.at("attn.mask")]


def open_weight(drawn: Weights, head: int, row: int, column: int) -> None:
    """A cell of a head: the head is chosen, and the token that looks, and the weight opens."""
    select(head=head, token=drawn.first(row))
    open_number(drawn.name, (head, row, column))


def weights_table(view: View, drawn: Weights, row: int) -> None:
    """All weights of one token: a row for each token that is looked at, a column for each head."""
    heads, words = range(len(view.trace[drawn.name])), drawn.names
    cells_table(
        view,
        {f"head {h}": (drawn.name, (h, row, ALL)) for h in heads},
        key="heads_weights",
        words=words,
        title=f"What each head of layer {view.layer} gives, seen from {quoted(words[row])}",
        corner="looked at",
    )


# --- in words -------------------------------------------------------------------------------------


def looking(view: View, drawn: Weights) -> str:
    """The token, or word, whose row is framed, in bold."""
    if drawn.chosen is None:
        return bold_apart(view.labels, view.token)
    return bold_name(drawn, drawn.chosen)


def bold_name(drawn: Weights, at: int) -> str:
    """What is looked at in bold, and its position where its like stands elsewhere, too."""
    label = drawn.labels[at]
    return bold(label) + drawn.names[at].removeprefix(label)


def story(view: View, drawn: Weights) -> str:
    """How to read the maps, where the heads look from the chosen token, and where the chosen head
    does.
    """
    how = (
        f"Each map is a head: rows look, columns are looked at{drawn.note}{in_blocks(view, drawn)}."
    )
    if drawn.chosen is None:
        return f"{how} {looking(view, drawn)}, the chosen token, is hidden."
    weights_HM = view.trace[drawn.name][:, drawn.chosen]
    at = int(weights_HM[view.head].argmax())
    share = percent(weights_HM[view.head, at], 0)
    return (
        f"{how} {agreement(drawn, weights_HM.argmax(axis=1))}**Head {view.head}** looks"
        f" most at {bold_name(drawn, at)}: {share}."
    )


def in_blocks(view: View, drawn: Weights) -> str:
    """What is said of a long text, whose maps have a cell for several weights."""
    heads, rows, columns = view.trace.shape(drawn.name)
    tall, wide = block_of_each(heads, rows, columns)
    return f" · each cell: the largest of {tall} × {wide}" if tall * wide > 1 else ""


def agreement(drawn: Weights, most_H: np.ndarray) -> str:
    """At how many different tokens the heads look most."""
    heads, targets_N = len(most_H), np.unique(most_H)
    if heads == 1:
        return ""
    if len(targets_N) == 1:
        return f"All {heads} look most at {bold_name(drawn, int(most_H[0]))}. "
    if len(targets_N) == heads:
        return f"All {heads} look most at different tokens. "
    common = int(np.bincount(most_H).argmax())
    count = int((most_H == common).sum())
    return (
        f"From this token they look most at {len(targets_N)} different ones, {count} of the"
        f" {heads} at {bold_name(drawn, common)}. "
    )
