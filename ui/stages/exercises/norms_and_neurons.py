"""Questions of the chapter Add, norm and feed-forward."""

from __future__ import annotations

import numpy as np

from core.text import number, root
from ui.session.navigation import ADD_AND_NORM, FEED_FORWARD
from ui.stages.exercises.exercise import Draw, Exercise, Place, Typed, of_each

CLEAR = 0.1  # of a length: by so much of the longer vector the other is shorter
NAMES = {"gelu": "GELU", "gelu_tanh": "GELU", "silu": "SiLU", "relu": "ReLU"}
WITHIN = 0.05
PARTS = ("attention", "feed-forward network")
ADDS = {"attn": "attention", "mlp": "the feed-forward network"}


def place(side: str, layer: int, t: int, sublayer: str) -> Place:
    """The page Add and norm at a token and a part of a layer."""
    at = {"side": side, "layer": layer, "token": t, "addnorm_sublayer": sublayer}
    return Place(ADD_AND_NORM, at)


def residual(d: Draw) -> Exercise | None:
    """The sum of a vector and an update, in one dimension."""
    side = d.side()
    layer, t, sublayer = d.layer(side), d.word(side), d.one("sublayer", tuple(ADDS))
    path = f"{side}.{layer}.{sublayer}"
    beside = d.config.parallel and sublayer == "mlp"
    source = f"{side}.{layer}.attn.sum" if beside else f"{path}.in"
    if t is None or not d.finite(f"{path}.sum", f"{path}.out", source):
        return None
    x_D, update_D = d.trace[source][t], d.trace[f"{path}.out"][t]
    clear = np.flatnonzero(
        (np.abs(x_D) > 0.1)
        & (np.abs(update_D) > 0.05)
        & (np.abs(x_D) < 9)
        & (np.abs(d.trace[f"{path}.sum"][t]) > 0.1)
    )
    if not len(clear):
        return None
    i = d.one("dimension", clear.tolist())
    total, x, update = (float(v) for v in (d.trace[f"{path}.sum"][t, i], x_D[i], update_D[i]))
    if abs(x + update - total) > 0.005:  # a family may add less than the whole update
        return None
    added = f"({number(update, 4)})" if update < 0 else number(update, 4)
    return Exercise(
        f"Dimension {i} of {d.named(side, t)} is {number(x, 4)}. In layer {layer}, {ADDS[sublayer]}"
        f" adds {number(update, 4)}. What does the stream hold then?",
        Typed(total, 0.02),
        "Nothing is replaced: what a part makes is an update.",
        f"{number(x, 4)} + {added} = **{number(total, 3)}**. What was there is still in the sum.",
        place(side, layer, t, sublayer),
        (f"{path}.sum", (t, i)),
    )


def longer_update(d: Draw) -> Exercise | None:
    """Which part of a layer adds the longer vector."""
    side = d.side()
    layer, t = d.layer(side), d.word(side)
    steps = [f"{side}.{layer}.{sublayer}.out.length" for sublayer in ADDS]
    if t is None or not d.finite(*steps):
        return None
    lengths = [float(d.trace[step][t]) for step in steps]
    if min(lengths) > (1 - CLEAR) * max(lengths):
        return None
    best = int(lengths[1] > lengths[0])
    size_PD = np.stack([np.abs(d.trace[step.removesuffix(".length")][t]) for step in steps])
    largest_3P = np.sort(size_PD, axis=1)[:, :-4:-1].T
    if (largest_3P[:, best] <= largest_3P[:, 1 - best]).any():
        return None  # the hint would mislead
    attention, neurons = (number(length, 3) for length in lengths)
    return Exercise(
        f"Which adds the longer update to {d.named(side, t)} in layer {layer}?",
        d.choice(PARTS, best),
        "A length is the root of the sum of squares, so the largest numbers make most of it. The"
        f" three largest of each update, without their signs: {of_each(PARTS, *largest_3P)}.",
        f"**{('Attention', 'The feed-forward network')[best]}**: the update of attention is"
        f" {attention} long, that of the network {neurons}.",
        place(side, layer, t, tuple(ADDS)[best]),
        (steps[best], (t,)),
    )


def standardised(d: Draw) -> Exercise | None:
    """What a norm makes of one number."""
    side = d.side()
    layer, t, sublayer = d.layer(side), d.word(side), d.one("sublayer", tuple(ADDS))
    path = f"{side}.{layer}.{sublayer}.norm"
    source = f"{side}.{layer}.{sublayer}.{'in' if d.config.norm_first else 'sum'}"
    if t is None or f"{path}.unit" not in d.trace or not d.finite(f"{path}.unit"):
        return None
    unit_D, scale = d.trace[f"{path}.unit"][t], float(d.trace[f"{path}.scale"][t])
    clear = np.flatnonzero((np.abs(unit_D) > 0.3) & (np.abs(unit_D) < 4))
    if not len(clear) or scale < 0.01:
        return None
    i = d.one("dimension", clear.tolist())
    value, x = float(unit_D[i]), float(d.trace[source][t, i])
    mean = float(d.trace[f"{path}.mean"][t]) if f"{path}.mean" in d.trace else None
    D, name = d.config.d_model, d.named(side, t)
    size = "their deviation" if mean is not None else "the root of their mean square"
    usual = f"the mean of all {D} numbers {number(mean, 3)}, " if mean is not None else ""
    less = number(x, 4) if mean is None else f"({number(x, 4)} − {bracketed(mean)})"
    return Exercise(
        f"Before a norm in layer {layer}, dimension {i} of {name} is {number(x, 4)},"
        f" {usual}{size} {number(scale, 4)}. What does it become, before gain and shift?",
        Typed(value, WITHIN),
        "A norm measures each number against all numbers of its token.",
        f"{less} / {number(scale, 4)} = **{number(value, 3)}**. Each number now says how unusual"
        " it is in its vector.",
        place(side, layer, t, sublayer),
        (f"{path}.unit", (t, i)),
    )


