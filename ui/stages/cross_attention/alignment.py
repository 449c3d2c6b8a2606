"""Cross-attention: two texts, queries from the one, keys and values from the other, and the
alignment that appears."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import streamlit as st

from core.models import catalogue
from core.steps.output import next_ids
from core.text import counted, percent
from ui.kit.charts import clickable_map
from ui.kit.components import lines
from ui.kit.explanation_panel import open_number
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, section
from ui.kit.step_charts import ALL, blocked_by_mask, capped_map, full_index, largest, opened_at
from ui.kit.stepper import stage_controls
from ui.kit.theme import COLOURS
from ui.kit.token_words import word
from ui.session.actions import close_number, select_token, switch_model
from ui.session.view import View, is_word
from ui.text import bold, plain

TRANSLATORS = ("study-translator", "marian")  # the first that is on this machine is offered
LACKS = {
    "encoder": (
        "only an encoder: it reads a text and writes none, so nothing in it looks across from one"
        " text to another"
    ),
    "decoder": (
        "only a decoder: what it reads and what it writes are one text, so there is no second one"
        " to look at"
    ),
}
WEIGHTS = {"all": "All layers", "layer": "This layer", "head": "This head"}
OVERFLOWED = "In this run the numbers overflowed, they no longer fit into 32 bits"
ROWS = {"writes": "Word that is written", "reads": "Word that is read"}
WEIGHTS_HELP = (
    "All layers: the mean of all heads of the decoder. This layer: the mean of its heads. "
    "Layer and head are chosen in the side bar."
)
ROWS_HELP = (
    "Each position reads one word and then writes the next. It looks at the source for"
    " both: to write a word, and with the word in hand."
)
WORDS_HELP = (
    "Signs such as the end of the text or a full stop often collect attention that has"
    " nowhere better to go."
)


def view_across(view: View) -> View:
    """The same view, on the attention from the decoder to the encoder."""
    return replace(view, block="cross")


# --- a model without it ---------------------------------------------------------------------------


def no_cross_attention(view: View) -> None:
    """What this model lacks, and the way to a model that has it."""
    st.info(
        f"{plain(view.title)} has {LACKS[view.config.sides[0]]}. Cross-attention needs both: an"
        " encoder that reads the source, and a decoder that writes while it looks at what the"
        " encoder has made of it."
    )
    known = [entry.name for entry in catalogue.listed()]
    if there := next(
        (name for name in TRANSLATORS if name in known and catalogue.find(name)), None
    ):
        st.button(
            f"Look at {plain(catalogue.entry_of(there).title)}, which translates",
            key="cross_switch",
            type="primary",
            on_click=switch_model,
            args=(there,),
        )
    else:
        st.caption(
            "No translator is on this machine. Choose a translator at the left under Model: it says"
            " how large it is before it is fetched."
        )


# --- 1. two texts ---------------------------------------------------------------------------------


def two_texts(view: View) -> None:
    """The vectors of both texts, and what is different from self-attention."""
    section(
        view,
        "1. Two texts, each with vectors of its own",
        two_texts_text(view),
        largest(view, "decoder.embed.out", view.token, ALL),
        largest(view, view.at("cross.q"), view.head, view.token, ALL),
        largest(view, view.at("cross.k"), view.key_head, 0, ALL),
        largest(view, view.at("cross.v"), view.key_head, 0, ALL),
    )
    target, source = st.columns(2, gap="large")
    queries = (
        f"a: the target as it reaches cross-attention in layer {view.layer}, a row for each"
        " token: queries"
    )
    keys = "b: the source, out of the encoder, a row for each token: keys and values"
    with target:
        text_map(view, view.at("cross.in"), queries, view.token)
        if detailed():
            text_map(view, "decoder.embed.out", "a: the target’s embeddings", view.token)
    with source:
        text_map(view, "encoder.out", keys)
        if detailed():
            text_map(view, "encoder.embed.out", "b: the source’s embeddings")


def text_map(view: View, name: str, title: str, chosen: int | None = None) -> None:
    """The vectors of one text, a row for each token."""
    capped_map(view, name, ALL, ALL, title=title, chosen=chosen)


def two_texts_text(view: View) -> str:
    """Both texts, and what cross-attention does differently."""
    a, b, last = view.tokens("decoder"), view.tokens("encoder"), view.config.layers("encoder") - 1
    normed = " and a norm" if view.config.final_norm and view.config.norm != "none" else ""
    hidden = "" if view.trace[view.at("cross.mask")].all() else " that the mask leaves open"
    return (
        f"The encoder has read the **source** b: {counted(len(b), 'token')}, from {bold(b[0])} to"
        f" {bold(b[-1])}. The decoder reads the **target** a, what is written:"
        f" {counted(len(a), 'token')}, from {bold(a[0])} to {bold(a[-1])}. Each text has vectors of"
        " its own, and a stack of layers of its own. In **cross-attention** the queries come from"
        " a, the keys and values from b. Otherwise it is the attention that you know, with these"
        f" differences:\n\n- **Two lengths**: the weights are a table of {counted(len(a), 'row')}"
        f" and {counted(len(b), 'column')}, and need not be a square.\n- **No causal mask**: the"
        f" source is there as a whole, so every target word may look at all of it{hidden}.\n-"
        " **Keys and values need to be made only once**: the source does not change while the"
        " target grows, so the same ones serve for every word of it.\n- **From the encoder’s last"
        f" layer**: every layer of the decoder reads what the encoder’s layer {last}{normed} left;"
        " each makes its own keys and values of it."
    )


# --- 3. the five steps ----------------------------------------------------------------------------


def five_steps(view: View, steps) -> None:
    """The steps of attention as on the page Attention."""
    section(
        view,
        f"3. The five steps, across: layer {view.layer}, head {view.head}",
        f"The same five steps as on the page Attention, for {word(view)} (token {view.token} of the"
        f" target): its query meets the keys of the {counted(len(view.tokens('encoder')), 'token')}"
        " of the source. Layer and head are chosen in the side bar, the token above.",
    )
    steps[stage_controls([step.title for step in steps])].draw(view_across(view))


# --- 4. the alignment -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Alignment:
    """The weights that are shown, (L, M), a slice of a step; the words that the rows stand for; and
    the source word that each looks at most.
    """

    name: str
    index: tuple
    weights_LM: np.ndarray
    rows: list[str]
    best_L: np.ndarray


def alignment(view: View) -> None:
    """Target against source as a map and as lines."""
    heading = st.container()
    shown = aligned(view, *alignment_controls(view))
    with heading:
        section(
            view,
            "4. Who comes from whom: the alignment",
            "A translator learns from pairs of sentences; nobody tells it which word translates"
            " which. Where it looks while it writes gives a hint. A row is a word of the target, a"
            f" column one of the source. {alignment_text(view, shown)} It is a reading, not a fact:"
            " a model may find a word by way of its neighbours, and not every head aligns.",
            (shown.name, full_index(shown.index, (view.token, int(shown.best_L[view.token])))),
        )
    weights, linked = st.columns(2, gap="large")
    with weights:
        alignment_map(view, shown)
    with linked:
        alignment_lines(view, shown)


def alignment_text(view: View, shown: Alignment) -> str:
    """The source word that the chosen target word looks at most."""
    row, best = view.token, int(shown.best_L[view.token])
    weight, source = shown.weights_LM[row, best], view.tokens("encoder")
    if not np.isfinite(weight):
        return f"{OVERFLOWED}: it shows none."
    of_the_words = "" if shown.weights_LM[row].argmax() == best else "(signs not counted) "
    return (
        f"{bold(shown.rows[row])} looks {of_the_words}most at {bold(source[best])},"
        f" {percent(weight, 0)}.{crossing_text(view, shown)}"
    )


def alignment_lines(view: View, shown: Alignment) -> None:
    """A line from each target word to the source word that it looks at most."""
    st.markdown("**The source word that each target word looks at most**")
    lines(
        shown.weights_LM,
        shown.rows,
        view.tokens("encoder"),
        key="cross_lines",
        chosen=view.token,
        ends=("target", "source"),
        only_L=shown.best_L,
        on_token=select_token,
    )
    st.caption(
        "The stronger the line, the larger its weight. Rest on a word to read all its weights;"
        " click one on the left to choose it."
    )


def alignment_controls(view: View) -> tuple[str, str, bool]:
    """Whose weights are shown, what the rows are called, and whether signs of the source count."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    whose = row.segmented_control(
        "Weights of",
        list(WEIGHTS),
        key="cross_weights",
        required=True,
        format_func=WEIGHTS.get,
        on_change=close_number,
        persist_state="session",
        help=WEIGHTS_HELP,
    )
    read = row.segmented_control(
        "A row stands for the",
        list(ROWS),
        key="cross_rows",
        required=True,
        format_func=ROWS.get,
        persist_state="session",
        help=ROWS_HELP,
    )
    signs = [token for token in view.tokens("encoder") if not is_word(token)]
    words = row.toggle(
        "Lines to words only",
        key="cross_words",
        disabled=not 0 < len(signs) < len(view.tokens("encoder")),
        persist_state="session",
        help=WORDS_HELP,
    )
    return whose, read, words


