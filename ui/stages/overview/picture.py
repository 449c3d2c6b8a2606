"""The whole model on one sentence as plain data for `ui.kit.components.overview_canvas`: what there
is to draw, in which order, and the numbers.

A strip is one vector for each token. Hundreds of numbers do not fit into a strip, so each of its
cells stands for a block of dimensions and shows the one of middle size: every number that is drawn
is a number of the trace, "at" says which, and a strip looks as its vector is, not as its extremes
are. A long sentence shows its ends, the chosen token with those around it, and the tokens that it
looks at most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.decoding import next_tokens
from core.steps import about
from core.steps.letters import axis_words
from ui.kit.neuron_charts import ACTIVATION_TITLES
from ui.kit.task_labels import outcomes, read_at
from ui.text import HIDING

CELLS = 12  # of a strip
THIN = 96  # cells of all layers' strips together, for one token; between 3 and 12 for each
MOST = 18  # tokens that are drawn
ENDS = 3  # of them at the beginning and at the end
TARGETS = 3  # of them that the chosen one looks at most
WORDS = 8  # likeliest words
COMPARED = 5  # of them of each run, where two are compared
FULL = 0.95  # of the vectors' numbers are inside a strip's scale; the others have its last colour
NORMS = {"layer": "norm", "rms": "RMS norm", "none": "no norm"}
NORMING = {
    "layer": (
        "Layer norm",
        (
            "brings each token’s vector to mean 0 and spread 1, then scales and shifts it by"
            " learned numbers"
        ),
    ),
    "rms": (
        "RMS norm",
        "divides each token’s vector by the size of its numbers, then scales it by learned numbers",
    ),
    "none": ("No norm", "in this what-if each vector passes unchanged"),
}
AXES = {
    "L": "token",
    "M": "token looked at",
    "D": "dimension",
    "H": "head",
    "G": "set of keys and values",
    "K": "dimension",
    "F": "neuron",
    "P": "pair",
    "S": "distance",
}


def picture(view, before=None, always: tuple[int, ...] = (), also_V=None) -> dict:
    """All that is drawn: the river of each side, the layer that is opened, what comes out.

    before: the trace of the run with which what comes out is compared; always: ids of words that
    are shown beside the likeliest; also_V: probabilities whose likeliest words are shown, too.
    """
    found: dict = {
        "strips": {},
        "maps": {},
        "tokens": {side: drawn_tokens(view, side) for side in view.config.sides},
    }
    found["rivers"] = [side_parts(view, found, side) for side in view.config.sides]
    found["open"] = layer_parts(view, found)
    found["output"] = output_parts(view, found, before, always, also_V)
    return found


# --- what is shown of a sentence and of a vector --------------------------------------------------


def drawn_places(count: int, chosen: int, seen: Sequence[int] = (), most: int = MOST) -> list[int]:
    """Which of so many positions are drawn: all, or the first, the last, the chosen one, those in
    `seen`, and as many around the chosen one as there is room for.
    """
    if count <= most:
        return list(range(count))
    wanted = [*range(ENDS), *range(count - ENDS, count), chosen, *seen]
    nearest = sorted(range(count), key=lambda place: abs(place - chosen))
    return sorted(list(dict.fromkeys([*wanted, *nearest]))[:most])


def targets(view, side: str) -> list[int]:
    """The tokens of a side that the chosen token looks at most in the chosen head."""
    across = view.config.crosses and view.side == "decoder" and side == "encoder"
    if side != view.side and not across:
        return []
    row_M = view.trace[view.at("cross.pattern" if across else "attn.pattern")][
        view.head, view.token
    ]
    return [int(m) for m in np.argsort(-row_M, kind="stable")[:TARGETS] if row_M[m] > 0]


def drawn_tokens(view, side: str) -> dict:
    """The tokens of a side that are drawn, where they stand, and which of them is chosen."""
    labels = view.tokens(side)
    chosen = view.token if side == view.side else len(labels) - 1
    places = drawn_places(len(labels), chosen, targets(view, side))
    return {
        "labels": [labels[i] for i in places],
        "at": places,
        "count": len(labels),
        "chosen": places.index(chosen) if side == view.side else None,
    }


def reduced(values_RX, cells: int, largest: bool = False) -> tuple[np.ndarray, np.ndarray, int]:
    """Of each row in so many blocks the number of middle size (of an even number of them, the
    smaller of the middle two), or the one furthest from zero; its place inside the block, and the
    size of a block.
    """
    rows, width = values_RX.shape
    block = -(-width // cells)
    count = -(-width // block)
    padded = np.full((rows, count * block), np.nan, dtype=values_RX.dtype)  # these come last
    padded[:, :width] = values_RX
    blocks_RCB = padded.reshape(rows, count, block)
    sizes_C = np.minimum(block, width - block * np.arange(count))
    ranks_RCB = np.abs(blocks_RCB).argsort(axis=2, kind="stable")
    rank_C = sizes_C - 1 if largest else (sizes_C - 1) // 2
    rank_RC1 = np.broadcast_to(rank_C[:, None], (rows, count, 1))
    at_RC1 = np.take_along_axis(ranks_RCB, rank_RC1, axis=2)
    return np.take_along_axis(blocks_RCB, at_RC1, axis=2)[..., 0], at_RC1[..., 0], block


def limit_of(values) -> float:
    """Where a scale ends: at a number that most numbers of the vectors are inside of, so that one
    huge number does not pale the rest.
    """
    sizes_N = np.abs(values[np.isfinite(values)])
    at = int(FULL * (len(sizes_N) - 1))
    return float(np.partition(sizes_N, at)[at]) or 1.0 if len(sizes_N) else 1.0


def put_strip(
    view, found: dict, name: str, title: str, *, index: tuple = (), cells: int = CELLS
) -> str:
    """Puts a step into the picture as a strip, and returns its key there. index: the head, where
    there are several.
    """
    values_RX = view.trace[name][index]
    single = values_RX.ndim == 1  # one vector for the whole text
    values_RX = values_RX[None] if single else values_RX[rows_of(view, found, name)]
    sparse = view.trace.axes(name)[-1] == "F"  # of neurons, many are silent
    values_RC, at_RC, block = reduced(values_RX, cells, sparse)
    found["strips"][name] = (
        step_record(view, name, title)
        | {
            "values": values_RC,
            "at": at_RC,
            "block": block,
            "size": values_RX.shape[1],
            "index": list(index),
            "limit": limit_of(values_RC if sparse else values_RX),
        }
        | ({"single": True} if single else {})
    )
    return name


def put_matrix(view, found: dict, name: str, title: str, index: tuple = ()) -> str:
    """Puts a matrix of tokens × tokens into the picture."""
    rows, columns = (found["tokens"][view.side_of(name, letter)]["at"] for letter in "LM")
    values_LM = view.trace[name][index][np.ix_(rows, columns)]
    kind = {"mask": "mask", "pattern": "weight"}.get(name.rsplit(".", 1)[1], "signed")
    most = float(np.abs(values_LM[np.isfinite(values_LM)]).max(initial=0)) or 1.0
    found["maps"][name] = step_record(view, name, title) | {
        "values": values_LM,
        "scale": kind,
        "limit": most,
        "index": list(index),
        "columns": view.side_of(name, "M"),
    }
    return name


def drawn_cell(found: dict, key: str, row: int, cell: int) -> tuple[str, tuple[int, ...]] | None:
    """The step and the index of a number that is drawn; None if there is no such place in the
    picture.
    """
    words = {f"word/{word['id']}": word for word in found["output"]["words"]}
    kept = found["output"].get("kept")
    if key == "kept" and kept and isinstance(row, int) and 0 <= row < len(kept):
        return found["output"]["name"], (found["tokens"][found["output"]["side"]]["at"][row],)
    if key in words:
        return words[key]["step"], tuple(words[key]["cell"])
    part = found["strips"].get(key) or found["maps"].get(key)
    whole = all(isinstance(i, int) and not isinstance(i, bool) for i in (row, cell))
    if (
        part is None
        or not whole
        or not (0 <= row < len(part["values"]) and 0 <= cell < part["values"].shape[1])
    ):
        return None
    position = found["tokens"][part["tokens"]]["at"][row]
    if key in found["maps"]:
        return key, (*part["index"], position, found["tokens"][part["columns"]]["at"][cell])
    place = cell * part["block"] + int(part["at"][row, cell])
    return key, (*part["index"], *([] if part.get("single") else [position]), place)


def drawn_at(found: dict, name: str, index: tuple[int, ...]) -> list | None:
    """Where a number of the trace is drawn, or the block that it lies in: [key, row, cell], the
    inverse of cell_of.
    """
    part = found["strips"].get(name) or found["maps"].get(name)
    if part is None or list(index[: len(part["index"])]) != part["index"]:
        return None
    rows, inside = found["tokens"][part["tokens"]]["at"], index[len(part["index"]) :]
    if name in found["maps"]:
        columns = found["tokens"][part["columns"]]["at"]
        return (
            [name, rows.index(inside[0]), columns.index(inside[1])]
            if inside[0] in rows and inside[1] in columns
            else None
        )
    row = 0 if part.get("single") else rows.index(inside[-2]) if inside[-2] in rows else None
    return None if row is None else [name, row, inside[-1] // part["block"]]


def rows_of(view, found: dict, name: str) -> Sequence[int]:
    """Which positions of a step are drawn. Keys and values belong to the tokens that are
    looked at.
    """
    return found["tokens"][tokens_of(view, name)]["at"]


def tokens_of(view, name: str) -> str:
    """The side whose tokens stand along a strip."""
    return view.side_of(name, "M" if "M" in view.trace.axes(name) else "L")


def step_record(view, name: str, title: str) -> dict:
    """What a part of the picture is: its step, in words, with its axes and their sizes, and its
    colour.
    """
    axes = view.trace.axes(name)
    across = view.side_of(name, "M" if "M" in axes and "L" not in axes else "L")
    return (
        {
            "title": title,
            "about": about(view.trace, name).title,
            "kind": about(view.trace, name).colour,
            "tokens": across,
            "shape": sized(view.trace, name),
        }
        | ({"of": "neuron", "largest": True} if axes[-1] == "F" else {})
        | ({"set": "set"} if axes[0] == "G" and not own_keys(view.config) else {})
    )


def sized(trace, name: str) -> str:
    """The size of each axis of a step in words: 11 tokens × 384 dimensions."""
    letters = trace.axes(name).replace("G", "H" if own_keys(trace.config) else "G")
    letters = letters if "L" in letters else letters.replace("M", "L")
    return " × ".join(
        counted_words(size, AXES.get(letter) or axis_words(letter))
        for letter, size in zip(letters, trace.shape(name), strict=True)
    )


def own_keys(config) -> bool:
    """Whether each head has keys and values of its own."""
    return config.n_kv_heads == config.n_heads


def counted_words(count: int, words: str) -> str:
    """3 and "token looked at" -> "3 tokens looked at"."""
    first, space, rest = words.partition(" ")
    return f"{count} {first}{'' if count == 1 else 's'}{space}{rest}"


# --- the parts of the model -----------------------------------------------------------------------


def norm_sign(view, name: str) -> dict:
    """A norm's sign: where a click on it leads, and what it is."""
    title, does = NORMING[view.config.norm]
    return {"name": name, "title": NORMS[view.config.norm], "about": title, "does": does}


