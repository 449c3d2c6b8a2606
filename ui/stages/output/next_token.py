"""How a decoder's last vector becomes a word: logits, probabilities, and what is cut away."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.decoding import next_tokens
from core.text import moves, number, percent
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.guessed_place import ask_why, guessed_position
from ui.kit.guesses import Guesses, guesses
from ui.kit.quiz import quiz_of_words
from ui.kit.section import detailed, render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, cell_map, largest
from ui.kit.token_words import bold_apart, place_of
from ui.kit.vocabulary_table import forbidden_text, words_table
from ui.session.actions import close_number
from ui.session.selection import CODECS, TOP_KS, chosen, depth
from ui.session.view import View
from ui.text import bold, quoted, short

COUNT = 15  # words in a table
BARS = 10  # words in the figure
CONTROLS = ("output_heat", "output_k", "output_p")
PARTIAL = 50  # of so many words another explainer takes its softmax


# --- the place that is guessed --------------------------------------------------------------------


def guessed_word(view: View, position: int) -> str:
    """A token of the last side in bold; one of several equal ones with its position."""
    return bold_apart(view.tokens(view.config.sides[-1]), position)


def guessed_name(view: View) -> str:
    """The token at that place, as plain text."""
    return view.names_of(view.config.sides[-1])[guessed_position(view)[0]]


def asked_word(view: View, position: int) -> str:
    """A token of the last side in a heading; one of several equal ones with its position."""
    tokens = view.tokens(view.config.sides[-1])
    return bold(short(tokens[position], 24)) + place_of(tokens, position)


def no_output_layer() -> None:
    """Says so of a model whose files hold none."""
    heading("Why are there no words here?")
    st.info(
        "The files of this model hold no output layer, so its last vectors can’t be turned into"
        " words. The other pages show its layers and all their numbers."
    )


def overflowed(view: View) -> bool:
    """Whether the numbers of this run outgrew what can be written, as they may without norms; then
    says so.
    """
    position, row = guessed_position(view)
    if np.isfinite(view.trace["head.probs"][row]).all():
        return False
    heading("Why are there no probabilities?")
    st.warning(
        "In this run the numbers overflowed: they no longer fit into 32 bits. Without logits there"
        " are no probabilities, and nothing to draw from. The page Add and norm shows where it"
        " begins."
    )
    vector_strips(view, position, row)
    return True


# --- the figure -----------------------------------------------------------------------------------


def next_word(view: View, drawn: int | None) -> tuple[str, tuple[int, ...]]:
    """The likeliest words after the chosen token, and what the three controls make of them. drawn:
    the word that the seed points at. Returns the cell that is explained first.
    """
    position, row = guessed_position(view)
    step = sampled_step(view)
    ids = [int(i) for i in next_tokens(view.trace, BARS, row)[0]]
    if drawn is not None and drawn not in ids:
        ids[BARS - 1 :] = [drawn]  # in place of the last: the figure keeps its height
    quiz = quiz_of_words(view, [view.word(i) for i in ids[:4]])
    heading(f"Which word comes after {asked_word(view, position)}?", quiz)
    words_figure(view, ids, figure_bars(row, step), drawn)
    if cuts():
        st.caption(
            "Outlined: the model’s own probability (T = 1). Filled: its probability in the draw,"
            " once your sliders have changed it."
        )
    return "head.probs", (row, ids[0])


def cuts() -> bool:
    """Whether temperature, top-k or top-p change what the model guesses."""
    return any(chosen(name) != CODECS[name].default for name in CONTROLS)


def figure_bars(row: int, step: str) -> dict[str, tuple]:
    """The bars of each word: its probability, and, once a control is moved, that in the draw."""
    if not cuts():
        return {"probability": ("head.probs", (row,))}
    return {"T = 1": ("head.probs", (row,)), "in the draw": (step, ())}


def words_figure(
    view: View, ids: list[int], bars: dict[str, tuple], drawn: int | None = None
) -> None:
    """Words as bars. bars: a title -> (step, index without its last, the word); the last one is
    filled. drawn: the word that is marked.
    """
    steps = list(bars.values())
    values_WB = np.stack([view.trace[name][(*index, ids)] for name, index in steps], axis=-1)
    opened = opened_bar(ids, steps)
    guesses(
        Guesses(
            words=[[[view.word(i) for i in ids]]],
            values_PGWB=values_WB[None, None],
            titles=[f"The likeliest of {view.config.n_vocab:,} words"],
            bars=tuple(bars),
            solid=len(bars) - 1,
            about=f"The likeliest words after {quoted(guessed_name(view))}",
            opened=opened and (0, 0, *opened),
            strong=None if drawn is None else (0, 0, ids.index(drawn)),
        ),
        key="output:next",
        on_cell=lambda p, g, w, b: open_number(steps[b][0], (*steps[b][1], ids[w])),
    )


def opened_bar(ids: list[int], steps: list[tuple]) -> tuple[int, int] | None:
    """The word and the bar of the opened number, where the figure has it."""
    for bar, (name, index) in enumerate(steps):
        cell = opened_in(name)
        if cell and cell[:-1] == index and cell[-1] in ids:
            return ids.index(cell[-1]), bar
    return None


def next_word_text(view: View) -> None:
    """What the figure shows, at the chosen depth; at Numbers all its numbers."""
    (position, row), step = guessed_position(view), sampled_step(view)
    ids, probs = next_tokens(view.trace, COUNT, row)
    best = int(ids[0])
    why_button(view, row, best)
    render_depth(
        view,
        story_text(view, best, float(probs[0]), int(np.count_nonzero(view.trace[step]))),
        ("head.logits", (row, best)),
        ("head.probs", (row, best)),
        (tempered_step(view), (best,)),
        (step, (best,)),
    )
    guess_notes(view, position)
    if depth() == "numbers":
        likeliest_table(view, ids, drawn_columns(view, row))


def why_button(view: View, row: int, best: int) -> None:
    """The way to why a word came out: the one whose number is opened, else the likeliest."""
    cell = next(filter(None, map(opened_in, ("head.probs", "head.logits"))), None)
    word = cell[1] if cell and cell[0] == row else best
    st.button(
        f"Why {bold(view.word(word))}?", key="output_why", on_click=ask_why, args=(view, word)
    )


def story_text(view: View, best: int, prob: float, kept: int) -> str:
    """From the last vector to the likeliest word, and what may be drawn; at most 45 words."""
    drawn = f"{kept:,} may be drawn" if cuts() else f"now all {kept:,} may be drawn"
    return (
        f"**Softmax** turns {view.config.n_vocab:,} scores, one for each word, into probabilities:"
        f" {bold(view.word(best))} leads with {percent(prob)}. **Temperature** sharpens or"
        f" flattens them, **top-k** and **top-p** drop the tail: {drawn}."
        " Click a number to see how it was made."
    )


def guess_notes(view: View, position: int) -> None:
    """What has to be known about this guess."""
    if view.mask in ("encoder", "others") and view.config.decoder_layers:
        st.caption(
            "Under this mask earlier tokens have seen the words after them, so what they predict is"
            " no guess."
        )
    if line := forbidden_text(view, position):
        st.caption(line)
    if view.side == view.config.sides[-1] and position != view.token:
        st.caption(
            "A text this long keeps only the guess after its last token, not the one after token"
            f" {view.token}."
        )


def likeliest_table(view: View, ids, columns: dict[str, tuple]) -> None:
    """The likeliest words and numbers of each."""
    position, _ = guessed_position(view)
    after = quoted(short(view.tokens(view.config.sides[-1])[position], 20))
    words_table(
        view,
        ids,
        columns,
        bar="T = 1",
        key="output_words",
        title=f"The likeliest words after {after}, of {view.config.n_vocab:,}",
    )


# --- from the vector to probabilities -------------------------------------------------------------


def vector_to_words(view: View) -> None:
    """The last vector, its norm, the logits and the probabilities."""
    position, row = guessed_position(view)
    ids, probs = next_tokens(view.trace, COUNT, row)
    normed, best = f"{view.config.sides[-1]}.norm.out", int(ids[0])
    render_depth(
        view,
        words_text(view, position, best, probs),
        *([largest(view, normed, position, ALL)] if normed in view.trace else []),
        ("head.logits", (row, best)),
        ("head.probs", (row, best)),
    )
    vector_strips(view, position, row)
    columns = {"logit": ("head.logits", (row,)), "T = 1": ("head.probs", (row,))}
    if partial := partial_column(view, row, best, float(probs[0])):
        columns |= partial
    if depth() != "numbers":  # there the page itself has the table
        likeliest_table(view, ids, columns)


def words_text(view: View, position: int, best: int, probs) -> str:
    """From the last vector to the likeliest words."""
    c, side = view.config, view.config.sides[-1]
    normed = f"{side}.norm.out" in view.trace and c.norm != "none"
    return (
        f"After {c.layers(side)} layers the vector of {guessed_word(view, position)} holds what the"
        f" model expects next. {'A last norm fixes its size. ' if normed else ''}"
        f"Its dot product with each of the {c.n_vocab:,} word vectors is that word’s **logit**."
        f" **Softmax** turns all {c.n_vocab:,} logits into probabilities."
        f" {bold(view.word(best))} comes first with {percent(probs[0])}; {first_ten_text(probs)}"
    )


def first_ten_text(probs) -> str:
    """What the ten likeliest words hold together."""
    held = float(probs[:10].sum())
    return f"the first ten hold {'more than 99.9%' if held > 0.999 else percent(held, 0)}."


def partial_column(view: View, row: int, best: int, prob: float) -> dict[str, tuple]:
    """A column of what a softmax over the likeliest words alone would make of a large vocabulary,
    and what is said of it where it differs; prob: the probability of the best word.
    """
    if view.config.n_vocab <= PARTIAL:
        return {}
    step = f"head.sampled.{row}.100.{PARTIAL}.1000"
    claimed = float(view.trace[step][best])
    if percent(claimed) == percent(prob):
        return {}
    st.markdown(
        f"Softmax has to run over **all** words. Over the likeliest {PARTIAL} alone it would claim"
        f" {percent(claimed)} for {bold(view.word(best))}; the truth is **{percent(prob)}**."
    )
    return {f"if only {PARTIAL} words counted": (step, ())}


def vector_strips(view: View, position: int, row: int) -> None:
    """The vectors between the last layer and the words."""
    steps = last_steps(view)
    for name in steps if detailed() else list(steps)[-1:]:
        part = row if name.startswith("head.") else position
        title = f"The vector of token {position}, {steps[name]}"
        cell_map(view, name, slice(part, part + 1), ALL, title=title)


def last_steps(view: View) -> dict[str, str]:
    """The steps between the last layer and the logits, and where in words each of them stands."""
    c, side = view.config, view.config.sides[-1]
    steps = {f"{side}.{c.layers(side) - 1}.out": "after the last layer"}
    if c.final_norm:
        steps[f"{side}.norm.out"] = "after the last norm"
    if c.head_scale != 1:
        steps["head.in"] = f"× {number(c.head_scale)}"
    if c.head == "transform":
        steps["head.norm.out"] = "after one more dense layer and its norm"
    return steps


# --- what is cut away -----------------------------------------------------------------------------


def tempered_step(view: View) -> str:
    """The step with the probabilities at the chosen temperature."""
    return f"head.tempered.{guessed_position(view)[1]}.{round(chosen('output_heat') * 100)}"


def sampled_step(view: View) -> str:
    """The step with the probabilities of the draw."""
    row, top_k = guessed_position(view)[1], chosen("output_k")
    heat, top_p = round(chosen("output_heat") * 100), round(chosen("output_p") * 1000)
    return f"head.sampled.{row}.{heat}.{top_k}.{top_p}"


def drawn_columns(view: View, row: int) -> dict[str, tuple]:
    """The columns of a table from the logit to the draw."""
    heat = f"T = {number(chosen('output_heat'))}"
    columns = {"logit": ("head.logits", (row,)), "T = 1": ("head.probs", (row,))}
    if heat not in columns:
        columns[heat] = (tempered_step(view), ())
    return columns | {"in the draw": (sampled_step(view), ())}


def sampling(view: View) -> None:
    """What temperature, top-k and top-p leave."""
    (_, row), step, tempered = guessed_position(view), sampled_step(view), tempered_step(view)
    best = int(view.trace[step].argmax())
    render_depth(
        view,
        sampling_text(view, view.trace["head.probs"][row, best], step, best),
        (tempered, (best,)),
        (step, (best,)),
    )
    st.markdown(kept_text(view.trace[tempered], view.trace[step], chosen("output_k")))
    if depth() != "numbers":
        words_table(
            view,
            next_tokens(view.trace, COUNT, row)[0],
            drawn_columns(view, row),
            bar="in the draw",
            key="output_draw",
            title="From the logit to the draw (0: dropped)",
        )


def sampling_text(view: View, before: float, step: str, best: int) -> str:
    """What the three controls do, and what they make of the best word's probability. before: what
    that was.
    """
    return (
        "The likeliest word is not always the best one to write. **Temperature** divides the"
        " logits before softmax: below 1 the gaps widen, above 1 they shrink. **Top-k** keeps only"
        " the k likeliest words. Of those, **top-p** keeps the fewest that together hold the share"
        " p. The rest is divided by its sum, so that it adds up to 1 again. Here"
        f" {bold(view.word(best))} {moves(percent(before), percent(view.trace[step][best]))}."
    )


def kept_text(probs_V, draw_V, k: int) -> str:
    """How many words stay in the draw, and what they hold of the probability."""
    kept, V = int(np.count_nonzero(draw_V)), len(draw_V)
    if kept == V:
        return "All words stay in the draw: nothing is dropped."
    mass, rest = (float(probs_V[part_V].sum()) for part_V in (draw_V > 0, draw_V == 0))
    return (
        f"**{kept:,} of {V:,}** words {'stays' if kept == 1 else 'stay'} in the draw. At this"
        f" temperature {'it holds' if kept == 1 else 'they hold'}"
        f" {percent(mass)}{top_k_text(probs_V, k, kept)}; the other {percent(rest)} is dropped,"
        f" and what is left is divided by {number(mass, 3)}."
    )


def top_k_text(probs_V, k: int, kept: int) -> str:
    """How much the words hold that top-k left, where top-p then took its share of them."""
    if not kept < k < len(probs_V):
        return ""
    return (
        f" (the {k} likeliest hold {percent(np.sort(probs_V)[-k:].sum())}; top-p takes its share"
        " of those)"
    )


def sampling_controls() -> None:
    """Temperature, k and p."""
    options = {"on_change": close_number, "persist_state": "session"}
    first, second, third = st.columns(3, gap="medium")
    first.slider("Temperature T", 0.1, 3.0, step=0.1, key="output_heat", **options)
    second.select_slider(
        "Top-k: keep the k likeliest",
        TOP_KS,
        key="output_k",
        **options,
        format_func=lambda k: f"{k:,}" if k else "all",
    )
    third.slider("Top-p: keep a share of", 0.05, 1.0, step=0.05, key="output_p", **options)
