"""Questions of the chapter Layers and both stacks."""

from __future__ import annotations

import numpy as np

from core.text import counted, number, percent
from ui.kit.quiz import Quiz, quiz_of_most
from ui.session.navigation import CROSS_ATTENTION, ENCODER_AND_DECODER, LAYERS, WHY
from ui.stages.exercises.exercise import Draw, Exercise, Place, leads, of_each, two_largest
from ui.text import HIDING

A = {"encoder": "an encoder", "decoder": "a decoder"}
CLEAR = 0.02  # of a cosine
LOOKS = 0.05  # of an attention weight, a probability, or a share


def turns_most(d: Draw) -> Exercise | None:
    """Which layer turns a token's vector most."""
    side = d.side()
    t, layers = d.word(side), range(d.config.layers(side))
    steps = [f"{side}.{layer}.out.turned" for layer in layers]
    if t is None or len(steps) < 2 or not d.finite(*steps):
        return None
    alike_N = np.array([d.trace[step][t] for step in steps])
    answer = quiz_of_most(d.view, [f"layer {n}" for n in layers], 1 - alike_N, CLEAR)
    if answer is None or not leads(-alike_N, CLEAR):
        return None
    best, next_n = two_largest(-alike_N)
    offered = layers_of(answer)
    had_N, added_N = lengths_along(d, side, t)
    if int((added_N / had_N)[offered].argmax()) != offered.index(best):
        return None  # the hint would mislead
    return Exercise(
        f"Which layer turns the vector of {d.named(side, t)} most?",
        answer,
        "A short vector is turned by a long update. The length of the vector before each layer, and"
        f" of what the layer adds: {of_each(answer.options, had_N[offered], added_N[offered])}.",
        f"**Layer {best}**: the cosine of before and after is {number(alike_N[best], 3)}, in layer"
        f" {next_n} {number(alike_N[next_n], 3)}.",
        Place(LAYERS, {"side": side, "token": t}),
        (steps[best], (t,)),
    )


def layers_of(answer: Quiz) -> list[int]:
    """The layers that are offered."""
    return [int(option.split()[-1]) for option in answer.options]


def lengths_along(d: Draw, side: str, t: int) -> tuple[np.ndarray, np.ndarray]:
    """How long a token's vector is as it enters each layer, and what the layer adds to it, (N,)."""
    before, after = (
        np.stack([d.trace[f"{side}.{n}.{leaf}"][t] for n in range(d.config.layers(side))])
        for leaf in ("attn.in", "out")
    )
    return np.linalg.norm(before, axis=1), np.linalg.norm(after - before, axis=1)


def updates(d: Draw) -> Exercise | None:
    """How many updates a vector gets on its way."""
    side, c = d.side(), d.config
    t, N = d.word(side), c.layers(side)
    each = 3 if c.crosses and side == "decoder" else 2
    answer = d.numbers(each * N, d.shuffled("counts", [N, each * N + 1, N * c.n_heads, 3 * N - 1]))
    if t is None or answer is None:
        return None
    parts = (
        "attention, cross-attention and feed-forward" if each == 3 else "attention and feed-forward"
    )
    return Exercise(
        f"From the first to the last of {counted(N, 'layer')}, how many updates are added to the"
        f" vector of {d.named(side, t)}?",
        answer,
        "All heads of an attention write one update together.",
        f"**{each * N}**: in {'each' if N > 1 else 'the one'} layer one by each of {parts}.",
        Place(LAYERS, {"side": side, "token": t, "cards": "layers-added"}),
        None,
    )


def adds_most(d: Draw) -> Exercise | None:
    """In which layer attention adds most, measured by the vector's own length."""
    side = d.side()
    t, layers = d.word(side), range(d.config.layers(side))
    steps = [f"{side}.{layer}.attn.out.relative" for layer in layers]
    if t is None or len(steps) < 2 or not d.finite(*steps):
        return None
    share_N = np.array([d.trace[step][t] for step in steps])
    answer = quiz_of_most(d.view, [f"layer {n}" for n in layers], share_N, LOOKS)
    if answer is None or not leads(share_N, LOOKS):
        return None
    best, next_n = two_largest(share_N)
    offered = layers_of(answer)
    had_N, added_N = (
        np.array([np.linalg.norm(d.trace[f"{side}.{n}.attn.{leaf}"][t]) for n in layers])
        for leaf in ("in", "out")
    )
    return Exercise(
        f"In which layer does attention add most to {d.named(side, t)}, measured by the vector that"
        " is there already?",
        answer,
        "Divide one length by the other. The vector before each attention, and the update:"
        f" {of_each(answer.options, had_N[offered], added_N[offered])}.",
        f"**Layer {best}**: the update is {percent(share_N[best], 0)} as long as the vector, in"
        f" layer {next_n} {percent(share_N[next_n], 0)}.",
        Place(LAYERS, {"side": side, "token": t}),
        (steps[best], (t,)),
    )