def aligned(view: View, whose: str, read: str, words: bool) -> Alignment:
    """The weights that were asked for."""
    name, index = {
        "head": (view.at("cross.pattern"), (view.head, ALL, ALL)),
        "layer": (view.at("cross.pattern.mean"), (ALL, ALL)),
        "all": ("decoder.cross.pattern.mean", (ALL, ALL)),
    }[whose]
    weights_LM, target = view.trace[name][index], view.tokens("decoder")
    counted_M = np.array([is_word(token) for token in view.tokens("encoder")])
    counted_M = counted_M if words and counted_M.any() else np.ones_like(counted_M)
    rows = target if read == "reads" else [*target[1:], view.word(next_ids(view.trace)[-1])]
    return Alignment(
        name,
        index,
        weights_LM,
        rows,
        np.where(counted_M, np.nan_to_num(weights_LM), -1).argmax(axis=1),
    )


def alignment_map(view: View, shown: Alignment) -> None:
    """The weights as a map; a cell opens."""
    whose = {
        "pattern": f"head {view.head} of layer {view.layer}",
        "mean": f"mean of the heads of layer {view.layer}",
    }
    title = (
        "mean of all layers"
        if shown.name.startswith("decoder.cross")
        else whose[shown.name.rsplit(".", 1)[1]]
    )
    clickable_map(
        f"cross_map:{shown.name}:{shown.index}",
        HeatmapSpec(
            shown.weights_LM,
            shown.rows,
            view.tokens("encoder"),
            kind="weight",
            title=f"Attention of each target word to the source: {title}",
            rows_title="target",
            columns_title="source",
            colour=COLOURS["weight"],
            chosen=(view.token, int(shown.best_L[view.token])),
            opened=opened_at(shown.name, shown.index),
            blocked_RC=blocked_by_mask(view, shown.name, shown.index),
        ),
        lambda r, c: open_number(shown.name, full_index(shown.index, (r, c))),
    )


def crossing_text(view: View, shown: Alignment) -> str:
    """Two words in a row that look at the source in the opposite order, such as an adjective and
    its noun.
    """
    source, best_L = view.tokens("encoder"), shown.best_L
    for l, (m, next_m) in enumerate(pairwise(best_L)):
        if m == next_m + 1 and is_word(shown.rows[l]) and is_word(shown.rows[l + 1]):
            return (
                f" Lines cross where the order is another: {bold(shown.rows[l])}"
                f" {bold(shown.rows[l + 1])} against {bold(source[next_m])} {bold(source[m])}."
            )
    return ""
