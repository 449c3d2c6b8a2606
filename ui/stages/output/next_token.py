"""How a decoder's last vector becomes a word: logits, probabilities, and what is cut away."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.decoding import next_tokens
from core.text import moves, number, percent
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, cell_map, largest
from ui.kit.vocabulary_table import forbidden_text, words_table
from ui.session.actions import close_number
from ui.session.selection import TOP_KS
from ui.session.view import View
from ui.text import bold, quoted, short

COUNT = 15  # words in a table
PARTIAL = 50  # of so many words another explainer takes its softmax


# --- from the vector to probabilities -------------------------------------------------------------


def guessed_position(view: View) -> tuple[int, int]:
    """The token whose next one is guessed, and its row among the rows that were kept: the chosen
    token's, else the last.
    """
    rows, side = view.trace.rows, view.config.sides[-1]
    position = view.token if view.side == side and view.token in rows else int(rows[-1])
    return position, int(np.flatnonzero(rows == position)[0])


def bold_token(view: View, position: int) -> str:
    """A token of the last side in bold."""
    return bold(view.tokens(view.config.sides[-1])[position])


def no_output_layer() -> None:
    """Says so of a model whose files hold none."""
    st.info(
        "The files of this model hold no output layer, so its last vectors can’t be turned into"
        " words. Its layers and all their numbers are on the other pages."
    )


def overflowed(view: View) -> bool:
    """Whether the numbers of this run outgrew what can be written, as they may without norms; then
    says so.
    """
    position, row = guessed_position(view)
    if np.isfinite(view.trace["head.probs"][row]).all():
        return False
    st.subheader("1. There are no probabilities")
    st.warning(
        "In this run the numbers overflowed, they no longer fit into 32 bits: the logits are no"
        " numbers, and there is nothing to draw from. The page Add and norm shows where it begins."
    )
    vector_strips(view, position, row)
    return True


def vector_to_words(view: View) -> None:
    """The last vector, its norm, the logits and the probabilities."""
    position, row = guessed_position(view)
    ids, probs = next_tokens(view.trace, COUNT, row)
    normed, best = f"{view.config.sides[-1]}.norm.out", int(ids[0])
    section(
        view,
        "1. From the last vector to a probability for every word",
        words_text(view, position, best, probs),
        *([largest(view, normed, position, ALL)] if normed in view.trace else []),
        ("head.logits", (row, best)),
        ("head.probs", (row, best)),
    )
    guess_notes(view, position)
    vector_strips(view, position, row)
    after = quoted(short(view.tokens(view.config.sides[-1])[position], 20))
    words_table(
        view,
        ids,
        {"logit": ("head.logits", (row,)), "probability": ("head.probs", (row,))}
        | partial_column(view, row, best, probs[0]),
        bar="probability",
        key="output_words",
        title=f"The likeliest words after {after}, of {view.config.n_vocab:,}",
    )


def words_text(view: View, position: int, best: int, probs) -> str:
    """From the last vector to the likeliest words."""
    c, side = view.config, view.config.sides[-1]
    normed = f"{side}.norm.out" in view.trace and c.norm != "none"
    return (
        f"After {c.layers(side)} layers the vector of {bold_token(view, position)} (token"
        f" {position}) holds what the model expects next."
        f" {'A last norm brings it to size. ' if normed else ''}"
        f"Then it is compared with each of the {c.n_vocab:,} words that the model knows: the"
        " dot product is the word’s **logit**. **Softmax** makes probabilities of all"
        f" {c.n_vocab:,} logits. First comes {bold(view.word(best))} with"
        f" {percent(probs[0])}; the first ten together hold {percent(probs[:10].sum(), 0)}."
    )


def partial_column(view: View, row: int, best: int, prob: float) -> dict[str, tuple]:
    """A column of what a softmax over the likeliest words alone would make of a large vocabulary,
    and what is said of it; prob: the probability of the best word.
    """
    if view.config.n_vocab <= PARTIAL:
        return {}
    step = f"head.sampled.{row}.100.{PARTIAL}.1000"
    st.markdown(
        f"Softmax has to run over **all** words. Over the likeliest {PARTIAL} alone it would claim"
        f" {claim_text(view.trace[step][best], prob, bold(view.word(best)))}"
    )
    return {f"if only {PARTIAL} words counted": (step, ())}


def claim_text(claimed: float, true: float, what: str) -> str:
    """What the likeliest words alone would make of a probability, beside what it is."""
    claim, truth = percent(claimed), percent(true)
    also = " as well: the other words hold next to nothing" if claim == truth else ""
    return f"{claim} for {what}; the truth is **{truth}**{also}."


def guess_notes(view: View, position: int) -> None:
    """What has to be known about this guess."""
    if view.mask in ("encoder", "others") and view.config.decoder_layers:
        st.caption(
            "Under this mask earlier tokens have seen the words that come after them: their guess"
            " is no guess."
        )
    if line := forbidden_text(view, position):
        st.caption(line)
    if view.side == view.config.sides[-1] and position != view.token:
        st.caption(
            "In a text this long only the guess after the last token is kept, not the one after"
            f" token {view.token}."
        )


def vector_strips(view: View, position: int, row: int) -> None:
    """The vectors on the way to the words."""
    steps = last_steps(view)
    for name in steps if detailed() else list(steps)[-1:]:
        part = row if name.startswith("head.") else position
        title = f"The vector of token {position}, {steps[name]}"
        cell_map(view, name, slice(part, part + 1), ALL, title=title)


def last_steps(view: View) -> dict[str, str]:
    """The steps between the last layer and the logits, and where in words each of them stands."""
    c, side = view.config, view.config.sides[-1]
    steps = {f"{side}.{c.layers(side) - 1}.out": "behind the last layer"}
    if c.final_norm:
        steps[f"{side}.norm.out"] = "after the last norm"
    if c.head_scale != 1:
        steps["head.in"] = f"× {number(c.head_scale)}"
    if c.head == "transform":
        steps["head.norm.out"] = "after one more dense layer and its norm"
    return steps


def likely_words(view: View) -> None:
    """What an encoder that was trained on hidden words takes a token for."""
    if not view.config.head or overflowed(view):
        return
    position, row = guessed_position(view)
    ids, probs = next_tokens(view.trace, COUNT, row)
    section(
        view,
        "5. Which word could stand here?",
        "This model learned to guess words that were hidden behind [MASK]. In the place of"
        f" {bold_token(view, position)} it would put {bold(view.word(ids[0]))} with"
        f" {percent(probs[0])}; it sees the token itself unless you type [MASK].",
        ("head.logits", (row, int(ids[0]))),
        ("head.probs", (row, int(ids[0]))),
    )
    vector_strips(view, position, row)
    words_table(
        view,
        ids,
        {"logit": ("head.logits", (row,)), "probability": ("head.probs", (row,))},
        bar="probability",
        key="output_masked",
        title=f"The likeliest words in the place of token {position}",
    )


# --- what is cut away -----------------------------------------------------------------------------


def sampling(view: View) -> str:
    """Temperature, top-k and top-p, what they leave, and the step with the probabilities of the
    draw.
    """
    (_, row), heading = guessed_position(view), st.container()
    temperature, k, p = sampling_controls()
    tempered = f"head.tempered.{row}.{round(temperature * 100)}"
    step = f"head.sampled.{row}.{round(temperature * 100)}.{k}.{round(p * 1000)}"
    best = int(view.trace[step].argmax())
    with heading:
        section(
            view,
            "2. What may be drawn: temperature, top-k and top-p",
            sampling_text(view, view.trace["head.probs"][row, best], step, best),
            (tempered, (best,)),
            (step, (best,)),
        )
    st.markdown(kept_text(view.trace[tempered], view.trace[step], k))
    words_table(
        view,
        next_tokens(view.trace, COUNT, row)[0],
        {
            "probability": ("head.probs", (row,)),
            f"at temperature {number(temperature)}": (tempered, ()),
            "in the draw": (step, ()),
        },
        bar="in the draw",
        key="output_draw",
        title="Before, at this temperature, and what is drawn from (0: cut away)",
    )
    return step


def sampling_text(view: View, before: float, step: str, best: int) -> str:
    """What the three controls do, and what they make of the best word's probability. before: what
    that was.
    """
    return (
        "The likeliest word is not always the best to write. **Temperature** divides the"
        " logits before softmax: below 1 the strong grow stronger, above 1 all come nearer to"
        " each other. **Top-k** keeps only the k likeliest words. Then **top-p** keeps, of"
        " what top-k left, the fewest that together hold the share p of it. What is left is"
        f" divided by its sum, so that it adds up to 1 again. Here {bold(view.word(best))}"
        f" {moves(percent(before), percent(view.trace[step][best]))}."
    )


def kept_text(probs_V, draw_V, k: int) -> str:
    """How many words stay in the draw, and what they hold of the probability."""
    kept, V = int(np.count_nonzero(draw_V)), len(draw_V)
    if kept == V:
        return "All words stay in the draw: nothing is cut away."
    mass, rest = (float(probs_V[part_V].sum()) for part_V in (draw_V > 0, draw_V == 0))
    return (
        f"**{kept:,} of {V:,}** words {'stays' if kept == 1 else 'stay'} in the draw. At this"
        f" temperature {'it holds' if kept == 1 else 'they hold'}"
        f" {percent(mass)}{top_k_text(probs_V, k, kept)}; the other {percent(rest)} is cut away,"
        f" and what is left is divided by {number(mass)}."
    )


def top_k_text(probs_V, k: int, kept: int) -> str:
    """How much the words hold that top-k left, where top-p then took its share of them."""
    if not kept < k < len(probs_V):
        return ""
    return (
        f" (the {k} likeliest, of which top-p takes its share, hold "
        f"{percent(np.sort(probs_V)[-k:].sum())})"
    )


def sampling_controls() -> tuple[float, int, float]:
    """Temperature, k and p as the reader sets them."""
    options = {"on_change": close_number, "persist_state": "session"}
    first, second, third = st.columns(3, gap="medium")
    temperature = first.slider("Temperature", 0.1, 3.0, step=0.1, key="output_heat", **options)
    k = second.select_slider(
        "Top-k: keep the k likeliest",
        TOP_KS,
        key="output_k",
        **options,
        format_func=lambda k: f"{k:,}" if k else "all",
    )
    p = third.slider("Top-p: keep a share of", 0.05, 1.0, step=0.05, key="output_p", **options)
    return temperature, k, p
