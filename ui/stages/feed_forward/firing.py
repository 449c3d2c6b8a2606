"""On which words one neuron fires: those of the reader's sentence, and those of the example
sentences, which each model reads once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from core.errors import GlassError
from core.models import catalogue
from core.step_ref import sliced_name
from core.text import counted, number
from core.time_limit import check_time
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number
from ui.kit.packed_arrays import packed
from ui.session import runs, sent
from ui.session.selection import EXAMPLES
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.text import bold, label

LINES = 5  # example sentences that are shown, those on which the neuron fires most
MOST_BYTES = 64 << 20  # of all neurons on all examples
FEW = 6  # examples that a model reads that does not come with the app: it takes seconds for each
_draw = component("firing", 'class="root" role="group" aria-label="Words on which a neuron fires"')


# --- this sentence --------------------------------------------------------------------------------


def own_sentence(view: View, neuron: int) -> None:
    """The words of the sentence, shaded by how strongly the neuron fires on each."""
    hidden = view.at("mlp.hidden")
    values_L = view.trace[hidden][:, neuron]
    line = {"title": "", "words": view.names, "own": True}
    _draw(
        key="ff:own",
        on_token_change=partial(_open_token, view, hidden, neuron),
        data=firing_data([line], values_L, fires_title(view, neuron))
        | {"chosen": view.token, "step": sliced_name(hidden, (slice(None), neuron))},
    )


def fires_title(view: View, neuron: int) -> str:
    """What a figure shows, said below it once it is saved."""
    return f"Words on which neuron {neuron} of layer {view.layer} fires"


def firing_data(lines: list[dict], values_N, title: str) -> dict:
    """Sentences and the neuron's number at each of their words, on one scale."""
    finite_N = np.abs(values_N[np.isfinite(values_N)])
    limit = float(finite_N.max(initial=0)) or 1.0
    shown = {"lines": lines, "limit": limit, "chosen": None, "title": title}
    return packed(values_N) | shown


def _open_token(view: View, hidden: str, neuron: int) -> None:
    place = sent.place(sent.from_component("ff:own", "token"), (len(view.labels),))
    if place is not None:
        open_number(hidden, (*place, neuron))


# --- the example sentences ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Example:
    """One sentence as a model read it: its tokens, and all neurons of all layers at each."""

    tokens: tuple[str, ...]
    hidden: dict[tuple[str, int], np.ndarray]  # side and layer -> (L, F)


@dataclass(frozen=True, eq=False)
class Examples:
    """All of them, as they lie on the shelf."""

    read: tuple[Example, ...]

    @property
    def nbytes(self) -> int:
        """The bytes of all neurons."""
        return sum(array.nbytes for each in self.read for array in each.hidden.values())


def example_texts(name: str) -> list[str]:
    """The example sentences that suit a model."""
    embedded = catalogue.entry_of(name).embedded
    kind = name if embedded else "pretrained"
    texts = [each["text"] for each in EXAMPLES if kind in each.get("for", [kind])]
    return texts if embedded else texts[:FEW]


def examples_of(name: str, taught: str = "") -> Examples:
    """The example sentences as this model reads them; it reads them once."""

    def read() -> Examples:
        with st.spinner("Reading the example sentences …"), runs.limited(key):
            return read_examples(name, taught)

    key = "examples", name, taught
    return SHELF.get(key, read)


def read_examples(name: str, taught: str) -> Examples:
    """Runs a model on its example sentences, as far as memory allows."""
    found: list[Example] = []
    model = runs.model_of(name)
    if model.tokenizer is None:
        return Examples(())
    for text in example_texts(name):
        try:
            found.append(read_example(model, text, taught))
        except GlassError:
            check_time()
            continue  # too long for this model
        if Examples(tuple(found)).nbytes > MOST_BYTES:
            break
    return Examples(tuple(found))


def read_example(model, text: str, taught: str) -> Example:
    """One sentence as a model reads it."""
    trace = runs.run_model(model, runs.RunRequest(model.name, text, change=taught)).trace
    side = trace.config.sides[0]
    hidden = {
        (side, layer): np.array(trace[f"{side}.{layer}.mlp.hidden"])
        for layer in range(trace.config.layers(side))
    }
    pieces = [label(model.tokenizer.piece(int(i))) for i in trace[f"{side}.embed.ids"]]
    return Example(tuple(pieces), hidden)


def example_sentences(view: View, neuron: int) -> None:
    """The example sentences on which the neuron fires most, their words shaded."""
    place = view.side, view.layer
    read = [
        each for each in examples_of(view.request.model, view.taught).read if place in each.hidden
    ]
    if not read:
        st.caption("There are no example sentences for this model.")
        return
    values = [each.hidden[place][:, neuron] for each in read]
    order = sorted(range(len(read)), key=lambda n: -np.abs(values[n]).max())[:LINES]
    st.markdown(fires_text(read, values, order[0], neuron))
    lines = [{"title": "", "words": list(read[n].tokens), "own": False} for n in order]
    values_N = np.concatenate([values[n] for n in order])
    data = firing_data(lines, values_N, fires_title(view, neuron))
    _draw(key="ff:examples", data=data)


def fires_text(read: list[Example], values: list[np.ndarray], best: int, neuron: int) -> str:
    """On which word of all examples the neuron fires most."""
    at = int(np.abs(values[best]).argmax())
    count = sum(len(each.tokens) for each in read)
    active = sum(int((values_L != 0).sum()) for values_L in values)
    silent = f" It is 0 on {count - active:,} of their {count:,} tokens." if active < count else ""
    return (
        f"In {counted(len(read), 'example sentence')}, as the trained model reads them, neuron"
        f" {neuron} responds most to {bold(read[best].tokens[at])}"
        f" ({number(values[best][at], 3)}).{silent}"
    )
