"""The trail: from the word back through the strongest parts to the words of the sentence, as a
graph above a threshold that the reader drags.
"""

from __future__ import annotations

import re

import numpy as np
import streamlit as st

from core import why
from core.text import counted, number, percent
from core.why.word_ends import empty_tokens
from core.why.word_trail import REST, ROOT
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number
from ui.kit.packed_arrays import base64_of
from ui.kit.section import render_depth
from ui.kit.step_charts import ALL, largest
from ui.kit.theme import COLOURS
from ui.session import sent
from ui.session.selection import chosen
from ui.stages.why.asked import Asked
from ui.text import bold

KEY = "why-trail"
MOST = 90  # nodes that are drawn
LEAST = 0.005  # of the whole: what is less than that is not said
SUBLAYERS = ("attn", "cross", "mlp")
_LAYER = re.compile(r"(encoder|decoder)\.(\d+)\.(attn|cross|mlp)(\..+)?")
_draw = component("why_trail", 'class="root figure" role="group" aria-label="The trail"')


def draw(asked: Asked) -> None:
    """The slider, the graph, and what it explains."""
    st.slider(
        "The least share that a step must give",
        0.02,
        0.5,
        step=0.02,
        key="why_share",
        persist_state="session",
    )
    trail = why.trail(asked.view.trace, *asked.words, asked.row, chosen("why_share"))
    shown = strongest(trail)
    cells = [cell_of(asked, trail.nodes[i]) for i in shown]

    def clicked() -> None:
        at = sent.from_component(KEY, "cell")
        if sent.whole(at, len(cells)) and (cell := cells[at]) is not None:
            open_number(*cell)

    _draw(key=KEY, data=graph(asked, trail, shown, cells), on_cell_change=clicked)
    render_depth(asked.view, text(asked, trail), ("head.logits", (asked.row, asked.word)))
    if len(shown) < len(trail.nodes):
        st.caption(
            f"The {MOST} strongest of {counted(len(trail.nodes), 'node')} are drawn. Raise the"
            " share to see fewer."
        )


def strongest(trail: why.Trail) -> list[int]:
    """The nodes that are drawn: the word, the rest, and those that give most."""
    ends = [0, len(trail.nodes) - 1]
    between = sorted(range(1, ends[1]), key=lambda i: -abs(trail.nodes[i].part))[: MOST - 2]
    return sorted({*ends, *between})


# --- the picture ----------------------------------------------------------------------------------


def graph(asked: Asked, trail: why.Trail, shown: list[int], cells: list) -> dict:
    """The graph as it travels to the browser: nodes by row (token) and column (when they write)."""
    nodes = [trail.nodes[i] for i in shown]
    stages = [stage_of(asked, node) for node in nodes]
    columns = sorted(set(stages))
    tokens = sorted({token_of(asked, node) for node in nodes})
    edges = [e for e in trail.edges if e.giver in shown and e.taker in shown]
    parts = [node.part for node in nodes] + [edge.part for edge in edges]
    return {
        "given": base64_of(np.array(parts, dtype="<f4")),
        "nodes": [
            {
                "name": name_of(asked, node),
                "row": tokens.index(token_of(asked, node)),
                "column": columns.index(stage),
                "role": role_of(node.name),
                "opens": cell is not None,
            }
            for node, stage, cell in zip(nodes, stages, cells, strict=True)
        ],
        "edges": [[shown.index(edge.giver), shown.index(edge.taker)] for edge in edges],
        "tokens": [word_at(asked, place) for place in tokens],
        "total": trail.total,
        "title": f"The trail of {asked.plain_versus()}",
        "colours": COLOURS,
    }


def side_of(asked: Asked, node: why.Node) -> str:
    """The side whose token a node stands at."""
    side = node.name.split(".")[0]
    return side if side in asked.view.config.sides else asked.side


def token_of(asked: Asked, node: why.Node) -> tuple[int, int]:
    """The row of a node: which side, and the position on it."""
    return asked.view.config.sides.index(side_of(asked, node)), node.token


