"""The whole model on one sentence as plain data for `ui.kit.components.overview_canvas`: what there
is to draw, in which order, and the numbers.

A strip is one vector for each token. Hundreds of numbers do not fit into a strip, so each of its
cells stands for a block of dimensions and shows the one furthest from zero: every number that is
drawn is a number of the trace, and "at" says which. A long sentence shows its ends and the tokens
around the chosen one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.decoding import next_tokens
from core.steps import about
from core.steps.letters import axis_words
from ui.kit.neuron_charts import ACTIVATION_TITLES

CELLS = 16  # of a strip
THIN = 96  # cells of all layers' thumbnails together, for one token; between 3 and 12 for each
MOST = 18  # tokens that are drawn
ENDS = 3  # of them at the beginning and at the end
WORDS = 7  # likeliest words
FULL = 0.95  # of a strip's cells are inside its scale; the others have its last colour
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
    "none": ("No norm", "in this what-if each vector passes as it is"),
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


def picture(view) -> dict:
    """All that is drawn: the river of each side, the layer that is opened, what comes out."""
    found: dict = {
        "strips": {},
        "maps": {},
        "tokens": {side: drawn_tokens(view, side) for side in view.config.sides},
    }
    found["rivers"] = [side_parts(view, found, side) for side in view.config.sides]
    found["open"] = layer_parts(view, found)
    found["output"] = output_parts(view, found)
    return found


# --- what is shown of a sentence and of a vector --------------------------------------------------


def drawn_places(count: int, chosen: int, most: int = MOST) -> list[int]:
    """Which of so many positions are drawn: all, or the first, the last and those around the chosen
    one.
    """
    if count <= most:
        return list(range(count))
    middle = most - 2 * ENDS
    start = min(max(chosen - middle // 2, ENDS), count - ENDS - middle)
    return [*range(ENDS), *range(start, start + middle), *range(count - ENDS, count)]


def drawn_tokens(view, side: str) -> dict:
    """The tokens of a side that are drawn, where they stand, and which of them is chosen."""
    labels = view.tokens(side)
    chosen = view.token if side == view.side else len(labels) - 1
    places = drawn_places(len(labels), chosen)
    return {
        "labels": [labels[i] for i in places],
        "at": places,
        "count": len(labels),
        "chosen": places.index(chosen) if side == view.side else None,
    }


def reduced(values_RX, cells: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Of each row in so many blocks the number furthest from zero, its place inside the block, and
    the size of a block.
    """
    rows, width = values_RX.shape
    block = -(-width // cells)
    count = -(-width // block)
    padded = np.zeros((rows, count * block), dtype=values_RX.dtype)
    padded[:, :width] = values_RX
    blocks_RCB = padded.reshape(rows, count, block)
    at_RC = np.abs(blocks_RCB).argmax(axis=2)
    return np.take_along_axis(blocks_RCB, at_RC[..., None], axis=2)[..., 0], at_RC, block


def limit_of(values) -> float:
    """Where a scale ends: at a number of the strip that most are inside of, so that one huge number
    does not pale the rest.
    """
    sizes_N = np.abs(values[np.isfinite(values)].astype(np.float64))
    return float(np.quantile(sizes_N, FULL, method="lower")) or 1.0 if len(sizes_N) else 1.0


def put_strip(
    view, found: dict, name: str, title: str, *, index: tuple = (), cells: int = CELLS
) -> str:
    """Puts a step into the picture as a strip, and returns its key there. index: the head, where
    there are several.
    """
    values_RX = view.trace[name][index]
    single = values_RX.ndim == 1  # one vector for the whole text
    values_RX = values_RX[None] if single else values_RX[rows_of(view, found, name)]
    values_RC, at_RC, block = reduced(values_RX, cells)
    found["strips"][name] = (
        step_record(view, name, title)
        | {
            "values": values_RC,
            "at": at_RC,
            "block": block,
            "size": values_RX.shape[1],
            "index": list(index),
            "limit": limit_of(values_RC),
            "groups": 1,
            "chosen": 0,
        }
        | ({"single": True} if single else {})
    )
    return name


def put_heads(view, found: dict, name: str) -> str:
    """What all heads found, side by side as they go into W_O: some cells for each head."""
    z_HLK = view.trace[name][:, rows_of(view, found, name)]
    H, L, K = z_HLK.shape
    each = max(2, min(K, 32 // H))
    values_RC, at_RC, block = reduced(z_HLK.reshape(H * L, K), each)
    together = [
        part.reshape(H, L, -1).transpose(1, 0, 2).reshape(L, -1) for part in (values_RC, at_RC)
    ]
    found["strips"][f"{name}/all"] = step_record(view, name, "all heads") | {
        "values": together[0],
        "at": together[1],
        "block": block,
        "size": K,
        "index": [],
        "limit": limit_of(values_RC),
        "groups": H,
        "chosen": view.head,
    }
    return f"{name}/all"


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
    words = {f"word/{word['id']}": word["id"] for word in found["output"]["words"]}
    if key in words:
        return "head.probs", (found["output"]["place"], words[key])
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
    each = part["values"].shape[1] // part["groups"]
    place = cell % each * part["block"] + int(part["at"][row, cell])
    head = [cell // each] if part["groups"] > 1 else part["index"]
    return key.removesuffix("/all"), (*head, *([] if part.get("single") else [position]), place)


def drawn_at(found: dict, name: str, index: tuple[int, ...]) -> list | None:
    """Where a number of the trace is drawn, or the block that it lies in: [key, row, cell], the
    inverse of cell_of.
    """
    part = found["strips"].get(name) or found["maps"].get(name)
    key = name if part and list(index[: len(part["index"])]) == part["index"] else f"{name}/all"
    part = found["maps"].get(key) or found["strips"].get(key)
    if part is None:
        return None
    rows, inside = found["tokens"][part["tokens"]]["at"], index[len(part["index"]) :]
    if key in found["maps"]:
        columns = found["tokens"][part["columns"]]["at"]
        return (
            [key, rows.index(inside[0]), columns.index(inside[1])]
            if inside[0] in rows and inside[1] in columns
            else None
        )
    head = inside[0] * (part["values"].shape[1] // part["groups"]) if part["groups"] > 1 else 0
    row = 0 if part.get("single") else rows.index(inside[-2]) if inside[-2] in rows else None
    return None if row is None else [key, row, head + inside[-1] // part["block"]]


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
        | ({"of": "neuron"} if axes[-1] == "F" else {})
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
    """A side from its tokens to its last vectors: what is added up, every layer as a thumbnail, the
    last norm.
    """
    c, path = view.config, f"{side}.embed"
    added = [
        put_strip(view, found, f"{path}.{leaf}", leaf)
        for leaf in ("position", "segment")
        if f"{path}.{leaf}" in view.trace
    ]
    cells = min(max(THIN // c.layers(side), 3), 12)
    layers = [
        put_strip(view, found, f"{side}.{n}.out", f"layer {n}", cells=cells)
        for n in range(c.layers(side))
    ]
    return {
        "side": side,
        "token": put_strip(view, found, f"{path}.token", "token"),
        "added": added,
        "norm": norm_sign(view, f"{path}.norm.out") if c.embed_norm else None,
        "first": put_strip(view, found, f"{path}.out", "x") if added or c.embed_norm else None,
        "layers": layers,
        "chosen": view.layer if side == view.side else None,
        "last": norm_sign(view, f"{side}.norm.out") if c.final_norm else None,
        "out": put_strip(view, found, f"{side}.out", "in context"),
        "feeds": c.crosses and side == "encoder",
    }


def layer_parts(view, found: dict) -> dict:
    """The chosen layer with all its parts, in the order in which they run."""
    crosses = view.config.crosses and view.side == "decoder"
    parts = [
        attention_parts(
            view, found, view.at("attn"), put_strip(view, found, view.at("attn.in"), "x")
        )
    ]
    if crosses:
        parts.append(attention_parts(view, found, view.at("cross"), parts[-1]["ends"]))
    parts.append(feed_forward_parts(view, found, view.at("mlp"), parts[-1]["ends"]))
    return {
        "side": view.side,
        "layer": view.layer,
        "head": view.head,
        "of": view.config.n_heads,
        "parts": parts,
        "out": view.at("out"),
        "times": view.config.layers(view.side),
    }


def sublayer_parts(view, found: dict, path: str, before: str) -> dict:
    """What every part has: the stream before it, its norm before or after, its update, their sum,
    the stream after it.
    """
    first = view.config.norm_first
    normed = (
        put_strip(view, found, f"{path}.norm.out", "normed" if first else "x")
        if view.config.norm != "none" or first
        else None
    )
    total = put_strip(view, found, f"{path}.sum", "x" if first or not normed else "sum")
    return {
        "in": before,
        "first": first,
        "norm": norm_sign(view, f"{path}.norm.out"),
        "normed": normed,
        "sum": total,
        "out": put_strip(view, found, f"{path}.out", "update"),
        "ends": total if first or not normed else normed,
        "add": about(view.trace, f"{path}.sum").title,
    }


def attention_parts(view, found: dict, path: str, before: str) -> dict:
    """Attention of the chosen head, and all heads side by side."""
    trace, head, keys = view.trace, (view.head,), (view.key_head,)
    across = f"{path}.scores.biased" in trace
    return (
        {"kind": "cross" if path.endswith("cross") else "attention"}
        | sublayer_parts(view, found, path, before)
        | {
            "q": put_strip(view, found, f"{path}.q", "q", index=head),
            "k": put_strip(view, found, f"{path}.k", "k", index=keys),
            "v": put_strip(view, found, f"{path}.v", "v", index=keys),
            "turned": f"{path}.q.unrotated" in trace,
            "pattern": put_matrix(view, found, f"{path}.pattern", "attention", head),
            "mask": put_matrix(view, found, f"{path}.mask", "mask"),
            "bias": (
                put_matrix(view, found, f"{view.side}.relative", "distance", head)
                if across
                else None
            ),
            "z": put_strip(view, found, f"{path}.z", "z", index=head),
            "all": put_heads(view, found, f"{path}.z"),
            "memory": "encoder.out" if path.endswith("cross") else None,
        }
    )


def feed_forward_parts(view, found: dict, path: str, before: str) -> dict:
    """The neurons: before and after the activation, or gate and projection."""
    gated = view.config.gated
    activation = ACTIVATION_TITLES[view.config.activation]
    ways = (
        {f"{activation} gate": f"{path}.hidden.gate", "up": f"{path}.hidden.up"}
        if gated
        else {"W₁ · x": f"{path}.pre"}
    )
    return (
        {"kind": "mlp", "gated": gated, "activation": activation}
        | sublayer_parts(view, found, path, before)
        | {
            "ways": [put_strip(view, found, name, title) for title, name in ways.items()],
            "hidden": put_strip(view, found, f"{path}.hidden", "neurons"),
        }
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
                "sentence: mean of all",
                "Sentence vector: the mean of all tokens’ last vectors",
            )
        )
    for name, title, words in wanted:
        found["strips"][put_strip(view, found, name, title, cells=2 * CELLS)]["about"] = words
    return [name for name, *_ in wanted]


def title_of(config, token: str) -> str:
    """What the guesses are of: an encoder sees the word that it guesses, unless it is hidden."""
    return (
        "next word after"
        if config.decoder_layers
        else "hidden word at"
        if token == "[MASK]"
        else "its guess in place of"
    )


def output_parts(view, found: dict) -> dict:
    """The likeliest words after a token, or one vector for the whole text."""
    c, trace, side = view.config, view.trace, view.config.sides[-1]
    found_pooled = put_pooled(view, found)
    if not c.head or not np.isfinite(trace["head.probs"]).all():
        return {"side": side, "pooled": found_pooled, "words": [], "row": None}
    position = view.token if view.side == side and view.token in trace.rows else int(trace.rows[-1])
    row = int(np.flatnonzero(trace.rows == position)[0])
    ids, probs = next_tokens(trace, WORDS, row)
    return {
        "side": side,
        "pooled": found_pooled,
        "row": found["tokens"][side]["at"].index(position),
        "after": view.tokens(side)[position],
        "words": [
            {"word": view.word(i), "id": int(i), "share": float(p)}
            for i, p in zip(ids, probs, strict=True)
        ],
        "title": title_of(c, view.tokens(side)[position]),
        "of": c.n_vocab,
        "place": row,
    }
