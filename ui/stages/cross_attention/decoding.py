"""Cross-attention as it writes: word after word, and how likely the model finds a given target."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.decoding import next_tokens
from core.errors import GlassError
from core.steps.output import next_ids
from core.text import counted, number, percent
from ui.kit.likelihood import added_up, likelihood_table
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, cells_table, largest, shares_of_sum
from ui.kit.vocabulary_table import forbidden_text, words_table
from ui.session import runs
from ui.session.actions import start_new_text
from ui.session.selection import select
from ui.session.view import View
from ui.stages.cross_attention.alignment import OVERFLOWED
from ui.stages.cross_attention.words import read_words, source
from ui.text import bold, plain, told_apart

COUNT = 8  # next words in the table


def own_target(view: View) -> bool:
    """Whether the target is the one that the model wrote by itself."""
    return not view.request.target.strip()


def as_it_ran(view: View) -> bool:
    """Whether each position saw only what stood before it, so that its numbers are those of the
    moment when it wrote.
    """
    return not np.triu(view.trace["decoder.0.attn.mask"], 1).any()


# --- word by word ---------------------------------------------------------------------------------


def step_tables(view: View) -> None:
    """The step that wrote the chosen word: self-attention, cross-attention, the next word."""
    t, target = view.token, read_words(view)
    render_depth(
        view,
        chosen_position_text(view),
        largest(view, view.at("attn.pattern"), view.head, t, ALL),
        largest(view, view.at("cross.pattern"), view.head, t, ALL),
        *output_cell(view),
    )
    read = " ".join(plain(token) for token in target[:t])
    st.markdown(f"Read so far: {read} {bold(target[t])} → {next_word(view)}")
    before, source, after = st.columns((4, 5, 4), gap="small")
    with before:
        written, title = slice(0, t + 1) if as_it_ran(view) else ALL, "what is written"
        weights_table(view, "attn", written, f"Self-attention, layer {view.layer}: {title}", t)
    with source:
        weights_table(view, "cross", ALL, f"Cross-attention, layer {view.layer}: the source")
    with after:
        next_words(view)


def weights_table(
    view: View, block: str, seen: slice, title: str, chosen: int | None = None
) -> None:
    """Where the chosen position looks: the chosen head, and the mean of the layer's heads."""
    head, t = f"head {view.head}", view.token
    columns = {head: (view.at(f"{block}.pattern"), (view.head, t, seen))}
    if block == "cross":
        columns["share of z"] = (view.at("cross.z.share"), (view.head, t, seen))
    columns["mean of heads"] = (view.at(f"{block}.pattern.mean"), (t, seen))
    cells_table(
        view,
        columns,
        key={"attn": "cross_before", "cross": "cross_source"}[block],
        bar=head,
        title=title,
        chosen=chosen,
    )
    if block == "cross":
        shares_of_sum(view, view.at("cross.z.share"), view.head, t, seen)


def chosen_position_text(view: View) -> str:
    """The chosen position in words."""
    mean_M, newest = (
        view.trace[view.at("cross.pattern.mean")][view.token],
        bold(read_words(view)[view.token]),
    )
    before_L = view.trace[view.at("attn.pattern.mean")][view.token]
    if not np.isfinite([before_L.max(), mean_M.max()]).all():
        return f"The decoder has just read {newest}. {OVERFLOWED}."
    looks = source(view, int(mean_M.argmax()))
    return (
        f"{author_text(view)}. The decoder has just read {newest}. On the mean of the heads of"
        f" layer {view.layer}, **self-attention** looks most at"
        f" {bold(read_words(view)[int(before_L.argmax())])} ({percent(before_L.max(), 0)}) and"
        f" **cross-attention** at {looks} ({percent(mean_M.max(), 0)}). {expected(view)}"
        f"{as_it_ran_text(view)}"
    )


def author_text(view: View) -> str:
    """Who wrote the target."""
    if not own_target(view):
        return "This target was given"
    changed = view.request.change or view.mask != "trained"
    model = "The model" + (" as it was trained" if changed else "")
    return f"{model} wrote this target itself, always the likeliest word next"


def as_it_ran_text(view: View) -> str:
    """Whether the numbers are those of the moment when the model wrote."""
    if as_it_ran(view):
        return (
            " The causal mask hides what comes later, so the whole target can be computed at once:"
            " the numbers are the same but for rounding."
        )
    return " Under this mask a position also sees what comes later, as it could not while writing."


