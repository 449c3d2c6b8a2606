"""How a decoder's text goes on: a word is drawn and appended, and the model reads it all again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import whatif
from core.decoding import Longer, ends_text, forbidden, longer, written_next
from core.errors import GlassError
from core.sampling import Draw, throw
from core.step_ref import ref_of
from core.steps.output import sampled_without
from core.text import number, percent
from ui.kit.components import bring_into_sight
from ui.kit.section import render_depth
from ui.kit.stretches import Stretch, stretches
from ui.kit.theme import COLOURS
from ui.session import runs
from ui.session.actions import start_new_text
from ui.session.memory import memory
from ui.session.selection import chosen, select
from ui.session.view import View
from ui.stages.output.next_token import COUNT, guessed_position, sampled_step
from ui.text import bold, plain, quoted, short

NARROW = 0.005  # shorter stretches of the line are drawn together
NARROWEST = 0.05  # with room for a word
UNDOS = 64
WRITING = "output-writing"  # the buttons, and what they did


def probabilities(view: View) -> np.ndarray:
    """What is drawn from: what the three controls leave, without what the model's files forbid."""
    position, _ = guessed_position(view)
    ids_L = view.trace[f"{view.config.sides[-1]}.embed.ids"][: position + 1]
    return sampled_without(view.trace, ref_of(sampled_step(view)), forbidden(view.model, ids_L))


def thrown(view: View) -> Draw:
    """The word that the seed draws after the chosen token."""
    return throw(probabilities(view), chosen("output_seed"), guessed_position(view)[0] + 1)


def write_on(view: View, draw: Draw) -> None:
    """The buttons that append a word: the likeliest, or the one that was drawn."""
    position, row = guessed_position(view)
    ids_L = view.trace[f"{view.config.sides[-1]}.embed.ids"][: position + 1]
    likeliest = written_next(view.model, view.trace["head.probs"][row], ids_L)
    with st.container(key=WRITING):
        draw_buttons(view, st.container(horizontal=True, gap="small"), position, draw, likeliest)
        draw_report(view)


def one_draw(view: View, draw: Draw) -> None:
    """How a word is drawn: the line from 0 to 1, and the number that points at one of them."""
    probs_V, step = probabilities(view), sampled_step(view)
    seed_control(st)
    render_depth(
        view, draw_text(view, draw, chosen("output_seed")), (step, (int(probs_V.argmax()),))
    )
    if not np.array_equal(probs_V, view.trace[step]):
        st.caption(
            "The files of this model forbid some of these words here. They are left out of the"
            " draw, and the others share what remains."
        )
    draw_line(view, probs_V, draw)


def seed_control(box) -> None:
    """The seed as the reader sets it."""
    box.number_input(
        "Seed",
        0,
        999_999,
        key="output_seed",
        persist_state="session",
        help="Any whole number. The same seed draws the same words; another one draws others.",
    )


def draw_again() -> None:
    """Another seed."""
    select(output_seed=(chosen("output_seed") + 1) % 1_000_000)


def draw_text(view: View, draw: Draw, seed: int) -> str:
    """How a word is drawn, and which one it is with this seed."""
    return (
        "The words lie side by side on a line from 0 to 1, each as long as its probability in"
        f" the draw. A random number picks one: with seed {seed} it is {number(draw.point, 3)} here"
        f" and falls on {bold(view.word(draw.word))}. Append that word, and the model reads the"
        " longer text from the start; every page then shows the new run."
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
        f"{bold(view.word(draw.word))} covers the line from {number(draw.start, 3)} to"
        f" {number(draw.end, 3)} ({percent(probs_V[draw.word])} of it). The random number depends"
        " on the seed and the position, not on the model."
    )


def draw_buttons(view: View, row, position: int, draw: Draw, likeliest: int) -> None:
    """Append the likeliest or the drawn word, draw again, undo."""
    moved = is_text_moved(view)
    last = position == len(view.tokens(view.config.sides[-1])) - 1
    drawn = f"The number {number(draw.point, 3)} fell between {number(draw.start, 3)} and"
    drawn += f" {number(draw.end, 3)}: {{}} was drawn."
    verb = "Append" if last else "Go on from here with"
    offers = (
        ("likeliest", f"{verb} the likeliest", likeliest, "{} was the likeliest."),
        ("append", f"{verb} the one drawn", draw.word, drawn),
    )
    for name, label, word, how in offers:
        row.button(
            f"{label}: **{plain(short(view.word(word)))}**",
            key=f"output_{name}",
            type="primary" if name == "likeliest" else "secondary",
            disabled=moved,
            on_click=append,
            args=(view, position, (word,), how),
        )
    row.button("Draw again", key="output_again", on_click=draw_again)
    row.button("Undo", key="output_undo", disabled=not undoable(view), on_click=undo)
    if words := where_it_goes(view, position, last):
        st.caption(words)


def where_it_goes(view: View, position: int, last: bool) -> str:
    """Where an appended word goes, or why none can be; empty where it goes to the end."""
    if view.request.chat:
        return (
            "Here the answer to your message begins. It is no part of your text, so nothing can be"
            " appended."
        )
    if is_text_moved(view):
        return (
            "In this what-if the last token is not the end of your text, so nothing can be"
            " appended."
        )
    if last:
        return ""
    return (
        f"The word goes after token {position} and replaces the rest of the text. Undo brings it"
        " back."
    )


def is_text_moved(view: View) -> bool:
    """Whether the last token stands elsewhere than at the end of what was typed: by a what-if, or
    since a chat template goes on after it.
    """
    moving = whatif.kinds(view.request.change) & {"order", "pad", "open-pad"}
    return bool(moving or view.request.chat) and not view.config.crosses


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


def append(view: View, position: int, words: Sequence[int], how: str) -> None:
    """Puts words after a token; all pages then show the longer text. how: how they were chosen,
    with room for them.
    """
    key, change = box_of(view), view.request.change
    said = " ".join(map(view.word, words))
    how, before = how.format(f"“{plain(said)}”"), getattr(view.request, key)
    try:
        new = longer_text(view, position, words)
    except GlassError as error:
        kind = "info" if any(ends_text(view.model, word) for word in words) else "warning"
        memory().output_report = (kind, f"{how} {plain(error)}", before)
        return
    appended = (key, before, new.text, said)
    memory().appended = [*memory().appended, appended][-UNDOS:]
    select(**{key: new.text})
    start_new_text()
    select(change=change)
    memory().output_report = appended_report(how, new)


def longer_text(view: View, position: int, words: Sequence[int]) -> Longer:
    """The text with words after a token. Raises GlassError where the model can't read it."""
    ids_L = view.trace[f"{view.config.sides[-1]}.embed.ids"][: position + 1]
    new = longer(view.model, ids_L, text_until(view, position), *words)
    if view.config.crosses:
        runs.target_ids_of(view.model, (), new.text)
    else:
        runs.ids_of(view.model, new.text)
    return new


def appended_report(how: str, new: Longer) -> tuple[str, str, str]:
    """What is said of a word that was appended: the kind of the message, it, and the new text."""
    if not new.exact:
        cut = (
            f"{how} It was appended, but the longer text splits into other tokens: the model reads"
            " the text, not the word that was drawn."
        )
        return "warning", cut, new.text
    unseen = " The text box can’t show a line break; the tokens do." if "\n" in new.text else ""
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
    change = chosen("change")
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
        if chosen("tour") is None:  # the tour moves the page itself
            with st.container(key="unseen-report"):  # a button far below may have done it
                bring_into_sight(f".st-key-{WRITING}", f"{message} {left}")
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
