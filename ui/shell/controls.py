"""The choices on every page: above it what is read, at its left the model, the mask, the layer, the
head and the token.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.errors import GlassError
from core.models import catalogue
from core.models.model import Model
from core.step_ref import parse
from ui.kit.unknown_words import unknown_line
from ui.kit.word_grouping import has_pieces, has_signs, offered
from ui.session import sent, state
from ui.session.state import (
    EXAMPLES,
    MASKS,
    Asked,
    View,
    clamped,
    close_number,
    is_word,
    new_model,
    new_text,
    note,
)
from ui.session.steady import recall, steady
from ui.shell import downloads
from ui.shell.model_notes import kind_of, which_model
from ui.text import plain


def choose(above, side: str = "") -> View | None:
    """Draws the choices and returns what they show; after a choice that can't be shown, what was
    shown before it. above: the container over the page, where the sentence is typed. side: the only
    one of two sides that the page is about.
    """
    here = st.session_state
    with above:
        choose_text()
    model, mask = choose_model(), choose_mask()
    wanted = Asked(
        model,
        here["sentence"],
        f"own:{here['grid']}" if mask == "own" else mask,
        here["target"],
        here["change"],
    )
    example = EXAMPLES[0]["text"]
    view = (
        seen(wanted)
        or still_seen(here.get("_good"))
        or still_seen(Asked(model, example))
        or still_seen(Asked(catalogue.default(), example))
    )
    if view is None:
        return None
    here["_good"] = view.asked
    for line in view.model.notes:
        st.caption(plain(line))
    if view.config.crosses:
        with above:
            text_box(
                "What the decoder reads",
                "target",
                placeholder="empty: the model writes it by itself",
            )
        choose_side(side)
    with above:
        unknown_line(view)
    return choose_place(view)


def choose_text() -> None:
    """The sentence, and the examples beside it."""
    sentence, examples = st.columns((3, 1), vertical_alignment="bottom")
    with sentence:
        text_box("Your sentence", "sentence")
    kind = kind_of(st.session_state["model"])
    suit = [i for i, example in enumerate(EXAMPLES) if kind in example.get("for", [kind])]
    examples.selectbox(
        "Examples",
        suit,
        index=None,
        key="example",
        on_change=take_example,
        format_func=lambda i: EXAMPLES[i]["name"],
        placeholder="Or pick an example",
        label_visibility="collapsed",
    )


def text_box(name: str, key: str, **options) -> None:
    st.text_input(
        name,
        key=key,
        max_chars=state.LONGEST_BOX,
        persist_state="session",
        on_change=new_text,
        **options,
    )


def take_example() -> None:
    """Puts the picked example into the sentence."""
    here, picked = st.session_state, st.session_state.get("example")
    here["example"] = None
    if sent.whole(picked, len(EXAMPLES)):
        here["sentence"] = EXAMPLES[picked]["text"]
        new_text()


def choose_model() -> str:
    """The chooser: models that are here first, the others with their size. Returns one that can be
    used now.
    """
    ready = state.ready_models()
    titles = model_titles(ready)
    steady("model", titles, titles.get, ready[0])
    st.selectbox(
        "Model",
        list(titles),
        key="model",
        format_func=titles.get,
        on_change=new_model,
        persist_state="session",
    )
    chosen = st.session_state["model"]
    if chosen in ready:
        st.caption(plain(catalogue.entry_of(chosen).about))
    which_model(ready)
    if chosen in ready:
        return chosen
    before = st.session_state.get("_good", (ready[0],))[0]
    before = before if before in ready else ready[0]
    downloads.offer(chosen, before)
    return before


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


def choose_mask() -> str:
    names = [
        name
        for name in MASKS
        if name != "own" or st.session_state["grid"] or st.session_state["mask"] == "own"
    ]
    return st.radio(
        "Mask: who may look at whom",
        names,
        key="mask",
        format_func=MASKS.get,
        persist_state="session",
    )


def seen(asked: Asked) -> View | None:
    """The view of a run; None, and a note that says why, where there can't be one."""
    try:
        model = state.model_of(asked.model)
        asked = asked if model.config.crosses else asked._replace(target="")
        state.trace_of(asked)  # raises here, where a note can say why
        return View(asked, model.config.sides[0], 0, 0, 0)
    except GlassError as error:
        note(str(error))
        return None


def still_seen(before: Asked | None) -> View | None:
    """The view of what could be shown before, with a note that it is that."""
    view = seen(before) if before else None
    if view:
        text = view.sentence if len(view.sentence) <= 80 else view.sentence[:80] + "…"
        note(
            f"What you see below still belongs to “{text}” ({view.title}; mask:"
            f" {MASKS[view.mask].lower()})."
        )
    return view


