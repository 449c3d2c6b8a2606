"""Heads: a vector split between the heads, where each looks, what each does on this sentence, and
what each adds.
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import whatif
from core.decoding import next_tokens
from core.text import moves, number, percent
from core.vectors import cosines
from ui.kit.charts import clickable_bars
from ui.kit.components import heads_canvas, lines, table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.runs import beside
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, capped_map, cell_map, cells_table, largest
from ui.kit.stretches import Stretch, stretches
from ui.kit.theme import head_colour
from ui.kit.token_words import word
from ui.kit.word_grouping import ROLES, Weights, unseen_words
from ui.session.actions import close_number, select_token, show_run
from ui.session.runs import RunRequest
from ui.session.selection import select
from ui.session.view import View, is_word
from ui.text import bold, plain, quoted

# From here on a head's role is called by its name: half of its attention; nearly even
STRONG, BROAD = 0.5, 0.85
TARGETS = {
    "previous token": "the token just before",
    "next token": "the token just after",
    "itself": "the token itself",
    "duplicate token": "an earlier copy of the same token",
    "induction": "the token after an earlier copy of this one",
    "separator": "special tokens such as [SEP]",
}


# --- choosing -------------------------------------------------------------------------------------


def open_weight(drawn: Weights, head: int, row: int, column: int) -> None:
    """A cell of a head: the head is chosen, and the token that looks, and the weight opens."""
    select(head=head, token=drawn.first(row))
    open_number(drawn.name, (head, row, column))


# --- 1. a vector split between the heads ----------------------------------------------------------


def split(view: View) -> None:
    """The chosen token's numbers, a row for each head."""
    c, t, name = view.config, view.token, quoted(view.labels[view.token])
    whole, q, z = c.n_heads * c.d_head, view.at("attn.q"), view.at("attn.z")
    section(
        view,
        f"1. {whole} numbers, split between {c.n_heads} heads",
        split_text(view),
        largest(view, q, view.head, t, ALL),
        largest(view, z, view.head, t, ALL),
    )
    ribbon(view)
    title = f"q of {name}: {whole} numbers, a row for each head"
    cell_map(view, q, ALL, t, ALL, title=title, chosen=view.head)
    if detailed():
        title = f"z of {name}: what each head gathered for it, a row for each head"
        cell_map(view, z, ALL, t, ALL, title=title, chosen=view.head)


def split_text(view: View) -> str:
    """Why there are several heads, and how many numbers each of them has."""
    c = view.config
    whole, shared = c.n_heads * c.d_head, c.n_heads // c.n_kv_heads
    return (
        f"One head can look for one thing only. So the model has {c.n_heads} of them side by side:"
        f" the matrices W_Q, W_K and W_V make {whole} numbers for {word(view)}, and each head gets"
        f" {c.d_head} of them to work with, here a row each. No head sees the numbers of another."
        + (
            f" Of keys and values there are only {c.n_kv_heads} sets: {shared} heads share one."
            if shared > 1
            else ""
        )
    )


def ribbon(view: View) -> None:
    """Which of the numbers belong to which head, in the hues of their lines, but light enough for
    dark letters.
    """
    K, heads = view.config.d_head, range(view.config.n_heads)
    parts = [
        Stretch(
            str(h),
            f"Head {h}: numbers {h * K} to {(h + 1) * K - 1}",
            None,
            head_colour(h, lightness=62),
            strong=h == view.head,
        )
        for h in heads
    ]
    words = (
        f"Numbers 0 to {K - 1} belong to head 0, {K} to {2 * K - 1} to head 1, and so on:"
        f" {len(heads)} colours, {len(heads)} heads."
        if len(heads) > 1
        else "There is only one head: it has all numbers."
    )
    stretches(parts, key="heads_ribbon", alt=words)
    st.caption(words)


# --- 2, 3. where they look ------------------------------------------------------------------------


def all_heads(view: View, drawn: Weights) -> None:
    """The weights of all heads of the layer on one canvas."""
    pattern_HLM = view.trace[drawn.name]
    section(
        view,
        f"2. Where all {len(pattern_HLM)} heads of layer {view.layer} look{drawn.note}",
        "Every head looks at the sentence in a way of its own. A row is a token that looks, a"
        " column one that is looked at; the stronger the colour, the more of its attention it gives"
        " there. The row of the chosen token is framed. **Click a cell**: its head and its token"
        " are chosen, and the number opens.",
        largest(view, drawn.name, view.head, drawn.chosen or 0, ALL),
    )
    if drawn.chosen is None:
        st.caption(f"The chosen token, {word(view)}, is such a sign: its row is hidden.")
    blocked = (
        unseen_words(view, drawn.name)
        if ".words." in drawn.name
        else ~view.trace[view.at("attn.mask")]
    )
    heads_canvas(
        pattern_HLM,
        drawn.labels,
        drawn.labels,
        key="heads",
        chosen=view.head,
        row=drawn.chosen,
        opened=opened_in(drawn.name),
        blocked_LM=blocked,
        on_cell=lambda *cell: open_weight(drawn, *cell),
    )


