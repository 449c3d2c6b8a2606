"""How a model knows where a word stands: the question of the page Positions and its figure, and
the vector for each position or the bias for each distance that a model adds.
"""

from __future__ import annotations

import numpy as np

from core.ops import alibi_slopes
from core.planes import principal_plane
from core.steps.positions import pairs_by_distance
from core.text import counted, number
from core.vectors import lengths
from ui.kit import plotly_figures
from ui.kit.charts import show
from ui.kit.explanation_panel import open_number
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.section import render_depth
from ui.kit.stage import heading
from ui.kit.step_charts import ALL, cell_map, largest, rows_around, rows_map, stacked
from ui.kit.theme import COLOURS
from ui.kit.token_words import titled_word, token_label, which_word
from ui.kit.vector_rows import VectorRow, vector_rows
from ui.session.selection import depth
from ui.session.view import View
from ui.stages.positions.clocks import clocks, count_pairs, nearest_hand, turn_rate
from ui.stages.positions.curve import curve
from ui.text import bold, quoted

# The colour of each vector that is added up, and of their sum
KINDS = {"token": "embed", "position": "position", "segment": "embed", "x": "residual"}


# --- the question and its figure ------------------------------------------------------------------


def positions(view: View) -> tuple[str, tuple[int, ...]]:
    """The question, and how this model answers it. Returns the cell that is explained first."""
    ways = {
        "learned": added_vectors,
        "sinusoid": added_vectors,
        "rotary": turned_hands,
        "still": still_hands,
        "relative": added_biases,
        "alibi": sloping_biases,
        "none": no_positions,
    }
    token = bold(view.labels[view.token])
    heading(f"What tells the model that {token} is at position {view.token}?", quiz(view))
    return ways[way_of(view)](view)


def way_of(view: View) -> str:
    """How this layer learns positions: as config.positions says; "still" where all but some layers
    turn queries and keys and this one does not.
    """
    way = view.config.positions
    return "still" if way == "rotary" and not count_pairs(view) else way


def quiz(view: View) -> Quiz | None:
    """What may be guessed of the figure, whichever it is."""
    asked = {
        "learned": longer_vector,
        "sinusoid": longer_vector,
        "rotary": nearest_hand,
        "relative": favoured,
    }
    ask = asked.get(way_of(view))
    return ask and ask(view)


def longer_vector(view: View) -> Quiz | None:
    """Whether the word's vector or the position's is longer."""
    path = f"{view.side}.embed"
    sizes = [view.trace[f"{path}.{name}.length"][view.token] for name in ("token", "position")]
    found = quiz_of_most(view, ["the word’s", "the position’s"], sizes)
    return found and found.asks("Which vector is longer?")


def added_vectors(view: View) -> tuple[str, tuple[int, ...]]:
    """The word's vector + the position's = x."""
    path, t = f"{view.side}.embed", view.token
    first = largest(view, f"{path}.sum", t, ALL)
    rows = [
        VectorRow(f"{path}.token", token_label(view), "the word’s vector", kind="embed"),
        VectorRow(f"{path}.position", f"position {t}", "whatever word it is", "+", "position"),
    ]
    if f"{path}.segment" in view.trace:
        rows.append(VectorRow(f"{path}.segment", "first sentence", "segment 0", "+", "embed"))
    rows.append(VectorRow(f"{path}.sum", "x", "into the model", "=", "residual", over=True))
    vector_rows(view, rows, key="places-added")
    render_depth(view, added_text(view), first, largest(view, f"{path}.position", t, ALL))
    return first


def added_text(view: View) -> str:
    """What is added, and what it is for."""
    found = (
        "Training found the position’s vector."
        if view.config.positions == "learned"
        else "The position’s vector is fixed: sine and cosine waves."
    )
    return (
        "Attention alone does not see word order. So the vectors of word and position are"
        f" **added**, number by number. The same word at another position starts as a different"
        f" vector. {found}"
    )


def turned_hands(view: View) -> tuple[str, tuple[int, ...]]:
    """The angles by which queries and keys are turned."""
    q = view.at("attn.q")
    first = largest(view, q, view.head, view.token, ALL)
    clocks(view)
    render_depth(view, turned_text(view), first)
    if depth() == "numbers":
        both = {"before": (f"{q}.unrotated", (view.head, view.token, ALL))}
        rows = both | {"turned": (q, (view.head, view.token, ALL))}
        title = f"The query of {titled_word(view)} in head {view.head}, before and after"
        stacked(view, "query", rows, title=title, columns_title="dimension of the head")
    return first


def turned_text(view: View) -> str:
    """What is turned, how far, and why only distance counts."""
    degrees = number(np.rad2deg(turn_rate(view, 0)), 2)
    turned, width = 2 * count_pairs(view), view.config.d_head
    queries = "its queries and keys as pairs of numbers"
    if turned < width:
        queries = f"{turned} of {width} numbers of its queries and keys as pairs"
    return (
        f"Nothing is added to the words. Each head takes {queries} and **turns** each pair by"
        f" position × angle, pair 0 by {degrees}° per position. Positions then affect a score only"
        " through the distance between two tokens."
    )


