"""A run without the chosen head, and what that does to the output."""

from __future__ import annotations

import streamlit as st

from core import whatif
from core.decoding import next_tokens
from core.text import moves, number, percent
from core.vectors import cosines
from ui.kit.charts import clickable_bars
from ui.kit.components import table
from ui.kit.explanation_panel import open_number
from ui.kit.runs import beside
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, largest
from ui.session.actions import close_number, show_run
from ui.session.runs import RunRequest
from ui.session.view import View, is_word
from ui.text import bold, plain


def draw(view: View) -> None:
    """A button that silences the chosen head; then the output before and now."""
    render_depth(
        view,
        "A silent head’s z is 0: it writes nothing, and every later layer works with what is left."
        " Many single heads can be left out with little loss (Michel, Levy and Neubig 2019). Can"
        " this one, on your sentence?",
        largest(view, view.at("attn.z"), view.head, view.token, ALL),
    )
    silent = whatif.details(view.request.change, "head")
    ablation_controls(view, silent)
    if not silent:
        return
    before = beside(view, without_head(view.request))
    heads = " and ".join(
        f"**{plain(whatif.head_words(head, view.config.crosses))}**" for head in silent
    )
    verb = "is" if len(silent) == 1 else "are"
    st.markdown(f"Now {heads} {verb} **silent**. What the last layer says, before and now:")
    if view.config.head and view.config.decoder_layers:
        words_after(before, view)
    else:
        vectors_after(before, view)


def ablation_controls(view: View, silent: tuple[str, ...]) -> None:
    """Buttons that silence the chosen head, and restore what is silent."""
    chosen, row = f"{view.side}.{view.layer}.{view.head}", st.container(horizontal=True)
    row.button(
        f"Silence head {view.head} of layer {view.layer}",
        key="heads_silence",
        disabled=silent == (chosen,),
        on_click=show_without_head,
        args=(view.request, chosen),
        type="primary",
    )
    if silent:
        row.button(
            "Restore this head" if len(silent) == 1 else "Restore these heads",
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
        f"{bold(labels[least])} changes most: the cosine between its last vectors before and now"
        f" is {number(float(cosine_L[least]), 3)} (1: the same direction)."
    )
    clickable_bars(
        "heads_after",
        cosine_L,
        now.names_of(side),
        kind="residual",
        value_title="cosine",
        limit=1,
        title="Last vectors, before and now: how alike",
    )
