"""The choices on every page: above it what is read, at its left the model, the mask, the layer, the
head and the token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from core.config import Config
from core.errors import GlassError
from core.lstm import Lstm
from core.models import catalogue
from core.models.model import Model
from core.step_ref import parse
from ui.kit.unknown_words import unknown_line
from ui.kit.word_grouping import has_pieces, has_special_tokens, offered
from ui.session import runs, sent
from ui.session.actions import close_number, start_new_model, start_new_text
from ui.session.address import link_asks_for
from ui.session.memory import memory, note
from ui.session.runs import RunRequest
from ui.session.selection import (
    CODECS,
    EXAMPLES,
    LONGEST_BOX,
    MASKS,
    SIDES,
    Selection,
    chosen,
    fits,
    select,
    selection,
)
from ui.session.settling import clamp
from ui.session.steady import recall, steady
from ui.session.view import View, is_word
from ui.shell import downloads
from ui.shell.model_notes import examples_kind, which_model
from ui.text import plain

EXAMPLE = "example"  # the key of the list of examples


def reading_controls(above, side: str = "") -> View | None:
    """Draws the choices and returns what they show; after a choice that can't be shown, what was
    shown before it. above: the container over the page, where the sentence is typed. side: the only
    one of two sides that the page is about.
    """
    with above:
        sentence_and_examples()
    model = model_controls()
    mask_controls()
    view = shown_view(request_of(selection(), model))
    if view is None:
        return None
    memory().shown = view.request
    for line in notes_on_files(view.model):
        st.caption(plain(line))
    if view.config.crosses:
        with above:
            draw_text_box(
                "What the decoder reads",
                "target",
                placeholder="empty: the model writes it by itself",
            )
        side_controls(side)
    with above:
        unknown_line(view)
    return place_controls(view)


def notes_on_files(model: Model | Lstm) -> tuple[str, ...]:
    """What a model's files hold that is not run as it is."""
    return model.notes if isinstance(model, Model) else ()


def request_of(chosen: Selection, model: str) -> RunRequest:
    """The run that is asked for, by a model that is here."""
    mask = f"own:{chosen.mask_cells}" if chosen.mask == "own" else chosen.mask
    return RunRequest(model, chosen.sentence, mask, chosen.target, chosen.change)


def sentence_and_examples() -> None:
    """The sentence, and the examples beside it."""
    sentence, examples = st.columns((3, 1), vertical_alignment="bottom")
    with sentence:
        draw_text_box("Your sentence", "sentence")
    kind = examples_kind(selection().model)
    suit = [i for i, example in enumerate(EXAMPLES) if kind in example.get("for", [kind])]
    examples.selectbox(
        "Examples",
        suit,
        index=None,
        key=EXAMPLE,
        on_change=use_example,
        format_func=lambda i: EXAMPLES[i]["name"],
        placeholder="Or pick an example",
        label_visibility="collapsed",
    )


def draw_text_box(title: str, name: str, **options) -> None:
    """A box for one of the texts that are read."""
    st.text_input(
        title,
        key=name,
        max_chars=LONGEST_BOX,
        persist_state="session",
        on_change=start_new_text,
        **options,
    )


def use_example() -> None:
    """Puts the picked example into the sentence."""
    picked = st.session_state.get(EXAMPLE)
    st.session_state[EXAMPLE] = None
    if sent.whole(picked, len(EXAMPLES)):
        select(sentence=EXAMPLES[picked]["text"])
        start_new_text()


def model_controls() -> str:
    """The chooser: models that are here first, the others with their size. Returns one that can be
    used now.
    """
    ready = runs.ready_models()
    titles = model_titles(ready)
    steady("model", titles, titles.__getitem__, ready[0])
    st.selectbox(
        "Model",
        list(titles),
        key="model",
        format_func=titles.__getitem__,
        on_change=start_new_model,
        persist_state="session",
    )
    name = selection().model
    if name in ready:
        st.caption(plain(catalogue.entry_of(name).about))
    which_model(ready)
    if name in ready:
        return name
    before = memory().shown
    meanwhile = before.model if before and before.model in ready else ready[0]
    downloads.offer(name, meanwhile)
    return meanwhile