def still_hands(view: View) -> tuple[str, tuple[int, ...]]:
    """A layer that turns nothing, of a model in which others do."""
    q = view.at("attn.q")
    first = largest(view, q, view.head, view.token, ALL)
    turning = [n for n in range(view.config.layers(view.side)) if view.config.rope(n)]
    rows, title = rows_around(view.token, len(view.labels)), f"Queries of head {view.head}, as made"
    cell_map(view, q, view.head, rows, ALL, title=title, chosen=view.token - rows.start)
    render_depth(
        view,
        f"Nothing, in layer {view.layer}: it turns no query and no key, so two vectors get the same"
        f" score at any distance. {counted(len(turning), 'layer')} of this model"
        f" {'turns' if len(turning) == 1 else 'turn'} them; layer {turning[0]} is one.",
        first,
    )
    return first


def added_biases(view: View) -> tuple[str, tuple[int, ...]]:
    """The learned bias of the chosen head for each pair of tokens."""
    step, t, h = bias_step(view), view.token, view.head
    title = f"Bias that head {h} adds to the score of each pair"
    cell_map(view, step, h, ALL, ALL, title=title, chosen=t)
    render_depth(view, bias_text(view), first := largest(view, step, h, t, ALL))
    return first


def sloping_biases(view: View) -> tuple[str, tuple[int, ...]]:
    """The bias of the chosen head for each pair of tokens, which falls with the distance."""
    step, t, h = f"{view.side}.relative", view.token, view.head
    title = f"Bias that head {h} adds to the score of each pair"
    cell_map(view, step, h, ALL, ALL, title=title, chosen=t)
    first = (step, (h, t, max(t - 1, 0)))
    render_depth(view, slope_text(view), first)
    return first


def slope_text(view: View) -> str:
    """How fast the bias of the chosen head falls, beside the other heads'."""
    slope_H = alibi_slopes(view.config.n_heads)
    steepest, flattest = number(slope_H.max(), 3), number(slope_H.min(), 3)
    return (
        "Nothing is added to the words. Each head lowers a score with the **distance**: head"
        f" {view.head} by {number(slope_H[view.head], 3)} for each token farther back. The heads’"
        f" slopes go from {steepest} to {flattest}; no training changed them."
    )


def bias_step(view: View) -> str:
    """The step with the biases that the layer which is looked at adds: its own, or its side's."""
    return view.config.relative_step(view.at("attn"))


def bias_text(view: View) -> str:
    """What is added to the scores, and which distance the chosen head favours."""
    best, size = favoured_distance(view)
    return (
        "Nothing is added to the words. Each head has learned a bias for each **distance** and adds"
        f" it to the score. Of the distances in this sentence head {view.head} favours the token"
        f" {away_text(best)} ({number(size, 3)})."
    )


def distance_biases(view: View) -> dict[int, float]:
    """The bias of the chosen head for each distance in the sentence."""
    bias_LM = view.trace[bias_step(view)][view.head]
    return {s: float(bias_LM[l, m]) for s, l, m in pairs_by_distance(len(view.labels))}


def favoured_distance(view: View) -> tuple[int, float]:
    """The distance with the largest bias of the chosen head, and that bias."""
    found = distance_biases(view)
    best = max(found, key=found.__getitem__)
    return best, found[best]


def favoured(view: View) -> Quiz | None:
    """Which distance the chosen head favours."""
    found = distance_biases(view)
    quiz = quiz_of_most(view, [away_text(s) for s in found], list(found.values()))
    return quiz and quiz.asks(f"Which token does head {view.head} favour?")


def away_text(distance: int) -> str:
    """Where a token stands, seen from the one that looks."""
    side = "left" if distance < 0 else "right"
    return f"{abs(distance)} to the {side}" if distance else "itself"


def no_positions(view: View) -> tuple[str, tuple[int, ...]]:
    """A what-if without positions: the word's vector is all there is."""
    was = {
        "learned": "added a learned vector for each position",
        "sinusoid": "added sine and cosine waves",
        "rotary": "rotated queries and keys by position",
        "relative": "added a bias for each distance",
        "alibi": "lowered each score with the distance",
    }.get(view.model.config.positions, "had none either")
    step = f"{view.side}.embed.sum"
    first = largest(view, step, view.token, ALL)
    vector_rows(
        view, [VectorRow(step, token_label(view), "no position added")], key="places-nothing"
    )
    render_depth(
        view,
        f"Nothing: this run does not know where a word is. As trained, the model {was}.",
        first,
    )
    return first


# --- a vector for each position -------------------------------------------------------------------


def place_table(view: View) -> None:
    """The rows of the position table, and how alike they are."""
    step, t, count = f"{view.side}.embed.position", view.token, len(view.labels)
    pairs, other = f"{step}.similarity", t - 1 if t else min(1, count - 1)
    render_depth(
        view, place_text(view, pairs, other), largest(view, step, t, ALL), (pairs, (t, other))
    )
    rows = rows_around(t, count)
    title = "The row of each position in this sentence"
    rows_map(view, step, rows, title=title, chosen=t - rows.start)
    title = "Cosine of each position’s row with every other’s"
    cell_map(view, pairs, ALL, ALL, title=title, chosen=t, limit=1)