def head_lines(view: View, drawn: Weights) -> None:
    """The chosen head as lines from word to word."""
    section(
        view,
        f"3. Head {view.head}, from word to word{drawn.note}",
        "Each line is an attention weight: the stronger the line, the larger the weight. **Rest on"
        " a token** to see its lines alone, **click** one on the left to choose it.",
    )
    lines(
        view.trace[drawn.name][view.head],
        drawn.labels,
        drawn.labels,
        key="lines",
        chosen=drawn.chosen,
        on_token=lambda row: select_token(drawn.first(row)),
    )


# --- 4. what each head does -----------------------------------------------------------------------


def roles_section(view: View) -> None:
    """How well each head fits each role on this sentence, measured."""
    step = view.at("attn.pattern.roles")
    best = int(view.trace[step][view.head, :-1].argmax())
    section(
        view,
        f"4. What each head of layer {view.layer} does here",
        "Measured on this sentence, not guessed: the share of its attention that a head gives, on"
        f" average, to the token before, to itself, and so on. {role_text(view)} On another"
        " sentence the same head can do something else.",
        (step, (view.head, best)),
    )
    cell_map(
        view,
        step,
        ALL,
        ALL,
        title="Share of attention that goes there, on average (broad: how evenly it is spread)",
        chosen=view.head,
        limit=1,
    )
    st.caption(
        f"A role counts as strong from {STRONG:g} on: half of the attention. Broad from {BROAD:g}"
        " on: entropy, as a share of the largest there can be. The average is over the tokens that"
        " have such a target. Roles overlap: for the second token the one before is also the"
        " first. So they need not add up to 1." + without_target_text(view)
    )


def role_text(view: View) -> str:
    """The chosen head's strongest role in words, and whether it is strong."""
    score_O = view.trace[view.at("attn.pattern.roles")][view.head]
    best = int(score_O[:-1].argmax())
    share, role = percent(score_O[best], 0), TARGETS[ROLES[best]]
    if score_O[best] >= STRONG:
        return f"**Head {view.head}** looks mostly at {role}: {share}."
    if score_O[-1] >= BROAD:
        return (
            f"**Head {view.head}** is broad: its evenness is {number(score_O[-1])}; no target gets"
            " half of its attention."
        )
    return (
        f"**Head {view.head}** has no strong role here: most, {share}, goes to {role}, less than"
        " half."
    )


def without_target_text(view: View) -> str:
    """The roles that can't be measured on this sentence: no token has such a target."""
    none = [
        ROLES[o]
        for o in range(len(ROLES) - 1)
        if not view.trace[view.at("attn.pattern.roles")][:, o].any()
    ]
    return f" Nothing here can be looked at as: {', '.join(none)}; they stay 0." if none else ""


# --- 5. what each head adds -----------------------------------------------------------------------


def contributions_section(view: View) -> None:
    """Each head's own update of the chosen token, and that they add up."""
    t, step, label = view.token, view.at("attn.heads"), view.labels[view.token]
    section(
        view,
        f"5. What each head adds to “{plain(label)}”",
        contributions_text(view),
        largest(view, step, view.head, t, ALL),
        (f"{step}.share", (view.head, t)),
    )
    title = f"z · W_O: what each head writes into “{label}”, a row for each head"
    capped_map(view, step, ALL, t, ALL, chosen=view.head, title=title)
    bars, checked = st.columns(2, gap="large")
    with bars:
        cells_table(
            view,
            {"length": (f"{step}.length", (ALL, t)), "share": (f"{step}.share", (ALL, t))},
            key="heads_add",
            bar="share",
            corner="head",
            title=f"Length of each head’s update of {quoted(label)}, and its share",
        )
    with checked:
        sum_checked(view)


def contributions_text(view: View) -> str:
    """What each head writes, which makes the largest share, and how many work against the rest."""
    c, share_H = view.config, view.trace[view.at("attn.heads.share")][:, view.token]
    most, against = int(share_H.argmax()), int((share_H < 0).sum())
    opposed = (
        f" {against} of {len(share_H)} {'works' if against == 1 else 'work'} against the others: "
        f"{'its' if against == 1 else 'their'} share is below 0."
        if against
        else ""
    )
    return (
        f"Each head multiplies its {c.d_head} numbers z by its own rows of W_O and gets an update"
        f" as wide as the stream, {c.d_model} numbers. **These updates are added** into one vector."
        f" Measured along the whole update of {word(view)}, head {most} makes the largest share of"
        f" it: {percent(share_H[most], 0)}.{opposed}"
    )


