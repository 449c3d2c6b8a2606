"""What is compared: two runs, or two places in one, and which of their tokens belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core import word_swaps
from core.comparison import aligned, places_in_text
from core.errors import GlassError
from core.models import catalogue
from ui.kit.runs import beside
from ui.kit.stage import heading
from ui.session.actions import close_number
from ui.session.address import link_asks_for
from ui.session.memory import memory, note
from ui.session.runs import RunRequest, as_it_reads, encoding_of, model_of, ready_models, trace_of
from ui.session.selection import LONGEST_BOX, chosen, opened_cell, select
from ui.session.settling import settle
from ui.session.view import View

KINDS = {
    "sentence": ("Sentence", "What does one word change?"),
    "head": ("Head", "How do two heads differ?"),
    "layer": ("Layer", "How do two layers differ?"),
    "model": ("Model", "How do two models differ?"),
}


@dataclass(frozen=True, eq=False)
class Compared:
    """Two views, and their tokens slot by slot: the position in each, or core.comparison.NONE."""

    what: str  # a key of KINDS
    one: View
    other: View
    slots_S2: np.ndarray

    @property
    def views(self) -> tuple[View, View]:
        """Both views."""
        return self.one, self.other

    @property
    def two_runs(self) -> bool:
        """Whether the second is another run of a model, and not another place in the same."""
        return self.one.request != self.other.request

    @property
    def slot(self) -> int:
        """The slot of the chosen token."""
        return int(np.flatnonzero(self.slots_S2[:, 0] == self.one.token)[0])

    @property
    def partner(self) -> int | None:
        """The position of the chosen token's partner, if it has one."""
        place = int(self.slots_S2[self.slot, 1])
        return place if place >= 0 else None

    @property
    def changed(self) -> np.ndarray:
        """The slots whose tokens differ, or have no partner, (S,)."""
        one, other = (
            [self.letters(view, i) for i in range(len(view.labels))] for view in self.views
        )
        pairs = self.slots_S2.tolist()
        return np.array([min(a, b) < 0 or one[a] != other[b] for a, b in pairs], dtype=bool)

    def letters(self, view: View, position: int) -> str:
        """A token as it is compared: of two models, without capitals and the space before it."""
        label = view.labels[position]
        return label.lstrip("␣").casefold() if self.what == "model" else label


# --- the second one -------------------------------------------------------------------------------


def compare(view: View) -> Compared:
    """What is compared. Raises GlassError where there is no such run, or nothing in common."""
    what = chosen("compare_what")
    other = SECOND[what](view)
    return Compared(what, view, other, slots_of(view, other))


def other_sentence(view: View) -> View:
    """The same model reads the second sentence."""
    return beside(view, view.request._replace(sentence=chosen("compare_sentence") or ""))


def other_head(view: View) -> View:
    """Another head of the same layer."""
    return replace(view, head=chosen("compare_head") or 0)


def other_layer(view: View) -> View:
    """The same head of another layer."""
    return replace(view, layer=chosen("compare_layer") or 0)


def other_model(view: View) -> View:
    """Another model reads the same sentence."""
    name = chosen("compare_model") or ""
    config, own = model_of(name).config, view.request
    if view.side != view.config.sides[0]:
        raise GlassError(
            "The decoder reads a text of its own. Look at the encoder: it reads the sentence that"
            " both models have in common."
        )
    request = own._replace(model=name, target=own.target if config.crosses else "")
    request = as_it_reads(request)
    layer, head = chosen("compare_layer") or 0, chosen("compare_head") or 0
    found = beside(view, request)
    return replace(found, side=config.sides[0], layer=layer, head=head, block="attn")


SECOND = {
    "sentence": other_sentence,
    "head": other_head,
    "layer": other_layer,
    "model": other_model,
}


def slots_of(one: View, other: View) -> np.ndarray:
    """Which tokens belong together: equal ids, or, of two models, the same characters."""
    if one.request.model == other.request.model:
        ids = [view.trace[f"{view.side}.embed.ids"].tolist() for view in (one, other)]
        return aligned(*ids)
    encodings = [view.encoding for view in (one, other)]
    if any(encoding is None for encoding in encodings):
        raise GlassError("Both models need a tokenizer that Glassformer can read.")
    found = aligned(*map(places_in_text, encodings), replace=False)
    if not (found >= 0).all(axis=1).any():
        raise GlassError("The two models split this sentence into entirely different tokens.")
    return found


# --- settling -------------------------------------------------------------------------------------


def settle_compared(view: View) -> None:
    """Settles what is compared, and closes a number of a second run that is not there."""
    kinds = kinds_of(view)
    if chosen("compare_what") not in kinds:
        if link_asks_for("compare_what"):
            note(f"There is no second {chosen('compare_what')} to compare here.")
        select(compare_what=kinds[0])
    SETTLE[chosen("compare_what")](view)
    try:
        compare(view)
    except GlassError:
        if chosen("compare_reads") == "other":
            select(compare_reads="one")
            close_number()


def kinds_of(view: View) -> list[str]:
    """What can be compared: a model of one head has no second one."""
    config = view.config
    there = {
        "sentence": True,
        "head": config.n_heads > 1,
        "layer": config.layers(view.side) > 1,
        "model": bool(other_models(view)),
    }
    return [what for what, is_there in there.items() if is_there]