def place_text(view: View, pairs: str, other: int) -> str:
    """What the position table adds to the chosen token. other: a position to compare with."""
    rows, t = view.trace.weights[f"{view.side}.embed.position.weight"].shape[0], view.token
    learned = (
        "Training found them, like the rows of the words."
        if view.config.positions == "learned"
        else "Nobody trained them: they are sine and cosine waves."
    )
    return (
        f"The model has a row for each of {rows:,} positions, counted from 0. {which_word(view)}"
        f" gets row {t}, as any other word would there. {learned} The rows of positions {t} and"
        f" {other} have a cosine of {number(view.trace[pairs][t, other], 3)}."
    )


def token_and_position(view: View) -> None:
    """x = token + position, as arrows in their plane and as strips."""
    path, t, label = f"{view.side}.embed", view.token, token_label(view)
    names = [name for name in ("token", "position", "segment") if f"{path}.{name}" in view.trace]
    parts_ND = np.stack([view.trace[f"{path}.{name}"][t] for name in (*names, "sum")])
    render_depth(view, sum_text(view, names, parts_ND), largest(view, f"{path}.sum", t, ALL))
    show(
        "places-sum",
        arrows(principal_plane(parts_ND), parts_ND, names, label),
        alt=f"{quoted(label)}: " + " + ".join(names) + " as arrows",
    )
    stacked(
        view,
        "sum",
        {name if name != "sum" else "x": (f"{path}.{name}", (t, ALL)) for name in (*names, "sum")},
        title=f"The numbers of {quoted(label)} at position {t}: x is the sum of those above",
    )


def sum_text(view: View, names: list[str], parts_ND) -> str:
    """What is added up for the chosen token, and how long each vector and the sum are."""
    size = {
        name: number(length, 3)
        for name, length in zip((*names, "sum"), lengths(parts_ND), strict=True)
    }
    third = (
        " This model also adds a vector that says which of two sentences a token belongs to."
        if "segment" in names
        else ""
    )
    normed = (
        " A norm follows before the first layer."
        if view.config.embed_norm and view.config.norm != "none"
        else ""
    )
    return (
        f"For {which_word(view)} the word’s vector has the length {size['token']}, the position’s"
        f" {size['position']}, their sum {size['sum']}.{third}{normed}"
    )


def arrows(plane, parts_ND, names: list[str], label: str):
    """Vectors head to tail, and their sum from the origin."""
    ends = np.vstack((np.zeros(2), np.cumsum(plane.flat(parts_ND[:-1]), axis=0)))
    shown = [(name, ends[i], ends[i + 1], parts_ND[i]) for i, name in enumerate(names)]
    shown.append(("x", ends[0], ends[-1], parts_ND[-1]))
    middle, label = ends.mean(axis=0), plotly_figures.safe(label)
    traces = [
        plotly_figures.arrow_name(start, end, middle, name, f"{label}, {name}", vector_D)
        for name, start, end, vector_D in shown
    ]
    corners = {
        "type": "scatter",
        "x": ends[:, 0],
        "y": ends[:, 1],
        "mode": "markers",
        "hoverinfo": "skip",
        "marker": {"size": 5, "color": plotly_figures.GREY},
    }
    return plotly_figures.in_plane(
        [corners, *traces],
        plane,
        plotly_figures.with_room(ends[:, 0], 0.25),
        " + ".join(names) + " = x, in their plane",
        [plotly_figures.arrow(start, end, COLOURS[KINDS[name]]) for name, start, end, _ in shown],
    )


# --- a bias for each distance ---------------------------------------------------------------------


def distance_text(view: View) -> str:
    """What the biases know of distances: a straight line, or a number for each bucket of them."""
    if view.config.positions == "alibi":
        return (
            "A straight line, with a slope for each head, the same in all layers (Press et al."
            " 2022): it goes on beyond the longest text of the training."
        )
    whose = (
        "each layer has a table of its own"
        if view.config.relative_in_layers
        else "all layers of this side share the table"
    )
    one_way = " The decoder only knows how far back; everything after has the same bias."
    return (
        f"Long distances share one number (Raffel et al. 2019), and {whose}."
        f"{one_way if view.side == 'decoder' else ''}"
    )


def bias_by_distance(view: View) -> None:
    """The bias of the chosen head over the distance."""
    step, h = bias_step(view), view.head
    cells = [(s, (h, l, m)) for s, l, m in pairs_by_distance(len(view.labels))]
    biased = view.at("attn.scores.biased")
    render_depth(view, distance_text(view), largest(view, biased, h, view.token, ALL))
    title = f"Bias of head {h} by distance: tokens before are left of 0, tokens after right"
    show(
        "places-bias",
        curve(
            [s for s, _ in cells],
            [view.trace[step][cell] for _, cell in cells],
            title,
            "distance m − l",
            "bias",
            "position",
            0,
        ),
        alt=title,
        cells=[cell for _, cell in cells],
        on_cell=lambda *cell: open_number(step, cell),
    )
