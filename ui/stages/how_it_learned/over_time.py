"""The card in which a model is seen as it was during its training: the curves of what was measured
then, a slider over the snapshots, and for each of them what it writes after the reader's words, its
next words, and where the head looks that decides between “are” and “is”.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np
import streamlit as st

from core import whatif
from core.decoding import rules_of
from core.decoding.greedy import greedy
from core.errors import GlassError
from core.models.over_time import Measures, measures
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.packed_arrays import packed
from ui.kit.terms import with_terms
from ui.kit.theme import COLOURS
from ui.session import sent
from ui.session.actions import change_run, show_alone
from ui.session.runs import RunRequest, limited, model_in, model_of, trace_of
from ui.session.selection import chosen, select
from ui.session.shelf import SHELF
from ui.session.view import View
from ui.stages.how_it_learned import milestones
from ui.stages.how_it_learned.matrix_then import matrix
from ui.stages.how_it_learned.stops import THEN, Stop, head_shown, name_of, stop_shown, stops
from ui.text import label, labelled, plain

KEY = "over-time"
WORDS = 6  # of the next ones that are listed
WRITTEN = 10  # tokens that are written on
USE = "Look at this model on all pages"
_draw = component("over_time", 'class="root figure" role="group" aria-label="During training"')


@dataclass(frozen=True)
class Written:
    """What a model writes after a text, and whether it came to an end."""

    text: str
    ended: bool

    @property
    def nbytes(self) -> int:
        """The bytes of the text."""
        return 4 * len(self.text)


# --- what the models of then make of the text -----------------------------------------------------


def written_by(request: RunRequest) -> Written:
    """What the model of a run writes after its text, always taking the likeliest token."""

    def write() -> Written:
        model, ids_L = model_in(request), trace_of(request)["decoder.embed.ids"]
        most = min(len(ids_L) + WRITTEN, model.config.n_positions or len(ids_L) + WRITTEN)
        made = greedy(model.config, model.weights, ids_L, most, rules_of(model))
        with limited(("written", request)):
            ids = list(islice(made, WRITTEN))
        return Written(model.tokenizer.decode(ids), len(ids_L) + len(ids) < most)

    return SHELF.get(("written", request), write, holds=("model", request.model))


def likeliest(request: RunRequest) -> list[int]:
    """The likeliest next words after the text, by their ids."""
    return np.argsort(-trace_of(request)["head.probs"][-1], kind="stable")[:WORDS].tolist()


# --- the card -------------------------------------------------------------------------------------


def draw(view: View, read: View) -> None:
    """The card. read: the run that all pages show."""
    try:
        found, known = stops(view), measures(model_of(view.request.model))
        if len(found) == 1:
            st.info(
                f"No snapshots from the training of {plain(view.title)} are here. The model"
                " study-decoder comes with them."
            )
            return
        at = stop_shown(read, found)
        ids_PW = [likeliest(stop.request) for stop in found]
        st.markdown(with_terms(milestones.words(known, own_words(view, found, ids_PW))))
        picture(view, found, known, at, ids_PW)
    except GlassError as error:
        st.info(plain(error))
        return
    use_button(read, found[at])
    if known:
        st.caption(with_terms(milestones.how_measured(known)))
    matrix(view, found, known, at)


def own_words(view: View, found: list[Stop], ids_PW: list) -> str:
    """Since when the likeliest word after the text is so."""
    steps = [stop.step for stop in found if stop.step is not None]
    return milestones.own_words(steps, [view.word(ids[0]) for ids in ids_PW])


def picture(view: View, found: list[Stop], known: Measures | None, at: int, ids_PW: list) -> None:
    """The curves, the slider, and what the model of then makes of the text."""
    head = head_shown(view, known)
    _draw(
        key=KEY,
        data=data_of(view, found, known, head, ids_PW) | {"chosen": at},
        on_stop_change=lambda: follow_stop(found),
        on_cell_change=lambda: follow_cell(view, found, head),
        on_guess_change=lambda: follow_guess(view, found, ids_PW),
    )


def data_of(
    view: View, found: list[Stop], known: Measures | None, head: tuple[int, int], ids_PW: list
) -> dict:
    """The picture as it travels to the browser: all stops, so that the slider answers at once."""
    (layer, h), best = head, ids_PW[-1][0]
    traces = [trace_of(stop.request) for stop in found]
    steps = [stop.step for stop in found[:-1]] + [known.steps_S[-1] if known else None]
    share_P = [float(t["head.probs"][-1, best]) for t in traces]
    patterns_PLM = np.stack([t[f"decoder.{layer}.attn.pattern"][h] for t in traces])
    written = [written_by(stop.request) for stop in found]
    return packed(patterns_PLM) | {
        "title": f"{view.title}, step after step of training",
        "step": f"decoder.{layer}.attn.pattern[{h}]",
        "steps": steps,
        "names": [name_of(stop, known) for stop in found],
        "curves": milestones.curves(known, view.word(best), steps, share_P) if known else None,
        "reads": view.sentence,
        "writes": [label_text(each) for each in written],
        "guesses": [[labelled(view.word(i)) for i in ids] for ids in ids_PW],
        "followed": labelled(view.word(best)),
        "shares": [
            [float(t["head.probs"][-1, i]) for i in ids]
            for t, ids in zip(traces, ids_PW, strict=True)
        ],
        "columns": list(view.names),
        "mapTitle": f"Layer {layer}, head {h}: where each word looks",
        "mapSays": milestones.head_words(known) if known else "",
        "colours": {"map": COLOURS["weight"], "guess": COLOURS["head"]},
        "opened": opened_of(view, head, ids_PW),
    }


def label_text(written: Written) -> str:
    """What was written, each letter of it seen; where it went on, “…” says so."""
    text = " ".join(label(word) for word in written.text.split())
    return text if written.ended else f"{text} …"


def opened_of(view: View, head: tuple[int, int], ids_PW: list) -> dict | None:
    """Which number of the picture is open, at whichever stop."""
    if chosen("learn_reads") != THEN:
        return None
    cell = opened_in(f"decoder.{head[0]}.attn.pattern")
    if cell and cell[0] == head[1]:
        return {"cell": list(cell[1:])}
    word = opened_in("head.probs")
    if word and word[0] == len(view.labels) - 1:
        return {"words": [ids.index(word[1]) if word[1] in ids else None for ids in ids_PW]}
    return None


# --- clicks ---------------------------------------------------------------------------------------


def choose_stop(found: list[Stop], at: int) -> None:
    """Another stop of the slider; the one at its end by a number that no snapshot has."""
    step = found[at].step
    select(learn_stop=-1 if step is None else step)


def follow_stop(found: list[Stop]) -> None:
    """The slider was moved."""
    if sent.whole(at := sent.from_component(KEY, "stop"), len(found)):
        choose_stop(found, at)


def follow_cell(view: View, found: list[Stop], head: tuple[int, int]) -> None:
    """A cell of the map was clicked, at some stop: its weight opens."""
    size = len(view.labels)
    if place := sent.place(sent.from_component(KEY, "cell"), (len(found), size, size)):
        choose_stop(found, place[0])
        select(learn_reads=THEN)
        open_number(f"decoder.{head[0]}.attn.pattern", (head[1], *place[1:]))


def follow_guess(view: View, found: list[Stop], ids_PW: list) -> None:
    """The share of a next word was clicked, at some stop: it opens."""
    if place := sent.place(sent.from_component(KEY, "guess"), (len(found), WORDS)):
        choose_stop(found, place[0])
        select(learn_reads=THEN)
        open_number("head.probs", (len(view.labels) - 1, ids_PW[place[0]][place[1]]))


# --- on all pages ---------------------------------------------------------------------------------


def use_button(read: View, stop: Stop) -> None:
    """Shows the model of then on all pages, or the trained one again."""
    now = [part for part in read.request.change.split("+") if part.startswith("trained:")]
    if stop.part in now:
        st.caption("All pages show this model.")
    if stop.part in now or now and not stop.part:
        words, change = "Undo: the model as it was trained", without_training(read)
        st.button(words, key="learn_as_is", on_click=show, args=(read, change))
    elif stop.part:
        change = whatif.also(without_training(read), stop.part)
        st.button(
            USE,
            key="learn_then",
            type="primary",
            on_click=use,
            args=(read, change),
            help="A what-if, which holds for other texts too. A link to it holds the step.",
        )


def without_training(read: View) -> str:
    """The what-if of a run, with the weights of the model as it is."""
    return whatif.without(read.request.change, *whatif.OTHER_WEIGHTS)


def use(read: View, change: str) -> None:
    """All pages show the model of then."""
    change_run(read.request, read.request._replace(change=change))


def show(read: View, change: str) -> None:
    """All pages show the model as it is."""
    show_alone(read.request._replace(change=change))
