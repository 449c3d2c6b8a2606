"""Two texts, queries from the one, keys and values from the other; and what all heads look at."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import streamlit as st

from core.text import counted, percent
from ui.kit.charts import clickable_map
from ui.kit.components import lines
from ui.kit.explanation_panel import open_number
from ui.kit.heatmap import HeatmapSpec
from ui.kit.section import detailed, render_depth
from ui.kit.step_charts import ALL, blocked_by_mask, capped_map, full_index, largest, opened_at
from ui.kit.theme import COLOURS
from ui.session.actions import close_number
from ui.session.view import View, is_word
from ui.stages.cross_attention.words import read_words, source_words, written_words
from ui.text import bold

WEIGHTS = {"all": "All layers", "layer": "This layer", "head": "This head"}
OVERFLOWED = "In this run the numbers overflowed: they no longer fit into 32 bits"
ROWS = {"writes": "Word that is written", "reads": "Word that is read"}
WEIGHTS_HELP = (
    "All layers: the mean of all heads of the decoder. This layer: the mean of its heads. "
    "Layer and head are chosen above."
)
ONLY_A_HINT = (
    "Nobody told the model which word translates which; where it looks is a hint, not a proof."
)
ROWS_HELP = "Each position reads one word of the target and then writes the next."
WORDS_HELP = "Special tokens and full stops often collect attention that has nowhere better to go."


# --- two texts ------------------------------------------------------------------------------------


def two_texts(view: View) -> None:
    """What is different from self-attention, and the vectors of both texts."""
    render_depth(
        view,
        two_texts_text(view),
        largest(view, "decoder.embed.out", view.token, ALL),
        largest(view, view.at("cross.q"), view.head, view.token, ALL),
        largest(view, view.at("cross.k"), view.key_head, 0, ALL),
        largest(view, view.at("cross.v"), view.key_head, 0, ALL),
    )
    queries = f"a: the target as it reaches cross-attention in layer {view.layer}: queries"
    keys = "b: the source after the encoder’s last layer: keys and values"
    text_map(view, view.at("cross.in"), queries, view.token)
    text_map(view, "encoder.out", keys)
    if detailed():
        text_map(view, "decoder.embed.out", "a: the target’s embeddings", view.token)
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
        f"The encoder has read the **source** b: {counted(len(b), 'token')}. The decoder reads"
        f" the **target** a: {counted(len(a), 'token')}. In **cross-attention** queries come from"
        " a, keys and values from b. The rest is the attention that you know, but:\n\n- **Two"
        f" lengths**: the weights have {counted(len(a), 'row')} and"
        f" {counted(len(b), 'column')}.\n- **No causal mask**: every target word may look at the"
        f" whole source{hidden}.\n- **Keys and values are made once**: the source stays the same"
        " while the target grows.\n- **From the encoder’s last layer**: every decoder layer"
        f" reads what layer {last}{normed} left, and makes its own keys and values from it."
    )


# --- the alignment --------------------------------------------------------------------------------


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
    """Target against source as a map and as lines: of all layers, of one, or of one head."""
    shown = aligned(view, *alignment_controls(view))
    best = (view.token, int(shown.best_L[view.token]))
    cell = shown.name, full_index(shown.index, best)
    render_depth(view, f"{alignment_text(view, shown)} {ONLY_A_HINT}", cell)
    alignment_map(view, shown)
    alignment_lines(view, shown)


def alignment_text(view: View, shown: Alignment) -> str:
    """The source word that the chosen target word looks at most."""
    row, best = view.token, int(shown.best_L[view.token])
    weight, source = shown.weights_LM[row, best], source_words(view)
    if not np.isfinite(weight):
        return f"{OVERFLOWED}."
    most_of = "" if shown.weights_LM[row].argmax() == best else " of the words"
    return (
        f"{bold(shown.rows[row])} looks most at {bold(source[best])}{most_of},"
        f" {percent(weight, 0)}.{crossing_text(view, shown)}"
    )


def alignment_lines(view: View, shown: Alignment) -> None:
    """A line from each target word to the source word that it looks at most."""
    st.markdown("**The source word that each target word looks at most**")
    lines(
        shown.weights_LM,
        shown.rows,
        source_words(view),
        key="cross_lines",
        chosen=view.token,
        ends=("target", "source"),
        only_L=shown.best_L,
    )
    st.caption(
        "The stronger the line, the larger its weight. Point at a word to read all its weights."
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
    weights_LM = view.trace[name][index]
    counted_M = np.array([is_word(token) for token in view.tokens("encoder")])
    counted_M = counted_M if words and counted_M.any() else np.ones_like(counted_M)
    rows = read_words(view) if read == "reads" else written_words(view)
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
            source_words(view),
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
    source, best_L = source_words(view), shown.best_L
    for l, (m, next_m) in enumerate(pairwise(best_L)):
        if m == next_m + 1 and is_word(shown.rows[l]) and is_word(shown.rows[l + 1]):
            return (
                f" Lines cross where the word order differs: {bold(shown.rows[l])}"
                f" {bold(shown.rows[l + 1])} against {bold(source[next_m])} {bold(source[m])}."
            )
    return ""