def choose_side(only: str) -> None:
    """For a model with two stacks: which side is looked at."""
    if only and st.session_state["side"] != only:
        st.session_state["side"], st.session_state["token"] = (
            only,
            None,
        )  # positions of the other side mean nothing here
    st.segmented_control(
        "Look at",
        state.SIDES,
        key="side",
        required=True,
        on_change=close_number,
        format_func=str.capitalize,
        persist_state="session",
        width="stretch",
        disabled=bool(only),
        help="This page is about the decoder." if only else None,
    )


def choose_place(view: View) -> View:
    """Layer, head and token, brought inside what this model and sentence have."""
    here, config = st.session_state, view.config
    forget_foreign(view)
    side = here["side"] if config.crosses else config.sides[0]
    tokens = view.tokens(side)
    here["_first_token"] = first_token(view.model, tokens)
    if isinstance(here["token"], str):  # a label of the run before: no number to compare below
        recall("token", range(state.LONGEST_TOKENS))
    same = [i for i, token in enumerate(tokens) if letters(token) == here.get("_word") != ""]
    here["_word"] = None
    if here["token"] is None:
        here["token"] = same[0] if same else here["_first_token"]
    for key, size in (
        ("layer", config.layers(side)),
        ("head", config.n_heads),
        ("token", len(tokens)),
    ):
        clamped(key, size)
    counter("Layer", "layer", config.layers(side), new_layer)
    counter("Head", "head", config.n_heads, close_number)
    labels = [f"{i} · {token}" for i, token in enumerate(tokens)]
    steady("token", range(len(tokens)), labels.__getitem__, here["_first_token"])
    st.selectbox(
        "Token",
        range(len(tokens)),
        key="token",
        format_func=labels.__getitem__,
        on_change=close_number,
        persist_state="session",
    )
    here["_looked_at"] = letters(tokens[here["token"]])
    view = replace(view, side=side, layer=here["layer"], head=here["head"], token=here["token"])
    choose_words(view)
    return view


def forget_foreign(view: View) -> None:
    """Forgets a side or a step that this model does not have, and says so where the address has
    just asked for it."""
    here = st.session_state
    if not view.config.crosses:
        if state.asked_for("side") and here["side"] not in view.config.sides:
            note(f"The address asks for the side {here['side']}, which this model does not have.")
        here["side"] = state.DEFAULTS["side"]
    if here["step"] and here["step"] not in view.trace:
        if state.asked_for("step"):
            note(f"This model has no step “{here['step'][:80]}”.")
        here["step"] = None


WORDS = {
    "bare": (
        "Hide special tokens",
        (
            "Leaves out signs such as [CLS], [START]; each row of attention is then shared out anew"
            " over what is left. Some models add none."
        ),
        has_signs,
    ),
    "merge": (
        "Merge pieces into words",
        (
            "Summed over the pieces that are looked at, averaged over those that look. "
            "Many a word stands in one piece as it is."
        ),
        has_pieces,
    ),
}


def choose_words(view: View) -> None:
    """How attention weights are drawn, where it is known which tokens are signs, and which make one
    word.
    """
    here = st.session_state
    for key, (name, help, there) in WORDS.items():
        clamped(key, 2)
        if offered(view):
            here[f"toggle_{key}"] = bool(here[key] and there(view))
            st.toggle(
                name,
                key=f"toggle_{key}",
                help=help,
                on_change=toggled,
                args=(key,),
                disabled=not there(view),
            )


def toggled(key: str) -> None:
    """The address knows 0 and 1."""
    st.session_state[key] = int(st.session_state[f"toggle_{key}"])
    close_number()


def letters(token: str) -> str:
    """What a token is but for capitals and the marks of its vocabulary."""
    return "".join(filter(str.isalnum, token)).casefold()


def new_layer() -> None:
    """The step of the page Every number moves to the new layer, too."""
    here = st.session_state
    ref = parse(here["step"] or "")
    if ref and ref.layer is not None and state.fits("layer", here["layer"]):
        here["step"] = str(ref.with_layer(here["layer"]))
    close_number()


def counter(name: str, key: str, size: int, changed) -> None:
    """A slider from 0 to size − 1; with a single value there is nothing to choose."""
    if size > 1:
        st.slider(
            f"{name} (0 to {size - 1})",
            0,
            size - 1,
            key=key,
            on_change=changed,
            persist_state="session",
        )


def first_token(model: Model, tokens: list[str]) -> int:
    """The token that is looked at first: of a decoder the last, which sees all; else a hidden word,
    or the last.
    """
    if "[MASK]" in tokens:
        return tokens.index("[MASK]")
    words = [i for i, token in enumerate(tokens) if is_word(token)]
    writes = model.config.decoder_layers and not model.config.crosses
    return words[-1] if words and not writes else len(tokens) - 1
