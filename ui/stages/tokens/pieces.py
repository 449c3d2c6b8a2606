"""The sentence, a row for each token: what was typed, the piece, its number, its row of the
embedding table, and the words whose rows are most like it. A click chooses a token.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.models import catalogue
from core.step_ref import sliced_name
from core.steps.embedding import nearest
from core.text import counted, number, root
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.packed_arrays import packed
from ui.kit.quiz import Quiz, quiz_of_words
from ui.kit.section import render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, colour_end, largest, rows_around
from ui.kit.theme import COLOURS
from ui.kit.token_words import cut_words, special_tokens_note, texts_of, which_word
from ui.kit.unknown_words import marks, unknown_text
from ui.session import sent
from ui.session.actions import select_token
from ui.session.selection import depth
from ui.session.view import View
from ui.stages.tokens.embedding import near_step
from ui.stages.tokens.word_map import nearest_words
from ui.text import label

_draw = component(
    "pieces", 'class="root figure pieces" role="group" aria-label="Words, pieces and ids"'
)
ROWS = 32  # tokens that have a strip
NEAR = 5  # words that unfold below the chosen token


def pieces(view: View) -> tuple[str, tuple[int, ...]]:
    """The question, the sentence token by token, and what a tokenizer does. Returns the cell that
    is explained first.
    """
    first = largest(view, f"{view.side}.embed.token", view.token, ALL)
    question = f"Which of {vocabulary(view)} is most like {which_word(view)} to this model?"
    heading(question, quiz(view))
    pieces_strip(view)
    render_depth(view, pieces_text(view), (f"{view.side}.embed.ids", (view.token,)), first)
    if depth() == "code" and (code := in_python(view)):
        st.code(code, language="python")
    if line := unknown_text(view):
        st.caption(line)
    special_tokens_note(view)
    return first


def in_python(view: View) -> str:
    """The lines that give this run in Python; empty where they would be more than that."""
    request, name = view.request, catalogue.entry_of(view.model.name).name
    if request.change or view.mask == "own" or request.target or not view.encoding:
        return ""
    given = {"second": request.second, "chat": request.chat, "mask": view.mask}
    given = {key: value for key, value in given.items() if value not in ("", False, "trained")}
    more = "".join(f", {key}={value!r}" for key, value in given.items())
    return f"from core import load\n\ntrace = load({name!r}).trace({request.sentence!r}{more})"


def quiz(view: View) -> Quiz | None:
    """The words most like the chosen one may be guessed."""
    own = int(view.trace[f"{view.side}.embed.ids"][view.token])
    near_N = nearest_words(view.request.model, view.taught, view.side, (own,))[0]
    return quiz_of_words(view, [view.word(i) for i in near_N[:4]])


def vocabulary(view: View) -> str:
    """How many words or pieces the model knows."""
    whole = catalogue.entry_of(view.model.name).embedded
    return f"{view.config.n_vocab:,} {'words' if whole else 'pieces'}"


def pieces_text(view: View) -> str:
    """What the tokenizer did with this sentence, and which row the chosen token takes."""
    count = len(view.trace[f"{view.config.sides[0]}.embed.ids"])
    token_id = view.trace[f"{view.side}.embed.ids"][view.token]
    row = (
        f"the model takes row {token_id} of its table: {view.config.embed_width} numbers"
        f"{scale_text(view)}, the same in every sentence."
    )
    if not view.model.tokenizer:
        return (
            "Glassformer cannot read this model’s tokenizer, so you typed"
            f" {counted(count, 'id')}. For {which_word(view)} {row}"
        )
    return (
        f"A **tokenizer** cuts text into known pieces. {which_word(view)}{whose(view)} has the id"
        f" {token_id}, so {row}"
    )


def whose(view: View) -> str:
    """Which of two texts the chosen token was typed in, or that a chat template added it."""
    if letter := texts_of(view, view.side)[view.token]:
        segments = view.config.n_segments > 1
        number = f", segment {view.trace['encoder.embed.segment.ids'][view.token]}"
        return f" (text {letter}{number if segments else ''})"
    added = view.request.chat and not view.request.change and view.words[view.token] is None
    return " (added by the chat template)" if added else ""


def scale_text(view: View) -> str:
    """What the row is multiplied by, where it is."""
    scale, D = view.config.embed_scale, view.config.embed_width
    if scale == 1:
        return ""
    return f" (multiplied by {root(D) if scale == D**0.5 else number(scale, 3)})"


# --- the figure -----------------------------------------------------------------------------------


def pieces_strip(view: View) -> None:
    """The rows of each side; what was typed is known of the sentence alone."""
    for side in view.config.sides:
        if view.config.crosses:
            st.caption(
                {"encoder": "What the encoder reads", "decoder": "What the decoder reads"}[side]
            )
        key, unknown = f"pieces-{side}", marks(view, side)
        _draw(
            key=key,
            on_chosen_change=partial(choose_token, view, key, side),
            on_cell_change=partial(open_cell, view, key, side),
            on_near_change=partial(open_near, view, key),
            data=pieces_data(view, side, unknown),
        )
        if unknown:
            st.caption("Dashed: " + "; ".join(dict.fromkeys(unknown.values())) + ".")


def pieces_data(view: View, side: str, unknown: dict[int, str]) -> dict:
    """What is drawn of a side. unknown: what is said about a piece that is marked."""
    step, count, own = f"{side}.embed.token", len(view.tokens(side)), side == view.side
    at = range(count)[rows_around(view.token if own else 0, count, ROWS)]
    rows_LD = view.trace[step][at.start : at.stop]
    return packed(rows_LD) | {
        "chosen": view.token if own else None,
        "typed": typed_for(view, side) is not None,
        "tokens": drawn_pieces(view, side, unknown, at),
        "at": list(at),
        "limit": colour_end(rows_LD),
        "opened": opened_in(step),
        "step": sliced_name(step, (slice(at.start, at.stop),)),
        "colour": COLOURS["embed"],
        "titles": {
            "row": f"its row of the table: {view.config.embed_width} numbers",
            "near": "most like it",
            "unfolded": "Most like it:",
        },
    }


def drawn_pieces(view: View, side: str, unknown: dict[int, str], at: range) -> list[dict]:
    """What is drawn of each piece. at: the tokens whose nearest words are named."""
    ids = view.trace[f"{side}.embed.ids"]
    words = view.words if side == view.config.sides[0] and view.words else [None] * len(ids)
    typed = typed_for(view, side) or [""] * len(ids)
    cut, of = cut_words(view, side), texts_of(view, side)
    near = dict(
        zip(
            at,
            nearest_words(view.request.model, view.taught, side, tuple(ids[at].tolist())),
            strict=True,
        )
    )
    columns = zip(view.tokens(side), view.names_of(side), ids, words, typed, strict=True)
    return [
        {
            "text": text,
            "name": name,
            "id": int(i),
            "word": word,
            "typed": letters,
            "mark": unknown.get(position, ""),
            "cut": cut.get(position, ""),
            "of": of[position],
            "near": [view.word(other) for other in near.get(position, ())[:NEAR]],
            "cosines": cosines(view) if (side, position) == (view.side, view.token) else None,
        }
        for position, (text, name, i, word, letters) in enumerate(columns)
    ]


def near_ids(view: View) -> list[int]:
    """The words whose rows are most like the chosen token's, the most alike first."""
    step = near_step(view)
    return nearest(view.trace[step], NEAR, [int(step.rsplit(".", 1)[1])]).tolist()


