"""What is read (a sentence, an example, a model), and the run that this shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from core import whatif
from core.errors import GlassError
from core.models import catalogue
from core.steps.task import answers_questions
from ui.kit.what_if_words import change_words
from ui.session import owner, runs, sent
from ui.session.actions import start_new_model, start_typed_text
from ui.session.address import OWN_MODEL, link_asks_for
from ui.session.memory import Dropped, forget_comparison, memory, note
from ui.session.opening import first_token
from ui.session.owner import may_open
from ui.session.runs import RunRequest, engine_here
from ui.session.selection import (
    CODECS,
    EXAMPLES,
    LONGEST_BOX,
    MASKS,
    Selection,
    chosen,
    select,
    selection,
)
from ui.session.settling import clamp
from ui.session.steady import steady
from ui.session.view import View
from ui.shell import downloads, own_model
from ui.shell.hints import texts_read
from ui.shell.model_notes import examples_kind, what_it_does

EXAMPLE = "example"  # the key of the list of examples
SECOND = "Add a second text: this model can read two in one input, A and B"
OWN = "own"  # in the list of models: not one of them, but the way to another


def read_run(box) -> View | None:
    """Draws the bar's choices into a container and returns what they show, at no place yet; after a
    choice that can't be shown, what was shown before it.
    """
    with box:
        sentence_box()
        second = st.container(key="bar-second", horizontal=True, vertical_alignment="center")
        target = st.container(key="bar-target")
        examples_list()
        model = model_list()
    view = shown_view(request_of(selection(), model))
    if view is None:
        return None
    memory().shown = view.request
    forget_comparison(view.request)
    with second:
        more_of_text(view)
    if view.config.crosses:
        with target:
            draw_text_box(
                "What the decoder reads", "target", placeholder="Empty: the model writes it"
            )
    return view


def request_of(asked: Selection, model: str) -> RunRequest:
    """The run that is asked for, by a model that is here."""
    mask = f"own:{asked.mask_cells}" if asked.mask == "own" else asked.mask
    texts, engine = (asked.second, asked.chat), engine_here(asked.engine)
    return RunRequest(model, asked.sentence, mask, asked.target, asked.change, *texts, engine)


def sentence_box() -> None:
    """The sentence."""
    draw_text_box("Your sentence", "sentence", placeholder="Type a sentence")


def more_of_text(view: View) -> None:
    """What this model can read besides a sentence: a second one, or the sentence as a message."""
    if runs.reads_pairs(view.model):
        second_text(answers_questions(view.config))
    if runs.chat_of(view.model):
        st.toggle(
            "as a chat message",
            key="chat",
            persist_state="session",
            on_change=read_typed,
            help="Puts around your text what the model’s chat template says: it then reads a"
            " message, and begins its answer.",
        )


def second_text(answers: bool) -> None:
    """The box of the second text, once it is asked for, and the button that opens or empties it.
    answers: the model looks for the answer in that text, so that the box stands there at once.
    """
    if not (chosen("second") or memory().second_open or answers):
        st.button("+ B", key="second_open", on_click=open_second, help=SECOND)
        return
    asks = "The text with the answer (B)" if answers else "The second text (B)"
    draw_text_box("The second text (B)", "second", placeholder=asks)
    st.button("×", key="second_close", on_click=close_second, help="Read the first text alone")


def open_second() -> None:
    """Shows the box of the second text."""
    memory().second_open = True


def close_second() -> None:
    """Empties the second text: the first is read alone."""
    memory().second_open = False
    if chosen("second"):
        select(second="")
        read_typed()


def examples_list() -> None:
    """The examples that suit the model."""
    kind = examples_kind(chosen("model"))
    suit = [i for i, example in enumerate(EXAMPLES) if kind in example.get("for", [kind])]
    st.selectbox(
        "Examples",
        suit,
        index=None,
        key=EXAMPLE,
        on_change=use_example,
        format_func=example_text,
        placeholder="Examples",
        label_visibility="collapsed",
    )


def example_text(number: int) -> str:
    """An example in the list: its name, and its sentence below it."""
    return f"{EXAMPLES[number]['name']}\n{EXAMPLES[number]['text']}"


def draw_text_box(title: str, name: str, **options) -> None:
    """A box for one of the texts that are read."""
    st.text_input(
        title,
        key=name,
        max_chars=LONGEST_BOX,
        persist_state="session",
        on_change=read_typed,
        label_visibility="collapsed",
        **options,
    )


def read_typed() -> None:
    """Reads what was typed, by the model as it was trained; what that ended is remembered."""
    remember_ended(start_typed_text)


def remember_ended(start: Callable[[], None]) -> None:
    """Starts something new; the what-if that this ended is remembered in words."""
    change, before = chosen("change"), memory().shown
    start()
    memory().dropped = None
    ended = whatif.without(change, *chosen("change").split("+"))
    if ended and before and before.change == change:
        before = before._replace(change=ended)
        words = change_words(View(before, chosen("side"), 0, 0, 0))
        memory().dropped = Dropped(texts_read(), before.model, ended, words)


def use_example() -> None:
    """Puts the picked example into the sentence."""
    picked = st.session_state.get(EXAMPLE)
    st.session_state[EXAMPLE] = None
    if sent.whole(picked, len(EXAMPLES)):
        select(sentence=EXAMPLES[picked]["text"], second="")
        read_typed()


def model_list() -> str:
    """The chooser: models that are here first, the others with their size. Returns one that can be
    used now.
    """
    ready = runs.ready_models()
    titles = model_titles(ready)
    if may_open():
        titles[OWN] = OWN_MODEL
    steady("model", titles, titles.__getitem__, ready[0])
    st.selectbox(
        "Model",
        list(titles),
        key="model",
        format_func=titles.__getitem__,
        on_change=use_model,
        persist_state="session",
        label_visibility="collapsed",
    )
    with st.container(key="unseen-models"):
        st.html(f"<style>{model_words(list(titles))}</style>")
    return model_at_hand(ready)


def use_model() -> None:
    """Reads with the model that was picked, or lets one be opened that is not in the list."""
    if chosen("model") != OWN:
        remember_ended(start_new_model)
        return
    kept = memory().kept
    select(model=kept.model if kept else CODECS["model"].default)
    own_model.begin()


def model_words(names: list[str]) -> str:
    """Style rules that write below each option of the list what the model does."""
    option = '[role="listbox"][aria-label="Model"] [data-key="{}"] > div:after{{content:"{}"}}'
    words = enumerate(map(what_it_does, names))
    return "\n".join(option.format(at, said) for at, said in words if said)


def model_at_hand(ready: tuple[str, ...]) -> str:
    """The chosen model, if it is here; else the one that the pages go on with until it is."""
    name, before = chosen("model"), memory().shown
    if name in ready:
        return name
    return before.model if before and before.model in ready else ready[0]


def missing_model() -> None:
    """The way to fetch the chosen model, if it is not here."""
    ready = runs.ready_models()
    if (name := chosen("model")) not in ready:
        downloads.offer(name, model_at_hand(ready))


def model_titles(ready: tuple[str, ...]) -> dict[str, str]:
    """What the chooser shows for each model, by name; two of one title also show their names."""
    entries = sorted(owner.models(), key=lambda entry: entry.name not in ready)
    titles = [entry.title for entry in entries]
    shown = {}
    for entry in entries:
        alone = titles.count(entry.title) == 1
        shown[entry.name] = entry.title if alone else f"{entry.title} · {entry.name}"
        if entry.name not in ready:
            size = f", {downloads.megabytes(entry.size)}" if entry.size else ""
            shown[entry.name] += f" · to fetch{size}"
    return shown


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
        request = named_once(request, model.config)
        runs.trace_of(request)  # raises here, where a note can say why
        return View(request, looked_at_side(model.config), 0, 0, 0)
    except GlassError as error:
        note(str(error))
        return None


def named_once(request: RunRequest, config) -> RunRequest:
    """The same run under its one name: without texts that its model can't read, and the mask that
    it was trained with is called so, however it was chosen. Two names of one run would look like a
    what-if.
    """
    request = runs.as_it_reads(request)
    if config.crosses:
        return request
    mask = "trained" if (request.mask,) == config.sides else request.mask
    return request._replace(target="", mask=mask)


def looked_at_side(config) -> str:
    """The chosen side of a model with two, or the only one."""
    return chosen("side") if config.crosses else config.sides[0]


def still_shown(before: RunRequest | None) -> View | None:
    """The view of what could be shown before, with a note that it is that."""
    view = view_of(before) if before else None
    if view:
        text = view.sentence if len(view.sentence) <= 80 else view.sentence[:80] + "…"
        note(f"You still see “{text}” ({view.title}; mask: {MASKS[view.mask].lower()}).")
    return view


def place_view(view: View, only_side: str) -> View:
    """The view of what is looked at: side, layer, head and token, brought inside what this model
    and sentence have.
    """
    if view.config.crosses and only_side and chosen("side") != only_side:
        select(side=only_side, token=None)  # positions of the other side mean nothing here
    forget_missing(view)
    side = looked_at_side(view.config)
    tokens = view.tokens(side)
    settle_token(view, tokens)
    sizes = {"layer": view.config.layers(side), "head": view.config.n_heads, "token": len(tokens)}
    for name, size in sizes.items():
        clamp(name, size)
    token: int = chosen("token")
    memory().word = letters(tokens[token])
    return replace(view, side=side, layer=chosen("layer"), head=chosen("head"), token=token)


def settle_token(view: View, tokens: list[str]) -> None:
    """Where no token is chosen: the one of the word that was looked at in another model, or the
    first to look at.
    """
    memory().first_token = first = first_token(view.config, tokens)
    word = memory().word_to_find
    same = [i for i, token in enumerate(tokens) if word and letters(token) == word]
    memory().word_to_find = ""
    if chosen("token") is None:
        select(token=same[0] if same else first)


def forget_missing(view: View) -> None:
    """Forgets a side or a step that this model does not have, and says so where the address has
    just asked for it."""
    side, step = chosen("side"), chosen("step")
    if not view.config.crosses:
        if side not in view.config.sides and link_asks_for("side"):
            note(f"The address asks for the side {side}, which this model does not have.")
        select(side=CODECS["side"].default)
    if step and step not in view.trace:
        if link_asks_for("step"):
            note(f"This model has no step “{step[:80]}”.")
        select(step=None)


def letters(token: str) -> str:
    """What a token is but for capitals and the marks of its vocabulary."""
    return "".join(filter(str.isalnum, token)).casefold()
