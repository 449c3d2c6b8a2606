"""How a decoder's last vector becomes a word: logits, probabilities, what is cut away, the draw,
and the longer text.

vector_to_words(view)       norm, linear, softmax over the whole vocabulary
cut(view)                   temperature, top-k and top-p; returns the step with the probabilities
                            that are drawn from
write_on(view, step)        a word is drawn with a seed, appended, and all pages show the longer
                            text
likely_words(view)          of an encoder that guesses hidden words: its guesses at the chosen token
"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import whatif
from core.decoding import ends_text, forbidden, longer, next_tokens, written_next
from core.errors import GlassError
from core.sampling import Draw, throw
from core.step_ref import ref_of
from core.steps.output import sampled_without
from core.text import moves, number, percent
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, cell_map, largest
from ui.kit.stretches import Stretch, stretches
from ui.kit.theme import COLOURS
from ui.kit.vocabulary_table import forbidden_best, words_table
from ui.session import runs
from ui.session.actions import close_number, start_new_text
from ui.session.memory import memory
from ui.session.selection import TOP_KS, select, selection
from ui.session.view import View
from ui.text import bold, plain, quoted, short

COUNT = 15  # words in a table
PARTIAL = 50  # of so many words another explainer takes its softmax
NARROW = 0.005  # shorter stretches of the line are drawn together
NARROWEST = 0.05  # with room for a word
UNDOS = 64


# --- from the vector to probabilities -------------------------------------------------------------


def guessed_position(view: View) -> tuple[int, int]:
    """The token whose next one is guessed, and its row among the rows that were kept: the chosen
    token's, else the last.
    """
    rows, side = view.trace.rows, view.config.sides[-1]
    at = view.token if view.side == side and view.token in rows else int(rows[-1])
    return at, int(np.flatnonzero(rows == at)[0])


def bold_token(view: View, at: int) -> str:
    """A token of the last side in bold."""
    return bold(view.tokens(view.config.sides[-1])[at])


def overflowed(view: View) -> bool:
    """Whether the numbers of this run outgrew what can be written, as they may without norms; then
    says so.
    """
    at, row = guessed_position(view)
    if np.isfinite(view.trace["head.probs"][row]).all():
        return False
    st.subheader("1. There are no probabilities")
    st.warning(
        "In this run the numbers overflowed, they no longer fit into 32 bits: the logits are no"
        " numbers, and there is nothing to draw from. The page Add and norm shows where it begins."
    )
    vector_strips(view, at, row)
    return True


def vector_to_words(view: View) -> None:
    """The last vector, its norm, the logits and the probabilities."""
    (at, row), c, side = guessed_position(view), view.config, view.config.sides[-1]
    ids, probs = next_tokens(view.trace, COUNT, row)
    best = int(ids[0])
    normed = f"{side}.norm.out"
    cells = [largest(view, normed, at, ALL)] if normed in view.trace else []
    section(
        view,
        "1. From the last vector to a probability for every word",
        (
            f"After {c.layers(side)} layers the vector of {bold_token(view, at)} (token {at}) holds what"
            " the model expects next. "
            + (
                "A last norm brings it to size. "
                if normed in view.trace and c.norm != "none"
                else ""
            )
            + f"Then it is compared with each of the {c.n_vocab:,} words that the model knows: the"
            " dot product is the word’s **logit**. **Softmax** makes probabilities of all"
            f" {c.n_vocab:,} logits. First comes {bold(view.word(best))} with"
            f" {percent(probs[0])}; the first ten together hold {percent(probs[:10].sum(), 0)}."
        ),
        *cells,
        ("head.logits", (row, best)),
        ("head.probs", (row, best)),
    )
    guess_notes(view, at)
    vector_strips(view, at, row)
    columns = {"logit": ("head.logits", (row,)), "probability": ("head.probs", (row,))}
    if c.n_vocab > PARTIAL:
        partial = f"head.sampled.{row}.100.{PARTIAL}.1000"
        columns[f"if only {PARTIAL} words counted"] = (partial, ())
        st.markdown(
            f"Softmax has to run over **all** words. Over the likeliest {PARTIAL} alone "
            "it would "
            f"claim {claim_text(view.trace[partial][best], probs[0], bold(view.word(best)))}"
        )
    words_table(
        view,
        ids,
        columns,
        bar="probability",
        key="output_words",
        title=(
            f"The likeliest words after {quoted(short(view.tokens(side)[at], 20))}, of"
            f" {c.n_vocab:,}"
        ),
    )


def claim_text(claimed: float, true: float, what: str) -> str:
    """What the likeliest words alone would make of a probability, beside what it is."""
    claim, truth = percent(claimed), percent(true)
    also = " as well: the other words hold next to nothing" if claim == truth else ""
    return f"{claim} for {what}; the truth is **{truth}**{also}."


def guess_notes(view: View, at: int) -> None:
    """What has to be known about this guess."""
    if view.mask in ("encoder", "others") and view.config.decoder_layers:
        st.caption(
            "Under this mask earlier tokens have seen the words that come after them: their guess"
            " is no guess."
        )
    if line := forbidden_best(view, at):
        st.caption(line)
    if view.side == view.config.sides[-1] and at != view.token:
        st.caption(
            "In a text this long only the guess after the last token is kept, not the one after"
            f" token {view.token}."
        )


def vector_strips(view: View, at: int, row: int) -> None:
    """The vectors on the way to the words."""
    side = view.config.sides[-1]
    last = f"{side}.{view.config.layers(side) - 1}.out"
    steps = {last: "behind the last layer"} | (
        {f"{side}.norm.out": "after the last norm"} if view.config.final_norm else {}
    )
    steps |= (
        {"head.in": f"× {number(view.config.head_scale)}"} if view.config.head_scale != 1 else {}
    )
    steps |= (
        {"head.norm.out": "after one more dense layer and its norm"}
        if view.config.head == "transform"
        else {}
    )
    for name, where in (steps if detailed() else dict([list(steps.items())[-1]])).items():
        here = row if name.startswith("head.") else at
        cell_map(view, name, slice(here, here + 1), ALL, title=f"The vector of token {at}, {where}")


def likely_words(view: View) -> None:
    """What an encoder that was trained on hidden words takes a token for."""
    if not view.config.head or overflowed(view):
        return
    at, row = guessed_position(view)
    ids, probs = next_tokens(view.trace, COUNT, row)
    section(
        view,
        "5. Which word could stand here?",
        "This model learned to guess words that were hidden behind [MASK]. In the place of"
        f" {bold_token(view, at)} it would put {bold(view.word(ids[0]))} with {percent(probs[0])}; it"
        " sees the token itself unless you type [MASK].",
        ("head.logits", (row, int(ids[0]))),
        ("head.probs", (row, int(ids[0]))),
    )
    vector_strips(view, at, row)
    words_table(
        view,
        ids,
        {"logit": ("head.logits", (row,)), "probability": ("head.probs", (row,))},
        bar="probability",
        key="output_masked",
        title=f"The likeliest words in the place of token {at}",
    )


# --- what is cut away -----------------------------------------------------------------------------


def sampling(view: View) -> str:
    """Temperature, top-k and top-p, what they leave, and the step with the probabilities of the
    draw.
    """
    (_, row), V = guessed_position(view), view.config.n_vocab
    heading = st.container()
    heat, k, p = sampling_controls(V)
    tempered = f"head.tempered.{row}.{round(heat * 100)}"
    step = f"head.sampled.{row}.{round(heat * 100)}.{k}.{round(p * 1000)}"
    probs_V, draw_V = view.trace[tempered], view.trace[step]
    kept, best = int(np.count_nonzero(draw_V)), int(draw_V.argmax())
    mass, rest = (float(probs_V[part_V].sum()) for part_V in (draw_V > 0, draw_V == 0))
    with heading:
        section(
            view,
            "2. What may be drawn: temperature, top-k and top-p",
            "The likeliest word is not always the best to write. **Temperature** divides the"
            " logits before softmax: below 1 the strong grow stronger, above 1 all come nearer to"
            " each other. **Top-k** keeps only the k likeliest words. Then **top-p** keeps, of"
            " what top-k left, the fewest that together hold the share p of it. What is left is"
            f" divided by its sum, so that it adds up to 1 again. Here {bold(view.word(best))}"
            f" {moves(percent(view.trace['head.probs'][row, best]), percent(draw_V[best]))}.",
            (tempered, (best,)),
            (step, (best,)),
        )
    st.markdown(
        "All words stay in the draw: nothing is cut away."
        if kept == V
        else (
            f"**{kept:,} of {V:,}** words {'stays' if kept == 1 else 'stay'} in the draw. At this"
            f" temperature {'it holds' if kept == 1 else 'they hold'}"
            f" {percent(mass)}{top_k_text(probs_V, k, kept)}; the other {percent(rest)} is cut away,"
            f" and what is left is divided by {number(mass)}."
        )
    )
    ids, _ = next_tokens(view.trace, COUNT, row)
    words_table(
        view,
        ids,
        {
            "probability": ("head.probs", (row,)),
            f"at temperature {number(heat)}": (tempered, ()),
            "in the draw": (step, ()),
        },
        bar="in the draw",
        key="output_draw",
        title="Before, at this temperature, and what is drawn from (0: cut away)",
    )
    return step


def top_k_text(probs_V, k: int, kept: int) -> str:
    """How much the words hold that top-k left, where top-p then took its share of them."""
    if not kept < k < len(probs_V):
        return ""
    return (
        f" (the {k} likeliest, of which top-p takes its share, hold "
        f"{percent(np.sort(probs_V)[-k:].sum())})"
    )


def sampling_controls(V: int) -> tuple[float, int, float]:
    """Temperature, k and p as the reader sets them."""
    options = {"on_change": close_number, "persist_state": "session"}
    first, second, third = st.columns(3, gap="medium")
    heat = first.slider("Temperature", 0.1, 3.0, step=0.1, key="output_heat", **options)
    k = second.select_slider(
        "Top-k: keep the k likeliest",
        TOP_KS,
        key="output_k",
        **options,
        format_func=lambda k: f"{k:,}" if k else "all",
    )
    p = third.slider("Top-p: keep a share of", 0.05, 1.0, step=0.05, key="output_p", **options)
    return heat, k, p


# --- the draw, and the longer text ----------------------------------------------------------------


def write_on(view: View, step: str) -> None:
    """A word is drawn and appended; then the same road again."""
    at, row = guessed_position(view)
    ids_L = view.trace[f"{view.config.sides[-1]}.embed.ids"][: at + 1]
    probs_V = sampled_without(view.trace, ref_of(step), forbidden(view.model, ids_L))
    heading, (box, row_of_buttons) = st.container(), st.columns((1, 4), vertical_alignment="bottom")
    seed = int(
        box.number_input(
            "Seed",
            0,
            999_999,
            key="output_seed",
            persist_state="session",
            help="Any whole number. The same seed draws the same words; another one draws others.",
        )
    )
    draw = throw(probs_V, seed, at + 1)
    likeliest = written_next(view.model, view.trace["head.probs"][row], ids_L)
    best = int(probs_V.argmax())
    with heading:
        section(
            view,
            "3. Draw a word, and walk the same road again",
            "Lay the words side by side on a line from 0 to 1, each as long as its probability in"
            f" the draw. A random number points at one of them: with seed {seed} it is"
            f" {number(draw.point)} at this place, and points at {bold(view.word(draw.word))}."
            " Append it, and the model reads the longer text from the start: every page then shows"
            " the new run.",
            (step, (best,)),
        )
    draw_buttons(view, row_of_buttons, at, draw, likeliest)
    draw_report(view)
    if not np.array_equal(probs_V, view.trace[step]):
        st.caption(
            "The files of this model forbid some of these words here. They are left out of "
            "the draw, and what remains is shared out anew."
        )
    stretches(
        line_of_words(view, probs_V, draw),
        key="output_line",
        alt="A line from 0 to 1 with the words of the draw; the number "
        f"{number(draw.point)} points at {quoted(view.word(draw.word))}",
        point=draw.point,
    )
    st.caption(
        f"The random number is {number(draw.point)}. {bold(view.word(draw.word))} lies from "
        f"{number(draw.start)} to {number(draw.end)} on the line "
        f"({percent(probs_V[draw.word])} of it). The number comes from the seed and the "
        "place, not "
        "from the model."
    )


def draw_buttons(view: View, row, at: int, draw: Draw, likeliest: int) -> None:
    """Draw and append, take the likeliest, undo."""
    moved = (
        set(whatif.parts(view.request.change)) & {"order", "pad", "open-pad"}
        and not view.config.crosses
    )
    last = at == len(view.tokens(view.config.sides[-1])) - 1
    how = (
        f"The number {number(draw.point)} fell between {number(draw.start)} and "
        f"{number(draw.end)}: "
        "{} was drawn."
    )
    with row.container(horizontal=True):
        st.button(
            "Draw and append" if last else "Draw and go on from here",
            key="output_append",
            type="primary",
            disabled=bool(moved),
            on_click=append,
            args=(view, at, draw.word, how),
        )
        st.button(
            "Take the likeliest",
            key="output_likeliest",
            disabled=bool(moved),
            on_click=append,
            args=(view, at, likeliest, "{} was the likeliest."),
        )
        st.button("Undo", key="output_undo", disabled=not undoable(view), on_click=undo)
    if moved:
        st.caption(
            "In this what-if the last token is not the end of your text, so nothing can be"
            " appended."
        )
    elif not last:
        st.caption(
            f"The word takes its place behind token {at}, and what stood after it is dropped. Undo"
            " brings it back."
        )


def box_of(view: View) -> str:
    """The text that grows: the sentence, or what the decoder of an encoder–decoder model reads."""
    return "target" if view.config.crosses else "sentence"


def text_until(view: View, at: int) -> str:
    """The text up to a token, as it was typed where it was typed."""
    side = view.config.sides[-1]
    ids_L, typed = view.trace[f"{side}.embed.ids"], getattr(view.request, box_of(view))
    tokenizer = view.model.target_tokenizer or view.model.tokenizer
    if at == len(ids_L) - 1 and typed.strip() or tokenizer is None:
        return typed
    if not view.config.crosses:
        return typed[: max((span[1] for span in view.encoding.spans[: at + 1] if span), default=0)]
    return tokenizer.decode(ids_L[1 : at + 1])


def append(view: View, at: int, word: int, how: str) -> None:
    """Puts a word behind a token; all pages then show the longer text."""
    key, change = box_of(view), view.request.change
    ids_L = view.trace[f"{view.config.sides[-1]}.embed.ids"][: at + 1]
    how = how.format(f"“{plain(view.word(word))}”")
    try:
        new = longer(view.model, ids_L, text_until(view, at), word)
        if view.config.crosses:
            runs.target_ids_of(view.model, (), new.text)
        else:
            runs.ids_of(view.model, new.text)
    except GlassError as error:
        stops = f"{how} {plain(error)}"
        memory().output_report = (
            "info" if ends_text(view.model, word) else "warning",
            stops,
            getattr(view.request, key),
        )
        return
    before = getattr(view.request, key)
    appended = (key, before, new.text, view.word(word))
    memory().appended = [*memory().appended, appended][-UNDOS:]
    select(**{key: new.text})
    start_new_text()
    select(change=change)
    unseen = " The box can’t show a new line, the tokens do." if "\n" in new.text else ""
    memory().output_report = (
        ("success", f"{how} It was appended, and every page shows the new run.{unseen}", new.text)
        if new.exact
        else (
            "warning",
            (
                f"{how} It was appended, but read anew the longer text is cut into other tokens:"
                " the model sees the text, not what was drawn."
            ),
            new.text,
        )
    )


def undoable(view: View) -> bool:
    """Whether the text is still as the last word left it."""
    past = memory().appended
    return (
        bool(past)
        and past[-1][0] == box_of(view)
        and past[-1][2] == getattr(view.request, box_of(view))
    )


def undo() -> None:
    """Takes the last word away again."""
    key, before, _, _ = memory().appended.pop()
    change = selection().change
    select(**{key: before})
    start_new_text()
    select(change=change)
    memory().output_report = None


def draw_report(view: View) -> None:
    """What the last button did, as long as the text is the one it left; and the words written so
    far.
    """
    text = getattr(view.request, box_of(view))
    kind, message, left = memory().output_report or ("", "", None)
    if left == text:
        {"success": st.success, "warning": st.warning, "info": st.info}[kind](message)
    written, until = [], text
    for key, before, after, word in reversed(memory().appended):
        if (key, after) != (box_of(view), until):
            break
        written, until = [word, *written], before
    if written:
        st.caption("Written so far: " + " · ".join(map(plain, written)))


def line_of_words(view: View, probs_V, draw: Draw) -> list[Stretch]:
    """The stretches of the line from 0 to 1: the likeliest words, and all others as one."""
    ids = [int(i) for i in np.argsort(-probs_V, kind="stable")[:COUNT] if probs_V[i] >= NARROW]
    rest = max(1 - float(probs_V[ids].sum()), 0.0)
    shares = [(view.word(i), float(probs_V[i]), i == draw.word) for i in ids]
    if rest > 1e-4:
        shares.append(("all others", rest, draw.word not in ids))
    return [
        Stretch(word if share > NARROWEST else "", word, share, COLOURS["head"], strong=hit)
        for word, share, hit in shares
    ]
