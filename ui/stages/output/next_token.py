"""How a decoder's last vector becomes a word: logits, probabilities, what is cut away, the draw."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import whatif
from core.decoding import Longer, ends_text, forbidden, longer, next_tokens, written_next
from core.errors import GlassError
from core.sampling import Draw, throw
from core.step_ref import ref_of
from core.steps.output import sampled_without
from core.text import moves, number, percent
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, cell_map, largest
from ui.kit.stretches import Stretch, stretches
from ui.kit.theme import COLOURS
from ui.kit.vocabulary_table import forbidden_text, words_table
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
    temperature, k, p = sampling_controls(view.config.n_vocab)
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


def sampling_controls(V: int) -> tuple[float, int, float]:
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


# --- the draw, and the longer text ----------------------------------------------------------------


def write_on(view: View, step: str) -> None:
    """A word is drawn and appended; then the same road again."""
    position, row = guessed_position(view)
    ids_L = view.trace[f"{view.config.sides[-1]}.embed.ids"][: position + 1]
    probs_V = sampled_without(view.trace, ref_of(step), forbidden(view.model, ids_L))
    heading, (box, row_of_buttons) = st.container(), st.columns((1, 4), vertical_alignment="bottom")
    seed = seed_control(box)
    draw = throw(probs_V, seed, position + 1)
    likeliest = written_next(view.model, view.trace["head.probs"][row], ids_L)
    with heading:
        section(
            view,
            "3. Draw a word, and walk the same road again",
            draw_text(view, draw, seed),
            (step, (int(probs_V.argmax()),)),
        )
    draw_buttons(view, row_of_buttons, position, draw, likeliest)
    draw_report(view)
    if not np.array_equal(probs_V, view.trace[step]):
        st.caption(
            "The files of this model forbid some of these words here. They are left out of "
            "the draw, and what remains is shared out anew."
        )
    draw_line(view, probs_V, draw)


def seed_control(box) -> int:
    """The seed as the reader sets it."""
    return int(
        box.number_input(
            "Seed",
            0,
            999_999,
            key="output_seed",
            persist_state="session",
            help="Any whole number. The same seed draws the same words; another one draws others.",
        )
    )


def draw_text(view: View, draw: Draw, seed: int) -> str:
    """How a word is drawn, and which one it is with this seed."""
    return (
        "Lay the words side by side on a line from 0 to 1, each as long as its probability in"
        f" the draw. A random number points at one of them: with seed {seed} it is"
        f" {number(draw.point)} at this place, and points at {bold(view.word(draw.word))}."
        " Append it, and the model reads the longer text from the start: every page then shows"
        " the new run."
    )


def draw_line(view: View, probs_V, draw: Draw) -> None:
    """The words on the line from 0 to 1, and the number that points at one of them."""
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


def draw_buttons(view: View, row, position: int, draw: Draw, likeliest: int) -> None:
    """Draw and append, take the likeliest, undo."""
    moved = is_text_moved(view)
    last = position == len(view.tokens(view.config.sides[-1])) - 1
    drawn = f"The number {number(draw.point)} fell between {number(draw.start)} and"
    drawn += f" {number(draw.end)}: {{}} was drawn."
    offers = (
        ("append", "Draw and append" if last else "Draw and go on from here", draw.word, drawn),
        ("likeliest", "Take the likeliest", likeliest, "{} was the likeliest."),
    )
    with row.container(horizontal=True):
        for name, label, word, how in offers:
            st.button(
                label,
                key=f"output_{name}",
                type="primary" if name == "append" else "secondary",
                disabled=moved,
                on_click=append,
                args=(view, position, word, how),
            )
        st.button("Undo", key="output_undo", disabled=not undoable(view), on_click=undo)
    if moved:
        st.caption(
            "In this what-if the last token is not the end of your text, so nothing can be"
            " appended."
        )
    elif not last:
        st.caption(
            f"The word takes its place behind token {position}, and what stood after it is dropped."
            " Undo brings it back."
        )


def is_text_moved(view: View) -> bool:
    """Whether a what-if has put the last token elsewhere than at the end of the text."""
    moving = set(whatif.parts(view.request.change)) & {"order", "pad", "open-pad"}
    return bool(moving) and not view.config.crosses


def box_of(view: View) -> str:
    """The text that grows: the sentence, or what the decoder of an encoder–decoder model reads."""
    return "target" if view.config.crosses else "sentence"


def text_until(view: View, position: int) -> str:
    """The text up to a token, as it was typed where it was typed."""
    side, until = view.config.sides[-1], position + 1
    ids_L, typed = view.trace[f"{side}.embed.ids"], getattr(view.request, box_of(view))
    tokenizer = view.model.target_tokenizer or view.model.tokenizer
    if until == len(ids_L) and typed.strip() or tokenizer is None:
        return typed
    if not view.config.crosses:
        return typed[: max((span[1] for span in view.encoding.spans[:until] if span), default=0)]
    return tokenizer.decode(ids_L[1:until])


def append(view: View, position: int, word: int, how: str) -> None:
    """Puts a word behind a token; all pages then show the longer text. how: how it was chosen, with
    room for the word.
    """
    key, change = box_of(view), view.request.change
    how, before = how.format(f"“{plain(view.word(word))}”"), getattr(view.request, key)
    try:
        new = longer_text(view, position, word)
    except GlassError as error:
        kind = "info" if ends_text(view.model, word) else "warning"
        memory().output_report = (kind, f"{how} {plain(error)}", before)
        return
    appended = (key, before, new.text, view.word(word))
    memory().appended = [*memory().appended, appended][-UNDOS:]
    select(**{key: new.text})
    start_new_text()
    select(change=change)
    memory().output_report = appended_report(how, new)


def longer_text(view: View, position: int, word: int) -> Longer:
    """The text with a word behind a token. Raises GlassError where the model can't read it."""
    ids_L = view.trace[f"{view.config.sides[-1]}.embed.ids"][: position + 1]
    new = longer(view.model, ids_L, text_until(view, position), word)
    if view.config.crosses:
        runs.target_ids_of(view.model, (), new.text)
    else:
        runs.ids_of(view.model, new.text)
    return new


def appended_report(how: str, new: Longer) -> tuple[str, str, str]:
    """What is said of a word that was appended: the kind of the message, it, and the new text."""
    if not new.exact:
        cut = (
            f"{how} It was appended, but read anew the longer text is cut into other tokens: the"
            " model sees the text, not what was drawn."
        )
        return "warning", cut, new.text
    unseen = " The box can’t show a new line, the tokens do." if "\n" in new.text else ""
    message = f"{how} It was appended, and every page shows the new run.{unseen}"
    return "success", message, new.text


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
