"""Which place carries the difference between two texts: a second text, what is put in from it, and
the map of what that does to the guess.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from core.errors import GlassError
from core.models import catalogue
from core.patches import Patch, written_patch
from core.text import moves, number
from ui.kit.charts import clickable_map
from ui.kit.components import table
from ui.kit.heatmap import HeatmapSpec
from ui.kit.theme import COLOURS
from ui.kit.token_words import bold_apart
from ui.session.actions import change_run, close_number, with_part
from ui.session.memory import memory
from ui.session.rationing import at_its_turn
from ui.session.runs import trace_of
from ui.session.selection import LONGEST_BOX, chosen, select
from ui.session.settling import settle
from ui.session.view import View
from ui.stages.laboratory.patches import (
    Asked,
    Patches,
    other_request,
    patches_of,
    proposals,
    step_at,
    traces_of,
    work,
)
from ui.stages.laboratory.runs import Runs, guess_row, open_of
from ui.text import bold, plain

SLICE, PAUSE = 0.4, 0.3  # seconds of work at a time, and between two of them
ALIKE = 0.9  # of the largest change at a token: what a map shows in the same colour
DIMENSIONS = 6  # of a vector in the table
PARTS = {
    "stream": "the vector that enters the layer",
    "attn": "what the attention adds",
    "cross": "what the attention across adds",
    "mlp": "what the feed-forward adds",
    "head": "what the chosen head gathers",
}


# --- choices --------------------------------------------------------------------------------------


def controls(view: View) -> None:
    """The second text, words to begin with, and what is put in."""
    found = proposals(view.request)
    settle("lab_text", found[0] if found else view.sentence)
    st.text_input(
        "A second text of the same length",
        key="lab_text",
        max_chars=LONGEST_BOX,
        on_change=leave_cell,
        persist_state="session",
    )
    with st.container(key="lab-proposals", horizontal=True, gap="small"):
        for n, text in enumerate(found):
            st.button(
                plain(word_in(view.sentence, text)),
                key=f"lab_propose_{n}",
                on_click=propose,
                args=(text,),
                help=plain(text),
            )
    absent = () if view.config.crosses and view.side == "decoder" else ("cross",)
    options = [part for part in PARTS if part not in absent]
    settle("lab_patch", "stream", options)
    st.selectbox(
        "What is put in from it",
        options,
        key="lab_patch",
        format_func=lambda part: PARTS[part],
        on_change=leave_cell,
        persist_state="session",
        width=330,
    )


def word_in(text: str, other: str) -> str:
    """The word that is replaced, and by what: "books → book"."""
    pairs = [pair for pair in zip(text.split(), other.split(), strict=False) if pair[0] != pair[1]]
    return " → ".join(pairs[0]) if len(pairs) == 1 else other


def propose(text: str) -> None:
    """Takes another second text."""
    select(lab_text=text)
    leave_cell()


def leave_cell() -> None:
    """What was looked at in the last map belongs to that."""
    select(lab_cell="")
    close_number()


def asked_of(view: View) -> Asked:
    """The map that the choices ask for."""
    what = chosen("lab_patch")
    what = f"head:{view.head}" if what == "head" else what
    row = int(view.trace.rows[guess_row(view) or 0])
    return Asked(view.request, chosen("lab_text") or "", view.side, what, row)


# --- on the page ----------------------------------------------------------------------------------


def is_small(view: View) -> bool:
    """Whether the whole map takes no time that anybody notices."""
    name = view.request.model
    return name in catalogue.CATALOGUE and catalogue.entry_of(name).embedded


def draw(both: Runs) -> None:
    """The card."""
    view = both.before
    if not view.config.head:
        st.info("This model guesses no words, so there is nothing by which a patch can be judged.")
        return
    controls(view)
    if both.changed:
        st.caption("Both texts are read by the model as it was trained, without your changes.")
    try:
        asked = asked_of(view)
        found = patches_of(asked)
    except GlassError as error:
        st.info(plain(error))
        return
    running = bool(found.left) and (is_small(view) or memory().computing == (asked,))
    if running and is_small(view):
        work(asked, found, None)
        running = False
    if running:
        st.fragment(shown, run_every=PAUSE)(both, asked, drawn_with())
    else:
        shown(both, asked)


def drawn_with() -> tuple:
    """What the page around a map that is growing is drawn with."""
    return memory().computing, chosen("cell"), chosen("change")


def shown(both: Runs, asked: Asked, around: tuple | None = None) -> None:
    """The map, which goes on growing while it is computed; the page can be used meanwhile. around:
    what the page was drawn with, where the map is drawn alone.
    """
    view, found = both.before, patches_of(asked)
    if around not in (None, drawn_with()):
        st.rerun()
    if found.left and memory().computing == (asked,):
        wrong = at_its_turn(partial(work, asked, found, SLICE))
        if wrong:
            stopped(wrong)
        elif not found.left:
            memory().computing = None
            st.rerun()
    if found.left:
        progress(asked, found)
    if found.done_NP.any():
        st.markdown(sentence(view, asked, found))
        draw_map(view, asked, found)
        chosen_cell(both, asked, found)


def progress(asked: Asked, found: Patches) -> None:
    """How much is done, and a button that goes on or stops."""
    running, config = memory().computing == (asked,), trace_of(asked.request).config
    share, count = found.share_done(config, asked.side), found.done_NP.size
    if running or share:
        st.progress(share, text=f"{int(found.done_NP.sum()):,} of {count:,} runs")
    label = "Stop" if running else "Go on" if share else f"Compute the map: {count:,} runs"
    st.button(label, key="lab_patching", on_click=go_on, args=(None if running else asked,))


def stopped(why: str) -> None:
    """Nothing more is computed until the reader asks for it."""
    memory().computing = None
    st.warning(plain(why))


def go_on(asked: Asked | None) -> None:
    """Begins to compute a map, or stops."""
    memory().computing = asked and (asked,)


def measure_words(view: View, found: Patches) -> str:
    """What is measured, in words."""
    word = bold(view.word(found.word))
    if found.rival is None:
        return f"the logit of {word}"
    return f"the lead of {word} over {bold(view.word(found.rival))}"


def sentence(view: View, asked: Asked, found: Patches) -> str:
    """The place that counts most."""
    layer, place = np.unravel_index(
        int(np.nanargmax(np.abs(found.changes_NP))), found.changes_NP.shape
    )
    change = float(found.changes_NP[layer, place])
    if change == 0:
        return "No place carries a difference: every patch leaves the guess as it was."
    now, alike = found.before + change, layers_alike(found.drawn[:, place])
    where, there = f" in layer {layer}", ""
    if len(alike) > 1:
        where, there = f", in {layers_named(alike, len(found.drawn))}", f" in layer {layer}"
    return (
        f"Most is carried by {bold_apart(view.labels, int(place))}{where}: with what the"
        f" second text has there{there}, {measure_words(view, found)} in logits"
        f" {moves(number(found.before, 3), number(now, 3))}. **Click a cell** to see both runs’"
        " numbers."
    )


def layers_alike(changes_N) -> list[int]:
    """The layers in which a token carries as much as in the one where it carries most, nearly."""
    most = changes_N[int(np.nanargmax(np.abs(changes_N)))]
    return np.flatnonzero(changes_N / most >= ALIKE).tolist()


def layers_named(layers: list[int], of: int) -> str:
    """Several layers in words: "every layer", "layers 0 to 3", "layers 0 and 2"."""
    if len(layers) == of:
        return "every layer"
    first, last = layers[0], layers[-1]
    if len(layers) > 2 and layers == list(range(first, last + 1)):
        return f"layers {first} to {last}"
    return f"layers {', '.join(map(str, layers[:-1]))} and {last}"


def draw_map(view: View, asked: Asked, found: Patches) -> None:
    """Layers × positions, blue where the patch raises the outcome, red where it lowers it."""
    rows = [str(n) for n in range(len(found.changes_NP))]
    kind, _, head = asked.what.partition(":")
    part = f"what head {head} gathers" if head else PARTS[kind]
    clickable_map(
        "lab:patch",
        HeatmapSpec(
            found.drawn,
            rows,
            view.names,
            title=f"Change in logits when {part} is put in",
            rows_title="layer",
            columns_title="token",
            chosen=cell_in(found),
            colour=COLOURS["residual"],
        ),
        choose_cell,
    )


def cell_in(found: Patches) -> tuple[int, int] | None:
    """The cell that is looked at, where the map has it."""
    if not chosen("lab_cell"):
        return None
    layer, place = map(int, chosen("lab_cell").split("-"))
    inside = layer < found.changes_NP.shape[0] and place < found.changes_NP.shape[1]
    return (layer, place) if inside else None


def choose_cell(layer: int, place: int) -> None:
    """Looks at a cell."""
    select(lab_cell=f"{layer}-{place}")
    close_number()


def chosen_cell(both: Runs, asked: Asked, found: Patches) -> None:
    """The numbers of both runs at the chosen cell in which they differ most; each opens."""
    view = both.before
    cell = cell_in(found)
    if cell is None or not found.done_NP[cell]:
        return
    layer, place = cell
    name, index = step_at(asked, layer, place)
    _, clean, giver = traces_of(asked)
    one_D, other_D = (trace[name][index] for trace in (clean, giver))
    change_D = np.abs(other_D.astype(np.float64) - one_D)
    order = np.argsort(-change_D, kind="stable")[:DIMENSIONS].tolist()
    now = found.before + float(found.changes_NP[cell])
    st.markdown(
        f"Layer {layer}, {bold_apart(view.labels, place)}: {measure_words(view, found)}"
        f" {moves(number(found.before, 4), number(now, 4))}. Where both vectors differ most:"
    )
    columns = {"this text": one_D[order]}
    columns |= {"second text": other_D[order]} if other_request(view.request, asked.other) else {}
    table(
        columns,
        [f"dimension {d}" for d in order],
        key="lab:cell",
        on_cell=lambda row, column: open_of((0, 2)[column], name, (*index, order[row])),
        title=f"{name} of both runs",
        corner="",
    )
    keep_button(both, asked, layer, place)


# --- keeping a patch ------------------------------------------------------------------------------


def keep_button(both: Runs, asked: Asked, layer: int, place: int) -> None:
    """Makes a patch one of the changes of the model, which all pages show."""
    part = written_patch(Patch(asked.side, layer, asked.what, place, asked.other))
    if part in both.after.request.change.split("+"):
        st.caption("This patch is one of your changes: all pages show that run.")
        return
    st.button(
        "Keep this patch",
        key="lab_keep",
        on_click=keep,
        args=(both.after, part),
        help="It joins your changes, and all pages show the run with it.",
    )


def keep(view: View, part: str) -> None:
    """Shows the run with one patch more, or says why there is none."""
    after = view.request._replace(change=with_part(view.request.change, part))
    change_run(view.request, after)