def model_titles(ready: tuple[str, ...]) -> dict[str, str]:
    """What the chooser shows for each model, by name; two of one title also show their names."""
    entries = sorted(catalogue.listed(), key=lambda entry: entry.name not in ready)
    titles = [entry.title for entry in entries]
    shown = {}
    for entry in entries:
        alone = titles.count(entry.title) == 1
        shown[entry.name] = entry.title if alone else f"{entry.title} · {entry.name}"
        if entry.name not in ready:
            size = f", {downloads.megabytes(entry.size)}" if entry.size else ""
            shown[entry.name] += f" · to fetch{size}"
    return shown


def mask_controls() -> None:
    """Who may look at whom; a mask drawn by hand, where there is one."""
    drawn = selection().mask == "own" or selection().mask_cells
    names = [name for name in MASKS if name != "own" or drawn]
    st.radio(
        "Mask: who may look at whom",
        names,
        key="mask",
        format_func=MASKS.__getitem__,
        persist_state="session",
    )


def shown_view(wanted: RunRequest) -> View | None:
    """The view of the first run that can be shown: the wanted one, the one before, or the first
    example.
    """
    example = EXAMPLES[0]["text"]
    return (
        view_of(wanted)
        or still_shown(memory().shown)
        or still_shown(RunRequest(wanted.model, example))
        or still_shown(RunRequest(catalogue.default(), example))
    )


def view_of(request: RunRequest) -> View | None:
    """The view of a run; None, and a note that says why, where there can't be one."""
    try:
        model = runs.model_of(request.model)
        request = request if model.config.crosses else request._replace(target="")
        runs.trace_of(request)  # raises here, where a note can say why
        return View(request, model.config.sides[0], 0, 0, 0)
    except GlassError as error:
        note(str(error))
        return None


def still_shown(before: RunRequest | None) -> View | None:
    """The view of what could be shown before, with a note that it is that."""
    view = view_of(before) if before else None
    if view:
        text = view.sentence if len(view.sentence) <= 80 else view.sentence[:80] + "…"
        note(
            f"What you see below still belongs to “{text}” ({view.title}; mask:"
            f" {MASKS[view.mask].lower()})."
        )
    return view


def side_controls(only: str) -> None:
    """For a model with two stacks: which side is looked at."""
    if only and selection().side != only:
        select(side=only, token=None)  # positions of the other side mean nothing here
    st.segmented_control(
        "Look at",
        SIDES,
        key="side",
        required=True,
        on_change=close_number,
        format_func=str.capitalize,
        persist_state="session",
        width="stretch",
        disabled=bool(only),
        help="This page is about the decoder." if only else None,
    )


def place_controls(view: View) -> View:
    """Layer, head and token, brought inside what this model and sentence have."""
    forget_missing(view)
    side = selection().side if view.config.crosses else view.config.sides[0]
    tokens, layers, heads = view.tokens(side), view.config.layers(side), view.config.n_heads
    settle_token(view, tokens)
    for name, size in (("layer", layers), ("head", heads), ("token", len(tokens))):
        clamp(name, size)
    draw_slider("Layer", "layer", layers, start_layer)
    draw_slider("Head", "head", heads, close_number)
    token = token_controls(tokens)
    memory().word = letters(tokens[token])
    chosen = selection()
    view = replace(view, side=side, layer=chosen.layer, head=chosen.head, token=token)
    grouping_controls(view)
    return view