def if_last(d: Draw) -> Exercise | None:
    """Which word would come out after a layer that is not the last."""
    side, c = d.config.sides[-1], d.config
    row = d.row()
    if row is None or c.layers(side) < 2:
        return None
    layer = d.one("layer", range(c.layers(side) - 1))
    step = f"{side}.{layer}.out.lens.probs.{row}"
    if not d.finite(step):
        return None
    probs_V, last_V = d.trace[step], d.trace["head.probs"][row]
    (best, next_v), (end, end_next) = two_largest(probs_V), two_largest(last_V)
    words = [d.view.word(i) for i in (end, next_v, end_next, *np.argsort(-probs_V)[2:5])]
    answer = d.shuffle(d.view.word(best), words)
    if answer is None or probs_V[best] - probs_V[next_v] < LOOKS:
        return None
    t = int(d.trace.rows[row])
    same = (
        "as after the last layer" if best == end else (f"after the last layer it is {d.says(end)}")
    )
    return Exercise(
        f"If layer {layer} were the last, which word would come first {at_word(d, side, t)}?",
        answer,
        "The logit lens reads the vector early: how much of the sentence has it taken in by then?",
        f"{d.says(best)}, with {percent(probs_V[best], 0)}; {same}.",
        Place(WHY, {"cards": "why-lens"}, (row, end)),
        (step, (best,)),
    )


def at_word(d: Draw, side: str, t: int) -> str:
    """Where a guess stands: after a token, at it, or in the place of one that hides a word."""
    if side == "decoder":
        return f"after {d.named(side, t)}"
    hides = d.view.tokens(side)[t] in HIDING
    return f"{'in the place of' if hides else 'at'} {d.named(side, t)}"


# --- both stacks ----------------------------------------------------------------------------------


def other_mask(d: Draw) -> Exercise | None:
    """How many tokens another could see in a model of the other kind."""
    (side, *both), c = d.config.sides, d.config
    t, n = d.word(side, 1, 1), len(d.view.tokens(side))
    if both or t is None or d.view.mask != "trained" or c.windows != (None,):
        return None
    other = "encoder" if side == "decoder" else "decoder"
    counts = {"encoder": n, "decoder": t + 1}
    answer = d.numbers(counts[other], [counts[side], n - t, t, n - 1])
    rule = (
        "every token sees the whole text"
        if other == "encoder"
        else ("a token sees itself and what came before")
    )
    return answer and Exercise(
        f"This model is {A[side]}. In {A[other]}, how many of these {n} tokens might"
        f" {d.named(side, t)}, token {t}, look at?",
        answer,
        "The two differ by their mask. The page shows one beside the other.",
        f"**{counts[other]}**: in {A[other]} {rule}. Here it is {counts[side]}.",
        Place(ENCODER_AND_DECODER, {"side": side, "token": t, "mask": other}),
        (f"{side}.0.attn.mask.seen", (t,)),
        {"mask": other},
    )


def keys_across(d: Draw) -> Exercise | None:
    """Among how many keys a query of cross-attention chooses."""
    if not d.config.crosses:
        return None
    read, written = (len(d.view.tokens(side)) for side in ("encoder", "decoder"))
    t, layer = d.word("decoder", 1), d.layer("decoder")
    answer = d.numbers(read, [written, read + written, (t or 0) + 1, read - 1])
    if t is None or answer is None:
        return None
    return Exercise(
        f"In cross-attention, {d.named('decoder', t)} makes a query. Among how many keys does it"
        " choose?",
        answer,
        "Who makes the queries across, and who makes the keys?",
        f"**{read}**: one for each token that the encoder has read. The {written} of the decoder"
        " only ask.",
        Place(CROSS_ATTENTION, {"side": "decoder", "layer": layer, "token": t}),
        (f"decoder.{layer}.cross.mask.seen", (t,)),
    )


def looks_across(d: Draw) -> Exercise | None:
    """Which token that was read a written one looks at most."""
    if not d.config.crosses:
        return None
    layer, head, t = d.layer("decoder"), d.head(), d.word("decoder")
    step = f"decoder.{layer}.cross.pattern"
    if t is None or not d.finite(step):
        return None
    weight_M = d.trace[step][head, t]
    answer = quiz_of_most(d.view, d.view.names_of("encoder"), weight_M, LOOKS)
    if answer is None or not leads(weight_M, LOOKS):
        return None
    best, next_m = two_largest(weight_M)
    offered = [d.view.names_of("encoder").index(option) for option in answer.options]
    score_M = d.trace[f"decoder.{layer}.cross.scores"][head, t]
    return Exercise(
        f"At which token of your text does {d.named('decoder', t)} look most, in cross-attention"
        f" head {head} of layer {layer}?",
        answer,
        "The decoder is about to write the next word. What must it know for that? The scores:"
        f" {of_each([d.named('encoder', m) for m in offered], score_M[offered])}.",
        f"{d.named('encoder', best)} gets {percent(weight_M[best], 0)},"
        f" {d.named('encoder', next_m)}, the next, {percent(weight_M[next_m], 0)}.",
        Place(CROSS_ATTENTION, {"side": "decoder", "layer": layer, "head": head, "token": t}),
        (step, (head, t, best)),
    )