def row_of(view: View) -> int | None:
    """The chosen position among those whose output was kept."""
    return next(iter(np.flatnonzero(view.trace.rows == view.token)), None)


def output_cell(view: View) -> list:
    """The probability of the word that follows."""
    row = row_of(view) if view.config.head else None
    return [] if row is None else [("head.probs", (int(row), int(next_ids(view.trace)[row])))]


def next_word(view: View) -> str:
    """The word that follows in the target, or after it the likeliest, and its probability."""
    return (
        "".join(
            f"{bold(view.word(index[1]))} ({percent(view.trace[name][index])})"
            for name, index in output_cell(view)
            if np.isfinite(view.trace[name][index])
        )
        or "…"
    )


def expected(view: View) -> str:
    """What the guess makes of the word that follows in the target; after the last word, of the
    end.
    """
    cell = output_cell(view)
    if next_word(view) == "…":
        return ""
    ((_, (row, follows)),) = cell
    probs_V = view.trace["head.probs"][row]
    best = int(probs_V.argmax())
    likeliest = (
        ""
        if best == follows
        else f"; the likeliest is {bold(view.word(best))} ({percent(probs_V[best])})"
    )
    said = f"In this target {next_word(view)} follows{likeliest}."
    return f"{said} {forbidden_text(view, view.token)}".rstrip()


def next_words(view: View) -> None:
    """The likeliest next words, and the one that follows in the target."""
    cell = output_cell(view)
    if not cell:
        st.caption(
            "This guess was not kept: in a text this long only the one after the last word is."
        )
        return
    ((_, (row, follows)),) = cell
    if not np.isfinite(view.trace["head.probs"][row]).all():
        st.caption(f"{OVERFLOWED}: there are no probabilities.")
        return
    ids = [int(i) for i in next_tokens(view.trace, COUNT, row)[0]]
    ids += [] if follows in ids else [follows]
    words_table(
        view,
        ids,
        {"logit": ("head.logits", (row,)), "probability": ("head.probs", (row,))},
        bar="probability",
        key="cross_next",
        title="Output: the likeliest next words; the one that follows is marked",
        chosen=ids.index(follows),
    )


# --- how likely -----------------------------------------------------------------------------------


def likelihood(view: View) -> None:
    """Each word's log probability, and the sum."""
    if not view.config.head:
        return
    last = len(view.trace.rows) - 1
    cells = ("head.written", (last,)), ("head.written.sum", (last,))
    render_depth(view, likelihood_text(view), *cells)
    st.button(
        "Let the model write it",
        key="cross_own",
        on_click=let_it_write,
        disabled=own_target(view),
        help="Goes back to the target that the model writes by itself.",
    )
    st.caption(
        "Type a target of your own above, beside the sentence."
        + (
            ""
            if is_kept_whole(view)
            else " In a text this long only the guess after the last word was kept."
        )
    )
    likelihood_table(
        view,
        told_apart([view.word(i) for i in next_ids(view.trace)]),
        key="cross_likely",
        title="The target, word by word, as the model expected it",
    )


def is_kept_whole(view: View) -> bool:
    """Whether the guess after each word of the target was kept."""
    return len(view.trace.rows) == len(view.tokens("decoder"))


def likelihood_text(view: View) -> str:
    """What is added up, what it comes to, and what a target of the model's own comes to."""
    own = "" if own_target(view) or not is_kept_whole(view) else its_own(view)
    seen = (
        ""
        if as_it_ran(view)
        else (
            " But under this mask a position may see the very word that it is to guess, so this"
            " says little about how likely the model would write it."
        )
    )
    return (
        "At each position the model gave a probability to the word that follows. Multiplied, they"
        " are the probability of the whole target. The product is hard to read, so their"
        " **logarithms** are added: 0 would be certain."
        f" {added_up(view.trace['head.written.sum'])}{own}{seen}"
    )


def its_own(view: View) -> str:
    """What the target that the model would write itself adds up to."""
    try:
        sum_R = runs.trace_of(view.request._replace(target=""))["head.written.sum"]
    except GlassError:
        return ""
    return (
        " The target that it writes by itself, of "
        f"{counted(len(sum_R), 'token')}, adds up to {number(sum_R[-1], 3)}."
    )


def let_it_write() -> None:
    """The decoder reads what the model writes by itself."""
    select(target="")
    start_new_text()