def other_models(view: View) -> list[str]:
    """The models on this machine but the one that is looked at."""
    return [name for name in ready_models() if name != view.request.model]


def settle_sentence(view: View) -> None:
    """With every sentence the second one begins anew: the same with one word replaced."""
    if memory().compared_from != view.sentence:
        if memory().compared_from is not None and not link_asks_for("compare_sentence"):
            select(compare_sentence=None, compare_cell="")
        memory().compared_from = view.sentence
    settle("compare_sentence", one_word_replaced(sentence_alone(view.request)))


def settle_head(view: View) -> None:
    """At first the next head."""
    heads = view.config.n_heads
    others = [head for head in range(heads) if head != view.head]
    settle("compare_head", (view.head + 1) % heads, others)


def settle_layer(view: View) -> None:
    """At first the layer before, or after the first."""
    others = [n for n in range(view.config.layers(view.side)) if n != view.layer]
    settle("compare_layer", max(view.layer - 1, 0) if view.layer else 1, others)


def settle_model(view: View) -> None:
    """At first another model that learned from the same sentences, in the same layer and head as
    far as it has them.
    """
    others, own = other_models(view), view.request.model
    alike = [name for name in others if name[:6] == own[:6]]
    settle("compare_model", (alike or others)[0], others)
    config = model_of(chosen("compare_model") or others[0]).config
    layers, heads = config.layers(config.sides[0]), config.n_heads
    settle("compare_layer", min(view.layer, layers - 1), range(layers))
    settle("compare_head", min(view.head, heads - 1), range(heads))


SETTLE = {
    "sentence": settle_sentence,
    "head": settle_head,
    "layer": settle_layer,
    "model": settle_model,
}


def owner(view: View) -> View:
    """The view in which the opened number stands."""
    if not opened_cell() or chosen("compare_reads") == "one":
        return view
    compared = compare(view)
    return compared.other if compared.two_runs else view


# --- words to put in ------------------------------------------------------------------------------


def sentence_alone(request: RunRequest) -> RunRequest:
    """The run of a sentence as the model was trained: by it words are proposed."""
    return request._replace(mask="trained", change="")


@st.cache_data(max_entries=64, show_spinner=False)
def one_word_replaced(request: RunRequest) -> str:
    """The sentence with one word replaced."""
    return word_swaps.one_word_replaced(
        model_of(request.model), trace_of(request), request.sentence, encoding_of(request)
    )


@st.cache_data(max_entries=64, show_spinner=False)
def swaps_at(request: RunRequest, position: int) -> list[tuple[str, str]]:
    """Words for the place of a token, each with the sentence that it makes."""
    text, encoding = request.sentence, encoding_of(request)
    found = word_swaps.swaps(model_of(request.model), trace_of(request), text, encoding, position)
    span = word_swaps.span_at(text, encoding, position)
    return [(other, word_swaps.swapped(text, span, other)) for other in found] if span else []


def choose_sentence(text: str) -> None:
    """Another second sentence; what was opened in the last one closes."""
    select(compare_sentence=text, compare_cell="")
    close_number()


# --- controls -------------------------------------------------------------------------------------


def controls(view: View) -> None:
    """The question, what is other, and the second one, on one line."""
    what = chosen("compare_what")
    left, right = st.columns((7, 13), vertical_alignment="center", gap="small")
    with left:
        heading(KINDS[what][1])
    with right, st.container(key="compare-controls", horizontal=True, gap="small"):
        pick("What differs", "compare_what", kinds_of(view), lambda kind: KINDS[kind][0], 115)
        CONTROLS[what](view)


def pick(title: str, name: str, options: list, words, width: int | str = "stretch") -> None:
    """A list of a few choices."""
    st.selectbox(
        title,
        options,
        key=name,
        format_func=words,
        on_change=begin_anew,
        persist_state="session",
        label_visibility="collapsed",
        width=width,
    )


def begin_anew() -> None:
    """Another second one: what was opened or read in the last belongs to that."""
    select(compare_cell="", compare_part=None)
    close_number()


def sentence_control(view: View) -> None:
    """The second sentence."""
    st.text_input(
        "The second sentence",
        key="compare_sentence",
        max_chars=LONGEST_BOX,
        on_change=begin_anew,
        persist_state="session",
        label_visibility="collapsed",
    )


def head_control(view: View) -> None:
    """The second head."""
    others = [head for head in range(view.config.n_heads) if head != view.head]
    pick("The second head", "compare_head", others, "head {}".format)


def layer_control(view: View) -> None:
    """The second layer."""
    others = [n for n in range(view.config.layers(view.side)) if n != view.layer]
    pick("The second layer", "compare_layer", others, "layer {}".format)


def model_control(view: View) -> None:
    """The second model, and where in it."""
    pick("The second model", "compare_model", other_models(view), title_of, 150)
    config = model_of(chosen("compare_model") or "").config
    layers, heads = list(range(config.layers(config.sides[0]))), list(range(config.n_heads))
    pick("Its layer", "compare_layer", layers, "layer {}".format, 100)
    pick("Its head", "compare_head", heads, "head {}".format, 100)


CONTROLS = {
    "sentence": sentence_control,
    "head": head_control,
    "layer": layer_control,
    "model": model_control,
}


def title_of(name: str) -> str:
    """A model's name as its makers write it."""
    return catalogue.entry_of(name).title
