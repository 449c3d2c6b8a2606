"""How a decoder's text goes on: a word is drawn and appended, and the model reads it all anew."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import whatif
from core.decoding import Longer, ends_text, forbidden, longer, written_next
from core.errors import GlassError
from core.sampling import Draw, throw
from core.step_ref import ref_of
from core.steps.output import sampled_without
from core.text import number, percent
from ui.kit.section import section
from ui.kit.stretches import Stretch, stretches
from ui.kit.theme import COLOURS
from ui.session import runs
from ui.session.actions import start_new_text
from ui.session.memory import memory
from ui.session.selection import select, selection
from ui.session.view import View
from ui.stages.output.next_token import COUNT, guessed_position
from ui.text import bold, plain, quoted

NARROW = 0.005  # shorter stretches of the line are drawn together
NARROWEST = 0.05  # with room for a word
UNDOS = 64


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
