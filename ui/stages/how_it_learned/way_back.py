"""The figure of the page: the loss of each next word, and how strongly it pulls at every vector of
the stream, from the output back to the embedding; and the numbers of one such vector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.step_ref import GRAD
from core.text import moves, number, percent
from core.vectors import lengths
from ui.kit.charts import clickable_map
from ui.kit.component_loader import component
from ui.kit.components import table
from ui.kit.explanation_panel import open_number, opened_in
from ui.kit.heatmap import HeatmapSpec
from ui.kit.packed_arrays import packed
from ui.kit.quiz import Quiz, quiz_of_most
from ui.kit.section import render_depth
from ui.kit.stage import heading
from ui.kit.theme import COLOURS
from ui.kit.token_words import bold_apart, titled_word
from ui.session import sent
from ui.session.selection import chosen, depth, select
from ui.session.view import View
from ui.stages.how_it_learned.place import ALL, after, choose_loss
from ui.text import bold, bold_quoted, labelled

KEY = "way-back"
_draw = component("way_back", 'class="root figure" role="group" aria-label="The way back"')


@dataclass(frozen=True)
class Place:
    """A vector of the stream on the way back: its step, and what it is in words."""

    step: str
    words: str
    prose: str


# --- what is shown --------------------------------------------------------------------------------


def places(view: View) -> list[Place]:
    """The stream as it enters each part of the model, from the output down to the first layer."""
    config, side = view.config, view.config.sides[-1]
    step = "head.in" if config.head_scale == 1 else f"{side}.out"
    found = [Place(step, "into the output", "where it enters the output")]
    for layer in reversed(range(config.layers(side))):
        if not config.parallel:
            found.append(entering(f"{side}.{layer}.mlp.in", layer, "feed-forward"))
        found.append(entering(f"{side}.{layer}.attn.in", layer, "attention"))
    return found


def entering(step: str, layer: int, part: str) -> Place:
    """The stream as it enters a part of a layer."""
    return Place(step, f"into {part} {layer}", f"where it enters the {part} of layer {layer}")


def right_words(view: View) -> list[int]:
    """The id that should follow each position but the last."""
    return view.trace["decoder.embed.ids"][1:].tolist()


def losses(view: View) -> np.ndarray:
    """The loss of each position that has a next word, in nats."""
    return -view.trace["head.written"][: len(view.labels) - 1].astype(np.float64)


def shares(view: View) -> list[float]:
    """The probability of each right word."""
    probs_RV = view.trace["head.probs"]
    return [float(probs_RV[row, word]) for row, word in enumerate(right_words(view))]


def pulls(view: View) -> np.ndarray:
    """The length of the gradient of each vector of the stream, (places, L)."""
    return np.stack([lengths(view.trace[GRAD + place.step]) for place in places(view)])


def chosen_cell(view: View, pulls_PL: np.ndarray) -> tuple[int, int]:
    """The place that is looked at: that of the opened gradient, else the one that was clicked last,
    else the one where the loss pulls most."""
    for row, place in enumerate(places(view)):
        if opened := opened_in(GRAD + place.step):
            return row, opened[0]
    if chosen("learn_cell"):
        cell = tuple(map(int, chosen("learn_cell").split("-")))
        if cell[0] < pulls_PL.shape[0] and cell[1] < pulls_PL.shape[1]:
            return cell
    row, token = np.unravel_index(int(pulls_PL.argmax()), pulls_PL.shape)
    return int(row), int(token)


# --- on the page ----------------------------------------------------------------------------------


def question(view: View) -> None:
    """The question over the figure."""
    at = chosen("learn_at")
    about = "these words" if at == ALL else bold(view.word(right_words(view)[at]))
    heading(f"What has to change for {about} to be guessed better?", quiz(view))


def quiz(view: View) -> Quiz | None:
    """Which word surprises most."""
    found = quiz_of_most(view, list(view.names[1:]), losses(view))
    return found and found.asks("Which word surprises the model most?")


def figure(view: View) -> tuple[str, tuple[int, ...]]:
    """The way back, and the numbers of the vector that is looked at. Returns the number that is
    explained first: the largest of these."""
    pulls_PL = pulls(view)
    row, token = chosen_cell(view, pulls_PL)
    _draw(
        key=KEY,
        data=data_of(view, pulls_PL, row * pulls_PL.shape[1] + token),
        on_place_change=lambda: follow_place(len(right_words(view))),
        on_cell_change=lambda: follow_cell(view, pulls_PL.shape),
    )
    vector(view, places(view)[row], token)
    return largest(view, places(view)[row].step, token)


def data_of(view: View, pulls_PL: np.ndarray, opened: int) -> dict:
    """The figure as it travels to the browser."""
    losses_R = losses(view)
    words = [labelled(view.word(word)) for word in right_words(view)]
    right = [
        {"word": word, "loss": float(loss), "share": share}
        for word, loss, share in zip(words, losses_R, shares(view), strict=True)
    ]
    limit = float(pulls_PL.max()) or 1.0
    return packed(pulls_PL) | {
        "title": "How strongly the loss pulls: length of the gradient",
        "allTitle": f"all: {number(losses_R.mean(), 3)} nats",
        "words": list(view.names),
        "right": right,
        "mostLoss": float(losses_R.max()) or 1.0,
        "rows": [place.words for place in places(view)],
        "limit": limit,
        "place": chosen("learn_at"),
        "opened": opened,
        "alt": "The gradient of each vector. Arrow keys move, Enter opens.",
    }


def follow_place(count: int) -> None:
    """A word was clicked, or all."""
    at = sent.from_component(KEY, "place")
    if at == ALL and type(at) is int or sent.whole(at, count):
        choose_loss(at)


def follow_cell(view: View, shape: tuple[int, int]) -> None:
    """A vector was clicked: its largest number opens."""
    if cell := sent.place(sent.from_component(KEY, "cell"), shape):
        select(learn_cell=f"{cell[0]}-{cell[1]}", learn_reads="before")
        open_number(*largest(view, places(view)[cell[0]].step, cell[1]))


def largest(view: View, step: str, token: int) -> tuple[str, tuple[int, ...]]:
    """The largest number of a gradient at a token."""
    name = GRAD + step
    return name, (token, int(np.abs(view.trace[name][token]).argmax()))


def vector(view: View, place: Place, token: int) -> None:
    """The numbers of one gradient, each of which opens."""
    name, opened = GRAD + place.step, opened_in(GRAD + place.step)

    def open_of(_: int, d: int) -> None:
        select(learn_reads="before")
        open_number(name, (token, d))

    clickable_map(
        "learned:vector",
        HeatmapSpec(
            view.trace[name][token][None],
            [""],
            [str(d) for d in range(view.config.d_model)],
            title=f"Gradient of the vector of {titled_word(view, token)} {place.words}",
            colour=COLOURS["residual"],
            opened=(0, opened[1]) if opened and opened[0] == token else None,
            fold=50,
            step=name,
        ),
        open_of,
    )


# --- in words -------------------------------------------------------------------------------------


def story(view: View, first: tuple[str, tuple[int, ...]]) -> None:
    """What the figure says, and what one step does."""
    render_depth(view, f"{gradient_words(view)} {step_words(view)}", first)
    if depth() == "numbers":
        losses_table(view)


def losses_table(view: View) -> None:
    """The probability and the loss of each right word; each opens."""
    ids = right_words(view)

    def open_of(row: int, column: int) -> None:
        select(learn_reads="before")
        open_number(*((("head.probs", (row, ids[row])), ("head.written", (row,)))[column]))

    table(
        {"probability": shares(view), "loss: −ln p": losses(view)},
        [labelled(view.word(i)) for i in ids],
        key="learned:losses",
        on_cell=open_of,
        bar="probability",
        title="How much each word surprises, in nats",
        corner="next word",
    )


def gradient_words(view: View) -> str:
    """What a cell is, and where the pull is strongest."""
    pulls_PL = pulls(view)
    row, token = np.unravel_index(int(pulls_PL.argmax()), pulls_PL.shape)
    where = places(view)[int(row)].prose
    return (
        "Each cell says how steeply the loss changes with that vector: its **gradient**, computed"
        f" from the top down. It is steepest at {bold_apart(view.labels, int(token))}, {where}."
    )


def step_words(view: View) -> str:
    """What one step does to the chosen word, or to the one that it helps most."""
    taught = after(view, 1)
    if taught is None:
        return "One step at this learning rate goes too far: its numbers overflow."
    at = gained(view, taught)
    word = bold_quoted(view.word(right_words(view)[at]))
    shares_2 = [percent(shares(run)[at]) for run in (view, taught)]
    before = bold_apart(view.labels, at)
    return f"One step of training: after {before}, {word} {moves(*shares_2)}."


def gained(view: View, taught: View) -> int:
    """The position by which a step is judged: the chosen one, else that of the word that became
    likelier by most."""
    at = chosen("learn_at")
    return int(np.subtract(shares(taught), shares(view)).argmax()) if at == ALL else at
