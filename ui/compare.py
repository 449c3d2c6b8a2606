"""One sentence under several masks: the same model run again, drawn side by side, and what
differs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from core.analysis.vectors import cosines, lengths
from core.cells import number, percent
from core.generate import next_tokens
from ui import state
from ui.components import table
from ui.frame import go
from ui.maps import clickable_map
from ui.numbers import open_number, opened_in, written
from ui.section import detailed, section
from ui.slices import ALL, cell_map, largest
from ui.state import Asked, View, depth, is_word, look_at
from ui.theme import COLOURS
from ui.tokens import bold, quoted, word

COUNT = 10  # next tokens shown


# --- runs -----------------------------------------------------------------------------------------


def under(view: View, mask: str) -> View:
    """The same view under another mask; the one that the model was trained with goes by that
    name.
    """
    return beside(
        view, view.asked._replace(mask="trained" if (mask,) == view.config.sides else mask)
    )


def beside(view: View, asked: Asked) -> View:
    """Another run, looked at in the same place."""
    state.trace_of(asked)  # raises where there is no such run
    return replace(view, asked=asked)


def open_in(view: View, name: str, index: tuple[int, ...]) -> None:
    """Opens a number; mask and what-if go along, because it belongs to that run of the model."""
    look_at(view.asked)
    open_number(name, index)


# --- who looks at whom ----------------------------------------------------------------------------


def visibility(view: View, encoder: View, decoder: View) -> None:
    """The chosen head under both masks, side by side, and the difference."""
    before_LM, after_LM = (
        each.trace[each.at("attn.pattern")][each.head] for each in (encoder, decoder)
    )
    hidden_L = np.triu(before_LM, 1).sum(axis=1)
    row = int(hidden_L.argmax())
    lost = (
        f" In this head {word(view, row)} ({row}) loses the most by it: "
        f"{percent(hidden_L[row], 0)} of its attention lay on "
        "tokens that come later."
        if hidden_L[row] > 0.005
        else ""
    )
    section(
        view,
        f"1. Who may look at whom: layer {view.layer}, head {view.head}",
        "An **encoder** lets every token see the whole sentence: it reads. A **decoder** hides"
        " from every token what comes after it: it writes, and must not see the word it is to"
        " guess. It is one change: scores above the diagonal become −∞ before softmax, which makes"
        f" their weights 0 and shares the rest out anew.{lost} **Click a weight** to see how it was"
        " made; the mask at the left goes along to the run that it belongs to.",
        (view.at("attn.scores"), (view.head, view.token, view.token)),
        largest(view, view.at("attn.pattern"), view.head, view.token, ALL),
    )
    limit = float(max(before_LM.max(), after_LM.max()))
    left, right = st.columns(2, gap="large")
    with left:
        pattern_under(encoder, "Encoder: sees everything", limit)
    with right:
        pattern_under(decoder, "Decoder: sees only the past", limit)
    if detailed():
        clickable_map(
            "difference",
            after_LM - before_LM,
            encoder.labels,
            encoder.labels,
            colour=COLOURS["weight"],
            title=(
                "Decoder − encoder: blue, the weight grew; red, it shrank. A click opens the"
                " decoder’s weight"
            ),
            rows_title="token that looks",
            columns_title="token that is looked at",
            chosen=encoder.token,
            on_cell=lambda row, column: open_in(
                decoder, decoder.at("attn.pattern"), (decoder.head, row, column)
            ),
        )


def pattern_under(
    view: View, title: str, limit: float | None = None, key: str = "", name: str = ""
) -> None:
    """The chosen head's weights in that run; a click opens the number there."""
    trained, name = (
        " (as trained)" if view.mask == "trained" else "",
        name or view.at("attn.pattern"),
    )
    cell_map(
        view,
        name,
        view.head,
        ALL,
        ALL,
        title=title + trained,
        chosen=view.token,
        limit=limit,
        key=key or view.mask,
        on_cell=lambda row, column: open_in(view, name, (view.head, row, column)),
    )


# --- what it does to the tokens -------------------------------------------------------------------