def cosines(view: View) -> list[dict]:
    """How like the chosen token its nearest words are: as text, and as the length of a bar."""
    found = [float(view.trace[near_step(view)][i]) for i in near_ids(view)]
    return [{"text": number(cosine, 2), "share": min(max(cosine, 0), 1)} for cosine in found]


# --- what a click does ----------------------------------------------------------------------------


def choose_token(view: View, key: str, side: str) -> None:
    """The token that was clicked becomes the chosen one."""
    chosen = sent.from_component(key, "chosen")
    if sent.whole(chosen, len(view.tokens(side))):
        select_token(chosen, side=side)


def open_cell(view: View, key: str, side: str) -> None:
    """A number of a row that was clicked opens; its token becomes the chosen one."""
    step = f"{side}.embed.token"
    place = sent.place(sent.from_component(key, "cell"), view.trace.shape(step))
    if place is not None:
        select_token(place[0], side=side)
        open_number(step, place)


def open_near(view: View, key: str) -> None:
    """The cosine of a nearest word that was clicked opens."""
    place = sent.place(sent.from_component(key, "near"), (NEAR,))
    ids = near_ids(view)
    if place is not None and place[0] < len(ids):
        open_number(near_step(view), (ids[place[0]],))


# --- what was typed -------------------------------------------------------------------------------


def typed_for(view: View, side: str) -> list[str] | None:
    """The characters that each piece was cut from; a letter of several pieces stands beside the
    first. None: not known, for a model without a tokenizer, or in a run that reads something else
    than what was typed.
    """
    encoding = view.encoding if side == view.config.sides[0] else None
    if encoding is None or list(encoding.ids_L) != list(view.trace[f"{side}.embed.ids"]):
        return None
    found, ends = [], {False: 0, True: 0}  # how far each of two texts has come
    for i, span in enumerate(encoding.spans):
        second = encoding.in_second(i)
        start, end = span or (0, 0)
        found.append(
            label(encoding.text_at(i)[max(start, ends[second]) : end]) if end > ends[second] else ""
        )
        ends[second] = max(ends[second], end)
    return found