def word_at(asked: Asked, place: tuple[int, int]) -> str:
    """The token of a row; of two sides, which one it is of."""
    side = asked.view.config.sides[place[0]]
    name = asked.view.names_of(side)[place[1]]
    return f"{side}: {name}" if len(asked.view.config.sides) > 1 else name


def stage_of(asked: Asked, node: why.Node) -> tuple[int, int, int]:
    """When a node writes: side, layer, sublayer; the word comes last, and the rest with it."""
    if node.name in (ROOT, REST):
        return 9, 0, 0
    side = asked.view.config.sides.index(side_of(asked, node))
    if found := _LAYER.fullmatch(node.name):
        return side, int(found[2]), SUBLAYERS.index(found[3])
    return (side, -1, 0) if ".embed." in node.name else (8, 0, 0)


def name_of(asked: Asked, node: why.Node) -> str:
    """What stands in a node."""
    if node.name == ROOT:
        return asked.plain_versus()
    if node.name == REST:
        return "the rest"
    return why.in_words(node.name).removeprefix("the ")


def role_of(name: str) -> str:
    """The kind of a node, a key of COLOURS."""
    if name in (ROOT, REST):
        return "head"
    if ".head." in name:
        return "weight"
    if name.endswith(".bias"):
        return "norm"
    return "mlp" if name.endswith(".mlp") else "embed"


def cell_of(asked: Asked, node: why.Node) -> tuple[str, tuple[int, ...]] | None:
    """The number that a node opens: where a head looked most, or the largest number that a network
    or an embedding wrote there; None of what is no single step.
    """
    view, path = asked.view, node.name.rpartition(".head.")[0]
    if node.name == ROOT:
        return "head.logits", (asked.row, asked.word)
    if path:
        head = int(node.name.rpartition(".")[2])
        return f"{path}.pattern", (
            head,
            node.token,
            why.read_most(view.trace, node.name, node.token)[1],
        )
    step = f"{node.name}.out" if node.name.endswith(".mlp") else node.name
    return largest(view, step, node.token, ALL) if step in view.trace.names else None


# --- in words -------------------------------------------------------------------------------------


def text(asked: Asked, trail: why.Trail) -> str:
    """What the graph explains, and which words give most when weaker ways are counted, too."""
    gated = asked.view.config.gated
    how = " The trail ends at networks, whose gates would hide half of it." if gated else ""
    return (
        f"These {counted(len(trail.nodes) - 2, 'part')} give"
        f" **{percent(trail.explained, 0)}** of {asked.versus()}, {number(trail.total, 3)}"
        f"{weaker(trail)} {words(asked)}{how} Attention weights, the scales of norms and the gates"
        " of neurons are held at their values in this run."
    )


def weaker(trail: why.Trail) -> str:
    """What the ways give that are too weak to be drawn."""
    rest = trail.nodes[-1].part
    if trail.explained > 1:
        return f": more than the whole. Weaker ones take {number(abs(rest), 3)} back."
    return f"; weaker ones give the rest, {number(rest, 3)}."


def words(asked: Asked) -> str:
    """Which words give most over all ways, and what comes from no word."""
    ends = why.ends(asked.view.trace, *asked.words, asked.row)
    named = ", ".join(
        f"{bold(asked.view.names_of(side)[token])} {number(part, 3)}"
        for side, token, part in ends.largest(3)
    )
    said = f"With every way counted, however weak, most comes from {named}"
    put = ", or what the experiment put in," if asked.view.request.change else ""
    biases = f"the model’s biases at {bold(asked.name())}{put} add it"
    other = f" {number(ends.frame, 3)} comes from no word: {biases}."
    shown = abs(ends.share(ends.frame)) >= LEAST
    return f"{said}.{other if shown else ''}{rest(asked)}"


def rest(asked: Asked) -> str:
    """Who is credited with what heads take from a token that holds nothing of the sentence."""
    view = asked.view
    places = [i for i, empty in enumerate(empty_tokens(view.trace, view.config.sides[0])) if empty]
    if not places:
        return ""
    names = " and ".join(bold(view.names_of(view.config.sides[0])[i]) for i in places)
    return (
        f" What heads take from {names}, which holds no word, counts for the words that they look"
        " at besides."
    )