def changed_tokens(trained: View, others: dict[str, View]) -> None:
    """How alike each token's last vector is to the one that it has as trained. others: a title ->
    that run.
    """
    name, labels = f"{trained.side}.out", trained.labels
    cosine = {
        title: cosines(trained.trace[name], other.trace[name]) for title, other in others.items()
    }
    shown = st.session_state.get("_masks_pair")
    shown = shown if shown in others else list(others)[-1]
    words = [i for i, token in enumerate(labels) if is_word(token)] or list(range(len(labels)))
    least = min(words, key=lambda i: cosine[shown][i])
    section(
        trained,
        "3. What it does to the tokens",
        "After all layers, how alike are the vectors of one token as trained and under another"
        f" mask? Their **cosine** is 1 where they point the same way. {shown}: of the words,"
        f" {bold(labels[least])} ({least}) changes most, to {number(cosine[shown][least])}. A token"
        " may change although its own row of the mask did not: what it looks at has changed."
        " **Click a cosine** to see the two vectors that it compares.",
        largest(trained, name, trained.token, ALL),
    )

    def chosen(row: int, column: int) -> None:
        st.session_state["token"], st.session_state["_masks_pair"] = row, list(others)[column]

    table(
        cosine,
        labels,
        key="masks:cosines",
        bar=shown,
        chosen=trained.token,
        on_cell=chosen,
        title="Cosine of each token’s last vector with the one as trained",
        opened=(trained.token, list(others).index(shown)),
    )
    pair(trained, others[shown], "as trained", shown, key="masks")


def pair(one: View, other: View, one_title: str, other_title: str, *, key: str) -> None:
    """The two vectors of the chosen token: what their cosine is made of, and each number of both,
    open to a click.
    """
    name, runs = f"{one.side}.out", (one, other)
    x_2D = np.stack([run.trace[name][one.token] for run in runs]).astype(np.float64)
    dot, (a, b) = float(x_2D[0] @ x_2D[1]), lengths(x_2D)
    if depth() == "formula":
        st.latex(r"\cos(x, x') = \frac{\sum_d x_d\, x'_d}{\lVert x \rVert \, \lVert x' \rVert}")
    beside_it = f"{other_title[0].lower()}{other_title[1:]}"
    st.markdown(
        f"{word(one)} ({one.token}), {one_title} and {beside_it}: x · x′ / (‖x‖ ‖x′‖) ="
        f" {number(dot)} / ({number(a)} · {number(b)}) ="
        f" **{number(dot / (a * b) if a * b else 0.0)}**"
    )
    opened, in_force = opened_in(name), st.session_state["_good"]
    shown = next((row for row, run in enumerate(runs) if run.asked == in_force), None)
    at = (shown, opened[1]) if opened and opened[0] == one.token and shown is not None else None
    clickable_map(
        f"{key}:pair",
        x_2D,
        ["x", "x′"],
        [str(d) for d in range(x_2D.shape[1])],
        opened=at,
        title=f"The last vector of {quoted(one.labels[one.token])}: x {one_title}, x′ {beside_it}",
        columns_title="dimension",
        rows_title="run",
        colour=COLOURS["residual"],
        on_cell=lambda row, d: open_in(runs[row], name, (one.token, d)),
    )


# --- what it does to the guess --------------------------------------------------------------------


def changed_words(runs: dict[str, View]) -> None:
    """The likeliest next tokens after the last one, in each run. runs: a title -> that run."""
    first = next(iter(runs.values()))
    row = len(first.trace.rows) - 1
    section(
        first,
        "4. What it does to the guess",
        "What the model expects after the last token,"
        f" {bold(first.tokens(first.config.sides[-1])[-1])}. It learned to guess with the future"
        " hidden; where its earlier tokens have seen the whole text, they hold vectors that it"
        " never met in training. **Click a probability** to see how it was made.",
        largest(first, "head.probs", row, ALL),
    )
    for column, (title, run) in zip(st.columns(len(runs), gap="large"), runs.items()):
        with column:
            likeliest_under(run, title, row)


def likeliest_under(view: View, title: str, row: int) -> None:
    """A table of the likeliest; a click leads to that number, in its run."""
    ids, probs = next_tokens(view.trace, COUNT, row)
    grid = {"grid": view.asked.mask.partition(":")[2]} if view.mask == "own" else {}
    table(
        {"probability": probs},
        [view.word(i) for i in ids],
        key=f"masks:words:{title}",
        bar="probability",
        title=title,
        corner="next token",
        on_cell=lambda place, _: go(
            "Every number",
            cell=written("head.probs", (row, ids[place])),
            step="head.probs",
            mask=view.mask,
            **grid,
        ),
    )