def bracketed(x: float) -> str:
    """A number after a minus sign."""
    return f"({number(x, 3)})" if x < 0 else number(x, 3)


def unit_length(d: Draw) -> Exercise | None:
    """How long every vector is in the middle of a norm."""
    side = d.side()
    layer, t = d.layer(side), d.word(side)
    path, D = f"{side}.{layer}.attn.norm", d.config.d_model
    before = f"{side}.{layer}.attn.{'in' if d.config.norm_first else 'sum'}"
    if t is None or not d.finite(f"{path}.unit", before):
        return None
    length, had = (float(np.linalg.norm(d.trace[step][t])) for step in (f"{path}.unit", before))
    words = dict.fromkeys(number(x, 3) for x in sorted((length, 1.0, float(D), had, length / 2)))
    near = abs(had - length) < 0.1 * length
    options = [word for word in words if not (near and word == number(had, 3) != number(length, 3))]
    if len(options) > 4:
        options.remove(number(length / 2, 3))
    right = options.index(number(length, 3))
    return Exercise(
        f"A norm in layer {layer} divides the {D} numbers of {d.named(side, t)} by their usual"
        " size. How long is the vector then, before gain and shift?",
        d.choice(options, right),
        "Its numbers now have a mean square of 1. A length is the root of the sum of squares.",
        f"**{number(length, 3)}**, whatever it was before (here {number(had, 3)}): {root(D)}.",
        place(side, layer, t, "attn"),
        (f"{path}.unit.length", (t,)),
    )


# --- neurons --------------------------------------------------------------------------------------


def bent(d: Draw) -> Exercise | None:
    """What the activation makes of one number."""
    side = d.side()
    layer, t, c = d.layer(side), d.word(side), d.config
    path = f"{side}.{layer}.mlp"
    after = f"{path}.{'hidden.gate' if c.gated else 'hidden'}"
    if t is None or not d.finite(f"{path}.pre", after):
        return None
    pre_F, hidden_F = d.trace[f"{path}.pre"][t], d.trace[after][t]
    clear = np.flatnonzero((pre_F < -0.2) & (pre_F > -3))
    if not len(clear):
        return None
    i = d.one("neuron", clear.tolist())
    pre, value = float(pre_F[i]), float(hidden_F[i])
    far = [x for x in (pre, -pre, 0.0, pre / 2) if abs(x - value) > 0.04]
    options = list(dict.fromkeys(number(x, 3) for x in sorted([value, *far[:3]])))
    if len(options) < 2:
        return None
    bend = NAMES[c.activation]
    return Exercise(
        f"For {d.named(side, t)}, neuron {i} of layer {layer} computes {number(pre, 3)}. What does"
        f" {bend} make of it?",
        d.choice(options, options.index(number(value, 3))),
        f"The curve of {bend} on Feed-forward shows what becomes of numbers below zero.",
        f"**{number(value, 3)}**. {story(c.activation)} Without this bend the two matrices would"
        " amount to one.",
        Place(
            FEED_FORWARD,
            {"side": side, "layer": layer, "token": t, "ff_neuron": i, "cards": "ff-activation"},
        ),
        (after, (t, i)),
    )


def story(activation: str) -> str:
    """What an activation does below zero."""
    if activation == "relu":
        return "ReLU sets all that is below zero to 0, so this neuron adds nothing."
    return f"Below zero {NAMES[activation]} leaves only a little."


def reads_alone(d: Draw) -> Exercise | None:
    """How many tokens a feed-forward network reads at a time."""
    side = d.side()
    layer, t, n = d.layer(side), d.word(side), len(d.view.tokens(side))
    if t is None or n < 2:
        return None
    answer = d.numbers(1, [n, d.config.n_heads, t + 1, 2])
    return answer and Exercise(
        f"To make its update of {d.named(side, t)}, the vectors of how many tokens does the"
        f" feed-forward network of layer {layer} read?",
        answer,
        "What moves from token to token has moved before, in attention.",
        f"**1**: only that of {d.named(side, t)}. The same network runs for each of the {n} tokens,"
        " alone.",
        Place(FEED_FORWARD, {"side": side, "layer": layer, "token": t, "cards": "ff-alone"}),
        None,
    )