def side_parts(view, found: dict, side: str) -> dict:
    """A side from its tokens to its last vectors: what is added up, the stream after every layer,
    the last norm. Without a last norm the last layer's vectors are those that come out.
    """
    c, path = view.config, f"{side}.embed"
    added = [
        put_strip(view, found, f"{path}.{leaf}", leaf)
        for leaf in ("position", "segment")
        if f"{path}.{leaf}" in view.trace
    ]
    cells = min(max(THIN // c.layers(side), 3), CELLS)
    layers = [
        put_strip(view, found, f"{side}.{n}.out", f"layer {n}", cells=cells)
        for n in range(c.layers(side) - (not c.final_norm))
    ]
    return {
        "side": side,
        "token": put_strip(view, found, f"{path}.token", "token"),
        "added": added,
        "norm": norm_sign(view, f"{path}.norm.out") if c.embed_norm else None,
        "first": put_strip(view, found, f"{path}.out", "input") if added or c.embed_norm else None,
        "layers": layers,
        "of": c.layers(side),
        "chosen": view.layer if side == view.side else None,
        "last": norm_sign(view, f"{side}.norm.out") if c.final_norm else None,
        "out": put_strip(view, found, f"{side}.out", "in context"),
        "feeds": c.crosses and side == "encoder",
    }


def layer_parts(view, found: dict) -> dict:
    """The chosen layer with all its parts, in the order in which they run."""
    parts = [attention_parts(view, found, view.at("attn"))]
    if view.config.crosses and view.side == "decoder":
        parts.append(attention_parts(view, found, view.at("cross")))
    parts.append(feed_forward_parts(view, found, view.at("mlp")))
    return {
        "side": view.side,
        "layer": view.layer,
        "head": view.head,
        "of": view.config.n_heads,
        "parts": parts,
        "times": view.config.layers(view.side),
    }


def sublayer_parts(view, found: dict, path: str) -> dict:
    """What every part has: its norms, its update, and the sum with the stream."""
    return {
        "norms": norm_signs(view, path),
        "out": put_strip(view, found, f"{path}.out", "update"),
        "sum": f"{path}.sum",
        "add": about(view.trace, f"{path}.sum").title,
    }


def norm_signs(view, path: str) -> dict:
    """The signs of a part's norms by where they stand: of what it reads, of its update, of the sum.
    None where there is none.
    """
    c, stream = view.config, norm_sign(view, f"{path}.norm.out")
    bare = c.norm_of(f"{path}.norm") != c.norm
    return {
        "before": stream if c.norm_first and not bare else None,
        "update": norm_sign(view, f"{path}.out.norm.out") if c.norms_update else None,
        "after": stream if c.norm_at == "after" else None,
    }


def attention_parts(view, found: dict, path: str) -> dict:
    """Attention of the chosen head."""
    head, keys = (view.head,), (view.key_head,)
    return (
        {"kind": "cross" if path.endswith("cross") else "attention"}
        | sublayer_parts(view, found, path)
        | {
            "q": put_strip(view, found, f"{path}.q", "queries", index=head),
            "k": put_strip(view, found, f"{path}.k", "keys", index=keys),
            "v": put_strip(view, found, f"{path}.v", "values", index=keys),
            "turned": f"{path}.q.unrotated" in view.trace,
            "pattern": put_matrix(view, found, f"{path}.pattern", "attention", head),
            "mask": put_matrix(view, found, f"{path}.mask", "mask"),
            "z": put_strip(view, found, f"{path}.z", "z", index=head),
        }
    )


def feed_forward_parts(view, found: dict, path: str) -> dict:
    """The neurons, after the activation or the gate."""
    activation = ACTIVATION_TITLES[view.config.activation]
    return (
        {"kind": "mlp", "gated": view.config.gated, "activation": activation}
        | {"parallel": view.config.parallel}
        | sublayer_parts(view, found, path)
        | {"hidden": put_strip(view, found, f"{path}.hidden", "neurons")}
    )


def put_pooled(view, found: dict) -> list[str]:
    """One vector for the whole text, where the model or its reader makes one."""
    c = view.config
    wanted = [
        ("pooler.out", "pooler (first token)", "Pooler: one more layer on the first token’s vector")
    ] * bool(c.pooler)
    if not c.decoder_layers:
        wanted.append(
            (
                "encoder.out.pooled",
                "mean of all tokens",
                "Sentence vector: the mean of all tokens’ last vectors",
            )
        )
    for name, title, words in wanted:
        found["strips"][put_strip(view, found, name, title, cells=2 * CELLS)]["about"] = words
    return [name for name, *_ in wanted]


def title_of(config, token: str) -> str:
    """What the guesses are of: an encoder sees the word that it guesses, unless it is hidden."""
    return (
        "next word"
        if config.decoder_layers
        else "hidden word"
        if token in HIDING
        else "its guess for"
    )


def guessed_at(view) -> int:
    """The position whose guess is shown: the chosen one, where it makes one, or the last that
    does.
    """
    rows, side = view.trace.rows, view.config.sides[-1]
    return view.token if view.side == side and view.token in rows else int(rows[-1])


def row_at(trace, position: int) -> int | None:
    """The row of the guesses that belongs to a position."""
    found = np.flatnonzero(trace.rows == position)
    return int(found[0]) if len(found) else None


def guesses(view) -> bool:
    """Whether the run has probabilities."""
    return bool(view.config.head) and bool(np.isfinite(view.trace["head.probs"]).all())


def output_parts(view, found: dict, before, always: tuple[int, ...], also_V) -> dict:
    """The likeliest words after a token, or what is left of each token; and the vectors of the
    whole text.
    """
    side = view.config.sides[-1]
    shared = {"side": side, "pooled": put_pooled(view, found), "words": [], "row": None}
    if not guesses(view):
        said = task_parts(view, found, side, before)
        return shared | (said or kept_parts(view, found, side, before))
    position = guessed_at(view)
    row = row_at(view.trace, position)
    return shared | {
        "row": found["tokens"][side]["at"].index(position),
        "after": view.tokens(side)[position],
        "words": shown_words(view, row, before_row(view, before, position), always, also_V),
        "title": title_of(view.config, view.tokens(side)[position]),
        "of": view.config.n_vocab,
        "place": row,
    }


def task_parts(view, found: dict, side: str, before) -> dict:
    """For a model that was fine-tuned: its labels, those of the chosen token, or the best answers;
    empty where it gives no probabilities.
    """
    likeliest, at = outcomes(view, WORDS), found["tokens"][side]["at"]
    if not likeliest:
        return {}
    position, task = read_at(view), view.config.task
    title = "label for" if task.of_tokens else "label of the text"
    return {
        "row": min(range(len(at)), key=lambda row: abs(at[row] - position)),
        "after": view.tokens(side)[position],
        "words": [outcome_words(each, before) for each in likeliest],
        "title": "answer" if task.gives == "span" else title,
        "mark": "answer" if task.gives == "span" else "label",
    }


def outcome_words(outcome, before) -> dict:
    """A label or an answer as the picture has it, and what it was before."""
    step, cell = outcome.step, outcome.cell
    there = before is not None and step in before
    inside = there and all(i < n for i, n in zip(cell, before.shape(step), strict=True))
    return {
        "word": outcome.words,
        "id": "-".join(map(str, cell)),
        "share": outcome.share,
        "before": float(before[step][cell]) if inside else None,
        "hot": False,
        "step": step,
        "cell": list(cell),
    }


def before_row(view, before, position: int) -> np.ndarray | None:
    """The probabilities at a position of the run before, over the same vocabulary."""
    if before is None or "head.probs" not in before or row_at(before, position) is None:
        return None
    probs_V = before["head.probs"][row_at(before, position)]
    return probs_V if np.isfinite(probs_V).all() and len(probs_V) == view.config.n_vocab else None


def shown_words(view, row: int, before_V, always: tuple[int, ...], also_V) -> list[dict]:
    """The words whose bars are drawn: first those that are always shown, then the likeliest, and of
    two runs those of the other, too; from the likeliest now to the least likely.
    """
    now_V, other_V = view.trace["head.probs"][row], also_V if before_V is None else before_V
    count = WORDS if other_V is None else COMPARED
    ids = [*always, *next_tokens(view.trace, count, row)[0]]
    if other_V is not None:
        ids += list(np.argsort(-other_V, kind="stable")[:COMPARED])
    rest = sorted(set(map(int, ids)) - set(always), key=lambda i: (-now_V[i], i))
    return [
        {
            "word": view.word(i),
            "id": i,
            "share": float(now_V[i]),
            "before": None if before_V is None else float(before_V[i]),
            "hot": i in always,
            "step": "head.probs",
            "cell": [row, i],
        }
        for i in (*always, *rest)
    ]


def kept_parts(view, found: dict, side: str, before) -> dict:
    """For a model that guesses no words: how much each token's last vector still points where its
    first did.
    """
    name = f"{side}.{view.config.layers(side) - 1}.out.similarity"
    rows = found["tokens"][side]["at"]
    return {"kept": kept_values(view.trace, name, rows), "name": name} | (
        {"kept_before": kept_values(before, name, rows)}
        if before is not None and before.shape(name) == view.trace.shape(name)
        else {}
    )


def kept_values(trace, name: str, rows) -> list[float]:
    """The cosines of the drawn tokens; those that are no numbers are left out as 0."""
    return [float(x) if np.isfinite(x) else 0.0 for x in trace[name][rows]]