def settle_token(view: View, tokens: list[str]) -> None:
    """Where no token is chosen: the one of the word that was looked at in another model, or the
    first to look at.
    """
    memory().first_token = first = first_token(view.config, tokens)
    if isinstance(selection().token, str):  # a label of the run before: no number to compare
        recall("token", range(runs.LONGEST_TOKENS))
    word = memory().word_to_find
    same = [i for i, token in enumerate(tokens) if word and letters(token) == word]
    memory().word_to_find = ""
    if selection().token is None:
        select(token=same[0] if same else first)


def token_controls(tokens: list[str]) -> int:
    """The list of tokens. Returns the one that is chosen."""
    labels = [f"{i} · {token}" for i, token in enumerate(tokens)]
    steady("token", range(len(tokens)), labels.__getitem__, memory().first_token)
    st.selectbox(
        "Token",
        range(len(tokens)),
        key="token",
        format_func=labels.__getitem__,
        on_change=close_number,
        persist_state="session",
    )
    return chosen("token")


def forget_missing(view: View) -> None:
    """Forgets a side or a step that this model does not have, and says so where the address has
    just asked for it."""
    side, step = selection().side, selection().step
    if not view.config.crosses:
        if side not in view.config.sides and link_asks_for("side"):
            note(f"The address asks for the side {side}, which this model does not have.")
        select(side=CODECS["side"].default)
    if step and step not in view.trace:
        if link_asks_for("step"):
            note(f"This model has no step “{step[:80]}”.")
        select(step=None)


@dataclass(frozen=True)
class Grouping:
    """A way to draw attention weights by words instead of tokens."""

    title: str
    help: str
    is_possible: Callable[[View], bool]


GROUPINGS = {
    "hide_special": Grouping(
        "Hide special tokens",
        "Leaves out signs such as [CLS], [START]; each row of attention is then shared out anew"
        " over what is left. Some models add none.",
        has_special_tokens,
    ),
    "merge_pieces": Grouping(
        "Merge pieces into words",
        "Summed over the pieces that are looked at, averaged over those that look. "
        "Many a word stands in one piece as it is.",
        has_pieces,
    ),
}


def grouping_controls(view: View) -> None:
    """How attention weights are drawn, where it is known which tokens are signs, and which make one
    word.
    """
    for name, grouping in GROUPINGS.items():
        clamp(name, 2)
        if offered(view):
            possible = grouping.is_possible(view)
            st.session_state[toggle_of(name)] = bool(chosen(name) and possible)
            st.toggle(
                grouping.title,
                key=toggle_of(name),
                help=grouping.help,
                on_change=apply_toggle,
                args=(name,),
                disabled=not possible,
            )


def toggle_of(name: str) -> str:
    """The key of a toggle, which knows yes and no; the address knows 0 and 1."""
    return f"toggle_{name}"


def apply_toggle(name: str) -> None:
    """Chooses what a toggle says."""
    select(**{name: int(st.session_state[toggle_of(name)])})
    close_number()


def letters(token: str) -> str:
    """What a token is but for capitals and the marks of its vocabulary."""
    return "".join(filter(str.isalnum, token)).casefold()


def start_layer() -> None:
    """The step of the page Every number moves to the new layer, too."""
    ref, layer = parse(selection().step or ""), selection().layer
    if ref and ref.layer is not None and fits("layer", layer):
        select(step=str(ref.with_layer(layer)))
    close_number()


def draw_slider(title: str, name: str, size: int, on_change) -> None:
    """A slider from 0 to size − 1; with a single value there is nothing to choose."""
    if size > 1:
        st.slider(
            f"{title} (0 to {size - 1})",
            0,
            size - 1,
            key=name,
            on_change=on_change,
            persist_state="session",
        )


def first_token(config: Config, tokens: list[str]) -> int:
    """The token that is looked at first: of a decoder the last, which sees all; else a hidden word,
    or the last.
    """
    if "[MASK]" in tokens:
        return tokens.index("[MASK]")
    words = [i for i, token in enumerate(tokens) if is_word(token)]
    writes = config.decoder_layers and not config.crosses
    return words[-1] if words and not writes else len(tokens) - 1
