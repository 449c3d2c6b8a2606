"""The logit lens: what the model would say after each layer, if that were the last."""

from __future__ import annotations

import numpy as np

from core.text import number, percent
from core.why.logit_lens import lens_steps
from ui.kit.component_loader import component
from ui.kit.explanation_panel import open_number, opened_cell, parse_cell
from ui.kit.packed_arrays import packed
from ui.kit.section import render_depth
from ui.session import sent
from ui.stages.why.asked import Asked
from ui.stages.why.layout import words_of
from ui.text import bold

KEY = "why-lens"
JUMP = 0.05  # so much a probability has to rise to be spoken of
TOP = 3  # of the likeliest words after each layer
_draw = component("why_lens", 'class="root figure" role="group" aria-label="After each layer"')


def draw(asked: Asked) -> None:
    """After each layer the likeliest words, and the probability and the rank of both words."""
    steps = steps_of(asked)
    ids_NW, ranks_NA = found(asked, steps)
    probs_NW = np.stack(
        [asked.view.trace[step][ids] for step, ids in zip(steps, ids_NW, strict=True)]
    )
    cells = [[(step, (int(i),)) for i in ids] for step, ids in zip(steps, ids_NW, strict=True)]

    def clicked() -> None:
        place = sent.place(sent.from_component(KEY, "cell"), (len(cells), len(cells[0])))
        if place:
            open_number(*cells[place[0]][place[1]])

    _draw(
        key=KEY,
        data=packed(probs_NW) | words_data(asked, ids_NW, ranks_NA, cells),
        on_cell_change=clicked,
    )
    text = f"{knows(asked, ranks_NA)}{jump(asked, probs_NW[:, TOP])} {misleads(asked, ranks_NA)}"
    render_depth(
        asked.view, text, cells[-1][TOP], (steps[-1].replace(".probs", ""), cells[-1][TOP][1])
    )


def steps_of(asked: Asked) -> list[str]:
    """The probabilities after the embedding and after each layer, by name."""
    return [f"{step}.lens.probs.{asked.row}" for step in lens_steps(asked.view.config)]


def found(asked: Asked, steps: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """For each step the ids of its likeliest words, then those of the words that are asked about,
    (N, W); and so many words are likelier than each of these, (N, A).
    """
    words = [i for i in asked.words if i is not None]
    ids_NW, ranks_NA = [], []
    for step in steps:
        probs_V = asked.view.trace[step]
        most = np.argpartition(-probs_V, TOP)[:TOP]
        most = most[np.argsort(-probs_V[most], kind="stable")]
        ids_NW.append([*most.tolist(), *words])
        ranks_NA.append([int((probs_V > probs_V[i]).sum()) for i in words])
    return np.array(ids_NW), np.array(ranks_NA)


def words_data(asked: Asked, ids_NW, ranks_NA, cells) -> dict:
    """What stands beside the numbers."""
    opened = opened_cell()
    flat = [cell for row in cells for cell in row]
    place = parse_cell(opened) if opened else None
    word = asked.view.word
    return {
        "rows": ["embedding", *(f"layer {n}" for n in range(len(ids_NW) - 1))],
        "likeliest": [[word(i) for i in ids[:TOP]] for ids in ids_NW],
        "asked": [word(i) for i in ids_NW[0][TOP:]],
        "ranks": [[f"{rank + 1:,}" for rank in ranks] for ranks in ranks_NA],
        "opened": list(divmod(flat.index(place), len(cells[0]))) if place in flat else None,
        "title": "If this were the last layer",
    }


# --- in words -------------------------------------------------------------------------------------


def knows(asked: Asked, ranks_NA) -> str:
    """From where on the word is the likeliest."""
    word, last = bold(asked.view.word(asked.word)), int(ranks_NA[-1, 0])
    if last:
        return f"{word} is not the likeliest word in the end either: it has rank {last + 1:,}."
    since = since_when(ranks_NA[:, 0])
    place = "the embedding" if since == 0 else f"layer {since - 1}"
    end = " the last one," if since == len(ranks_NA) - 1 and since else ""
    stays = "" if end else ", and stays so"
    return (
        f"After **{place}**,{end} {word} is the likeliest word{stays}.{seen_first(ranks_NA, since)}"
    )


def seen_first(ranks_NA, since: int) -> str:
    """Where a word is seen first that only later becomes the likeliest."""
    first = int(np.flatnonzero(ranks_NA[:, 0] < TOP)[0])
    place = "the embedding" if first == 0 else f"layer {first - 1}"
    return f" It first appears among the first {TOP} after {place}." if first < since else ""


def since_when(ranks_N) -> int:
    """The first step from which on the rank is 0."""
    others = np.flatnonzero(np.asarray(ranks_N) > 0)
    return int(others[-1]) + 1 if len(others) else 0


def jump(asked: Asked, prob_N) -> str:
    """After which layer the word's probability rises most, and which part of that layer gave most;
    empty where it never rises by much, or no part of that layer gave anything.
    """
    rise_N = np.diff(prob_N)
    layer = int(rise_N.argmax())
    within = [
        (name, part)
        for name, part in asked.parts.largest()
        if name.startswith(f"{asked.side}.{layer}.") and part > 0
    ]
    if rise_N[layer] < JUMP or not within:
        return ""
    name, part = within[0]
    before, after = (percent(each, 0) for each in prob_N[layer : layer + 2])
    return (
        f" Its probability rises most at **layer {layer}**, from {before} to {after}: there"
        f" {bold(words_of(name))} gives most to {asked.versus()}, {number(part, 3)}."
    )


def misleads(asked: Asked, ranks_NA) -> str:
    """What has to be known about the lens; and that its last row is the output."""
    post = (
        " This model’s norms bring every layer’s vectors to one size, so early probabilities look"
        " surer or flatter than they are meant."
    )
    share = asked.view.trace["head.probs"][asked.row, asked.word]
    return (
        "The logit lens reads each layer with the output head, whose language early layers do not"
        f" speak yet.{post if asked.view.config.norm_at == 'after' else ''} The last row is the"
        " output:"
        f" {percent(share)}."
    )
