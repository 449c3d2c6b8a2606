"""What another mask changes: each token's last vector, and the guess of the next word."""

from __future__ import annotations

import streamlit as st

from core.decoding import next_tokens
from core.text import number
from core.vectors import cosines
from ui.kit.components import table
from ui.kit.explanation_panel import spell_cell
from ui.kit.runs import compare_vectors, under
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, largest
from ui.session.navigation import EVERY_NUMBER, go
from ui.session.selection import chosen, select
from ui.session.view import View, is_word
from ui.text import bold

COUNT = 10  # next tokens shown
MASK_TITLES = {
    "encoder": "Under the encoder’s mask",
    "decoder": "Under the decoder’s mask",
    "own": "Under your mask",
}


def compared_runs(view: View, encoder: View, decoder: View, drawn: View) -> dict[str, View]:
    """The runs that differ from the one as trained, each under its title. drawn: the run under the
    mask drawn by hand.
    """
    runs = {MASK_TITLES["encoder"]: encoder, MASK_TITLES["decoder"]: decoder}
    if drawn.mask == "own":
        runs[MASK_TITLES["own"]] = drawn
    trained = under(view, "trained").request
    return {title: run for title, run in runs.items() if run.request != trained}


def changed_tokens(trained: View, others: dict[str, View]) -> None:
    """How similar each token's last vector is to the one that it has as trained. others: a title ->
    that run.
    """
    name = f"{trained.side}.out"
    cosine = {
        title: cosines(trained.trace[name], other.trace[name]) for title, other in others.items()
    }
    shown = MASK_TITLES.get(chosen("masks_compared"))
    shown = shown if shown in others else list(others)[-1]
    render_depth(
        trained,
        changed_tokens_text(trained.labels, shown, cosine[shown]),
        largest(trained, name, trained.token, ALL),
    )

    def compare(row: int, column: int) -> None:
        title = list(others)[column]
        mask = next(mask for mask, each in MASK_TITLES.items() if each == title)
        select(token=row, masks_compared=mask)

    table(
        cosine,
        trained.names,
        key="masks:cosines",
        bar=shown,
        chosen=trained.token,
        on_cell=compare,
        title="Cosine of each token’s last vector with the one as trained",
        opened=(trained.token, list(others).index(shown)),
    )
    compare_vectors(trained, others[shown], "as trained", shown, key="masks")


def changed_tokens_text(labels: list[str], shown: str, cosine_L) -> str:
    """What a cosine says here, and which word changes most under the mask that is shown."""
    words = [i for i, token in enumerate(labels) if is_word(token)] or list(range(len(labels)))
    least = min(words, key=lambda i: cosine_L[i])
    return (
        "Each row compares a token’s last vector as trained and under another mask: a **cosine** of"
        f" 1 means the same direction. {shown}, {bold(labels[least])} ({least}) changes most, to"
        f" {number(cosine_L[least], 2)}. A token can change although its own row of the mask did"
        " not, because the tokens it looks at have changed. **Click a cosine** to see both vectors."
    )


def changed_words(runs: dict[str, View]) -> None:
    """The likeliest next tokens after the last one, in each run. runs: a title -> that run."""
    first = next(iter(runs.values()))
    row = len(first.trace.rows) - 1
    render_depth(
        first,
        "The likeliest words after the last token,"
        f" {bold(first.tokens(first.config.sides[-1])[-1])}. The model learned to predict with the"
        " future hidden; under another mask its earlier tokens hold vectors that it never met in"
        " training. **Click a probability** to see how it was made.",
        largest(first, "head.probs", row, ALL),
    )
    for column, (title, run) in zip(st.columns(len(runs), gap="large"), runs.items(), strict=True):
        with column:
            likeliest_under(run, title, row)


def likeliest_under(view: View, title: str, row: int) -> None:
    """A table of the likeliest; a click leads to that number, in its run."""
    ids, probs = next_tokens(view.trace, COUNT, row)
    drawn = {"mask_cells": view.request.mask.partition(":")[2]} if view.mask == "own" else {}
    table(
        {"probability": probs},
        [view.word(i) for i in ids],
        key=f"masks:words:{title}",
        bar="probability",
        title=title,
        corner="next token",
        on_cell=lambda row_of_table, _: go(
            EVERY_NUMBER,
            cell=spell_cell("head.probs", (row, ids[row_of_table])),
            step="head.probs",
            mask=view.mask,
            **drawn,
        ),
    )