def sum_checked(view: View) -> None:
    """The heads and the bias, added up, against the update that ran."""
    row, summed, out = (
        slice(view.token, view.token + 1),
        view.at("attn.heads.sum"),
        view.at("attn.out"),
    )
    biased = bool(view.trace.weights[f"{out}.bias"].any())
    st.markdown(sum_check_text(view, biased))
    st.caption(
        "Share: how much of the update’s length a head makes, measured along the update."
        + (
            " The rest up to 1 is the bias’s: "
            f"{percent(1 - view.trace[view.at('attn.heads.share')][:, view.token].sum(), 0)}."
            if biased
            else ""
        )
    )
    if detailed():
        title = "The heads added up" + (", and the bias" if biased else "")
        cell_map(view, summed, row, ALL, title=title)
        cell_map(view, out, row, ALL, title="The update by attention, as it ran")


def sum_check_text(view: View, biased: bool) -> str:
    """How far the sum of the heads is from the update that ran."""
    summed_D, out_D = (
        view.trace[view.at(f"attn.{leaf}")][view.token] for leaf in ("heads.sum", "out")
    )
    apart = float(np.abs(summed_D.astype(np.float64) - out_D).max())
    return (
        f"**Checked:** the {view.config.n_heads} heads"
        + (" and the bias" if biased else "")
        + ", added up, against the update of the forward pass. The largest difference of the"
        f" {view.config.d_model} numbers is **{number(apart)}**"
        + (", the rounding of 32-bit numbers." if apart else ".")
    )


# --- 6. without this head -------------------------------------------------------------------------


def ablation(view: View) -> None:
    """A run without the chosen head, and what it does to the output."""
    section(
        view,
        "6. What if a head were silent?",
        "A head is silent when its z is set to 0: it writes nothing, and every later layer works"
        " with what is left. That shows how much the output needs it. Single heads of trained"
        " models can often be left out with little loss (Michel, Levy and Neubig 2019): here you"
        " see it on your sentence.",
        largest(view, view.at("attn.z"), view.head, view.token, ALL),
    )
    silent = whatif.parts(view.request.change).get("head")
    ablation_controls(view, silent)
    if silent is None:
        return
    before = beside(view, without_head(view.request))
    head = whatif.head_words(silent, view.config.crosses)
    st.markdown(f"Now **{plain(head)}** is **silent**. What the last layer says, before and now:")
    if view.config.head and view.config.decoder_layers:
        words_after(before, view)
    else:
        vectors_after(before, view)


def ablation_controls(view: View, silent: str | None) -> None:
    """Buttons that silence the chosen head, and let the silent one speak again."""
    chosen, row = f"{view.side}.{view.layer}.{view.head}", st.container(horizontal=True)
    row.button(
        f"Silence head {view.head} of layer {view.layer}",
        key="heads_silence",
        disabled=silent == chosen,
        on_click=show_without_head,
        args=(view.request, chosen),
        type="primary",
    )
    if silent is not None:
        row.button(
            "Let it speak again",
            key="heads_speak",
            on_click=show_without_head,
            args=(view.request, ""),
        )


def without_head(request: RunRequest, head: str = "") -> RunRequest:
    """The same run with another head silent, or with none."""
    return request._replace(
        change=whatif.also(whatif.without(request.change, "head"), f"head:{head}" if head else "")
    )


def show_without_head(request: RunRequest, head: str) -> None:
    """From now on all pages show that run."""
    show_run(without_head(request, head))
    close_number()


def words_after(before: View, now: View) -> None:
    """The likeliest next tokens after the last one, in both runs; each probability opens in its own
    run.
    """
    ids = [int(i) for i in next_tokens(before.trace, 5)[0]]
    ids += [int(i) for i in next_tokens(now.trace, 3)[0] if int(i) not in ids]
    probs = [view.trace["head.probs"][-1, ids] for view in (before, now)]
    st.markdown(
        f"The likeliest next token, {bold(before.word(ids[0]))}, "
        f"{moves(percent(probs[0][0]), percent(probs[1][0]))}."
    )

    def opened(row: int, column: int) -> None:
        if row < len(ids):
            show_run((before, now)[column].request)
            open_number("head.probs", (len(now.trace.rows) - 1, ids[row]))

    table(
        {"before": probs[0], "now": probs[1]},
        [now.word(i) for i in ids],
        key="heads_after",
        on_cell=opened,
        bar="now",
        title="Probability of the next token, before and now",
        corner="next token",
    )


def vectors_after(before: View, now: View) -> None:
    """How alike each token's last vector is in both runs."""
    side = now.config.sides[0]
    cosine_L, labels = (
        cosines(*(view.trace[f"{side}.out"] for view in (before, now))),
        now.tokens(side),
    )
    words = [i for i, token in enumerate(labels) if is_word(token)] or range(len(labels))
    least = min(words, key=lambda i: cosine_L[i])
    st.markdown(
        f"Of the words {bold(labels[least])} changes most: the cosine between its last "
        "vector before and now is "
        f"{number(float(cosine_L[least]))} (1: the same direction)."
    )
    clickable_bars(
        "heads_after",
        cosine_L,
        labels,
        kind="residual",
        value_title="cosine",
        limit=1,
        title="Last vectors, before and now: how alike",
    )
